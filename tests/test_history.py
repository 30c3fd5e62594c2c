"""The rows before the first one: which index continues which, and the guard against leaks."""

import pickle
import pickletools

import numpy as np
import pandas as pd
import pytest
from indexes import CONTINUING, NEW_YORK, without_freq
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindowTransformer, make_supervised

pytestmark = pytest.mark.filterwarnings("ignore:No window is complete")


def transformed_rest(index, n_fit, n_skip=0, **params):
    """Fit on the first rows of an index and return the windows of the others, univariate."""
    frame = pd.DataFrame({"x": np.arange(float(len(index)))}, index=index)
    transformer = SlidingWindowTransformer(**{"n_steps": 3, **params}).fit(frame.iloc[:n_fit])
    return transformer.transform(frame.iloc[n_fit + n_skip :])[:, :, 0]


IGNORE_GAPS = pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
EACH_INDEX = pytest.mark.parametrize("index", CONTINUING.values(), ids=CONTINUING.keys())


@IGNORE_GAPS
@EACH_INDEX
def test_the_next_label_completes_the_first_windows(index):
    windows = transformed_rest(index, n_fit=5)
    np.testing.assert_array_equal(windows, [[3, 4, 5], [4, 5, 6], [5, 6, 7]])


@EACH_INDEX
def test_history_reaches_over_a_gap(index, request):
    if "hole" in request.node.name:
        with pytest.warns(UserWarning, match="and gaps"):
            windows = transformed_rest(index, n_fit=5, n_skip=1)
        np.testing.assert_array_equal(windows, [[np.nan, np.nan, 6], [np.nan, 6, 7]])
        return
    windows = transformed_rest(index, n_fit=5, n_skip=1)
    np.testing.assert_array_equal(windows, [[4, np.nan, 6], [np.nan, 6, 7]])
    windows = transformed_rest(index, n_fit=5, n_skip=1, padding="edge")
    np.testing.assert_array_equal(windows, [[4, 4, 6], [4, 6, 7]])
    with pytest.warns(UserWarning, match=r"begin long after those of fit.* 3 in all"):
        windows = transformed_rest(index, n_fit=5, n_skip=2)
    np.testing.assert_array_equal(windows, [[np.nan, np.nan, 7]])
    with pytest.warns(UserWarning, match="begin long after those of fit"):
        windows = transformed_rest(index, n_fit=5, n_skip=2, padding="edge")
    np.testing.assert_array_equal(windows, [[4, 4, 7]])


@IGNORE_GAPS
@EACH_INDEX
def test_on_an_overlap_windows_reach_back_to_what_is_remembered(index):
    windows = transformed_rest(index, n_fit=5, n_skip=-1)
    np.testing.assert_array_equal(windows, [[2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]])
    windows = transformed_rest(index, n_fit=5, n_skip=-2)  # row 1 is forgotten
    np.testing.assert_array_equal(windows[:2], [[np.nan, 2, 3], [2, 3, 4]])


@IGNORE_GAPS
@EACH_INDEX
def test_the_newest_row_alone_has_its_window(index):
    frame = pd.DataFrame({"x": np.arange(8.0)}, index)
    windows = SlidingWindowTransformer(n_steps=3).fit(frame).transform(frame[-1:])
    np.testing.assert_array_equal(windows[:, :, 0], [[5, 6, 7]])


@IGNORE_GAPS
@EACH_INDEX
def test_rows_that_were_trained_on_are_as_in_fit_transform(index):
    frame = pd.DataFrame({"x": np.arange(8.0)}, index=index)
    transformer = SlidingWindowTransformer(n_steps=3)
    expected = transformer.fit_transform(frame)
    np.testing.assert_array_equal(transformer.transform(frame), expected)
    assert np.isnan(expected[0, :2]).all()


