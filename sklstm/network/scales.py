"""What the network reads and predicts in place of raw values: changes, standardised."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from sklstm._threads import one_blas_thread
from sklstm._warnings import warn
from sklstm.training.tensorflow import kept_random_states
from sklstm.windows.rows import find_last, weigh_rows


class Scales(NamedTuple):
    """Mean and scale of the features and of the targets.

    A row is standardised by `(row - X_mean) / X_scale`. A column that is read relative to its last
    value loses the mean thereby, so its scale is that of the differences, around 0; its mean
    stands for the last value of a window that has none. The targets are changes from there.
    """

    X_mean: np.ndarray
    X_scale: np.ndarray
    y_mean: np.ndarray
    y_scale: np.ndarray


def measure_scales(samples, anchor, standardize):
    """Measure the scales; without standardisation all but the means of anchors are 0 and 1."""
    windows, _, y, weights = samples
    n_features = windows.rows.shape[1]
    X_mean, X_scale = np.zeros(n_features), np.ones(n_features)
    y_mean, y_scale = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
    relative = sorted(set(anchor or ()))
    if standardize or relative:
        # A row counts in each window that holds it, as if windows shared no memory.
        mean, scale = _measure(windows.rows, weigh_rows(windows, weights))
        X_mean[relative] = mean[relative]
    if standardize:
        X_mean, X_scale = mean, scale
        for column in relative:
            X_scale[column] = _measure_spread(windows, weights, column)
        changes = y - read_base(windows, anchor, X_mean, y.ndim)
        y_mean, y_scale = _measure(changes.reshape(len(y), -1), weights)
        if relative:  # a steady trend is predicted exactly: what the network adds must not show
            least = 1e-9 * np.abs(y.reshape(len(y), -1)).max(axis=0)
            steady = changes.reshape(len(y), -1).std(axis=0) < least
            y_scale[steady] = least[steady]
    return Scales(X_mean, X_scale, y_mean.reshape(y.shape[1:]), y_scale.reshape(y.shape[1:]))


_CHUNK = 2**18  # numbers copied at a time, 2 MB


def _measure(values, weight):
    """Measure mean and standard deviation, 1 where it is 0, of the columns of `values`.

    Rows of weight 0 do not count. Chunks spare a copy of all rows.
    """
    with kept_random_states():  # its import draws from them, and takes a while
        from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for chunk in gen_batches(len(values), max(1, _CHUNK // values.shape[1])):
        counted = weight[chunk] > 0
        if counted.any():
            with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
                scaler.partial_fit(values[chunk][counted], sample_weight=weight[chunk][counted])
    if not hasattr(scaler, "mean_"):  # no step of any window is real
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if not np.isfinite([scaler.mean_, scaler.scale_]).all():
        raise ValueError("X and y must have finite variances, got values too large to square.")
    return scaler.mean_, scaler.scale_


def _measure_spread(windows, weights, column):
    """Measure the root mean square of a column's differences to its last value, 1 where it is 0."""
    missing = np.isnan(windows.rows).any(axis=1)
    values = np.where(missing, np.nan, windows.rows[:, column].astype(np.float64))
    last = values[find_last(windows)]
    squares = total = 0.0
    for offset in windows.offsets:
        difference = values[windows.starts + offset] - last
        real = ~np.isnan(difference)
        squares += (weights[real] * difference[real] ** 2).sum()  # @ depends on the threads
        total += weights[real].sum()
    return np.sqrt(squares / total) if squares > 0 else 1.0


def read_base(windows, anchor, X_mean, n_dimensions):
    """Read what predictions are relative to, `(n_windows,)` or `(n_windows, n_outputs)`.

    It is the last value of the anchors, their mean where a window has none, 0 without an anchor.
    """
    if anchor is None:
        return 0.0
    last, columns = find_last(windows), list(anchor)
    real = ~np.isnan(windows.rows).any(axis=1)[last]
    base = np.where(
        real[:, np.newaxis], windows.rows[last[:, np.newaxis], columns], X_mean[columns]
    )
    return base if n_dimensions == 2 else base[:, 0]


def check_units(samples, anchor, X_mean):
    """Warn where the targets are hardly the future of the anchors, in the same units.

    Fewer than 10 windows tell too little of level and spread.
    """
    if anchor is None or len(samples.y) < 10:
        return
    base = read_base(samples.windows, anchor, X_mean, samples.y.ndim)
    spreads = samples.y.std(axis=0), base.std(axis=0)
    larger, smaller = np.maximum(*spreads), np.minimum(*spreads)
    distance = np.abs(samples.y.mean(axis=0) - base.mean(axis=0))
    if np.any(larger > 4 * smaller) or np.any(distance > 4 * larger):
        warn(
            "anchor must be the column whose future y is, in the same units, but their levels or "
            f"spreads differ: y has mean {samples.y.mean():.3g} and standard deviation "
            f"{samples.y.std():.3g}, the column {base.mean():.3g} and {base.std():.3g}. If a "
            "scaler stands in front, leave it out: standardize=True scales by itself.",
        )
