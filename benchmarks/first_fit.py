"""Time what the first fit of a process takes before its first epoch."""

import time
from functools import cache

from _harness import measure, print_table, summarise
from _peers import build_keras, make_data

PARTS = {
    "import": "import TensorFlow and Keras",
    "second": "second fit of one epoch",
    "compile": "trace and compile: what the first fit takes beyond the second",
}


def time_sklstm():
    """Fit `LSTMRegressor` twice."""
    from sklstm import LSTMRegressor
    from sklstm.training.tensorflow import import_tensorflow

    start = time.perf_counter()
    import_tensorflow()  # what the first fit does first
    seconds = {"import": time.perf_counter() - start}
    model = LSTMRegressor(units=50, epochs=1, batch_size=32)
    return seconds | time_fits(model.fit)


def time_keras():
    """Fit one Keras model twice, building it within the first fit."""
    start = time.perf_counter()
    import keras  # noqa: F401 - the time it takes is the point

    seconds = {"import": time.perf_counter() - start}
    build = cache(build_keras)

    def fit(X, y):
        build(50).fit(X, y, batch_size=32, verbose=0)

    return seconds | time_fits(fit)


def time_fits(fit):
    """Return the seconds of a second fit, and those by which the first took longer."""
    X, y = make_data(950)
    start = time.perf_counter()
    fit(X, y)
    middle = time.perf_counter()
    fit(X, y)
    second = time.perf_counter() - middle
    return {"second": second, "compile": middle - start - second}


if __name__ == "__main__":
    results = measure({"sklstm": time_sklstm, "keras": time_keras})
    rows = [
        [what, *(summarise(figures[part], "s") for figures in results.values())]
        for part, what in PARTS.items()
    ]
    print_table(rows, header=("first fit, 950 windows of 50 steps, 50 units", "sklstm", "Keras"))
