"""The horizon: how many steps ahead each output is, and the names of these steps."""

import re
from collections.abc import Iterable
from numbers import Integral

from sklstm.windows.series import is_pandas


def steps_ahead(horizon):
    """Return a horizon as a list of steps ahead."""
    steps = range(1, horizon + 1) if isinstance(horizon, Integral) else horizon
    steps = list(steps) if isinstance(steps, Iterable) else [steps]
    if not all(isinstance(step, Integral) for step in steps) or isinstance(horizon, bool):
        raise TypeError(f"horizon must be an int or a sequence of int, got {horizon!r}.")
    if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
        raise ValueError(f"horizon must be positive and without repetition, got {horizon!r}.")
    return [int(step) for step in steps]


def name_step(step):
    """Return the name of a step, counted from the row itself: `t-1`, `t`, `t+1`."""
    return f"t{step:+d}" if step else "t"


def name_values(column, step):
    """Return the name of the values of a column at a step: `temp[t-1]`, `temp[t+24]`."""
    return f"{column}[{name_step(step)}]"


def read_outputs(y, n_outputs):
    """Return for each output the name of its column, and how many steps ahead it is.

    For pandas targets both come from names such as `temp[t+24]`, as `make_supervised` gives them.
    Any other outputs have the name "" and are 1 to `n_outputs` steps ahead.
    """
    labels = [] if not is_pandas(y) else [y.name] if y.ndim == 1 else list(y.columns)
    matches = [re.fullmatch(r"(.+)\[t\+([1-9]\d*)\]", str(label)) for label in labels]
    if len(matches) != n_outputs or not all(matches):
        return [""] * n_outputs, list(range(1, n_outputs + 1))
    return [match[1] for match in matches], [int(match[2]) for match in matches]
