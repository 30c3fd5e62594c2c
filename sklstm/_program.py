"""The compiled training program: what shapes it, the pool that keeps it, its graph."""

import contextlib
import functools
import inspect
import json
import math
import os
import threading
from typing import NamedTuple

import numpy as np

from sklstm._gradient import build_shard_gradient, cut, get_loss, join
from sklstm._network import Network
from sklstm._rows import Windows
from sklstm._tensorflow import import_tensorflow, without_garbage_collection
from sklstm._warnings import warn


class Objective(NamedTuple):
    """What is minimised: the loss by its name, and numbers that a compiled program takes as inputs.

    Half of `alpha` times the sum of the squares of all kernels, over the windows of the batch, is
    added to the loss; `max_grad_norm` limits the norm of the whole gradient; `dropout` and
    `recurrent_dropout` are the shares of a cell's inputs and of its state that are left out;
    `quantile` is that of the loss "quantile".
    """

    loss: str
    alpha: float
    max_grad_norm: float
    dropout: float
    recurrent_dropout: float
    quantile: float


class Targets(NamedTuple):
    """Values `(n_windows, n_outputs)` and weights of mean 1, `(n_windows,)`.

    The outputs of the network are brought to the units of the values by `output * scale + mean`.
    """

    values: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray


class Plan(NamedTuple):
    """All that shapes a compiled program."""

    network: Network
    n_rows: int  # of a window
    n_shards: int
    shard_size: int
    loss: str
    optimizer: tuple
    cudnn: bool


