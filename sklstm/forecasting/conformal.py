"""Prediction intervals from the latest errors of the forecasts, for each step ahead."""

from copy import deepcopy
from math import ceil
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, _fit_context, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_array, get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklstm.forecasting.windowers import find_windowers
from sklstm.windows.horizon import read_outputs
from sklstm.windows.series import split_series


class ConformalForecaster(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Prediction intervals around the forecasts of any estimator or Pipeline.

    This is split conformal prediction [1]_ in time order. The estimator is fitted on the first
    rows and calibrated on the last ones, which it has not seen. The interval is the forecast plus
    and minus a quantile of the absolute residuals of the calibration rows. Each output, that is
    each step ahead, has a quantile of its own. `update` adapts to new true values by adaptive
    conformal inference [2]_, so that coverage stays at its nominal level when the series drifts.

    Parameters
    ----------
    estimator : estimator object
        A regressor, or a Pipeline that ends with one. It is cloned and fitted to `X` and `y` only.
        If it needs more, such as weights, fit it first and pass
        `sklearn.frozen.FrozenEstimator(estimator)`: it is then calibrated on all rows of `fit`.

    confidence_level : float, default=0.9
        Fraction of true values the intervals should contain, between 0 and 1.

    calibration_fraction : float, default=0.2
        Fraction of the rows of each series, the last ones, to calibrate on. It has no effect on a
        frozen estimator.

    gap : int, default=None
        Number of rows left out between the rows to fit on and the rows to calibrate on, so that
        their targets do not overlap. By default one less than the largest step ahead. The steps
        ahead come from pandas names such as `temp[t+24]`, as `make_supervised` gives them. Without
        such names the outputs are 1 to `n_outputs` steps ahead.

    gamma : float, default=0.005
        Step size of the adaptation: how far each new true value moves the level of the quantile.
        The default is that of [2]_. With 0, an update only replaces the oldest residuals.

    Attributes
    ----------
    estimator_ : estimator object
        The fitted estimator.

    residuals_ : list of ndarray of shape (n_residuals,)
        The latest absolute residuals of each output, in the units of `y` and in time order. Their
        number stays that of `fit`.

    levels_ : ndarray of shape (n_outputs,)
        The level of the quantile in use for each output. It is the confidence level after `fit`,
        then higher if the intervals contained too few of the true values, lower if too many.

    gap_ : int
        The `gap` in use.

    n_features_in_ : int
        Number of features seen in `fit`, if the estimator defines it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if the estimator defines them.

    See Also
    --------
    ForecastDisplay : Draws the intervals.

    Notes
    -----
    **The quantile** of `n` residuals at the level `c` is the `ceil((n + 1) * c)`-th smallest. If
    the new residual and these are exchangeable, the interval contains the true value with a
    probability of at least `c`, and of at most `c + 1 / (n + 1)` if no two residuals are equal
    [1]_. The residuals of a series are not exchangeable: without updates, coverage is not
    guaranteed.

    **An update** moves the level by `gamma * (missed - (1 - confidence_level))` for each true
    value. `missed` is 1 if the interval did not contain it and 0 if it did. So coverage approaches
    the confidence level in the long run, whatever the series does [2]_. (The intervals of [2]_ can
    be infinite. Here an interval ends at the largest residual, and the level stays between 0 and
    1.) When the value `h` steps ahead was forecast, the true values of the `h - 1` rows before were
    not known either. So an update checks `gap_ + 1` true values at a time against the interval
    that was in use before them.

    **Each interval is for one step ahead.** The probability that the intervals contain all steps of
    a path at once is lower than the confidence level.

    **Several series**, separated by all levels of a `MultiIndex` but the last, are each calibrated
    on their last rows and share their residuals.

    **Windows** of each `SlidingWindowTransformer` inside the estimator continue all rows of `fit`,
    including the calibration rows, if there is a pandas index. A frozen estimator that has one is
    copied for that, and yours stays as it is.

    References
    ----------
    .. [1] Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J. and Wasserman, L. (2018).
       Distribution-free predictive inference for regression. Journal of the American Statistical
       Association 113(523), 1094-1111.

    .. [2] Gibbs, I. and Candès, E. (2021). Adaptive conformal inference under distribution shift.
       Advances in Neural Information Processing Systems 34, 1660-1672.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklstm import ConformalForecaster, make_supervised
    >>> series = np.random.RandomState(0).normal(size=500).cumsum()
    >>> X, y = make_supervised(series, horizon=2)
    >>> model = ConformalForecaster(Ridge(), confidence_level=0.8).fit(X[:400], y[:400])
    >>> lower, upper = model.predict_interval(X[400:])
    >>> lower.shape
    (98, 2)
    >>> ((lower <= y[400:]) & (y[400:] <= upper)).mean(axis=0).round(2)
    array([0.8 , 0.84])
    >>> (upper - lower).mean(axis=0).round(1)  # two steps ahead are harder to forecast
    array([2.6, 4.4])
    >>> model = model.update(X[400:], y[400:])
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "calibration_fraction": [Interval(Real, 0, 1, closed="neither")],
        "gap": [Interval(Integral, 0, None, closed="left"), None],
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        *,
        confidence_level=0.9,
        calibration_fraction=0.2,
        gap=None,
        gamma=0.005,
    ):
        self.estimator = estimator
        self.confidence_level = confidence_level
        self.calibration_fraction = calibration_fraction
        self.gap = gap
        self.gamma = gamma

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator validates itself
    def fit(self, X, y):
        """Fit on the first rows, then calibrate on the last ones.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows in time order, as the estimator reads them.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            Targets. Missing ones (NaN) are left out of the calibration.

        Returns
        -------
        self : ConformalForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are too few rows to calibrate on for the confidence level.
        """
        X, y, y_true = _check_rows(X, y, ensure_min_samples=2)
        gap = self._find_gap(y, y_true.shape[1])
        to_fit, to_calibrate = self._split(X, gap)
        self._check_enough(y_true[to_calibrate])
        estimator = clone(self.estimator)
        estimator.fit(_safe_indexing(X, to_fit), _safe_indexing(y, to_fit))
        # Predict all rows: those to fit on complete the windows of those to calibrate on.
        residuals = _measure_residuals(estimator, X, y_true)[to_calibrate]
        self.estimator_ = _remember_rows(estimator, X)
        self.residuals_ = _drop_missing(residuals)
        self.levels_ = np.full(y_true.shape[1], float(self.confidence_level))
        self.gap_ = gap
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict(self, X):
        """Forecast with the fitted estimator.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows, as the estimator reads them.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Predictions of the estimator.
        """
        check_is_fitted(self, "residuals_")
        return self.estimator_.predict(X)

    def predict_interval(self, X):
        """Forecast intervals that contain the true value at the confidence level.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows, as the estimator reads them.

        Returns
        -------
        lower, upper : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Ends of the intervals, in the shape of the forecasts and in the units of `y`.
        """
        forecast = np.asarray(self.predict(X))
        pairs = zip(self.residuals_, self.levels_, strict=True)
        reach = np.reshape([_measure_reach(*pair) for pair in pairs], forecast.shape[1:])
        return forecast - reach, forecast + reach

    def update(self, X, y):
        """Adapt the levels to new true values, and replace the oldest residuals.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
            Rows or windows in time order, later than those of `fit` and of earlier updates.

        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            True values; NaN is left out. The value `h` steps ahead of a row is known `h` rows
            later. Either wait until all values of a row are known, or pass each value once it is
            known, with NaN for values that are unknown or were passed before. Rows that only
            complete the windows of others have NaN in all outputs.

        Returns
        -------
        self : ConformalForecaster
            With new `residuals_` and `levels_`; `estimator_` stays as it is.
        """
        check_is_fitted(self, "residuals_")
        X, _, y_true = _check_rows(X, y)
        residuals = _measure_residuals(self.estimator_, X, y_true)[_take_turns(_list_rows(X))]
        new_residuals = _drop_missing(residuals)
        outputs = zip(new_residuals, self.residuals_, self.levels_, strict=True)
        self.levels_ = np.array([self._adapt(*output, self.gap_ + 1) for output in outputs])
        pairs = zip(new_residuals, self.residuals_, strict=True)
        self.residuals_ = [np.concatenate([old, new])[len(new) :] for new, old in pairs]
        return self

    def _check_enough(self, y_true):
        """Refuse too few true values (n_rows, n_outputs) to calibrate on."""
        fewest = np.count_nonzero(~np.isnan(y_true), axis=0).min()
        if _rank(fewest, self.confidence_level) > fewest:
            raise ValueError(
                "confidence_level must be at most n / (n + 1) for n rows to calibrate on, got "
                f"{self.confidence_level} for {fewest}. Calibrate on more rows."
            )

    def _adapt(self, new, old, level, n_ahead):
        """Return the level of an output after new residuals, `n_ahead` of them at a time."""
        residuals = np.concatenate([old, new])
        for start in range(0, len(new), n_ahead):
            reach = _measure_reach(residuals[start : start + len(old)], level)
            missed = new[start : start + n_ahead] > reach
            level += self.gamma * np.sum(missed - (1 - self.confidence_level))
            level = min(max(level, 0.0), 1.0)
        return level

    def _find_gap(self, y, n_outputs):
        """Return the `gap`, by default one less than the largest step ahead."""
        return max(read_outputs(y, n_outputs)[1]) - 1 if self.gap is None else int(self.gap)

    def _split(self, X, gap):
        """Return the rows to fit on and, in time order, the rows to calibrate on."""
        panel = _list_rows(X)
        if isinstance(self.estimator, FrozenEstimator):
            return slice(None), _take_turns(panel)
        ends = [len(rows) - round(self.calibration_fraction * len(rows)) for rows in panel]
        to_fit = [rows[: max(0, end - gap)] for rows, end in zip(panel, ends, strict=True)]
        to_calibrate = [rows[end:] for rows, end in zip(panel, ends, strict=True)]
        if len(panel) == 1:  # a slice of overlapping windows is no copy
            return slice(len(to_fit[0])), to_calibrate[0]
        return np.sort(np.concatenate(to_fit)), _take_turns(to_calibrate)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        return tags


