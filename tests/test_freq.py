"""Gaps: windows on a grid of time, against a naive loop that knows only times."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.datasets import load_nyc_weather
from sklstm.windows.array import WindowArray

pytestmark = [
    pytest.mark.filterwarnings("ignore:No window is complete"),
    pytest.mark.filterwarnings("ignore:These rows begin long after those of fit"),
]

NEW_YORK = "America/New_York"
settings.register_profile("sklstm", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("sklstm")

# Whole grids of 60 labels, and the frequency that a user would pass.
GRIDS = {
    "hours, clock set forward": (
        pd.date_range("2013-03-09", periods=60, freq="h", tz=NEW_YORK),
        "h",
    ),
    "hours, clock set back": (pd.date_range("2013-11-02", periods=60, freq="h", tz=NEW_YORK), "h"),
    "half hours": (pd.date_range("2013", periods=60, freq="30min"), pd.Timedelta("30min")),
    "numpy's hours": (pd.date_range("2013", periods=60, freq="h"), np.timedelta64(1, "h")),
    "days, clock set": (pd.date_range("2013-10-15", periods=60, freq="D", tz=NEW_YORK), "D"),
    "days": (pd.date_range("2013-10-15 09:00", periods=60, freq="D"), "D"),
    "business days": (pd.bdate_range("2013-01-01", periods=60), "B"),
    "weeks": (pd.date_range("2013-01-06", periods=60, freq="W"), "W"),
    "month starts": (pd.date_range("2013-01-01", periods=60, freq="MS", tz=NEW_YORK), "MS"),
    "month ends": (pd.date_range("2012-01-01", periods=60, freq="ME"), pd.offsets.MonthEnd()),
    "quarters": (pd.date_range("2013-01-01", periods=60, freq="QS"), "QS"),
    "periods": (pd.period_range("2013", periods=60, freq="Q"), "Q"),
    "two months": (pd.period_range("2013-01", periods=60, freq="2M"), "2M"),
    "integers": (pd.Index(np.arange(-9, 171, 3)), 3),
    "small integers": (pd.Index(np.arange(190, 250, dtype="u1")), 1),
    "range": (pd.RangeIndex(7, 67), np.int64(1)),
    "spans": (pd.timedelta_range("0s", periods=60, freq="3s"), "3s"),
}
PARAMS = st.fixed_dictionaries(
    {
        "n_steps": st.integers(1, 6),
        "dilation": st.integers(1, 3),
        "padding": st.sampled_from(["nan", "edge"]),
    }
)


def naive_window(known, k, n_steps, dilation, padding):
    """Make the window that ends at step k of the grid from `known`, {step of the grid: value}."""
    window = []
    for at in range(k - (n_steps - 1) * dilation, k + 1, dilation):
        value = known.get(at, np.nan)
        if at not in known and padding == "edge":
            before = [step for step in known if step < at]
            value = known[max(before)] if before else known[min(known)]
        window.append(value)
    return window


@given(st.sampled_from(list(GRIDS)), PARAMS, st.data())
def test_windows_are_those_of_a_naive_loop_over_times(name, params, data):
    grid, freq = GRIDS[name]
    there = np.array(data.draw(st.lists(st.booleans(), min_size=30, max_size=60)))
    steps = np.flatnonzero(there)
    if len(steps) < 2:
        return
    cut = data.draw(st.integers(1, len(steps) - 1))
    frame = pd.DataFrame({"x": steps.astype(float)}, grid[steps])
    transformer = SlidingWindowTransformer(**params, freq=freq)
    known = {k: float(k) for k in steps}
    expected = [naive_window(known, k, **params) for k in steps]
    np.testing.assert_array_equal(transformer.fit_transform(frame)[:, :, 0], expected)
    np.testing.assert_array_equal(transformer.transform(frame)[:, :, 0], expected)
    first, rest = frame[:cut], frame[cut:]
    pieces = [transformer.fit_transform(first), transformer.transform(rest)]
    pieces = np.concatenate([np.asarray(piece)[:, :, 0] for piece in pieces])
    np.testing.assert_array_equal(pieces, expected)
    newest = transformer.fit(frame).transform(frame[-1:])
    np.testing.assert_array_equal(newest[0, :, 0], expected[-1])


@pytest.mark.filterwarnings("ignore:.* the panel seems to be split by series")
@given(PARAMS, st.sampled_from(list(GRIDS)), st.integers(1, 3), st.data())
def test_windows_of_a_panel_are_those_of_its_series(params, name, n_series, data):
    grid, freq = GRIDS[name]
    labels = list("abc")[:n_series]
    pairs = st.tuples(st.sampled_from(labels), st.integers(0, 39))
    rows = data.draw(st.lists(pairs, min_size=2, max_size=60, unique=True))
    rows.sort(key=lambda pair: pair[1])  # interleaved, in time order
    cut = data.draw(st.integers(1, len(rows)))
    index = pd.MultiIndex.from_tuples([(label, grid[k]) for label, k in rows])
    values = [100.0 * labels.index(label) + k for label, k in rows]
    panel = pd.DataFrame({"x": values}, index)
    transformer = SlidingWindowTransformer(**params, freq=freq)
    expected = []
    for label, k in rows:
        known = {at: value for (of, at), value in zip(rows, values, strict=True) if of == label}
        expected.append(naive_window(known, k, **params))
    np.testing.assert_array_equal(transformer.fit_transform(panel)[:, :, 0], expected)
    if cut < len(rows):
        unknown = {label for label, _ in rows[cut:]} - {label for label, _ in rows[:cut]}
        pieces = [transformer.fit_transform(panel[:cut]), transformer.transform(panel[cut:])]
        pieces = np.concatenate([np.asarray(piece)[:, :, 0] for piece in pieces])
        seen = [label not in unknown for label, _ in rows]
        np.testing.assert_array_equal(pieces[seen], np.array(expected)[seen])


@given(st.sampled_from(list(GRIDS)), PARAMS, st.data())
def test_later_values_change_no_window(name, params, data):
    grid, freq = GRIDS[name]
    steps = np.array(sorted(data.draw(st.sets(st.integers(0, 59), min_size=2))))
    now = data.draw(st.integers(1, len(steps) - 1))
    frame = pd.DataFrame({"x": steps.astype(float)}, grid[steps])
    other = frame.copy()
    other.iloc[now:] = -1.0
    transformer = SlidingWindowTransformer(**params, freq=freq)
    windows = [np.asarray(transformer.fit_transform(rows))[:now] for rows in (frame, other)]
    np.testing.assert_array_equal(*windows)
    sooner = transformer.fit_transform(frame[:now])
    np.testing.assert_array_equal(sooner, windows[0])


@pytest.mark.parametrize("name", GRIDS)
def test_a_frequency_is_inferred_from_rows_with_gaps(name):
    grid, freq = GRIDS[name]
    frame = pd.DataFrame({"x": np.arange(60.0)}, grid).drop(grid[[3, 40, 41, 50]])
    given, inferred = (
        SlidingWindowTransformer(n_steps=4, freq=freq).fit(frame) for freq in (freq, "infer")
    )
    np.testing.assert_array_equal(inferred.transform(frame), given.transform(frame))
    of_freq = isinstance(grid, pd.PeriodIndex)
    if not of_freq:
        with pytest.warns(UserWarning, match="and gaps. Rows missing: 4, the first one after"):
            counted = SlidingWindowTransformer(n_steps=4).fit_transform(frame)
        rows = SlidingWindowTransformer(n_steps=4, freq="rows").fit_transform(frame)
        np.testing.assert_array_equal(rows, counted)
        assert not np.isnan(counted[3:]).any()


def test_periods_and_an_index_with_a_freq_say_it_themselves():
    days = pd.period_range("2013-01-01", periods=9, freq="D")
    frame = pd.DataFrame({"x": np.arange(9.0)}, days)
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(frame.drop(days[[3, 7]]))
    assert np.isnan(windows[[3, 6], 0, 0]).all()
    stamps = frame.set_axis(days.to_timestamp())  # complete
    assert stamps.index.freq is not None
    transformer = SlidingWindowTransformer(n_steps=2).fit(stamps[:4])
    windows = transformer.transform(stamps.iloc[[4, 6, 7]])
    np.testing.assert_array_equal(windows[:, :, 0], [[3, 4], [np.nan, 6], [6, 7]])


def test_gaps_are_told_once_with_both_cures():
    hours = pd.date_range("2013", periods=50, freq="h")
    frame = pd.DataFrame({"x": np.arange(50.0)}, hours).drop(hours[[7, 8, 30]])
    model = make_pipeline(SlidingWindowTransformer(n_steps=3), LSTMRegressor(1, epochs=1))
    told = (
        "the step 'h' and gaps. Rows missing: 3, the first one after 2013-01-01 06:00.* Pass "
        "freq='h' to SlidingWindowTransformer .* or freq=\"rows\""
    )
    with pytest.warns(UserWarning, match=told) as warned:
        model.fit(frame[:40], frame["x"][:40])
    (warning,) = warned
    assert warning.filename == __file__
    model.predict(frame[40:])
    model.predict(frame[43:])  # after a gap


def test_row_numbers_of_a_panel_are_no_times():
    labels = list("abbabaabbbab")
    panel = pd.DataFrame({"x": np.arange(12.0)}, pd.MultiIndex.from_arrays([labels, range(12)]))
    transformer = SlidingWindowTransformer(n_steps=2)
    expected = transformer.fit_transform(panel.to_numpy(), groups=labels)
    np.testing.assert_array_equal(transformer.fit_transform(panel), expected)
    frame = panel.droplevel(0)
    np.testing.assert_array_equal(transformer.fit_transform(frame, groups=labels), expected)
    X, y = make_supervised(panel)
    np.testing.assert_array_equal(X.loc["a"].index[1:], y.loc["a"][:-1])
    shared = panel.set_axis(pd.MultiIndex.from_product([list("ab"), range(6)])).drop(("a", 2))
    with pytest.warns(UserWarning, match="Rows missing: 1, the first one after 1"):
        transformer.fit(shared)


def test_trading_days_follow_one_another_as_rows():
    days = pd.bdate_range("2013-01-01", periods=60)
    days = days.drop(["2013-01-21", "2013-02-18"])
    frame = pd.DataFrame({"x": np.arange(58.0)}, days)
    with pytest.warns(UserWarning, match="Pass freq='B' to .* as in a series of trading days"):
        SlidingWindowTransformer().fit(frame)
    transformer = SlidingWindowTransformer(n_steps=3, freq="rows").fit(frame[:13])
    np.testing.assert_array_equal(transformer.transform(frame[13:])[0, :, 0], [11, 12, 13])
    np.testing.assert_array_equal(transformer.transform(frame[12:])[0, :, 0], [10, 11, 12])


def test_trades_may_share_a_time_only_where_rows_are_counted():
    times = pd.to_datetime(["2013-01-01 10:00", "2013-01-01 10:00", "2013-01-01 10:07"])
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, times)
    windows = SlidingWindowTransformer(n_steps=2, freq="rows").fit_transform(frame)
    np.testing.assert_array_equal(windows[:, :, 0], [[np.nan, 1], [1, 2], [2, 3]])
    for freq in (None, "min", "infer"):
        with pytest.raises(ValueError, match=r"must not repeat, got 2013-01-01 10:00:00 more than"):
            SlidingWindowTransformer(freq=freq).fit(frame)


HOURS = pd.date_range("2013-01-01", periods=4, freq="h")
WRONG = {
    "a sub-step": (
        HOURS.insert(2, HOURS[1] + pd.Timedelta("30min")),
        "h",
        "01:30:00 after .*01:00",
    ),
    "off the calendar": (pd.to_datetime(["2013-01-01", "2013-02-02"]), "MS", "2013-02-02.* after"),
    "first off the calendar": (
        pd.to_datetime(["2013-01-02", "2013-02-01"]),
        "MS",
        "got 2013-01-02",
    ),
    "an integer between": (pd.Index([0, 2, 3]), 2, "got 3 after 2"),
    "not in order": (HOURS[[0, 2, 1]], "h", "01:00:00 after 2013-01-01 02:00:00. Sort them"),
    "no times": (pd.Index(list("abc")), "h", "index of times or integers to go by, got a"),
    "an int for stamps": (HOURS, 1, "DatetimeIndex of datetime64.*, got 1"),
    "a text for integers": (pd.RangeIndex(3), "h", "a RangeIndex of int64, got 'h'"),
    "months for periods of days": (pd.period_range("2013", periods=3, freq="D"), "M", "got 'M'"),
    "months of spans": (pd.timedelta_range("0h", periods=3, freq="h"), "MS", "got 'MS'"),
    "nonsense": (HOURS, "hourly", "got 'hourly'"),
    "zero": (pd.RangeIndex(3), 0, "freq must be None"),
    "True": (pd.RangeIndex(3), True, "freq must be None"),
    "a float": (pd.RangeIndex(3), 1.5, "freq must be None"),
    "nothing to infer": (pd.Index([0, 2, 5]), "infer", "must find a step.*: 0, 2, 5"),
}


@pytest.mark.parametrize(("index", "freq", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_lies_on_no_grid_is_refused(index, freq, message):
    frame = pd.DataFrame({"x": np.arange(float(len(index)))}, index)
    transformer = SlidingWindowTransformer(freq=freq)
    with pytest.raises(ValueError, match=message):
        transformer.fit(frame)
    assert vars(transformer) == vars(SlidingWindowTransformer(freq=freq))


def test_arrays_and_polars_have_no_index_for_a_frequency():
    polars = pytest.importorskip("polars")
    rows = np.zeros((4, 1))
    for X in (rows, rows.tolist(), polars.DataFrame({"x": [1.0, 2.0]})):
        with pytest.raises(ValueError, match=r"got none. .*set_output\(transform=.pandas.\)"):
            SlidingWindowTransformer(freq="h").fit(X)
    model = make_pipeline(StandardScaler(), SlidingWindowTransformer(freq="h"))
    frame = pd.DataFrame({"x": np.arange(4.0)}, HOURS)
    with pytest.raises(ValueError, match="set_output"):
        model.fit(frame)
    model.set_output(transform="pandas").fit(frame)


def test_later_rows_off_the_grid_of_fit_are_refused():
    frame = pd.DataFrame({"x": np.arange(4.0)}, HOURS)
    later = frame.set_axis(HOURS + pd.Timedelta("4h 30min"))
    for freq in ("h", None, "infer"):
        transformer = SlidingWindowTransformer(freq=freq).fit(frame)
        with pytest.raises(ValueError, match=r"on the grid of freq='h', got 2013-01-01 04:30"):
            transformer.transform(later)
    with_zone = later.tz_localize("UTC")
    with pytest.raises(
        ValueError, match=r"kind of that in fit for freq='h'.*stamps with no time zone.*tz_localize"
    ):
        SlidingWindowTransformer(freq="h").fit(frame).transform(with_zone)


def test_a_frequency_without_a_name_is_kept_as_it_is():
    offset = pd.offsets.CustomBusinessDay(holidays=["2013-01-07"])
    days = pd.date_range("2013-01-02", periods=8, freq=offset)
    frame = pd.DataFrame({"x": np.arange(8.0)}, days)
    for freq in (None, offset):
        transformer = SlidingWindowTransformer(n_steps=3, freq=freq).fit(frame[:3])
        transformer = pickle.loads(pickle.dumps(transformer))
        windows = transformer.transform(frame.iloc[[3, 5]])
        np.testing.assert_array_equal(windows[:, :, 0], [[1, 2, 3], [3, np.nan, 5]])


def test_clones_keep_the_frequency():
    for freq in (None, "h", "rows", "infer", 3, pd.Timedelta("1h"), pd.offsets.MonthEnd()):
        assert clone(SlidingWindowTransformer(freq=freq)).freq == freq


def test_one_series_without_gaps_stays_a_view_and_one_with_gaps_is_none():
    frame = pd.DataFrame({"x": np.arange(4.0)}, HOURS)
    transformer = SlidingWindowTransformer(n_steps=2, freq="h").fit(frame[:1])
    assert transformer.transform(frame[2:]).strides == (8, 8, 8)  # a gap before it is no matter
    windows = transformer.transform(frame.iloc[[1, 3]])
    assert isinstance(windows, WindowArray)
    long_gap = frame.iloc[[0, 1]].set_axis(HOURS[[0, 0]] + pd.to_timedelta(["0h", "900000h"]))
    windows = transformer.fit_transform(long_gap)
    assert len(windows.rows) == 4  # not a row for each hour of a century
    np.testing.assert_array_equal(windows[:, :, 0], [[np.nan, 0], [np.nan, 1]])


@pytest.mark.parametrize("removed", [0.02, 0.2])
def test_the_recipe_for_gaps_leaves_no_window_wrong(removed):
    weather = load_nyc_weather()[["temp", "dewp"]].asfreq("h")[:2000]
    weather = weather.mask(np.random.RandomState(0).random_sample(weather.shape) < removed)
    whole = np.asarray(SlidingWindowTransformer(n_steps=48).fit_transform(weather))
    X, _ = make_supervised(weather, horizon=[24], target="temp")
    assert len(X) < len(weather) - 24
    windows = np.asarray(SlidingWindowTransformer(n_steps=48, freq="h").fit_transform(X))
    of_row = whole[weather.index.get_indexer(X.index)]
    there = ~np.isnan(windows)
    np.testing.assert_array_equal(windows[there], of_row[there])
    left_out = ~weather.index.isin(X.index)
    lost = SlidingWindowTransformer(n_steps=48).fit_transform(
        pd.DataFrame({"lost": left_out.astype(float)}, weather.index)
    )[weather.index.get_indexer(X.index)]
    np.testing.assert_array_equal(~there, np.isnan(of_row) | (lost != 0))  # NaN aside, all equal
    # All rows kept: nothing is lost at all.
    X, _ = make_supervised(weather, horizon=[24], target="temp", dropna=False)
    np.testing.assert_array_equal(SlidingWindowTransformer(n_steps=48).fit_transform(X), whole)
    X, _ = make_supervised(weather, horizon=[24], target="temp")
    with pytest.warns(UserWarning, match="Rows missing"):  # what was done before
        counted = SlidingWindowTransformer(n_steps=48).fit_transform(X)
    both = ~np.isnan(counted) & ~np.isnan(of_row)
    assert (counted != of_row)[both].any()


def test_the_newest_row_after_a_gap_is_forecast_as_in_its_context():
    weather = load_nyc_weather()[["temp", "dewp"]].asfreq("h")[:500].interpolate()
    X, y = make_supervised(weather, target="temp")
    windows = SlidingWindowTransformer(n_steps=24, padding="edge", flatten=True, freq="h")
    model = make_pipeline(windows, Ridge()).fit(X[:400], y[:400])
    with_gap = X.drop(X.index[395:399])
    model.fit(with_gap[:396], y[with_gap.index[:396]])
    expected = model.predict(with_gap)[-1]
    newest = with_gap[-1:]
    model[:-1].fit(with_gap[:-1])
    assert model.predict(newest)[0] == pytest.approx(expected)
    lstm = make_pipeline(
        SlidingWindowTransformer(n_steps=24), LSTMRegressor(2, epochs=1, random_state=0)
    )
    lstm.fit(X[:400], y[:400])
    alone, context = X.iloc[[405]], X.iloc[[*range(400), 405]]
    windows = SlidingWindowTransformer(n_steps=24, freq="h").fit_transform(context)
    np.testing.assert_array_equal(lstm.predict(alone), lstm[-1].predict(windows[-1:]))


def make_frame(index):
    return pd.DataFrame({"x": np.arange(float(len(index)))}, index)


@pytest.mark.parametrize("freq", ["2MS", "MS", "D"])
def test_rows_before_those_of_fit_have_none_of_them_as_their_past(freq):
    index = pd.date_range("2020-03-01", periods=6, freq=freq, tz=NEW_YORK)
    transformer = SlidingWindowTransformer(3, freq=freq).fit(make_frame(index[3:]))
    windows = transformer.transform(make_frame(index[:3]))
    np.testing.assert_array_equal(windows[:, :, 0], [[np.nan] * 2 + [0], [np.nan, 0, 1], [0, 1, 2]])
    off_phase = index[:3] + (pd.DateOffset(months=1) if freq == "2MS" else pd.Timedelta("9h"))
    with pytest.raises(ValueError, match="must lie on the grid of freq"):
        transformer.transform(make_frame(off_phase))


MIDNIGHT = pd.date_range("2022-03-20", periods=20).tz_localize(
    "Asia/Beirut", nonexistent="shift_forward"
)  # the 27th begins at 1 o'clock
HALF_PAST_TWO = pd.date_range("2013-03-05 02:30", periods=20).tz_localize(
    NEW_YORK, nonexistent="shift_forward"
)  # which the 10th does not have


@pytest.mark.parametrize("days", [MIDNIGHT, HALF_PAST_TWO], ids=["midnight", "half past two"])
@pytest.mark.parametrize("freq", ["D", "infer", None, "2D"])
def test_days_go_on_where_clocks_are_set_forward(days, freq):
    days = days[1::2] if freq == "2D" else days
    frame = make_frame(days)
    expected = SlidingWindowTransformer(3).fit_transform(frame.reset_index(drop=True))
    for cut in range(3, len(days) - 1):
        transformer = SlidingWindowTransformer(3, freq=freq).fit(frame[:cut])
        np.testing.assert_array_equal(transformer.transform(frame), expected)
        np.testing.assert_array_equal(transformer.transform(frame[cut:]), expected[cut:])
        alone = SlidingWindowTransformer(3, freq=freq).fit_transform(frame[cut - 3 :])
        np.testing.assert_array_equal(alone[2:], expected[cut - 1 :])


def test_a_zone_without_a_name_follows_its_own_clocks():
    dateutil = pytest.importorskip("dateutil.tz")
    days = pd.date_range("2013-03-01", periods=40, tz=dateutil.gettz("Europe/Berlin"))
    for freq in ("D", None):
        transformer = SlidingWindowTransformer(3, freq=freq).fit(make_frame(days)[:32])
        windows = transformer.transform(make_frame(days)[32:])
        np.testing.assert_array_equal(windows[0, :, 0], [30, 31, 32])


def test_instants_of_another_time_zone_are_counted_in_that_of_fit():
    days = pd.date_range("2013-03-05", periods=12, tz=NEW_YORK)
    transformer = SlidingWindowTransformer(3, freq="D").fit(make_frame(days)[:4])
    expected = transformer.transform(make_frame(days)[4:])
    again = transformer.transform(make_frame(days).tz_convert("UTC")[4:])
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize(
    "freq", ["B", "W-MON", "2W", "BMS", "SME", "QE", "YS", "bh", pd.DateOffset(months=1)]
)
def test_frequencies_of_the_calendar_have_gaps_and_history(freq):
    index = pd.date_range("2011-01-03 10:00", periods=20, freq=freq)
    steps = np.delete(np.arange(20), [4, 5, 12, 15])
    frame = make_frame(index).iloc[steps]
    expected = SlidingWindowTransformer(4, freq=1).fit_transform(frame.set_axis(steps))
    transformer = SlidingWindowTransformer(4, freq=freq)
    np.testing.assert_array_equal(transformer.fit_transform(frame), expected)
    later = transformer.fit(frame[:9]).transform(frame[9:])
    np.testing.assert_array_equal(later, np.asarray(expected)[9:])


def test_periods_have_their_own_frequency():
    days = pd.period_range("2020-01-01", periods=10, freq="D")
    transformer = SlidingWindowTransformer(2).fit(make_frame(days)[::2])
    assert transformer.freq_ == "D"
    np.testing.assert_array_equal(transformer.transform(make_frame(days)[9:])[0, :, 0], [8, 9])
    every_second = SlidingWindowTransformer(2, freq="2D").fit(make_frame(days[::2])[:3])
    windows = every_second.transform(make_frame(days[::2])[3:])
    np.testing.assert_array_equal(windows[0, :, 0], [2, 3])


def test_a_step_is_inferred_from_all_labels_if_the_last_ones_do_not_tell():
    hours = pd.date_range("2013", periods=100, freq="h")
    index = hours.append(pd.date_range(hours[-1], periods=101, freq="2h")[1:])
    assert SlidingWindowTransformer(2, freq="infer").fit(make_frame(index)).freq_ == "h"
    with pytest.warns(UserWarning, match="has the step 'h' and gaps"):
        SlidingWindowTransformer(2).fit(make_frame(index))


@pytest.mark.parametrize("freq", ["-1h", "0h", pd.Timedelta(0), np.timedelta64(-1, "h"), "-2MS"])
def test_steps_go_forwards(freq):
    with pytest.raises(ValueError, match="freq must be a frequency that the index of X can have"):
        SlidingWindowTransformer(2, freq=freq).fit(make_frame(HOURS))


def test_rows_that_share_a_time_have_a_past():
    times = pd.to_datetime(["2020-01-01 10:00"] * 2 + ["2020-01-01 10:05"] * 2)
    transformer = SlidingWindowTransformer(3, freq="rows").fit(make_frame(times))
    later = transformer.transform(make_frame(pd.to_datetime(["2020-01-01 10:07"])))
    np.testing.assert_array_equal(later[0, :, 0], [2, 3, 0])
    frame = make_frame(
        pd.DatetimeIndex(np.repeat(pd.date_range("2013", periods=20, freq="min"), 2))
    )
    expected = transformer.fit_transform(frame)
    for cut in range(3, 39):
        transformer.fit(frame[:cut])
        np.testing.assert_array_equal(transformer.transform(frame[cut:]), expected[cut:])
        np.testing.assert_array_equal(transformer.transform(frame[cut - 1 :]), expected[cut - 1 :])


def test_missing_labels_are_refused():
    index = pd.DatetimeIndex(["2020-01-01", None, "2020-01-03"])
    for freq in (None, "D", "rows"):
        with pytest.raises(ValueError, match=r"no missing labels, got NaT.*notna\(\)"):
            SlidingWindowTransformer(2, freq=freq).fit(make_frame(index))
        with pytest.raises(ValueError, match="no missing labels"):
            make_supervised(make_frame(index), freq=freq)


@pytest.mark.parametrize("freq", [None, "rows", "D", "infer"])
def test_targets_are_not_made_of_rows_in_another_order(freq):
    frame = make_frame(pd.date_range("2013", periods=9))
    panel = pd.concat({"a": frame, "b": frame})
    for X in (frame[::-1], frame.iloc[[0, 2, 1, 3]], panel[::-1]):
        for use in (make_supervised, lambda X, freq: make_windows(X, 2, freq=freq)):
            with pytest.raises(ValueError, match=r"time order, got .* after .*sort_index\(\)"):
                use(X, freq=freq)


def test_a_new_series_may_bring_its_past():
    index = pd.date_range("2020", periods=60)
    panel = pd.concat({name: make_frame(index) for name in "abc"})
    times = panel.index.get_level_values(1)
    known = panel.index.get_level_values(0) != "c"
    ended = (panel.index.get_level_values(0) == "b") & (times > index[29])
    transformer = SlidingWindowTransformer(4).fit(panel[known & (times <= index[39]) & ~ended])
    transformer.transform(panel[(times > index[39]) | ~known | ended])


LAST = {
    "hours": pd.date_range("2262-04-11 16:00", periods=8, freq="h", unit="ns"),
    "local days": pd.date_range("2262-04-04", periods=8, freq="D", unit="ns", tz=NEW_YORK),
    "month starts": pd.date_range("2261-09-01", periods=8, freq="MS", unit="ns"),
    "spans": pd.to_timedelta(
        pd.Timedelta.max.floor("h").value - 3600 * 10**9 * np.arange(7, -1, -1)
    ),
    "integers": pd.Index(np.arange(2**63 - 9, 2**63 - 1)),
    "unsigned": pd.Index(np.arange(2**64 - 9, 2**64 - 1, dtype="u8")),
}


@pytest.mark.parametrize("index", LAST.values(), ids=LAST.keys())
@pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
def test_an_index_may_end_at_the_last_label_that_there_can_be(index):
    frame = pd.DataFrame({"x": np.arange(8.0)}, index)
    transformer = SlidingWindowTransformer(n_steps=2)
    for rows in (frame, frame.drop(index[3])):
        windows = transformer.fit_transform(rows)
        np.testing.assert_array_equal(transformer.transform(rows), windows)
        assert len(make_supervised(rows)[0]) == len(rows) - 1
    windows = transformer.fit(frame[:6]).transform(frame[6:])
    np.testing.assert_array_equal(windows[:, :, 0], [[5, 6], [6, 7]])


def test_explain_window_shows_gaps_and_targets_by_time():
    frame = pd.DataFrame({"x": np.arange(4.0)}, HOURS).iloc[[0, 1, 3]]
    transformer = SlidingWindowTransformer(n_steps=3, freq="h").fit(frame)
    assert transformer.explain_window(frame, 1, horizon=3).splitlines() == [
        "Window 1",
        "  t-2  missing",
        "  t-1  row 0  2013-01-01 00:00:00",
        "  t    row 1  2013-01-01 01:00:00",
        "Target",
        "  t+1  missing",
        "  t+2  row 2  2013-01-01 03:00:00",
        "  t+3  after the last row",
    ]
    assert transformer.explain_window(frame[2:], 0).splitlines()[1:4] == [
        "  t-2  remembered  2013-01-01 01:00:00",
        "  t-1  missing",
        "  t    row 0  2013-01-01 03:00:00",
    ]
    with pytest.raises(ValueError, match="horizon must be at most the 3 rows, got 100000000"):
        transformer.explain_window(frame, 1, horizon=10**8)
