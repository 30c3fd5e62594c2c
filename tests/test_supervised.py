"""make_supervised and make_windows: the target of a row is what comes next."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows

SERIES = [10.0, 11.0, 12.0, 13.0, 14.0]


def test_target_is_the_next_value():
    X, y = make_supervised(SERIES)
    np.testing.assert_array_equal(X, [[10], [11], [12], [13]])
    np.testing.assert_array_equal(y, [11, 12, 13, 14])


def test_horizon_is_the_next_values():
    X, y = make_supervised(SERIES, horizon=3)
    np.testing.assert_array_equal(X, [[10], [11]])
    np.testing.assert_array_equal(y, [[11, 12, 13], [12, 13, 14]])


def test_horizon_is_a_choice_of_steps_ahead():
    X, y = make_supervised(SERIES, horizon=[1, 3])
    np.testing.assert_array_equal(X, [[10], [11]])
    np.testing.assert_array_equal(y, [[11, 13], [12, 14]])
    np.testing.assert_array_equal(make_supervised(SERIES, horizon=[3])[1], [13, 14])


def test_all_columns_are_forecast_by_default():
    X, y = make_supervised([[1, 10], [2, 20], [3, 30]])
    np.testing.assert_array_equal(X, [[1, 10], [2, 20]])
    np.testing.assert_array_equal(y, [[2, 20], [3, 30]])
    _, y = make_supervised([[1, 10], [2, 20], [3, 30]], horizon=2)
    np.testing.assert_array_equal(y, [[2, 20, 3, 30]])


def test_target_chooses_columns():
    rows = [[1, 10], [2, 20], [3, 30]]
    np.testing.assert_array_equal(make_supervised(rows, target=1)[1], [20, 30])
    np.testing.assert_array_equal(make_supervised(rows, target=[1, 0])[1], [[20, 2], [30, 3]])


def test_rows_with_a_missing_target_are_left_out():
    X, y = make_supervised([1.0, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(X, [[np.nan], [3]])
    np.testing.assert_array_equal(y, [3, 4])


def test_pandas_keeps_the_index_of_the_row():
    index = pd.date_range("2013-01-01", periods=3, freq="h", tz="UTC")
    X, y = make_supervised(pd.Series([1.0, 2.0, 3.0], index, name="temp"))
    pd.testing.assert_frame_equal(X, pd.DataFrame({"temp": [1.0, 2.0]}, index[:2]))
    pd.testing.assert_series_equal(y, pd.Series([2.0, 3.0], index[:2], name="temp[t+1]"))


def test_pandas_names_the_targets():
    frame = pd.DataFrame({"temp": [1.0, 2.0, 3.0], "wind": ["low", "low", "high"]})
    X, y = make_supervised(frame, horizon=[2, 1], target=["temp"])
    assert list(X.columns) == ["temp", "wind"]
    pd.testing.assert_frame_equal(y, pd.DataFrame({"temp[t+2]": [3.0], "temp[t+1]": [2.0]}))


def test_pandas_names_follow_the_values():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [10, 20, 30]})
    _, y = make_supervised(frame, horizon=2)
    assert y.iloc[0].to_dict() == {"a[t+1]": 2, "b[t+1]": 20, "a[t+2]": 3, "b[t+2]": 30}


def test_unnamed_series_gets_the_name_scikit_learn_gives():
    X, y = make_supervised(pd.Series([1.0, 2.0]))
    assert list(X.columns) == ["x0"]
    assert y.name == "x0[t+1]"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"horizon": 0}, ValueError, "horizon must be positive .*, got 0"),
        ({"horizon": [1, 1]}, ValueError, "without repetition"),
        ({"horizon": []}, ValueError, "horizon must be positive"),
        ({"horizon": 1.5}, TypeError, "horizon must be an int or a sequence of int, got 1.5"),
        ({"horizon": "1"}, TypeError, "horizon must be an int or a sequence of int"),
        ({"horizon": True}, TypeError, "horizon must be an int or a sequence of int"),
        ({"horizon": 5}, ValueError, "smaller than the number of rows, got horizon=5 for 5 rows"),
        ({"target": 1}, ValueError, r"target must be among the columns \[0\], got 1"),
        ({"target": "temp"}, ValueError, "target must be among the columns"),
        ({"target": []}, ValueError, "target must be among the columns"),
    ],
)
def test_bad_arguments_name_the_cure(arguments, error, message):
    with pytest.raises(error, match=message):
        make_supervised(SERIES, **arguments)


def test_a_series_without_any_complete_target_is_an_error():
    with pytest.raises(ValueError, match="every target has a missing value"):
        make_supervised([1.0, np.nan])
    with pytest.raises(ValueError, match=r'missing value\. dropna="all" keeps rows with a known'):
        make_supervised([[1.0, np.nan], [1.0, np.nan]])
    with pytest.raises(ValueError, match="a row with a known target, got none for horizon=1"):
        make_supervised([1.0, np.nan], dropna="all")
    with pytest.raises(ValueError, match="contains infinity"):
        make_supervised([1.0, np.inf])


def look_ahead_by_hand(values, labels, steps, dropna):
    """Find rows and targets row by row: the value `step` places on in the same series."""
    rows, targets = [], []
    for row, label in enumerate(labels):
        later = [other for other in range(row, len(labels)) if labels[other] == label]
        target = [
            value
            for step in steps
            for value in (values[later[step]] if step < len(later) else [np.nan] * len(values[0]))
        ]
        n_missing = np.isnan(target).sum()
        if dropna is False or n_missing < (1 if dropna == "any" else len(target)):
            rows.append(row)
            targets.append(target)
    return rows, targets


@pytest.mark.parametrize("dropna", ["any", "all", False])
@pytest.mark.parametrize("horizon", [1, 3, [4], [5, 2]])
@pytest.mark.parametrize("labels", ["aaaaaaaaaaaa", "aaaaaaabbbbb", "abbabaabbbab", "aaaaaaaaabbc"])
def test_rows_and_targets_are_those_of_a_loop(labels, horizon, dropna):
    values = np.random.RandomState(0).normal(size=(12, 2))
    values[[2, 8], 0] = values[[2, 9], 1] = np.nan
    steps = range(1, horizon + 1) if isinstance(horizon, int) else horizon
    rows, targets = look_ahead_by_hand(values, labels, steps, dropna)
    index = pd.MultiIndex.from_arrays([list(labels), range(12)])
    panel = pd.DataFrame(values, index, ["a", "b"])
    X, y = make_supervised(panel, horizon, dropna=dropna)
    pd.testing.assert_frame_equal(X, panel.iloc[rows])
    np.testing.assert_array_equal(y, targets)
    pd.testing.assert_index_equal(y.index, X.index)
    if labels == "aaaaaaaaaaaa":
        X, y = make_supervised(values, horizon, dropna=dropna)
        np.testing.assert_array_equal(X, values[rows])
        np.testing.assert_array_equal(y, targets)


def test_all_rows_are_kept_to_predict_from():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, np.nan, 3.0]}, pd.RangeIndex(5, 8))
    X, y = make_supervised(frame, target="a", dropna=False)
    pd.testing.assert_frame_equal(X, frame)
    pd.testing.assert_series_equal(y, pd.Series([2.0, 3.0, np.nan], X.index, name="a[t+1]"))
    X, y = make_supervised([[np.nan, 1.0]] * 3, target=0, dropna=False)  # nothing to train on
    assert len(X) == 3
    assert np.isnan(y).all()


def test_numbers_keep_their_type_where_a_missing_value_needs_no_other():
    for dtype, wide in [(np.int64, np.float64), (np.float32, np.float32)]:
        series = np.arange(5, dtype=dtype)
        for dropna, expected in [("any", dtype), ("all", wide), (False, wide)]:
            assert make_supervised(series, 2, dropna=dropna)[1].dtype == expected
        assert make_supervised(series, 1, dropna="all")[1].dtype == dtype  # no value is missing


def test_a_pipeline_trains_on_the_windows_of_all_rows():
    series = np.sin(np.arange(60) / 3)
    series[[20, 21, 40]] = np.nan
    lstm = LSTMRegressor(units=3, epochs=2, random_state=0)
    model = make_pipeline(SlidingWindowTransformer(5), lstm)
    X, y = make_supervised(series, dropna=False)
    windows = SlidingWindowTransformer(5).fit_transform(series[:, np.newaxis])
    known = ~np.isnan(y)
    assert known.sum() == 56
    expected = clone(lstm).fit(windows[known], y[known]).predict(windows)
    np.testing.assert_allclose(model.fit(X, y).predict(X), expected, rtol=1e-5)


def test_a_far_horizon_is_refused_before_anything_is_made():
    series = np.zeros((1000, 3))
    tracemalloc.start()
    for dropna in ("any", "all", False):
        with pytest.raises(ValueError, match="got horizon=100000000 for 1000 rows"):
            make_supervised(series, 10**8, dropna=dropna)
        with pytest.raises(ValueError, match=r"got horizon=\[1, 1000\] for 1000 rows"):
            make_supervised(series, [1, 1000], dropna=dropna)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("dropna", ["any", "all", False])
def test_rows_share_no_memory_with_the_series(dropna):
    series = np.arange(20.0).reshape(10, 2)
    frame = pd.DataFrame(series.copy(), columns=["a", "b"])
    for table in (series, series[:, 0], frame, frame["a"]):
        before = table.copy()
        for part in make_supervised(table, dropna=dropna):
            assert not np.shares_memory(part, table)
            if isinstance(part, np.ndarray):
                part[:] = -1
            else:
                part.iloc[:] = -1
        assert (before == table).all(axis=None)


def test_names_of_columns_need_pandas():
    frame = pd.DataFrame({"a": SERIES, "b": SERIES})
    cure = r"among the columns \[0, 1\], got 'b'\. .* pandas .* series\.to_pandas\(\)"
    with pytest.raises(ValueError, match=cure):
        make_supervised(frame.to_numpy(), target="b")
    polars = pytest.importorskip("polars")
    with pytest.raises(ValueError, match=cure):
        make_supervised(polars.DataFrame({"a": SERIES, "b": SERIES}), target="b")


@pytest.mark.parametrize("target", [True, [True], [False, True], np.True_, np.array([True, False])])
def test_true_is_no_column(target):
    for table in (np.ones((5, 2)), pd.DataFrame(np.ones((5, 2)))):
        with pytest.raises(ValueError, match=r"target must be among the columns \[0, 1\], got"):
            make_supervised(table, target=target)


@pytest.mark.parametrize("dropna", [True, None, "none", 1, [0]])
def test_an_unknown_dropna_is_refused(dropna):
    with pytest.raises(ValueError, match='dropna must be "any", "all" or False, got'):
        make_supervised(SERIES, dropna=dropna)


def test_windows_are_complete_and_followed_by_their_target():
    X, y = make_windows(SERIES, n_steps=3)
    np.testing.assert_array_equal(X[:, :, 0], [[10, 11, 12], [11, 12, 13]])
    np.testing.assert_array_equal(y, [13, 14])
    X, y = make_windows(SERIES, n_steps=2, horizon=[1, 2])
    np.testing.assert_array_equal(X[:, :, 0], [[10, 11], [11, 12]])
    np.testing.assert_array_equal(y, [[12, 13], [13, 14]])


def test_complete_windows_are_a_view():
    X, _ = make_windows(np.arange(20.0).reshape(10, 2), n_steps=4)
    assert X.shape == (6, 4, 2)
    assert X.strides == (16, 16, 8)


def test_windows_of_pandas_keep_the_index_in_their_target():
    frame = pd.DataFrame(
        {"temp": [1.0, 2.0, 3.0]}, index=pd.period_range("2013", periods=3, freq="M")
    )
    X, y = make_windows(frame, n_steps=2)
    np.testing.assert_array_equal(X[:, :, 0], [[1, 2]])
    pd.testing.assert_series_equal(y, pd.Series([3.0], frame.index[1:2], name="temp[t+1]"))


def test_windows_without_a_target_are_left_out_whole():
    X, y = make_windows([1.0, 2.0, np.nan, 4.0, 5.0], n_steps=2)
    np.testing.assert_array_equal(X[:, :, 0], [[2, np.nan], [np.nan, 4]])
    np.testing.assert_array_equal(y, [4, 5])


def test_windows_longer_than_the_series_are_an_error():
    with pytest.raises(ValueError, match="got n_steps=5 and horizon=1 for 5 rows"):
        make_windows(SERIES, n_steps=5)
    with pytest.raises(ValueError, match="'n_steps' parameter"):
        make_windows(SERIES, n_steps=0)
