"""The grid of a series: how many steps of its frequency lie between its rows."""

import datetime
import operator
from functools import lru_cache
from numbers import Integral

import numpy as np
from sklearn.utils import gen_batches

from sklstm._warnings import warn
from sklstm.windows.index import N_LABELS, find_step, is_calendar, is_time, pack_labels, read_wall
from sklstm.windows.labels import check_order, counts_rows

# Any two labels are equally far from each other; only three tell a step.
_LEAST_LABELS = 3


def find_freq(panel, freq, reader="SlidingWindowTransformer"):
    """Find the frequency of the grid that the rows of all series lie on.

    That is text, an int, or an offset that no text describes; "rows" or None where rows are
    counted. Warnings tell to pass a frequency to the `reader` of the rows.
    """
    _check_freq(freq)
    if counts_rows(freq):
        return "rows"
    if freq is None:
        return _find_freq_of_index(panel, reader)
    for series in panel:
        check_index(series.times, freq)
    times = _take_longest(panel)
    if isinstance(freq, str) and freq == "infer":
        step, _, unfit = _find_fitting_step(panel, times)
        if step is None:
            raise ValueError(
                'freq="infer" must find a step in the index of X, got labels without one: '
                f"{_show_first(unfit)}. Pass the frequency, put the rows on a regular grid, such "
                'as by X.resample("h").mean(), or pass freq="rows" to count rows.'
            )
    else:
        step = read_step(freq, times)
        for series in panel:
            count_steps(series.times, step)
    return write_step(step, times)


def has_grid(freq):
    """Tell whether a frequency that was found is that of a grid; else rows are counted."""
    return freq is not None and not counts_rows(freq)


def read_step(freq, times):
    """Return the step of a frequency: an offset for stamps and spans, else a number."""
    import pandas as pd

    try:
        if isinstance(times, pd.PeriodIndex):
            return _read_period_step(freq, times)
        if isinstance(freq, np.timedelta64):  # which is a number, too
            freq = pd.Timedelta(freq)
        of_stamps = isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex)
        if of_stamps == isinstance(freq, Integral):
            raise ValueError
        if not of_stamps:
            return operator.index(freq)
        step = pd.tseries.frequencies.to_offset(freq)
        if step.n < 1:
            raise ValueError
        if isinstance(times, pd.TimedeltaIndex) and _measure(step, times) is None:
            raise ValueError
        return step
    except (ValueError, TypeError):
        raise ValueError(
            f"freq must be a frequency that the index of X can have, which is a "
            f"{type(times).__name__} of {times.dtype}, got {freq!r}. Stamps have frequencies such "
            'as "h", "D" or "MS", periods such as "M", integers have integers.'
        ) from None


def write_step(step, times):
    """Write a step as text or an int that `read_step` reads again; as itself if none describes it.

    A step is what `find_step` or `read_step` return.
    """
    import pandas as pd

    if isinstance(times, pd.PeriodIndex):
        unit = times.freqstr.lstrip("0123456789")
        return unit if step == 1 else f"{step}{unit}"
    if not isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return int(step)
    to_offset = pd.tseries.frequencies.to_offset
    step = to_offset(step)
    try:
        return step.freqstr if to_offset(step.freqstr) == step else step
    except ValueError:
        return step


