"""The gradient of the loss by the weights, for some windows: what XLA compiles."""

import functools

from sklstm._tensorflow import import_tensorflow, kept_random_states


@functools.lru_cache(16)
def build_shard_gradient(network, n_rows, shard_size, loss, cudnn, jit_compile):
    """Build the compiled function: a shard's share in the loss, and its gradient.

    Programs that differ in nothing that it reads share it; `n_rows` and `shard_size` stand for
    the shapes that it is compiled for.
    """
    tf, _ = import_tensorflow()
    compute_loss = get_loss(loss)
    forward = _build_keras_forward(network) if cudnn else build_forward(network)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def shard_gradient(weights, x, real, values, shares, masks, mean, scale, quantile):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = forward(weights, x, real, masks) * scale + mean
            share = tf.reduce_sum(shares * compute_loss(values, outputs, quantile))
        return share, tape.gradient(share, weights)

    return shard_gradient


def get_loss(name):
    """Get a function of values, outputs and quantile that gives one loss for each window."""
    _, keras = import_tensorflow()
    if name == "quantile":
        return _compute_quantile_loss
    compute_loss = keras.losses.get(name)
    return lambda values, outputs, _: compute_loss(values, outputs)


def _compute_quantile_loss(values, outputs, quantile):
    """Average the pinball loss (Koenker and Bassett, 1978) over the outputs."""
    tf, _ = import_tensorflow()
    residual = values - outputs
    return tf.reduce_mean(tf.maximum(quantile * residual, (quantile - 1) * residual), axis=-1)


def build_forward(network):
    """Build what `_network.forward` does, for TensorFlow to differentiate."""
    tf, keras = import_tensorflow()
    activation = keras.activations.get(network.activation)
    widths = [width for cell in network.cells for width in cell]

    def forward(weights, x, real, masks):
        *cells, (kernel, bias) = _group(weights, 3)
        masks = _group(tf.split(masks, widths, axis=1), 2)
        layers = _group(list(zip(cells, masks, strict=True)), network.n_directions)
        steps, real = tf.transpose(x, (1, 0, 2)), tf.transpose(real, (1, 0, 2)) > 0
        for index, layer in enumerate(layers, start=1):
            every_step = index < len(layers)
            states, last = zip(
                *(
                    _lstm(steps, real, *cell, activation, every_step, backwards)
                    for backwards, cell in enumerate(layer)
                ),
                strict=True,
            )
            steps = tf.concat(states, axis=2) if every_step else None
        return tf.concat(last, axis=1) @ kernel + bias

    return forward


def _group(items, size):
    return [items[first : first + size] for first in range(0, len(items), size)]


def _build_keras_forward(network):
    """Build the same of stock Keras layers, which take cuDNN's kernel on a GPU.

    cuDNN wants the real steps of a window first, and one at least. Their order is kept, so the
    state is the same; without any, it is the initial one, zero.
    """
    tf, keras = import_tensorflow()
    widths = [width for cell in network.cells for width in cell]
    with kept_random_states():
        layers = [
            keras.layers.LSTM(units, return_sequences=index < len(network.cells), dtype="float32")
            for index, (_, units) in enumerate(network.cells, start=1)
        ]
        for layer, (n_inputs, _) in zip(layers, network.cells, strict=True):
            layer.build((None, None, n_inputs))

    def forward(weights, x, real, masks):
        real = real[:, :, 0] > 0
        some = tf.reduce_any(real, axis=1, keepdims=True)
        order = tf.argsort(tf.cast(~real, tf.int32), axis=1, stable=True)
        steps = tf.gather(x, order, batch_dims=1)
        mask = tf.gather(real, order, batch_dims=1)
        mask = tf.concat([tf.ones_like(some), mask[:, 1:]], axis=1)
        *cells, (kernel, bias) = _group(weights, 3)
        input_masks = tf.split(masks, widths, axis=1)[::2]
        for layer, cell, input_mask in zip(layers, cells, input_masks, strict=True):
            unused = layer.non_trainable_variables  # the seed of dropout
            steps *= input_mask[:, tf.newaxis]
            steps, _ = layer.stateless_call(cell, unused, steps, mask=mask)
        return tf.where(some, steps, 0.0) @ kernel + bias

    return forward


def _lstm(steps, real, weights, masks, activation, every_step, backwards):
    """Return the hidden states `(n_steps, n_windows, units)`, if asked for, and the last one.

    One product per step for the inputs and one for the state: of their joined arrays, of all
    steps' inputs beforehand, or with a gradient written by hand, it was 3 to 30 % slower.
    """
    tf, _ = import_tensorflow()
    kernel, recurrent_kernel, bias = weights
    input_mask, state_mask = masks
    n_steps, n_windows = steps.shape[:2]
    zeros = tf.zeros((n_windows, recurrent_kernel.shape[0]))
    steps = steps * input_mask

    def step(count, h, c, *states):
        t = n_steps - 1 - count if backwards else count
        gates = _multiply(steps[t], kernel) + _multiply(h * state_mask, recurrent_kernel) + bias
        i, f, g, o = tf.split(gates, 4, axis=1)
        c_next = tf.sigmoid(f) * c + tf.sigmoid(i) * activation(g)
        h_next = tf.sigmoid(o) * activation(c_next)
        here = real[t]
        h, c = tf.where(here, h_next, h), tf.where(here, c_next, c)
        return count + 1, h, c, *(array.write(t, h) for array in states)

    arrays = [tf.TensorArray(tf.float32, n_steps, element_shape=zeros.shape)] * every_step
    _, h, _, *states = tf.while_loop(
        lambda count, *_: count < n_steps,
        step,
        (0, zeros, zeros, *arrays),
        maximum_iterations=n_steps,
    )
    return states[0].stack() if every_step else None, h


def _multiply(x, kernel):
    """Multiply in parts too small for XLA to split them by the number of threads.

    It would round differently: seen with 256 units and with 600 features, in the product or in
    its gradient.
    """
    tf, _ = import_tensorflow()
    n_inputs, n_outputs = kernel.shape
    if n_inputs <= 256 and n_outputs <= 512 and n_inputs * n_outputs <= 2**16:
        return x @ kernel
    inner = [slice(start, start + 256) for start in range(0, n_inputs, 256)]
    outer = [slice(start, start + 256) for start in range(0, n_outputs, 256)]
    return tf.concat([tf.add_n([x[:, i] @ kernel[i, o] for i in inner]) for o in outer], axis=1)
