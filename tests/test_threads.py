"""Threads granted, locks in forked processes, and what an import of TensorFlow leaves alone."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from sklstm._threads import granted_threads
from sklstm.training.tensorflow import _delayed_interrupt

HOLD_AND_FORK = """
import os, signal, threading, warnings
from sklstm._threads import Lock
warnings.simplefilter("ignore")  # Python's own, of forks of threaded processes
lock, held, done = Lock(), threading.Event(), threading.Event()
def hold():
    with lock.hold():
        held.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(30)  # ends a child that waits for ever
    with lock.hold():
        os._exit(0)
status = os.waitpid(pid, 0)[1]
print(status, lock._lock.locked())  # the parent's is held still
done.set()
thread.join()
"""


def test_threads_are_those_granted_by_joblib(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert granted_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert granted_threads() >= 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert granted_threads() >= 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_lock_held_by_another_thread_is_free_after_a_fork():
    done = subprocess.run([sys.executable, "-c", HOLD_AND_FORK], capture_output=True, text=True)
    assert done.stdout == "0 True\n", done.stderr


INTERRUPT_IMPORT = """
import signal, sys
import numpy as np
from sklstm import LSTMRegressor

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "tensorflow.python.data":  # after which it fails for ever
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
X, y = np.ones((4, 3, 1)), np.arange(4.0)
model = LSTMRegressor(2, epochs=1)
try:
    model.fit(X, y)
except KeyboardInterrupt:
    print("interrupted", hasattr(model, "weights_"))
print(model.fit(X, y).predict(X).shape)
"""


def test_a_fit_works_after_one_interrupted_in_the_import_of_tensorflow():
    done = subprocess.run([sys.executable, "-c", INTERRUPT_IMPORT], capture_output=True, text=True)
    assert done.stdout == "interrupted False\n(4,)\n", done.stderr


@pytest.fixture
def set_handler():
    """Set a handler of Ctrl-C; that of pytest comes back."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_and_reaches_the_handler_of_the_user(set_handler):
    told = []

    def handle(number, frame):
        told.append(number)

    set_handler(handle)
    with _delayed_interrupt():
        signal.raise_signal(signal.SIGINT)
        assert not told
    assert told == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handle


def test_an_ignored_interrupt_stays_ignored(set_handler):
    set_handler(signal.SIG_IGN)
    with _delayed_interrupt():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_unknown_to_python_stays(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(signal, "getsignal", lambda number: None)
        patched.setattr(signal, "signal", None)
        with _delayed_interrupt():
            pass


def test_an_interrupt_during_an_import_in_another_thread_is_not_delayed(set_handler):
    told, inside, told_of = [], threading.Event(), threading.Event()
    set_handler(lambda *_: told.append(1))

    def hold():
        with _delayed_interrupt():
            inside.set()
            told_of.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    signal.raise_signal(signal.SIGINT)
    assert told == [1]
    told_of.set()
    thread.join()


def test_an_interrupt_is_told_after_an_import_that_fails(set_handler):
    set_handler(signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt) as interrupt, _delayed_interrupt():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ImportError
    assert isinstance(interrupt.value.__context__, ImportError)


@pytest.mark.parametrize("variables", [{}, {"HDF5_PLUGIN_PATH": "folder", "TF2_BEHAVIOR": "0"}])
def test_the_environment_is_the_same_after_the_first_fit(variables):
    code = """
import os
import numpy as np
from sklstm import LSTMRegressor
before = dict(os.environ)
LSTMRegressor(2, epochs=1).fit(np.ones((4, 3, 1)), np.arange(4.0))
print({name for name in {**before, **os.environ} if before.get(name) != os.environ.get(name)})
"""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "set()\n", done.stderr
