"""The import of TensorFlow and Keras: the only one, late, silent and without side effects."""

import contextlib
import gc
import os
import signal
import sys
import threading

from sklstm._threads import Lock, call_after_fork, granted_threads

_import_lock = Lock()
_modules = None  # TensorFlow and Keras, once imported
_forked = False  # from a process that had imported TensorFlow


def _note_fork():
    """Tell a forked process that TensorFlow's threads did not come along."""
    global _forked
    _forked = "tensorflow" in sys.modules


call_after_fork(_note_fork)


def import_tensorflow():
    """Import TensorFlow and Keras, the first time silently and with the threads granted by joblib.

    The environment stays as it was. One change cannot be taken back: HDF5, if h5py was not imported
    before, looks for no plugins in this process any more, which TensorFlow wants for safety.

    Raises
    ------
    RuntimeError
        In a process forked after the import, where TensorFlow would hang, and if Keras is set up
        for another backend.
    KeyboardInterrupt
        Not before the import is complete.
    """
    global _modules
    if _forked:
        raise RuntimeError(
            "This process was forked from one that had imported TensorFlow, whose threads do not "
            "survive a fork, so it cannot train. Start it by 'spawn' or 'forkserver', or use "
            "joblib's default backend, 'loky'. predict works here."
        )
    if _modules is None:
        with _import_lock.hold(), _delayed_interrupt():
            if _modules is None:
                _modules = _import_first()
    return _modules


def _import_first():
    if "keras" not in sys.modules:
        _check_backend(os.environ.get("KERAS_BACKEND", "tensorflow"))
    with _kept_environment(), _silence(), without_garbage_collection():
        import keras
        import tensorflow as tf

        _check_backend(keras.backend.backend())
        if "OMP_NUM_THREADS" in os.environ:
            with contextlib.suppress(RuntimeError):  # TensorFlow is running: too late
                tf.config.threading.set_intra_op_parallelism_threads(granted_threads())
                tf.config.threading.set_inter_op_parallelism_threads(granted_threads())
        if tf.__version__.startswith("2.20."):  # logs its first use of XLA, whatever the level
            with contextlib.suppress(tf.errors.OpError):
                tf.function(lambda: tf.zeros(1) + 1, jit_compile=True)()
    return tf, keras


def _check_backend(backend):
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras must run on TensorFlow to train here, got the backend {backend!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow."
        )


# Variables that the import sets. What TensorFlow 2.21 took from them holds without them.
_ENVIRONMENT = (
    "ENABLE_RUNTIME_UPTIME_TELEMETRY",
    "HDF5_PLUGIN_PATH",
    "TF2_BEHAVIOR",
    "TF_CPP_MIN_LOG_LEVEL",  # set here
    "TPU_ML_PLATFORM",
    "TPU_ML_PLATFORM_VERSION",
)


@contextlib.contextmanager
def _kept_environment():
    """Give the variables that the import sets the values they had; subprocesses inherit them."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _delayed_interrupt():
    """Handle Ctrl-C at the end: half an import of TensorFlow cannot be taken back or completed.

    Python handles signals in the main thread, and only Python's handlers raise an exception.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    caught = []
    signal.signal(signal.SIGINT, lambda *arguments: caught.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[-1])


@contextlib.contextmanager
def without_garbage_collection():
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
