"""Displays: a forecast, its error by step ahead, and how the training went."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm.plotting.times import (
    as_columns,
    as_numbers,
    find_history,
    find_times,
    read_history,
    read_index,
    read_steps,
)
from sklstm.windows.series import is_pandas

# Errors of the columns of residuals, NaN left out, by their names in scikit-learn.
_METRICS = {
    "mean_absolute_error": lambda residuals: np.nanmean(np.abs(residuals), axis=0),
    "root_mean_squared_error": lambda residuals: np.sqrt(np.nanmean(residuals**2, axis=0)),
}


class ForecastDisplay:
    """A forecast, the truth beside it and the values before it.

    Make one with `from_estimator` or `from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    times : ndarray or pandas.Index of shape (n_times,)
        What the forecast is for: numbers of rows, or dates.

    y_pred : ndarray of shape (n_times,)
        Forecast values.

    y_true : ndarray of shape (n_times,), default=None
        True values, if they are known; NaN leaves a gap.

    interval : tuple of two ndarray of shape (n_times,), default=None
        Lower and upper ends of the prediction intervals.

    confidence_level : float, default=None
        Share of the truths that the intervals shall hold, for the legend.

    history_times : ndarray or pandas.Index of shape (n_history,), default=None
        When the values before the forecast were.

    history : ndarray of shape (n_history,), default=None
        Values before the forecast.

    name : str, default=None
        Name of the series, for the axis.

    Attributes
    ----------
    history_line_ : matplotlib Line2D or None
        The values before the forecast.

    truth_line_ : matplotlib Line2D or None
        The true values, beginning with the last one before the forecast.

    forecast_line_ : matplotlib Line2D
        The forecast.

    interval_ : matplotlib PolyCollection or None
        The band of the prediction intervals.

    ax_ : matplotlib Axes
        Axes of the display.

    figure_ : matplotlib Figure
        Figure of the display.

    See Also
    --------
    HorizonErrorDisplay : The error by step ahead.
    ConformalForecaster : Makes prediction intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import ForecastDisplay
    >>> wave = np.sin(np.arange(120) / 8)
    >>> display = ForecastDisplay.from_predictions(wave[80:], 0.9 * wave[80:], history=wave[:80])
    >>> display.forecast_line_.get_xdata()[:3]
    array([80, 81, 82])
    """

    def __init__(
        self,
        *,
        times,
        y_pred,
        y_true=None,
        interval=None,
        confidence_level=None,
        history_times=None,
        history=None,
        name=None,
    ):
        self.times = times
        self.y_pred = y_pred
        self.y_true = y_true
        self.interval = interval
        self.confidence_level = confidence_level
        self.history_times = history_times
        self.history = history
        self.name = name

    def plot(self, ax=None):
        """Draw the forecast.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : ForecastDisplay
            This display.
        """
        self.ax_ = ax = _make_axes(ax)
        self.figure_ = ax.figure
        self.history_line_ = self.truth_line_ = self.interval_ = None
        times = truth_times = as_numbers(self.times)
        truth = self.y_true
        few = len(times) <= 30
        if self.history is not None and len(self.history):
            before = as_numbers(self.history_times)
            self.history_line_ = ax.plot(before, self.history, color="0.5", label="History")[0]
            if truth is not None:  # it goes on where the history ends
                truth_times = np.concatenate([before[-1:], times])
                truth = np.concatenate([self.history[-1:], truth])
        if truth is not None:
            style = {"color": "0.7", "linewidth": 3.5, "label": "Truth"}
            self.truth_line_ = ax.plot(truth_times, truth, **style)[0]
        style = {"color": "tab:red", "linestyle": "--", "marker": "o" if few else None}
        style |= {"markersize": 4, "markerfacecolor": "white", "label": "Forecast"}
        self.forecast_line_ = ax.plot(times, self.y_pred, **style)[0]
        if self.interval is not None:
            level = self.confidence_level
            label = "Interval" if level is None else f"{100 * level:g} % interval"
            band = {"color": "tab:red", "alpha": 0.2, "linewidth": 0, "label": label}
            self.interval_ = ax.fill_between(times, *self.interval, **band)
        _label_times(ax, self.times)
        ax.set_ylabel(self.name or "Value")
        ax.margins(y=0.12)  # room for the legend
        ax.legend(loc="upper center", ncols=4, fontsize="small", columnspacing=1)
        return self

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, history=None, horizon=None, ax=None):
        """Forecast, and draw the forecast beside the truth.

        Parameters
        ----------
        estimator : estimator object
            A fitted regressor or Pipeline. Where it has `predict_interval`, as
            `ConformalForecaster` does, the intervals are drawn, too.

        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows in time order, as the estimator reads them.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Their targets, if they are known, drawn as `from_predictions` draws `y_true`.

        history : array-like of shape (n_history,), default=None
            Values before the first one of the forecast, as in `from_predictions`.

        horizon : int or sequence of int, default=None
            Steps ahead of the columns of `y`, as in `from_predictions`.

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : ForecastDisplay
            The display, drawn.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from sklstm import ForecastDisplay, make_supervised
        >>> X, y = make_supervised([float(i % 7) for i in range(100)])
        >>> model = Ridge().fit(X[:80], y[:80])
        >>> display = ForecastDisplay.from_estimator(model, X[80:], y[80:], history=y[:80])
        >>> display.y_pred.shape
        (19,)
        """
        has_interval = hasattr(estimator, "predict_interval")
        return cls.from_predictions(
            y,
            estimator.predict(X),
            interval=estimator.predict_interval(X) if has_interval else None,
            confidence_level=getattr(estimator, "confidence_level", None) if has_interval else None,
            history=history,
            horizon=horizon,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        interval=None,
        confidence_level=None,
        history=None,
        horizon=None,
        ax=None,
    ):
        """Draw a forecast beside the truth.

        One output is a value for each row, and all are drawn. Several outputs are a path from each
        row, and that from the last row is drawn.

        Parameters
        ----------
        y_true : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            True values in time order, None if they are to come. The index of pandas input brings
            the dates: of the rows, `h` steps before the values, for names such as `temp[t+h]`, as
            `make_supervised` gives them; for any other name, of the values.

        y_pred : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Forecast values. Their index and names count where `y_true` has none.

        interval : tuple of two array-like of the shape of `y_pred`, default=None
            Lower and upper ends of the prediction intervals.

        confidence_level : float, default=None
            Share of the truths that the intervals shall hold, for the legend.

        history : array-like of shape (n_history,), default=None
            Values before the first one drawn of the forecast, with an index if that has one. By
            default, for a path whose first step is 1, the truths one step ahead of the rows
            before, at most three times as many as the path has values.

        horizon : int or sequence of int, default=None
            Steps ahead of the columns of several outputs, as in `make_supervised`; by default
            those in their names or else 1, 2, 3, ….

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : ForecastDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the values are of several columns or series, or their times cannot be told.
        """
        labelled = y_true if is_pandas(y_true) else y_pred
        rows = read_index(labelled)
        y_pred = as_columns("y_pred", y_pred)
        y_true = None if y_true is None else as_columns("y_true", y_true, like=y_pred)
        if interval is not None:
            interval = [as_columns("interval", end, like=y_pred) for end in interval]
        name, steps = read_steps(labelled, y_pred.shape[1], horizon)
        if history is not None:
            history_times, history = read_history(history, rows)
        else:
            history_times, history = find_history(y_true, rows, steps)
        drawn = np.s_[:, 0] if y_pred.shape[1] == 1 else -1
        display = cls(
            times=find_times(y_pred, rows, steps, history_times),
            y_pred=y_pred[drawn],
            y_true=None if y_true is None else y_true[drawn],
            interval=None if interval is None else tuple(end[drawn] for end in interval),
            confidence_level=confidence_level,
            history_times=history_times,
            history=history,
            name=name,
        )
        return display.plot(ax)


class HorizonErrorDisplay:
    """The error of a forecast by step ahead, beside that of the last value.

    Make one with `from_estimator` or `from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    steps : ndarray of shape (n_outputs,)
        Steps ahead.

    errors : ndarray of shape (n_outputs,)
        Error of the forecast at each step, in the units of `y`.

    last_value_errors : ndarray of shape (n_outputs,), default=None
        Error of the last value as a forecast of each step.

    metric : {"mean_absolute_error", "root_mean_squared_error"}, default="mean_absolute_error"
        What the errors are.

    name : str, default=None
        Name of the series, for the axis.

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
        self.ax_ = ax = _make_axes(ax)
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
            True values; missing ones (NaN) do not count.

        y_pred : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Forecast values, one column for each step ahead.

        last_value : array-like of shape (n_rows,), default=None
            The value at each row, which forecasts that nothing changes. Where it is missing
            (NaN), the forecast does not count either.

        metric : {"mean_absolute_error", "root_mean_squared_error"}, default="mean_absolute_error"
            The error to draw.

        horizon : int or sequence of int, default=None
            Steps ahead of the columns, as in `make_supervised`; by default those in the names of
            `y_true`, such as `temp[t+2]`, or else 1, 2, 3, ….

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : HorizonErrorDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `metric` is unknown, or the columns are not those of one series.
        """
        if metric not in _METRICS:
            raise ValueError(f"metric must be one of {', '.join(_METRICS)}, got {metric!r}.")
        y_pred = as_columns("y_pred", y_pred)
        truth = as_columns("y_true", y_true, like=y_pred)
        residuals = truth - y_pred
        name, steps = read_steps(y_true, y_pred.shape[1], horizon)
        last_value_errors = None
        if last_value is not None:
            changes = truth - as_columns("last_value", last_value, like=y_pred[:, :1])
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


class LossCurveDisplay:
    """The loss by epoch, with the best epoch marked.

    Make one with `from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        Loss of the training data in each epoch.

    validation_loss_curve : array-like of shape (n_epochs,), default=None
        Loss of the validation data after each epoch.

    Attributes
    ----------
    best_epoch_ : int
        The epoch, counted from 1, with the lowest validation loss, or the lowest training loss
        where there is no validation.

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
        self.ax_ = ax = _make_axes(ax)
        self.figure_ = ax.figure
        epochs = np.arange(1, len(self.loss_curve) + 1)
        self.line_ = ax.plot(epochs, self.loss_curve, color="tab:blue", label="Training")[0]
        self.validation_line_ = None
        if self.validation_loss_curve is not None:
            style = {"color": "tab:red", "linestyle": "--", "label": "Validation"}
            self.validation_line_ = ax.plot(epochs, self.validation_loss_curve, **style)[0]
        judged = self.line_ if self.validation_line_ is None else self.validation_line_
        losses = judged.get_ydata()
        self.best_epoch_ = int(np.argmin(losses)) + 1
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
            A fitted `LSTMRegressor`, or anything that holds one: a Pipeline that ends with it, a
            grid search, a `ConformalForecaster`. Any other estimator with `loss_curve_` does as
            well.

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If no estimator with a loss curve is found.
        """
        model = _find_trained(estimator)
        validation = getattr(model, "validation_loss_curve_", None)
        return cls(loss_curve=model.loss_curve_, validation_loss_curve=validation).plot(ax)


def _make_axes(ax):
    """Return the axes to draw on."""
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def _choose_scale(*lines):
    """Return the scale on which all values of lines can be told apart."""
    values = np.concatenate([line.get_ydata() for line in lines])
    return "log" if 0 < 20 * values.min() < values.max() else "linear"


def _label_times(ax, times):
    """Label the axis of time, dates in their own time zone and without overlap."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if as_numbers(times).dtype.kind == "M":
        zone = getattr(times, "tz", None)
        locator = AutoDateLocator(minticks=3, maxticks=8, tz=zone)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    else:
        name = getattr(times, "name", None) or "Row"
        ax.set_xlabel("Seconds" if hasattr(times, "total_seconds") else name)


def _find_trained(estimator):
    """Return the estimator with a loss curve in a Pipeline, a search or a meta-estimator."""
    check_is_fitted(estimator)
    if hasattr(estimator, "loss_curve_"):
        return estimator
    if hasattr(estimator, "steps"):  # a Pipeline, whose import takes a while
        return _find_trained(estimator.steps[-1][1])
    for name in ("best_estimator_", "estimator_", "regressor_"):
        if hasattr(estimator, name):
            return _find_trained(getattr(estimator, name))
    raise TypeError(
        f"estimator must hold one with a loss curve, such as LSTMRegressor, got {estimator!r}."
    )