IRREGULAR = {
    "uneven integers": pd.Index([0, 2, 5, 7, 9, 11]),
    "uneven stamps": pd.DatetimeIndex(["2013", "2013-02", "2013-02-07", *["2013-05"] * 3])
    + pd.to_timedelta([0, 3, 0, 0, 2, 4], unit="min"),
    "once uneven integers": pd.Index([*range(0, 16, 3), *range(17, 400, 4)]),
}


@pytest.mark.parametrize("index", IRREGULAR.values(), ids=IRREGULAR.keys())
def test_an_irregular_index_is_warned_of_once(index):
    frame = pd.DataFrame({"x": np.arange(float(len(index)))}, index)
    transformer = SlidingWindowTransformer(n_steps=2)
    with pytest.warns(UserWarning, match="not regular in time.* to SlidingWindow") as warned:
        windows = transformer.fit(frame[:-1]).transform(frame[-1:])
    assert len(warned) == 1
    n = len(index) - 1
    expected = n - 1 if "once" in index.__repr__() or n > 10 else np.nan
    np.testing.assert_array_equal(windows[0, :, 0], [expected, n])
    rows = SlidingWindowTransformer(n_steps=2, freq="rows").fit(frame[:-1]).transform(frame[-1:])
    np.testing.assert_array_equal(rows[0, :, 0], [n - 1, n])


@pytest.mark.parametrize("index", [[0, 1, 3, 5.5, 6], list("abcde")], ids=["floats", "letters"])
def test_an_index_that_does_not_say_when_has_no_history(index):
    frame = pd.DataFrame({"x": np.arange(5.0)}, index)
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:4])
    with pytest.warns(UserWarning, match="Nothing says whether these rows follow"):
        windows = transformer.transform(frame.iloc[4:])
    np.testing.assert_array_equal(windows[0, :, 0], [np.nan, np.nan, 4])


def test_a_single_row_is_continued_where_its_index_has_a_step():
    hours = pd.date_range("2013-01-01", periods=3, freq="h")
    np.testing.assert_array_equal(transformed_rest(hours, 1)[0], [np.nan, 0, 1])
    np.testing.assert_array_equal(transformed_rest(pd.RangeIndex(3), 1)[0], [np.nan, 0, 1])
    months = pd.period_range("2013-01", periods=3, freq="2M")
    np.testing.assert_array_equal(transformed_rest(months, 1)[0], [np.nan, 0, 1])
    np.testing.assert_array_equal(transformed_rest(without_freq(hours), 1)[0], [np.nan] * 2 + [1])


def test_integers_do_not_start_again_at_zero():
    frame = pd.DataFrame({"x": np.arange(8.0)}, index=np.arange(248, 256, dtype="u1"))
    transformer = SlidingWindowTransformer(n_steps=2).fit(frame)
    windows = transformer.transform(frame.set_axis(np.arange(8, dtype="u1")))
    np.testing.assert_array_equal(windows[0, :, 0], [np.nan, 0])


@pytest.mark.filterwarnings("ignore:Rows must be in time order")
def test_rows_out_of_order_are_not_their_own_history():
    frame = pd.DataFrame({"x": np.arange(101.0)}, index=[100, *range(100)])
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(frame)
    np.testing.assert_array_equal(windows[0, :, 0], [np.nan, 0])


def test_two_local_days_are_a_calendar_step():
    days = without_freq(pd.date_range("2013-03-09", periods=4, freq="D", tz=NEW_YORK))
    np.testing.assert_array_equal(transformed_rest(days, 2)[0], [0, 1, 2])


def test_units_and_time_zones_of_the_same_instants_do_not_matter():
    hours = pd.date_range("2013-03-10", periods=6, freq="h", tz="UTC", unit="ns")
    frame = pd.DataFrame({"x": np.arange(6.0)}, index=hours)
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:4])
    rest = frame.iloc[4:].set_axis(hours[4:].as_unit("s").tz_convert(NEW_YORK))
    np.testing.assert_array_equal(transformer.transform(rest)[0, :, 0], [2, 3, 4])
    naive = frame.iloc[4:].set_axis(hours[4:].tz_localize(None))
    with pytest.warns(UserWarning, match="no index of times, or one that cannot be compared"):
        windows = transformer.transform(naive)
    np.testing.assert_array_equal(windows[0, :, 0], [np.nan, np.nan, 4])


