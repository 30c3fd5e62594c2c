"""Predict one window, and 10,000, of 50 steps with 50 units."""

import statistics
import time
from functools import partial

from _harness import compare, measure, print_table
from _peers import build_keras, make_data

UNITS = 50
CALLS = {"one": 50, "many": 5}


def time_sklstm():
    """Predict with `LSTMRegressor`."""
    from sklstm import LSTMRegressor

    return time_predict(LSTMRegressor(units=UNITS, epochs=1).fit(*make_data(64)).predict)


def time_keras():
    """Predict with `keras.Model.predict` as it is."""
    return time_predict(partial(build_keras(UNITS).predict, verbose=0))


def time_keras_at_best():
    """Predict with Keras as its connoisseurs do: in large batches, one window by a plain call."""
    model = build_keras(UNITS)
    return {
        "one": time_call(lambda X: model(X).numpy(), "one"),
        "many": time_call(partial(model.predict, batch_size=256, verbose=0), "many"),
    }


def time_predict(predict):
    """Return the ms to predict one window and many."""
    return {figure: time_call(predict, figure) for figure in CALLS}


def time_call(predict, figure):
    """Return the median ms of some calls, after two that are not counted."""
    X, _ = make_data(1 if figure == "one" else 10_000)
    predict(X)
    predict(X)
    times = []
    for _ in range(CALLS[figure]):
        start = time.perf_counter()
        predict(X)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    peers = {"sklstm": time_sklstm, "keras": time_keras, "keras at best": time_keras_at_best}
    results = measure(peers)
    ours, theirs, best = results.values()
    print_table(
        [
            compare("1 window, against predict", ours["one"], theirs["one"], "ms", at_least=50),
            compare("10,000, against predict", ours["many"], theirs["many"], "ms", at_least=2),
            compare("1 window, against a plain call", ours["one"], best["one"], "ms"),
            compare("10,000, against batches of 256", ours["many"], best["many"], "ms"),
        ]
    )
