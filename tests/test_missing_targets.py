"""Targets that are not known: no loss where `y` is NaN, and all else as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_training import assert_same_weights, fit_keras, plain

from sklstm import LSTMRegressor, make_windows
from sklstm.estimators.losses import LOSSES
from sklstm.training.gradient import get_loss

NAN = np.nan


def make_data(n_windows=60, n_outputs=3, missing=0.3, seed=0):
    """Make windows and positive targets, the same fraction of each output missing."""
    random_state = np.random.RandomState(seed)
    X = random_state.normal(size=(n_windows, 5, 2))
    y = 3 + X[:, -1, :1] + random_state.uniform(size=(n_windows, n_outputs))
    y[random_state.uniform(size=y.shape) < missing] = NAN
    return X, y


def make_model(**params):
    return LSTMRegressor(**{"units": 4, "epochs": 2, "random_state": 0, **params})


def masked(y, loss):
    """Return a loss for Keras that is `loss` of the known values, on average over all of them."""
    fraction = 1 - np.isnan(y).mean()

    def measure(y_true, y_pred):
        known = y_true == y_true
        difference = tf.where(known, y_true - y_pred, 0.0)
        return tf.reduce_mean(loss(difference), axis=-1) / fraction

    return measure


@pytest.mark.parametrize("loss", LOSSES)
def test_a_window_without_a_target_might_as_well_be_absent(loss):
    X, y = make_data(n_outputs=1)
    y, weights = y.ravel(), np.random.RandomState(1).uniform(0.1, 2, len(X))
    known = ~np.isnan(y)
    model = make_model(loss=loss, batch_size=7).fit(X, y, weights)
    expected = make_model(loss=loss, batch_size=7).fit(X[known], y[known], weights[known])
    assert_same_weights(model.weights_, expected.weights_, atol=1e-6)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-5)


def test_rows_of_a_window_without_a_target_stay_in_other_windows():
    X, y = make_windows(np.sin(np.arange(80) / 3), n_steps=8)
    y[10:13] = NAN
    known = ~np.isnan(y)
    model, expected = make_model().fit(X, y), make_model().fit(X[known], y[known])
    assert_same_weights(model.weights_, expected.weights_, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 33, 400])
def test_values_have_the_loss_of_a_mask_in_keras(batch_size):
    X, y = make_data(missing=0.5)
    X, y = X[(some := ~np.isnan(y).all(axis=1))], y[some]
    model = plain(learning_rate=0.01, epochs=3, batch_size=batch_size).fit(X, y)
    adam, loss = keras.optimizers.Adam(0.01), masked(y, tf.square)
    weights, losses = fit_keras(X, y, optimizer=adam, loss=loss, epochs=3, batch_size=batch_size)
    assert_same_weights(model.weights_, weights, atol=2e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


def test_quantiles_have_the_pinball_loss_of_a_mask_in_keras():
    X, y = make_data()
    X, y = X[(some := ~np.isnan(y).all(axis=1))], y[some]
    model = plain(
        loss="quantile", quantile=0.9, optimizer="sgd", learning_rate=0.1, epochs=2, batch_size=8
    ).fit(X, y)  # fmt: skip
    loss = masked(y, lambda difference: tf.maximum(0.9 * difference, -0.1 * difference))
    sgd = keras.optimizers.SGD(0.1)
    weights, losses = fit_keras(X, y, optimizer=sgd, loss=loss, epochs=2, batch_size=8)
    assert_same_weights(model.weights_, weights, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


def test_scales_and_losses_are_those_of_the_known_values():
    X, y = make_data()
    weights = np.random.RandomState(1).uniform(0.1, 2, len(X))
    model = make_model(learning_rate=1e-9, epochs=1, batch_size=7).fit(X, y, weights)
    errors, predicted = [], model.predict(X)
    for output in range(3):
        known = ~np.isnan(y[:, output])
        values, weight = y[known, output], weights[known]
        mean = np.average(values, weights=weight)
        spread = np.sqrt(np.average((values - mean) ** 2, weights=weight))
        np.testing.assert_allclose(model.y_mean_[output], mean)
        np.testing.assert_allclose(model.y_scale_[output], spread)
        residuals = (values - predicted[known, output]) / spread
        errors.extend(zip(weight, residuals**2, strict=True))
    weight, squares = np.transpose(errors)
    assert model.loss_curve_[0] == pytest.approx(np.average(squares, weights=weight), rel=1e-5)


def test_a_weight_of_two_is_a_window_twice_in_full_batches():
    X, y = make_data()
    twice = np.arange(len(X)) % 3 == 0
    params = {"batch_size": 400, "shuffle": False}
    model = make_model(**params).fit(X, y, 1 + twice)
    expected = make_model(**params).fit(np.r_[X, X[twice]], np.r_[y, y[twice]])
    assert_same_weights(model.weights_, expected.weights_, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_missing_poisons_no_gradient(loss):
    outputs = tf.constant([[30.0, -30.0, 1.0], [0.0, 1e9, 2.0]])
    values = tf.constant([[NAN, NAN, 2.0], [NAN, NAN, NAN]])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        losses = get_loss(loss)(values, outputs, 0.5)
    gradient = tape.gradient(losses, outputs).numpy()
    alone = get_loss(loss)(values[:1, 2:], outputs[:1, 2:], 0.5)
    np.testing.assert_allclose(losses, [alone[0] / 3, 0], rtol=1e-6)
    assert gradient[0, 2] != 0
    gradient[0, 2] = 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_with_missing_values(loss):
    X, y = make_data()
    model = make_model(loss=loss, epochs=20, learning_rate=0.02).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert np.isfinite(model.predict(X)).all()


def test_counts_are_divided_by_the_mean_of_the_known_ones():
    X, y = make_data()
    model = make_model(loss="poisson").fit(X, y)
    np.testing.assert_allclose(model.y_scale_, np.nanmean(y, axis=0))
    y[np.isnan(y[:, 1]).argmin(), 1] = -1
    with pytest.raises(ValueError, match=r"y must be at least 0 for .*, got -1\."):
        make_model(loss="poisson").fit(X, y)
    y[:, 1] = np.where(np.isnan(y[:, 1]), NAN, 0)
    with pytest.raises(ValueError, match="must have a positive value in each output"):
        make_model(loss="poisson").fit(X, y)


def test_units_beyond_float32_are_refused_beside_missing_values():
    X, y = make_data()
    with pytest.raises(ValueError, match=r"y must be less than 3\.4e38 .* got 6\.\d+e\+39"):
        make_model(loss="mape").fit(X, 1e39 * y)


def test_changes_from_an_anchor_are_those_of_the_known_values():
    X, y = make_data()
    changes = y - X[:, -1, :1]
    model = make_model(anchor=[0, 0, 0]).fit(X, y)
    np.testing.assert_allclose(model.y_mean_, np.nanmean(changes, axis=0))
    np.testing.assert_allclose(model.y_scale_, np.nanstd(changes, axis=0))
    steady = np.where(np.isnan(y), NAN, X[:, -1, :1] + 0.5)
    predicted = make_model(anchor=[0, 0, 0]).fit(X, steady).predict(X)
    np.testing.assert_allclose(predicted, np.tile(X[:, -1, :1] + 0.5, 3), rtol=1e-12)


def test_units_that_differ_from_the_anchor_are_told_by_the_known_values():
    X, y = make_data()
    with pytest.warns(UserWarning, match=r"y has mean 3\d\d .*, the column mean -0\.0"):
        make_model(anchor=[0, 0, 0], epochs=1).fit(X, 100 * y)
    few = np.where(np.arange(60)[:, np.newaxis] < [60, 60, 5], y, NAN)
    with pytest.warns(UserWarning, match="levels or spreads differ"):
        make_model(anchor=[0, 0, 0], epochs=1).fit(X, 100 * few)


def test_the_validation_loss_is_that_of_the_known_values():
    X, y = make_data()
    y[45:, 2] = NAN  # throughout in validation, which is no error there
    model = make_model(epochs=4).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    residuals = (model.predict(X[40:]) - y[40:]) / model.y_scale_
    assert model.validation_loss_curve_[-1] == pytest.approx(np.nanmean(residuals**2), rel=1e-5)
    with pytest.raises(ValueError, match="y_val must have a known value, got only missing"):
        make_model().fit(X[:40], y[:40], X_val=X[40:], y_val=np.full((20, 3), NAN))


def test_early_stopping_validates_on_the_last_windows_with_a_target():
    X, y = make_data(n_outputs=1)
    y = y.ravel()
    known = ~np.isnan(y)
    params = {"early_stopping": True, "n_iter_no_change": 2, "epochs": 30, "learning_rate": 0.05}
    model, expected = make_model(**params).fit(X, y), make_model(**params).fit(X[known], y[known])
    assert_same_weights(model.weights_, expected.weights_, atol=1e-5)
    X, y = make_data()
    several = make_model(**params).fit(X, y)
    assert several.n_iter_ < 30
    assert several.best_loss_ == min(several.validation_loss_curve_)


def test_parts_go_on_with_an_output_that_is_missing_for_now():
    X, y = make_data()
    model = make_model(optimizer="sgd", learning_rate=0.1)
    with pytest.raises(ValueError, match="y must have a known value in each output"):
        model.partial_fit(X, np.where([True, False, True], y, NAN))
    model.partial_fit(X, y)
    kernel, bias = (array.copy() for array in model.weights_[-2:])
    model.partial_fit(X, np.where([True, False, True], y, NAN))
    np.testing.assert_array_equal(model.weights_[-2][:, 1], kernel[:, 1])
    assert model.weights_[-1][1] == bias[1]
    assert (model.weights_[-1][[0, 2]] != bias[[0, 2]]).all()


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        (np.full(60, NAN), None, r"y must have a known value, got only missing ones \(NaN\)"),
        (np.full((60, 2), NAN), None, "y must have a known value, got only missing"),
        (np.c_[np.ones(60), np.full(60, NAN)], None, "in each output to train on, .* output 1"),
        (np.r_[1.0, np.full(59, NAN)], np.arange(60), "y must have a known value"),
    ],
)
def test_targets_that_teach_nothing_are_refused(y, weights, message):
    X, _ = make_data()
    for params in ({}, {"standardize": False}):
        with pytest.raises(ValueError, match=message):
            make_model(**params).fit(X, y, weights)


def test_an_output_known_in_the_validation_data_only_is_refused():
    X, y = make_data()
    y[:54, 1] = NAN
    with pytest.raises(ValueError, match="in each output to train on"):
        make_model(early_stopping=True).fit(X, y)


def test_a_checkpoint_goes_on_with_missing_targets(tmp_path):
    X, y = make_data()
    path = tmp_path / "fit.npz"
    make_model(checkpoint=path, epochs=1).fit(X, y)
    model = make_model(checkpoint=path, epochs=3).fit(X, y.copy())
    assert_same_weights(model.weights_, make_model(epochs=3).fit(X, y).weights_, rtol=0)


def test_missing_values_of_pandas_are_missing_targets():
    pd = pytest.importorskip("pandas")
    X, y = make_data(n_outputs=1)
    expected = make_model().fit(X, y.ravel())
    for target in (pd.Series(y.ravel()), pd.Series(y.ravel()).astype("Float64")):
        assert_same_weights(make_model().fit(X, target).weights_, expected.weights_, rtol=0)
