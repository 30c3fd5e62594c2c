"""`PanelTimeSeriesSplit` against a naive loop over times, and in scikit-learn's own tools."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from indexes import CONTINUING
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sklstm import PanelTimeSeriesSplit, SlidingWindowTransformer, make_supervised, make_windows

settings.register_profile("sklstm", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("sklstm")

DAYS = pd.date_range("2024-01-01", periods=6)
TIMES = st.sampled_from(
    [
        pd.RangeIndex(-5, 300, 3),
        pd.date_range("2013-03-09 20:00", periods=12, freq="h", tz="America/New_York"),
        pd.date_range("2013-01-01", periods=12, freq="MS"),
        pd.period_range("2013", periods=12, freq="Q"),
        pd.timedelta_range("0s", periods=12, freq="3s"),
    ]
)


@st.composite
def panels(draw):
    """Draw where in time each row is, and its series: ragged, with holes, in any order."""
    rows = []
    for label in "abcd"[: draw(st.integers(1, 4))]:
        start, end = sorted(draw(st.tuples(st.integers(0, 11), st.integers(0, 11))))
        holes = draw(st.sets(st.integers(0, 11), max_size=4)) - {start}
        rows += [(label, place) for place in range(start, end + 1) if place not in holes]
    order = draw(st.sampled_from(["by series", "by time", "shuffled"]))
    if order == "by time":
        rows.sort(key=lambda row: row[1])
    if order == "shuffled":
        rows = draw(st.permutations(rows))
    labels, places = zip(*rows, strict=True)
    return list(labels), list(places)


def make_panel(labels, times):
    """Return a panel with a column of zeros."""
    index = pd.MultiIndex.from_arrays([labels, times], names=["series", "time"])
    return pd.DataFrame({"x": np.zeros(len(index))}, index)


def naive_split(places, n_splits, test_size, gap):
    """Return the training and test rows of each split by a loop, or None if times are too few."""
    different = sorted(set(places))
    n_tested = len(different) // (n_splits + 1) if test_size is None else test_size
    if n_tested == 0 or len(different) <= n_splits * n_tested + gap:
        return None
    splits = []
    for k in range(n_splits):
        first = len(different) - (n_splits - k) * n_tested
        train, test = [], []
        for row, place in enumerate(places):
            if place in different[: first - gap]:
                train.append(row)
            if place in different[first : first + n_tested]:
                test.append(row)
        splits.append((train, test))
    return splits


def as_lists(splits):
    """Return splits as lists of numbers."""
    return [(train.tolist(), test.tolist()) for train, test in splits]


@given(panels(), TIMES, st.integers(2, 4), st.sampled_from([None, 1, 2, 3]), st.integers(0, 3))
def test_splits_are_those_of_a_naive_loop(panel, times, n_splits, test_size, gap):
    labels, places = panel
    panel = make_panel(labels, times[places])
    cv = PanelTimeSeriesSplit(n_splits, test_size=test_size, gap=gap)
    expected = naive_split(places, n_splits, test_size, gap)
    unshared = len(set(labels)) > 1 and len(set(places)) == len(places)
    if unshared and isinstance(times, pd.RangeIndex):
        with pytest.raises(ValueError, match="look like row numbers"):
            next(cv.split(panel))
        return
    if expected is None:
        message = f"got {len(set(places))} times in {len(places)} rows"
        with pytest.raises(ValueError, match=message):
            next(cv.split(panel))
        return
    assert as_lists(cv.split(panel)) == expected
    assert as_lists(cv.split(panel.droplevel(0), groups=labels)) == expected


@given(panels(), TIMES, st.integers(2, 3), st.sampled_from([None, 1, 2]), st.integers(0, 2))
def test_training_ends_a_gap_before_the_test(panel, times, n_splits, test_size, gap):
    labels, places = panel
    stamps = times[places]
    try:
        splits = list(
            PanelTimeSeriesSplit(n_splits, test_size=test_size, gap=gap).split(
                make_panel(labels, stamps)
            )
        )
    except ValueError:
        return
    assert len(splits) == n_splits
    for train, test in splits:
        end, start = stamps[train].max(), stamps[test].min()
        assert end < start
        assert stamps[(stamps > end) & (stamps < start)].nunique() == gap
        np.testing.assert_array_equal(train, np.flatnonzero(stamps <= end))
    assert stamps[splits[-1][1]].max() == stamps.max()


@pytest.mark.parametrize("kind", CONTINUING)
def test_every_kind_of_time_splits_a_panel(kind):
    times = CONTINUING[kind]
    places = [*range(len(times)), *range(2, len(times))]  # b starts later
    labels = ["a"] * len(times) + ["b"] * (len(times) - 2)
    order = np.random.default_rng(0).permutation(len(places))
    panel = make_panel(labels, times.append(times[2:])).iloc[order]
    expected = naive_split([places[row] for row in order], 3, 2, 1)
    assert as_lists(PanelTimeSeriesSplit(3, test_size=2, gap=1).split(panel)) == expected


@pytest.mark.parametrize("params", [{}, {"test_size": 2}, {"gap": 2}, {"test_size": 1, "gap": 3}])
@pytest.mark.parametrize("index", [
    None, DAYS.append(DAYS.shift(6)), pd.RangeIndex(7, 19), pd.Index([*range(12)][::-1]),
    pd.Index([*"lkjihgfedcba"]),
])  # fmt: skip
def test_one_series_is_split_as_by_time_series_split(index, params):
    X = np.arange(12.0).reshape(-1, 1)
    X = X if index is None else pd.DataFrame(X, index)
    splits = list(PanelTimeSeriesSplit(3, **params).split(X))
    for ours, theirs in zip(splits, TimeSeriesSplit(3, **params).split(X), strict=True):
        for rows, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(rows, expected)
            assert rows.dtype == expected.dtype


def test_a_split_can_lack_a_series():
    labels, places = [*"aaaaaabbbcc"], [0, 1, 2, 3, 4, 5, 0, 1, 2, 4, 5]
    panel = make_panel(labels, DAYS[places])
    assert as_lists(PanelTimeSeriesSplit(2).split(panel)) == [
        ([0, 1, 6, 7], [2, 3, 8]),
        ([0, 1, 2, 3, 6, 7, 8], [4, 5, 9, 10]),
    ]


def test_dates_without_groups_are_the_times():
    newest_first = pd.DataFrame({"x": np.zeros(6)}, DAYS[::-1])
    assert as_lists(PanelTimeSeriesSplit(2).split(newest_first)) == [
        ([4, 5], [2, 3]),
        ([2, 3, 4, 5], [0, 1]),
    ]
    two_series = pd.concat([newest_first, newest_first])
    train, test = next(PanelTimeSeriesSplit(2).split(two_series))
    assert (train.tolist(), test.tolist()) == ([4, 5, 10, 11], [2, 3, 8, 9])


@pytest.mark.parametrize("make", [
    np.asarray, pl.DataFrame, lambda rows: rows.tolist(), pd.DataFrame,
    lambda rows: rows.reshape(6, 1, 1),
])  # fmt: skip
@pytest.mark.parametrize("labels", ["aaabbb", "ababab", "abbaab"])
def test_rows_of_a_group_are_at_the_times_of_their_order(make, labels):
    # row 0 of a group is at time 0, wherever its rows are
    expected = {"aaabbb": ([0, 3], [1, 4]), "ababab": ([0, 1], [2, 3]), "abbaab": ([0, 1], [2, 3])}
    X = make(np.zeros((6, 1)))
    cv = PanelTimeSeriesSplit(2)
    for groups in ([*labels], np.array([*labels], dtype=object), pl.Series([*labels])):
        train, test = next(cv.split(X, groups=groups))
        assert (train.tolist(), test.tolist()) == expected[labels]


def test_more_levels_have_the_times_last():
    index = pd.MultiIndex.from_product([["x", "y"], ["a", "b"], DAYS])
    train, test = next(PanelTimeSeriesSplit(5).split(pd.DataFrame({"x": np.zeros(24)}, index)))
    assert (train.tolist(), test.tolist()) == ([0, 6, 12, 18], [1, 7, 13, 19])


def test_windows_take_the_times_of_their_targets():
    panel = make_panel([*"aaaaaabbbbb"], DAYS.append(DAYS[1:]))
    X, y = make_windows(panel, n_steps=2)
    assert len(X) == 7  # of days 1 to 4 and 2 to 4
    assert as_lists(PanelTimeSeriesSplit(2).split(X, y)) == [
        ([0, 1, 4], [2, 5]),
        ([0, 1, 2, 4, 5], [3, 6]),
    ]


def make_stores(n_days=40):
    """Return rows and next values of two stores, sorted by store; one opens later."""
    days = pd.date_range("2024-01-01", periods=n_days)
    stores = {"late": days[10:], "old": days}
    rng = np.random.default_rng(0)
    sales = pd.concat(
        {store: pd.Series(rng.normal(size=len(index)).cumsum(), index, name="sales")
         for store, index in stores.items()}
    )  # fmt: skip
    return make_supervised(sales)


def make_model():
    """Return a linear model of windows."""
    return make_pipeline(
        SlidingWindowTransformer(n_steps=3, flatten=True, padding="edge"), Ridge(alpha=1e-3)
    )


def test_a_grid_search_over_a_panel_sorted_by_series():
    X, y = make_stores()
    grid = {"slidingwindowtransformer__n_steps": [1, 3]}
    naive = naive_split(X.index.get_level_values(1).tolist(), 3, 5, 0)
    search, expected = (
        GridSearchCV(make_model(), grid, cv=cv, n_jobs=1, error_score="raise").fit(X, y)
        for cv in (PanelTimeSeriesSplit(3, test_size=5), naive)
    )
    for key in ("split0_test_score", "split1_test_score", "split2_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], expected.cv_results_[key])
    assert search.n_splits_ == 3


def test_test_windows_reach_back_into_the_training_rows():
    X, _ = make_stores()
    whole = SlidingWindowTransformer(n_steps=4).fit_transform(X)
    for train, test in PanelTimeSeriesSplit(3, test_size=5).split(X):
        windows = SlidingWindowTransformer(n_steps=4).fit(X.iloc[train]).transform(X.iloc[test])
        np.testing.assert_array_equal(windows, whole[test])


def test_groups_reach_the_splits_with_and_without_routing():
    X, y = make_stores()
    labels = X.index.get_level_values(0)
    kept = np.concatenate([np.flatnonzero(labels == label)[-29:] for label in ("late", "old")])
    rows, target, groups = X.to_numpy()[kept], y.to_numpy()[kept], labels[kept]
    naive = naive_split([*range(29)] * 2, 3, None, 1)
    cv = PanelTimeSeriesSplit(3, gap=1)
    expected = cross_val_score(Ridge(), rows, target, cv=naive)
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=cv)
    with sklearn.config_context(enable_metadata_routing=False):
        search.fit(rows, target, groups=groups)
        assert search.best_score_ == np.mean(expected)
    with sklearn.config_context(enable_metadata_routing=True):
        assert clone(search).fit(rows, target, groups=groups).best_score_ == np.mean(expected)
        scores = cross_val_score(Ridge(), rows, target, cv=cv, params={"groups": groups})
        np.testing.assert_array_equal(scores, expected)
        assert len(cross_val_score(Ridge(), X, y, cv=cv)) == 3  # they stay optional


def test_it_is_a_stock_splitter():
    cv = PanelTimeSeriesSplit(3, test_size=4, gap=2)
    assert repr(cv) == "PanelTimeSeriesSplit(gap=2, n_splits=3, test_size=4)"
    assert cv.get_n_splits() == cv.get_n_splits(np.zeros((2, 1)), None, None) == 3
    assert PanelTimeSeriesSplit().get_n_splits() == 5
    X, _ = make_stores()
    for copy in (clone(cv, safe=False), pickle.loads(pickle.dumps(cv))):
        assert type(copy) is PanelTimeSeriesSplit
        assert as_lists(copy.split(X)) == as_lists(cv.split(X))


@pytest.mark.parametrize(("params", "error", "message"), [
    ({"n_splits": 1}, ValueError, "n_splits=2 or more"),
    ({"test_size": 0}, ValueError, "test_size == 0, must be >= 1"),
    ({"test_size": 0.2}, TypeError, "test_size must be an instance of int"),
    ({"gap": -1}, ValueError, "gap == -1, must be >= 0"),
    ({"gap": 1.0}, TypeError, "gap must be an instance of int"),
])  # fmt: skip
def test_wrong_parameters_are_refused_at_once(params, error, message):
    with pytest.raises(error, match=message):
        PanelTimeSeriesSplit(**params)


STORES = make_panel(["a"] * 6 + ["b"] * 6, DAYS.append(DAYS))
LABELS = STORES.index.get_level_values(0).tolist()
FLAT = STORES.reset_index()


@pytest.mark.parametrize(("X", "groups", "message"), [
    (STORES.swaplevel(), None, r"times in the first, 'time'.*X\.swaplevel\(\)"),
    (STORES.swaplevel(), LABELS, r"times in the first, 'time'.*X\.swaplevel\(\)"),
    (STORES.rename(index=str, level=1), None, r"last level.*'2024-01-01.*pd\.to_datetime"),
    (STORES.rename(index=str, level=1).swaplevel(), None, r"times in the first"),
    (STORES.set_index([LABELS, np.arange(12) / 2]), None, r"of type float64, such as 0\.0"),
    (FLAT.set_index("series"), LABELS, r"in its index, got.*'a'.*X\.reset_index\(drop=True\)"),
    (FLAT.set_index("series", append=True).swaplevel(), None,
     r"12 different integers in 12 rows of 2 series.*row numbers.*X\.reorder_levels"),
    (FLAT.drop(3), LABELS[1:], r"11 different integers.*row numbers.*X\.reset_index"),
    (FLAT.set_index("series"), None, "groups must be passed.*got None and 2 different labels"),
    (pd.concat([FLAT, FLAT]), None, "12 different labels for 24 rows"),
    (np.zeros((11, 1)), LABELS[1:], "same number of rows.*got 5 to 6.*A MultiIndex"),
    (FLAT.iloc[:11], LABELS[:11], "same number of rows.*got 5 to 6.*A MultiIndex"),
    (STORES.rename(index={DAYS[2]: pd.NaT}, level=1), None, "got 2 of 12 rows without one"),
    (STORES.iloc[:2], None, "n_splits=2, test_size=None and gap=0, got 2 times in 2 rows"),
    (STORES.iloc[:0], None, "got 0 times in 0 rows"),
    (np.zeros((12, 1)), LABELS[1:], "inconsistent numbers of samples"),
    (np.zeros((2, 1)), [0, np.nan], "Input groups contains NaN"),
])  # fmt: skip
def test_panels_that_do_not_tell_their_times_are_refused(X, groups, message):
    with pytest.raises(ValueError, match=message):
        next(PanelTimeSeriesSplit(2).split(X, groups=groups))


@pytest.mark.parametrize("n_splits", [3, 5])
def test_a_store_sorted_panel_is_not_split_by_store_in_silence(n_splits):
    days = pd.date_range("2013-01-01", periods=60)
    index = pd.MultiIndex.from_product([list("abc"), days], names=["store", "date"])
    X = pd.DataFrame({"x": np.random.RandomState(0).normal(size=180)}, index)
    windows = SlidingWindowTransformer(4, flatten=True, padding="edge")
    model = make_pipeline(windows, Ridge())
    with pytest.warns(UserWarning, match="split by series.* by PanelTimeSeriesSplit"):
        cross_val_score(model, X, X["x"], cv=TimeSeriesSplit(n_splits))
    cross_val_score(model, X, X["x"], cv=PanelTimeSeriesSplit(n_splits))
    by_time = X.sort_index(level="date")
    cross_val_score(model, by_time, by_time["x"], cv=TimeSeriesSplit(2))
    stores = X.index.get_level_values("store")
    cross_val_score(model, X, X["x"], cv=LeaveOneGroupOut(), groups=stores)  # of other stores
    model.fit(X.drop(("b", days[-1])), X["x"].drop(("b", days[-1])))
    model.predict(X.loc[[("b", days[-1])]])  # reported late
