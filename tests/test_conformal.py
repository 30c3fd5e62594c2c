"""Intervals: which residuals make them, how often they hold the truth, what an update does."""

import pickle
from collections import deque

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone, is_regressor
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import StackingRegressor, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm import (
    ConformalForecaster,
    LSTMRegressor,
    SlidingWindowTransformer,
    make_supervised,
    make_windows,
)
from sklstm.datasets import load_nyc_weather


class LastValue(RegressorMixin, BaseEstimator):
    """Forecast the last value for each output, and remember what it was fitted on."""

    def fit(self, X, y):
        """Remember."""
        self.X_, self.y_ = X, y
        return self

    def predict(self, X):
        """Return the last value of each row or window."""
        last = np.asarray(X).reshape(len(X), -1)[:, -1]
        return last if self.y_.ndim == 1 else np.repeat(last[:, None], self.y_.shape[1], axis=1)


def make_zero():
    """Return a frozen model that forecasts 0, so that residuals are the truths."""
    return FrozenEstimator(DummyRegressor(strategy="constant", constant=0).fit([[0]], [0]))


def make_ridge(n_steps=4):
    window = SlidingWindowTransformer(n_steps, flatten=True, padding="edge")
    return make_pipeline(window, Ridge(1e-6))


def calibrate(truths, **params):
    """Calibrate a model that forecasts 0."""
    truths = np.asarray(truths, dtype=float)
    return ConformalForecaster(make_zero(), **params).fit(np.zeros((len(truths), 1)), truths)


def measure_reach(model):
    """Return how far an interval around 0 reaches."""
    lower, upper = model.predict_interval([[0]])
    assert lower == -upper
    return upper.item()


def make_walk(n_rows=200, seed=0):
    return np.random.RandomState(seed).normal(size=n_rows).cumsum()


@pytest.mark.parametrize(("level", "rank"), [(0.8, 8), (0.81, 9), (0.9, 9), (0.05, 1)])
def test_interval_reaches_to_the_ranked_residual(level, rank):
    truths = [-7, 2, 9, -1, 4, 8, -3, 6, 5]  # 1 to 9 in some order: rank ceil(10 * level)
    assert measure_reach(calibrate(truths, confidence_level=level)) == rank


def test_rounding_adds_no_rank():
    assert 100 * 0.55 > 55  # not in decimals
    assert measure_reach(calibrate(np.arange(1, 100), confidence_level=0.55)) == 55


def test_updates_move_the_level_by_hand_worked_steps():
    model = calibrate(range(1, 10), confidence_level=0.8, gamma=0.5)
    model.update([[0]], [8.0])  # within: the level falls by 0.5 * 0.2 to 0.7, residuals 2 to 9, 8
    assert model.levels_ == pytest.approx([0.7])
    assert measure_reach(model) == 8
    model.update([[0]], [-8.5])  # missed: it rises by 0.5 * 0.8, to 1 at most; 3 to 9, 8, 8.5
    assert model.levels_ == [1]
    assert measure_reach(model) == 9
    for _ in range(20):
        model.update([[0]], [0.0])
    assert model.levels_ == [0]
    assert measure_reach(model) == 0


def test_too_few_rows_to_calibrate_on_are_refused_before_training():
    X, y = make_supervised(make_walk(41))
    model = ConformalForecaster(LastValue())
    with pytest.raises(ValueError, match=r"got 0\.9 for 8"):
        model.fit(X, y)
    assert not hasattr(model, "estimator_")
    y[-1] = np.nan
    with pytest.raises(ValueError, match=r"got 0\.8 for 3"):
        model.set_params(confidence_level=0.8, calibration_fraction=0.1).fit(X, y)
    model.set_params(confidence_level=0.75).fit(X, y)


@pytest.mark.parametrize(("gap", "n_fitted"), [(None, 78), (0, 80), (10, 70)])
def test_it_fits_on_the_first_rows_and_calibrates_on_the_last(gap, n_fitted):
    X, y = make_supervised(make_walk(103), horizon=3)
    model = ConformalForecaster(LastValue(), gap=gap).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.X_, X[:n_fitted])
    np.testing.assert_array_equal(model.estimator_.y_, y[:n_fitted])
    for step in range(3):
        expected = [abs(y[row, step] - X[row, 0]) for row in range(80, 100)]
        np.testing.assert_array_equal(model.residuals_[step], expected)


