"""Anchors: levels never seen in training, and columns that are not what they should be."""

import numpy as np
import pytest

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.estimators.samples import Samples
from sklstm.network.base import read_base
from sklstm.network.description import Network
from sklstm.network.scales import measure_scales
from sklstm.windows.rows import as_rows, find_last_rows


def make_model(**params):
    return LSTMRegressor(**{"units": 4, "epochs": 3, "random_state": 0, "anchor": 0, **params})


def make_walk(n_rows=120, n_features=2, seed=0):
    return 50 + np.random.RandomState(seed).normal(size=(n_rows, n_features)).cumsum(axis=0)


@pytest.mark.parametrize("slope", [3.0, -0.001])
@pytest.mark.parametrize("horizon", [1, 3])
def test_a_linear_trend_goes_on_far_above_the_training_range(slope, horizon):
    X, y = make_windows(slope * np.arange(400.0) + 5, n_steps=6, horizon=horizon)
    model = make_model().fit(X[:100], y[:100])
    np.testing.assert_allclose(model.predict(X[100:]), y[100:], rtol=1e-6)


def test_a_noisy_trend_is_forecast_far_above_the_training_range():
    noise = np.random.RandomState(0).normal(size=600)
    X, y = make_windows(2 * np.arange(600) + noise, n_steps=6)
    model = make_model(epochs=20).fit(X[:200], y[:200])
    assert np.abs(model.predict(X[400:]) - y[400:]).mean() < 1.5  # of the noise alone: 0.8
    without = make_model(epochs=20, anchor=None).fit(X[:200], y[:200])
    assert np.abs(without.predict(X[400:]) - y[400:]).mean() > 100


def test_the_change_is_predicted_and_added_to_the_last_value():
    X, y = make_windows(make_walk()[:, 0], n_steps=6)
    anchored = make_model().fit(X, y)
    relative, last = X - X[:, -1:], X[:, -1, 0]
    by_hand = make_model(anchor=None, standardize=False)
    scale = np.sqrt((relative**2).mean())
    change = y - last
    by_hand.fit(relative / scale, (change - change.mean()) / change.std())
    expected = by_hand.predict(relative / scale) * change.std() + change.mean() + last
    np.testing.assert_allclose(anchored.predict(X), expected, atol=1e-4)
    np.testing.assert_allclose(anchored.X_scale_, scale)
    np.testing.assert_allclose([anchored.y_mean_, anchored.y_scale_], [change.mean(), change.std()])


def test_a_shift_of_all_levels_shifts_the_forecast():
    rows = make_walk()
    X, y = make_windows(rows, n_steps=6)
    model = make_model(anchor=[0, 1]).fit(X, y)
    shift = [1000.0, -70.0]
    np.testing.assert_allclose(model.predict(X + shift), model.predict(X) + shift, atol=1e-5)


def test_one_index_serves_all_steps_ahead_and_negative_ones_count_from_the_end():
    rows = make_walk(n_features=3)
    X, y = make_supervised(rows, horizon=2, target=2)
    W = SlidingWindowTransformer(n_steps=6).fit_transform(X)
    one, each, last, array = (make_model(anchor=a).fit(W, y) for a in (2, [2, 2], -1, np.array(2)))
    for other in (each, last, array):
        np.testing.assert_array_equal(one.predict(W), other.predict(W))
    assert one.network_["anchor"] == (2, 2)


def test_the_last_real_row_counts_in_short_and_broken_windows():
    X, y = make_windows(make_walk(), n_steps=6)
    X = X.copy()
    X[:, 5, 1] = np.nan  # no value of the last row is used
    X[::3, :2] = np.nan
    model = make_model().fit(X, y[:, 0])
    shorter = X[:, :5]
    expected = make_model().fit(shorter, y[:, 0]).predict(shorter)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-4)


def test_a_window_without_a_real_row_is_forecast_from_the_mean():
    X, y = make_windows(make_walk(n_features=1), n_steps=6)
    model = make_model().fit(X, y)
    predicted = model.predict(np.full((2, 6, 1), np.nan))
    expected = model.X_mean_[0] + model.y_mean_ + model.y_scale_ * model.weights_[-1][0]
    np.testing.assert_allclose(predicted, [expected] * 2, rtol=1e-6)
    np.testing.assert_allclose(model.to_keras()(np.full((2, 6, 1), np.nan)), predicted, rtol=1e-6)


