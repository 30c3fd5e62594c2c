"""What a fit leaves behind: whole or not at all, and what the next one goes on from."""

import errno
import os
import pickle

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklstm import LossCurveDisplay, LSTMRegressor
from sklstm.estimators.fitted import make_attributes, read_attributes
from sklstm.training import loop as _loop
from sklstm.training import program as _program

RANDOM_STATE = np.random.RandomState(0)
X = RANDOM_STATE.normal(size=(60, 5, 2))
Y = X[:, -1, 0] - X[:, -2, 1] + RANDOM_STATE.normal(size=60)
X_VAL, Y_VAL = X[40:], Y[40:]
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}


def make_model(**params):
    return LSTMRegressor(**{"units": 2, "epochs": 2, "random_state": 0, **params})


def interrupt(*_):
    raise KeyboardInterrupt


def fill_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail(*_):
    raise RuntimeError("callback on fire")


def call_back(function):
    return [keras.callbacks.LambdaCallback(on_epoch_begin=function)]


# What ends a fit, by the error it ends with.
ENDS = {
    "unknown optimizer": ({"optimizer": "adm"}, ValueError),
    "another optimizer": ({"optimizer": "sgd"}, ValueError),
    "settings of an optimizer": ({"optimizer": keras.optimizers.Adam(amsgrad=True)}, ValueError),
    "another network": ({"units": 3}, ValueError),
    "divergence": ({"learning_rate": 1e30}, ValueError),
    "full disk": ({"checkpoint": "state"}, ValueError),
    "an error of a callback": ({"callbacks": call_back(fail)}, RuntimeError),
    "Ctrl-C": ({"callbacks": call_back(interrupt)}, KeyboardInterrupt),
}
BEGINS = {  # that do not end by another optimizer or network
    name: end for name, end in ENDS.items() if not name.startswith(("another", "settings"))
}


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    """Return a fitted model, in a folder on a full disk."""
    model = make_model().fit(X, Y)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", fill_disk)
    return model


def assert_same_fit(model, other):
    attributes = [
        {name: value for name, value in vars(m).items() if name.endswith("_")}
        for m in (model, other)
    ]
    assert pickle.dumps(attributes[0]) == pickle.dumps(attributes[1])


@pytest.mark.parametrize(("params", "error"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_continued_fit_that_ends_badly_leaves_the_earlier_one(fitted, params, error, method):
    if method == "partial_fit" and "checkpoint" in params:
        pytest.skip("partial_fit writes no checkpoint")
    before = pickle.loads(pickle.dumps(fitted))
    *_, (_, program) = _program._pool  # the one used last
    fitted.set_params(warm_start=True, **params)
    with pytest.raises(error):
        getattr(fitted, method)(X, Y)
    assert_same_fit(fitted, before)
    np.testing.assert_array_equal(fitted.predict(X), before.predict(X))
    assert any(kept is program for _, kept in _program._pool)
    default = {name: make_model().get_params()[name] for name in params}
    fitted.set_params(**default).partial_fit(X, Y)
    assert_same_fit(fitted, before.partial_fit(X, Y))


@pytest.mark.parametrize(("params", "error"), BEGINS.values(), ids=BEGINS.keys())
def test_a_new_fit_that_ends_badly_leaves_the_earlier_one(fitted, params, error):
    before = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(error):
        fitted.set_params(**params).fit(X[:, 1:], Y)
    assert_same_fit(fitted, before)
    new = make_model(**params)
    with pytest.raises(error):
        new.fit(X, Y)
    with pytest.raises(NotFittedError):
        new.predict(X)


def test_a_new_fit_leaves_nothing_of_the_earlier_one():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X[:, :, 0], columns=[f"lag_{k}" for k in range(5)])
    model = make_model().fit(frame, Y, X_val=frame, y_val=Y).fit(X, Y)
    assert_same_fit(model, make_model().fit(X, Y))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}])
def test_attributes_are_read_as_they_were_made(params):
    model = make_model(**params).fit(X, Y, **VALIDATION)
    expected = {name: value for name, value in vars(model).items() if name.endswith("_")}
    assert pickle.dumps(make_attributes(read_attributes(model))) == pickle.dumps(expected)


# Going on, with validation


