"""Weigh what each of many fits in one process leaves behind."""

from _harness import compare, measure, print_table
from _memory import read_memory
from _peers import build_keras, make_data

N_FITS = 40
UNITS, N_STEPS = 16, 20
FIT = {"epochs": 2, "batch_size": 32, "verbose": 0}


def keep_sklstm():
    """Fit `LSTMRegressor`."""
    from sklstm import LSTMRegressor

    def fit(X, y, learning_rate):
        LSTMRegressor(units=UNITS, learning_rate=learning_rate, **FIT).fit(X, y)

    return weigh_fits(fit)


def keep_scikeras():
    """Fit scikeras' regressor."""
    from scikeras.wrappers import KerasRegressor

    def fit(X, y, learning_rate):
        KerasRegressor(
            build_keras,
            model__units=UNITS,
            model__n_steps=N_STEPS,
            model__learning_rate=learning_rate,
            **FIT,
        ).fit(X, y)

    return weigh_fits(fit)


def weigh_fits(fit):
    """Return the MB kept per fit, of fits that are alike and of fits that are not."""
    X, y = make_data(500, N_STEPS)
    fit(X, y, 1e-3)
    before = read_memory()
    for _ in range(N_FITS):
        fit(X, y, 1e-3)
    middle = read_memory()
    for k in range(N_FITS):
        length = 500 - 10 * k
        fit(X[:length], y[:length], 1e-3 * 1.05**k)
    after = read_memory()
    return {"alike": (middle - before) / N_FITS, "changing": (after - middle) / N_FITS}


if __name__ == "__main__":
    results = measure({"sklstm": keep_sklstm, "scikeras": keep_scikeras}, rounds=3)
    ours, theirs = results["sklstm"], results["scikeras"]
    what = {"alike": "one architecture", "changing": "changing learning rate and length"}
    print_table(
        [compare(what[key], ours[key], theirs[key], "MB", below=0.3) for key in what],
        header=("kept per fit", "sklstm", "scikeras", "ratio", "bar", "holds"),
    )
