"""Cross-validation of a panel: all series are split at the same times."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils import check_scalar, indexable
from sklearn.utils.validation import _num_samples

from sklstm.windows.index import has_dates, is_time
from sklstm.windows.series import is_pandas, split_series


class PanelTimeSeriesSplit(TimeSeriesSplit):
    """Split all series of a panel at the same times, as `TimeSeriesSplit` splits one series.

    In each split, every training row is earlier than every test row, whichever series they
    belong to. `test_size` and `gap` count times, not rows. Rows can be in any order: sorted by
    series, by time, or not at all.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, at least 2.

    test_size : int, default=None
        Number of times in each test set. By default `n_times // (n_splits + 1)`, where `n_times`
        is the number of different times in the panel.

    gap : int, default=0
        Number of times between each training set and its test set, whose rows are in neither. For
        targets `h` steps ahead, `gap=h - 1` leaves out the training rows whose targets lie within
        the test rows, as in `TimeSeriesSplit`.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : The same for one series in time order.
    make_supervised : Turn the series of a panel into rows and their targets.

    Notes
    -----
    **Where the time of a row comes from.**

    * `X` with a `MultiIndex`: its last level. The others tell the series.
    * `X` with another index, and `groups`: the index.
    * `groups` without an index (arrays, polars, or the default index of pandas): order. The k-th
      row of each group is at the k-th time, so all groups must have the same number of rows.
    * `X` with an index of dates, periods or time spans, without `groups`: the index.
    * Anything else without `groups` is one series, and split exactly as `TimeSeriesSplit` splits
      it: rows are in time order.

    Times are dates, periods, time spans or integers. Integers that no two rows of several series
    share are refused, because numbers of rows look like that. If `X` is an array, such as windows,
    and `y` a pandas object, the index is that of `y`.

    **Series that start later or end earlier.** A split is a cut in time, so there can be series
    without a row in the training set or without one in the test set.

    **Groups or a MultiIndex.** A `MultiIndex` also tells `SlidingWindowTransformer` and
    `make_supervised` which series a row belongs to. `groups` of `GridSearchCV.fit` or
    `cross_val_score` always reach this splitter, but a transformer within a `Pipeline` only by
    metadata routing.

    Examples
    --------
    Two stores on six days, sorted by store:

    >>> import pandas as pd
    >>> from sklstm import PanelTimeSeriesSplit
    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> index = pd.MultiIndex.from_product([["a", "b"], days], names=["store", "day"])
    >>> X = pd.DataFrame({"sales": range(12)}, index)
    >>> for train, test in PanelTimeSeriesSplit(n_splits=2).split(X):
    ...     print(train, test)
    [0 1 6 7] [2 3 8 9]
    [0 1 2 3 6 7 8 9] [ 4  5 10 11]

    The same rows as an array, one day to test on, and the two days before it left out:

    >>> cv = PanelTimeSeriesSplit(n_splits=2, test_size=1, gap=2)
    >>> for train, test in cv.split(X.to_numpy(), groups=["a"] * 6 + ["b"] * 6):
    ...     print(train, test)
    [0 1 6 7] [ 4 10]
    [0 1 2 6 7 8] [ 5 11]
    """

    # `groups` flow to `split` as they do to GroupKFold.
    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, test_size=None, gap=0):
        super().__init__(n_splits, test_size=test_size, gap=gap)
        if test_size is not None:
            check_scalar(test_size, "test_size", Integral, min_val=1)
        check_scalar(gap, "gap", Integral, min_val=0)

    def split(self, X, y=None, groups=None):
        """Generate the numbers of the training rows and of the test rows of each split.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows of one series or several.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Targets; only their index is read, and only if `X` is no pandas object.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row. By default all levels of a `MultiIndex` but the last,
            which tell the series also where `groups` are passed.

        Yields
        ------
        train : ndarray of shape (n_train,)
            Numbers of the training rows, increasing.

        test : ndarray of shape (n_test,)
            Numbers of the test rows, increasing.

        Raises
        ------
        ValueError
            If there are too few times, or if nothing says which rows are at the same time: groups
            of different sizes without an index of times, or labels that are not times.
        """
        X, y, groups = indexable(X, y, groups)
        times = _number_times(X, y, groups)
        n_times = int(times.max(initial=-1)) + 1
        try:
            splits = list(super().split(range(n_times)))
        except ValueError as error:
            raise ValueError(
                f"X must have more times for n_splits={self.n_splits}, "
                f"test_size={self.test_size} and gap={self.gap}, got {n_times} times in "
                f"{len(times)} rows. Make fewer splits, or a smaller test_size or gap."
            ) from error
        for train, test in splits:
            yield np.flatnonzero(np.isin(times, train)), np.flatnonzero(np.isin(times, test))


def _number_times(X, y, groups):
    """Return for each row the number of its time, counted from the earliest, `(n_rows,)`."""
    table = next((data for data in (X, y) if is_pandas(data)), X)
    index = table.index if is_pandas(table) else None
    n_rows = _num_samples(X)
    if n_rows == 0:
        return np.arange(0)
    if index is not None and index.nlevels > 1:
        panel = split_series(table, n_rows)  # whatever the groups are
        return _number_labels(index.get_level_values(-1), len(panel), in_level=True)
    panel = split_series(table, n_rows, groups)
    if has_dates(index) or (groups is not None and not _is_default(index)):
        return _number_labels(index, len(panel), in_level=False)
    if groups is None and index is not None:
        _refuse_repeats(index)
    return _count_rows(panel)


def _is_default(index):
    """Tell whether an index says nothing: there is none, or it is the one that pandas makes."""
    if index is None:
        return True
    import pandas as pd

    return index.equals(pd.RangeIndex(len(index)))


def _number_labels(labels, n_series, in_level):
    """Return for each row the number of its label among the different labels in time order."""
    place = "the last level of its MultiIndex" if in_level else "its index"
    cure = (
        "If the times are in another level, X.reorder_levels moves them to the last."
        if in_level
        else "After X.reset_index(drop=True), the k-th row of each group is at its k-th time."
    )
    if not is_time(labels):
        raise ValueError(
            f"X must have times (dates, periods, time spans or integers) in {place}, got labels "
            f"of type {labels.dtype}, such as {labels[:1].item()!r}. pd.to_datetime makes dates of "
            f"text. {cure}"
        )
    n_missing = np.count_nonzero(labels.isna())
    if n_missing:
        raise ValueError(
            f"X must have a time in each row, got {n_missing} of {len(labels)} rows without one. "
            "Leave these out: X[X.index.get_level_values(-1).notna()]."
        )
    if n_series > 1 and labels.is_unique and not has_dates(labels):
        raise ValueError(
            f"X must have times in {place} that several series share, got {len(labels)} different "
            f"integers in {len(labels)} rows of {n_series} series, which look like row numbers. "
            f"Put dates there, or integers that count the times. {cure}"
        )
    return labels.factorize(sort=True)[0]


def _refuse_repeats(index):
    """Refuse labels that repeat where all rows should be one series."""
    if not index.is_unique:
        raise ValueError(
            "groups must be passed if X has several series and no MultiIndex, got None and "
            f"{index.nunique()} different labels for {len(index)} rows. If all rows are one "
            "series in time order: X.reset_index(drop=True)."
        )


def _count_rows(panel):
    """Return for each row its number within its series; all series have as many rows."""
    sizes = [len(series.members) for series in panel]
    if len(set(sizes)) > 1:
        raise ValueError(
            "groups must have the same number of rows each if X has no index of times, got "
            f"{min(sizes)} to {max(sizes)}: nothing tells which rows are at the same time. A "
            "MultiIndex of X with the series in its first level and the times in its last does."
        )
    times = np.empty(sum(sizes), dtype=np.int64)
    for series in panel:
        times[series.members] = np.arange(len(series.members))
    return times
