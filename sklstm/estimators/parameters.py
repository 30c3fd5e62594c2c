"""Parameters that the data, or float32, restricts beyond their types."""

from numbers import Integral, Real

import numpy as np


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


def read_anchor(anchor, n_features, n_outputs):
    """Read `anchor` as a tuple of columns, one for each output, or None."""
    if anchor is None:
        return None
    columns = [anchor] * n_outputs if isinstance(anchor, Integral) else list(anchor)
    if len(columns) != n_outputs:
        raise ValueError(
            "anchor must be a column or have one for each output, "
            f"got {len(columns)} for {n_outputs} outputs."
        )
    for column in columns:
        if not isinstance(column, Integral) or not -n_features <= column < n_features:
            raise ValueError(f"anchor must be a column from 0 to {n_features - 1}, got {column!r}.")
    return tuple(int(column) % n_features for column in columns)


def read_learning_rate(optimizer, learning_rate):
    """Read the learning rate, None if it is a schedule of the optimizer."""
    if not isinstance(optimizer, str):
        learning_rate = optimizer.get_config().get("learning_rate")
        return learning_rate if isinstance(learning_rate, Real) else None
    check_positive("learning_rate", learning_rate)
    return learning_rate


def check_positive(name, value):
    """Check that a number is positive in float32, too, in which the training computes."""
    smallest = np.finfo(np.float32).tiny
    if value < smallest:
        raise ValueError(
            f"{name} must be at least {smallest:.2g}, the smallest number of float32, in which the "
            f"training computes, got {value!r}."
        )