def make_plan(network, windows, batch_size, objective, optimizer):
    """Fix the shapes: each batch is split into shards, which are trained side by side.

    Their number follows from the size of the batch, never from the number of cores, which must
    not change a result. Two were the fastest on two cores. With more than 128 windows in a shard
    XLA would split its products by the number of threads (see `_recurrence.multiply`). Where all
    windows make one smaller batch, its shape is rounded up to a power of two, which folds share. A
    GPU takes the batch whole, and with cuDNN's kernel where that knows the network.
    """
    tf, _ = import_tensorflow()
    gpu = bool(tf.config.list_physical_devices("GPU"))
    size = min(batch_size, 1 << (len(windows.starts) - 1).bit_length())
    n_shards = 1 if gpu or size < 16 else max(2, -(-size // 128))
    known = network.activation == "tanh" and not network.bidirectional
    return Plan(
        network=network,
        n_rows=len(windows.offsets),
        n_shards=n_shards,
        shard_size=-(-size // n_shards),
        loss=objective.loss,
        optimizer=describe_optimizer(optimizer),
        cudnn=gpu and known and not objective.recurrent_dropout,
    )


def describe_optimizer(optimizer):
    """Describe an optimizer, or the name of one, by its class and its settings as JSON.

    A learning rate that is a number is left out: it is not compiled in. So is the name, which
    Keras counts up.
    """
    import_tensorflow()  # which is refused in a forked process
    if not isinstance(optimizer, str):
        settings = {key: value for key, value in optimizer.get_config().items() if key != "name"}
        if not isinstance(settings.get("learning_rate"), dict):
            settings.pop("learning_rate", None)  # a LossScaleOptimizer has none
        return type(optimizer), json.dumps(settings, sort_keys=True, default=float)
    known = _list_optimizers()
    if optimizer.lower() not in known:
        raise ValueError(f"optimizer must be one of {sorted(known)}, got {optimizer!r}.")
    return known[optimizer.lower()], "{}"


@functools.cache
def _list_optimizers():
    """Map lower-case names to Keras' optimizers; `keras.optimizers.get` does not know all."""
    _, keras = import_tensorflow()
    return {
        key.lower(): value
        for key, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and "learning_rate" in inspect.signature(value).parameters
    }


def check_optimizer(optimizer, state):
    """Check that an optimizer is known, and the one whose state is gone on with."""
    kind, _ = describe_optimizer(optimizer)
    if state is not None and state["name"] != kind.__name__:
        raise ValueError(
            f"optimizer must be the one trained with before, {state['name']}, got {kind.__name__}."
        )


def cut_batches(order, batch_size, plan):
    """Lay the indices of the windows out as `(n_batches, n_shards * shard_size)`, padded by -1."""
    batch_size = min(batch_size, plan.n_shards * plan.shard_size)
    n_batches = -(-len(order) // batch_size)
    indices = np.full(n_batches * batch_size, -1, dtype=np.int64)
    indices[: len(order)] = order
    batches = np.full((n_batches, plan.n_shards * plan.shard_size), -1, dtype=np.int64)
    batches[:, :batch_size] = indices.reshape(n_batches, batch_size)
    return batches


# The pool: programs no fit is using, the last used at the end. Compiling one costs about a second
# and about 9 MB that TensorFlow never frees, so they are kept; the oldest goes when it is full.
_POOL_SIZE = 16
_pool = []
_pool_lock = threading.Lock()


def _free_lock():
    global _pool_lock
    _pool_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_lock)


def clear_programs():
    """Forget the compiled training programs that are kept for later fits in this process.

    A program is kept for each architecture, window length, batch size, loss and optimizer
    lately trained, at most 16 of them, so that the next fit need not compile it again.

    Examples
    --------
    >>> from sklstm import clear_programs
    >>> clear_programs()
    """
    with _pool_lock:
        _pool.clear()
    build_shard_gradient.cache_clear()


@contextlib.contextmanager
def borrow(plan, weights):
    """Lend a program for `plan`, from the pool or newly compiled, to one fit.

    It comes back to the pool, unless an exception hit it who knows where; a training that diverges
    leaves it whole.
    """
    program = _take(plan) or _compile(plan, weights)
    try:
        yield program
    except FloatingPointError:
        _give_back(plan, program)
        raise
    _give_back(plan, program)


def _take(plan):
    """Take a program for `plan` out of the pool, None if there is none."""
    with _pool_lock:
        for index, (kept, program) in enumerate(_pool):
            if kept == plan:
                del _pool[index]
                return program
    return None


def _give_back(plan, program):
    with _pool_lock:
        _pool.append((plan, program))
        del _pool[:-_POOL_SIZE]


def _compile(plan, weights):
    """Build a program and run it once; without XLA where XLA cannot compile it."""
    tf, _ = import_tensorflow()
    try:
        with without_garbage_collection():
            return Program(plan, weights, jit_compile=not plan.cudnn)
    except tf.errors.OpError as error:
        warn(
            "XLA cannot compile the training program here, so it runs uncompiled, which takes "
            f"longer: {error}",
        )
        return Program(plan, weights, jit_compile=False)


class Program:
    """One epoch compiled for one plan, with the variables it trains; it serves one fit at a time.

    Compiled means: the gradient of a shard, by XLA. The loop over the batches around it is an
    uncompiled graph, so that folds of any length share one program.
    """

    def __init__(self, plan, weights, *, jit_compile):
        _, keras = import_tensorflow()
        self._shapes = [array.shape for array in weights]
        arrays = [_join(weights)] if _updates_by_number(plan.optimizer) else weights
        self._variables = [keras.Variable(array, dtype="float32") for array in arrays]
        self.optimizer = _build_optimizer(plan.optimizer, self._variables)
        self._initial_state = self.get_optimizer_state()
        self._plan = plan
        self._epoch = _build_epoch(plan, self._variables, self._shapes, self.optimizer, jit_compile)
        self._run_on_zeros(plan)

    def _run_on_zeros(self, plan):
        """Train on one window of zeros, which compiles the program."""
        n_features, n_outputs = plan.network.n_features, plan.network.n_outputs
        rows, one = np.zeros((1, n_features)), np.zeros(1, dtype=np.int64)
        windows = Windows(rows, starts=one, offsets=np.zeros(plan.n_rows, dtype=np.int64))
        nothing, unit = np.zeros(n_outputs), np.ones(n_outputs)
        targets = Targets(nothing[np.newaxis], np.ones(1), nothing, unit)
        data = load(windows, one, np.zeros(n_features), np.ones(n_features), targets)
        objective = Objective(plan.loss, 0.0, 1.0, 0.0, 0.0, 0.5)
        self.run_epoch(data, cut_batches(one, 1, plan), objective, 0)

    def reset(self, weights, optimizer_state=None):
        """Forget all earlier training; go on with an optimizer's state, if one is given."""
        self.set_weights(weights)
        state = optimizer_state or self._start_optimizer()
        before, now = (
            f"{part['name']} of {len(part['variables'])} variables"
            for part in (state, self._initial_state)
        )
        if before != now:
            raise ValueError(
                f"optimizer must be the one trained with before, {before}, got {now}: settings "
                "such as momentum and clipnorm must be as they were."
            )
        for variable, array in zip(self.optimizer.variables, state["variables"], strict=True):
            variable.assign(array)

    def _start_optimizer(self):
        """Return the state to begin with; some, as ScheduleFreeAdamW's, begins at the weights."""
        variables = self._initial_state["variables"]
        if not any(array.ndim and array.any() for array in variables):
            return self._initial_state
        return _get_state(_build_optimizer(self._plan.optimizer, self._variables))

    def finish(self):
        """Let the optimizer set its final weights, such as averages, and copy them."""
        self.optimizer.finalize_variable_values(self._variables)
        return self.get_weights()

    def run_epoch(self, data, batches, objective, seed):
        """Train once on all batches; return the mean loss of the windows, without the penalty."""
        tf, _ = import_tensorflow()
        numbers = tf.constant(objective[1:], dtype=tf.float32)
        return float(self._epoch(*data, numbers, tf.constant(seed), tf.constant(batches)))

    def get_weights(self):
        """Copy the weights."""
        return _cut(_join([v.value.numpy() for v in self._variables]), self._shapes)

    def set_weights(self, weights):
        """Set the weights."""
        shapes = [array.shape for array in weights]
        if shapes != self._shapes:
            raise ValueError(f"The weights must have the shapes {self._shapes}, got {shapes}.")
        arrays = _cut(_join(weights), [variable.shape for variable in self._variables])
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)

    def get_optimizer_state(self):
        """Copy the optimizer's name and its variables, the learning rate among them."""
        return _get_state(self.optimizer)


def _join(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def _cut(flat, shapes):
    parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes[:-1]]))
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


