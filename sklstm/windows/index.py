"""The index of a series: its step, the labels that follow it, and its labels some steps later."""

import contextlib

import numpy as np

# The step comes from the last labels only: an irregular stretch long ago does no harm.
N_LABELS = 64


def is_time(times):
    """Tell whether an index is one of time: stamps, spans, periods or integers."""
    if times is None:
        return False
    import pandas as pd

    kinds = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    return isinstance(times, kinds) or pd.api.types.is_integer_dtype(times.dtype)


def has_dates(times):
    """Tell whether an index is one of dates, periods or time spans, and not of integers."""
    if not is_time(times):
        return False
    import pandas as pd

    return not pd.api.types.is_integer_dtype(times.dtype)


def counts_from_zero(times):
    """Tell whether an index is that of a frame to which none was given."""
    if times is None:
        return False
    import pandas as pd

    return isinstance(times, pd.RangeIndex) and times.start == 0 and times.step == 1


def find_step(times, n_labels=N_LABELS):
    """Return the step of the last labels of an increasing index, or None if they have none.

    The step is an offset or a Timedelta for stamps and spans, and a number for periods and
    integers. In an index with holes it is the smallest step, if that divides all others.
    """
    if not (is_time(times) and len(times) and times.is_monotonic_increasing):
        return None
    import pandas as pd

    last = times[-n_labels:]
    if isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return _find_offset(last)
    if isinstance(times, pd.PeriodIndex):
        return _find_common_step(last.asi8) or times.freq.n
    if isinstance(times, pd.RangeIndex):
        return times.step
    return _find_common_step(last.to_numpy())


def continue_index(times, n, step=None):
    """Return the `n` labels that follow an increasing index, or None if it has no step.

    The step is that of the last labels, unless it is known.
    """
    step = find_step(times) if step is None else step
    if step is None:
        return None
    import pandas as pd

    if isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return _continue_times(times, step, n)
    if isinstance(times, pd.PeriodIndex):
        return _from_ordinals(times.asi8[-1] + step * np.arange(1, n + 1), times)
    last, step = int(times[-1]), int(step)
    return pd.RangeIndex(last + step, last + step * (n + 1), step, name=times.name)


def shift_index(times, n):
    """Return each label of an increasing index `n` steps later, or None if it has no step."""
    if n == 0:
        return times
    step = find_step(times)
    if step is None:
        return None
    import pandas as pd

    if isinstance(times, pd.DatetimeIndex | pd.TimedeltaIndex):
        return _shift_times(times, step, n)
    if isinstance(times, pd.PeriodIndex):
        return _from_ordinals(times.asi8 + n * step, times)
    if not isinstance(times, pd.RangeIndex):
        times = times.astype(np.int64)  # small integers would start again at zero
    return times + n * int(step)


def pack_index(times):
    """Pack an index in an array and text: its "labels", their "kind" and the "freq" of the index.

    Labels are those of `pack_labels`. The kind is "period", the name of a time zone, "" for stamps
    without one, spans and integers, or "unknown".
    """
    if not is_time(times):
        return {"labels": pack_labels(times), "kind": "unknown", "freq": ""}
    import pandas as pd

    kind, freq = "", getattr(times, "freqstr", None) or ""
    if isinstance(times, pd.PeriodIndex):
        kind = "period"
    elif isinstance(times, pd.DatetimeIndex):
        kind = _name_zone(times.tz)
    elif isinstance(times, pd.RangeIndex):
        freq = str(times.step)
    return {"labels": pack_labels(times).copy(), "kind": kind, "freq": freq}


def pack_labels(times):
    """Return labels as numbers, spans, ordinals of periods or stamps, in UTC if they have a zone.

    An index that does not say when has none.
    """
    if not is_time(times):
        return np.zeros(0, dtype=np.int64)
    import pandas as pd

    if isinstance(times, pd.PeriodIndex):
        return times.asi8
    if getattr(times, "tz", None) is not None:
        times = times.tz_convert(None)
    return times.to_numpy()


def unpack_index(packed):
    """Make an index of what `pack_index` packed."""
    import pandas as pd

    labels, kind, freq = packed["labels"], packed["kind"], packed["freq"]
    if kind == "period":
        return pd.PeriodIndex.from_ordinals(labels, freq=freq)
    if labels.dtype.kind not in "Mm":
        step = int(freq) if freq else None
        return (
            pd.Index(labels) if step is None else pd.RangeIndex(labels[0], labels[-1] + step, step)
        )
    index = pd.Index(labels)
    if kind:
        index = index.tz_localize("UTC").tz_convert(kind)
    with contextlib.suppress(
        ValueError
    ):  # an offset that its name does not describe, with holidays
        index.freq = freq or None
    return index


