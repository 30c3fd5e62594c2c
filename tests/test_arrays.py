"""Rows without an index: `history="always"`, and the warning where nothing says what follows."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import SlidingWindowTransformer, forecast, make_supervised

pytestmark = pytest.mark.filterwarnings("ignore:No window is complete")

ROWS = np.arange(60.0).reshape(-1, 1)
NOTHING_SAYS = "Nothing says whether these rows follow"
NAN = np.nan


def first_windows(transformer, rows):
    return np.asarray(transformer.transform(rows))[:, :, 0]


def make_ridge(**params):
    windows = SlidingWindowTransformer(6, flatten=True, padding="edge", **params)
    return make_pipeline(StandardScaler(), windows, Ridge())


def test_rows_follow_those_of_fit_if_the_user_says_so():
    transformer = SlidingWindowTransformer(n_steps=3, history="always").fit(ROWS[:40])
    np.testing.assert_array_equal(first_windows(transformer, ROWS[40:])[0], [38, 39, 40])
    np.testing.assert_array_equal(first_windows(transformer, ROWS[40:41]), [[38, 39, 40]])
    np.testing.assert_array_equal(first_windows(transformer, [[7.0]]), [[38, 39, 7]])
    dilated = SlidingWindowTransformer(n_steps=3, dilation=2, history="always").fit(ROWS[:40])
    np.testing.assert_array_equal(first_windows(dilated, ROWS[40:])[0], [36, 38, 40])
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(first_windows(again, ROWS[40:])[0], [38, 39, 40])


@pytest.mark.parametrize("history", [True, "always"])
def test_rows_that_begin_as_those_of_fit_start_short(history):
    transformer = SlidingWindowTransformer(n_steps=3, history=history)
    windows = transformer.fit_transform(ROWS[:40])
    np.testing.assert_array_equal(windows[0, :, 0], [NAN, NAN, 0])
    np.testing.assert_array_equal(transformer.transform(ROWS[:40]), windows)
    np.testing.assert_array_equal(transformer.transform(ROWS)[:40], windows)  # and more
    np.testing.assert_array_equal(transformer.transform(ROWS[:20]), windows[:20])
    few = SlidingWindowTransformer(n_steps=3, history=history).fit(ROWS[:2])
    np.testing.assert_array_equal(first_windows(few, ROWS[:2])[0], [NAN, NAN, 0])


def test_other_rows_without_an_index_are_warned_of_once_a_fit():
    transformer = SlidingWindowTransformer(n_steps=3).fit(ROWS[:40])
    told = rf"{NOTHING_SAYS}.*set_output\(transform=.pandas.\).*history=.always."
    with pytest.warns(UserWarning, match=told) as warned:
        windows = first_windows(transformer, ROWS[40:])
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(windows[0], [NAN, NAN, 40])
    transformer.transform(ROWS[41:])  # told already
    transformer.fit(ROWS[:40]).transform(ROWS[:30])
    with pytest.warns(UserWarning, match=NOTHING_SAYS):
        transformer.transform(ROWS[40:].tolist())
    SlidingWindowTransformer(n_steps=3, history=False).fit(ROWS[:40]).transform(ROWS[40:])
    SlidingWindowTransformer(n_steps=1).fit(ROWS[:40]).transform(ROWS[40:])


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_an_index_of_another_kind_is_none():
    hours = pd.date_range("2013", periods=60, freq="h")
    frame = pd.DataFrame(ROWS, hours, columns=["x"])
    others = [
        frame.reset_index(drop=True),
        frame.to_numpy(),
        frame.tz_localize("UTC"),
        frame.set_axis(hours.to_period("h")),
    ]
    for other in others:
        transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:40])
        transformer.transform(other[:40])
        with pytest.warns(UserWarning, match=NOTHING_SAYS):
            windows = first_windows(transformer, other[40:])
        np.testing.assert_array_equal(windows[0], [NAN, NAN, 40])


def test_rows_of_zeros_do_not_look_like_those_of_fit():
    transformer = SlidingWindowTransformer(3, history="always")
    later = np.r_[np.zeros(20), np.arange(5)][:, np.newaxis]
    for n_zeros in (20, 40):
        first = np.r_[np.zeros(n_zeros), ROWS[:20, 0] + 7][:, np.newaxis]
        windows = transformer.fit_transform(first)
        np.testing.assert_array_equal(transformer.transform(first), windows)
        np.testing.assert_array_equal(first_windows(transformer, later)[0], [25, 26, 0])


@pytest.mark.parametrize(
    "ids",
    [[f"2013-{k}" for k in range(1, 41)], ["Mon", "Tue"] * 20, [str(k) for k in range(40)]],
    ids=["orders", "weekdays", "numbers"],
)
def test_ids_that_only_look_like_dates_are_taken(ids):
    frame = pd.DataFrame({"x": np.arange(40.0)}, ids)
    SlidingWindowTransformer(2, freq="rows").fit_transform(frame)
    batches = pd.MultiIndex.from_product([["2013-01", "2013-02"], range(20)])
    windows = SlidingWindowTransformer(2).fit_transform(frame.set_axis(batches))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(windows[:, 0, 0])), [0, 20])


@pytest.mark.parametrize("labels", ["text", "dates of Python", "days as text"])
def test_dates_that_were_not_parsed_are_refused(labels):
    days = pd.date_range("2013", periods=6)
    text = days.strftime({"days as text": "%d.%m.%Y"}.get(labels, "%F %T"))
    index = pd.Index(days.date) if labels == "dates of Python" else text
    frame = pd.DataFrame({"x": np.arange(6.0)}, index)
    panel = pd.concat({"a": frame, "b": frame})
    for X in (frame, panel):
        for use in (SlidingWindowTransformer(2).fit, make_supervised):
            with pytest.raises(ValueError, match=r"dates as pandas has them.*pd\.to_datetime"):
                use(X)
    with pytest.raises(ValueError, match="times in the first"):
        SlidingWindowTransformer(2).fit(panel.swaplevel())


def test_y_tells_of_an_index_that_x_has_lost():
    X = pd.DataFrame({"x": np.arange(9.0)}, pd.date_range("2013", periods=9))
    transformer = SlidingWindowTransformer(2)
    with pytest.warns(UserWarning, match=r"X has lost its own.*set_output\(transform="):
        make_pipeline(StandardScaler(), transformer).fit(X, X["x"])
    with pytest.warns(UserWarning, match="X and y have their rows in another order"):
        transformer.fit(X, X["x"][::-1])
    transformer.fit(X, X["x"])
    transformer.fit(X, X["x"].shift(-1, freq="D"))  # at the dates of the targets
    transformer.fit(X, X["x"].set_axis(range(5, 14)))
    make_pipeline(StandardScaler(), transformer).fit(X, X["x"].set_axis(range(5, 14)))
    transformer.fit(X, X["x"].reset_index(drop=True))
    transformer.fit(X, X["x"].to_numpy())


def test_an_index_that_counts_from_0_again_says_nothing():
    frame = pd.DataFrame({"x": ROWS[:, 0]})
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame[:40])
    np.testing.assert_array_equal(first_windows(transformer, frame[40:])[0], [38, 39, 40])
    transformer.transform(frame[:10])  # rows of fit
    new = frame[40:].reset_index(drop=True)
    with pytest.warns(UserWarning, match=NOTHING_SAYS):
        transformer.transform(new)
    transformer.set_params(history="always")
    np.testing.assert_array_equal(first_windows(transformer, new)[0], [38, 39, 40])
    np.testing.assert_array_equal(first_windows(transformer, frame[:40])[0], [NAN, NAN, 0])


def test_an_index_that_says_it_is_right_with_always_too():
    hours = pd.date_range("2013", periods=60, freq="h")
    frame = pd.DataFrame(ROWS, hours, columns=["x"])
    transformer = SlidingWindowTransformer(n_steps=3, history="always").fit(frame[:40])
    np.testing.assert_array_equal(first_windows(transformer, frame[41:])[0], [39, NAN, 41])
    np.testing.assert_array_equal(first_windows(transformer, frame[:40])[0], [NAN, NAN, 0])
    uneven = frame.set_axis(hours + pd.to_timedelta(np.arange(60) ** 2, unit="s"))
    with pytest.warns(UserWarning, match="not regular in time"):
        transformer.fit(uneven[:40])
    np.testing.assert_array_equal(first_windows(transformer, uneven[41:])[0], [38, 39, 41])


def test_each_series_has_its_own_beginning():
    groups = np.repeat(["a", "b"], 20)
    rows = np.arange(40.0).reshape(-1, 1)
    transformer = SlidingWindowTransformer(n_steps=3, history="always").fit(rows, groups=groups)
    new = np.array([[100.0], [200.0], [300.0]])
    windows = transformer.transform(new, groups=["b", "c", "a"])[:, :, 0]
    np.testing.assert_array_equal(windows, [[38, 39, 100], [NAN, NAN, 200], [18, 19, 300]])
    mixed = np.r_[rows[:20], new[:1]]
    windows = transformer.transform(mixed, groups=["a"] * 20 + ["b"])[:, :, 0]
    np.testing.assert_array_equal(windows[[0, 20]], [[NAN, NAN, 0], [38, 39, 100]])


def test_a_scaler_in_front_has_whole_windows_in_each_way():
    rng = np.random.RandomState(0)
    series = pd.Series(
        np.sin(np.arange(200.0) / 4) + 0.1 * rng.normal(size=200),
        pd.date_range("2013", periods=200, freq="h"),
        name="x",
    )
    X, y = make_supervised(series)
    cv = TimeSeriesSplit(4, test_size=5)
    beforehand = cross_val_score(
        make_ridge().set_output(transform="pandas"), X, y, cv=cv, error_score="raise"
    )
    always = cross_val_score(make_ridge(history="always"), X, y.to_numpy(), cv=cv)
    np.testing.assert_allclose(always, beforehand, rtol=1e-12)
    arrays = cross_val_score(make_ridge(history="always"), X.to_numpy(), y.to_numpy(), cv=cv)
    np.testing.assert_allclose(arrays, beforehand, rtol=1e-12)
    columns = make_column_transformer((StandardScaler(), ["x"]))
    columned = make_pipeline(columns, *[step for _, step in make_ridge(history="always").steps[1:]])
    np.testing.assert_allclose(
        cross_val_score(columned, X, y.to_numpy(), cv=cv), beforehand, rtol=1e-12
    )
    with pytest.warns(UserWarning, match=NOTHING_SAYS) as warned:
        without = cross_val_score(make_ridge(), X, y.to_numpy(), cv=cv)
    assert len(warned) == 4  # once for each fitted transformer
    assert without.mean() < beforehand.mean() - 0.01
    assert isinstance(columns, ColumnTransformer)


def test_training_scores_and_searches_know_the_rows_of_fit():
    X, y = make_supervised(np.sin(np.arange(120.0) / 4))
    model = make_ridge(history="always")
    scores = cross_validate(model, X, y, cv=TimeSeriesSplit(3), return_train_score=True)
    train, _ = next(TimeSeriesSplit(3).split(X))
    model.fit(X[train], y[train])
    assert scores["train_score"][0] == model.score(X[train], y[train])
    expected = make_ridge(history=False).fit(X[train], y[train]).score(X[train], y[train])
    assert scores["train_score"][0] == expected
    grid = {"slidingwindowtransformer__n_steps": [2, 4]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(3)).fit(X[:90], y[:90])
    alone = np.concatenate([search.predict(X[90:91])])
    np.testing.assert_array_equal(alone, search.predict(X[90:])[:1])


def test_polars_rows_follow_if_the_user_says_so():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": ROWS[:, 0]})
    transformer = SlidingWindowTransformer(n_steps=3, history="always").fit(frame[:40])
    np.testing.assert_array_equal(first_windows(transformer, frame[40:])[0], [38, 39, 40])


@pytest.mark.parametrize("history", [True, "always"])
@pytest.mark.parametrize("dilation", [1, 3])
def test_forecasts_of_arrays_need_no_history(history, dilation):
    X, y = make_supervised(np.sin(np.arange(80.0) / 4))
    windows = SlidingWindowTransformer(
        4, dilation=dilation, flatten=True, padding="edge", history=history
    )
    model = make_pipeline(StandardScaler(), windows, Ridge(1e-6)).fit(X[:50], y[:50])
    expected, rows = [], X[:60]
    for _ in range(5):
        expected.append(model.predict(rows)[-1])
        rows = np.r_[rows, [[expected[-1]]]]
    np.testing.assert_allclose(forecast(model, X[:60], 5), expected, rtol=1e-9)
    np.testing.assert_allclose(forecast(model, X[20:60], 5), expected, rtol=1e-9)


WITHOUT_PANDAS = """
import sys, warnings
class NoPandas:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoPandas())
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklstm import *
X, y = make_supervised(np.sin(np.arange(60.0)), horizon=2)
windows, _ = make_windows(X, 4)
for history in (True, False, "always"):
    transformer = SlidingWindowTransformer(4, history=history, flatten=True, padding="edge")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(transformer, Ridge()).fit(X[:40], y[:40])
        model.predict(X[40:])
        model.predict(X[40:].tolist())
        forecast(make_pipeline(transformer, Ridge()).fit(X[:40], y[:40, 0]), X[:40], 3)
        ConformalForecaster(model).fit(X, y).predict_interval(X)
    transformer.fit(X, groups=np.arange(len(X)) % 2).transform(X, groups=np.arange(len(X)) % 2)
    transformer.explain_window(X, 3, groups=np.arange(len(X)) % 2)
print(len(list(PanelTimeSeriesSplit(2).split(X, groups=np.arange(len(X)) // 29))))
"""


def test_arrays_need_no_pandas():
    command = [sys.executable, "-c", WITHOUT_PANDAS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr


def test_history_must_be_a_bool_or_always():
    with pytest.raises(ValueError, match="'history' parameter"):
        SlidingWindowTransformer(history="never").fit(ROWS)
