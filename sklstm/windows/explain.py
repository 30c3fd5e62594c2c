"""A window as text: the rows that make it, and the rows of its target."""

import numpy as np

from sklstm.windows.horizon import name_step
from sklstm.windows.index import unpack_index


def write_window(series, past, position, window_steps, window_positions, target_steps):
    """Return a window and its target as text, one line per step.

    A position counts the rows of one series; a step counts from the row of the window. `position`
    is that row. Each of the `window_steps` has one of the `window_positions`, which is negative
    for a row of the `past` and NaN for a missing step.
    """
    of_series = "" if series.label is None else f" of series {series.label!r}"
    lines = [f"Window {series.members[position]}{of_series}"]
    for step, step_position in zip(window_steps, window_positions, strict=True):
        lines.append(_write_line(step, _write_row(series, past, step_position)))
    lines.append("Target")
    for step in target_steps:
        lines.append(_write_line(step, _write_row(series, past, position + step)))
    return "\n".join(lines)


def _write_line(step, row):
    """Return the line of a step, given its row as text."""
    return f"  {name_step(step):<5}{row}"


def _write_row(series, past, position):
    """Return the row at a position of its series as text."""
    if np.isnan(position):
        return "missing"
    position = int(position)
    if position < 0:
        return f"remembered  {unpack_index(past)[position]}"
    if position >= len(series.members):
        return "after the last row"
    time = "" if series.times is None else f"  {series.times[position]}"
    return f"row {series.members[position]}{time}"
