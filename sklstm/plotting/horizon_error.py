"""The error of a forecast by step ahead."""

import numpy as np

from sklstm.plotting.axes import make_axes
from sklstm.plotting.times import as_columns, read_steps

# Errors of the columns of residuals, NaN left out, by their names in scikit-learn.
_METRICS = {
    "mean_absolute_error": lambda residuals: np.nanmean(np.abs(residuals), axis=0),
    "root_mean_squared_error": lambda residuals: np.sqrt(np.nanmean(residuals**2, axis=0)),
}


class HorizonErrorDisplay:
    """The error of a forecast by step ahead, beside the error of the last value.

    Create it with `from_estimator` or `from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    steps : ndarray of shape (n_outputs,)
        Steps ahead.

    errors : ndarray of shape (n_outputs,)
        Error of the forecast at each step, in the units of `y`.

    last_value_errors : ndarray of shape (n_outputs,), default=None
        Error of the last value as a forecast of each step.

    metric : {"mean_absolute_error", "root_mean_squared_error"}, default="mean_absolute_error"
        The kind of error.

    name : str, default=None
        Name of the series, for the axis label.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The error of the forecast.

    last_value_line_ : matplotlib Line2D or None
        The error of the last value.

    ax_ : matplotlib Axes
        Axes of the display.

    figure_ : matplotlib Figure
        Figure of the display.

    See Also
    --------
    ForecastDisplay : The forecast itself.

    Examples
    --------
    >>> from sklstm import HorizonErrorDisplay
    >>> display = HorizonErrorDisplay.from_predictions(
    ...     [[1.0, 2.0], [2.0, 4.0]], [[1.5, 2.0], [2.5, 2.0]], last_value=[0.0, 1.0]
    ... )
    >>> display.errors, display.last_value_errors
    (array([0.5, 1. ]), array([1. , 2.5]))
    """

    def __init__(
        self,
        *,
        steps,
        errors,
        last_value_errors=None,
        metric="mean_absolute_error",
        name=None,
    ):
        self.steps = steps
        self.errors = errors
        self.last_value_errors = last_value_errors
        self.metric = metric
        self.name = name

    def plot(self, ax=None):
        """Draw the errors.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : HorizonErrorDisplay
            This display.
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        self.last_value_line_ = None
        if self.last_value_errors is not None:
            style = {"color": "0.5", "linestyle": "--", "marker": "s", "markersize": 4}
            line = ax.plot(self.steps, self.last_value_errors, label="Last value", **style)
            self.last_value_line_ = line[0]
        style = {"color": "tab:red", "marker": "o", "markersize": 5}
        self.line_ = ax.plot(self.steps, self.errors, label="Forecast", **style)[0]
        metric = self.metric.replace("_", " ").capitalize()
        ax.set(
            xlabel="Steps ahead", ylabel=metric if self.name is None else f"{metric}, {self.name}"
        )
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylim(bottom=0)
        ax.legend()
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        last_value=None,
        metric="mean_absolute_error",
        horizon=None,
        ax=None,
    ):
        """Forecast, and draw the error by step ahead.

        Parameters
        ----------
        estimator : estimator object
            A fitted regressor or Pipeline.

        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows, as the estimator reads them.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Their targets, as `y_true` of `from_predictions`.

        last_value : array-like of shape (n_rows,), default=None
            The value at each row, as in `from_predictions`.

        metric : {"mean_absolute_error", "root_mean_squared_error"}, default="mean_absolute_error"
            The error to draw.

        horizon : int or sequence of int, default=None
            Steps ahead of the columns of `y`, as in `from_predictions`.

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : HorizonErrorDisplay
            The display, drawn.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from sklstm import HorizonErrorDisplay, make_supervised
        >>> X, y = make_supervised([float(i % 7) for i in range(100)], horizon=3)
        >>> model = Ridge().fit(X, y)
        >>> display = HorizonErrorDisplay.from_estimator(model, X, y, last_value=X[:, 0])
        >>> display.steps
        array([1, 2, 3])
        """
        return cls.from_predictions(
            y,
            estimator.predict(X),
            last_value=last_value,
            metric=metric,
            horizon=horizon,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        last_value=None,
        metric="mean_absolute_error",
        horizon=None,
        ax=None,
    ):
        """Draw the error of a forecast by step ahead.

        Parameters
        ----------
        y_true : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Actual values; missing ones (NaN) do not count.

        y_pred : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Forecast values, one column for each step ahead.

        last_value : array-like of shape (n_rows,), default=None
            The value at each row, a forecast of no change. If it is missing (NaN), the forecast
            from this row does not count either.

        metric : {"mean_absolute_error", "root_mean_squared_error"}, default="mean_absolute_error"
            The error to draw.

        horizon : int or sequence of int, default=None
            Steps ahead of the columns, as in `make_supervised`. By default they come from the
            names of `y_true`, such as `temp[t+2]`; without such names they are 1, 2, 3, ….

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : HorizonErrorDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `metric` is unknown, or the values are of several columns.
        """
        if metric not in _METRICS:
            raise ValueError(f"metric must be one of {', '.join(_METRICS)}, got {metric!r}.")
        y_pred = as_columns("y_pred", y_pred)
        actual = as_columns("y_true", y_true, like=y_pred)
        residuals = actual - y_pred
        name, steps = read_steps(y_true, y_pred.shape[1], horizon)
        last_value_errors = None
        if last_value is not None:
            changes = actual - as_columns("last_value", last_value, like=y_pred[:, :1])
            residuals = np.where(np.isnan(changes), np.nan, residuals)
            last_value_errors = _METRICS[metric](changes)
        display = cls(
            steps=np.maximum(steps, 1),  # a single output without a name is one step ahead
            errors=_METRICS[metric](residuals),
            last_value_errors=last_value_errors,
            metric=metric,
            name=name,
        )
        return display.plot(ax)
