"""make_supervised and make_windows: the target of a row is what comes next."""

import numpy as np
import pandas as pd
import pytest

from sklstm import make_supervised, make_windows

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
    with pytest.raises(ValueError, match="contains infinity"):
        make_supervised([1.0, np.inf])


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
