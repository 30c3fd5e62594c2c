"""Time an epoch as windows, steps, units and features double."""

import statistics
import time

import numpy as np
from _harness import measure, print_table, summarise
from _work import count_operations

BASE = {"n_windows": 1024, "n_steps": 32, "units": 32, "n_features": 8}
DOUBLINGS = 3
EPOCHS = 10


def time_doublings():
    """Return the ms of an epoch for the base problem and for each that has one size doubled."""
    times = {}
    for size in BASE:
        for k in range(DOUBLINGS + 1):
            times[f"{size} {BASE[size] * 2**k}"] = time_epoch(**BASE | {size: BASE[size] * 2**k})
    return times


def time_epoch(n_windows, n_steps, units, n_features):
    """Return the ms of an epoch, by the difference of fits of `EPOCHS` and of twice as many."""
    from sklstm import LSTMRegressor

    random_state = np.random.RandomState(0)
    X = random_state.normal(size=(n_windows, n_steps, n_features)).astype(np.float32)
    y = X.mean(axis=(1, 2))

    def fit(epochs):
        start = time.perf_counter()
        LSTMRegressor(units=units, epochs=epochs, batch_size=64, random_state=0).fit(X, y)
        return time.perf_counter() - start

    fit(1)
    return 1e3 * (-fit(EPOCHS) + fit(2 * EPOCHS)) / EPOCHS


if __name__ == "__main__":
    times = measure({"sklstm": time_doublings})["sklstm"]
    rows = []
    for size, smallest in BASE.items():
        for k in range(1, DOUBLINGS + 1):
            before, after = (smallest * 2**j for j in (k - 1, k))
            slow, fast = (times[f"{size} {value}"] for value in (after, before))
            cost = statistics.median(slow) / statistics.median(fast)
            work = count_operations(**BASE | {size: after})
            work /= count_operations(**BASE | {size: before})
            growth = f"{cost:.2f} x", f"{work:.2f} x"
            rows.append([f"{size} {before} to {after}", summarise(slow, "ms"), *growth])
    print_table(rows, header=("doubled", "an epoch", "cost grows", "work grows"))
