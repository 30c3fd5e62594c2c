"""Validation data from the end of the training data, without overlap."""

import numpy as np


def hold_out(samples, fraction, horizon):
    """Split the samples in two: those to train on, and the last ones to validate on.

    Windows to train on that share a row with one to validate on, or whose targets, the next
    `horizon` rows, do, are in neither part.
    """
    n_windows = len(samples.places)
    n_validation = int(np.ceil(fraction * n_windows))
    first = n_windows - n_validation
    span = samples.windows.offsets[-1] + 1
    overlapping = np.diff(samples.places).min(initial=span) < span
    ends = samples.places[:first] + span + (horizon if overlapping else 0)
    kept = np.flatnonzero(ends <= samples.places[first:].min())
    if len(kept) == 0:
        raise ValueError(
            f"early_stopping must leave windows to train on, got none of {n_windows}: "
            f"{n_validation} are validated on, and the windows and targets of all others overlap "
            "these. Lower validation_fraction or n_steps, or pass X_val and y_val to fit."
        )
    return samples.select(kept), samples.select(slice(first, None))


def place(windows):
    """Find the row at which each window starts, in one count of rows for all.

    Windows in memory of their own may overlap all the same: a window that begins like the rest of
    the one before it, after some rows, is that many rows further on.
    """
    starts, n_steps = windows.starts, len(windows.offsets)
    if len(starts) < 2 or len(windows.rows) != len(starts) * n_steps:
        return starts
    before, last = windows.gather(slice(-2, None))
    for apart in range(1, n_steps):
        if np.array_equal(before[apart:], last[:-apart], equal_nan=True):
            return apart * np.arange(len(starts))
    return starts
