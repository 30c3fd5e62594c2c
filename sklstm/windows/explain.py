"""A window in words: which rows make it, and which rows its target is."""

import numpy as np

from sklstm.windows.horizon import name_step


def write_window(one, past, place, steps, places, ahead):
    """Return a window and its target as text, one line per step.

    Places count the rows of the series `one`: `place` is that of the window, `places` those of
    its `steps`, negative for rows of the `past` and NaN for missing ones; `ahead` are the steps
    to its target.
    """
    of_series = "" if one.label is None else f" of series {one.label!r}"
    lines = [f"Window {one.members[place]}{of_series}"]
    lines += [_line(step, _write_row(one, past, p)) for step, p in zip(steps, places, strict=True)]
    lines += ["Target"]
    lines += [_line(step, _write_row(one, past, place + step)) for step in ahead]
    return "\n".join(lines)


def _line(step, row):
    return f"  {name_step(step):<5}{row}"


def _write_row(one, past, place):
    """Return what is known of the row at a place of its series."""
    if np.isnan(place):
        return "missing"
    place = int(place)
    if place < 0:
        return f"remembered  {past['times'][place]}"
    if place >= len(one.members):
        return "after the last row"
    time = "" if one.times is None else f"  {one.times[place]}"
    return f"row {one.members[place]}{time}"