def _check_rows(X, y, ensure_min_samples=1):
    """Validate rows and targets; return the targets also as float64 (n_rows, n_outputs)."""
    if y is None:
        raise ValueError("ConformalForecaster requires y to be passed, but the target y is None.")
    X, y = indexable(X, y)
    y_true = check_array(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        ensure_min_samples=ensure_min_samples,
        estimator="ConformalForecaster",
        input_name="y",
    )
    return X, y, y_true.reshape(len(y_true), -1)


def _list_rows(X):
    """Return the numbers of the rows of each series in `X`."""
    return [np.asarray(series.members) for series in split_series(X, _num_samples(X))]


def _take_turns(panel):
    """Return the rows of several series in time order: the last row of each comes last."""
    ages = np.concatenate([np.arange(-len(rows), 0) for rows in panel])
    return np.concatenate(panel)[np.argsort(ages, kind="stable")]


def _measure_residuals(estimator, X, y_true):
    """Return absolute residuals of shape (n_rows, n_outputs)."""
    forecast = np.asarray(estimator.predict(X)).reshape(len(y_true), -1)
    if forecast.shape != y_true.shape:
        raise ValueError(
            f"y must have one column for each output of the estimator, {forecast.shape[1]}, "
            f"got {y_true.shape[1]}."
        )
    return np.abs(y_true - forecast)


def _remember_rows(estimator, X):
    """Let all windows inside remember the end of `X`, which includes the calibration rows."""
    found = [windower for windower in find_windowers(estimator) if not windower.given]
    if any(windower.frozen for windower in found):
        estimator = deepcopy(estimator)  # what is frozen is the user's own
        found = [windower for windower in find_windowers(estimator) if not windower.given]
    for windower in found:
        windower.transformer.fit(windower.prepare(X))
    return estimator


def _drop_missing(residuals):
    """Return the residuals (n_rows, n_outputs) of each output, without NaN."""
    return [column[~np.isnan(column)] for column in residuals.T]


def _measure_reach(residuals, level):
    """Return the half-width of the interval at a level: one of the residuals."""
    rank = np.clip(_rank(len(residuals), level), 1, len(residuals))
    return np.partition(residuals, rank - 1)[rank - 1]


def _rank(n_residuals, level):
    """Return the rank of the residual that is the half-width, counted from the smallest."""
    return ceil((n_residuals + 1) * level - 1e-9)  # 100 * 0.55 is more than 55
