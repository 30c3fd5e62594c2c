"""The labels of an index: what cannot be read as times is refused before anything is made of it."""

from sklstm._warnings import warn
from sklstm.windows.index import has_dates, is_time
from sklstm.windows.series import is_pandas, looks_like_dates


def check_labels(panel, freq):
    """Refuse an index with missing labels, with dates as text, or that repeats labels.

    With `freq="rows"` rows in time order may share a time, as trades do.
    """
    for series in panel:
        times = series.times
        if times is None or times.nlevels > 1:
            continue
        of_series = "" if series.label is None else f" in series {series.label!r}"
        if times.hasnans:
            raise ValueError(
                f"The index of X must have no missing labels, got {times[times.isna()][0]}"
                f"{of_series}. Leave these rows out: X[X.index.notna()]."
            )
        if looks_like_dates(times) and not counts_rows(freq):
            raise ValueError(
                f"The index of X must have dates as pandas has them, got {times[0]!r}{of_series}. "
                "Convert them, before anything is made of X: X.index = pd.to_datetime(X.index), or "
                'the column that the index is set from: X["date"] = pd.to_datetime(X["date"]).'
            )
        in_order = times.is_monotonic_increasing or not is_time(times)
        if not times.is_unique and not (counts_rows(freq) and in_order):
            _refuse_repeated(times, of_series)


def counts_rows(freq):
    """Tell whether a `freq` says that rows are counted; an offset of pandas is not compared."""
    return isinstance(freq, str) and freq == "rows"


def _refuse_repeated(times, of_series):
    """Refuse an index that repeats labels, as that of several series in one does."""
    several = (
        "If X holds several series, their labels belong in the index, too: "
        'X.reset_index().set_index(["store", "date"]). '
    )
    raise ValueError(
        f"The index of X must not repeat, got {times[times.duplicated()][0]} more than once"
        f"{of_series}. {'' if of_series else several}Rows that are there twice can be left out: "
        "X[~X.index.duplicated()]. Hours of local time repeat when clocks are set back: give them "
        'their time zone, X.tz_localize("Europe/Berlin", ambiguous="infer"). If rows in time order '
        'share a time, or the index says no time, freq="rows" counts rows.'
    )


def check_order(times):
    """Refuse an index of times that is not in order."""
    if is_time(times) and not times.is_monotonic_increasing:
        i = int((times[1:] < times[:-1]).argmax())
        raise ValueError(
            f"Rows must be in time order, got {times[i + 1]} after {times[i]}. Sort them before "
            "anything is made of them: X.sort_index()."
        )


def warn_of_other_index(X, y):
    """Warn in `fit` if the index of `y` says that of `X` was lost, or is another one."""
    index = y.index if is_pandas(y) else None
    if index is None or not (index.nlevels > 1 or has_dates(index)):
        return
    if not is_pandas(X):
        warn(
            "y has an index of times, but X has lost its own on the way to the windows. So nothing "
            "tells series, gaps and what follows apart. Keep the index: "
            'set_output(transform="pandas") on the steps before, or on the whole Pipeline.'
        )
    elif not X.index.equals(index) and X.index.sort_values().equals(index.sort_values()):
        warn(
            "X and y have their rows in another order, as their indexes say. Sort and select both "
            "alike: y = y.loc[X.index]."
        )