def test_fewer_remembered_rows_complete_the_windows_in_part():
    windows = transformed_rest(pd.RangeIndex(4), n_fit=2, n_steps=5)
    np.testing.assert_array_equal(windows, [[np.nan, np.nan, 0, 1, 2], [np.nan, 0, 1, 2, 3]])
    windows = transformed_rest(pd.RangeIndex(4), n_fit=2, n_steps=5, padding="edge")
    np.testing.assert_array_equal(windows, [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3]])


def test_dilated_windows_reach_back_further():
    windows = transformed_rest(pd.RangeIndex(8), n_fit=5, dilation=2)
    np.testing.assert_array_equal(windows, [[1, 3, 5], [2, 4, 6], [3, 5, 7]])


def test_history_can_be_switched_off():
    windows = transformed_rest(pd.RangeIndex(5), n_fit=4, history=False)
    np.testing.assert_array_equal(windows, [[np.nan, np.nan, 4]])
    frame = pd.DataFrame({"x": np.arange(5.0)})
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:4])
    transformer.set_params(history=False)
    np.testing.assert_array_equal(transformer.transform(frame.iloc[4:])[0, :, 0], windows[0])
    assert len(transformer.fit(frame).history_[""]["rows"]) == 0


def test_windows_of_another_length_than_at_fit_take_what_is_remembered():
    frame = pd.DataFrame({"x": np.arange(5.0)})
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:4])
    for n_steps, expected in [(2, [3, 4]), (5, [np.nan, 1, 2, 3, 4])]:
        windows = transformer.set_params(n_steps=n_steps).transform(frame.iloc[4:])
        np.testing.assert_array_equal(windows[0, :, 0], expected)


def test_remembered_rows_are_few_and_survive_a_pickle():
    frame = pd.DataFrame({"x": np.arange(100_000.0)}, index=np.arange(100_000))
    transformer = SlidingWindowTransformer(n_steps=3, dilation=2).fit(frame)
    past = transformer.history_[""]
    np.testing.assert_array_equal(past["rows"][:, 0], np.arange(99_995, 100_000))
    assert past["rows"].base is None
    assert not np.shares_memory(past["labels"], frame.index)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 5_000
    tomorrow = pd.DataFrame({"x": [0.5]}, index=[100_000])
    windows = pickle.loads(pickled).transform(tomorrow)
    np.testing.assert_array_equal(windows[0, :, 0], [99_996, 99_998, 0.5])


@IGNORE_GAPS
@EACH_INDEX
def test_a_pickle_names_the_public_class_only(index):
    frame = pd.DataFrame({"x": np.arange(float(len(index)))}, index)
    pickled = pickle.dumps(SlidingWindowTransformer(n_steps=3).fit(frame))
    texts = [text for _, text, _ in pickletools.genops(pickled) if isinstance(text, str)]
    ours = [text for text in texts if text.startswith("sklstm")]
    assert ours == [SlidingWindowTransformer.__module__]
    assert not any(text.startswith("pandas") for text in texts)  # so any version loads it


def test_later_rows_do_not_change_what_is_remembered():
    frame = pd.DataFrame({"x": np.arange(6.0)})
    transformer = SlidingWindowTransformer(n_steps=3).fit(frame.iloc[:4])
    frame.loc[:, "x"] = -1.0
    expected = [2, 3, -1]
    np.testing.assert_array_equal(transformer.transform(frame.iloc[4:])[0, :, 0], expected)
    np.testing.assert_array_equal(transformer.transform(frame.iloc[4:])[0, :, 0], expected)


