"""A window as text: the rows that make it, and the rows of its target."""

from typing import NamedTuple

import numpy as np

from sklstm.windows.horizon import name_step
from sklstm.windows.index import unpack_index
from sklstm.windows.layout import Span
from sklstm.windows.series import Series


class WindowSource(NamedTuple):
    """Where a window comes from: a series, the places of its rows, and what is remembered of it."""

    series: Series
    span: Span
    past: dict | None


def write_window(source, position, window_steps, window_rows, target_steps):
    """Return a window and its target as text, one line per step.

    `position` counts the rows of the series, and a step counts from the row there. Each of the
    `window_steps` has one of the `window_rows`, which is negative for a remembered row and NaN for
    a missing step.
    """
    series = source.series
    of_series = "" if series.label is None else f" of series {series.label!r}"
    lines = [f"Window {series.members[position]}{of_series}"]
    for step, row in zip(window_steps, window_rows, strict=True):
        lines.append(
            _write_line(step, "missing" if np.isnan(row) else _write_row(source, int(row)))
        )
    lines.append("Target")
    for step in target_steps:
        lines.append(_write_line(step, _write_place(source, source.span.places[position] + step)))
    return "\n".join(lines)


def _write_line(step, row):
    """Return the line of a step, given its row as text."""
    return f"  {name_step(step):<5}{row}"


def _write_place(source, place):
    """Return the row at a place in time as text."""
    places = source.span.places
    if place > places[-1]:
        return "after the last row"
    position = int(np.searchsorted(places, place))
    return _write_row(source, position) if places[position] == place else "missing"


def _write_row(source, position):
    """Return a row of the series as text; one that is remembered has a negative position."""
    series, past = source.series, source.past
    if position >= 0:
        time = "" if series.times is None else f"  {series.times[position]}"
        return f"row {series.members[position]}{time}"
    # The rows before those of the series are the first of the remembered ones.
    behind = position + len(source.span.before) - len(past["rows"])
    if not len(past["labels"]):
        return f"remembered  row {behind} of fit"
    return f"remembered  {unpack_index(past)[behind]}"
