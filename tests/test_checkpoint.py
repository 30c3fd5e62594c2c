"""Checkpoints: a fit that was killed goes on to the same bits, and no other file is touched."""

import errno
import hashlib
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import time

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklstm import make_windows
from sklstm.estimators import base
from sklstm.training import program as _program
from sklstm.training.checkpoint import Checkpoint
from sklstm.training.loop import Run

SETUP = """
import numpy as np
from sklstm import LSTMRegressor
random_state = np.random.RandomState(0)
X = random_state.normal(size=(80, 6, 2))
y = X[:, -1, :1] + random_state.normal(size=(80, 1))
model = LSTMRegressor(
    units=3, epochs=4, dropout=0.2, early_stopping=True, n_iter_no_change=1000, random_state=0
)
"""
namespace = {}
exec(SETUP, namespace)
X, y, model = (namespace[name] for name in ("X", "y", "model"))


def digest(model):
    arrays = [*model.weights_, *model.optimizer_state_["variables"], model.random_state_[1]]
    return hashlib.md5(b"".join(array.tobytes() for array in arrays)).hexdigest()


def assert_same_fit(fitted, expected):
    assert digest(fitted) == digest(expected)
    assert fitted.loss_curve_ == expected.loss_curve_
    assert fitted.validation_loss_curve_ == expected.validation_loss_curve_
    assert fitted.best_loss_ == expected.best_loss_
    assert fitted.random_state_[2:] == expected.random_state_[2:]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state"


def make_model(path=None, **params):
    return clone(clone(model).set_params(checkpoint=path, **params))  # copies the params too