def count_steps(times, step, origin=None):
    """Count the steps of the grid from an origin to each label of an increasing index.

    The origin is a label as `pack_labels` returns it, by default the first one. The counts are a
    range if no step is missing between labels, or else an array.
    """
    length = _measure(step, times)
    if length is None:
        return _as_range(_count_on_calendar(times, step, origin))
    labels = pack_labels(times)
    origin = labels[0] if origin is None else origin
    chunks = list(gen_batches(len(labels), 2**16))  # no further array as long as the index
    for chunk in chunks:
        off_grid = np.flatnonzero(_subtract(labels[chunk], origin) % length)
        if len(off_grid):
            _refuse_label(times, chunk.start + off_grid[0], step)
    first, last = (_subtract(labels[[0, -1]], origin) // length).tolist()
    if last - first == len(labels) - 1:
        return range(first, last + 1)
    counts = np.empty(len(labels), np.int64)
    for chunk in chunks:
        counts[chunk] = _subtract(labels[chunk], origin) // length
    return counts


def place_rows(series, freq):
    """Return the places of the rows of a series on the grid of a frequency that was found.

    They are counted from the first row: a range if no step is missing, or else an array. Rows that
    are not in time order have the places of their numbers.
    """
    times = series.times
    if not (has_grid(freq) and is_time(times) and times.is_monotonic_increasing):
        return range(len(series.members))
    return count_steps(times, read_step(freq, times))


def count_missing(counts):
    """Return how many steps are missing between labels, given what `count_steps` returned."""
    return int(counts[-1] - counts[0]) + 1 - len(counts)


def _check_freq(freq):
    """Refuse what is no frequency, whatever the index."""
    number = isinstance(freq, Integral) and not isinstance(freq, bool | np.bool_) and freq > 0
    span = isinstance(freq, datetime.timedelta | np.timedelta64) or hasattr(freq, "freqstr")
    if freq is not None and not (number or span or isinstance(freq, str)):
        raise ValueError(
            'freq must be None, "infer", "rows", a frequency of pandas such as "h", "D" or "MS", '
            f"or a positive int for an index of integers, got {freq!r}."
        )


def check_index(times, freq):
    """Refuse an index on which a frequency finds no places."""
    if not is_time(times):
        found = "none" if times is None else f"a {type(times).__name__} of {times.dtype}"
        raise ValueError(
            f"freq={freq!r} must have a pandas index of times or integers to go by, got {found}. "
            'Pass a frame with its index; set_output(transform="pandas") on the steps before, '
            "such as a scaler, keeps it."
        )
    check_order(times)


def _find_freq_of_index(panel, reader):
    """Find the frequency that a complete index has; warn where rows are missing in it."""
    if not all(is_time(series.times) and series.times.is_monotonic_increasing for series in panel):
        return None
    times = _take_longest(panel)
    if _are_row_numbers(panel) or (len(times) < _LEAST_LABELS and not _has_freq(times)):
        return None
    step, counts, unfit = _find_fitting_step(panel, times)
    if step is None:
        warn(
            f"The rows of X are not regular in time, as their index says: {_show_first(unfit)}. "
            "Here rows are counted, whatever lies between them. Put them on a regular grid, such "
            f'as by X.resample("h").mean(), or pass freq="rows" to {reader} if that is meant.'
        )
        return None
    freq = write_step(step, times)
    n_missing = sum(map(count_missing, counts))
    if n_missing and not _has_freq(times):
        _warn_of_holes(panel, counts, n_missing, freq, reader)
        return None
    return freq


def _find_fitting_step(panel, times):
    """Find a step on whose grid all series lie, the counts on it, and an index it does not fit.

    The last labels of `times` tell the step, or else all of them. It is None if there is none, and
    so is the index if there is one.
    """
    import pandas as pd

    unfit = times
    for n_labels in (N_LABELS, len(times)):
        of_periods = isinstance(times, pd.PeriodIndex)
        step = times.freq.n if of_periods else find_step(times, n_labels)
        counts = []
        for series in panel if step is not None else ():
            try:
                counts.append(count_steps(series.times, step))
            except ValueError:
                unfit = series.times
                break
        if len(counts) == len(panel):
            return step, counts, None
    return None, None, unfit


def _are_row_numbers(panel):
    """Tell whether an index of integers counts the rows of several series in one go."""
    labels = [series.times for series in panel]
    if len(panel) == 1 or labels[0].dtype.kind not in "iu":
        return False
    return len(np.unique(np.concatenate(labels))) == sum(map(len, labels))


def _warn_of_holes(panel, counts, n_missing, freq, reader):
    """Warn that rows are missing, and name the first of them and both cures."""
    holey = next(k for k, of_series in enumerate(counts) if count_missing(of_series))
    i = int(np.flatnonzero(np.diff(counts[holey]) > 1)[0])
    label = panel[holey].label
    of_series = "" if label is None else f" in series {label!r}"
    freq = freq if isinstance(freq, str | int) else freq.freqstr
    warn(
        f"The index of X has the step {freq!r} and gaps. Rows missing: {n_missing}, the first one "
        f"after {panel[holey].times[i]}{of_series}. Here rows are counted, so those before and "
        f"after a gap are taken for neighbours. Pass freq={freq!r} to {reader} to have gaps as "
        'missing steps, or freq="rows" if there are no such rows, as in a series of trading days.'
    )


def _take_longest(panel):
    """Return the index of the series with the most rows."""
    return max((series.times for series in panel), key=len)


def _has_freq(times):
    """Tell whether an index says its own frequency."""
    return bool(getattr(times, "freq", None)) or hasattr(times, "step")


def _show_first(times):
    """Show the first labels whose distances differ."""
    steps = np.diff(pack_labels(times))
    i = int(np.argmax(steps != steps[0])) if len(steps) else 0
    start = max(0, i - 1)
    return ", ".join(map(str, times[start : start + 3]))


def _measure(step, times):
    """Return the length of a step as a number or np.timedelta64; None if the calendar gives it."""
    import pandas as pd

    if not isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return int(step)
    if isinstance(step, pd.offsets.Day) and getattr(times, "tz", None) is None:
        return np.timedelta64(step.n, "D")
    return None if is_calendar(step) else pd.Timedelta(step).to_timedelta64()


def _subtract(labels, origin):
    """Return how far labels are from an origin."""
    if labels.dtype.kind in "mM":
        return labels - origin
    # Integers of few bits would start again at zero.
    return labels.astype(np.int64) - np.asarray(origin).astype(np.int64)


def _count_on_calendar(times, offset, origin):
    """Count the steps of an offset of the calendar, which follow the wall clock."""
    import pandas as pd

    stamps = times
    if origin is not None:
        stamps = pd.DatetimeIndex([origin], tz=None if times.tz is None else "UTC")
        stamps = stamps.tz_convert(times.tz) if times.tz is not None else stamps
        stamps = stamps.append(times)
    wall = read_wall(stamps).to_numpy()
    days = wall.astype("M8[D]")
    if type(offset) is pd.DateOffset or isinstance(offset, pd.offsets.BusinessHour):
        grid = pd.date_range(wall.min(), wall.max(), freq=offset).to_numpy()  # from the first on
        positions, times_of_day, n = wall, np.zeros(len(wall)), 1
    else:
        years = [end.astype("M8[Y]").astype(int) + 1970 for end in (days.min(), days.max())]
        grid = _list_dates(offset.base, *map(int, years))
        positions, times_of_day, n = days, wall - days, offset.n
    counts = np.searchsorted(grid, positions)
    found = grid[np.minimum(counts, len(grid) - 1)] == positions
    counts -= counts[0]
    on_grid = found & (counts % n == 0) & (times_of_day == times_of_day[0])
    first = 0 if origin is None else 1
    if not on_grid.all():
        _refuse_label(times, max(0, int(np.argmin(on_grid)) - first), offset)
    return counts[first:] // n


@lru_cache(maxsize=32)  # one grid for all series of a panel: making it takes longer than using it
def _list_dates(offset, first_year, last_year):
    """List the dates of an offset in some years."""
    import pandas as pd

    ends = f"{first_year - 1}-01-01", f"{last_year + 1}-12-31"  # so that there is a date
    dates = pd.date_range(*ends, freq=offset, unit="s")
    return dates.to_numpy().astype("M8[D]")


def _as_range(counts):
    """Return counts as a range where none is missing."""
    return counts if count_missing(counts) else range(counts[0], counts[-1] + 1)


def _read_period_step(freq, times):
    """Return a frequency of periods as a number of those of the index."""
    import pandas as pd

    read = pd.PeriodIndex([], freq=freq).freq
    if read.base != times.freq.base or read.n < 1:
        raise ValueError
    return read.n


def _refuse_label(times, i, step):
    """Refuse a label that does not lie on the grid."""
    freq = write_step(step, times)
    after = "" if i == 0 else f" after {times[i - 1]}"
    raise ValueError(
        f"The index of X must lie on the grid of freq={getattr(freq, 'freqstr', freq)!r}, got "
        f"{times[i]}{after}. Pass the freq that it has, put the rows on a regular grid, such as "
        'by X.resample("h").mean(), or pass freq="rows" to count rows.'
    )
