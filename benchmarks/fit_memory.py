"""Weigh a fit on a million windows of 100 steps, made from one series, at its peak."""

from functools import partial

import numpy as np
from _harness import compare, measure, print_table
from _memory import watch_growth

N_WINDOWS, N_STEPS = 1_000_000, 100
MATERIALISED = 1e-6 * N_WINDOWS * N_STEPS * np.dtype(np.float32).itemsize  # MB


def fit_pipeline(dtype):
    """Fit windows and LSTM in a pipeline, after a small fit of another series."""
    from sklearn.pipeline import make_pipeline

    from sklstm import LSTMRegressor, SlidingWindowTransformer

    model = make_pipeline(
        SlidingWindowTransformer(n_steps=N_STEPS),
        LSTMRegressor(units=8, epochs=1, batch_size=512, random_state=0),
    )
    model.fit(*make_rows(2_000, dtype, seed=1))
    X, y = make_rows(N_WINDOWS, dtype)
    with watch_growth() as growth:
        model.fit(X, y)
    return growth


def materialise():
    """Make the windows as an array: the memory they take, measured as that of the fits."""
    X, _ = make_rows(N_WINDOWS + N_STEPS - 1, np.float32)
    with watch_growth() as growth:
        windows = np.lib.stride_tricks.sliding_window_view(X, N_STEPS, axis=0).copy()
        assert len(windows) == N_WINDOWS
    return growth


def make_rows(n_rows, dtype, seed=0):
    """Return a random walk, shape (n_rows, 1), and the next value of each row, shape (n_rows,)."""
    walk = np.random.RandomState(seed).normal(size=n_rows + 1).cumsum().astype(dtype)
    return walk[:-1, np.newaxis].copy(), walk[1:].copy()


if __name__ == "__main__":
    results = measure(
        {
            "float32": partial(fit_pipeline, np.float32),
            "float64": partial(fit_pipeline, np.float64),
            "windows": materialise,
        },
        rounds=3,
    )
    single, double, windows = (figures["MB"] for figures in results.values())
    print_table(
        [
            compare("float32 series", single, [MATERIALISED], "MB", below=150),
            compare("float64 series", double, [MATERIALISED], "MB", below=150),
            compare("float32 series, against windows measured", single, windows, "MB"),
        ],
        header=("peak growth of a fit", "sklstm", "windows", "ratio", "bar", "holds"),
    )
