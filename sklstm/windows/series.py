"""Which rows belong to which series, and how steps of time are counted and called."""

import re
import sys
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array, column_or_1d


class Series(NamedTuple):
    """One of the series in `X`."""

    label: object  # None where rows are not told apart
    members: Sequence  # the numbers of its rows, increasing; a range if it is alone
    times: object  # the pandas Index of its rows, or None


def split_series(X, n_rows, groups=None):
    """Return the series in `X`, told apart by `groups` or the first level of a MultiIndex."""
    times = X.index if is_pandas(X) else None
    n_levels = 1 if times is None else times.nlevels
    if groups is not None:
        codes, labels = _factorize(groups, n_rows)
    elif n_levels > 1:
        codes, labels = times.get_level_values(0).factorize(use_na_sentinel=False)
    else:
        return [Series(None, range(n_rows), times)]
    if n_levels > 1:
        times = times.droplevel(0)
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    return [
        Series(label, numbers, None if times is None else times[numbers])
        for label, numbers in zip(labels, members, strict=True)
    ]


def is_pandas(X):
    """Tell whether `X` is a pandas object, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame | pandas.Series)


def refuse_panel(X):
    """Refuse several series in `X`, where only one is meant."""
    if is_pandas(X) and X.index.nlevels > 1:
        raise ValueError(
            "X must be one series, got a MultiIndex. Take one series of a panel at a time: "
            "X.xs(label)."
        )


def steps_ahead(horizon):
    """Return a horizon as a list of steps ahead."""
    steps = range(1, horizon + 1) if isinstance(horizon, Integral) else horizon
    steps = list(steps) if isinstance(steps, Iterable) else [steps]
    if not all(isinstance(step, Integral) for step in steps) or isinstance(horizon, bool):
        raise TypeError(f"horizon must be an int or a sequence of int, got {horizon!r}.")
    if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
        raise ValueError(f"horizon must be positive and without repetition, got {horizon!r}.")
    return steps


def name_step(step):
    """Return what a step is called, seen from the row itself: `t-1`, `t`, `t+1`."""
    return f"t{step:+d}" if step else "t"


def read_targets(y):
    """Return the columns and the steps ahead that pandas targets are named for, or None.

    Names are those of `make_supervised`, such as `temp[t+2]`.
    """
    if not is_pandas(y):
        return None
    labels = [y.name] if y.ndim == 1 else list(y.columns)
    found = [re.fullmatch(r"(.+)\[t\+(\d+)\]", str(label)) for label in labels]
    if not found or not all(found):
        return None
    return [match[1] for match in found], [int(match[2]) for match in found]


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
