"""A window as text: the rows that make it, and the rows of its target."""

from typing import NamedTuple

import numpy as np

from sklstm.windows.horizon import name_step
from sklstm.windows.index import unpack_index
from sklstm.windows.layout import Span, lay_out
from sklstm.windows.series import Series


class WindowSource(NamedTuple):
    """Where a window comes from: a series, the places of its rows, and what is remembered of it."""

    series: Series
    span: Span
    past: dict | None


def write_window(source, i, layout, target_steps):
    """Return the window of row `i` and its target as text, one line per step.

    The `layout` is what `lay_out` takes: steps before the row, dilation and padding. A step counts
    from the row.
    """
    series = source.series
    position = np.searchsorted(series.members, i)
    of_series = "" if series.label is None else f" of series {series.label!r}"
    lines = [f"Window {i}{of_series}"]
    n_before, dilation, _ = layout
    window_rows = _find_rows(source, position, layout)
    for step, row in zip(range(-n_before, 1, dilation), window_rows, strict=True):
        text = "missing" if np.isnan(row) else _write_row(source, int(row))
        lines.append(_write_line(step, text))
    lines.append("Target")
    for step in target_steps:
        lines.append(_write_line(step, _write_place(source, source.span.places[position] + step)))
    return "\n".join(lines)


def _find_rows(source, position, layout):
    """Find the rows in the window at a position of the series.

    They are positions, too, negative for remembered rows and NaN for missing steps.
    """
    n_past = len(source.span.before)
    numbers = np.arange(-n_past, len(source.series.members), dtype=float)[:, np.newaxis]
    alone = source.span._replace(members=slice(None), before=numbers[:n_past])
    return np.asarray(lay_out(numbers[n_past:], [alone], *layout)[position])[:, 0]


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
