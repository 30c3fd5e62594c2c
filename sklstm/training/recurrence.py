"""An LSTM cell read over the steps of windows, by TensorFlow, and its gradient."""

from typing import NamedTuple

from sklstm.training.tensorflow import import_tensorflow


def read_steps(steps, real, weights, masks, activation):
    """Return the hidden states `(n_steps, n_windows, units)`, and the last of them.

    The gradient of a last one cut out of all would be filled up with zeros for all the others.
    The gradient is written out here (Greff et al., 2017): TensorFlow would sum that of the kernels
    step by step, where a product of several steps at once is faster. Measured: a sixth less time
    an epoch with 16 and 50 units, a quarter less with 20 features.

    TensorFlow keeps what `read` returns for ever, and thereby the graph, 4 MB, unless it is emptied
    after the gradient, which is computed once.
    """
    tf, _ = import_tensorflow()
    input_mask, state_mask = masks

    @tf.custom_gradient
    def read(steps, *weights):
        *outputs, past = _read_forwards(steps, real, weights, state_mask, activation)
        arguments = [steps, real, past, weights, state_mask, activation]

        def compute_gradient(*gradients):
            gradient = _read_backwards(gradients, *arguments)
            outputs.clear()
            arguments.clear()
            return gradient

        return outputs, compute_gradient

    return read(steps * input_mask, *weights)


class _Past(NamedTuple):
    """What the gradient needs of every step, `(n_steps, n_windows, ...)`."""

    masked: object  # hidden state before the step, times the mask of dropout
    c: object  # cell state before the step
    sigmoids: object  # input and forget gate, side by side
    o: object  # output gate
    z: object  # candidate before its activation
    g: object  # candidate
    a: object  # activation of the cell state after the step


def _read_forwards(steps, real, weights, state_mask, activation):
    """Return the states, the last of them, and what the gradient needs.

    One product for the inputs and one for the state: of their joined arrays, or of all steps'
    inputs beforehand, it was 3 to 30 % slower (measured with TensorFlow's own gradient).
    """
    tf, _ = import_tensorflow()
    kernel, recurrent_kernel, bias = weights
    (n_steps, n_windows, _), units = steps.shape, recurrent_kernel.shape[0]

    def step(t, h, c, states, past):
        masked = h * state_mask
        gates = multiply(steps[t], kernel) + multiply(masked, recurrent_kernel) + bias
        sigmoids, z, o = tf.split(gates, (2 * units, units, units), axis=1)
        sigmoids, o = tf.sigmoid(sigmoids), tf.sigmoid(o)
        i, f = tf.split(sigmoids, 2, axis=1)
        g = activation(z)
        c_next = f * c + i * g
        a = activation(c_next)
        now = _Past(masked, c, sigmoids, o, z, g, a)
        past = _Past(*(array.write(t, value) for array, value in zip(past, now, strict=True)))
        here = real[t]
        h, c = tf.where(here, o * a, h), tf.where(here, c_next, c)
        return t + 1, h, c, states.write(t, h), past

    def make_array(width):
        return tf.TensorArray(tf.float32, n_steps, element_shape=(n_windows, width))

    zeros, array = tf.zeros((n_windows, units)), make_array(units)
    past = _Past(*[array] * len(_Past._fields))._replace(sigmoids=make_array(2 * units))
    _, h, _, states, past = tf.while_loop(
        lambda t, *_: t < n_steps, step, (0, zeros, zeros, array, past)
    )
    return states.stack(), h, _Past(*(array.stack() for array in past))


