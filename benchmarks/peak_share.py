"""Compare training with what the machine's matrix product can do."""

import statistics
import time

import numpy as np
from _harness import measure, print_table, summarise
from _training import time_sklstm
from _work import count_operations

PROBLEMS = {
    "950 windows, 50 units, batch 32": {"n_windows": 950, "units": 50, "batch_size": 32},
    "2,560 windows, 128 units, batch 256": {"n_windows": 2560, "units": 128, "batch_size": 256},
}


def measure_share():
    """Return the GFLOP/s of the matrix product, and of training on each problem."""
    figures = {"product": time_product()}
    for name, problem in PROBLEMS.items():
        operations = count_operations(problem["n_windows"], 50, problem["units"], 1)
        figures[name] = 1e-6 * operations / time_sklstm(**problem)["ms"]
    return figures


def time_product():
    """Return the most GFLOP/s that NumPy multiplies float32 matrices at."""
    best = 0
    for size in (512, 1024, 2048):
        matrix = np.random.RandomState(0).normal(size=(size, size)).astype(np.float32)
        for _ in range(10):
            start = time.perf_counter()
            matrix @ matrix
            best = max(best, 2e-9 * size**3 / (time.perf_counter() - start))
    return best


if __name__ == "__main__":
    figures = measure({"sklstm": measure_share}, rounds=3)["sklstm"]
    product = figures["product"]
    rows = []
    for name in PROBLEMS:
        share = statistics.median(figures[name]) / statistics.median(product)
        speeds = [summarise(figure, "GFLOP/s") for figure in (figures[name], product)]
        rows.append([name, *speeds, f"{share:.0%}"])
    print_table(rows, header=("training", "sklstm", "matrix product", "share"))
