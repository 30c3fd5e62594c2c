"""Parameters that the data, or float32, restricts beyond their types."""

from numbers import Integral, Real

import numpy as np

TINY = float(np.finfo(np.float32).tiny)
HUGE = float(np.finfo(np.float32).max)


def read_units(units):
    """Read `units` as a tuple of positive ints, one for each layer."""
    layers = units if isinstance(units, tuple) else (units,)
    if not layers or not all(isinstance(n, Integral) and n > 0 for n in layers):
        raise ValueError(
            "units must be a positive int or a tuple of positive ints, one for each layer, "
            f"got {units!r}."
        )
    return tuple(int(n) for n in layers)


def read_segment(segment, n_steps):
    """Read `segment` as an int that divides the steps of a window."""
    segment = int(segment)
    if n_steps % segment:
        below = n_steps // segment * segment
        nearest = f"{below} or {below + segment}" if below else f"{segment}"
        raise ValueError(
            f"segment must divide n_steps, got segment={segment} and windows of {n_steps} "
            f"steps. The nearest lengths that it divides: {nearest}."
        )
    return segment


def read_anchor(anchor, n_features, n_outputs, names=None):
    """Read `anchor` as a tuple of column numbers, one for each output, or None.

    Columns may be given by the names of the features, an array, None if they have none.
    """
    if anchor is None:
        return None
    columns = np.asarray(anchor, dtype=object)
    columns = [columns.item()] * n_outputs if columns.ndim == 0 else columns.tolist()
    if len(columns) != n_outputs:
        raise ValueError(
            "anchor must be a column or have one for each output, "
            f"got {len(columns)} for {n_outputs} outputs."
        )
    return tuple(_read_column(column, n_features, names) for column in columns)


def _read_column(column, n_features, names):
    """Read a column of the anchor, a number or a name, as a number from 0."""
    if isinstance(column, str):
        return _find_name(str(column), names)
    if not isinstance(column, Integral) or not -n_features <= column < n_features:
        raise ValueError(f"anchor must be a column from 0 to {n_features - 1}, got {column!r}.")
    return int(column) % n_features


def _find_name(name, names):
    """Return the number of the feature of a name."""
    if names is None:
        raise ValueError(
            "anchor must be a column number where the windows have no feature names, got "
            f"{name!r}. SlidingWindowTransformer names the features if it reads a DataFrame: steps "
            'before it, such as a scaler, return one after set_output(transform="pandas").'
        )
    found = np.flatnonzero(names == name)
    if len(found) != 1:
        raise ValueError(f"anchor must be one of the features {names.tolist()}, got {name!r}.")
    return int(found[0])


def read_learning_rate(optimizer, learning_rate):
    """Read the learning rate, None if it is a schedule of the optimizer."""
    if not isinstance(optimizer, str):
        learning_rate = optimizer.get_config().get("learning_rate")
        if not isinstance(learning_rate, Real):
            return None
    check_float32("learning_rate", learning_rate, TINY, HUGE)
    return float(learning_rate)


def check_float32(name, value, least, most):
    """Check that a number is within limits in float32, too, in which the training computes."""
    if value is not None and not least <= value <= most:
        raise ValueError(
            f"{name} must be at least {least:.2g} and at most {most:.8g}, limits of the float32 "
            f"numbers that the training computes with, got {value!r}."
        )
