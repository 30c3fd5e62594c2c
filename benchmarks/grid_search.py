"""Search over units and learning rate, from the start of the process to its end."""

import statistics

from _harness import compare, measure, print_table
from _peers import build_keras, make_data
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

UNITS = [16, 50]
LEARNING_RATES = [3e-4, 1e-3, 3e-3]
FIT = {"epochs": 5, "batch_size": 32, "verbose": 0}


def search_sklstm():
    """Search with `LSTMRegressor`."""
    from sklstm import LSTMRegressor

    model = LSTMRegressor(loss="mse", random_state=0, **FIT)
    return search(model, {"units": UNITS, "learning_rate": LEARNING_RATES})


def search_scikeras():
    """Search with scikeras, which passes ``model__`` parameters to the function that builds."""
    from scikeras.wrappers import KerasRegressor

    model = KerasRegressor(build_keras, random_state=0, **FIT)
    return search(model, {"model__units": UNITS, "model__learning_rate": LEARNING_RATES})


def search(model, grid):
    """Return the error of the best of six candidates on three folds."""
    X, y = make_data(950)
    splitter = TimeSeriesSplit(n_splits=3)
    result = GridSearchCV(model, grid, cv=splitter, scoring="neg_mean_squared_error").fit(X, y)
    return {"error": -result.best_score_}


if __name__ == "__main__":
    results = measure({"sklstm": search_sklstm, "scikeras": search_scikeras}, rounds=3)
    ours, theirs = results["sklstm"], results["scikeras"]
    print_table(
        [compare("process, against scikeras", ours["process"], theirs["process"], "s", at_least=5)]
    )
    errors = (f"{name} {statistics.median(results[name]['error']):.4f}" for name in results)
    print("\nMean squared error of the best candidate:", ", ".join(errors))
