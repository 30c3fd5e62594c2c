"""The rows before the first one: what a series remembers and which rows continue it."""

import warnings
from typing import NamedTuple

import numpy as np

# Times remembered, whatever the windows: enough to tell the step and to notice shuffled folds.
N_TIMES = 64


class Past(NamedTuple):
    """What is remembered of a series: its last rows and the time that continues it."""

    rows: np.ndarray  # (n_remembered, n_features)
    times: object  # pandas Index of the last rows, N_TIMES of them at least if there are
    following: object  # the label that continues the index, or None


def remember(rows, times):
    """Return the past that `rows`, the last ones, are to what continues the index `times`."""
    last = times[-max(len(rows), N_TIMES) :].copy(deep=True)
    following = continue_index(last, 1) if times.is_monotonic_increasing else None
    return Past(rows, last, None if following is None else following[0])


def continues(past, times):
    """Tell whether an index begins exactly where the remembered one ended."""
    if past is None or times is None or past.following is None:
        return False
    return bool(times[0] == past.following)


def continue_index(times, n):
    """Return the `n` labels that continue an increasing index, or None where it does not say."""
    if not (_is_time(times) and len(times) and times.is_monotonic_increasing):
        return None
    import pandas as pd

    if isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        step = _time_step(times)
        return None if step is None else _continue_times(times, step, n)
    if isinstance(times, pd.PeriodIndex):
        step = times.freq.n if len(times) == 1 else _common_step(times.asi8)
        if step is None:
            return None
        ordinals = times.asi8[-1] + step * np.arange(1, n + 1)
        return pd.PeriodIndex.from_ordinals(ordinals, freq=times.freq, name=times.name)
    step = times.step if isinstance(times, pd.RangeIndex) else _common_step(times.to_numpy())
    if step is None:
        return None
    last, step = int(times[-1]), int(step)
    return pd.RangeIndex(last + step, last + step * (n + 1), step, name=times.name)


def warn_if_shuffled(series, pasts):
    """Warn, once for a model, where an index contradicts the order of the rows.

    That is where rows are not in time order, or were taken out from between rows of `fit`.
    """
    if any(_contradicts(one.times, pasts.get(one.label)) for one in series):
        warnings.warn(
            "Rows must be in time order, but their index says that they are not, so windows "
            "and training rows hold the future of other rows. Sort the rows by time and split "
            "them with TimeSeriesSplit, not with KFold(shuffle=True) or train_test_split.",
            UserWarning,
            stacklevel=2,
        )


def _contradicts(times, past):
    """Tell whether an index contradicts the order of its rows, and `fit` did not say so yet."""
    if not _is_time(times) or (past is not None and not past.times.is_monotonic_increasing):
        return False
    return not times.is_monotonic_increasing or (past is not None and _interleave(times, past))


def _interleave(times, past):
    """Tell whether times fall into several gaps between remembered ones and are none of them."""
    remembered = past.times
    if times.dtype != remembered.dtype:
        return False
    inside = times[(times >= remembered[0]) & (times <= remembered[-1])]
    gaps = np.unique(remembered.searchsorted(inside))
    return len(gaps) > 1 and not inside.isin(remembered).any()


def _continue_times(times, step, n):
    """Return the `n` stamps or spans that continue `times` at an offset."""
    import pandas as pd

    last = times[-1]
    to_come = {"periods": n + 1, "freq": step, "name": times.name}
    if isinstance(times, pd.TimedeltaIndex):
        return pd.timedelta_range(last, **to_come)[1:]
    if last.tz is None or not _is_calendar(step):
        return pd.date_range(last, **to_come)[1:]
    wall = pd.date_range(last.tz_localize(None), **to_come)[1:]
    return wall.tz_localize(last.tz, ambiguous=np.ones(n, bool), nonexistent="shift_forward")


def _time_step(times):
    """Return the step of a DatetimeIndex or TimedeltaIndex as an offset, or None."""
    import pandas as pd

    freq = times.freq or type(times)(times, freq="infer").freq
    if freq is not None:
        return freq
    if getattr(times, "tz", None) is not None:
        step = _common_step(times.tz_localize(None).to_numpy())
        if step is not None and pd.Timedelta(step) % pd.Timedelta(days=1) == pd.Timedelta(0):
            return pd.offsets.Day(pd.Timedelta(step).days)  # of the calendar: 23 to 25 hours
        times = times.tz_convert(None)
    step = _common_step(times.to_numpy())
    return None if step is None else pd.Timedelta(step)


def _common_step(values):
    """Return the smallest step of increasing values if it divides all of them, or None.

    An index with holes is on the grid of its smallest step.
    """
    steps = np.diff(values)
    step = steps.min() if len(steps) else 0
    return step if step and not np.count_nonzero(steps % step) else None


def _is_calendar(step):
    """Tell whether a step is one of the calendar, which follows the wall clock."""
    import pandas as pd

    fixed = isinstance(step, pd.Timedelta | pd.offsets.Tick)
    return isinstance(step, pd.offsets.Day) or not fixed


def _is_time(times):
    """Tell whether an index says when: stamps, spans, periods or integers."""
    if times is None:
        return False
    import pandas as pd

    kinds = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    return isinstance(times, kinds) or pd.api.types.is_integer_dtype(times.dtype)
