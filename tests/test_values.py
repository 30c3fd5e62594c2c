"""Missing values in all their forms, text and dates: what is read, and what is refused."""

import datetime
import re
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.preprocessing import OrdinalEncoder

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.windows.values import read_values

ROWS = np.random.RandomState(0).normal(size=(30, 3)).round(3)
ROWS[[4, 9], [1, 2]] = np.nan
MISSING = np.isnan(ROWS)
NAMES = ["x[t-2]", "x[t-1]", "x[t]"]
FRAME = pd.DataFrame(ROWS, columns=NAMES)
Y = np.arange(30.0)


def make_model(**params):
    return LSTMRegressor(**{"units": 3, "epochs": 1, "random_state": 0, **params})


def as_objects(value):
    return np.where(MISSING, value, ROWS.astype(object))


FORMS = {
    "masked": np.ma.masked_array(np.nan_to_num(ROWS, nan=1e6), MISSING),
    "None": as_objects(None),
    "pandas.NA": as_objects(pd.NA),
    "list": as_objects(None).tolist(),
    "list with pandas.NA": as_objects(pd.NA).tolist(),
    "Float64": FRAME.astype("Float64").mask(MISSING, pd.NA),
    "one Float64": FRAME.assign(**{NAMES[1]: FRAME[NAMES[1]].astype("Float64")}),
    "frame of objects": pd.DataFrame(as_objects(pd.NA), columns=NAMES),
    "one column of objects": FRAME.assign(**{NAMES[1]: as_objects(None)[:, 1]}),
    "objects and Float64": FRAME.astype("Float64").assign(**{NAMES[1]: as_objects(pd.NA)[:, 1]}),
    "Decimal": FRAME.map(lambda x: None if np.isnan(x) else Decimal(str(x))),
    "polars": pl.DataFrame(as_objects(None).tolist(), schema=NAMES, orient="row"),
    "categories of numbers": FRAME.assign(**{NAMES[1]: pd.Categorical(ROWS[:, 1])}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_what_is_missing_is_read_as_nan(form):
    model = make_model().fit(form, Y)
    expected = make_model().fit(ROWS, Y)
    for weights, others in zip(model.weights_, expected.weights_, strict=True):
        np.testing.assert_allclose(weights, others, atol=1e-6)  # the order of sums may differ
    assert_array_equal(expected.predict(form), expected.predict(ROWS))
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(form)
    assert_array_equal(windows[1:, 0], ROWS[:-1])
    _, y = make_supervised(form, dropna=False)
    assert_array_equal(np.asarray(y, dtype=float)[:-1], ROWS[1:])


@pytest.mark.parametrize("dtype", ["float64", "float32", "decimal128"])
def test_columns_of_arrow_are_read(dtype):
    pa = pytest.importorskip("pyarrow")
    if dtype == "decimal128":
        frame = FORMS["Decimal"].astype(pd.ArrowDtype(pa.decimal128(9, 3)))
    else:
        frame = FRAME.astype(f"{dtype}[pyarrow]").mask(MISSING, pd.NA)
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(frame)
    np.testing.assert_allclose(windows[1:, 0], ROWS[:-1], rtol=1e-6)
    assert make_model().fit(frame, Y).n_iter_ == 1


def test_text_and_dates_of_arrow_are_refused():
    pytest.importorskip("pyarrow")
    stamps = pd.Series(pd.date_range("2013", periods=30)).astype("timestamp[ns][pyarrow]")
    text = pd.Series(["JFK", None] * 15, dtype="string[pyarrow]")
    for column, message in [(stamps, "dates in column 'x"), (text, "got text in column 'x")]:
        with pytest.raises(ValueError, match=message):
            make_model().fit(FRAME.assign(**{NAMES[1]: column}), Y)


def test_masked_windows_and_targets_are_missing():
    X = np.random.RandomState(0).normal(size=(30, 4, 2))
    mask = np.random.RandomState(1).random(X.shape) < 0.2
    real = np.where(mask, np.nan, X)
    y = np.ma.masked_array(Y, Y % 5 == 0)
    known = np.where(Y % 5 == 0, np.nan, Y)
    model = make_model().fit(np.ma.masked_array(X, mask), y)
    expected = make_model().fit(real, known)
    assert_array_equal(model.predict(real), expected.predict(np.ma.masked_array(X, mask)))
    validated = make_model().fit(real, known, X_val=np.ma.masked_array(X, mask), y_val=y)
    again = make_model().fit(real, known, X_val=real, y_val=known)
    assert validated.validation_loss_curve_ == again.validation_loss_curve_


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(Y).astype("Float64").mask(Y < 3, pd.NA),
        pd.Series(Y).astype("Int64").mask(Y < 3, pd.NA),
        np.where(Y < 3, pd.NA, Y.astype(object)),
        [None if value < 3 else value for value in Y],
        pl.Series([None if value < 3 else value for value in Y]),
    ],
    ids=["Float64", "Int64", "pandas.NA", "list", "polars"],
)
def test_targets_that_are_missing_are_left_out(y):
    expected = make_model().fit(ROWS, np.where(Y < 3, np.nan, Y))
    assert_array_equal(make_model().fit(ROWS, y).predict(ROWS), expected.predict(ROWS))