def test_names_of_targets_say_how_far_apart_the_rows_are():
    walk = pd.DataFrame({"a": make_walk(), "b": make_walk(seed=1)})
    X, y = make_supervised(walk, horizon=[24], target="a")
    model = ConformalForecaster(LastValue()).fit(X, y)
    assert model.gap_ == 23
    assert len(model.residuals_[0]) == 35
    assert len(model.estimator_.X_) == 176 - 35 - 23
    known = model.estimator_.y_.index + 24
    assert known.max() == X.index[-35:].min()  # the last target fitted on is known by then
    assert model.update(X[-5:], y[-5:].to_numpy()).gap_ == 23
    X, y = make_supervised(walk, horizon=2)  # four outputs
    assert ConformalForecaster(LastValue()).fit(X, y).gap_ == 1
    assert ConformalForecaster(LastValue()).fit(X, y.to_numpy()).gap_ == 3
    assert ConformalForecaster(LastValue(), gap=7).fit(X, y).gap_ == 7


def test_an_update_checks_as_many_values_at_a_time_as_there_are_steps_ahead():
    walk = pd.Series(make_walk(), name="a")
    X, y = make_supervised(walk, horizon=[3])
    by_name = ConformalForecaster(LastValue()).fit(X[:150], y[:150])
    by_gap = ConformalForecaster(LastValue(), gap=2).fit(X[:150], y[:150].to_numpy())
    by_name.update(X[150:], y[150:].to_numpy())
    by_gap.update(X[150:], y[150:])
    np.testing.assert_array_equal(by_name.levels_, by_gap.levels_)


def test_no_target_is_both_fitted_and_calibrated_on():
    X, y = make_supervised(np.arange(100.0), horizon=5)
    model = ConformalForecaster(LastValue(), confidence_level=0.8).fit(X, y)
    first_calibrated = y[-len(model.residuals_[0]), 0]
    assert model.estimator_.y_.max() == first_calibrated - 1


def test_each_step_ahead_has_its_own_interval_as_in_a_loop():
    X, y = make_supervised(make_walk(), horizon=3)
    model = ConformalForecaster(make_ridge(), confidence_level=0.8).fit(X, y)
    fitted = make_ridge().fit(X[:156], y[:156])
    forecast = fitted.predict(X)
    lower, upper = model.predict_interval(X)
    assert lower.shape == upper.shape == y.shape
    for step in range(3):
        residuals = sorted(abs(y[row, step] - forecast[row, step]) for row in range(158, 197))
        np.testing.assert_allclose(upper[:, step], forecast[:, step] + residuals[31])
        np.testing.assert_allclose(lower[:, step], forecast[:, step] - residuals[31])


def test_intervals_have_the_shape_of_y():
    X, y = make_supervised(make_walk())
    for targets in [y, y[:, np.newaxis], np.c_[y, y]]:
        model = ConformalForecaster(LastValue()).fit(X, targets)
        assert model.predict(X).shape == targets.shape
        for end in model.predict_interval(X):
            assert end.shape == targets.shape


def test_a_frozen_model_is_calibrated_on_all_rows():
    X, y = make_supervised(make_walk(), horizon=2)
    fitted = LastValue().fit(X[:10], y[:10])
    model = ConformalForecaster(FrozenEstimator(fitted)).fit(X[50:], y[50:])
    assert fitted.X_ is model.estimator_.X_
    assert len(fitted.X_) == 10
    np.testing.assert_array_equal(model.residuals_[1], np.abs(y[50:, 1] - X[50:, 0]))


def test_missing_truths_are_left_out():
    X, y = make_supervised(make_walk(), horizon=2)
    y[170:180, 0] = np.nan
    model = ConformalForecaster(LastValue()).fit(X, y)
    assert [len(residuals) for residuals in model.residuals_] == [30, 40]
    assert np.isfinite(model.predict_interval(X)).all()


@pytest.mark.parametrize("gap", [None, 0, 4])
def test_updates_adapt_as_in_a_loop(gap):
    X, y = make_supervised(make_walk(), horizon=2)
    y[[85, 112], 1] = np.nan
    model = ConformalForecaster(LastValue(), confidence_level=0.75, gap=gap, gamma=0.02)
    model.fit(X[:100], y[:100])
    for start in range(100, 180, 20):
        assert model.update(X[start : start + 20], y[start : start + 20]) is model
    n_ahead = 2 if gap is None else gap + 1
    for step in range(2):
        residuals = [abs(y[row, step] - X[row, 0]) for row in range(80, 180)]
        queue = deque((r for r in residuals[:20] if r == r), maxlen=20 - step)
        alpha = 0.25  # in the paper's words: alpha grows by gamma * (0.25 - missed)
        for start in range(20, 100, 20):
            new = [r for r in residuals[start : start + 20] if r == r]
            for i, residual in enumerate(new):
                if i % n_ahead == 0:
                    rank = int(np.ceil((len(queue) + 1) * (1 - alpha)))
                    reach = sorted(queue)[rank - 1]
                alpha += 0.02 * (0.25 - (residual > reach))
                queue.append(residual)
        np.testing.assert_array_equal(model.residuals_[step], queue)
        assert model.levels_[step] == pytest.approx(1 - alpha)


