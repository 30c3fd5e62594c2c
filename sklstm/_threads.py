"""Threads: how many are granted, one for BLAS, and locks that a forked process finds free."""

import contextlib
import functools
import os
import threading

import joblib
from threadpoolctl import ThreadpoolController


def granted_threads():
    """Count the threads this process may use: joblib tells its workers in OMP_NUM_THREADS."""
    granted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(granted) if granted.isdigit() and int(granted) > 0 else joblib.cpu_count()


def call_after_fork(function):
    """Have a function called in each process that is forked from this one."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


class Lock:
    """A lock that a forked process finds free: who held it may not have come along."""

    def __init__(self):
        self._renew()
        call_after_fork(self._renew)

    def _renew(self):
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def hold(self):
        """Hold the lock."""
        with self._lock:
            yield


_blas_lock = Lock()  # keeps two fits from restoring each other's number of threads
_get_blas = functools.cache(ThreadpoolController)


@contextlib.contextmanager
def one_blas_thread():
    """Keep BLAS to one thread.

    Several round differently, and after a product the idle ones keep the cores busy for up to a
    tenth of a second: the first epoch that followed took twice as long (measured).
    """
    with _blas_lock.hold(), _get_blas().limit(limits=1, user_api="blas"):
        yield
