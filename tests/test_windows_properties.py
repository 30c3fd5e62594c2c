"""Windows against a naive loop, for sizes, types, steps, dilations, panels and cuts at random."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindowTransformer, make_supervised, make_windows

pytestmark = [
    pytest.mark.filterwarnings("ignore:No window is complete"),
    pytest.mark.filterwarnings("ignore:These rows begin long after those of fit"),
]

settings.register_profile("sklstm", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("sklstm")

PARAMS = st.fixed_dictionaries(
    {
        "n_steps": st.integers(1, 6),
        "dilation": st.integers(1, 4),
        "padding": st.sampled_from(["nan", "edge"]),
    }
)
TIMES = st.sampled_from(
    [
        pd.RangeIndex(-5, 300, 3),
        pd.Index(np.arange(7, 60)),
        pd.date_range("2013-03-09", periods=60, freq="h", tz="America/New_York"),
        pd.date_range("2013-10-15", periods=60, freq="D", tz="America/New_York"),
        pd.date_range("2013-01-01", periods=60, freq="MS"),
        pd.bdate_range("2013-01-01", periods=60),
        pd.period_range("2013", periods=60, freq="Q"),
        pd.timedelta_range("0s", periods=60, freq="3s"),
    ]
)


@st.composite
def row_tables(draw, min_rows=1, max_rows=25):
    """Draw rows of shape (n_rows, n_features), some values missing where they can be."""
    shape = draw(st.integers(min_rows, max_rows)), draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["f4", "f8", "i2", "i8", "u1", ">f8"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.integers(0, 100, size=shape).astype(dtype)
    if rows.dtype.kind == "f":
        rows[rng.random(shape) < 0.1] = np.nan
    return np.asfortranarray(rows) if draw(st.booleans()) else rows


def naive_windows(rows, n_steps, dilation, padding):
    """Make the windows of one series, step by step."""
    windows = np.full((len(rows), n_steps, rows.shape[1]), np.nan)
    for i in range(len(rows)):
        for step in range(n_steps):
            source = i - (n_steps - 1 - step) * dilation
            if source >= 0 or padding == "edge":
                windows[i, step] = rows[max(source, 0)]
    return windows


@given(row_tables(), PARAMS)
def test_every_window_is_that_of_a_naive_loop(rows, params):
    windows = SlidingWindowTransformer(**params).fit_transform(rows)
    np.testing.assert_array_equal(windows, naive_windows(rows, **params))
    assert windows.dtype == (rows.dtype if rows.dtype == np.float32 else np.float64)
    step = rows.shape[1] * windows.itemsize
    if windows.size > 1 and min(windows.shape) > 1:
        assert windows.strides == (step, params["dilation"] * step, windows.itemsize)
    flat = SlidingWindowTransformer(**params, flatten=True).fit_transform(rows)
    np.testing.assert_array_equal(flat, windows.reshape(len(rows), -1))


@given(row_tables(), PARAMS, st.data())
def test_every_window_of_a_panel_is_that_of_its_series(rows, params, data):
    groups = np.array(data.draw(st.lists(st.sampled_from("abc"), min_size=len(rows), max_size=25)))
    groups = groups[: len(rows)]
    windows = SlidingWindowTransformer(**params).fit_transform(rows, groups=groups)
    for label in groups:
        alone = naive_windows(rows[groups == label], **params)
        np.testing.assert_array_equal(windows[groups == label], alone)


@given(row_tables(), PARAMS, TIMES)
def test_rows_of_fit_are_transformed_as_in_fit_transform(rows, params, times):
    frame = pd.DataFrame(rows, index=times[: len(rows)])
    transformer = SlidingWindowTransformer(**params)
    windows = transformer.fit_transform(frame)
    np.testing.assert_array_equal(windows, naive_windows(rows, **params))
    np.testing.assert_array_equal(transformer.transform(frame), windows)


@given(row_tables(min_rows=3), PARAMS, TIMES, st.data())
def test_two_pieces_with_history_are_the_whole(rows, params, times, data):
    frame = pd.DataFrame(rows, index=times[: len(rows)])
    cut = data.draw(st.integers(2, len(rows) - 1))
    transformer = SlidingWindowTransformer(**params)
    pieces = [transformer.fit_transform(frame.iloc[:cut]), transformer.transform(frame.iloc[cut:])]
    np.testing.assert_array_equal(np.concatenate(pieces), naive_windows(rows, **params))


@given(TIMES, PARAMS, st.integers(8, 20), st.integers(1, 3), st.data())
def test_two_pieces_of_a_panel_with_history_are_the_whole(times, params, n_times, n_series, data):
    # An index with a level for the series has no freq: eight times tell that of business days.
    cut = data.draw(st.integers(8, n_times)) * n_series
    index = pd.MultiIndex.from_product([times[: n_times + 1], list("abc")[:n_series]]).swaplevel()
    panel = pd.DataFrame({"x": np.arange(float(len(index)))}, index=index)
    transformer = SlidingWindowTransformer(**params)
    pieces = [transformer.fit_transform(panel.iloc[:cut]), transformer.transform(panel.iloc[cut:])]
    whole = transformer.fit_transform(panel)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@given(row_tables(), PARAMS, st.data())
def test_the_future_changes_no_earlier_window(rows, params, data):
    now = data.draw(st.integers(0, len(rows)))
    other = rows.copy()
    other[now:] = 77
    transformer = SlidingWindowTransformer(**params, history=False).fit(rows)
    np.testing.assert_array_equal(
        transformer.transform(other)[:now], transformer.transform(rows)[:now]
    )


def test_the_future_changes_no_earlier_prediction():
    X, y = make_supervised(pd.Series(np.sin(np.arange(50.0))))
    windows = SlidingWindowTransformer(n_steps=4, flatten=True, padding="edge")
    model = make_pipeline(windows, LinearRegression()).fit(X.iloc[:30], y.iloc[:30])
    later, other = X.iloc[30:], X.iloc[30:].copy()
    other.iloc[10:] = -5.0
    np.testing.assert_array_equal(model.predict(other)[:10], model.predict(later)[:10])
    np.testing.assert_array_equal(model.predict(later.iloc[:10]), model.predict(later)[:10])


@given(row_tables(), st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True))
def test_every_target_is_that_of_a_naive_loop(rows, horizon):
    kept = [
        i
        for i in range(len(rows) - max(horizon))
        if not any(np.isnan(rows[i + step]).any() for step in horizon)
    ]
    if not kept:
        with pytest.raises(ValueError, match="must"):
            make_supervised(rows, horizon)
        return
    X, y = make_supervised(rows, horizon)
    np.testing.assert_array_equal(X, rows[kept])
    expected = np.array([np.concatenate([rows[i + step] for step in horizon]) for i in kept])
    np.testing.assert_array_equal(y, expected if expected.shape[1] > 1 else expected[:, 0])


@given(row_tables(), st.integers(1, 4), st.integers(1, 3))
def test_complete_windows_are_those_of_the_transformer(rows, n_steps, horizon):
    windows = naive_windows(rows, n_steps, 1, "nan")
    kept = [
        i
        for i in range(n_steps - 1, len(rows) - horizon)
        if not np.isnan(rows[i + 1 : i + 1 + horizon]).any()
    ]
    if not kept:
        with pytest.raises(ValueError, match="must"):
            make_windows(rows, n_steps, horizon)
        return
    X, y = make_windows(rows, n_steps, horizon)
    np.testing.assert_array_equal(X, windows[kept])
    expected = np.array([rows[i + 1 : i + 1 + horizon].ravel() for i in kept])
    np.testing.assert_array_equal(y.reshape(expected.shape), expected)


def peak_memory(function):
    """Return the peak of the memory that a call takes, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_windows_of_a_million_rows_cost_at_most_three_copies(dtype):
    rows = np.zeros((1_000_000, 1), dtype)
    transformer = SlidingWindowTransformer(n_steps=100)
    assert peak_memory(lambda: transformer.fit_transform(rows)) < 2.1 * rows.nbytes
    hours = pd.date_range("1900", periods=len(rows), freq="h", tz="UTC")
    for index in (hours, np.arange(len(rows))):
        frame = pd.DataFrame(rows, index=index)
        assert peak_memory(lambda frame=frame: transformer.fit_transform(frame)) < 3 * rows.nbytes
    frame = pd.DataFrame(np.zeros((len(rows) - 1, 8), dtype), np.delete(hours, 10))
    transformer.set_params(freq="h")
    peak = peak_memory(lambda: transformer.fit_transform(frame))
    assert peak < 3 * frame.to_numpy().nbytes