def _read_backwards(gradients, steps, real, past, weights, state_mask, activation):
    """Return the gradient by the steps and by the three weights."""
    tf, _ = import_tensorflow()
    states_gradient, last_gradient = gradients
    kernel, recurrent_kernel, _ = weights
    (n_steps, n_windows, n_inputs), units = steps.shape, recurrent_kernel.shape[0]
    inputs = tf.concat([steps, past.masked, tf.ones_like(steps[:, :, :1])], axis=2)
    n_joint, n_gates = inputs.shape[2], 4 * units
    n_together = _count_together(n_steps, n_windows)
    n_blocks, n_rows = n_steps // n_together, n_together * n_windows
    inputs = tf.reshape(inputs, (n_blocks, n_rows, n_joint))
    back_to_inputs, back_to_state = tf.transpose(kernel), tf.transpose(recurrent_kernel)

    def read_block(count, dh, dc, joint_gradient, steps_gradient):
        block = n_blocks - 1 - count

        def step(count, dh, dc, gates_gradient):
            place = n_together - 1 - count
            t = block * n_together + place
            now = _Past(*(array[t] for array in past))
            dh, dc, gates = _step_back(dh + states_gradient[t], dc, now, real[t], activation)
            dh += multiply(gates, back_to_state) * state_mask
            return count + 1, dh, dc, gates_gradient.write(place, gates)

        gates = tf.TensorArray(tf.float32, n_together, element_shape=(n_windows, n_gates))
        _, dh, dc, gates = tf.while_loop(
            lambda count, *_: count < n_together, step, (0, dh, dc, gates)
        )
        gates = tf.reshape(gates.stack(), (n_rows, n_gates))
        joint_gradient += tf.matmul(inputs[block], gates, transpose_a=True)
        steps_gradient = steps_gradient.write(block, multiply(gates, back_to_inputs))
        return count + 1, dh, dc, joint_gradient, steps_gradient

    start = tf.zeros((n_joint, n_gates))
    steps_gradient = tf.TensorArray(tf.float32, n_blocks, element_shape=(n_rows, n_inputs))
    *_, joint_gradient, steps_gradient = tf.while_loop(
        lambda count, *_: count < n_blocks,
        read_block,
        (0, last_gradient, tf.zeros_like(last_gradient), start, steps_gradient),
    )
    *kernels, bias = tf.split(joint_gradient, (n_inputs, units, 1))
    return tf.reshape(steps_gradient.stack(), steps.shape), *kernels, bias[0]


def _step_back(dh, dc, past, real, activation):
    """Return the gradient by the states before a step and by the gates before their activations.

    That by the hidden state lacks what comes through the gates.
    """
    tf, _ = import_tensorflow()
    c, sigmoids, o = past.c, past.sigmoids, past.o
    z, g, a = past.z, past.g, past.a
    i, f = tf.split(sigmoids, 2, axis=1)
    real_dh = tf.where(real, dh, 0.0)
    dc_next = tf.where(real, dc, 0.0) + _derive(activation, f * c + i * g, a, real_dh * o)
    gates = [
        dc_next * g * i * (1 - i),
        dc_next * c * f * (1 - f),
        _derive(activation, z, g, dc_next * i),
        real_dh * a * o * (1 - o),
    ]
    return tf.where(real, 0.0, dh), tf.where(real, dc_next * f, dc), tf.concat(gates, axis=1)


def _derive(activation, x, y, gradient):
    """Return the gradient by `x` from that by `y`, its activation.

    The usual one is not computed again, which made compiling 5 to 25 % faster (measured with 50
    and 16 units), the epochs hardly.
    """
    tf, keras = import_tensorflow()
    if activation is keras.activations.tanh:
        return gradient * (1 - y * y)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = activation(x)
    return tape.gradient(y, x, gradient)


# With several threads XLA cuts long sums and large products, which rounds them differently. With 1
# to 16 threads it never did for sums of 128 terms and up to 512 columns on the right, nor for a
# right side of 2 ** 15 numbers (1,600 shapes were tried; the first to differ had 49,152), nor, with
# the left side transposed, for sums of 128 terms and up to 2,048 columns.
_TERMS = 128
_COLUMNS = 512
_NUMBERS = 2**15


def multiply(x, kernel):
    """Multiply, with any number of threads to the same bits."""
    tf, _ = import_tensorflow()
    n_terms, n_outputs = kernel.shape
    if n_terms * n_outputs <= _NUMBERS:
        return x @ kernel
    inner = [slice(start, start + _TERMS) for start in range(0, n_terms, _TERMS)]
    outer = [slice(start, start + _COLUMNS) for start in range(0, n_outputs, _COLUMNS)]
    return tf.concat([tf.add_n([x[:, i] @ kernel[i, o] for i in inner]) for o in outer], axis=1)


def _count_together(n_steps, n_windows):
    """Count the steps whose products are summed at once, a divisor of their number."""
    most = max(1, _TERMS // n_windows)
    return max(n for n in range(1, min(most, n_steps) + 1) if n_steps % n == 0)
