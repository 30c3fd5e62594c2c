"""Unpickle a fitted model and predict one window, from the start of the process to its end."""

import os
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

from _harness import compare, measure, print_table
from _peers import build_keras, make_data

UNITS = 50
FOLDER = "BENCHMARK_FOLDER"  # the variable that tells the processes where the pickles are


def save_sklstm():
    """Pickle a fitted `LSTMRegressor`."""
    from sklstm import LSTMRegressor

    return save(LSTMRegressor(units=UNITS, epochs=1).fit(*make_data(64)), "sklstm")


def save_keras():
    """Pickle a fitted Keras model."""
    model = build_keras(UNITS)
    model.fit(*make_data(64), verbose=0)
    return save(model, "keras")


def predict_sklstm():
    """Predict with `LSTMRegressor`."""
    return {"prediction": float(load("sklstm").predict(make_data(1)[0])[0])}


def predict_keras():
    """Predict with `keras.Model.predict`."""
    return {"prediction": float(load("keras").predict(make_data(1)[0], verbose=0)[0, 0])}


def save(model, name):
    """Pickle a model and return the kB that takes."""
    content = pickle.dumps(model)
    Path(os.environ[FOLDER], name).write_bytes(content)
    return {"kB": len(content) / 1e3}


def load(name):
    """Return the model of that name."""
    return pickle.loads(Path(os.environ[FOLDER], name).read_bytes())


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        os.environ.setdefault(FOLDER, folder)
        results = measure(
            {"sklstm": predict_sklstm, "keras": predict_keras},
            prepare={"save sklstm": save_sklstm, "save keras": save_keras},
        )
    ours, theirs = results["sklstm"]["process"], results["keras"]["process"]
    print_table([compare("process, against Keras", ours, theirs, "s", at_least=3)])
