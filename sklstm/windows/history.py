"""The past of a series: what `fit` remembers of it, and the guard against shuffled rows."""

import contextlib

import numpy as np

from sklstm._warnings import warn
from sklstm.windows.grid import count_steps, has_grid, read_step
from sklstm.windows.index import (
    N_LABELS,
    continue_index,
    counts_from_zero,
    is_time,
    pack_index,
    pack_labels,
    unpack_index,
)

# So many first rows tell whether other rows are those of `fit`, where no index does.
_N_FIRST = 16
_MOST_FIRST = 1000

# The kind of an index that a frame has if none is given to it.
COUNT = "count"


def remember(rows, series, freq, n_rows):
    """Return what to remember of a series: its last `n_rows` rows, and what places others.

    That is a plain dict: the "rows", `(n_remembered, n_features)`, and their "places", counted in
    steps from the last one; the last labels of the index as `pack_index` packs them, of the kind
    `COUNT` if they count rows from 0; the label "following" them, if rows are counted and the
    index has a step; and the "first" rows. So files of any format hold arrays and text only. What
    follows is found here, once, as that takes longer than all else that `transform` does with one
    row (measured).
    """
    members, times = series.members, series.times
    recent = rows[np.asarray(members[max(0, len(members) - n_rows) :], dtype=np.int64)]
    places = np.arange(1 - len(recent), 1)
    # Few rows, but enough labels to notice shuffled folds.
    packed = pack_index(None if times is None else times[-max(len(recent), N_LABELS) :])
    following = packed["labels"][:0]
    if has_grid(freq) and len(recent):
        step = read_step(freq, times)
        places = np.asarray(count_steps(times[-len(recent) :], step, packed["labels"][-1]))
    elif freq is None and is_time(times):
        with contextlib.suppress(OverflowError, ValueError):  # the last label that there can be
            later = continue_index(times, 1)
            following = following if later is None else pack_labels(later)
    if counts_from_zero(times):
        packed["kind"] = COUNT
    return {
        "rows": recent,
        "places": places,
        **packed,
        "following": following,
        "first": _take_first(rows, members),
    }


def _take_first(rows, members):
    """Return the first rows, up to one that differs from the first one, but not all too many."""
    first = rows[np.asarray(members[:_MOST_FIRST])]
    differs = (first != first[:1]) & ~(np.isnan(first) & np.isnan(first[:1]))
    n_alike = int(np.argmax(differs.any(axis=1))) if differs.any() else len(first)
    return first[: max(_N_FIRST, n_alike + 1)].copy()


def name_series(label):
    """Return the key of a series in what is remembered: text, and "" for the only series."""
    return "" if label is None else repr(_simplify(label))


def _simplify(label):
    """Return a label so that equal ones are written alike: 1, 1.0 and those of NumPy."""
    if isinstance(label, tuple):
        return tuple(map(_simplify, label))
    label = label.item() if isinstance(label, np.generic) else label
    return int(label) if isinstance(label, float) and label.is_integer() else label


def warn_if_shuffled(panel, pasts):
    """Warn if the index of any series contradicts the order of its rows.

    That is where rows are not in time order, or were taken from between the rows of `fit`. A model
    warns once: not again in `transform` if `fit` has warned.
    """
    if any(_contradicts(series.times, pasts.get(name_series(series.label))) for series in panel):
        warn(
            "Rows must be in time order, but their index says that they are not, or that they lie "
            "between the rows of fit. So windows or training rows contain the future of other "
            "rows. Sort X and y by time and split them with TimeSeriesSplit, panels with "
            "PanelTimeSeriesSplit, not with KFold(shuffle=True) or train_test_split."
        )


def _contradicts(times, past):
    """Tell whether an index contradicts the order of its rows, and `fit` has not warned yet."""
    if not is_time(times):
        return False
    if past is None or len(times) == 1:
        return not times.is_monotonic_increasing
    remembered = unpack_index(past)
    if not remembered.is_monotonic_increasing:
        return False
    return not times.is_monotonic_increasing or _interleave(times, remembered)


def _interleave(times, remembered):
    """Tell whether times fall into several gaps of the remembered ones, and on none of them."""
    if times.dtype != remembered.dtype or not len(remembered):
        return False
    inside = times[(times >= remembered[0]) & (times <= remembered[-1])]
    gaps = np.unique(remembered.searchsorted(inside))
    return len(gaps) > 1 and not inside.isin(remembered).any()
