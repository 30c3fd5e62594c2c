"""Several series in one frame or array: windows, history and targets stay within each."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows

pytestmark = [
    pytest.mark.filterwarnings("ignore:No window is complete"),
    pytest.mark.filterwarnings("ignore:These rows begin long after those of fit"),
]

NAN = np.nan


def make_panel(times, labels=("a", "b")):
    """Return values 0, 1, 2, … of `a` and 100, 101, … of `b`, by time and then by label."""
    index = pd.MultiIndex.from_product([times, labels]).swaplevel()
    values = [100.0 * k + i for i in range(len(times)) for k in range(len(labels))]
    return pd.DataFrame({"x": values}, index=index)


def test_windows_never_cross_series():
    panel = make_panel(range(3))  # a, b, a, b, a, b
    expected = [[NAN, 0], [NAN, 100], [0, 1], [100, 101], [1, 2], [101, 102]]
    transformer = SlidingWindowTransformer(n_steps=2)
    np.testing.assert_array_equal(transformer.fit_transform(panel)[:, :, 0], expected)
    np.testing.assert_array_equal(
        transformer.fit_transform(panel.sort_index())[:, :, 0],
        [[NAN, 0], [0, 1], [1, 2], [NAN, 100], [100, 101], [101, 102]],
    )


@pytest.mark.parametrize("labels", [[7, 3], ["b", "a"], [True, False], [2.5, -1.0], [None, "a"]])
def test_groups_tell_the_series_of_an_array_apart(labels):
    rows = np.array([[0.0], [100.0], [1.0], [101.0]], dtype="f4")
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(rows, groups=labels * 2)
    np.testing.assert_array_equal(windows[:, :, 0], [[NAN, 0], [NAN, 100], [0, 1], [100, 101]])
    assert windows.dtype == np.float32


def test_edge_repeats_the_first_row_of_each_series():
    rows = [[0.0], [100.0], [1.0], [101.0]]
    transformer = SlidingWindowTransformer(n_steps=3, padding="edge")
    windows = transformer.fit_transform(rows, groups=["a", "b", "a", "b"])
    np.testing.assert_array_equal(
        windows[:, :, 0], [[0, 0, 0], [100, 100, 100], [0, 0, 1], [100, 100, 101]]
    )


def test_one_series_among_labels_stays_a_view():
    panel = make_panel(range(4), labels=["a"])
    windows = SlidingWindowTransformer(n_steps=3).fit_transform(panel)
    assert windows.strides == (8, 8, 8)


@pytest.mark.parametrize(
    "times",
    [
        range(6),
        pd.date_range("2013-03-10", periods=6, freq="h", tz="America/New_York"),
        pd.date_range("2013-01-01", periods=6, freq="MS"),
        pd.period_range("2013", periods=6, freq="Q"),
    ],
)
def test_history_is_kept_for_each_series(times):
    panel = make_panel(times)
    transformer = SlidingWindowTransformer(n_steps=3).fit(panel.iloc[:8])
    expected = [[2, 3, 4], [102, 103, 104], [3, 4, 5], [103, 104, 105]]
    np.testing.assert_array_equal(transformer.transform(panel.iloc[8:])[:, :, 0], expected)


def test_only_the_series_that_continues_is_completed():
    panel = make_panel(range(5), labels=["a", "b", "c"])
    trained = panel.iloc[[0, 1, 3, 4, 6, 7, 9]]  # neither c nor the last row of b
    transformer = SlidingWindowTransformer(n_steps=2).fit(trained)
    windows = transformer.transform(panel.iloc[-3:])
    np.testing.assert_array_equal(windows[:, :, 0], [[3, 4], [NAN, 104], [NAN, 204]])


def test_groups_and_times_of_a_frame_work_together():
    panel = make_panel(range(4))
    labels = panel.index.get_level_values(0)
    frame = panel.droplevel(0)
    transformer = SlidingWindowTransformer(n_steps=2).fit(frame.iloc[:6], groups=labels[:6])
    windows = transformer.transform(frame.iloc[6:], groups=labels[6:])
    np.testing.assert_array_equal(windows[:, :, 0], [[2, 3], [102, 103]])


def test_all_levels_but_the_last_tell_series_apart():
    panel = make_panel(range(4))
    deep = pd.concat({"north": panel, "south": -panel})  # region, store, time
    transformer = SlidingWindowTransformer(n_steps=2, freq=1)
    windows = transformer.fit_transform(deep)[:, :, 0]
    expected = transformer.fit_transform(panel)[:, :, 0]
    np.testing.assert_array_equal(windows, np.concatenate([expected, -expected]))
    early = deep.index.get_level_values(-1) < 3
    later = transformer.fit(deep[early]).transform(deep[~early])[:, :, 0]
    np.testing.assert_array_equal(later, windows[~early])
    floats = deep.rename(index={"a": 1, "b": 2}, level=1)
    transformer.fit(floats[early])
    later = transformer.transform(floats[~early].rename(index={1: 1.0, 2: 2.0}, level=1))
    np.testing.assert_array_equal(later[:, :, 0], windows[~early])
    by_day = deep.rename(index=lambda k: pd.Timestamp("2013") + k * pd.Timedelta("1D"), level=2)
    with pytest.raises(ValueError, match=r"got them in level None.*reorder_levels"):
        transformer.fit(by_day.reorder_levels([0, 2, 1]))
    X, y = make_supervised(deep)
    assert len(X) == 12
    assert (abs(y - X["x"]) == 1).all()


def test_one_series_of_a_panel_keeps_its_label():
    panel = make_panel(range(4))
    transformer = SlidingWindowTransformer(n_steps=2).fit(panel)
    np.testing.assert_array_equal(transformer.transform(panel.loc[["a"]][-1:])[0, :, 0], [2, 3])
    for alone in (panel.loc["a"], panel.xs("a"), panel.loc["a"].to_numpy()):
        with pytest.raises(ValueError, match=r"which series its rows are of.*X\.loc\[\[label\]\]"):
            transformer.transform(alone)


def test_groups_reach_the_windows_through_a_pipeline():
    rows = np.arange(8.0).reshape(-1, 1)
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    windows = SlidingWindowTransformer(n_steps=2, flatten=True, padding="edge")
    with sklearn.config_context(enable_metadata_routing=True):
        windows.set_fit_request(groups=True).set_transform_request(groups=True)
        model = make_pipeline(StandardScaler(), windows, Ridge(alpha=1e-9))
        model.fit(rows, rows.ravel(), groups=groups)
        predicted = model.predict(rows, groups=groups)
        seen = model[:-1].transform(rows, groups=groups)
        scores = cross_val_score(
            model, rows, rows.ravel(), cv=LeaveOneGroupOut(), params={"groups": groups}
        )
    assert seen[4, 0] == seen[4, 1]
    np.testing.assert_allclose(predicted, rows.ravel(), atol=1e-6)
    np.testing.assert_allclose(scores, 1, atol=0.1)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1], "groups must have one label per row, got 2 labels for 4 rows"),
        ([[0, 1]] * 4, "1d array"),
        ([0, 1, np.nan, 0], "Input groups contains NaN"),
    ],
)
def test_bad_groups_leave_the_transformer_unfitted(groups, message):
    transformer = SlidingWindowTransformer()
    with pytest.raises(ValueError, match=message):
        transformer.fit(np.ones((4, 1)), groups=groups)
    assert vars(transformer) == vars(SlidingWindowTransformer())


def test_targets_never_cross_series():
    panel = make_panel(range(3))
    X, y = make_supervised(panel)
    pd.testing.assert_frame_equal(X, panel.iloc[:4])
    np.testing.assert_array_equal(y, [1, 101, 2, 102])
    pd.testing.assert_index_equal(y.index, X.index)
    X, y = make_supervised(panel.sort_index(), horizon=2)
    np.testing.assert_array_equal(X["x"], [0, 100])
    np.testing.assert_array_equal(y, [[1, 2], [101, 102]])


def test_series_shorter_than_the_horizon_have_no_rows():
    panel = make_panel(range(3)).iloc[[0, 1, 2, 4]]  # one row of b
    X, _ = make_supervised(panel, horizon=2)
    assert X.index.tolist() == [("a", 0)]
    with pytest.raises(ValueError, match="got horizon=3 for 3 rows"):
        make_supervised(panel, horizon=3)


def test_complete_windows_never_cross_series():
    X, y = make_windows(make_panel(range(4)), n_steps=2)
    np.testing.assert_array_equal(X[:, :, 0], [[0, 1], [100, 101], [1, 2], [101, 102]])
    np.testing.assert_array_equal(y, [2, 102, 3, 103])


def test_shuffled_rows_of_one_series_are_warned_about():
    panel = make_panel(range(3))
    SlidingWindowTransformer().fit(panel.sort_index(ascending=[False, True]))
    with pytest.warns(UserWarning, match="TimeSeriesSplit"):
        SlidingWindowTransformer(n_steps=2).fit(panel.iloc[[0, 1, 4, 2]])


@pytest.mark.parametrize("freq", [None, "D", "infer", "rows"])
@pytest.mark.parametrize("by", ["store", "date"])
def test_a_long_frame_without_its_series_is_refused_with_the_cure(freq, by):
    days = pd.date_range("2013", periods=4)
    frame = pd.concat(
        [pd.DataFrame({"store": s, "date": days, "x": np.arange(4.0)}) for s in "ab"]
    ).sort_values(by)
    by_date = frame.set_index("date")[["x"]]
    transformer = SlidingWindowTransformer(n_steps=2, freq=freq)
    if freq == "rows" and by == "date":  # could be trades, of which several share a time
        transformer.fit(by_date)
    else:
        for use in (transformer.fit, lambda X: make_supervised(X, freq=freq)):
            with pytest.raises(ValueError, match=r"must not repeat, got 2013-01-01.*set_index\("):
                use(by_date)
    panel = frame.set_index("store", append=False).set_index("date", append=True)
    windows = transformer.fit_transform(panel)
    np.testing.assert_array_equal(windows[:, 1, 0], frame["x"])
    with pytest.raises(ValueError, match="more than once in series 'a'"):
        transformer.fit(pd.concat([panel, panel]))


def test_groups_that_are_forgotten_are_refused():
    rows = np.arange(6.0).reshape(-1, 1)
    transformer = SlidingWindowTransformer(n_steps=2)
    model = make_pipeline(transformer, LSTMRegressor(units=1, epochs=1))
    model.fit(rows, rows[:, 0], slidingwindowtransformer__groups=list("aaabbb"))
    with pytest.raises(ValueError, match="groups must be passed, as they were to fit, got None"):
        model.predict(rows)
    with pytest.raises(ValueError, match="groups must be passed"):
        model[0].explain_window(rows, 0)
    model[0].fit(rows).transform(rows)  # a new fit without them needs none


@pytest.mark.parametrize("times", [
    pd.date_range("2013", periods=3), pd.period_range("2013", periods=3, freq="M"),
])  # fmt: skip
def test_times_in_the_first_level_are_refused_with_the_cure(times):
    panel = make_panel(times).swaplevel()
    panel.index.names = ["date", "store"]
    for use in (SlidingWindowTransformer().fit, make_supervised):
        with pytest.raises(ValueError, match=r"times in the first, 'date'.*X\.swaplevel\(\)"):
            use(panel)
    X, y = make_supervised(panel.swaplevel().sort_index())
    assert len(X) == len(y) == 4
    pairs = pd.MultiIndex.from_product([times, times])  # as of forecasts, by the day they were made
    SlidingWindowTransformer().fit(pd.DataFrame({"x": np.zeros(9)}, pairs))
