"""The weights that a training starts with."""

import numpy as np

from sklstm._threads import one_blas_thread


def initial_weights(network, random_state):
    """Draw float32 weights as Keras does: Glorot uniform kernels, orthogonal recurrent kernels.

    The biases are 0, those of the forget gates 1 (Jozefowicz et al., 2015).
    """
    weights = []
    for n_inputs, units in network.cells:
        forget_bias = np.zeros(4 * units)
        forget_bias[units : 2 * units] = 1
        kernel = _glorot_uniform(n_inputs, 4 * units, random_state)
        weights += [kernel, _orthogonal(units, 4 * units, random_state), forget_bias]
    n_states = network.units[-1] * network.n_directions
    kernel = _glorot_uniform(n_states, network.n_outputs, random_state)
    weights += [kernel, np.zeros(network.n_outputs)]
    return [array.astype(np.float32) for array in weights]


def _glorot_uniform(n_inputs, n_outputs, random_state):
    limit = np.sqrt(6 / (n_inputs + n_outputs))
    return random_state.uniform(-limit, limit, (n_inputs, n_outputs))


def _orthogonal(n_rows, n_columns, random_state):
    """Draw orthonormal rows, uniformly (Mezzadri, 2007)."""
    gaussian = random_state.normal(size=(n_columns, n_rows))
    with one_blas_thread():
        q, r = np.linalg.qr(gaussian)
    return (q * np.sign(np.diag(r))).T
