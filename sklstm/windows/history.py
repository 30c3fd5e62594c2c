"""The past of a series: the last rows of `fit`, and which rows continue them."""

import numpy as np

from sklstm._warnings import warn
from sklstm.windows.index import N_LABELS, continue_index, is_time, pack_index, unpack_index


def remember(rows, times):
    """Return what to remember of a series, given its last rows and its whole index.

    That is a plain dict: the "rows", `(n_remembered, n_features)`, the last labels of the index as
    `pack_index` packs them, and the label "following" them, if the index has a step. So files of
    any format hold arrays and text only. What follows is found here, once, as that takes longer
    than all else that `transform` does with one row (measured).
    """
    # Few rows, but enough labels to notice shuffled folds.
    packed = pack_index(times[-max(len(rows), N_LABELS) :])
    following = continue_index(times, 1)
    labels = packed["labels"][:0] if following is None else pack_index(following)["labels"]
    return {"rows": rows, **packed, "following": labels}


def name_series(label):
    """Return the key of a series in what is remembered: text, and "" for the only series."""
    label = label.item() if isinstance(label, np.generic) else label
    return "" if label is None else repr(label)


def continues(past, times):
    """Tell whether an index begins exactly where the remembered one ended."""
    if past is None or times is None or not len(past["following"]):
        return False
    freq = past["freq"] if past["kind"] == "period" else ""  # that of one label says nothing
    following = unpack_index({"labels": past["following"], "kind": past["kind"], "freq": freq})
    return bool(times[0] == following[0])


def warn_if_shuffled(panel, pasts):
    """Warn if the index of any series contradicts the order of its rows.

    That is where rows are not in time order, or were taken from between the rows of `fit`. A model
    warns once: not again in `transform` if `fit` has warned.
    """
    if any(_contradicts(series.times, pasts.get(name_series(series.label))) for series in panel):
        warn(
            "Rows must be in time order, but their index says that they are not. So windows and "
            "training rows contain the future of other rows. Sort the rows by time and split "
            "them with TimeSeriesSplit, not with KFold(shuffle=True) or train_test_split."
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
