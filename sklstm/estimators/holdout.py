"""Validation data from the end of the training data, without overlap."""

import numpy as np

from sklstm._warnings import warn


def hold_out(samples, fraction, horizon):
    """Split the samples in two: those to train on, and the last ones to validate on.

    The last ones are the latest by time, where the windows have times, or else the last of each
    series. Windows that share rows with those of their series to validate on are in neither part,
    nor are windows whose targets, up to `horizon` rows ahead, do. Windows that nothing assigns to
    a series have no rows in common; their order in the data counts.
    """
    windows = samples.windows
    if windows.series is None:
        _warn_if_overlapping(windows)
        validated = _find_last(windows.starts, np.zeros_like(windows.starts), fraction)
        kept = ~validated
    else:
        if windows.times is None:
            validated = _find_last(windows.starts, windows.series, fraction)
        else:
            validated = _find_last(windows.times, np.zeros_like(windows.series), fraction)
            validated = windows.times >= windows.times[validated].min()
        first = np.full(windows.series.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, windows.series[validated], windows.starts[validated])
        ends = windows.starts + windows.offsets[-1] + 1 + horizon
        kept = ~validated & (ends <= first[windows.series])
    if not kept.any():
        raise ValueError(
            f"early_stopping must leave windows to train on, got none of {len(kept)}: "
            f"{np.count_nonzero(validated)} are validated on, and the windows and targets of all "
            "others overlap these. Lower validation_fraction or n_steps, or pass X_val and y_val "
            "to fit."
        )
    return samples.select(kept), samples.select(validated)


def _find_last(order, series, fraction):
    """Find the last windows of each series, a fraction of them, rounded up: a mask."""
    sorted_windows = np.lexsort((order, series))
    counts = np.bincount(series)
    ends = np.cumsum(counts)
    ranks = np.arange(len(order)) - np.repeat(ends - counts, counts)
    first = counts - np.ceil(fraction * counts).astype(np.int64)
    validated = np.empty(len(order), dtype=bool)
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
