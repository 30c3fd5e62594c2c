"""What a fit leaves behind: made aside, handed over whole, read again to predict or go on."""

import math
import weakref
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from sklstm._version import __version__
from sklstm._warnings import warn
from sklstm.network.description import Network
from sklstm.network.scales import Scales
from sklstm.training.loop import Run


class Fitted(NamedTuple):
    """A network, what it reads, its scales, and how far its training has come."""

    network: Network
    window_shape: tuple[int, int]
    scales: Scales
    run: Run
    n_features_in: int
    feature_names_in: np.ndarray | None


def make_attributes(fitted):
    """Make the fitted attributes."""
    scales, run = fitted.scales, fitted.run
    validated = bool(run.validation_losses)
    attributes = {
        "network_": asdict(fitted.network),
        "window_shape_": fitted.window_shape,
        "X_mean_": scales.X_mean,
        "X_scale_": scales.X_scale,
        "y_mean_": scales.y_mean,
        "y_scale_": scales.y_scale,
        "weights_": run.weights,
        "best_weights_": run.best_weights,
        "optimizer_state_": run.optimizer_state,
        "random_state_": run.random_state,
        "loss_curve_": run.losses,
        "validation_loss_curve_": run.validation_losses if validated else None,
        "best_loss_": run.best_loss if validated else None,
        "n_iter_": len(run.losses),
        "version_": __version__,
        "n_features_in_": fitted.n_features_in,
    }
    if fitted.feature_names_in is not None:
        attributes["feature_names_in_"] = fitted.feature_names_in
    return attributes


def read_attributes(estimator):
    """Read what `make_attributes` made."""
    run = Run(
        weights=estimator.weights_,
        random_state=estimator.random_state_,
        optimizer_state=estimator.optimizer_state_,
        losses=estimator.loss_curve_,
        validation_losses=estimator.validation_loss_curve_ or [],
        best_loss=math.inf if estimator.best_loss_ is None else estimator.best_loss_,
        best_weights=estimator.best_weights_,
    )
    return Fitted(
        network=Network(**estimator.network_),
        window_shape=estimator.window_shape_,
        scales=Scales(estimator.X_mean_, estimator.X_scale_, estimator.y_mean_, estimator.y_scale_),
        run=run,
        n_features_in=estimator.n_features_in_,
        feature_names_in=getattr(estimator, "feature_names_in_", None),
    )


def hand_over(fitted, estimator):
    """Give an estimator its fitted attributes, all at once, in place of those of an earlier fit."""
    kept = {name: value for name, value in vars(estimator).items() if name != "feature_names_in_"}
    estimator.__dict__ = kept | make_attributes(fitted)
    return estimator


_warned = weakref.WeakSet()  # estimators, each warned of once


def warn_of_version(estimator):
    """Warn, once for an estimator, if another major or minor version has fitted it."""
    fitted, here = (version.split(".")[:2] for version in (estimator.version_, __version__))
    if fitted != here and estimator not in _warned:
        _warned.add(estimator)
        warn(
            f"This {type(estimator).__name__} was fitted by sklstm {estimator.version_} and is "
            f"used by {__version__}, which may predict something else. Fit it again."
        )