def test_windows_of_objects_are_read():
    X = np.random.RandomState(0).normal(size=(30, 4, 2))
    objects = X.astype(object)
    objects[3, 2, 1], X[3, 2, 1] = pd.NA, np.nan
    assert_array_equal(*(make_model().fit(W, Y).predict(X) for W in (X, objects)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int, np.uint8, bool])
def test_numbers_are_returned_as_they_are(dtype):
    rows = np.ones((3, 2), dtype)
    for X in (
        rows,
        rows[0],
        pd.DataFrame(rows),
        pd.Series(rows[0]),
        pl.DataFrame(rows.astype(int)),
    ):
        assert read_values(X, "X") is X
    kept = read_values(np.ma.masked_array(rows), "X")  # nothing is masked
    assert type(kept) is np.ndarray
    assert kept.dtype == rows.dtype
    masked = read_values(np.ma.masked_array(rows, rows > 0), "X")
    assert masked.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert np.isnan(masked).all()


def test_pandas_is_not_needed(monkeypatch):
    for name in ("pandas", "polars"):
        monkeypatch.delitem(sys.modules, name)
    assert_array_equal(read_values([[1, None]], "X").astype(float), [[1, np.nan]])
    with pytest.raises(ValueError, match="got text in column 1"):
        read_values([[1, "a"], [2, "b"]], "X")


STAMPS = pd.date_range("2013-01-01", periods=30, freq="h")
HOUR = "Put them in the index, X.set_index('b'), or make numbers of them, such as the hour, X['b']"
INDEX = "Put them in the index of a DataFrame, or make numbers of them, such as the hour."
ENCODE = "Encode it as numbers by OrdinalEncoder, OneHotEncoder or pd.get_dummies"
REFUSED = {
    "text": (list("JLE") * 10, f"text in column 'b': could not convert string to float: 'J'. "
                                f"{ENCODE}."),
    "categories": (pd.Categorical(list("JLE") * 10), f"float: 'J'. {ENCODE}."),
    "a mark": (["1.5", "?", None] * 10, f"float: '?'. {ENCODE}, or replace it by NaN if it marks"),
    "a mark among numbers": ([1.5, 2.5, "n/a"] * 10, "float: 'n/a'. Encode it as numbers by"),
    "numbers": (["1.5"] * 30, "text that looks like numbers in column 'b', such as '1.5'. Convert "
                              "it: pd.to_numeric(X['b'])."),
    "string": (pd.array(["1", None] * 15, dtype="string"), "such as '1'. Convert it: pd."),
    "dates": (STAMPS, f"dates in column 'b'. {HOUR}.dt.hour."),
    "aware dates": (STAMPS.tz_localize("America/New_York"), f"dates in column 'b'. {HOUR}"),
    "periods": (STAMPS.to_period("h"), f"dates in column 'b'. {HOUR}"),
    "Python's dates": ([datetime.date(2013, 1, 1)] * 30, f"dates in column 'b'. {HOUR}"),
    "durations": (STAMPS - STAMPS[0], "durations in column 'b'. Make numbers of them, such as "
                                      "hours: X['b'] / np.timedelta64(1, 'h')."),
}  # fmt: skip


