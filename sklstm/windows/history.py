"""The past of a series: the last rows of `fit`, and which rows continue them."""

import numpy as np

from sklstm._warnings import warn
from sklstm.windows.index import N_LABELS, continue_index, is_time


def remember(rows, times):
    """Return what to remember of a series, given its last rows and its whole index.

    This is a plain dict, as a pickle would name a private class by its place in the package. It
    holds the "rows", `(n_remembered, n_features)`, the last "times" and the time "following" them,
    None where the index has no step.
    """
    # Few rows, but enough labels to find the step and to notice shuffled folds.
    last = times[-max(len(rows), N_LABELS) :].copy(deep=True)
    following = continue_index(last, 1) if times.is_monotonic_increasing else None
    return {"rows": rows, "times": last, "following": None if following is None else following[0]}


def continues(past, times):
    """Tell whether an index begins exactly where the remembered one ended."""
    if past is None or times is None or past["following"] is None:
        return False
    return bool(times[0] == past["following"])


def warn_if_shuffled(panel, pasts):
    """Warn if the index of any series contradicts the order of its rows.

    That is where rows are not in time order, or were taken from between the rows of `fit`. A model
    warns once: not again in `transform` if `fit` has warned.
    """
    if any(_contradicts(series.times, pasts.get(series.label)) for series in panel):
        warn(
            "Rows must be in time order, but their index says that they are not. So windows and "
            "training rows contain the future of other rows. Sort the rows by time and split "
            "them with TimeSeriesSplit, not with KFold(shuffle=True) or train_test_split."
        )


def _contradicts(times, past):
    """Tell whether an index contradicts the order of its rows, and `fit` has not warned yet."""
    if not is_time(times) or (past is not None and not past["times"].is_monotonic_increasing):
        return False
    return not times.is_monotonic_increasing or (past is not None and _interleave(times, past))


def _interleave(times, past):
    """Tell whether times fall into several gaps of the remembered ones, and on none of them."""
    remembered = past["times"]
    if times.dtype != remembered.dtype:
        return False
    inside = times[(times >= remembered[0]) & (times <= remembered[-1])]
    gaps = np.unique(remembered.searchsorted(inside))
    return len(gaps) > 1 and not inside.isin(remembered).any()
