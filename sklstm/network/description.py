"""The LSTM on paper: its description, initial weights and forward pass, in NumPy."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import special

from sklstm._threads import granted_threads, one_blas_thread

# Keras' activations by their Keras names: https://keras.io/api/layers/activations. The units are on
# the last axis but one.
ACTIVATIONS = {
    "celu": lambda x: np.maximum(x, 0) + np.expm1(np.minimum(x, 0)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "exponential": np.exp,
    "gelu": lambda x: x * special.ndtr(x),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "log_softmax": lambda x: special.log_softmax(x, axis=-2),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": lambda x: special.softmax(x, axis=-2),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x < 1, (np.clip(x, -1, 1) + 1) ** 2 / 4, x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
}
ACTIVATIONS["hard_swish"] = ACTIVATIONS["hard_silu"]
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]

# Windows computed together: the buffers of one step stay in a core's cache.
CHUNK = 512

# Windows multiplied together: see _cut_product. With 50 units 16 were a tenth faster for many
# windows, 8 a quarter faster for one (measured).
BLOCK = 8


@dataclass(frozen=True)
class Network:
    """Stacked LSTM layers and a dense output layer.

    Its weights are a list of arrays in Keras' order and layout: for each LSTM cell the kernel
    `(n_inputs, 4 * units)`, the recurrent kernel `(units, 4 * units)` and the bias
    `(4 * units,)`, gates in the order input, forget, candidate, output; then the kernel
    `(n_states, n_outputs)` and the bias `(n_outputs,)` of the output layer. A layer has one cell,
    or, if it is bidirectional, one that reads the steps forwards and one that reads them backwards.

    With an `anchor`, a column for each output, the network reads these columns relative to their
    values in the last real row of the window.
    """

    n_features: int
    units: tuple[int, ...]
    activation: str
    n_outputs: int
    segment: int = 1
    bidirectional: bool = False
    anchor: tuple[int, ...] | None = None

    @property
    def n_directions(self):
        """Cells in each layer."""
        return 1 + self.bidirectional

    @property
    def cells(self):
        """Inputs and units `(n_inputs, units)` of every cell, layer by layer."""
        n_inputs, cells = self.n_features * self.segment, []
        for units in self.units:
            cells += [(n_inputs, units)] * self.n_directions
            n_inputs = units * self.n_directions
        return cells

    @property
    def relative_columns(self):
        """Columns read relative to the last real row, each once."""
        return sorted(set(self.anchor or ()))


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


def predict(network, weights, windows, mean, scale):
    """Compute the outputs `(n_windows, n_outputs)`, float32, of standardised windows.

    `mean` and `scale`, `(n_features,)`, standardise the rows chunk by chunk. A window's output
    does not depend, to the last bit, on the windows beside it.
    """
    n_windows = len(windows.starts)

    def predict_chunk(start):
        x = (windows.gather(slice(start, start + CHUNK)) - mean) / scale
        for column in network.relative_columns:
            x[:, :, column] -= _find_last(x, column)
        return forward(network, weights, x.astype(np.float32))

    if n_windows <= CHUNK:
        return predict_chunk(0)
    chunks = range(0, n_windows, CHUNK)
    with ThreadPoolExecutor(min(len(chunks), granted_threads())) as executor:
        return np.concatenate(list(executor.map(predict_chunk, chunks)))


def _find_last(x, column):
    """Read a column in the last real step of each window, 0 where no step is real: `(n, 1)`."""
    real = ~np.isnan(x).any(axis=2)
    last = x.shape[1] - 1 - real[:, ::-1].argmax(axis=1)
    return np.where(real.any(axis=1), x[np.arange(len(x)), last, column], 0)[:, np.newaxis]


def forward(network, weights, x):
    """Compute the outputs `(n_windows, n_outputs)` of `x`, `(n_windows, n_rows, n_features)`.

    The state passes over a step with a missing value unchanged. All arrays inside are cut into
    blocks of windows, `(n_blocks, ..., block)`.
    """
    n_windows = len(x)
    x = x.reshape(n_windows, -1, network.segment * network.n_features)
    padded = np.zeros((n_windows + -n_windows % BLOCK, *x.shape[1:]), dtype=np.float32)
    padded[:n_windows] = x
    steps = padded.reshape(-1, BLOCK, *x.shape[1:]).transpose(2, 0, 3, 1)
    real = ~np.isnan(steps).any(axis=2, keepdims=True)
    steps = np.where(real, steps, 0)
    activation = ACTIVATIONS[network.activation]
    *cells, (kernel, bias) = _group_cells(weights)
    if network.bidirectional:
        state = _read_both_ways(steps, real, cells, activation)
    else:
        for cell in cells:
            steps = _lstm(steps, real, *cell, activation)
        *_, state = steps  # the layers work step by step: no layer's whole output is ever held
    outputs = np.empty((len(state), len(bias), BLOCK), dtype=np.float32)
    for part, out in _cut_product(kernel.T, outputs):
        np.matmul(part, state, out=out)
    return outputs.swapaxes(1, 2).reshape(-1, len(bias))[:n_windows] + bias


def _group_cells(weights):
    """Group the weights: three for each cell, two for the output layer."""
    return [weights[first : first + 3] for first in range(0, len(weights), 3)]


def _read_both_ways(steps, real, cells, activation):
    """Return the states of the last layer's two cells, each after the last step that it reads."""
    for forward_cell, backward_cell in zip(cells[::2], cells[1::2], strict=True):
        ahead = [h.copy() for h in _lstm(steps, real, *forward_cell, activation)]
        back = [h.copy() for h in _lstm(steps[::-1], real[::-1], *backward_cell, activation)]
        steps = [np.concatenate(pair, axis=1) for pair in zip(ahead, back[::-1], strict=True)]
    return np.concatenate([ahead[-1], back[-1]], axis=1)


