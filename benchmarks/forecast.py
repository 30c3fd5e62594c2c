"""Forecast 1,000 steps one by one, with windows of 50 steps and 50 units."""

import time
from functools import partial

import numpy as np
from _harness import compare, measure, print_table
from _peers import build_keras, make_data

UNITS = 50
N_STEPS_AHEAD = 1_000
N_STEPS_OF_KERAS = 100  # its time is taken ten times


def time_sklstm():
    """Forecast with `forecast`."""
    from sklstm import LSTMRegressor, forecast

    X, y = make_data(64)
    model = LSTMRegressor(units=UNITS, epochs=1).fit(X, y)
    forecast(model, X[-1], 2)
    start = time.perf_counter()
    forecast(model, X[-1], N_STEPS_AHEAD)
    return {"seconds": time.perf_counter() - start}


def time_keras():
    """Forecast with a loop of `keras.Model.predict`, as everybody writes it."""
    return time_loop(partial(build_keras(UNITS).predict, verbose=0))


def time_keras_at_best():
    """Forecast with a loop of plain calls of the model."""
    return time_loop(build_keras(UNITS))


def time_loop(predict):
    """Return the seconds of a loop that shifts a window and appends the prediction."""
    window = make_data(1)[0]
    predict(window)
    start = time.perf_counter()
    for _ in range(N_STEPS_OF_KERAS):
        prediction = np.asarray(predict(window))
        window = np.concatenate([window[:, 1:], prediction[:, np.newaxis]], axis=1)
    return {"seconds": (time.perf_counter() - start) * N_STEPS_AHEAD / N_STEPS_OF_KERAS}


if __name__ == "__main__":
    peers = {"sklstm": time_sklstm, "keras": time_keras, "keras at best": time_keras_at_best}
    ours, theirs, best = (figures["seconds"] for figures in measure(peers).values())
    print_table(
        [
            compare("1,000 steps, against a loop of predict", ours, theirs, "s", below=1),
            compare("1,000 steps, against a loop of plain calls", ours, best, "s"),
        ]
    )
