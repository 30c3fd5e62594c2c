"""The gradient of the loss by the weights, for some windows: what XLA compiles."""

import functools
import math

from sklstm.training.recurrence import multiply, read_steps
from sklstm.training.tensorflow import import_tensorflow


@functools.lru_cache(16)
def build_shard_gradient(network, n_rows, shard_size, loss, cudnn, jit_compile):
    """Build the compiled function: a shard's part of the loss, and its gradient, flattened.

    Programs that differ in nothing that it reads share it; `n_rows` and `shard_size` stand for
    the shapes that it is compiled for.
    """
    tf, _ = import_tensorflow()
    compute_loss = get_loss(loss)
    forward = _build_keras_forward(network) if cudnn else build_forward(network)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def shard_gradient(weights, steps, real, values, shares, masks, mean, scale, quantile):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = forward(weights, steps, real, masks) * scale + mean
            share = tf.reduce_sum(shares * compute_loss(values, outputs, quantile))
        return share, flatten(tape.gradient(share, weights))

    return shard_gradient


def flatten(tensors):
    """Flatten several tensors into one."""
    tf, _ = import_tensorflow()
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)


def unflatten(flat, shapes):
    """Undo `flatten`."""
    tf, _ = import_tensorflow()
    parts = tf.split(flat, [math.prod(shape) for shape in shapes])
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def get_loss(name):
    """Get a function of values, outputs and quantile that gives one loss for each window.

    It is the mean over the outputs. A missing value (NaN) adds nothing to it.
    """
    tf, _ = import_tensorflow()
    compute_loss = _get_loss_of_values(name)

    def compute_losses(values, outputs, quantile):
        known = ~tf.math.is_nan(values)
        # Of two zeros every loss and its gradient are finite, whatever the output was.
        values, outputs = (tf.where(known, array, 0.0) for array in (values, outputs))
        losses = compute_loss(values[..., tf.newaxis], outputs[..., tf.newaxis], quantile)
        return tf.reduce_mean(tf.where(known, losses, 0.0), axis=-1)

    return compute_losses


def _get_loss_of_values(name):
    """Get a loss as a mean over the last axis, which Keras takes."""
    _, keras = import_tensorflow()
    if name == "quantile":
        return _compute_quantile_loss
    if name == "poisson":
        return _compute_poisson_loss
    compute_loss = keras.losses.get(name)
    return lambda values, outputs, _: compute_loss(values, outputs)


def _compute_quantile_loss(values, outputs, quantile):
    """Average the pinball loss (Koenker and Bassett, 1978) over the last axis."""
    tf, _ = import_tensorflow()
    residual = values - outputs
    return tf.reduce_mean(tf.maximum(quantile * residual, (quantile - 1) * residual), axis=-1)


def _compute_poisson_loss(values, outputs, _):
    """Average Keras' Poisson loss of `exp(outputs)` likewise; no exponential overflows."""
    tf, _ = import_tensorflow()
    return tf.reduce_mean(tf.exp(outputs) - values * outputs, axis=-1)


def build_forward(network):
    """Build what `network.forward.forward` does, for TensorFlow to differentiate.

    It takes steps `(n_steps, n_windows, n_inputs)`, which of them are real, `(n_steps, n_windows,
    1)`, and the masks of dropout side by side, `(n_windows, ...)`.
    """
    tf, keras = import_tensorflow()
    activation = keras.activations.get(network.activation)
    widths = [width for cell in network.cells for width in cell]

    def forward(weights, steps, real, masks):
        *cells, (kernel, bias) = _group(weights, 3)
        masks = _group(tf.split(masks, widths, axis=1), 2)
        for layer in _group(list(zip(cells, masks, strict=True)), network.n_directions):
            states, last = read_steps(steps, real, *layer[0], activation)
            if network.bidirectional:
                back, first = read_steps(steps[::-1], real[::-1], *layer[1], activation)
                states = tf.concat([states, back[::-1]], axis=2)
                last = tf.concat([last, first], axis=1)
            steps = states
        return multiply(last, kernel) + bias

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
    settings = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros", "seed": 0}
    layers = [  # which draw nothing so: without a seed Keras draws one from Python's `random`
        keras.layers.LSTM(
            units, return_sequences=index < len(network.cells), dtype="float32", **settings
        )
        for index, (_, units) in enumerate(network.cells, start=1)
    ]
    for layer, (n_inputs, _) in zip(layers, network.cells, strict=True):
        layer.build((None, None, n_inputs))

    def forward(weights, steps, real, masks):
        steps, real = tf.transpose(steps, (1, 0, 2)), tf.transpose(real[:, :, 0])
        some = tf.reduce_any(real, axis=1, keepdims=True)
        order = tf.argsort(tf.cast(~real, tf.int32), axis=1, stable=True)
        steps = tf.gather(steps, order, batch_dims=1)
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
