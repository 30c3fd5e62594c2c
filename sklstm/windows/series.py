"""Which rows belong to which series."""

import re
import sys
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array, column_or_1d


class Series(NamedTuple):
    """One of the series in `X`."""

    label: object  # None if `X` is one series without a label
    members: Sequence  # the numbers of its rows in `X`, increasing; a range if it is alone
    times: object  # the pandas Index of its rows, or None
    places: Sequence | None = None  # of the rows in time: steps from the first, a range if no gaps


def split_series(X, n_rows, groups=None):
    """Return the series in `X`, by `groups` or by all levels of a MultiIndex but the last."""
    times = X.index if is_pandas(X) else None
    n_levels = 1 if times is None else times.nlevels
    if groups is not None:
        codes, labels = _factorize(groups, n_rows)
    elif n_levels > 1:
        _refuse_times_first(times)
        codes, labels = times.droplevel(-1).factorize(use_na_sentinel=False)
    else:
        return [Series(None, range(n_rows), times)]
    if n_levels > 1:
        times = times.get_level_values(-1)
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    return [
        Series(label, numbers, None if times is None else times[numbers])
        for label, numbers in zip(labels, members, strict=True)
    ]


def number_times(X, panel):
    """Return the number of the date of each row among all dates, None for one series or no dates.

    The numbers are those of the index, if it has them, and take no memory.
    """
    if len(panel) == 1 or panel[0].times is None:
        return None
    import pandas as pd

    if not isinstance(panel[0].times, pd.DatetimeIndex | pd.PeriodIndex):
        return None
    if X.index.nlevels == 1:
        return X.index.factorize(sort=True)[0].astype(np.int32)
    numbers, dates = X.index.codes[-1], X.index.levels[-1]
    if dates.is_monotonic_increasing:
        return np.asarray(numbers)
    return np.argsort(np.argsort(dates)).astype(np.int32)[numbers]


def looks_like_dates(labels):
    """Tell whether labels are days or months as text, or dates of Python, which pandas can read."""
    return looks_like_days(labels) or _all_match(labels, _MONTH)


def looks_like_days(labels):
    """Tell whether labels are days as text, or dates of Python."""
    return (
        len(labels) > 0
        and labels.dtype.kind not in "iufbMm"
        and (isinstance(labels[0], date) or _all_match(labels, _DAY))
    )


def _all_match(labels, pattern):
    """Tell whether the first and the last label match a pattern."""
    ends = [labels[0], labels[-1]] if len(labels) else [None]
    return all(isinstance(label, str) and pattern.match(label) for label in ends)


_MONTH = re.compile(r"\d{4}-(0?[1-9]|1[0-2])$")
_DAY = re.compile(r"(\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{4})([ T]\d\d?:.*)?$")


def is_pandas(X):
    """Tell whether `X` is a pandas object, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame | pandas.Series)


def refuse_panel(X):
    """Refuse several series in `X`, where only one is allowed."""
    if is_pandas(X) and X.index.nlevels > 1:
        raise ValueError(
            "X must be one series, got a MultiIndex. Take one series of a panel at a time: "
            "X.xs(label)."
        )


def _refuse_times_first(times):
    """Refuse a MultiIndex of times and series, in which every time would be a series."""
    import pandas as pd

    kinds = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
    are_times = [isinstance(level, kinds) or looks_like_days(level) for level in times.levels]
    if any(are_times[1:-1]) and not are_times[-1]:
        name = times.names[are_times.index(True)]
        raise ValueError(
            "X must have the times in the last level of its MultiIndex, got them in level "
            f"{name!r}. Put this level last: X.reorder_levels([...]).sort_index()."
        )
    if are_times[0] and not any(are_times[1:]):
        raise ValueError(
            "X must have the series in the first level of its MultiIndex and the times in the "
            f"last, got times in the first, {times.names[0]!r}. Swap them: "
            "X.swaplevel().sort_index()."
        )


def _factorize(groups, n_rows):
    """Return for each row the number of its label, and the labels."""
    groups = column_or_1d(check_array(groups, ensure_2d=False, dtype=None, input_name="groups"))
    if len(groups) != n_rows:
        raise ValueError(
            f"groups must have one label per row, got {len(groups)} labels for {n_rows} rows."
        )
    numbers = {}
    codes = [numbers.setdefault(label, len(numbers)) for label in groups.tolist()]
    return codes, list(numbers)
