"""backtest: what a naive loop over origins gives, with nothing of their future."""

import contextlib
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from sklstm import LSTMRegressor, SlidingWindowTransformer, backtest, make_supervised, make_windows

N_STEPS = 4
HORIZON = 3


class Counter(RegressorMixin, BaseEstimator):
    """Predicts how many rows it was trained on, and an interval around that."""

    def fit(self, X, y):
        """Count the rows."""
        self.shape_ = y.shape
        return self

    def predict(self, X):
        """Predict the number of rows for each output."""
        return np.full((len(X), *self.shape_[1:]), self.shape_[0])

    def predict_interval(self, X):
        """Return an interval from 1 below to 2 above."""
        return self.predict(X) - 1, self.predict(X) + 2


def make_series(n_rows=48):
    values = np.random.RandomState(0).normal(size=(n_rows, 2)).cumsum(axis=0)
    index = pd.date_range("2013-03-09", periods=n_rows, freq="h", name="time", tz="UTC")
    return pd.DataFrame(values, index, ["temp", "wind"])


def make_data(series=None):
    return make_supervised(make_series() if series is None else series, HORIZON, target="temp")


def make_model():
    network = LSTMRegressor(units=3, epochs=2, learning_rate=0.03, random_state=0)
    return make_pipeline(SlidingWindowTransformer(N_STEPS), network)


def backtest_naively(X, y, initial, step, every, model=None):
    """Loop over origins: train on targets that end at the origin, predict its row, last of all."""
    rows = []
    for number, origin in enumerate(range(initial, len(X), step)):
        if number % every == 0:
            n_known = origin + 1 - HORIZON
            model = (model or make_model()).fit(X[:n_known], y[:n_known])
        predictions = model.predict(X[: origin + 1])[-1]
        actual = np.asarray(y)[origin]
        label = X.index[origin] if hasattr(X, "index") else origin
        for ahead in range(HORIZON):
            rows.append((label, ahead + 1, actual[ahead], predictions[ahead]))
    return pd.DataFrame(rows, columns=["origin", "step", "actual", "prediction"])


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize(("refit", "every"), [(False, 100), (True, 1), (2, 2)])
def test_it_equals_a_naive_loop(refit, every, as_array):
    X, y = make_data()
    X, y = (X.to_numpy(), y.to_numpy()) if as_array else (X, y)
    result = backtest(make_model(), X, y, initial=30, step=4, refit=refit)
    expected = backtest_naively(X, y, 30, 4, every)
    pd.testing.assert_frame_equal(result, expected, check_exact=True)
    assert len(result) == 4 * HORIZON


def test_the_rows_of_each_fit_have_targets_known_at_its_origin():
    X, y = np.zeros((20, 1)), np.zeros((20, 3))

    def rows_trained_on(refit):
        result = backtest(Counter(), X, y, initial=8, step=3, refit=refit)
        return result["prediction"][::3].tolist()

    assert rows_trained_on(False) == [6, 6, 6, 6]  # at row 8, row 5 has the targets 6, 7, 8
    assert rows_trained_on(True) == [6, 9, 12, 15]
    assert rows_trained_on(3) == [6, 6, 6, 15]
    result = backtest(Counter(), X.tolist(), y[:, 0].tolist(), initial=8, step=3)
    assert result["prediction"].tolist() == [8, 8, 8, 8]  # at row 8, row 7 has the target 8


def test_the_future_of_an_origin_changes_none_of_its_forecasts():
    series = make_series()
    changed = series.copy()
    changed.iloc[39:] += 100
    for refit in [False, 2]:
        results = [
            backtest(make_model(), *make_data(rows), initial=30, step=2, refit=refit)
            for rows in (series, changed)
        ]
        before = results[0]["origin"] <= series.index[38]
        same = results[0]["prediction"] == results[1]["prediction"]
        assert same[before].all()
        assert not same[~before].any()


def test_the_interval_of_a_model_is_added():
    X, y = make_data()
    result = backtest(Counter(), X, y, initial=30, step=10)
    assert list(result) == ["origin", "step", "actual", "prediction", "lower", "upper"]
    np.testing.assert_array_equal(result["lower"], result["prediction"] - 1)
    np.testing.assert_array_equal(result["upper"], result["prediction"] + 2)


