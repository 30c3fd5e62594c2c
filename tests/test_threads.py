"""Tests of the threads granted, and of locks in forked processes."""

import os
import subprocess
import sys

import pytest

from sklstm._threads import granted_threads

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
