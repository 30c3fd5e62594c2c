"""Forecasting as supervised learning: the target of a row is what the series does next."""

import sys
from collections.abc import Iterable
from numbers import Integral

import numpy as np
from sklearn.utils import check_array

from sklstm._windows import SlidingWindowTransformer


def make_supervised(series, horizon=1, *, target=None):
    """Turn a series into rows and, for each row, the values that come next.

    Parameters
    ----------
    series : array-like of shape (n_times,) or (n_times, n_features)
        Observations in time order; array, list, pandas Series or DataFrame.

    horizon : int or sequence of int, default=1
        Which of the next values to forecast: an int asks for all of the next 1 to `horizon`
        values, a sequence for these steps ahead only, so `[24]` is the 24th value from here.

    target : column or list of columns, default=None
        What to forecast: column names of a DataFrame, column numbers of an array. By default,
        all columns.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, n_features)
        The rows whose target is complete, with their index: the last ones have no future yet,
        and a row is left out too where one of its target values is missing (NaN).

    y : ndarray, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        The targets, in the units of `series`; 1-dimensional if there is one per row. There is
        one output per step ahead and target column, in the order
        `a[t+1], b[t+1], a[t+2], b[t+2]`, which for pandas input are also their names.

    Raises
    ------
    ValueError
        If `horizon` is not positive, `target` is not in `series` or no row has a target.

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
    """
    series = _as_table(series)
    kept, y = _look_ahead(series, horizon, target)
    return _take(series, kept), y


def make_windows(series, n_steps, horizon=1):
    """Turn a series into complete windows and, for each window, the values that come next.

    For scripts. In a `Pipeline` use `make_supervised` and `SlidingWindowTransformer`, which keep
    the rows as they are, so cross-validation can split them.

    Parameters
    ----------
    series : array-like of shape (n_times,) or (n_times, n_features)
        Observations in time order; array, list, pandas Series or DataFrame.

    n_steps : int
        Number of rows in a window.

    horizon : int or sequence of int, default=1
        Which of the values after the window to forecast, as in `make_supervised`.

    Returns
    -------
    X : ndarray of shape (n_windows, n_steps, n_features)
        The windows that have all their rows and a complete target; a read-only view on one copy
        of the series (a copy where windows are left out because their target is missing).

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
    series = _as_table(series)
    windows = SlidingWindowTransformer(n_steps).fit_transform(series)
    kept, y = _look_ahead(series, horizon)
    complete = kept >= n_steps - 1
    if not complete.any():
        raise ValueError(
            f"n_steps must leave a row with a target, got n_steps={n_steps} and "
            f"horizon={horizon} for {len(series)} rows. Give a longer series or shorter windows."
        )
    return _take(windows, kept[complete]), _take(y, np.flatnonzero(complete))


def _as_table(series):
    """Return a series as a DataFrame or an array of shape (n_times, n_features)."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(series, pandas.Series):
        return series.to_frame(name="x0" if series.name is None else series.name)
    if pandas is not None and isinstance(series, pandas.DataFrame):
        return series
    series = check_array(
        series, ensure_2d=False, ensure_all_finite="allow-nan", input_name="series"
    )
    return series[:, np.newaxis] if series.ndim == 1 else series


def _look_ahead(series, horizon, target=None):
    """Return the numbers of the rows with a complete target, and their targets."""
    steps = _steps_ahead(horizon)
    if len(series) <= max(steps):
        raise ValueError(
            f"horizon must be smaller than the number of rows, got horizon={horizon} for "
            f"{len(series)} rows."
        )
    columns = _target_columns(series, target)
    values = _select(series, columns)
    rows = np.arange(len(series) - max(steps))
    y = np.concatenate([values[rows + step] for step in steps], axis=1)
    complete = ~np.isnan(y).any(axis=1)
    if not complete.any():
        raise ValueError(
            f"series must have a row whose next values are all there, got none for "
            f"horizon={horizon}: every target has a missing value."
        )
    rows, y = rows[complete], y[complete]
    if hasattr(series, "iloc"):
        y = _label(y, _take(series, rows).index, [f"{c}[t+{s}]" for s in steps for c in columns])
    elif y.shape[1] == 1:
        y = y[:, 0]
    return rows, y


def _steps_ahead(horizon):
    """Return a horizon as a list of steps ahead."""
    steps = range(1, horizon + 1) if isinstance(horizon, Integral) else horizon
    steps = list(steps) if isinstance(steps, Iterable) else [steps]
    if not all(isinstance(step, Integral) for step in steps) or isinstance(horizon, bool):
        raise TypeError(f"horizon must be an int or a sequence of int, got {horizon!r}.")
    if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
        raise ValueError(f"horizon must be positive and without repetition, got {horizon!r}.")
    return steps


def _target_columns(series, target):
    """Return the target columns as a list of names (DataFrame) or numbers (array)."""
    known = list(getattr(series, "columns", range(series.shape[1])))
    if target is None:
        return known
    columns = list(target) if isinstance(target, list | np.ndarray) else [target]
    unknown = [column for column in columns if column not in known]
    if unknown or not columns:
        raise ValueError(f"target must be among the columns {known}, got {target!r}.")
    return columns


def _select(series, columns):
    """Return columns as numbers, shape (n_times, n_columns)."""
    if hasattr(series, "iloc"):
        return check_array(series[columns], ensure_all_finite="allow-nan", input_name="target")
    return series[:, columns]


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
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]
