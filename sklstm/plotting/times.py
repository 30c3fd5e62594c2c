"""The times of forecast values: row numbers, or dates if there is an index of time."""

import numpy as np
from sklearn.utils import check_array

from sklstm.windows.horizon import read_outputs, steps_ahead
from sklstm.windows.index import continue_index, is_time, shift_index
from sklstm.windows.series import is_pandas


def as_columns(name, y, like=None):
    """Validate values as floats of shape (n_rows, n_outputs), NaN allowed."""
    y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan")
    y = y.reshape(len(y), -1)
    if like is not None and y.shape != like.shape:
        raise ValueError(f"{name} must have the shape of y_pred, {like.shape}, got {y.shape}.")
    return y


def read_index(y):
    """Return the index of pandas values if it is one of time, or None."""
    if not is_pandas(y):
        return None
    if y.index.nlevels > 1:
        raise ValueError(
            "y must be of one series to draw, got a MultiIndex. Select a series: y.loc[label]."
        )
    return y.index if is_time(y.index) else None


def read_steps(y, n_outputs, horizon):
    """Return the name of the forecast column, and how many steps ahead each output is."""
    names, steps = read_outputs(y, n_outputs)
    names = list(dict.fromkeys(names))
    if len(names) > 1:
        raise ValueError(
            f"y must be of one column to draw, got targets of {', '.join(names)}. Select "
            "those of one column from y_true and y_pred, and use from_predictions."
        )
    name = names[0] or _read_label(y)
    if n_outputs == 1 and not names[0]:
        steps = [0]  # a value without a step in its name is that of its own row
    if horizon is not None:
        steps = steps_ahead(horizon)
    if len(steps) != n_outputs:
        raise ValueError(
            f"horizon must name one step for each of the {n_outputs} outputs, got {horizon!r}."
        )
    return name, steps


def _read_label(y):
    """Return the label of a single pandas column, or None."""
    labels = [] if not is_pandas(y) else [y.name] if y.ndim == 1 else list(y.columns)
    return labels[0] if len(labels) == 1 else None


def read_history(history, rows):
    """Return the times of the values before a forecast, and the values."""
    values = as_columns("history", history)
    times, (_, steps) = read_index(history), read_steps(history, values.shape[1], None)
    if values.shape[1] > 1:
        raise ValueError(f"history must be one column of values, got {values.shape[1]}.")
    if times is None and rows is not None:
        raise ValueError("history must have an index of times, as y_true has. Pass it as a Series.")
    times = np.arange(len(values)) if times is None else _later(times, steps[0])
    return times, values[:, 0]


def find_history(y_true, rows, steps):
    """Return times and values before the path from the last row: the targets of earlier rows."""
    if y_true is None or len(y_true) == 1 or len(steps) == 1 or steps[0] != 1:
        return None, None
    rows = np.arange(len(y_true)) if rows is None else rows
    before = slice(-3 * len(steps) - 1, -1)
    return _later(rows, 1)[before], y_true[before, 0]


def find_times(y_pred, rows, steps, history_times):
    """Return the times of the values to draw: one for each row, or the path from the last row."""
    n_rows, n_outputs = y_pred.shape
    if rows is None and history_times is not None:
        return _after(history_times, steps if n_outputs > 1 else range(1, n_rows + 1))
    rows = np.arange(n_rows) if rows is None else rows
    return _after(rows, steps) if n_outputs > 1 else _later(rows, steps[0])


def _later(times, step):
    """Return each of `times`, `step` rows later."""
    if isinstance(times, np.ndarray):
        return times + step
    return _check_regular(shift_index(times, step), times)


def _after(times, steps):
    """Return the times `steps` rows after the last time."""
    if isinstance(times, np.ndarray):
        return times[-1] + np.array(steps)
    following = _check_regular(continue_index(times, max(steps)), times)
    return following[np.array(steps) - 1]


def _check_regular(later, times):
    """Return later times, and refuse an index without them."""
    if later is None:
        raise ValueError(
            "The index must be regular and in time order, so that a forecast from its rows has a "
            f"date, got {times[:3].tolist()}. Pass more rows, or set the frequency of the index."
        )
    return later


def as_numbers(times):
    """Return times as matplotlib draws them: numbers, or dates in UTC."""
    if isinstance(times, np.ndarray):
        return times
    if hasattr(times, "to_timestamp"):
        times = times.to_timestamp()
    if hasattr(times, "total_seconds"):
        times = times.total_seconds()
    if getattr(times, "tz", None) is not None:
        times = times.tz_convert(None)
    return times.to_numpy()