def test_best_weights_of_before_are_not_forgotten():
    model = make_model(early_stopping=True, epochs=20, warm_start=True)
    before = model.fit(X[:40], Y[:40], **VALIDATION).predict(X)
    best = model.best_loss_
    model.set_params(learning_rate=1.0, epochs=5)  # much too high
    model.fit(X[:40], Y[:40], **VALIDATION)
    assert model.n_iter_ == len(model.validation_loss_curve_) > 20
    assert min(model.validation_loss_curve_[20:]) > best
    assert model.best_loss_ == best == min(model.validation_loss_curve_)
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_better_epoch_of_a_continued_fit_is_kept():
    model = make_model(early_stopping=True, epochs=2, warm_start=True)
    model.fit(X[:40], Y[:40], **VALIDATION)
    model.set_params(learning_rate=0.05, epochs=10).fit(X[:40], Y[:40], **VALIDATION)
    curve = model.validation_loss_curve_
    assert np.argmin(curve) >= 2
    assert model.best_loss_ == min(curve)
    error = np.mean((model.predict(X_VAL) - Y_VAL) ** 2) / model.y_scale_**2
    assert error == pytest.approx(min(curve), rel=1e-5)


def test_best_weights_are_kept_beside_the_last_ones():
    model = make_model(epochs=30, learning_rate=0.1).fit(X[:40], Y[:40], **VALIDATION)
    best = int(np.argmin(model.validation_loss_curve_)) + 1
    assert best < 30
    expected = make_model(epochs=best, learning_rate=0.1).fit(X[:40], Y[:40])
    for actual, weights in zip(model.best_weights_, expected.weights_, strict=True):
        np.testing.assert_array_equal(actual, weights)
    assert not np.array_equal(model.weights_[0], model.best_weights_[0])


def test_with_other_validation_data_the_best_weights_are_measured_again():
    model = make_model(early_stopping=True, epochs=10, learning_rate=0.02, warm_start=True)
    model.fit(X[:40], Y[:40], **VALIDATION)
    # With these, 100 times as large, no loss is as low as those of before.
    far = {"X_val": X_VAL, "y_val": 100 * Y_VAL}
    before = pickle.loads(pickle.dumps(model)).predict(X)
    model.set_params(epochs=3).fit(X[:40], 100 * Y[:40], **far)
    assert min(model.validation_loss_curve_[10:]) > min(model.validation_loss_curve_[:10])
    assert model.best_loss_ == min(model.validation_loss_curve_[10:])
    assert not np.array_equal(model.predict(X), before)


def test_epochs_without_validation_have_no_validation_loss():
    model = make_model(epochs=2).fit(X, Y)
    assert model.validation_loss_curve_ is None
    assert model.best_loss_ is None
    model.set_params(warm_start=True).fit(X, Y, **VALIDATION)
    model.partial_fit(X, Y)
    curve = np.array(model.validation_loss_curve_)
    assert len(curve) == len(model.loss_curve_) == model.n_iter_ == 5
    np.testing.assert_array_equal(np.isnan(curve), [True, True, False, False, True])
    assert model.best_loss_ == np.nanmin(curve)
    plt.switch_backend("agg")
    display = LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), curve)
    assert display.best_epoch_ == np.nanargmin(curve) + 1
    assert display.best_point_.get_ydata() == [np.nanmin(curve)]
    plt.close("all")


def test_patience_begins_anew_in_a_continued_fit():
    model = make_model(early_stopping=True, epochs=50, n_iter_no_change=2, tol=10.0)
    model.fit(X[:40], Y[:40], **VALIDATION)
    assert model.n_iter_ == 4  # the first, and three that do not lower the loss by 10
    model.set_params(warm_start=True).fit(X[:40], Y[:40], **VALIDATION)
    assert model.n_iter_ == 7


def test_a_validation_loss_that_is_not_a_number_is_no_improvement(monkeypatch):
    losses = iter([1.0, np.nan, np.nan, np.nan, np.nan])
    monkeypatch.setattr(_loop, "measure_loss", lambda *_: next(losses))
    model = make_model(early_stopping=True, epochs=5, n_iter_no_change=2)
    model.fit(X[:40], Y[:40], **VALIDATION)
    assert model.n_iter_ == 4  # the first, and three that are no better
    assert model.best_loss_ == 1.0
    expected = make_model(epochs=1).fit(X[:40], Y[:40])
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
