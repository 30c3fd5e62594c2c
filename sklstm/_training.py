"""Training by TensorFlow: the compiled program, the pool that keeps it, the epochs.

The only module that imports TensorFlow and Keras, and only when a model is trained or exported.
"""

import contextlib
import gc
import inspect
import os
import random
import sys
import threading
import warnings
from typing import NamedTuple

import numpy as np

from sklstm._network import Network, granted_threads
from sklstm._rows import Windows


def train(
    network,
    weights,
    windows,
    mean,
    scale,
    targets,
    *,
    loss,
    optimizer,
    learning_rate,
    epochs,
    batch_size,
    shuffle,
    random_state,
    verbose,
):
    """Train `weights` on windows, standardised by `mean` and `scale`, and their `Targets`.

    Returns
    -------
    weights : list of ndarray
        After the last complete epoch.
    losses : list of float
        The mean loss of each epoch.

    Raises
    ------
    ValueError
        If the optimizer is unknown, or if the training diverges.
    """
    n_windows = len(windows.starts)
    plan = _make_plan(network, windows, batch_size, loss, optimizer)
    program = _take(plan) or _compile(plan, weights)
    program.reset(weights, learning_rate)
    data = _load(windows, mean, scale, targets)
    losses, diverged = [], False
    try:
        for epoch in range(1, epochs + 1):
            order = random_state.permutation(n_windows) if shuffle else np.arange(n_windows)
            epoch_loss = program.run_epoch(data, _cut_batches(order, batch_size, plan))
            trained = program.get_weights()
            diverged = not all(np.isfinite(array).all() for array in [epoch_loss, *trained])
            if diverged:
                break
            weights, losses = trained, [*losses, epoch_loss]
            if verbose:
                print(f"Epoch {epoch}/{epochs}: loss {epoch_loss:.6g}")
    except KeyboardInterrupt:  # who knows where it hit the program: it is not used again
        if not losses:
            raise
        warnings.warn(f"Training interrupted by user after epoch {len(losses)}.", stacklevel=4)
        return weights, losses
    _give_back(plan, program)
    if diverged:
        raise ValueError(
            f"Training diverged: in epoch {epoch} of {epochs} the loss or a weight became NaN or "
            f"infinite. Lower learning_rate, got {learning_rate}, and with standardize=False "
            "bring the data to a scale of about 1."
        )
    return weights, losses


class Targets(NamedTuple):
    """Values `(n_windows, n_outputs)` and weights of mean 1, `(n_windows,)`.

    The outputs of the network are brought to the units of the values by `output * scale + mean`.
    """

    values: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray


class _Plan(NamedTuple):
    """All that shapes a compiled program."""

    network: Network
    n_steps: int
    n_shards: int
    shard_size: int
    loss: str
    optimizer: str
    cudnn: bool