def _name_zone(tz):
    """Name a time zone so that pandas finds it again; "UTC" where no name says which it is."""
    import pandas as pd

    if tz is None:
        return ""
    try:
        pd.Timestamp(0, tz=str(tz))
    except Exception:  # of pytz, zoneinfo or dateutil
        return "UTC"
    return str(tz)


def _find_offset(times):
    """Return the step of a DatetimeIndex or TimedeltaIndex as an offset or a Timedelta, or None."""
    import pandas as pd

    freq = times.freq or type(times)(times, freq="infer").freq
    if freq is not None:
        return freq
    if isinstance(times, pd.TimedeltaIndex):
        step = _find_common_step(times.to_numpy())
        return None if step is None else pd.Timedelta(step)
    wall = read_wall(times)
    step = _find_common_step(wall.to_numpy())
    if step is not None and not step % np.timedelta64(1, "D"):
        return _find_day_step(wall, int(step / np.timedelta64(1, "D")))
    step = _find_common_step(pack_labels(times))
    return _find_month_step(wall) if step is None else pd.Timedelta(step)


def _find_day_step(wall, n_days):
    """Return a step of days, of business days if two weeks or more have none at weekends."""
    import pandas as pd

    if n_days == 1 and wall[-1] - wall[0] >= pd.Timedelta(days=14) and (wall.day_of_week < 5).all():
        return pd.offsets.BusinessDay()
    return pd.offsets.Day(n_days)  # of the calendar: 23 to 25 hours


def _find_month_step(wall):
    """Return the step of stamps that all begin or end months, or None."""
    import pandas as pd

    if len(wall) < 3 or len((wall - wall.normalize()).unique()) > 1:
        return None
    months = wall.to_period("M")
    step = int(_find_common_step(months.asi8) or 1)
    if (wall.day == 1).all():
        return pd.offsets.MonthBegin(step)
    return pd.offsets.MonthEnd(step) if (wall.day == months.days_in_month).all() else None


def _find_common_step(values):
    """Return the smallest step of increasing values if it divides all others, or None."""
    steps = np.diff(values)
    if not len(steps) or not steps.min() or np.count_nonzero(steps % steps.min()):
        return None
    return steps.min()


def _continue_times(times, step, n):
    """Return the `n` stamps or spans that follow `times`."""
    import pandas as pd

    last = times[-1]
    to_come = {"periods": n + 1, "freq": step, "name": times.name}
    if isinstance(times, pd.TimedeltaIndex):
        return pd.timedelta_range(last, **to_come)[1:]
    if last.tz is None or not is_calendar(step):
        return pd.date_range(last, **to_come)[1:]
    return localize(pd.date_range(last.tz_localize(None), **to_come)[1:], last.tz)


def _shift_times(times, step, n):
    """Return stamps or spans `n` steps later."""
    if getattr(times, "tz", None) is None or not is_calendar(step):
        return times + n * step
    return localize(times.tz_localize(None) + n * step, times.tz)


def localize(wall, tz):
    """Return the first stamps at which clocks of a time zone show, or first pass, these times."""
    return wall.tz_localize(tz, ambiguous=np.ones(len(wall), bool), nonexistent="shift_forward")


def in_zone(times, zone):
    """Return stamps in the time zone of a name, if they have another one."""
    tz = getattr(times, "tz", None)
    return times if tz is None or _name_zone(tz) == zone else times.tz_convert(zone)


def read_wall(times):
    """Return the wall times of stamps without their time zone.

    A day that begins at 1 o'clock, because the clocks are set forward at midnight, begins at 0 as
    the others, and likewise for any other time of the day.
    """
    wall = times.tz_localize(None)
    if times.tz is None:
        return wall
    stamps = wall.to_numpy()  # NumPy takes a fifth of the time of pandas here
    times_of_day = stamps - stamps.astype("M8[D]")
    later = times_of_day - times_of_day.min()
    odd = np.flatnonzero(later)
    if not len(odd) or len(odd) > len(wall) // 2:
        return wall
    usual = wall[odd] - later[odd]
    stamps = stamps.copy()
    shifted = localize(usual, times.tz) == times[odd]
    stamps[odd[shifted]] = usual[shifted].to_numpy()
    return type(wall)(stamps)


def is_calendar(step):
    """Tell whether a step is one of the calendar, which follows the wall clock."""
    import pandas as pd

    fixed = isinstance(step, pd.Timedelta | pd.offsets.Tick)
    return isinstance(step, pd.offsets.Day) or not fixed


def _from_ordinals(ordinals, times):
    """Return periods with the frequency and the name of `times`."""
    import pandas as pd

    return pd.PeriodIndex.from_ordinals(ordinals, freq=times.freq, name=times.name)
