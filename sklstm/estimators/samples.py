"""What the estimator is given: windows, their targets and weights, validated."""

import hashlib
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length, gen_batches
from sklearn.utils.validation import _check_sample_weight

from sklstm.estimators.features import drop_repeated_names
from sklstm.network.base import read_base
from sklstm.training.epoch import Data, Targets
from sklstm.windows.array import WindowArray
from sklstm.windows.rows import Windows, as_rows, find_last_rows
from sklstm.windows.values import read_values


class Samples(NamedTuple):
    """Windows, their targets `(n_windows,)` or `(n_windows, n_outputs)`, and their weights.

    A missing target is NaN; each window has a known one.
    """

    windows: Windows
    y: np.ndarray
    weights: np.ndarray

    def select(self, kept):
        """Select windows by a slice or mask, and scale their weights."""
        y, weights = self.y[kept], self.weights[kept]
        # The mean over all values, with 0 for missing ones, is 1. So a window counts by its weight
        # times the number of its known values, in a mini-batch as in the whole epoch.
        known = find_known(y).mean(axis=1)
        return Samples(self.windows.select(kept), y, weights / (weights * known).mean())

    @property
    def n_outputs(self):
        """Outputs of each window."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]


def make_samples(windows, y, sample_weight=None, name="y"):
    """Put windows, targets and weights together.

    Windows of weight 0 and those without a known target are left out.
    """
    check_consistent_length(windows.starts, y)
    weights = _check_sample_weight(
        sample_weight, windows.starts, dtype=np.float64, ensure_non_negative=True
    )
    if not weights.any():
        raise ValueError("sample_weight must have a positive value, got only zeros.")
    weights = weights / weights.max()  # whose sum cannot overflow
    kept = (weights > 0) & find_known(y).any(axis=1)
    if not kept.any():
        raise ValueError(
            f"{name} must have a known value, got only missing ones (NaN), windows of weight 0 "
            "aside."
        )
    kept = slice(None) if kept.all() else kept
    return Samples(windows, y, weights).select(kept)


def find_known(y):
    """Tell of each target whether it is known, `(n_windows, n_outputs)`."""
    return ~np.isnan(y.reshape(len(y), -1))


def check_each_output_known(samples):
    """Refuse an output whose scale cannot be measured, as no value of it is known."""
    missing = np.flatnonzero(~find_known(samples.y).any(axis=0))
    if len(missing):
        raise ValueError(
            "y must have a known value in each output to train on, got only missing ones (NaN) in "
            f"output {missing[0]}. Leave this output out."
        )


def check_windows(estimator, X):
    """Validate `X` as `Windows`, float32 or float64, without copying windows that overlap."""
    if len(X.shape) not in (2, 3):
        raise ValueError(
            "X must hold windows, (n_windows, n_steps, n_features) or (n_windows, n_steps), "
            f"got an array of shape {tuple(X.shape)}. Reshape your data: make_windows cuts a "
            "series into windows; X.reshape(1, -1) is a single window of one feature."
        )
    X = read_values(X, "X")
    checks = {
        "dtype": [np.float64, np.float32],
        "ensure_all_finite": "allow-nan",
        "estimator": estimator,
        "input_name": "X",
    }
    if len(X.shape) == 2 or issparse(X):
        return as_rows(check_array(drop_repeated_names(X), **checks)[:, :, np.newaxis])
    windows = as_rows(X if isinstance(X, WindowArray) else np.asarray(X))
    return windows._replace(rows=check_array(windows.rows, **checks))


def check_targets(estimator, y):
    """Validate `y` as float64 of shape `(n_windows,)` or `(n_windows, n_outputs)`, with NaN."""
    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    return check_array(
        read_values(y, "y"),
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        estimator=estimator,
        input_name="y",
    )


def make_data(samples, network, scales, loss):
    """Make the data to train or validate on, with targets in the units of the loss."""
    windows, anchor = samples.windows, network.anchor
    y = samples.y.reshape(len(samples.y), -1) - read_base(windows, anchor, scales.X_mean)
    mean, scale = scales.y_mean.reshape(-1), scales.y_scale.reshape(-1)
    if loss.standardized:
        y, mean, scale = (y - mean) / scale, np.zeros_like(mean), np.ones_like(scale)
    last_rows = windows.starts[:0] if anchor is None else find_last_rows(windows)
    return Data(windows, last_rows, scales, Targets(y, samples.weights, mean, scale))


def hash_samples(samples):
    """Hash windows and targets by their values, however they lie in memory."""
    windows = samples.windows
    values = hashlib.sha256()
    for chunk in gen_batches(len(windows.starts), 512):
        values.update(windows.gather(chunk).tobytes())
    values.update(samples.y.tobytes())
    return values.hexdigest(), windows.shape, samples.y.shape, str(windows.rows.dtype)


def as_array(X):
    """Make an array of anything that has no shape, such as a list."""
    return X if hasattr(X, "shape") else np.asarray(X)