def test_without_gamma_residuals_are_replaced_and_the_level_stays():
    model = calibrate(range(1, 10), confidence_level=0.8, gamma=0)
    model.update([[0], [0]], [10.0, 20.0])
    np.testing.assert_array_equal(model.residuals_[0], [3, 4, 5, 6, 7, 8, 9, 10, 20])
    assert model.levels_ == [0.8]
    assert measure_reach(model) == 10


def test_truths_passed_as_they_come_equal_those_passed_late():
    X, y = make_supervised(make_walk(), horizon=3)
    late = ConformalForecaster(LastValue(), gamma=0).fit(X[:150], y[:150])
    early = clone(late).fit(X[:150], y[:150])
    known = np.full((180, 3), np.nan)  # the truth h ahead of a row is known h rows later
    for now in range(151, 180):
        just_known = np.full_like(known, np.nan)
        for step in (1, 2, 3):
            if now - step >= 150:
                just_known[now - step, step - 1] = y[now - step, step - 1]
        early.update(X[150:now], just_known[150:now])
    late.update(X[150:177], y[150:177])
    for step in (1, 2, 3):
        more = np.abs(y[177 : 180 - step, step - 1] - X[177 : 180 - step, 0])
        expected = np.r_[late.residuals_[step - 1], more][-len(late.residuals_[step - 1]) :]
        np.testing.assert_array_equal(early.residuals_[step - 1], expected)


def test_coverage_is_exact_where_residuals_are_exchangeable():
    # 8 of 10 places among 9 residuals and the truth: the share is 0.8, not 0.8 of 9.
    random_state = np.random.RandomState(0)
    held = []
    for truths in random_state.normal(size=(1000, 10)):
        held.append(abs(truths[9]) <= measure_reach(calibrate(truths[:9], confidence_level=0.8)))
    assert np.mean(held) == pytest.approx(0.8, abs=0.03)


def test_updates_hold_the_coverage_while_the_series_drifts():
    random_state = np.random.RandomState(0)
    truths = random_state.normal(size=3000) * np.geomspace(1, 100, 3000)
    rows = np.zeros((3000, 1))
    shares = {}
    for name, gamma in [("adapted", 0.005), ("replaced", 0), ("fixed", None)]:
        model = calibrate(truths[:500], confidence_level=0.8, gamma=gamma or 0)
        held = []
        for start in range(500, 3000, 10):
            now = slice(start, start + 10)
            lower, upper = model.predict_interval(rows[now])
            held.extend((lower <= truths[now]) & (truths[now] <= upper))
            if gamma is not None:
                model.update(rows[now], truths[now])
        shares[name] = np.mean(held)
    assert shares["adapted"] == pytest.approx(0.8, abs=0.015)
    assert shares["fixed"] < shares["replaced"] < 0.77


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_each_hour_ahead_is_covered_on_weather_where_without_updates_it_is_not(level):
    # benchmarks/interval_coverage.py does the same with LSTMs, and with more series.
    weather = load_nyc_weather("JFK").asfreq("h")[["temp", "dewp", "humid"]]
    now = weather["temp"].ffill()
    y = np.column_stack([weather["temp"].shift(-h) - now for h in range(1, 7)])
    windows = SlidingWindowTransformer(24, flatten=True).fit_transform(weather)
    X = SimpleImputer().fit(windows[:5800]).transform(windows)
    september, november = weather.index.get_indexer(
        pd.to_datetime(["2013-09-01", "2013-11-01"], utc=True)
    )
    known = ~np.isnan(y).any(axis=1) & (np.arange(len(y)) < september - 6)
    ridge = FrozenEstimator(Ridge().fit(X[known], y[known]))
    start = november - 6  # all truths of the rows before are known
    model = ConformalForecaster(ridge, confidence_level=level)
    model.fit(X[september:start], y[september:start])
    fixed_ends, ends = model.predict_interval(X[november:]), []
    for midnight in range(november, len(X), 24):
        if midnight > november:
            day = slice(midnight - 24 - 6, midnight - 6)
            model.update(X[day], y[day])
        ends.append(model.predict_interval(X[midnight : midnight + 24]))
    assert_off_by(y[november:], *np.concatenate(ends, axis=1), level, at_most=0.03)
    with pytest.raises(AssertionError):
        assert_off_by(y[november:], *fixed_ends, level, at_most=0.03)


