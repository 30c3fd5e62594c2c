"""Run peers in processes of their own, in turn, and print one table of medians."""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

PACKAGES = (
    "sklstm",
    "tensorflow",
    "keras",
    "scikeras",
    "torch",
    "skorch",
    "scikit-learn",
    "numpy",
)
IMPORTS = "import sklearn.model_selection, tensorflow, keras, scikeras.wrappers, skorch, sklstm"
SILENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


def measure(peers, rounds=5, prepare=None):
    """Measure every peer once a round, each time in a new process.

    `peers` maps a name to a function without arguments that returns ``{figure: number}``. The
    functions of `prepare`, of the same kind, run once before the first round. The result maps each
    peer to ``{figure: one number a round}``; to each peer's own figures it adds ``"process"``, the
    seconds from the start of its process to its end.

    The processes are this script again, told by ``--peer`` whose turn it is.
    """
    prepare = prepare or {}
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds, help="default: %(default)s")
    parser.add_argument("--peer", choices=[*prepare, *peers], help="measure one peer, once")
    arguments = parser.parse_args()
    if arguments.peer:
        print(json.dumps((prepare | peers)[arguments.peer]()))
        sys.exit()

    print(describe_machine(), flush=True)
    # The first process reads gigabytes of libraries from the disk, up to a minute that is nobody's.
    subprocess.run([sys.executable, "-c", IMPORTS], env=SILENT | os.environ, capture_output=True)
    for name in prepare:
        run_process(name)
    results = {name: {} for name in peers}
    for _ in range(arguments.rounds):
        for name in peers:
            for figure, value in run_process(name).items():
                results[name].setdefault(figure, []).append(value)
    return results


def run_process(name):
    """Return the figures of one peer, measured in a new process of this script."""
    start = time.perf_counter()
    process = subprocess.run(
        [sys.executable, sys.argv[0], "--peer", name],
        env=SILENT | os.environ,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{name} failed:\n{process.stderr}")
    return json.loads(process.stdout.splitlines()[-1]) | {"process": seconds}


def describe_machine():
    """Return the processor, how busy it is, and the versions measured, in one line."""
    try:
        with open("/proc/cpuinfo") as lines:
            processor = next(line.split(": ")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{name} {find_version(name)}" for name in PACKAGES)
    python = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores{load}; Python {python}, {versions}\n"


def find_version(name):
    """Return the installed version of a package, `checkout` where it is only importable."""
    try:
        return version(name)
    except ImportError:
        return "checkout"


def compare(what, ours, theirs, unit, at_least=None, below=None):
    """Return a table row: the ratio of two medians, and whether it holds its bar.

    `ours` and `theirs` hold one number a round, less being better. The bar is a ratio (`at_least`)
    or a limit on the median of `ours` (`below`); without one the row only informs.
    """
    our_median, their_median = statistics.median(ours), statistics.median(theirs)
    ratio = their_median / our_median if our_median > 0 else math.inf
    bar, holds = "", ""
    if at_least is not None:
        bar, holds = f">= {at_least} x", "yes" if ratio >= at_least else "NO"
    if below is not None:
        bar, holds = f"< {below} {unit}", "yes" if our_median < below else "NO"
    return [what, summarise(ours, unit), summarise(theirs, unit), f"{ratio:.2f} x", bar, holds]


def summarise(values, unit):
    """Return the median of some numbers with its unit, and their range."""
    numbers = (statistics.median(values), min(values), max(values))
    middle, low, high = (f"{n:.3g}" if abs(n) < 1000 else f"{n:,.0f}" for n in numbers)
    return f"{middle} {unit}" + (f" ({low} to {high})" if len(values) > 1 else "")


def print_table(rows, header=("", "sklstm", "peer", "ratio", "bar", "holds")):
    """Print rows as a Markdown table."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, ["-" * width for width in widths], *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("|", " | ".join(cells), "|")
