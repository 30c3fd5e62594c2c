"""Forecasting as supervised learning: the target of a row is the next values of the series."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_array

from sklstm.windows.grid import find_freq, place_rows
from sklstm.windows.horizon import name_values, steps_ahead
from sklstm.windows.labels import check_labels, check_order
from sklstm.windows.series import is_pandas, split_series
from sklstm.windows.transformer import SlidingWindowTransformer
from sklstm.windows.values import read_values


def make_supervised(series, horizon=1, *, target=None, freq=None, dropna="any"):
    """Turn a series into rows and, for each row, the values that come next.

    Parameters
    ----------
    series : array-like of shape (n_times,) or (n_times, n_features)
        Observations in time order; array, list, pandas Series or DataFrame. All levels of a
        `MultiIndex` but the last separate several series, and targets stay within a series.

    horizon : int or sequence of int, default=1
        Which of the next values to forecast. An int means all of the next 1 to `horizon` values.
        A list means these steps ahead only: `[24]` is the 24th value from here.

    target : column or list of columns, default=None
        What to forecast: column names of a DataFrame, column numbers of an array. By default,
        all columns.

    freq : None, "infer", "rows", str, int, timedelta or offset of pandas, default=None
        How far apart steps are, as in `SlidingWindowTransformer`: with "h", the target 24 steps
        ahead is that of 24 hours later, and missing if there is no such row. By default that of
        the index; a warning tells of gaps in it, across which rows are counted.

    dropna : {"any", "all", False}, default="any"
        Which rows to leave out: those of which any target is missing (NaN), those of which all
        are, or none. The targets of the last rows are missing, because their future is not known
        yet. `LSTMRegressor` trains on rows of which some targets are missing; rows without any are
        there to predict from, and to complete the windows of others.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, n_features)
        A copy of the rows that are not left out, with their index.

    y : ndarray, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        The targets, in the units of `series`; 1-dimensional if there is one per row. There is
        one output per step ahead and target column, in the order
        `a[t+1], b[t+1], a[t+2], b[t+2]`. For pandas input these are also their names.

    Raises
    ------
    ValueError
        If `horizon` is not positive or not less than the number of rows, `target` is not in
        `series`, no row is left, or the index repeats, is not in time order or not on the grid of
        `freq`.

    Examples
    --------
    >>> from sklstm import make_supervised
    >>> X, y = make_supervised([10.0, 11.0, 12.0, 13.0])
    >>> X.ravel(), y
    (array([10., 11., 12.]), array([11., 12., 13.]))
    >>> X, y = make_supervised([10.0, 11.0, 12.0, 13.0], horizon=2)
    >>> X.ravel()
    array([10., 11.])
    >>> y
    array([[11., 12.],
           [12., 13.]])

    All rows, the last ones to predict from:

    >>> X, y = make_supervised([10.0, 11.0, 12.0, 13.0], horizon=2, dropna=False)
    >>> y
    array([[11., 12.],
           [12., 13.],
           [13., nan],
           [nan, nan]])
    """
    table = as_table(series)
    panel, _ = _read_panel(table, freq, "make_supervised")
    rows, y = _look_ahead(table, panel, horizon, target, dropna)
    return _take(table, rows).copy(), y


def make_windows(series, n_steps, horizon=1, *, freq=None):
    """Turn a series into complete windows and, for each window, the values that come next.

    For scripts. In a `Pipeline` use `make_supervised` and `SlidingWindowTransformer`: they keep
    the rows as they are, so cross-validation can split them.

    Parameters
    ----------
    series : array-like of shape (n_times,) or (n_times, n_features)
        Observations in time order, as in `make_supervised`.

    n_steps : int
        Number of rows in a window.

    horizon : int or sequence of int, default=1
        Which of the values after the window to forecast, as in `make_supervised`.

    freq : None, "infer", "rows", str, int, timedelta or offset of pandas, default=None
        How far apart steps are, as in `make_supervised`.

    Returns
    -------
    X : ndarray of shape (n_windows, n_steps, n_features)
        The windows that have all their rows and a complete target. They are a read-only view on
        one copy of the series. For several series, or where windows are left out because their
        target is missing, they are a copy, `n_steps` times as large as the rows.

    y : ndarray, Series or DataFrame of shape (n_windows,) or (n_windows, n_outputs)
        The targets of all columns, as in `make_supervised`.

    Raises
    ------
    ValueError
        If `n_steps` or `horizon` is not positive, or no window is complete.

    Examples
    --------
    >>> from sklstm import make_windows
    >>> X, y = make_windows([10.0, 11.0, 12.0, 13.0, 14.0], n_steps=3)
    >>> X.shape
    (2, 3, 1)
    >>> X[:, :, 0]
    array([[10., 11., 12.],
           [11., 12., 13.]])
    >>> y
    array([13., 14.])
    """
    table = as_table(series)
    panel, freq = _read_panel(table, freq, "make_windows")
    windows = SlidingWindowTransformer(n_steps, freq=freq or "rows").fit_transform(table)
    rows, y = _look_ahead(table, panel, horizon)
    full = np.concatenate([_find_full(series, n_steps) for series in panel])
    complete = np.flatnonzero(np.isin(rows, full))
    if not len(complete):
        raise ValueError(
            f"n_steps must leave a row with a target, got n_steps={n_steps} and "
            f"horizon={horizon} for {len(table)} rows. Give a longer series or shorter windows."
        )
    return _take(windows, rows[complete]), _take(y, complete)


def as_table(series):
    """Return a series as a DataFrame or an array of shape (n_times, n_features)."""
    if is_pandas(series):
        if series.ndim == 2:
            return series
        return series.to_frame("x0" if series.name is None else series.name)
    series = check_array(
        read_values(series, "series"),
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name="series",
    )
    return series[:, np.newaxis] if series.ndim == 1 else series


def _read_panel(table, freq, reader):
    """Return the series in a table with the places of their rows, and the frequency of these."""
    if not len(table):
        raise ValueError("series must have rows, got none.")
    panel = split_series(table, len(table))
    check_labels(panel, freq)
    for series in panel:
        check_order(series.times)
    freq = find_freq(panel, freq, reader)
    return [series._replace(places=place_rows(series, freq)) for series in panel], freq


def _find_full(series, n_steps):
    """Return the numbers of the rows whose window lacks no row."""
    members, places = np.asarray(series.members), np.asarray(series.places)
    n_before = n_steps - 1
    return members[n_before:][places[n_before:] - places[: len(places) - n_before] == n_before]


def _look_ahead(table, panel, horizon, target=None, dropna="any"):
    """Return the numbers of the rows that are not left out, and their targets."""
    if not isinstance(dropna, str | bool) or dropna not in ("any", "all", False):
        raise ValueError(f'dropna must be "any", "all" or False, got {dropna!r}.')
    steps = _read_steps(horizon, panel)
    columns = _target_columns(table, target)
    # The last rows of a series that are left out whatever its values are.
    n_last = {"any": max(steps), "all": min(steps), False: 0}[dropna]
    rows, y = _shift(_select(table, columns), panel, steps, n_last)
    if dropna:
        kept = _find_kept(y, dropna, horizon)
        rows, y = rows[kept], y[kept]
    if is_pandas(table):
        names = [name_values(column, step) for step in steps for column in columns]
        y = _label(y, _take(table, rows).index, names)
    elif y.shape[1] == 1:
        y = y[:, 0]
    return rows, y


def _read_steps(horizon, panel):
    """Return the steps ahead, which end within the longest series."""
    longest = max(series.places[-1] + 1 for series in panel)
    too_far = isinstance(horizon, Integral) and horizon >= longest  # a list of them can be large
    steps = [] if too_far else steps_ahead(horizon)
    if too_far or max(steps) >= longest:
        raise ValueError(
            f"horizon must be smaller than the number of rows, got horizon={horizon} for {longest} "
            "rows. Give a longer series or forecast fewer steps ahead."
        )
    return steps


def _find_kept(y, dropna, horizon):
    """Tell which rows are not left out; there must be one."""
    known = ~np.isnan(y)
    kept = known.all(axis=1) if dropna == "any" else known.any(axis=1)
    if kept.any():
        return kept
    if dropna == "all":
        raise ValueError(
            f"series must have a row with a known target, got none for horizon={horizon}: every "
            "target is missing."
        )
    raise ValueError(
        f"series must have a row with a complete target, got none for horizon={horizon}: "
        'every target has a missing value. dropna="all" keeps rows with a known one.'
    )


def _shift(values, panel, steps, n_last):
    """Return the numbers of all rows but those in the last `n_last` steps, and their future."""
    now, future = [], []
    for series in panel:
        members, places = np.asarray(series.members), series.places
        if isinstance(places, range):
            n_rows = max(0, len(members) - n_last)
            future.append(_take_later(values[members], steps, n_rows))
        else:
            n_rows = np.searchsorted(places, places[-1] - n_last, side="right")
            future.append(_look_up(values[members], places, steps, n_rows))
        now.append(members[:n_rows])
    now, future = np.concatenate(now), np.concatenate(future)
    order = np.argsort(now)
    return now[order], future[order]


def _take_later(values, steps, n_rows):
    """Return the values some steps after each of the first rows, where no row is missing."""
    n_beyond = max(steps) + n_rows - len(values)
    if n_beyond > 0:  # only then must integers become floats
        beyond = np.full((n_beyond, values.shape[1]), np.nan, np.float32)
        values = np.concatenate([values, beyond])
    return np.hstack([values[step : step + n_rows] for step in steps])


def _look_up(values, places, steps, n_rows):
    """Return the values some steps after each of the first rows, NaN where there is no row."""
    later = []
    for step in steps:
        wanted = places[:n_rows] + step
        found = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
        there = (places[found] == wanted)[:, np.newaxis]
        values_then = values[found]
        later.append(
            values_then if there.all() else np.where(there, values_then, np.float32("nan"))
        )
    return np.hstack(later)


def _target_columns(table, target):
    """Return the target columns as a list of names (DataFrame) or numbers (array)."""
    known = list(getattr(table, "columns", range(table.shape[1])))
    if target is None:
        return known
    columns = target.tolist() if hasattr(target, "tolist") else target
    columns = columns if isinstance(columns, list) else [columns]
    of_other_kind = [column for column in columns if isinstance(column, bool)]  # True is 1
    unknown = [column for column in columns if column not in known]
    if of_other_kind or unknown or not columns:
        named = is_pandas(table) or not any(isinstance(column, str) for column in columns)
        raise ValueError(
            f"target must be among the columns {known}, got {target!r}."
            + ("" if named else " Only pandas columns have names here: pass series.to_pandas().")
        )
    return columns


def _select(table, columns):
    """Return columns as numbers, shape (n_times, n_columns)."""
    if is_pandas(table):
        values = read_values(table[columns], "series")
        return check_array(values, ensure_all_finite="allow-nan", input_name="target")
    return table[:, columns]


def _label(y, index, names):
    """Return targets as a Series if there is one per row, else as a DataFrame."""
    import pandas as pd

    if len(names) == 1:
        return pd.Series(y[:, 0], index=index, name=names[0])
    return pd.DataFrame(y, index=index, columns=names)


def _take(table, rows):
    """Return rows of a table by number; consecutive ones as a slice, which copies nothing."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        rows = slice(rows[0], rows[-1] + 1)
    return table.iloc[rows] if is_pandas(table) else table[rows]
