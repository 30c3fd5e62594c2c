"""The loss by epoch."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm.plotting.axes import make_axes


class LossCurveDisplay:
    """The loss by epoch, with the best epoch marked.

    Create it with `from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        Loss of the training data in each epoch.

    validation_loss_curve : array-like of shape (n_epochs,), default=None
        Loss of the validation data after each epoch, NaN for epochs without.

    Attributes
    ----------
    best_epoch_ : int
        The epoch with the lowest validation loss, or without validation the lowest training loss.
        Epochs count from 1.

    line_ : matplotlib Line2D
        The training loss.

    validation_line_ : matplotlib Line2D or None
        The validation loss.

    best_point_ : matplotlib Line2D
        The mark at the best epoch.

    ax_ : matplotlib Axes
        Axes of the display.

    figure_ : matplotlib Figure
        Figure of the display.

    Examples
    --------
    >>> from sklstm import LossCurveDisplay
    >>> display = LossCurveDisplay(
    ...     loss_curve=[1.0, 0.6, 0.4, 0.3], validation_loss_curve=[1.1, 0.8, 0.7, 0.9]
    ... ).plot()
    >>> display.best_epoch_
    3
    """

    def __init__(self, *, loss_curve, validation_loss_curve=None):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve

    def plot(self, ax=None):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : LossCurveDisplay
            This display.
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        epochs = np.arange(1, len(self.loss_curve) + 1)
        self.line_ = ax.plot(epochs, self.loss_curve, color="tab:blue", label="Training")[0]
        self.validation_line_ = None
        if self.validation_loss_curve is not None:
            style = {"color": "tab:red", "linestyle": "--", "label": "Validation"}
            self.validation_line_ = ax.plot(epochs, self.validation_loss_curve, **style)[0]
        judged = self.line_
        if self.validation_line_ is not None and np.isfinite(self.validation_loss_curve).any():
            judged = self.validation_line_
        losses = judged.get_ydata()
        self.best_epoch_ = int(np.nanargmin(losses)) + 1
        style = {"color": "black", "marker": "D", "linestyle": "none", "markerfacecolor": "none"}
        style |= {"label": f"Best epoch: {self.best_epoch_}"}
        self.best_point_ = ax.plot(self.best_epoch_, losses[self.best_epoch_ - 1], **style)[0]
        ax.set(xlabel="Epoch", ylabel="Loss", yscale=_choose_scale(self.line_, judged))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
        return self

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the losses of a fitted estimator.

        Parameters
        ----------
        estimator : estimator object
            A fitted LSTM estimator, or an estimator that contains one: a Pipeline that ends with
            it, a grid search, a `ConformalForecaster`. Any other estimator with `loss_curve_`
            works as well.

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If there is no estimator with a loss curve.
        """
        model = _find_trained(estimator)
        validation = getattr(model, "validation_loss_curve_", None)
        return cls(loss_curve=model.loss_curve_, validation_loss_curve=validation).plot(ax)


def _choose_scale(*lines):
    """Return the scale on which all values of the lines are readable."""
    values = np.concatenate([line.get_ydata() for line in lines])
    return "log" if 0 < 20 * np.nanmin(values) < np.nanmax(values) else "linear"


def _find_trained(estimator):
    """Return the estimator with a loss curve inside a Pipeline, a search or a meta-estimator."""
    check_is_fitted(estimator)
    if hasattr(estimator, "loss_curve_"):
        return estimator
    if hasattr(estimator, "steps"):  # a Pipeline, whose import takes a while
        return _find_trained(estimator.steps[-1][1])
    for name in ("best_estimator_", "estimator_", "regressor_"):
        if hasattr(estimator, name):
            return _find_trained(getattr(estimator, name))
    raise TypeError(
        "estimator must be or contain one with a loss curve, such as LSTMRegressor, got "
        f"{estimator!r}."
    )