def test_cross_validation_equals_windows_made_of_the_whole_series():
    rng = np.random.default_rng(0)
    index = pd.date_range("2013-01-01", periods=120, freq="D", tz=NEW_YORK)
    series = pd.Series(rng.normal(size=120).cumsum(), index=index)
    X, y = make_supervised(series)
    windows = SlidingWindowTransformer(n_steps=6, flatten=True, padding="edge")
    scores = cross_val_score(make_pipeline(windows, Ridge()), X, y, cv=TimeSeriesSplit())
    beforehand = windows.fit_transform(X)
    np.testing.assert_allclose(
        scores, cross_val_score(Ridge(), beforehand, y, cv=TimeSeriesSplit()), rtol=1e-10
    )
    windows.set_params(history=False)
    without = cross_val_score(make_pipeline(windows, Ridge()), X, y, cv=TimeSeriesSplit())
    assert not np.allclose(scores, without)


SHUFFLED = "Rows must be in time order.* TimeSeriesSplit"


def forecaster(**params):
    windows = SlidingWindowTransformer(n_steps=2, flatten=True, padding="edge", **params)
    return make_pipeline(windows, Ridge())


@IGNORE_GAPS
@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(100),
        pd.date_range("2013", periods=100, freq="h", tz=NEW_YORK),
        pd.period_range("2013", periods=100, freq="M"),
    ],
)
def test_shuffled_folds_are_warned_about(index, history):
    X, y = make_supervised(pd.Series(np.arange(100.0), index=index))
    for train, test in KFold(shuffle=True, random_state=0).split(X):
        model = forecaster(history=history).fit(X.iloc[train], y.iloc[train])
        with pytest.warns(UserWarning, match=SHUFFLED):
            model.predict(X.iloc[test])
    train, _ = next(ShuffleSplit(random_state=0).split(X))
    with pytest.warns(UserWarning, match=SHUFFLED):
        forecaster(history=history).fit(X.iloc[train], y.iloc[train])


def test_the_guard_warns_once_for_a_model():
    X = pd.DataFrame({"x": np.arange(4.0)}, index=[3, 2, 1, 0])
    transformer = SlidingWindowTransformer(n_steps=2)
    with pytest.warns(UserWarning, match=SHUFFLED) as warned:
        transformer.fit_transform(X)
    assert len(warned) == 1
    panel = pd.concat({"a": X, "b": X})
    with pytest.warns(UserWarning, match=SHUFFLED) as warned:
        transformer.fit(panel)
    assert len(warned) == 1


@IGNORE_GAPS
def test_the_guard_names_the_line_of_the_user():
    X, y = make_supervised(pd.Series(np.arange(60.0)))
    backwards, folds = X[::-1], KFold(3, shuffle=True, random_state=0)
    transformer = SlidingWindowTransformer(n_steps=2)
    calls = [
        lambda: transformer.fit(backwards),
        lambda: transformer.fit_transform(backwards),
        lambda: transformer.fit(X).transform(backwards),
        lambda: forecaster().fit(backwards, y),
        lambda: forecaster().fit(X, y).predict(backwards),
        lambda: cross_val_score(forecaster(), X, y, cv=folds),
        lambda: GridSearchCV(forecaster(), {"ridge__alpha": [1]}, cv=folds).fit(X, y),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match=SHUFFLED) as warned:
            call()
        assert {warning.filename for warning in warned} == {__file__}


def test_rows_in_time_order_are_not_warned_about():
    X, y = make_supervised(pd.Series(np.arange(100.0)))
    for cv in (TimeSeriesSplit(), TimeSeriesSplit(gap=2), KFold(2)):
        cross_val_score(forecaster(), X, y, cv=cv)
    holes = X.drop(index=[40, 95, 97])
    forecaster(freq=1).fit(holes, y.drop(index=[40, 95, 97])).predict(X)
    SlidingWindowTransformer().fit(X.set_axis(list(map(str, X.index[::-1]))))