# Optimizers of Keras that update each number by itself. They are given all weights as one variable,
# unless they take norms or hold averages, which callbacks of Keras compare with the weights. This
# saves 145 of the 317 operations of a batch with "adam". Measured: a twentieth of the time of a
# grid search of 19 fits of two architectures.
_BY_NUMBER = (
    "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD",
)  # fmt: skip


def _updates_by_number(description):
    """Whether an optimizer does the same to weights joined in one variable as to each array."""
    _, keras = import_tensorflow()
    kind, settings = description
    known = any(kind is getattr(keras.optimizers, name) for name in _BY_NUMBER)
    settings = json.loads(settings)
    return known and not any(map(settings.get, ("clipnorm", "global_clipnorm", "use_ema")))


def _build_optimizer(description, variables):
    kind, settings = description
    optimizer = kind.from_config(json.loads(settings))
    optimizer.build(variables)
    return optimizer


def _get_state(optimizer):
    values = [np.array(variable.value.numpy()) for variable in optimizer.variables]
    return {"name": type(optimizer).__name__, "variables": values}


class _Data(NamedTuple):
    """What an epoch reads, as tensors; see `load`."""

    rows: object
    starts: object
    offsets: object
    last: object
    values: object
    weights: object
    mean: object
    scale: object


def measure_loss(objective, targets, outputs):
    """Measure the weighted mean loss of the network's outputs.

    NumPy sums: TensorFlow would split a long sum by the number of threads.
    """
    tf, _ = import_tensorflow()
    arrays = targets.values, targets.mean, targets.scale
    values, mean, scale = (tf.constant(array, dtype=tf.float32) for array in arrays)
    compute_loss = get_loss(objective.loss)
    losses = compute_loss(values, outputs * scale + mean, objective.quantile)
    return float(np.average(losses.numpy(), weights=targets.weights))


def load(windows, last, mean, scale, targets):
    """Standardise rows and hand everything to TensorFlow.

    A last column is added to the rows: 1 for a real row, 0 for one with a missing value. `last`,
    `(n_windows,)`, is each window's last real row, which only a network with an anchor reads.
    """
    tf, _ = import_tensorflow()
    n_rows, n_features = windows.rows.shape
    rows = np.empty((n_rows, n_features + 1), dtype=np.float32)
    with np.errstate(over="ignore"):  # the loss tells, if such a row is in a window at all
        np.subtract(windows.rows, mean, out=rows[:, :-1], casting="same_kind")  # no float64 copy
        rows[:, :-1] /= scale
    missing = np.isnan(rows[:, :-1]).any(axis=1)
    rows[:, -1] = 1
    rows[missing] = 0
    floats = [np.asarray(array, dtype=np.float32) for array in targets]
    return _Data(*map(tf.constant, (rows, windows.starts, windows.offsets, last, *floats)))


