"""The base: what the network need not learn, and its predictions are relative to."""

import numpy as np

from sklstm._warnings import warn
from sklstm.windows.rows import find_last_rows, find_real


def read_base(windows, anchor, X_mean):
    """Read the last values of the anchors, `(n_windows, n_outputs)`; 0 without an anchor.

    The last value is that of the last real row. Where a window has none, it is the mean.
    """
    if anchor is None:
        return 0.0
    columns, last_rows = list(anchor), find_last_rows(windows)
    real = find_real(windows)[last_rows]
    values = windows.rows[last_rows[:, np.newaxis], columns]
    return np.where(real[:, np.newaxis], values, X_mean[columns])


# On the shipped series, up to a week ahead, spreads differ by a factor of at most 1.13 and means by
# at most 0.22 spreads; of a trend forecast half its length ahead, the means by 3.5 (measured).
_MOST = 4


def warn_if_units_differ(samples, anchor, X_mean):
    """Warn where the targets are hardly the future of the anchors, in the same units.

    Fewer than 10 known targets say too little about level and spread.
    """
    if anchor is None:
        return
    base = read_base(samples.windows, anchor, X_mean)
    y = samples.y.reshape(base.shape)
    told = np.count_nonzero(~np.isnan(y), axis=0) >= 10
    if not told.any():
        return
    y, base = y[:, told], np.where(np.isnan(y), np.nan, base)[:, told]
    spreads = np.nanstd(y, axis=0), np.nanstd(base, axis=0)
    larger, smaller = np.maximum(*spreads), np.minimum(*spreads)
    distance = np.abs(np.nanmean(y, axis=0) - np.nanmean(base, axis=0))
    if np.any(larger > _MOST * smaller) or np.any(distance > _MOST * larger):
        warn(
            "anchor must be the column that y is the future of, in the same units, but their "
            f"levels or spreads differ: y has {_describe(y)}, the column {_describe(base)}. If a "
            "scaler stands in front, leave it out: standardize=True scales by itself.",
        )


def _describe(values):
    return f"mean {np.nanmean(values):.3g} and standard deviation {np.nanstd(values):.3g}"
