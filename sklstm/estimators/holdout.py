"""Validation data from the end of the training data, without overlap."""

import numpy as np

from sklstm._warnings import warn


def hold_out(samples, fraction, horizon):
    """Split the samples in two: those to train on, and the last ones in time to validate on.

    These are the windows of the last dates, the same for all series, or without dates the last
    windows of each series. Windows that have rows in common with those of their series to validate
    on are in neither part, nor are windows whose targets, up to `horizon` rows ahead, lie in these.
    Windows that nothing assigns to a series have no rows in common; the last in the data are
    validated on.
    """
    windows = samples.windows
    series = np.zeros_like(windows.starts) if windows.series is None else windows.series
    if windows.times is None:
        validated = _find_last(windows.starts, series, fraction)
    else:
        n_before = len(windows.times) - int(np.ceil(fraction * len(windows.times)))
        validated = windows.times >= np.partition(windows.times, n_before)[n_before]
    if windows.series is None:
        _warn_if_overlapping(windows)
        kept = ~validated
    else:
        first = np.full(series.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, series[validated], windows.starts[validated])
        ends = windows.starts + windows.offsets[-1] + 1 + horizon
        kept = ~validated & (ends <= first[series])
    if not kept.any():
        raise ValueError(
            f"early_stopping must leave windows to train on, got none of {len(kept)}: "
            f"{np.count_nonzero(validated)} are validated on, and the windows and targets of all "
            "others overlap these. Lower validation_fraction or n_steps, or pass X_val and y_val "
            "to fit."
        )
    return samples.select(kept), samples.select(validated)


def _find_last(starts, series, fraction):
    """Find the last windows of each series, a fraction of them, rounded up: a mask."""
    sorted_windows = np.lexsort((starts, series))
    counts = np.bincount(series)
    ends = np.cumsum(counts)
    ranks = np.arange(len(starts)) - np.repeat(ends - counts, counts)
    first = counts - np.ceil(fraction * counts).astype(np.int64)
    validated = np.empty(len(starts), dtype=bool)
    validated[sorted_windows] = ranks >= np.repeat(first, counts)
    return validated


def _warn_if_overlapping(windows):
    """Warn where windows that are taken for separate samples may well overlap.

    That is where the last one begins like the rest of the one before it, after some rows.
    """
    if len(windows.starts) < 2:
        return
    before, last = windows.gather(slice(-2, None))
    if (last[1:] != last[0]).any() and any(
        np.array_equal(before[n:], last[:-n], equal_nan=True)
        for n in range(1, len(windows.offsets))
    ):
        warn(
            "early_stopping takes windows that share no memory for separate samples, but these "
            "seem to overlap. Then training and validation windows have rows in common, and the "
            "validation loss is too low. Pass windows as SlidingWindowTransformer or make_windows "
            "returns them, not a copy, or pass X_val and y_val."
        )
