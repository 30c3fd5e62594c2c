"""The compiled training program: what shapes it, the pool that keeps it, its variables."""

import contextlib
import gc
import math
from typing import NamedTuple

import numpy as np

from sklstm._threads import Lock
from sklstm._warnings import warn
from sklstm.network.description import Network
from sklstm.network.scales import Scales
from sklstm.training.epoch import Data, Hyperparameters, Targets, build_epoch, load
from sklstm.training.gradient import build_shard_gradient
from sklstm.training.optimizer import (
    build_optimizer,
    copy_state,
    describe_optimizer,
    updates_by_number,
)
from sklstm.training.tensorflow import import_tensorflow, without_garbage_collection
from sklstm.windows.rows import Windows


class Plan(NamedTuple):
    """All that shapes a compiled program."""

    network: Network
    n_rows: int  # of a window
    n_shards: int
    shard_size: int
    loss: str
    optimizer: tuple
    cudnn: bool


def make_plan(problem):
    """Fix the shapes: each batch is split into shards, which are trained side by side.

    Their number follows from the size of the batch, never from the number of cores, which must
    not change a result. Two were the fastest on two cores. With more than 128 windows in a shard
    XLA would split its products by the number of threads (see `recurrence.multiply`). Where all
    windows make one smaller batch, its shape is rounded up to a power of two, which folds share. A
    GPU takes the batch whole, and with cuDNN's kernel where that knows the network.
    """
    tf, _ = import_tensorflow()
    gpu = bool(tf.config.list_physical_devices("GPU"))
    network, windows = problem.network, problem.data.windows
    size = min(problem.schedule.batch_size, 1 << (len(windows.starts) - 1).bit_length())
    n_shards = 1 if gpu or size < 16 else max(2, -(-size // 128))
    known = network.activation == "tanh" and not network.bidirectional
    return Plan(
        network=network,
        n_rows=len(windows.offsets),
        n_shards=n_shards,
        shard_size=-(-size // n_shards),
        loss=problem.hyperparameters.loss,
        optimizer=describe_optimizer(problem.optimizer),
        cudnn=gpu and known and not problem.hyperparameters.recurrent_dropout,
    )


def cut_batches(order, batch_size, plan):
    """Lay the indices of the windows out as `(n_batches, n_shards * shard_size)`, padded by -1."""
    batch_size = min(batch_size, plan.n_shards * plan.shard_size)
    n_full, n_rest = divmod(len(order), batch_size)
    n_batches = n_full + (n_rest > 0)
    batches = np.full((n_batches, plan.n_shards * plan.shard_size), -1, dtype=np.int64)
    batches[:n_full, :batch_size] = order[: n_full * batch_size].reshape(n_full, batch_size)
    batches[n_full:, :n_rest] = order[n_full * batch_size :]
    return batches


# The pool: programs no fit is using, the last used at the end. Compiling one costs about a second
# and about 15 MB, of which XLA keeps 10 until the process ends, so they are kept; the oldest goes
# when it is full. Measured: 60 architectures took 670 MB, and clearing the pool freed 50 of them.
_POOL_SIZE = 16
_pool = []
_pool_lock = Lock()


def clear_programs():
    """Forget the compiled training programs that are kept for later fits in this process.

    A program is kept for each architecture, window length, batch size, loss and optimizer
    lately trained, at most 16 of them, so that the next fit need not compile it again.

    Of the 15 MB that a program of one small layer takes this frees about 4. The rest is what XLA
    compiled, which TensorFlow keeps until the process ends, of programs that made room for later
    ones too. A search over very many architectures runs best in processes that end, such as
    joblib's workers (`n_jobs`).

    Examples
    --------
    >>> from sklstm import clear_programs
    >>> clear_programs()
    """
    with _pool_lock.hold():
        _pool.clear()
    build_shard_gradient.cache_clear()
    gc.collect()  # graphs refer to themselves


@contextlib.contextmanager
def borrow(plan, weights):
    """Lend a program for `plan`, from the pool or newly compiled, to one fit.

    It comes back to the pool, unless an error has broken it. Ctrl-C has not: Python raises
    KeyboardInterrupt only when TensorFlow has returned.
    """
    program = _take(plan) or _compile(plan, weights)
    try:
        yield program
    finally:
        if not program.broken:
            _give_back(plan, program)


def _take(plan):
    """Take a program for `plan` out of the pool, None if there is none."""
    with _pool_lock.hold():
        for index, (kept, program) in enumerate(_pool):
            if kept == plan:
                del _pool[index]
                return program
    return None


def _give_back(plan, program):
    with _pool_lock.hold():
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
    uncompiled graph, so that folds of any length share one program. `broken` says that an
    epoch ended in an error.
    """

    def __init__(self, plan, weights, *, jit_compile):
        _, keras = import_tensorflow()
        self._shapes = [array.shape for array in weights]
        arrays = [_flatten(weights)] if updates_by_number(plan.optimizer) else weights
        self._variables = [keras.Variable(array, dtype="float32") for array in arrays]
        self.optimizer = build_optimizer(plan.optimizer, self._variables)
        self._initial_state = self.get_optimizer_state()
        self._plan = plan
        self.broken = False
        self._epoch = build_epoch(plan, self._variables, self._shapes, self.optimizer, jit_compile)
        self._run_on_zeros(plan)

    def _run_on_zeros(self, plan):
        """Train on one window of zeros, which compiles the program."""
        n_features, n_outputs = plan.network.n_features, plan.network.n_outputs
        rows, one = np.zeros((1, n_features)), np.zeros(1, dtype=np.int64)
        windows = Windows(rows, starts=one, offsets=np.zeros(plan.n_rows, dtype=np.int64))
        zeros, ones = np.zeros(n_outputs), np.ones(n_outputs)
        scales = Scales(np.zeros(n_features), np.ones(n_features), zeros, ones)
        targets = Targets(zeros[np.newaxis], np.ones(1), zeros, ones)
        tensors = load(plan.network, Data(windows, one, scales, targets))
        hyperparameters = Hyperparameters(plan.loss, 0.0, 1.0, 0.0, 0.0, 0.5)
        self.run_epoch(tensors, cut_batches(one, 1, plan), hyperparameters, 0)

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
        return copy_state(build_optimizer(self._plan.optimizer, self._variables))

    def finish(self):
        """Let the optimizer set its final weights, such as averages, and copy them."""
        self.optimizer.finalize_variable_values(self._variables)
        return self.get_weights()

    def run_epoch(self, tensors, batches, hyperparameters, seed):
        """Train once on all batches; return the mean loss of the windows, without the penalty."""
        tf, _ = import_tensorflow()
        numbers = tf.constant(hyperparameters[1:], dtype=tf.float32)
        return float(self._epoch(*tensors, numbers, tf.constant(seed), tf.constant(batches)))

    def get_weights(self):
        """Copy the weights."""
        return _unflatten(_flatten([v.value.numpy() for v in self._variables]), self._shapes)

    def set_weights(self, weights):
        """Set the weights."""
        shapes = [array.shape for array in weights]
        if shapes != self._shapes:
            raise ValueError(f"The weights must have the shapes {self._shapes}, got {shapes}.")
        arrays = _unflatten(_flatten(weights), [variable.shape for variable in self._variables])
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)

    def get_optimizer_state(self):
        """Copy the optimizer's name and its variables, the learning rate among them."""
        return copy_state(self.optimizer)


def _flatten(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def _unflatten(flat, shapes):
    parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes[:-1]]))
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