def _lstm(steps, real, kernel, recurrent_kernel, bias, activation):
    """Yield the hidden state `(n_blocks, units, block)` after each step.

    `steps` gives each step's inputs `(n_blocks, n_inputs, block)`; `real`, `(n_steps, n_blocks,
    1, block)`, is False where a step is skipped (Hochreiter & Schmidhuber, 1997; Gers et al.,
    2000).
    """
    n_inputs, units = len(kernel), len(recurrent_kernel)
    _, n_blocks, _, block = real.shape
    joint_kernel = _reorder_gates(np.vstack([kernel, recurrent_kernel, bias])).T
    joined = np.zeros((n_blocks, n_inputs + units + 1, block), dtype=np.float32)
    joined[:, -1] = 1  # so that the product adds the bias
    h = joined[:, n_inputs:-1]
    c = np.zeros_like(h)
    gates = np.empty((n_blocks, 4 * units, block), dtype=np.float32)
    sigmoids = gates[:, : 3 * units]  # of twice their argument: see _reorder_gates
    i, f, o, g = np.split(gates, 4, axis=1)
    parts = _cut_product(joint_kernel, gates)
    for x, real_step, all_real in zip(steps, real, real.all(axis=(1, 2, 3)), strict=True):
        before = None if all_real else (h.copy(), c.copy())
        joined[:, :n_inputs] = x
        for part, out in parts:
            np.matmul(part, joined, out=out)
        np.tanh(sigmoids, out=sigmoids)
        sigmoids *= 0.5
        sigmoids += 0.5
        c *= f
        c += np.multiply(i, activation(g), out=i)
        np.multiply(o, activation(c), out=h)
        if before is not None:
            np.copyto(h, before[0], where=~real_step)
            np.copyto(c, before[1], where=~real_step)
        yield h


def _reorder_gates(kernel):
    """Bring Keras' gates i, f, g, o into the order i, f, o, g and halve the sigmoids' columns.

    So the sigmoids are contiguous and `sigmoid(z) = tanh(z / 2) / 2 + 1 / 2` needs no division.
    """
    i, f, g, o = np.split(kernel, 4, axis=1)
    return np.hstack([i / 2, f / 2, o / 2, g])


def _cut_product(kernel, out):
    """Cut `kernel`, `(n_outputs, n_inputs)`, and `out`, `(n_blocks, n_outputs, block)`, in parts.

    BLAS rounds differently for different shapes and numbers of threads, and float32 would show
    it. So windows are multiplied in blocks of one shape, whatever their number, and the kernel
    in parts that are too small for OpenBLAS to start threads, 2 ** 18 multiplications. (Its
    threads would also disturb ours: measured, twice as slow.)
    """
    n_rows = max(1, 2**18 // (kernel.shape[1] * out.shape[2]))
    starts = range(0, len(kernel), n_rows)
    return [(kernel[start : start + n_rows], out[:, start : start + n_rows]) for start in starts]
