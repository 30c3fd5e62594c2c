"""The forward pass, in NumPy."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sklstm._threads import granted_threads
from sklstm.network.activations import ACTIVATIONS
from sklstm.network.reading import read_windows
from sklstm.windows.rows import find_last_rows

# Windows computed together: the buffers of one step stay in a core's cache.
CHUNK = 512

# Windows multiplied together: see _cut_product. With 50 units 16 were a tenth faster for many
# windows, 8 a quarter faster for one (measured).
BLOCK = 8


def predict(network, weights, windows, scales):
    """Compute the outputs `(n_windows, n_outputs)`, float32, of windows in their own units.

    A window's output does not depend, to the last bit, on the windows beside it.
    """
    n_windows = len(windows.starts)
    last_rows = None if network.anchor is None else find_last_rows(windows)

    def predict_chunk(start):
        chunk = slice(start, start + CHUNK)
        return forward(network, weights, read_windows(network, scales, windows, last_rows, chunk))

    if n_windows <= CHUNK:
        return predict_chunk(0)
    chunks = range(0, n_windows, CHUNK)
    with ThreadPoolExecutor(min(len(chunks), granted_threads())) as executor:
        return np.concatenate(list(executor.map(predict_chunk, chunks)))


def forward(network, weights, x):
    """Compute the outputs `(n_windows, n_outputs)` of steps `(n_windows, n_steps, n_inputs)`.

    The state passes over a step with a missing value unchanged. All arrays inside are cut into
    blocks of windows, `(n_blocks, ..., block)`.
    """
    n_windows = len(x)
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