class HalveAtEnd(keras.callbacks.Callback):
    """Halves the learning rate after each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        """Halve it."""
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2


def halve(epoch, learning_rate):
    return learning_rate / 2


def test_a_fit_killed_at_random_moments_ends_like_one_that_was_not(path):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown if the test fails
    draws = random.Random(seed)
    code = f"{SETUP}\nmodel.set_params(epochs=150, checkpoint={str(path)!r}).fit(X, y)"
    n_killed = n_before = 0
    while n_killed < 2:
        child = subprocess.Popen([sys.executable, "-c", code])
        moment = n_before + draws.randrange(1, 50)
        while child.poll() is None and count_epochs(path) < moment:
            time.sleep(0.001)
        time.sleep(draws.random() / 50)
        child.kill()
        assert child.wait() == -9, "it ended before it was killed"
        n_killed += 1
        n_before = count_epochs(path)
        assert moment <= n_before < 150
    resumed = make_model(path, epochs=150)
    assert_same_fit(resumed.fit(X, y), make_model(epochs=150).fit(X, y))
    assert len(list(path.parent.iterdir())) == 1


def count_epochs(path):
    try:
        with np.load(path) as file:
            return len(json.loads(str(file["description"]))["losses"])
    except FileNotFoundError:
        return 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": False, "shuffle": False},
        {"early_stopping": True, "n_iter_no_change": 1, "tol": 10.0},
        {"callbacks": [keras.callbacks.LearningRateScheduler(halve)]},
        {"callbacks": [HalveAtEnd()]},
        {"random_state": np.random.RandomState(5)},
    ],
    ids=["validation", "no validation", "stopped", "scheduler", "callback", "generator"],
)
def test_a_fit_that_goes_on_ends_like_one_without_a_break(path, params):
    expected = make_model(path.with_name("other"), **params).fit(X, y)
    make_model(path, **params).set_params(epochs=2).fit(X, y)
    resumed = make_model(path, **params).fit(X, y)
    assert_same_fit(resumed, expected)
    without = make_model(**params).fit(X, y)
    np.testing.assert_array_equal(resumed.predict(X), without.predict(X))


def test_without_a_seed_it_goes_on_from_the_state_in_the_file(path):
    make_model(path, random_state=None, epochs=1).fit(X, y)
    copied = shutil.copy(path, path.with_name("copy"))
    first, second = (make_model(p, random_state=None).fit(X, y) for p in (path, copied))
    assert_same_fit(second, first)


def test_a_fit_that_ended_is_not_trained_again(path, monkeypatch):
    expected = make_model(path).fit(X, y)
    before = path.read_bytes(), path.stat().st_mtime_ns
    monkeypatch.setattr(_program.Program, "run_epoch", None)
    assert_same_fit(make_model(path).fit(X, y), expected)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_fewer_epochs_than_in_the_file_are_refused(path):
    make_model(path, epochs=2).fit(X, y)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"epochs must reach those .*, 2, got 1\."):
        make_model(path, epochs=1).fit(X, y)
    assert path.read_bytes() == before


def test_a_warm_start_goes_on_from_its_own_file_only(path):
    fitted = pickle.dumps(make_model(warm_start=True, early_stopping=False).fit(X, y))
    expected = pickle.loads(fitted).fit(X, y)
    pickle.loads(fitted).set_params(checkpoint=path, epochs=1).fit(X, y)
    joblib.dump(pickle.loads(fitted), path.with_name("model"))
    again = joblib.load(path.with_name("model"), mmap_mode="r")
    resumed = again.set_params(checkpoint=path).fit(X, y)
    assert resumed.n_iter_ == 8
    assert_same_fit(resumed, expected)
    with pytest.raises(ValueError, match="other data or parameters"):
        resumed.fit(X, y)


CHANGES = {
    "windows": ({}, (X + 1, y)),
    "targets": ({}, (X, y[::-1])),
    "sample_weight": ({}, (X, y, np.arange(80))),
    "learning_rate": ({"learning_rate": 0.1}, (X, y)),
    "dropout": ({"dropout": 0.1}, (X, y)),
    "random_state": ({"random_state": 1}, (X, y)),
    "units": ({"units": 4}, (X, y)),
    "optimizer": ({"optimizer": "sgd"}, (X, y)),
    "optimizer instance": ({"optimizer": keras.optimizers.Adam(0.003)}, (X, y)),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "state"
    make_model(path).fit(X, y)
    return path


@pytest.mark.parametrize(("params", "data"), CHANGES.values(), ids=CHANGES.keys())
def test_the_file_of_another_fit_is_refused_and_stays(written, params, data):
    before = written.read_bytes()
    with pytest.raises(ValueError, match="with other data or parameters"):
        make_model(written, **params).fit(*data)
    assert written.read_bytes() == before


def test_what_does_not_shape_the_training_may_differ(written, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    again = make_model(written, callbacks=[HalveAtEnd()], verbose=False).fit(mapped, y)
    assert again.n_iter_ == 4


def test_the_layout_in_memory_and_the_kind_of_numbers_may_differ(path):
    windows, targets = make_windows(np.sin(np.arange(60) / 3), 6)
    params = {"n_iter_no_change": 5, "learning_rate": 0.003, "units": 3, "early_stopping": False}
    make_model(path, epochs=2, **params).fit(windows, targets)
    others = {"n_iter_no_change": np.int64(5), "learning_rate": np.float64(0.003), "units": (3,)}
    for again in (windows.copy(), np.asfortranarray(windows)):
        strided = np.c_[targets, targets][:, 0]
        model = make_model(path, epochs=2, **{**params, **others}).fit(again, strided)
        assert model.n_iter_ == 2


def test_a_processor_that_rounds_otherwise_goes_on(path, monkeypatch):
    make_model(path, epochs=2).fit(X, y)
    measure_scales = base.measure_scales

    def measure_otherwise(*arguments):
        scales = measure_scales(*arguments)
        return scales._replace(y_scale=np.nextafter(scales.y_scale, np.inf))

    monkeypatch.setattr(base, "measure_scales", measure_otherwise)
    assert make_model(path).fit(X, y).n_iter_ == 4


def test_optimizers_of_equal_settings_are_the_same_fit(path):
    # Keras counts their names up.
    params = {"early_stopping": False, "epochs": 1}
    first, second = (
        make_model(path, optimizer=keras.optimizers.SGD(0.1, momentum=0.9), **params).fit(X, y)
        for _ in range(2)
    )
    assert_same_fit(second, first)
    with pytest.raises(ValueError, match="other data or parameters"):
        make_model(path, optimizer=keras.optimizers.SGD(0.1, momentum=0.8), **params).fit(X, y)
    with pytest.raises(ValueError, match="other data or parameters"):
        make_model(path, optimizer=keras.optimizers.SGD(0.2, momentum=0.9), **params).fit(X, y)


def test_a_search_says_that_each_fit_needs_its_own_file(path):
    search = GridSearchCV(make_model(path), {"dropout": [0.1]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="each fit, also of a search, needs its own"):
        search.fit(X, y)


FOREIGN = {
    "empty": b"",
    "text": b"some notes",
    "pickle": pickle.dumps([1, 2]),
    "zip": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_and_stays(path, content):
    path.write_bytes(content)
    fitted = make_model().fit(X, y)
    with pytest.raises(ValueError, match="damaged or something else") as error:
        fitted.set_params(checkpoint=path).fit(X, y)
    assert str(path) in str(error.value)
    assert path.read_bytes() == content
    assert fitted.predict(X).shape == (80, 1)  # the earlier fit is as it was


def test_arrays_of_others_and_folders_are_refused(path):
    np.savez(path, X=X)
    for foreign in (path.with_name("state.npz"), path.parent):
        with pytest.raises(ValueError, match="damaged or something else"):
            make_model(foreign).fit(X, y)


def test_numbers_of_numpy_are_written_and_come_back_as_python_s(path):
    state = np.random.RandomState(0).get_state()
    numbers = {"n_stale": np.int64(2), "best_loss": np.float32(0.5), "stopped": np.bool_(True)}
    losses = {"losses": [np.float32(0.5)], "validation_losses": [np.float64(0.25)]}
    run = Run(
        [np.ones(3, np.float32)], (*state[:2], *map(np.int64, state[2:])), **numbers, **losses
    )
    Checkpoint(path, "problem").resume(run, 1)
    read = Checkpoint(path, "problem").resume(run, 1)
    assert read.random_state[2:] == state[2:]
    for name, value in {**numbers, **losses}.items():
        assert getattr(read, name) == value
        assert type(getattr(read, name)) in (int, float, bool, list)


def test_parameters_may_be_numbers_of_numpy(path):
    params = {"n_iter_no_change": np.int64(1), "tol": np.float64(10.0), "epochs": np.int64(4)}
    fitted = make_model(path, **params).fit(X, y)
    assert fitted.n_iter_ == 3
    assert_same_fit(make_model(path, **params).fit(X, y), fitted)


def test_a_folder_and_what_is_no_path_are_refused_with_a_cure(path):
    with pytest.raises(ValueError, match="pass the path of a file in it"):
        make_model(path.parent).fit(X, y)
    with pytest.raises(ValueError, match=r"checkpoint must be a path, got 'a.*b': embedded"):
        make_model("a\0b").fit(X, y)


def test_a_damaged_file_is_refused_and_stays(path):
    state = np.random.RandomState(0).get_state()
    run = Run([np.ones((2, 3))], state, losses=[0.5], validation_losses=[])
    assert Checkpoint(path, "problem").resume(run, 1) is run
    whole = path.read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 97)]
    damaged += [
        whole[:n] + bytes([whole[n] ^ 255]) + whole[n + 1 :] for n in range(0, len(whole), 97)
    ]
    n_refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            read = Checkpoint(path, "problem").resume(run, 1)
        except ValueError as error:
            assert "damaged or something else" in str(error)  # noqa: PT017
            n_refused += 1
        else:  # some bytes of an archive mean nothing
            np.testing.assert_array_equal(read.weights, run.weights)
            np.testing.assert_array_equal(read.random_state[1], state[1])
            assert read.losses == [0.5]
        assert path.read_bytes() == content
    assert n_refused >= 0.9 * len(damaged)


def drop(name):
    def edit(description, arrays):
        del (description if name in description else arrays)[name]

    return edit


EDITS = {
    **{f"no {name}": drop(name) for name in ("losses", "stopped", "lengths", "weights_0")},
    "no digest": drop("digest"),
    "a list for a number": lambda description, _: description.update(n_stale=[1]),
    "text for losses": lambda description, _: description.update(losses="0.5"),
    "no state of random numbers": lambda description, _: description.update(random_state=[]),
    "a wrong length": lambda description, _: description["lengths"].update(weights=1),
    "another loss": lambda description, _: description["losses"].append(0.25),
    "an unknown optimizer": lambda description, _: description.update(optimizer=3),
    "another type": lambda _, arrays: arrays.update(weights_0=arrays["weights_0"].astype(float)),
    "another shape": lambda _, arrays: arrays.update(weights_0=arrays["weights_0"].T),
    "another number": lambda _, arrays: arrays.update(weights_0=arrays["weights_0"] + 1),
    "a short key": lambda _, arrays: arrays.update(random_key=arrays["random_key"][:5]),
    "one more array": lambda _, arrays: arrays.update(weights_9=np.ones(3)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_file_changed_by_hand_is_refused(written, path, edit):
    with np.load(written) as file:
        arrays = dict(file)
    description = json.loads(str(arrays.pop("description")))
    edit(description, arrays)
    with open(path, "wb") as file:
        np.savez(file, description=json.dumps(description), **arrays)
    with pytest.raises(ValueError, match="damaged or something else"):
        make_model(path).fit(X, y)


def test_a_link_or_file_left_where_it_writes_first_is_not_written_to(path):
    other, part = path.with_name("other"), path.with_name("state.part")
    other.write_bytes(b"notes")
    part.symlink_to(other)
    make_model(path, epochs=1).fit(X, y)
    assert other.read_bytes() == b"notes"
    part.write_bytes(b"half a file, after a kill")
    assert_same_fit(make_model(path).fit(X, y), make_model().fit(X, y))
    assert {file.name for file in path.parent.iterdir()} == {"state", "other"}


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_what_is_interrupted_in_writing_leaves_nothing(path, monkeypatch, name):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_model(path).fit(X, y)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("name", ["nowhere/state", "n" * 300])
def test_a_path_that_cannot_be_written_to_is_refused_before_the_training(tmp_path, name):
    fitted = make_model().fit(X, y)
    with pytest.raises(ValueError, match="checkpoint must be a path that can be written to"):
        fitted.set_params(checkpoint=tmp_path / name).fit(X, y)
    assert fitted.predict(X).shape == (80, 1)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_the_epochs_before(path, monkeypatch):
    n_written = 0

    def fill(file):
        nonlocal n_written
        n_written += 1
        if n_written == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fill)
        with pytest.raises(ValueError, match="No space left"):
            make_model(path).fit(X, y)
    assert count_epochs(path) == 2
    assert not path.with_name("state.part").exists()
    assert_same_fit(make_model(path).fit(X, y), make_model().fit(X, y))
    assert not path.with_name("state.part").exists()


def test_a_link_stays_a_link(path):
    link = path.with_name("link")
    link.symlink_to(path)
    make_model(link, epochs=1).fit(X, y)
    assert link.is_symlink()
    assert count_epochs(path) == 1
