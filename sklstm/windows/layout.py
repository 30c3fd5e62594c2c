"""Rows laid out so that every window is a regular cut of them."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sklstm.windows.array import WindowArray


class Span(NamedTuple):
    """Rows of one series, and rows before them, by their places in time.

    Places count steps from the first of the `rows`; those before it are negative.
    """

    members: object  # the numbers of the rows in `X`
    places: object  # of the rows, increasing from 0: an array, or a range if there are no gaps
    before: np.ndarray  # rows before the first one
    before_places: np.ndarray  # of these, increasing, -1 at most


def lay_out(rows, spans, n_before, dilation, padding):
    """Return the windows of rows, `(n_rows, n_steps, n_features)`, in the order of the rows.

    A window reaches `n_before` steps back. Those of a single series without gaps are a read-only
    view, all others a `WindowArray`.
    """
    # A gap longer than a window may as well be one step longer than it.
    places = [_shorten(span.places, n_before + 1) for span in spans]
    lengths = np.array([n_before + place[-1] + 1 for place in places])
    begins = np.cumsum(lengths) - lengths
    laid = np.full((lengths.sum(), rows.shape[1]), np.nan, rows.dtype)
    for span, place, begin in zip(spans, places, begins, strict=True):
        near = span.before_places >= -n_before
        laid[begin + n_before + span.before_places[near]] = span.before[near]
        laid[_shift(place, begin + n_before)] = rows[span.members]
        if padding == "edge":
            _repeat_rows(laid[begin : begin + n_before + place[-1] + 1], span, place, n_before)
    if len(spans) == 1 and len(laid) == n_before + len(rows):
        windows = sliding_window_view(laid, n_before + 1, axis=0)[:, :, ::dilation]
        return windows.swapaxes(1, 2)
    starts, series = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int32)
    for number, (span, place, begin) in enumerate(zip(spans, places, begins, strict=True)):
        starts[span.members] = begin + np.asarray(place)
        series[span.members] = number
    return WindowArray(laid, starts, np.arange(0, n_before + 1, dilation), series)


def _repeat_rows(laid, span, places, n_before):
    """Fill steps without a row with the row before; those before the first one with that."""
    known = np.zeros(len(laid), dtype=bool)
    near = span.before_places[span.before_places >= -n_before]
    known[n_before + near] = known[_shift(places, n_before)] = True
    missing = np.flatnonzero(~known)
    begins = np.diff(missing, prepend=-2) > 1  # of a gap
    sources = (missing[begins] - 1)[np.cumsum(begins) - 1]
    laid[missing] = laid[sources]
    leading = np.count_nonzero(sources < 0)
    if len(span.before) > len(near):  # a row further back than a window
        laid[:leading] = span.before[-len(near) - 1]
    else:
        laid[:leading] = laid[leading]


def _shorten(places, longest):
    """Shorten the steps between places to a longest one."""
    if isinstance(places, range):
        return places
    return np.cumsum(np.minimum(np.diff(places, prepend=0), longest))


def _shift(places, n):
    """Return places as an index, shifted; that of a range takes no memory."""
    return slice(n, n + len(places)) if isinstance(places, range) else places + n