def _build_epoch(plan, variables, shapes, optimizer, jit_compile):
    """Build the function that trains on each batch of windows once and returns the mean loss."""
    tf, _ = import_tensorflow()
    shard_gradient = build_shard_gradient(
        plan.network, plan.n_rows, plan.shard_size, plan.loss, plan.cudnn, jit_compile
    )

    def train_batch(data, objective, seed, batch):
        present = tf.cast(batch >= 0, tf.float32)  # 0 for the padding of the last batch
        n_present = tf.reduce_sum(present)
        index = tf.maximum(batch, 0)
        shares = present * tf.gather(data.weights, index) / n_present
        masks = _draw_masks(plan.network, objective, batch.shape[0], seed)
        shards = _split_in_shards(plan, data, index, shares, masks)
        # Read once: the shards' gradients are pure functions, which TensorFlow runs side by side.
        weights = cut(join([tf.identity(variable.value) for variable in variables]), shapes)
        constants = data.mean, data.scale, objective.quantile
        losses, gradients = zip(
            *(shard_gradient(weights, *shard, *constants) for shard in shards), strict=True
        )
        kernels = join(
            [array if len(array.shape) == 2 else tf.zeros(array.shape) for array in weights]
        )
        gradient = tf.add_n(gradients) + objective.alpha / n_present * kernels
        excess = tf.maximum(1.0, _measure_norm(gradient) / objective.max_grad_norm)
        excess /= optimizer.scale_loss(1.0)  # which `apply` takes back
        gradients = cut(gradient / excess, [variable.shape for variable in variables])
        optimizer.apply(gradients, variables)
        return tf.add_n(losses) * n_present

    @tf.function(input_signature=_specify_epoch(plan), autograph=False)
    def epoch(*arguments):
        *data, numbers, seed, batches = arguments
        data = _Data(*data)
        objective = Objective(plan.loss, *tf.unstack(numbers))

        def body(step, total):
            loss = train_batch(data, objective, tf.stack([seed, step]), batches[step])
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
        tf.TensorSpec((None, n_features + 1), tf.float32),  # rows
        tf.TensorSpec((None,), tf.int64),  # starts
        tf.TensorSpec((plan.n_rows,), tf.int64),  # offsets
        tf.TensorSpec((None,), tf.int64),  # last
        tf.TensorSpec((None, n_outputs), tf.float32),  # values, weights, mean, scale of targets
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((len(Objective._fields) - 1,), tf.float32),
        tf.TensorSpec((), tf.int32),  # seed
        tf.TensorSpec((None, plan.n_shards * plan.shard_size), tf.int64),  # batches
    ]


def _gather(network, data, index):
    """Gather windows as steps `(n_steps, n_windows, n_inputs)`, and which are real, `(..., 1)`."""
    tf, _ = import_tensorflow()
    x = tf.gather(data.rows, tf.gather(data.starts, index) + data.offsets[:, tf.newaxis])
    x, real = x[:, :, :-1], x[:, :, -1:] > 0
    if network.anchor is not None:
        relative = np.isin(np.arange(network.n_features), network.relative_columns)
        x -= tf.gather(data.rows, tf.gather(data.last, index))[:, :-1] * relative.astype(np.float32)
    if network.segment > 1:
        n_rows, n_windows, n_features = x.shape
        n_steps = n_rows // network.segment
        x = tf.reshape(x, (n_steps, network.segment, n_windows, n_features))
        x = tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (n_steps, n_windows, -1))
        real = tf.reduce_all(tf.reshape(real, (n_steps, network.segment, n_windows, 1)), axis=1)
    return x, real


def _draw_masks(network, objective, n_windows, seed):
    """Draw what dropout leaves of the inputs and of the state of each cell, side by side.

    A mask holds for all steps of a window, and for all gates.
    """
    tf, _ = import_tensorflow()
    rates = [
        part
        for n_inputs, units in network.cells
        for part in (
            tf.fill((n_inputs,), objective.dropout),
            tf.fill((units,), objective.recurrent_dropout),
        )
    ]
    rates = tf.concat(rates, axis=0)
    kept = tf.random.stateless_uniform((n_windows, rates.shape[0]), seed) >= rates
    return tf.cast(kept, tf.float32) / (1 - rates)
