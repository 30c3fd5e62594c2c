"""Anchors: levels never seen in training, and columns that are not what they should be."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.estimators.features import check_names
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
        ({"anchor": "temp"}, "column number where the windows have no feature names, got 'temp'"),
        ({"anchor": "temp"}, r'set_output\(transform="pandas"\)'),
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


FRAME = pd.DataFrame(make_walk(n_features=3), columns=["temp", "wind", "rain"])
PANEL = pd.concat({"a": FRAME, "b": FRAME + 3})


def make_pipe(**params):
    return make_pipeline(SlidingWindowTransformer(n_steps=6), make_model(**params))


@pytest.mark.parametrize("frame", [FRAME, PANEL, pl.DataFrame(FRAME)], ids=["one", "two", "polars"])
@pytest.mark.parametrize("name", ["wind", np.str_("wind"), ["wind"], np.array(["wind"])])
def test_a_column_may_be_named(frame, name):
    y = np.asarray(frame)[:, 1] + 1
    named, numbered = make_pipe(anchor=name).fit(frame, y), make_pipe(anchor=1).fit(frame, y)
    assert named[-1].network_["anchor"] == (1,)
    assert_array_equal(named.predict(frame), numbered.predict(frame))


def test_each_output_may_have_a_name_or_a_number():
    X, y = make_supervised(FRAME, target=["rain", "temp"], horizon=2)
    model = make_pipe(anchor=["rain", "temp", -1, 0]).fit(X, y)
    assert model[-1].network_["anchor"] == (2, 0, 2, 0)


def test_names_are_searched_over_and_reach_each_fold():
    X, y = make_supervised(FRAME, target="rain")
    grid = {"lstmregressor__anchor": ["rain", "temp", None]}
    cv = TimeSeriesSplit(2)
    found = GridSearchCV(make_pipe(epochs=1), grid, cv=cv, error_score="raise").fit(X, y)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    W = SlidingWindowTransformer(n_steps=6).fit_transform(X)
    grid = {"anchor": ["rain", 2]}
    found = GridSearchCV(make_model(epochs=1), grid, cv=cv, error_score="raise").fit(W, y)
    assert np.ptp(found.cv_results_["mean_test_score"]) == 0


def test_windows_of_make_windows_have_names_too():
    X, y = make_windows(FRAME, n_steps=6)
    assert make_model(anchor=list(FRAME)).fit(X, y).network_["anchor"] == (0, 1, 2)


def test_a_scaler_that_returns_frames_keeps_the_names():
    y = FRAME["wind"]
    model = make_pipeline(RobustScaler(), make_pipe(anchor="wind", standardize=False))
    with pytest.raises(ValueError, match="have no feature names"):
        model.fit(FRAME, y)
    model.set_output(transform="pandas")
    with pytest.warns(UserWarning, match="standardize=True scales by itself"):
        assert model.fit(FRAME, y)[-1][-1].network_["anchor"] == (1,)


@pytest.mark.parametrize("anchor", ["snow", ["snow"], "0"])
def test_a_name_that_is_not_there_is_refused(anchor):
    message = r"one of the features \['temp', 'wind', 'rain'\], got '(snow|0)'"
    with pytest.raises(ValueError, match=message):
        make_pipe(anchor=anchor).fit(FRAME, FRAME["temp"])


def test_lags_as_columns_have_no_features_to_name():
    lags = pd.DataFrame(make_walk(n_features=3), columns=["x[t-2]", "x[t-1]", "x[t]"])
    with pytest.raises(ValueError, match="have no feature names, got 'x"):
        make_model(anchor="x[t]").fit(lags, lags["x[t]"])


def test_windows_of_another_order_are_refused_in_the_words_of_scikit_learn():
    windower, y = SlidingWindowTransformer(n_steps=6), FRAME["temp"]
    W = windower.fit_transform(FRAME)
    model = make_model(anchor="temp").fit(W, y)
    assert model.feature_names_in_.tolist() == list(FRAME)
    other = windower.fit_transform(FRAME[["wind", "temp", "rain"]])
    for call in (model.predict, lambda X: model.partial_fit(X, y)):
        with pytest.raises(ValueError, match="names must be in the same order as they were in fit"):
            call(other)
    renamed = windower.fit_transform(FRAME.rename(columns={"rain": "snow"}))
    message = (
        "unseen at fit time:\n- snow\nFeature names seen at fit time, yet now missing:\n- rain\n"
    )
    with pytest.raises(ValueError, match=message):
        model.predict(renamed)
    expected = model.predict(W)
    for unnamed in (np.asarray(W), W.tolist()):  # without a warning: they may come from anywhere
        assert_array_equal(model.predict(unnamed), expected)


def test_an_anchor_by_name_goes_on_with_windows_without_names():
    W, y = SlidingWindowTransformer(n_steps=6).fit_transform(FRAME), FRAME["wind"]
    model = make_model(anchor="wind").fit(W, y)
    again = pickle.loads(pickle.dumps(model)).partial_fit(np.asarray(W), y)
    assert again.network_["anchor"] == (1,)
    assert_array_equal(again.predict(W), model.partial_fit(W, y).predict(W))


def test_skops_loads_names_without_more_trust():
    skops_io = pytest.importorskip("skops.io")
    model = make_pipe(anchor="wind").fit(FRAME, FRAME["wind"])
    data = skops_io.dumps(model)
    trusted = skops_io.get_untrusted_types(data=data)
    assert len(trusted) == 2  # the two classes
    loaded = skops_io.loads(data, trusted=trusted)
    assert_array_equal(loaded.predict(FRAME), model.predict(FRAME))
    assert loaded[-1].feature_names_in_.tolist() == list(FRAME)


def test_six_names_that_differ_are_cut_short():
    with pytest.raises(
        ValueError, match="- c\n- d\n- e\n- f\n- g\n- \\.\\.\\.\nFeature names seen"
    ):
        check_names(list("bcdefghi"), list("ab"))