@pytest.mark.parametrize(("column", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_text_and_dates_in_a_frame_name_their_column_and_the_cure(column, message):
    frame = pd.DataFrame({"a": ROWS[:, 0], "b": column})
    for call in (lambda: make_model().fit(frame, Y), lambda: SlidingWindowTransformer().fit(frame)):
        with pytest.raises(ValueError, match=f"X must be numeric, got .*{re.escape(message)}"):
            call()
    target = re.escape(message.replace("X[", "series[").replace("X.", "series."))
    with pytest.raises(ValueError, match=f"series must be numeric, got .*{target}"):
        make_supervised(frame, target=["b"])
    X, _ = make_supervised(frame, target="a")  # other columns may be encoded later
    assert X["b"].dtype == frame["b"].dtype
    with pytest.raises(ValueError, match="column 'b'"):
        make_windows(frame, n_steps=2)
    with pytest.raises(ValueError, match="y must be numeric, got"):
        make_model().fit(ROWS, frame["b"])


ARRAYS = {
    "text": (np.array([["1", "a"], ["2", "b"]]), "text in column 1: could not convert string to "),
    "numbers": (np.array([["1", "3"], ["2", "4"]]), "text that looks like numbers in column 0, "
                "such as '1'. Convert it: np.asarray(X, dtype=float)."),
    "objects": (np.array([[1, "a"], [2, "b"]], dtype=object), "text in column 1: could not "
                f"convert string to float: 'a'. {ENCODE}."),
    "list": ([[1, "a"], [2, None]], "text in column 1: could not convert string to float: 'a'. "),
    "bytes": (np.array([[b"1.5"], [b"2"]]), "like numbers in column 0, such as b'1.5'"),
    "dates": (np.array([["2013-01-01"]] * 2, dtype="M8[D]"), f"dates in column 0. {INDEX}"),
    "objects of dates": ([[0, STAMPS[0]], [1, STAMPS[1]]], f"dates in column 1. {INDEX}"),
    "no date": ([[0, pd.NaT], [1, pd.NaT]], f"dates in column 1. {INDEX}"),
    "durations": (np.array([[1], [2]], dtype="m8[h]"), "durations in column 0. Make numbers"),
    "masked dates": (np.ma.masked_array(np.zeros((2, 1), "M8[D]"), [[True], [False]]), "dates"),
    "polars text": (pl.DataFrame({"a": [1, 2], "b": ["1", "2"]}), "numbers in column 'b', such as"),
    "polars dates": (pl.DataFrame({"a": [datetime.date(2013, 1, 1)] * 2}), "dates in column 'a'."),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), ARRAYS.values(), ids=ARRAYS.keys())
def test_text_and_dates_in_arrays_name_the_number_of_their_column(rows, message):
    for call in (SlidingWindowTransformer().fit, lambda X: make_model().fit(X, [0, 1])):
        with pytest.raises(ValueError, match=f"X must be numeric, got .*{re.escape(message)}"):
            call(rows)
    with pytest.raises(ValueError, match="series must be numeric, got "):
        make_supervised(rows)


def test_text_in_windows_names_the_feature():
    X = np.random.RandomState(0).normal(size=(30, 4, 2)).astype(object)
    X[3, 2, 1] = "warm"
    with pytest.raises(ValueError, match=r"text in column 1: .*'warm'.* or replace it by NaN"):
        make_model().fit(X, Y)


def test_the_cures_work():
    frame = pd.DataFrame({"a": Y.astype(str), "airport": list("JLE") * 10}, index=STAMPS)
    frame["hour"] = frame.index.to_series().dt.hour
    frame["a"] = pd.to_numeric(frame["a"])
    frame["airport"] = OrdinalEncoder().fit_transform(frame[["airport"]])
    assert SlidingWindowTransformer(n_steps=2).fit_transform(frame)[1].tolist() == [
        [0, 1, 0],
        [1, 2, 1],
    ]


@pytest.mark.parametrize("X", [np.empty((0, 2), "U1"), np.empty((0, 2), object)])
def test_empty_arrays_are_left_to_scikit_learn(X):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        SlidingWindowTransformer().fit(X)


def test_a_scalar_is_left_to_scikit_learn():
    for X in (None, 5.0):
        with pytest.raises(ValueError, match="Expected 2D array, got scalar array"):
            SlidingWindowTransformer().fit(X)


def test_masked_objects_are_missing():
    masked = np.ma.array([[1.0], [2.0]], mask=[[0], [1]], dtype=object)
    windows = SlidingWindowTransformer(2).fit_transform(masked)
    np.testing.assert_array_equal(windows[:, 1, 0], [1, np.nan])