def _make_plan(network, windows, batch_size, loss, optimizer):
    """Fix the shapes: each batch is split into shards, which are trained side by side.

    Their number follows from the size of the batch, never from the number of cores, which must
    not change a result. Two were the fastest on two cores. With more than 128 windows in a shard
    XLA would split its products by the number of threads: see `_multiply`. Where all windows
    make one smaller batch, its shape is rounded up to a power of two, which folds share. A GPU
    takes the batch whole, and with cuDNN's kernel, which knows tanh only.
    """
    tf, _ = _import_tensorflow()
    gpu = bool(tf.config.list_physical_devices("GPU"))
    size = min(batch_size, 1 << (len(windows.starts) - 1).bit_length())
    n_shards = 1 if gpu or size < 16 else max(2, -(-size // 128))
    return _Plan(
        network=network,
        n_steps=len(windows.offsets),
        n_shards=n_shards,
        shard_size=-(-size // n_shards),
        loss=loss,
        optimizer=optimizer,
        cudnn=gpu and network.activation == "tanh",
    )


def _cut_batches(order, batch_size, plan):
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


def _take(plan):
    """Take a program for `plan` out of the pool, None if there is none: one fit uses it."""
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
    tf, _ = _import_tensorflow()
    try:
        with _without_garbage_collection():
            return _Program(plan, weights, jit_compile=not plan.cudnn)
    except tf.errors.OpError as error:
        warnings.warn(
            "XLA cannot compile the training program here, so it runs uncompiled, which takes "
            f"longer: {error}",
            stacklevel=5,
        )
        return _Program(plan, weights, jit_compile=False)


class _Program:
    """One epoch compiled for one plan, with the variables it trains; it serves one fit at a time.

    Compiled means: the gradient of a shard, by XLA. The loop over the batches around it is an
    uncompiled graph, so that folds of any length share one program.
    """

    def __init__(self, plan, weights, *, jit_compile):
        _, keras = _import_tensorflow()
        self._variables = [keras.Variable(array, dtype="float32") for array in weights]
        self._optimizer = _get_optimizer(plan.optimizer)
        self._optimizer.build(self._variables)
        self._initial_state = _copy_values(self._optimizer.variables)
        self._epoch = _build_epoch(plan, self._variables, self._optimizer, jit_compile)
        self._run_on_zeros(plan)

    def _run_on_zeros(self, plan):
        """Train on one window of zeros, which compiles the program."""
        n_features, n_outputs = plan.network.n_features, plan.network.n_outputs
        rows, one = np.zeros((1, n_features)), np.zeros(1, dtype=np.int64)
        windows = Windows(rows, starts=one, offsets=np.zeros(plan.n_steps, dtype=np.int64))
        nothing, unit = np.zeros(n_outputs), np.ones(n_outputs)
        targets = Targets(nothing[np.newaxis], np.ones(1), nothing, unit)
        data = _load(windows, np.zeros(n_features), np.ones(n_features), targets)
        self.run_epoch(data, _cut_batches(one, 1, plan))

    def reset(self, weights, learning_rate):
        """Forget all earlier training."""
        for variable, array in zip(self._variables, weights, strict=True):
            variable.assign(array)
        for variable, array in zip(self._optimizer.variables, self._initial_state, strict=True):
            variable.assign(array)
        self._optimizer.learning_rate = learning_rate

    def run_epoch(self, data, batches):
        """Train once on all batches; return the mean loss of the windows."""
        tf, _ = _import_tensorflow()
        return float(self._epoch(*data, tf.constant(batches)))

    def get_weights(self):
        """Copy the weights."""
        return _copy_values(self._variables)


def _copy_values(variables):
    return [variable.value.numpy().copy() for variable in variables]


def _load(windows, mean, scale, targets):
    """Standardise rows and hand everything to TensorFlow, in the order `_build_epoch` reads it.

    A last column is added to the rows: 1 for a real row, 0 for one with a missing value.
    """
    tf, _ = _import_tensorflow()
    n_rows, n_features = windows.rows.shape
    rows = np.empty((n_rows, n_features + 1), dtype=np.float32)
    with np.errstate(over="ignore"):  # the loss tells, if such a row is in a window at all
        np.subtract(windows.rows, mean, out=rows[:, :-1], casting="same_kind")  # no float64 copy
        rows[:, :-1] /= scale
    missing = np.isnan(rows[:, :-1]).any(axis=1)
    rows[:, -1] = 1
    rows[missing] = 0
    floats = [np.asarray(array, dtype=np.float32) for array in targets]
    return [tf.constant(a) for a in (rows, windows.starts, windows.offsets, *floats)]


def _build_epoch(plan, variables, optimizer, jit_compile):
    """Build the function that trains on each batch of windows once and returns the mean loss."""
    tf, _ = _import_tensorflow()
    shard_gradient = _build_shard_gradient(plan, jit_compile)

    def train_batch(rows, starts, offsets, values, sample_weights, mean, scale, batch):
        present = tf.cast(batch >= 0, tf.float32)  # 0 for the padding of the last batch
        n_present = tf.reduce_sum(present)
        index = tf.maximum(batch, 0)
        x = tf.gather(rows, tf.gather(starts, index)[:, tf.newaxis] + offsets)
        shares = present * tf.gather(sample_weights, index) / n_present
        shards = zip(
            *(tf.split(array, plan.n_shards) for array in (x, tf.gather(values, index), shares)),
            strict=True,
        )
        # Read once: the shards' gradients are pure functions, which TensorFlow runs side by side.
        weights = [tf.identity(variable.value) for variable in variables]
        losses, gradients = zip(
            *(shard_gradient(weights, *shard, mean, scale) for shard in shards), strict=True
        )
        gradients = [tf.add_n(parts) for parts in zip(*gradients, strict=True)]
        optimizer.apply(gradients, variables)
        return tf.add_n(losses) * n_present

    @tf.function(input_signature=_specify_epoch(plan), autograph=False)
    def epoch(*data_and_batches):
        *data, batches = data_and_batches

        def body(step, total):
            return step + 1, total + train_batch(*data, batches[step])

        _, total = tf.while_loop(
            lambda step, _: step < tf.shape(batches)[0], body, (0, 0.0), parallel_iterations=1
        )
        return total / tf.cast(tf.shape(data[1])[0], tf.float32)

    return epoch.get_concrete_function()  # which does not warn of programs built in a loop


def _specify_epoch(plan):
    """Specify what an epoch is called with: what `_load` returns, and the batches."""
    tf, _ = _import_tensorflow()
    n_features, n_outputs = plan.network.n_features, plan.network.n_outputs
    return [
        tf.TensorSpec((None, n_features + 1), tf.float32),  # rows
        tf.TensorSpec((None,), tf.int64),  # starts
        tf.TensorSpec((plan.n_steps,), tf.int64),  # offsets
        tf.TensorSpec((None, n_outputs), tf.float32),  # values, weights, mean, scale of targets
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((n_outputs,), tf.float32),
        tf.TensorSpec((None, plan.n_shards * plan.shard_size), tf.int64),  # batches
    ]


def _build_shard_gradient(plan, jit_compile):
    """Build the compiled function: a shard's share in the loss, and its gradient."""
    tf, keras = _import_tensorflow()
    loss = keras.losses.get(plan.loss)
    forward = _build_keras_forward(plan.network) if plan.cudnn else _build_forward(plan.network)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def shard_gradient(weights, x, values, shares, mean, scale):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = forward(weights, x) * scale + mean
            share = tf.reduce_sum(shares * loss(values, outputs))
        return share, tape.gradient(share, weights)

    return shard_gradient


def _build_forward(network):
    """Build what `_network.forward` does, for TensorFlow to differentiate.

    The windows are `(n_windows, n_steps, n_features + 1)`; the last column tells real steps.
    """
    tf, keras = _import_tensorflow()
    activation = keras.activations.get(network.activation)

    def forward(weights, x):
        by_step = tf.transpose(x, (1, 0, 2))
        steps, real = by_step[:, :, :-1], by_step[:, :, -1:] > 0
        *inner, last = range(0, 3 * len(network.units), 3)
        for first in inner:
            steps, _ = _lstm(steps, real, *weights[first : first + 3], activation, True)
        _, state = _lstm(steps, real, *weights[last : last + 3], activation, False)
        kernel, bias = weights[-2:]
        return state @ kernel + bias

    return forward


def _build_keras_forward(network):
    """Build the same of stock Keras layers, which take cuDNN's kernel on a GPU.

    cuDNN wants the real steps of a window first, and one at least. Their order is kept, so the
    state is the same; without any, it is the initial one, zero.
    """
    tf, keras = _import_tensorflow()
    last = len(network.units) - 1
    with kept_random_states():
        layers = [
            keras.layers.LSTM(units, return_sequences=layer < last, dtype="float32")
            for layer, units in enumerate(network.units)
        ]
        for layer, n_inputs in zip(layers, (network.n_features, *network.units), strict=False):
            layer.build((None, None, n_inputs))

    def forward(weights, x):
        real = x[:, :, -1] > 0
        some = tf.reduce_any(real, axis=1, keepdims=True)
        order = tf.argsort(tf.cast(~real, tf.int32), axis=1, stable=True)
        steps = tf.gather(x[:, :, :-1], order, batch_dims=1)
        mask = tf.gather(real, order, batch_dims=1)
        mask = tf.concat([tf.ones_like(some), mask[:, 1:]], axis=1)
        for layer, first in zip(layers, range(0, len(weights), 3), strict=False):
            unused = layer.non_trainable_variables  # the seed of dropout
            steps, _ = layer.stateless_call(weights[first : first + 3], unused, steps, mask=mask)
        kernel, bias = weights[-2:]
        return tf.where(some, steps, 0.0) @ kernel + bias

    return forward


def _lstm(steps, real, kernel, recurrent_kernel, bias, activation, every_step):
    """Return the hidden states `(n_steps, n_windows, units)`, if asked for, and the last one.

    One product per step for the inputs and one for the state: of their joined arrays, of all
    steps' inputs beforehand, or with a gradient written by hand, it was 3 to 30 % slower.
    """
    tf, _ = _import_tensorflow()
    n_steps, n_windows = steps.shape[:2]
    zeros = tf.zeros((n_windows, recurrent_kernel.shape[0]))

    def step(t, h, c, *states):
        gates = _multiply(steps[t], kernel) + _multiply(h, recurrent_kernel) + bias
        i, f, g, o = tf.split(gates, 4, axis=1)
        c_next = tf.sigmoid(f) * c + tf.sigmoid(i) * activation(g)
        h_next = tf.sigmoid(o) * activation(c_next)
        here = real[t]
        h, c = tf.where(here, h_next, h), tf.where(here, c_next, c)
        return t + 1, h, c, *(array.write(t, h) for array in states)

    arrays = [tf.TensorArray(tf.float32, n_steps, element_shape=zeros.shape)] * every_step
    _, h, _, *states = tf.while_loop(
        lambda t, *_: t < n_steps, step, (0, zeros, zeros, *arrays), maximum_iterations=n_steps
    )
    return states[0].stack() if every_step else None, h


def _multiply(x, kernel):
    """Multiply in parts too small for XLA to split them by the number of threads.

    It would round differently: seen with 256 units and with 600 features, in the product or in
    its gradient.
    """
    tf, _ = _import_tensorflow()
    n_inputs, n_outputs = kernel.shape
    if n_inputs <= 256 and n_outputs <= 512 and n_inputs * n_outputs <= 2**16:
        return x @ kernel
    inner = [slice(start, start + 256) for start in range(0, n_inputs, 256)]
    outer = [slice(start, start + 256) for start in range(0, n_outputs, 256)]
    return tf.concat([tf.add_n([x[:, i] @ kernel[i, o] for i in inner]) for o in outer], axis=1)


def _get_optimizer(name):
    """Make an optimizer of Keras by its name, of which not all are in `keras.optimizers.get`."""
    _, keras = _import_tensorflow()
    known = {
        key.lower(): value
        for key, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and "learning_rate" in inspect.signature(value).parameters
    }
    if name.lower() not in known:
        raise ValueError(f"optimizer must be one of {sorted(known)}, got {name!r}.")
    return known[name.lower()]()


_import_lock = threading.Lock()
_modules = None  # TensorFlow and Keras, once imported
_forked = False  # from a process that had imported TensorFlow


def _note_fork():
    """Tell a forked process that TensorFlow's threads did not come along, and free its locks."""
    global _forked, _import_lock, _pool_lock
    _forked = "tensorflow" in sys.modules
    _import_lock, _pool_lock = threading.Lock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def _import_tensorflow():
    """Import TensorFlow and Keras, the first time silently and with the threads granted by joblib.

    Raises
    ------
    RuntimeError
        In a process forked after the import, where TensorFlow would hang, and if Keras is set up
        for another backend.
    """
    global _modules
    if _forked:
        raise RuntimeError(
            "This process was forked from one that had imported TensorFlow, whose threads do not "
            "survive a fork, so it cannot train. Start it by 'spawn' or 'forkserver', or use "
            "joblib's default backend, 'loky'. predict works here."
        )
    if _modules is None:
        with _import_lock:
            if _modules is None:
                _modules = _import_first()
    return _modules


def _import_first():
    if "keras" not in sys.modules:
        _check_backend(os.environ.get("KERAS_BACKEND", "tensorflow"))
    with _silence(), kept_random_states(), _without_garbage_collection():
        import keras
        import tensorflow as tf

        _check_backend(keras.backend.backend())
        if "OMP_NUM_THREADS" in os.environ:
            with contextlib.suppress(RuntimeError):  # TensorFlow is running: too late
                tf.config.threading.set_intra_op_parallelism_threads(granted_threads())
                tf.config.threading.set_inter_op_parallelism_threads(granted_threads())
    return tf, keras


def _check_backend(backend):
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras must run on TensorFlow to train here, got the backend {backend!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow."
        )


@contextlib.contextmanager
def _without_garbage_collection():
    """Spare the collector the many objects that stay.

    Measured: a quarter of the time of the import, an eighth of that of compiling, and half a
    second in the fits that follow, for which the objects are declared old without a look at them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _silence():
    """Silence TensorFlow, which writes to file descriptor 2 before its log level is known."""
    unset = "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, at the import
    try:
        stderr = os.dup(2)
    except OSError:  # closed, as in some services
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(nowhere)
        os.close(stderr)
        if unset:
            del os.environ["TF_CPP_MIN_LOG_LEVEL"]


@contextlib.contextmanager
def kept_random_states():
    """Leave the global generators as they were: some imports draw from them, Keras draws seeds."""
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def to_keras(network, weights, n_steps, X_mean, X_scale, y_mean, y_scale):
    """Build the Keras model of stock layers that reads and predicts raw units."""
    _, keras = _import_tensorflow()
    ops = keras.ops
    with kept_random_states():
        # float64 until standardised: float32 cannot tell 1e6 from 1e6 + 0.01
        inputs = keras.Input((n_steps, network.n_features), dtype="float64", name="windows")
        real = ops.logical_not(ops.any(ops.isnan(inputs), axis=-1))
        x = keras.layers.Rescaling(1 / X_scale, -X_mean / X_scale, dtype="float64")(inputs)
        x = ops.cast(ops.nan_to_num(x), "float32")
        layers = [
            keras.layers.LSTM(
                units,
                activation=network.activation,
                return_sequences=index < len(network.units) - 1,
                use_cudnn=False,  # cuDNN refuses missing steps at the start
                dtype="float32",
            )
            for index, units in enumerate(network.units)
        ]
        for layer in layers:
            x = layer(x, mask=real)
        layers.append(keras.layers.Dense(network.n_outputs, dtype="float32"))
        x = layers[-1](x)
        outputs = keras.layers.Rescaling(y_scale, y_mean, dtype="float64")(x)
        if np.ndim(y_mean) == 0:
            outputs = keras.layers.Reshape((), dtype="float64")(outputs)
        model = keras.Model(inputs, outputs)
    for layer, first in zip(layers, range(0, len(weights), 3), strict=True):
        layer.set_weights(weights[first : first + 3])
    return model
