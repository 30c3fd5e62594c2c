"""The losses: what each is taken of, and which of Keras' serve no regressor."""

from typing import NamedTuple

import numpy as np


class Loss(NamedTuple):
    """A loss by its name in Keras, and what it is taken of.

    That is the standardised targets, or else the targets in their own units. The head of the
    network is an activation by its name in Keras: with "exponential", targets are only divided by
    their mean, and predictions are positive. `quantile` is that of the loss "quantile".
    """

    name: str
    standardized: bool
    head: str = "linear"
    quantile: float = 0.5


_OF_RESIDUALS = (
    "huber",
    "log_cosh",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "quantile",
)
_IN_UNITS = (
    "mape",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "msle",
)
LOSSES = {
    **{name: Loss(name, standardized=True) for name in _OF_RESIDUALS},
    **{name: Loss(name, standardized=False) for name in _IN_UNITS},
    "poisson": Loss("poisson", standardized=True, head="exponential"),
}

_OF_CLASSES = (
    "is a loss of classes, which a regressor does not predict. For classes coded as 0 and 1, "
    'one column each, "mse" predicts their probabilities'
)
REFUSED_LOSSES = {
    "binary_crossentropy": _OF_CLASSES,
    "binary_focal_crossentropy": _OF_CLASSES,
    "categorical_crossentropy": _OF_CLASSES,
    "categorical_focal_crossentropy": _OF_CLASSES,
    "categorical_hinge": _OF_CLASSES,
    "hinge": _OF_CLASSES,
    "sparse_categorical_crossentropy": _OF_CLASSES,
    "squared_hinge": _OF_CLASSES,
    "cosine_similarity": (
        "leaves the length of the prediction open. For directions, scale the rows of y to length 1 "
        'and use "mse"'
    ),
    "kl_divergence": (
        "compares probabilities, which the outputs of a regressor are not: they need not be "
        'positive, nor sum to 1. "mse" on the probabilities predicts their mean, which sums to 1'
    ),
}


def read_loss(name, quantile, anchor, y, y_val):
    """Read a loss, and check that it serves the targets to train and to validate on."""
    if name in REFUSED_LOSSES:
        raise ValueError(
            f"loss must be one of {sorted(LOSSES)}, got {name!r}, which {REFUSED_LOSSES[name]}."
        )
    if anchor is not None and name not in _OF_RESIDUALS:  # changes may be negative
        raise ValueError(
            f"loss must be one of {sorted(_OF_RESIDUALS)} with an anchor, got {name!r}."
        )
    loss = LOSSES[name]._replace(quantile=quantile)
    for part in (y, y_val):
        if part is not None:
            _check_targets(loss, part)
    return loss


def _check_targets(loss, y):
    if loss.head == "exponential" and (y < 0).any():
        raise ValueError(
            f"y must be at least 0 for loss={loss.name!r}, got {np.nanmin(y):.3g}. For values that "
            'may be negative use "mse".'
        )
    if not loss.standardized and np.nanmax(np.abs(y)) > np.finfo(np.float32).max:
        raise ValueError(
            f"y must be less than 3.4e38 for loss={loss.name!r}, which is taken in the units of y, "
            f"got {np.nanmax(np.abs(y)):.3g}. Divide y by a power of 10."
        )