def assert_off_by(truth, lower, upper, level, at_most):
    """Check the share of the known truths within intervals, for each step ahead."""
    known = ~np.isnan(truth)
    held = ((lower <= truth) & (truth <= upper) & known).sum(axis=0) / known.sum(axis=0)
    assert np.abs(held - level).max() <= at_most, held


def test_windows_to_calibrate_on_are_complete_with_or_without_an_index():
    X, y = make_supervised(make_walk(120))
    frame, series = pd.DataFrame({"x": X[:, 0]}), pd.Series(y)
    by_array = ConformalForecaster(make_ridge()).fit(X, y)
    by_frame = ConformalForecaster(make_ridge()).fit(frame, series)
    flat = Ridge(1e-6).fit(make_ridge()[:1].fit_transform(X[:95]), y[:95])
    expected = np.abs(y[95:] - flat.predict(sliding(X[:, 0], 4)[92:]))
    for model in (by_array, by_frame):
        np.testing.assert_allclose(model.residuals_[0], expected)
    assert by_frame.feature_names_in_.tolist() == ["x"]
    assert by_frame.n_features_in_ == 1


@pytest.mark.parametrize("steps", [[], [StandardScaler().set_output(transform="pandas")]])
def test_windows_of_later_rows_continue_the_rows_calibrated_on(steps):
    X, y = make_supervised(pd.DataFrame({"x": make_walk(120)}))
    model = ConformalForecaster(make_pipeline(*steps, *make_ridge().named_steps.values()))
    model.fit(X[:100], y[:100])
    expected = model.predict(X)[100:]
    np.testing.assert_allclose(model.predict(X[100:]), expected)
    assert not np.isclose(model.predict(X[101:])[:3], expected[1:4]).any()
    if steps:
        assert model.estimator_[0].n_samples_seen_ == 80


WINDOW, RIDGE = make_ridge().named_steps.values()
NESTED = {
    "search": GridSearchCV(make_ridge(), {"ridge__alpha": [1e-6]}, cv=TimeSeriesSplit(2)),
    "scaler of the target": TransformedTargetRegressor(make_ridge()),
    "both": TransformedTargetRegressor(
        GridSearchCV(make_ridge(), {"ridge__alpha": [1e-6]}, cv=TimeSeriesSplit(2))
    ),
    "Pipeline of windows": make_pipeline(make_pipeline("passthrough", WINDOW), RIDGE),
    "Pipeline at the end": make_pipeline(FunctionTransformer(), make_ridge()),
    "frozen windows": make_pipeline(FrozenEstimator(clone(WINDOW)), RIDGE),
    "frozen Pipeline of windows": make_pipeline(FrozenEstimator(make_pipeline(WINDOW)), RIDGE),
    "vote": VotingRegressor([("a", make_ridge()), ("b", make_ridge()), ("c", "drop")]),
    "an output each": MultiOutputRegressor(make_ridge()),
    "union": make_pipeline(make_union(WINDOW), RIDGE),
    "columns": make_pipeline(make_column_transformer((WINDOW, ["x"])), RIDGE),
}


@pytest.mark.parametrize("model", NESTED.values(), ids=NESTED.keys())
def test_windows_wherever_they_are_continue_the_rows_calibrated_on(model):
    X, y = make_supervised(pd.DataFrame({"x": make_walk(120)}), horizon=[1, 2])
    y = y["x[t+1]"] if isinstance(model, VotingRegressor) else y  # of one output
    for step in getattr(model, "named_steps", {}).values():
        if isinstance(step, FrozenEstimator):
            step.estimator.fit(X[:79])
    expected = ConformalForecaster(make_ridge()).fit(X[:100], y[:100])
    model = ConformalForecaster(model).fit(X[:100], y[:100])
    np.testing.assert_allclose(
        model.predict_interval(X[100:]), expected.predict_interval(X[100:]), rtol=1e-6
    )


def test_windows_under_a_stack_continue_the_rows_calibrated_on():
    X, y = make_supervised(pd.DataFrame({"x": make_walk(120)}))
    model = ConformalForecaster(StackingRegressor([("a", make_ridge())], Ridge(), cv=2))
    model.fit(X[:100], y[:100])
    np.testing.assert_allclose(model.predict(X[100:]), model.predict(X)[100:])


