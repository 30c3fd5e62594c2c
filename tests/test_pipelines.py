"""Windows and LSTMRegressor in one stock pipeline: folds, frames, panels, tomorrow."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows

N_STEPS = 4


def make_network():
    """One shape for all tests, so that they share a compiled program."""
    return LSTMRegressor(units=3, epochs=2, learning_rate=0.03, random_state=0)


def make_model(*steps, **params):
    return make_pipeline(*steps, SlidingWindowTransformer(N_STEPS, **params), make_network())


def make_data(n_rows=60, seed=0):
    """Make rows of two features by the hour and, as their target, the next value of the first."""
    values = np.random.RandomState(seed).normal(size=(n_rows + 1, 2)).cumsum(axis=0)
    index = pd.date_range("2013-03-09", periods=n_rows + 1, freq="h", tz="America/New_York")
    return make_supervised(pd.DataFrame(values, index, ["temp", "wind"]), target="temp")


def make_panel():
    """Make two series of 40 hours, the rows in the order of time, and their targets."""
    parts = {name: make_data(40, seed)[0] for seed, name in enumerate(["JFK", "LGA"])}
    return make_supervised(pd.concat(parts).sort_index(level=1), target="temp")


def score_folds(model, X, y):
    cv = TimeSeriesSplit(4)
    return cross_val_score(model, X, y, cv=cv, scoring="neg_mean_absolute_error")


def test_a_frame_goes_through_the_pipeline_as_it_is():
    X, y = make_data()
    model = make_model().fit(X, y)
    windows = SlidingWindowTransformer(N_STEPS).fit_transform(X.to_numpy())
    by_hand = make_network().fit(windows, y.to_numpy())
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(windows))
    assert model.predict(X).shape == y.shape
    assert model.feature_names_in_.tolist() == ["temp", "wind"]
    with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- rain"):
        model.predict(X.rename(columns={"wind": "rain"}))


def test_scores_of_folds_are_those_of_complete_windows_made_beforehand():
    X, y = make_data()
    windows = SlidingWindowTransformer(N_STEPS).fit_transform(X)
    np.testing.assert_array_equal(windows[N_STEPS - 1 : -1], make_windows(X, N_STEPS)[0])
    scores = score_folds(make_model(), X, y)
    np.testing.assert_allclose(scores, score_folds(make_network(), windows, y), rtol=1e-6)
    assert not np.isclose(scores, score_folds(make_model(history=False), X, y)).any()


def test_windows_and_network_are_searched_over_in_one_grid():
    X, y = make_data()
    grid = {
        "slidingwindowtransformer__history": [False, True],
        "lstmregressor__learning_rate": [1e-6, 0.03],
    }
    model = make_model().set_params(lstmregressor__epochs=15)
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(3)).fit(X, y)
    assert search.best_params_["lstmregressor__learning_rate"] == 0.03
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    assert search.predict(X).shape == y.shape


def test_the_future_changes_no_earlier_forecast():
    X, y = make_data()
    model = make_model().fit(X, y)
    forecasts = model.predict(X)
    for n_known in range(1, len(X)):
        changed = X.copy()
        changed.iloc[n_known:] = np.nan
        np.testing.assert_array_equal(model.predict(changed)[:n_known], forecasts[:n_known])


def test_the_future_changes_no_forecast_of_an_earlier_fold():
    X, y = make_data()
    n_known = 50
    changed_X, changed_y = X.copy(), y.copy()
    changed_X.iloc[n_known:] += 100
    changed_y.iloc[n_known - 1 :] += 100  # the target of the last known row is to come
    for train, test in TimeSeriesSplit(4, test_size=8).split(X):
        known = test[test < n_known]
        model = make_model().fit(X.iloc[train], y.iloc[train])
        changed = make_model().fit(changed_X.iloc[train], changed_y.iloc[train])
        forecasts = model.predict(X.iloc[test])[: len(known)]
        changed = changed.predict(changed_X.iloc[test])[: len(known)]
        np.testing.assert_array_equal(changed, forecasts)


@pytest.mark.parametrize("everywhere", [True, False])
def test_history_reaches_the_windows_past_a_scaler(everywhere):
    X, y = make_data()
    model = make_model(StandardScaler())
    if not everywhere:
        model.set_output(transform="pandas")
    with sklearn.config_context(transform_output="pandas" if everywhere else "default"):
        for fitted in (model, clone(model)):
            fitted.fit(X[:40], y[:40])
            np.testing.assert_array_equal(fitted.predict(X[40:]), fitted.predict(X)[40:])
        scores = score_folds(model, X, y)
    np.testing.assert_allclose(scores, score_folds(make_model(), X, y), rtol=1e-4)


def test_a_scaler_that_drops_the_index_drops_history_with_a_warning():
    X, y = make_data()
    model = make_model(StandardScaler()).fit(X[:40], y[:40].to_numpy())
    with pytest.warns(UserWarning, match="Nothing says whether these rows follow"):
        forecasts = model.predict(X[40:])
    complete = model.predict(X)[40:]
    assert not np.isclose(forecasts[: N_STEPS - 1], complete[: N_STEPS - 1]).any()
    np.testing.assert_array_equal(forecasts[N_STEPS - 1 :], complete[N_STEPS - 1 :])


@pytest.mark.filterwarnings("ignore:Nothing says whether these rows follow")
def test_polars_rows_forecast_as_arrays_do():
    X, y = make_data()
    frame = pl.DataFrame({name: X[name].to_numpy() for name in X})
    model = make_model().fit(frame[:40], pl.Series(y[:40].to_numpy()))
    by_array = make_model().fit(X[:40].to_numpy(), y[:40].to_numpy())
    np.testing.assert_array_equal(
        model.predict(frame[40:]), by_array.predict(X[40:].to_numpy()), strict=True
    )
    assert model.feature_names_in_.tolist() == ["temp", "wind"]
    scaled = make_model(StandardScaler()).set_output(transform="polars").fit(frame, y.to_numpy())
    assert scaled.predict(frame).shape == y.shape


def test_one_model_trains_on_all_series_of_a_panel():
    X, y = make_panel()
    model = make_model().fit(X, y)
    windows = np.empty((len(X), N_STEPS, 2))
    for station in ["JFK", "LGA"]:
        rows = X.index.get_level_values(0) == station
        windows[rows] = SlidingWindowTransformer(N_STEPS).fit_transform(X[rows])
    by_hand = make_network().fit(windows, y)
    forecasts = model.predict(X)
    np.testing.assert_array_equal(forecasts, by_hand.predict(windows))
    one = X.index.get_level_values(0) == "LGA"
    np.testing.assert_array_equal(model.predict(X[one]), forecasts[one])


def test_each_series_of_a_panel_has_its_history():
    X, y = make_panel()
    model = make_model().fit(X[:50], y[:50])
    forecasts = model.predict(X)[50:]
    np.testing.assert_array_equal(model.predict(X[50:]), forecasts)
    later = X[50:].drop(("LGA", X.index[50][1]))
    changed = model.predict(later)[later.index.get_level_values(0) == "LGA"]
    expected = forecasts[X[50:].index.get_level_values(0) == "LGA"][1:]
    assert not np.isclose(changed[: N_STEPS - 1], expected[: N_STEPS - 1]).any()
    np.testing.assert_array_equal(changed[N_STEPS - 1 :], expected[N_STEPS - 1 :])


def test_folds_of_a_panel_score_as_windows_made_beforehand():
    X, y = make_panel()
    windows = SlidingWindowTransformer(N_STEPS).fit_transform(X)
    np.testing.assert_allclose(
        score_folds(make_model(), X, y), score_folds(make_network(), windows, y), rtol=1e-6
    )


@pytest.mark.filterwarnings("ignore:Nothing says whether these rows follow")
def test_groups_are_routed_to_the_windows_of_arrays():
    X, y = make_panel()
    stations = X.index.get_level_values(0).to_numpy()
    rows, targets = X.to_numpy(), y.to_numpy()
    cv = TimeSeriesSplit(3)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_model()
        model[0].set_fit_request(groups=True).set_transform_request(groups=True)
        model.fit(rows, targets, groups=stations)
        forecasts = model.predict(rows, groups=stations)
        scores = cross_val_score(model, rows, targets, cv=cv, params={"groups": stations})
    np.testing.assert_array_equal(forecasts, make_model().fit(X, y).predict(X))
    if sklearn.__version__.startswith("1.6."):
        return  # whose cross_val_score does not route to `score`
    by_index = cross_val_score(make_model(history=False), X, y, cv=cv)
    np.testing.assert_array_equal(scores, by_index)


def test_tomorrow_is_forecast_with_today_behind_it():
    X, y = make_data()
    today, tomorrow, later = X[:40], X[40:50], X[50:]
    model = pickle.loads(pickle.dumps(make_model().fit(today, y[:40])))
    forecasts = model.predict(X)
    np.testing.assert_array_equal(model.predict(tomorrow), forecasts[40:50])
    np.testing.assert_array_equal(model.predict(tomorrow[:1]), forecasts[40:41])
    assert not np.isclose(model.predict(later)[: N_STEPS - 1], forecasts[50:53]).any()
    model[:-1].fit(tomorrow)  # the memory moves on, the network stays
    np.testing.assert_array_equal(model.predict(later), forecasts[50:])


def test_tomorrow_is_not_forecast_without_history():
    X, y = make_data()
    model = make_model(history=False).fit(X[:40], y[:40])
    forecasts, complete = model.predict(X[40:]), model.predict(X)[40:]
    assert not np.isclose(forecasts[: N_STEPS - 1], complete[: N_STEPS - 1]).any()
    np.testing.assert_array_equal(forecasts[N_STEPS - 1 :], complete[N_STEPS - 1 :])
