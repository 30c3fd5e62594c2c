"""One epoch as TensorFlow's graph: what it reads, what is minimised, the steps of the optimizer."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from sklstm.network.reading import standardize
from sklstm.network.scales import Scales
from sklstm.training.gradient import build_shard_gradient, flatten, get_loss, unflatten
from sklstm.training.tensorflow import import_tensorflow
from sklstm.windows.rows import Windows, find_real


class Hyperparameters(NamedTuple):
    """The loss by its name, and the numbers that a compiled program takes as inputs.

    Half of `alpha` times the sum of the squares of all kernels, over the windows of the batch, is
    added to the loss; `max_grad_norm` limits the norm of the whole gradient; `dropout` and
    `recurrent_dropout` are the fractions of a cell's inputs and of its state that are left out;
    `quantile` is that of the loss "quantile".
    """

    loss: str
    alpha: float
    max_grad_norm: float
    dropout: float
    recurrent_dropout: float
    quantile: float


class Targets(NamedTuple):
    """Values `(n_windows, n_outputs)`, NaN where missing, and weights of windows, `(n_windows,)`.

    The weights are such that the mean over all values, with 0 for a missing one, is 1. The outputs
    of the network are brought to the units of the values by `output * scale + mean`.
    """

    values: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray


class Data(NamedTuple):
    """Windows, the scales that standardise their rows, and their targets.

    `last_rows`, `(n_windows,)`, are the last real rows of the windows, which only a network with an
    anchor reads.
    """

    windows: Windows
    last_rows: np.ndarray
    scales: Scales
    targets: Targets


class _Tensors(NamedTuple):
    """What an epoch reads; see `load`."""

    rows: object
    starts: object
    offsets: object
    last_rows: object
    values: object
    weights: object
    mean: object
    scale: object


def measure_loss(hyperparameters, targets, outputs):
    """Measure the weighted mean loss of the known values.

    NumPy sums: TensorFlow would split a long sum by the number of threads.
    """
    tf, _ = import_tensorflow()
    arrays = targets.values, targets.mean, targets.scale
    values, mean, scale = (tf.constant(array, dtype=tf.float32) for array in arrays)
    compute_loss = get_loss(hyperparameters.loss)
    losses = compute_loss(values, outputs * scale + mean, hyperparameters.quantile)
    known = 1 - np.isnan(targets.values).mean(axis=1)
    return float((losses.numpy() * targets.weights).sum() / (known * targets.weights).sum())


def load(network, data):
    """Standardise rows and hand everything to TensorFlow."""
    tf, _ = import_tensorflow()
    rows = tf.constant(_standardize_rows(network, data))  # at once: it copies
    floats = [np.asarray(array, dtype=np.float32) for array in data.targets]
    arrays = data.windows.starts, data.windows.offsets, data.last_rows, *floats
    return _Tensors(rows, *map(tf.constant, arrays))


def _standardize_rows(network, data):
    """Standardise rows, and add a last column: 1 for a real row, 0 if a value is missing.

    Rows are standardised in float64 before they become float32, and stay float64 where a network
    with an anchor takes differences of them.
    """
    windows = data.windows
    n_rows, n_features = windows.rows.shape
    rows = np.empty((n_rows, n_features + 1), dtype=_choose_dtype(network))
    with np.errstate(over="ignore"):  # the loss shows it, if the row is in a window
        for chunk in gen_batches(n_rows, max(1, _CHUNK // n_features)):  # no copy of all in float64
            rows[chunk, :-1] = standardize(windows.rows[chunk], data.scales)
    rows[:, -1] = 1
    rows[~find_real(windows)] = 0
    return rows


_CHUNK = 2**18  # numbers standardised at a time, 2 MB


def _choose_dtype(network):
    return np.float32 if network.anchor is None else np.float64


def build_epoch(plan, variables, shapes, optimizer, jit_compile):
    """Build the function that trains on each batch of windows once and returns the mean loss."""
    tf, _ = import_tensorflow()
    shard_gradient = build_shard_gradient(
        plan.network, plan.n_rows, plan.shard_size, plan.loss, plan.cudnn, jit_compile
    )

    def train_batch(data, hyperparameters, seed, batch):
        present = tf.cast(batch >= 0, tf.float32)  # 0 for the padding of the last batch
        n_present = tf.reduce_sum(present)
        index = tf.maximum(batch, 0)
        shares = present * tf.gather(data.weights, index) / n_present
        masks = _draw_masks(plan.network, hyperparameters, batch.shape[0], seed)
        shards = _split_in_shards(plan, data, index, shares, masks)
        # Read once: the shards' gradients are pure functions, which TensorFlow runs side by side.
        flat = flatten([tf.identity(variable.value) for variable in variables])
        weights = unflatten(flat, shapes)
        constants = data.mean, data.scale, hyperparameters.quantile
        losses, gradients = zip(
            *(shard_gradient(weights, *shard, *constants) for shard in shards), strict=True
        )
        penalty = hyperparameters.alpha / n_present * _flatten_kernels(weights)
        gradient = _limit_norm(tf.add_n(gradients) + penalty, hyperparameters.max_grad_norm)
        scaled = gradient * optimizer.scale_loss(1.0)  # which `apply` divides by
        optimizer.apply(unflatten(scaled, [variable.shape for variable in variables]), variables)
        return tf.add_n(losses) * n_present

    @tf.function(input_signature=_specify_epoch(plan), autograph=False)
    def epoch(*arguments):
        *data, numbers, seed, batches = arguments
        data = _Tensors(*data)
        hyperparameters = Hyperparameters(plan.loss, *tf.unstack(numbers))

        def body(step, total):
            loss = train_batch(data, hyperparameters, tf.stack([seed, step]), batches[step])
            return step + 1, total + loss

        _, total = tf.while_loop(
            lambda step, _: step < tf.shape(batches)[0], body, (0, 0.0), parallel_iterations=1
        )
        return total / tf.cast(tf.shape(data.starts)[0], tf.float32)

    return epoch.get_concrete_function()  # which does not warn of programs built in a loop


def _split_in_shards(plan, data, index, shares, masks):
    """Return what the gradient reads of the windows `index`, for each shard."""
    tf, _ = import_tensorflow()
    by_step = _gather(plan.network, data, index)
    by_window = tf.gather(data.values, index), shares, masks
    return zip(
        *(tf.split(array, plan.n_shards, axis=1) for array in by_step),
        *(tf.split(array, plan.n_shards) for array in by_window),
        strict=True,
    )


def _flatten_kernels(weights):
    """Flatten weights with zeros in place of the biases."""
    tf, _ = import_tensorflow()
    return flatten([array if len(array.shape) == 2 else tf.zeros(array.shape) for array in weights])


def _limit_norm(gradient, max_grad_norm):
    """Scale a gradient down to a norm, if its own is greater."""
    tf, _ = import_tensorflow()
    return gradient / tf.maximum(1.0, _measure_norm(gradient) / max_grad_norm)


def _measure_norm(flat):
    """Measure the norm row by row: one long sum would be split by the number of threads."""
    tf, _ = import_tensorflow()
    rows = tf.reshape(tf.pad(flat * flat, [[0, -flat.shape[0] % 1024]]), (-1, 1024))
    return tf.sqrt(tf.reduce_sum(tf.reduce_sum(rows, axis=1)))


def _specify_epoch(plan):
    """Specify what an epoch is called with."""
    tf, _ = import_tensorflow()
    n_features, n_outputs = plan.network.n_features, plan.network.n_outputs
    return [
        tf.TensorSpec((None, n_features + 1), _choose_dtype(plan.network)),  # rows
        tf.TensorSpec((None,), tf.int64),  # starts
        tf.TensorSpec((plan.n_rows,), tf.int64),  # offsets
        tf.TensorSpec((None,), tf.int64),  # last rows
        tf.TensorSpec((None, n_outputs), tf.float32),  # values, weights, mean, scale of targets
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((len(Hyperparameters._fields) - 1,), tf.float32),
        tf.TensorSpec((), tf.int32),  # seed
        tf.TensorSpec((None, plan.n_shards * plan.shard_size), tf.int64),  # batches
    ]


def _gather(network, data, index):
    """Read windows as steps `(n_steps, n_windows, n_inputs)`, and which are real, `(..., 1)`.

    The reading is that of `network.reading`.
    """
    tf, _ = import_tensorflow()
    x = tf.gather(data.rows, tf.gather(data.starts, index) + data.offsets[:, tf.newaxis])
    x, real = x[:, :, :-1], x[:, :, -1:] > 0
    if network.anchor is not None:
        relative = np.isin(np.arange(network.n_features), network.relative_columns)
        x -= tf.gather(data.rows, tf.gather(data.last_rows, index))[:, :-1] * relative.astype(float)
        x = tf.cast(x, tf.float32)
    if network.segment > 1:
        n_rows, n_windows, n_features = x.shape
        n_steps = n_rows // network.segment
        x = tf.reshape(x, (n_steps, network.segment, n_windows, n_features))
        x = tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (n_steps, n_windows, -1))
        real = tf.reduce_all(tf.reshape(real, (n_steps, network.segment, n_windows, 1)), axis=1)
    return x, real


def _draw_masks(network, hyperparameters, n_windows, seed):
    """Draw what dropout leaves of the inputs and of the state of each cell, side by side.

    A mask holds for all steps of a window, and for all gates.
    """
    tf, _ = import_tensorflow()
    rates = [
        part
        for n_inputs, units in network.cells
        for part in (
            tf.fill((n_inputs,), hyperparameters.dropout),
            tf.fill((units,), hyperparameters.recurrent_dropout),
        )
    ]
    rates = tf.concat(rates, axis=0)
    kept = tf.random.stateless_uniform((n_windows, rates.shape[0]), seed) >= rates
    return tf.cast(kept, tf.float32) / (1 - rates)