def test_without_standardize_changes_are_read_in_their_own_units():
    X, y = make_windows(1e6 + make_walk(n_features=1), n_steps=6)
    model = make_model(standardize=False).fit(X, y)
    assert (model.X_scale_, model.y_mean_, model.y_scale_) == (1, 0, 1)
    assert np.abs(model.predict(X) - y).mean() < 3


def test_scales_are_those_of_windows_as_copies():
    rows = make_walk()
    rows[[10, 40, 41], 0] = np.nan
    W = SlidingWindowTransformer(n_steps=6).fit_transform(rows)
    y, weights = rows[:, 1] + 3, np.linspace(0.5, 1.5, len(rows))
    network = Network(2, (4,), "tanh", 1, anchor=(1,))
    scales = measure_scales(Samples(as_rows(W), y, weights), network, standardize=True)
    real = ~np.isnan(W).any(axis=2)
    last = np.array([w[r][-1, 1] if r.any() else np.nan for w, r in zip(W, real, strict=True)])
    squares = (W[:, :, 1] - last[:, np.newaxis]) ** 2
    total = (weights[:, np.newaxis] * real).sum()
    expected = np.sqrt(np.nansum(weights[:, np.newaxis] * real * squares) / total)
    assert scales.X_scale[1] == pytest.approx(expected)
    change = y - np.where(np.isnan(last), scales.X_mean[1], last)
    assert scales.y_mean == pytest.approx(np.average(change, weights=weights))


def test_last_rows_equal_those_of_a_loop():
    rows = np.random.RandomState(0).choice([np.nan, 1.0], (60, 2))
    windows = as_rows(SlidingWindowTransformer(n_steps=5, dilation=2).fit_transform(rows))
    real = ~np.isnan(windows.rows).any(axis=1)
    for start, last in zip(windows.starts, find_last_rows(windows), strict=True):
        steps = [start + offset for offset in windows.offsets if real[start + offset]]
        assert last == (steps[-1] if steps else start)
    base = read_base(windows, (1,), np.array([7.0, 8.0]))
    assert set(np.unique(base)) <= {1.0, 8.0}


@pytest.mark.parametrize(
    "rescale", [lambda x: (x - x.mean()) / x.std(), lambda x: x / 100, lambda x: x - 500]
)
def test_a_scaler_in_front_is_warned_of(rescale):
    walk = 20 * make_walk(n_features=1)
    X, y = make_windows(walk[:, 0], n_steps=6)
    with pytest.warns(UserWarning, match="standardize=True scales by itself") as warned:
        make_model().fit(rescale(X), y)
    assert warned[0].filename == __file__


def test_a_few_windows_are_not_warned_of():
    X, y = make_windows(make_walk(n_features=1)[:, 0], n_steps=6)
    model = make_model()
    for i in range(3):
        model.partial_fit(X[i : i + 1], y[i : i + 1] + 9)
    assert model.n_iter_ == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"anchor": 2}, "anchor must be a column from 0 to 1, got 2"),
        ({"anchor": -3}, "anchor must be a column from 0 to 1, got -3"),
        ({"anchor": [0]}, "one for each output, got 1 for 2 outputs"),
        ({"anchor": [0, 0.5]}, "from 0 to 1, got 0.5"),
        ({"anchor": "temp"}, "'anchor' parameter"),
        ({"loss": "mape"}, "loss must be one of .* with an anchor, got 'mape'"),
        ({"segment": 4}, "segment must divide n_steps, got segment=4 and windows of 6 steps"),
        ({"segment": 4}, "nearest lengths that it divides: 4 or 8"),
        ({"segment": 9}, "nearest lengths that it divides: 9"),
    ],
)
def test_wrong_anchors_and_segments_are_refused(params, message):
    X, y = make_windows(make_walk(), n_steps=6)
    with pytest.raises(ValueError, match=message):
        make_model(**params).fit(X, y)
