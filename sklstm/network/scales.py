"""The scales: what the network's inputs and outputs are standardised with."""

from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches

from sklstm._threads import one_blas_thread
from sklstm.network.base import read_base
from sklstm.windows.rows import find_last_rows, find_real, weigh_rows


class Scales(NamedTuple):
    """Mean and scale of the features, `(n_features,)`, and of the targets, `()` or `(n_outputs,)`.

    A row is standardised by `(row - X_mean) / X_scale`. An anchored column is read relative to its
    last value and so loses the mean: its scale is that of the differences, around 0; its mean
    stands for the last value of a window that has none. The targets are changes from there.
    """

    X_mean: np.ndarray
    X_scale: np.ndarray
    y_mean: np.ndarray
    y_scale: np.ndarray


def measure_scales(samples, network, standardize):
    """Measure the scales; without standardisation all but the means of anchors are 0 and 1."""
    windows, y, weights = samples.windows, samples.y, samples.weights
    n_features = windows.rows.shape[1]
    X_mean, X_scale = np.zeros(n_features), np.ones(n_features)
    y_mean, y_scale = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
    relative = network.relative_columns
    if standardize or relative:
        # A row counts once for each window it is in, as if windows were copies.
        mean, scale = _round(*_measure(windows.rows, weigh_rows(windows, weights)))
        X_mean[relative] = mean[relative]
    if standardize:
        X_mean, X_scale = mean, scale
        for column in relative:
            X_scale[column] = _measure_spread(windows, weights, column)
        measure = _measure_means if network.head == "exponential" else _measure_targets
        y_mean, y_scale = measure(samples, network.anchor, X_mean)
    return Scales(X_mean, X_scale, y_mean.reshape(y.shape[1:]), y_scale.reshape(y.shape[1:]))


def _round(mean, scale):
    """Round off the last bits, in which sums differ if the same windows lie otherwise in memory.

    So a view and a copy of the same windows train the same weights. What is lost is far less than
    the float32 that the network reads.
    """
    fraction, exponent = np.frexp(scale)
    scale = np.ldexp(np.round(fraction * 2**26) / 2**26, exponent)
    unit = np.maximum(scale * 2.0**-26, np.abs(mean) * 2.0**-36)
    unit = np.ldexp(1.0, np.frexp(unit)[1])  # a power of two does not round itself
    return np.round(mean / unit) * unit, scale


_CHUNK = 2**18  # numbers copied at a time, 2 MB


def _measure(values, weight):
    """Measure mean and standard deviation, 1 where it is 0, of the columns of `values`.

    Rows of weight 0 do not count. Chunks spare a copy of all rows.
    """
    scaler = StandardScaler()
    for chunk in gen_batches(len(values), max(1, _CHUNK // values.shape[1])):
        counted = weight[chunk] > 0
        if counted.any():
            with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
                scaler.partial_fit(values[chunk][counted], sample_weight=weight[chunk][counted])
    if not hasattr(scaler, "mean_"):  # no step of any window is real
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if not np.isfinite([scaler.mean_, scaler.scale_, scaler.var_]).all():
        raise ValueError("X and y must have finite variances, got values too large to square.")
    for column in np.flatnonzero(scaler.var_ == 0):
        counted = values[weight > 0, column]
        if counted.min() < counted.max() and np.abs(counted).max() < 1e-150:
            raise ValueError("X and y must have variances above 0, got values too small to square.")
    return scaler.mean_, scaler.scale_


def _measure_spread(windows, weights, column):
    """Measure the root mean square of a column's differences to its last value, 1 where it is 0."""
    values = np.where(find_real(windows), windows.rows[:, column].astype(np.float64), np.nan)
    last = values[find_last_rows(windows)]
    squares = total = 0.0
    for offset in windows.offsets:
        difference = values[windows.starts + offset] - last
        real = ~np.isnan(difference)
        squares += (weights[real] * difference[real] ** 2).sum()  # @ depends on the threads
        total += weights[real].sum()
    return np.sqrt(squares / total) if squares > 0 else 1.0


def _measure_targets(samples, anchor, X_mean):
    """Measure mean and scale of the targets, or of their changes from the anchors."""
    y = samples.y.reshape(len(samples.y), -1)
    changes = y - read_base(samples.windows, anchor, X_mean)
    mean, scale = _measure_known(changes, samples.weights)
    if anchor is not None:
        # A steady trend is predicted exactly: what the network adds must not show. Steady are
        # changes that differ by rounding alone, a few units in the last place of the values.
        resolved = 32 * np.finfo(samples.windows.rows.dtype).eps * np.nanmax(np.abs(y), axis=0)
        steady = np.nanstd(changes, axis=0) < resolved
        scale[steady] = resolved[steady]
    return mean, scale


def _measure_means(samples, anchor, X_mean):
    """Measure the means of the targets, which the exponentials of the outputs are multiples of."""
    y = samples.y.reshape(len(samples.y), -1)
    mean, _ = _measure_known(y, samples.weights)
    if not mean.all():
        raise ValueError(
            "y must have a positive value in each output, as the network predicts logarithms, got "
            f"only zeros in output {mean.argmin()}. Leave this output out."
        )
    return np.zeros_like(mean), mean


def _measure_known(y, weights):
    """Measure mean and scale of the known values of each output."""
    known = ~np.isnan(y)
    if known.all():
        return _measure(y, weights)
    # One by one: StandardScaler loses an output that is missing in all of the first chunk.
    columns = [
        _measure(y[rows, output, np.newaxis], weights[rows]) for output, rows in enumerate(known.T)
    ]
    return np.concatenate(columns, axis=1)