def test_names_of_targets_say_which_steps_they_are():
    X, y = make_supervised(make_series(), horizon=[2, 5], target="temp")
    result = backtest(Counter(), X, y, initial=30, step=10)
    assert result["step"].tolist() == [2, 5] * 2
    assert result["prediction"][0] == 26  # row 25 has the target 30
    X, y = make_supervised(make_series(), horizon=[20], target="temp")
    result = backtest(Counter(), X, y, initial=20, step=1)
    assert result["step"].tolist() == [20] * 8
    assert result["prediction"][0] == 1  # row 0 has the target 20


def test_several_columns_are_told_apart():
    X, y = make_supervised(make_series(), horizon=2)
    result = backtest(Counter(), X, y, initial=30, step=10)
    assert result["output"].tolist() == ["temp", "wind"] * 4
    assert result["step"].tolist() == [1, 1, 2, 2] * 2
    np.testing.assert_array_equal(result["actual"][:4], y.iloc[30])


def test_windows_are_rows_too():
    X, y = make_windows(make_series().to_numpy()[:, 0], N_STEPS)
    model = LSTMRegressor(units=3, epochs=1, random_state=0)
    result = backtest(model, X, y, initial=30, step=5)
    expected = model.fit(X[:30], y[:30]).predict(X)[30::5]
    np.testing.assert_array_equal(result["prediction"], expected)


def test_the_model_stays_as_it_is():
    model = make_model()
    backtest(model, *make_data(), initial=30, step=20)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_a_model_that_looks_ahead_is_refused():
    X, y = make_data()
    model = make_pipeline(FunctionTransformer(lambda X: X - X.mean()), LinearRegression())
    with pytest.raises(ValueError, match="must not look ahead, got another prediction for row 30"):
        backtest(model, X, y, initial=30, step=5)
    result = backtest(model, X, y, initial=30, step=5, refit=True)  # shown no row ahead
    pd.testing.assert_frame_equal(result, backtest_naively(X, y, 30, 5, 1, model))


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_processes_change_nothing(backend):
    X, y = make_data()
    windows = SlidingWindowTransformer(N_STEPS, flatten=True, padding="edge")
    model = make_pipeline(windows, LinearRegression())
    settings = {"initial": 30, "step": 4, "refit": True}
    serial = backtest(model, X, y, **settings)
    with contextlib.ExitStack() as stack:
        if backend == "dask":
            distributed = pytest.importorskip("distributed")
            cluster = distributed.LocalCluster(n_workers=2, dashboard_address=None)
            stack.enter_context(distributed.Client(stack.enter_context(cluster)))
        with joblib.parallel_config(backend, n_jobs=2):
            pd.testing.assert_frame_equal(backtest(model, X, y, **settings), serial)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"initial": 2}, "initial must leave a row to train on.* 3 to 44 rows here, got 2"),
        ({"initial": 45}, "3 to 44 rows here, got 45"),
        ({"step": 0}, "step == 0, must be >= 1"),
        ({"refit": 0}, "refit must be True, False or a positive int, got 0"),
    ],
)
def test_settings_that_leave_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        backtest(Counter(), *make_data(), **{"initial": 30, "step": 1} | settings)


@pytest.mark.parametrize("as_array", [np.asarray, lambda data: data])
def test_a_panel_is_refused(as_array):
    X, y = make_supervised(pd.concat({"JFK": make_series()}), HORIZON)
    with pytest.raises(ValueError, match="one series, got a MultiIndex"):
        backtest(Counter(), X, as_array(y), initial=30, step=1)
    with pytest.raises(ValueError, match=r"one series, got a MultiIndex.*X\.xs\(label\)"):
        backtest(Counter(), as_array(X), y, initial=30, step=1)


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"backtest needs pandas.*pip install pandas"):
        backtest(Counter(), np.zeros((9, 1)), np.zeros(9), initial=3, step=1)


def test_integers_of_few_bits_are_read_as_any_other():
    X, y = make_supervised(np.sin(np.arange(600) / 8))
    tables = [
        backtest(LinearRegression(), X, y, initial=kind(200), step=kind(100), refit=kind(2))
        for kind in (int, np.uint8)
    ]
    pd.testing.assert_frame_equal(*tables)
    assert len(tables[0]) == 4
