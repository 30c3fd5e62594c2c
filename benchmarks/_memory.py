"""Read how much memory this process holds, and how much it held at its peak, in MB of 1e6 bytes."""

import gc
import threading
from contextlib import contextmanager

import psutil


def read_memory():
    """Return the MB this process holds now."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


@contextmanager
def watch_growth():
    """Yield a dictionary that holds, after the block, the MB by which memory grew in it at peak.

    Linux counts the peak itself, and starts anew on request; elsewhere a thread samples it.
    """
    growth = {}
    before = read_memory()
    try:
        with open("/proc/self/clear_refs", "w") as request:
            request.write("5")
    except OSError:
        peak = [before]
        done = threading.Event()
        sampler = threading.Thread(target=sample_peak, args=(peak, done))
        sampler.start()
        try:
            yield growth
        finally:
            done.set()
            sampler.join()
        growth["MB"] = peak[0] - before
    else:
        yield growth
        growth["MB"] = read_peak() - before


def sample_peak(peak, done):
    """Keep in ``peak[0]`` the most memory seen until `done` is set."""
    process = psutil.Process()
    while not done.wait(0.002):
        peak[0] = max(peak[0], process.memory_info().rss / 1e6)


def read_peak():
    """Return the MB this process held at its peak, as Linux counted it."""
    with open("/proc/self/status") as lines:
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6
