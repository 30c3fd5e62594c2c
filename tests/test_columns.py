"""Frames given straight to LSTMRegressor: lags as columns, and the rows of a series by mistake."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised

VALUES = np.random.RandomState(0).normal(size=(40, 5))
Y = VALUES[:, 0]


def make_model(**params):
    return LSTMRegressor(**{"units": 3, "epochs": 1, "random_state": 0, **params})


def make_frame(names):
    return pd.DataFrame(VALUES[:, : len(names)], columns=names)


ROWS = [
    ["temp", "humid", "wind"],
    ["temp"],
    ["pm10"],
    ["flag"],
    ["temp", "co2"],
    ["temp", "wind", "temp_lag1"],
    ["temp[t-1]", "wind[t-1]", "temp[t]", "wind[t]"],  # of two features, flattened
    ["lag_1", "lag_2", "shift_1"],
    ["temp", "temp", "wind"],
]


@pytest.mark.parametrize("names", ROWS, ids=str)
def test_rows_of_a_series_are_warned_of_once_a_fit(names):
    with pytest.warns(UserWarning, match="SlidingWindowTransformer, in a Pipeline") as warned:
        model = make_model().fit(make_frame(names), Y)
    assert [warning.filename for warning in warned] == [__file__]
    assert f"but the names {names[0]!r}" in str(warned[0].message)
    model.predict(make_frame(names))  # without a warning


LAGS = [
    ["temp[t-2]", "temp[t-1]", "temp[t]"],
    ["lag_1", "lag_2"],
    ["x_lag3", "x_lag2", "x_lag1", "x"],
    ["value", "lag_1", "lag_2"],
    ["value", "t-1", "t-2"],
    ["y(t-2)", "y(t-1)", "y(t)", "y(t+1)"],
    ["t-3", "t-2", "t-1", "t"],
    ["t - 1", "t"],
    ["0", "1", "2"],
    ["x0", "x1", "x2"],
    ["2013-01-01", "2013-01-02"],
    ["temp"] * 3,
    ["temp[t]"],
    ["lag_1"],
    [0, 1, 2],
    [("a", 1), ("b", 2)],
]


@pytest.mark.parametrize("names", LAGS, ids=str)
def test_lags_are_read_without_a_warning(names):
    frame = make_frame(names)
    model = make_model().fit(frame, Y)
    assert_array_equal(model.predict(frame), model.predict(frame.to_numpy()[:, :, np.newaxis]))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("names", [["temp"], ["temp", "wind"]])
def test_polars_frames_are_warned_of_too(names):
    with pytest.warns(UserWarning, match="names 'temp'.* are not those of lags"):
        make_model().fit(pl.DataFrame(make_frame(names)), Y)
    make_model().fit(pl.DataFrame(make_frame(["lag_1", "lag_2"])), Y)


def test_many_names_are_cut_short():
    with pytest.warns(UserWarning, match="names 'a', 'b', 'c', ... are not"):
        make_model().fit(make_frame(list("abcde")), Y)


def test_what_goes_on_is_warned_of_once():
    frame = make_frame(["temp", "wind"])
    for model, method in [(make_model(), "partial_fit"), (make_model(warm_start=True), "fit")]:
        with pytest.warns(UserWarning, match="not those of lags"):
            getattr(model, method)(frame, Y)
        getattr(model, method)(frame, Y)


def test_pipelines_and_searches_are_silent_behind_the_transformer():
    X, y = make_supervised(make_frame(["temp", "wind"]), target="temp")
    model = make_pipeline(SlidingWindowTransformer(n_steps=3), make_model())
    GridSearchCV(model, {"lstmregressor__units": [2, 3]}, cv=2).fit(X, y)
    flat = SlidingWindowTransformer(n_steps=3, flatten=True).set_output(transform="pandas")
    make_pipeline(flat, make_model()).fit(X[["temp"]], y)


def test_a_search_over_rows_names_the_line_of_the_user():
    with pytest.warns(UserWarning, match="not those of lags") as warned:
        GridSearchCV(make_model(), {"units": [2, 3]}, cv=2).fit(make_frame(["temp", "wind"]), Y)
    assert {warning.filename for warning in warned} == {__file__}


def test_repeated_names_are_checked_by_their_number():
    model = make_model().fit(make_frame(["temp"] * 3), Y)
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 2 features, but LSTMRegressor is expecting 3"):
        model.predict(make_frame(["temp"] * 2))


def test_arrays_are_never_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_model().fit(VALUES, Y).partial_fit(VALUES.tolist(), Y)