def test_first_rows_are_covered_as_all_others_under_a_search():
    walk = np.cumsum(np.random.RandomState(0).normal(size=600))
    wave = 20 * np.sin(np.arange(600) / 2) + walk
    X, y = make_supervised(pd.DataFrame({"x": wave}))
    window = SlidingWindowTransformer(16, flatten=True, padding="edge")
    pipeline = make_pipeline(window, Ridge(1e-3))
    search = GridSearchCV(pipeline, {"ridge__alpha": [1e-3]}, cv=TimeSeriesSplit(2))
    held = []
    for end in range(200, 590, 15):
        model = ConformalForecaster(search, confidence_level=0.8).fit(X[:end], y[:end])
        lower, upper = model.predict_interval(X[end : end + 8])
        held.extend((lower <= y[end : end + 8]) & (y[end : end + 8] <= upper))
    assert np.mean(held) > 0.7


def test_a_frozen_pipeline_stays_as_it_is_while_its_copy_goes_on():
    X, y = make_supervised(pd.DataFrame({"x": make_walk(120)}))
    ridge = make_ridge().fit(X[:60], y[:60])
    expected = ridge.predict(X[60:])
    for frozen in (FrozenEstimator(ridge), make_pipeline(FrozenEstimator(ridge))):
        model = ConformalForecaster(frozen, confidence_level=0.8).fit(X[60:100], y[60:100])
        np.testing.assert_array_equal(ridge.predict(X[60:]), expected)
        np.testing.assert_allclose(model.predict(X[100:]), expected[40:])


def test_overlapping_windows_are_not_copied_to_fit_on():
    X, y = make_windows(make_walk(), n_steps=5)
    model = ConformalForecaster(LastValue()).fit(X, y)
    assert np.shares_memory(model.estimator_.X_, X)


def test_lstm_in_a_pipeline_has_intervals():
    X, y = make_supervised(make_walk(), horizon=2)
    lstm = LSTMRegressor(units=2, epochs=1, random_state=0)
    pipeline = make_pipeline(SlidingWindowTransformer(4, history="always"), lstm)
    model = ConformalForecaster(pipeline).fit(X[:150], y[:150]).update(X[150:], y[150:])
    again = pickle.loads(pickle.dumps(model))
    for end, other in zip(model.predict_interval(X), again.predict_interval(X), strict=True):
        assert end.shape == y.shape
        np.testing.assert_array_equal(end, other)


@pytest.mark.parametrize("by_time", [True, False])
def test_each_series_of_a_panel_is_split_and_shares_its_residuals(by_time):
    index = pd.date_range("2013", periods=51, freq="h")
    panel = pd.concat(
        {name: pd.DataFrame({"x": make_walk(51, seed)}, index) for seed, name in enumerate("ab")}
    )
    X, y = make_supervised(panel.sort_index(level=1) if by_time else panel)
    model = ConformalForecaster(LastValue()).fit(X, y)
    assert model.estimator_.X_.groupby(level=0).size().tolist() == [40, 40]
    a, b = (np.abs(y.loc[name] - X.loc[name]["x"])[40:] for name in "ab")
    np.testing.assert_array_equal(model.residuals_[0], np.c_[a, b].ravel())


def test_it_is_a_scikit_learn_estimator():
    model = ConformalForecaster(Ridge(alpha=2), confidence_level=0.5)
    assert is_regressor(model)
    assert model.get_params()["estimator__alpha"] == 2
    with pytest.raises(NotFittedError):
        model.predict([[0]])
    X, y = make_supervised(make_walk())
    search = GridSearchCV(model, {"estimator__alpha": [1, 10]}, cv=TimeSeriesSplit(3)).fit(X, y)
    assert len(search.best_estimator_.predict_interval(X)) == 2
    assert model.__sklearn_tags__().target_tags.multi_output
    lstm = ConformalForecaster(LSTMRegressor()).__sklearn_tags__()
    assert lstm.input_tags.three_d_array
    assert lstm.input_tags.allow_nan


@parametrize_with_checks([ConformalForecaster(Ridge(), confidence_level=0.5)])
def test_it_passes_the_common_checks(estimator, check):
    check(estimator)


def test_wrong_input_is_named():
    X, y = make_supervised(make_walk())
    model = ConformalForecaster(Ridge()).fit(X, y)
    with pytest.raises(ValueError, match=r"y must have one column for each .*, 1, got 2"):
        model.update(X, np.c_[y, y])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.update(X, y[1:])
    with pytest.raises(ValueError, match="'gap' parameter"):
        ConformalForecaster(Ridge(), gap=-1).fit(X, y)
    with pytest.raises(ValueError, match="Input y contains infinity"):
        model.update(X, np.full(len(X), np.inf))


def sliding(series, n_steps):
    """Return complete flat windows."""
    return np.lib.stride_tricks.sliding_window_view(series, n_steps)
