"""A forecast, the actual values beside it and the values before it."""

import numpy as np

from sklstm.plotting.axes import label_times, make_axes
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


class ForecastDisplay:
    """A forecast, the actual values beside it and the values before it.

    Create it with `from_estimator` or `from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    times : ndarray or pandas.Index of shape (n_times,)
        The times of the forecast values: row numbers, or dates.

    y_pred : ndarray of shape (n_times,)
        Forecast values.

    y_true : ndarray of shape (n_times,), default=None
        Actual values, if they are known; NaN leaves a gap.

    interval : tuple of two ndarray of shape (n_times,), default=None
        Lower and upper ends of the prediction intervals.

    confidence_level : float, default=None
        Fraction of true values the intervals should contain, for the legend.

    history_times : ndarray or pandas.Index of shape (n_history,), default=None
        The times of the values before the forecast.

    history : ndarray of shape (n_history,), default=None
        Values before the forecast.

    name : str, default=None
        Name of the series, for the axis label.

    Attributes
    ----------
    history_line_ : matplotlib Line2D or None
        The values before the forecast.

    actual_line_ : matplotlib Line2D or None
        The actual values, beginning with the last one before the forecast.

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
    ConformalForecaster : Prediction intervals for any estimator.

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
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        self.history_line_ = self.actual_line_ = self.interval_ = None
        times = actual_times = as_numbers(self.times)
        actual = self.y_true
        few = len(times) <= 30
        if self.history is not None and len(self.history):
            before = as_numbers(self.history_times)
            self.history_line_ = ax.plot(before, self.history, color="0.5", label="History")[0]
            if actual is not None:  # it starts where the history ends
                actual_times = np.concatenate([before[-1:], times])
                actual = np.concatenate([self.history[-1:], actual])
        if actual is not None:
            style = {"color": "0.7", "linewidth": 3.5, "label": "Actual"}
            self.actual_line_ = ax.plot(actual_times, actual, **style)[0]
        style = {"color": "tab:red", "linestyle": "--", "marker": "o" if few else None}
        style |= {"markersize": 4, "markerfacecolor": "white", "label": "Forecast"}
        self.forecast_line_ = ax.plot(times, self.y_pred, **style)[0]
        if self.interval is not None:
            level = self.confidence_level
            label = "Interval" if level is None else f"{100 * level:g} % interval"
            band = {"color": "tab:red", "alpha": 0.2, "linewidth": 0, "label": label}
            self.interval_ = ax.fill_between(times, *self.interval, **band)
        label_times(ax, self.times)
        ax.set_ylabel(self.name or "Value")
        ax.margins(y=0.12)  # room for the legend
        ax.legend(loc="upper center", ncols=4, fontsize="small", columnspacing=1)
        return self

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, history=None, horizon=None, ax=None):
        """Forecast, and draw the forecast beside the actual values.

        Parameters
        ----------
        estimator : estimator object
            A fitted regressor or Pipeline. If it has `predict_interval`, as `ConformalForecaster`
            does, the intervals are drawn, too.

        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows in time order, as the estimator reads them.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Their targets, if they are known, as `y_true` of `from_predictions`.

        history : array-like of shape (n_history,), default=None
            Values before the forecast, as in `from_predictions`.

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
        """Draw a forecast beside the actual values.

        With one output, each row has one value, and all values are drawn. With several outputs,
        each row has a path of values, and the path from the last row is drawn.

        Parameters
        ----------
        y_true : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            Actual values in time order; None if they are still to come. A pandas index gives the
            dates. With names such as `temp[t+h]`, as `make_supervised` gives them, these are the
            dates of the rows, `h` steps before the values; with any other name, of the values.

        y_pred : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Forecast values. Their index and names are used if `y_true` is no pandas object.

        interval : tuple of two array-like of the shape of `y_pred`, default=None
            Lower and upper ends of the prediction intervals.

        confidence_level : float, default=None
            Fraction of true values the intervals should contain, for the legend.

        history : array-like of shape (n_history,), default=None
            Values before the first forecast value that is drawn, with an index if the forecast
            has one. By default, a path whose first step is 1 has the actual values of the rows
            before as history, at most three times as many values as the path.

        horizon : int or sequence of int, default=None
            Steps ahead of the outputs, as in `make_supervised`. By default they come from the
            names of the columns; without such names, several outputs are 1, 2, 3, … steps ahead.

        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.

        Returns
        -------
        display : ForecastDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the values are of several columns or series, or the index has no regular step.
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
