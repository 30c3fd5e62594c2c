"""Windows: every row of a time series together with the rows before it."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklstm.windows.callbacks import CallbackSupportMixin, tell_of_fit
from sklstm.windows.explain import write_window
from sklstm.windows.history import continues, name_series, remember, warn_if_shuffled
from sklstm.windows.horizon import name_values, steps_ahead
from sklstm.windows.layout import Span, lay_out
from sklstm.windows.series import split_series


class SlidingWindowTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Turn rows in time order into windows, one window per row.

    Window `i` holds rows `i - n_steps + 1` to `i`, so the number of rows never changes and `y`,
    `scoring`, `TimeSeriesSplit` and the stock `Pipeline` work as they are. The first windows
    have fewer rows before them; their missing leading steps are NaN.

    Several series in one `X`, separated by the first level of a `MultiIndex` or by `groups`,
    never share a window.

    Parameters
    ----------
    n_steps : int, default=10
        Number of rows in a window, the row itself included.

    dilation : int, default=1
        Number of rows from one step of a window to the next: with 3, the last steps of window `i`
        are rows `i - 6`, `i - 3` and `i`. Every row still gets a window.

    padding : {"nan", "edge"}, default="nan"
        What fills the steps before the first row of a series: NaN, which LSTM estimators skip,
        or, with "edge", that first row repeated, for regressors that refuse NaN.

    history : bool, default=True
        Whether to complete the first windows of a later `transform` with the last
        `(n_steps - 1) * dilation` rows of `fit`. This happens only if the pandas index of `X`
        begins exactly where that of `fit` ended; see Notes.

    flatten : bool, default=False
        Whether to flatten windows to rows with columns such as `temp[t-1]` and `temp[t]`, for
        regressors that read tables.

    Attributes
    ----------
    history_ : dict
        The past of each series, under its label as `repr` writes it; under "" if `X` is one series
        without a label. A past is a dict of arrays and text: "rows", the last rows, of shape
        (n_remembered, n_features); "labels", "kind" and "freq", the last labels of the index, at
        least 64 if there are as many; "following", the next label, empty if the index has no step.
        Without a pandas index `history_` is empty.

    grouped_ : bool
        Whether `fit` was given `groups`; `transform` needs them then, too.

    n_features_in_ : int
        Number of features of a row.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` has column names that are all strings.

    See Also
    --------
    make_supervised : Turn a series into rows and their targets.
    make_windows : Turn a series into complete windows and their targets.

    Notes
    -----
    **What continues.** Rows continue those of `fit` if their first label is the next one. An
    integer index has the next integer at its step, a `PeriodIndex` the next period. A
    `DatetimeIndex` or `TimedeltaIndex` has the next stamp at its frequency, set or inferred: hours
    are absolute, days and months follow the calendar and the wall clock. Missing rows within the
    index of `fit` are allowed if all its steps are multiples of the smallest. After a gap, on an
    overlap, on the rows of `fit` and without a pandas index, windows start short. So
    `fit(X).transform(X)` equals `fit_transform(X)`.

    **Memory.** Windows cost the memory of the rows, however long they are: those of a single
    series are a read-only view of one padded copy, those of several an array-like of rows and
    starts. Flattened windows are a copy, `n_steps` times as large as the rows. float32 and float64
    are kept, other numbers become float64.

    **Shuffled rows.** A warning says if the pandas index shows that rows are not in time order, or
    that they were taken from between the rows of `fit`, as shuffled splits do.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SlidingWindowTransformer
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> windows = SlidingWindowTransformer(n_steps=3).fit_transform(X)
    >>> windows.shape
    (4, 3, 1)
    >>> windows[:, :, 0]
    array([[nan, nan,  1.],
           [nan,  1.,  2.],
           [ 1.,  2.,  3.],
           [ 2.,  3.,  4.]])

    Every second row:

    >>> SlidingWindowTransformer(n_steps=2, dilation=2).fit_transform(X)[:, :, 0]
    array([[nan,  1.],
           [nan,  2.],
           [ 1.,  3.],
           [ 2.,  4.]])

    Rows 4 and 5 continue rows 0 to 3, so their windows are complete; rows 5 and 6 do not:

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"temp": [1.0, 2.0, 3.0, 4.0]})
    >>> transformer = SlidingWindowTransformer(n_steps=3).fit(frame)
    >>> transformer.transform(pd.DataFrame({"temp": [5.0, 6.0]}, index=[4, 5]))[:, :, 0]
    array([[3., 4., 5.],
           [4., 5., 6.]])
    >>> transformer.transform(pd.DataFrame({"temp": [6.0, 7.0]}, index=[5, 6]))[:, :, 0]
    array([[nan, nan,  6.],
           [nan,  6.,  7.]])

    Two series, and windows as columns:

    >>> flat = SlidingWindowTransformer(n_steps=2, flatten=True, padding="edge")
    >>> flat.fit_transform(X, groups=["a", "a", "b", "b"])
    array([[1., 1.],
           [1., 2.],
           [3., 3.],
           [3., 4.]])
    >>> flat.fit(frame).get_feature_names_out()
    array(['temp[t-1]', 'temp[t]'], dtype=object)
    """

    _parameter_constraints = {
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "dilation": [Interval(Integral, 1, None, closed="left")],
        "padding": [StrOptions({"nan", "edge"})],
        "history": ["boolean"],
        "flatten": ["boolean"],
    }

    def __init__(self, n_steps=10, *, dilation=1, padding="nan", history=True, flatten=False):
        self.n_steps = n_steps
        self.dilation = dilation
        self.padding = padding
        self.history = history
        self.flatten = flatten

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, groups=None):
        """Remember the end of each series and the names of the features.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        y : None
            Ignored.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row. By default the first level of a `MultiIndex`; any
            other `X` is one series.

        Returns
        -------
        self : SlidingWindowTransformer
            The fitted transformer.
        """
        rows, panel = self._read(X, groups, reset=True)
        warn_if_shuffled(panel, {})
        n_rows = self._n_before() if self.history else 0
        self.grouped_ = groups is not None
        self.history_ = {
            name_series(series.label): remember(
                rows[_take_last(series.members, n_rows)], series.times
            )
            for series in panel
            if series.times is not None
        }
        tell_of_fit(self, X, y)
        return self

    def fit_transform(self, X, y=None, *, groups=None):
        """Fit to rows, then make one window per row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        y : None
            Ignored.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row, as in `fit`.

        Returns
        -------
        windows : ndarray, WindowArray or DataFrame
            As `transform` returns them.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    def transform(self, X, *, groups=None):
        """Make one window per row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row, as in `fit`.

        Returns
        -------
        windows : ndarray or WindowArray of shape (n_rows, n_steps, n_features)
            Window `i` ends with row `i`. A read-only view if `X` is one series; for several an
            array-like, which `numpy.asarray` turns into an array. With `flatten=True` an array
            or, after `set_output`, a DataFrame of shape (n_rows, n_steps * n_features), the
            oldest step first.
        """
        check_is_fitted(self, "history_")
        rows, panel = self._read(X, groups, reset=False)
        warn_if_shuffled(panel, self.history_)
        windows = self._make_windows(rows, panel)
        return np.asarray(windows).reshape(len(rows), -1) if self.flatten else windows

    def explain_window(self, X, i, *, horizon=1, groups=None):
        """Describe a window: the rows that make it, and the rows of its target.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order, for example a whole series before `make_supervised`.

        i : int
            Number of the row whose window to describe.

        horizon : int or sequence of int, default=1
            Steps ahead of the target, as in `make_supervised`.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row, as in `fit`.

        Returns
        -------
        text : str
            Plain text for `print`, one line per step.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklstm import SlidingWindowTransformer
        >>> index = pd.period_range("2013-01", periods=4, freq="M")
        >>> frame = pd.DataFrame({"temp": [1.0, 2.0, 3.0, 4.0]}, index=index)
        >>> transformer = SlidingWindowTransformer(n_steps=3).fit(frame)
        >>> print(transformer.explain_window(frame, 1))
        Window 1
          t-2  missing
          t-1  row 0  2013-01
          t    row 1  2013-02
        Target
          t+1  row 2  2013-03
        """
        check_is_fitted(self, "history_")
        rows, panel = self._read(X, groups, reset=False)
        if not isinstance(i, Integral) or not -len(rows) <= i < len(rows):
            raise ValueError(f"i must be the number of one of the {len(rows)} rows, got {i!r}.")
        i = int(i) % len(rows)
        series = next(series for series in panel if i in series.members)
        position = np.searchsorted(series.members, i)
        span = self._find_span(rows, series)
        # Windows made of positions show where each step comes from: the past is negative.
        n_before = len(span.before)
        positions = np.arange(-n_before, len(series.members), dtype=float)[:, np.newaxis]
        alone = span._replace(members=slice(None), before=positions[:n_before])
        arguments = self._n_before(), int(self.dilation), self.padding
        windows = np.asarray(lay_out(positions[n_before:], [alone], *arguments))
        return write_window(
            series,
            self.history_.get(name_series(series.label)),
            position,
            window_steps=self._steps(),
            window_positions=windows[position, :, 0],
            target_steps=steps_ahead(horizon),
        )

    def set_output(self, *, transform=None):
        """Set the container of flattened windows; windows of three dimensions stay an array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Container that `transform` and `fit_transform` return; None changes nothing.

        Returns
        -------
        self : SlidingWindowTransformer
            This transformer.
        """
        # scikit-learn's own is there only if get_feature_names_out is, but a Pipeline asks every
        # step. The attribute is the one scikit-learn's FunctionTransformer sets likewise.
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    @available_if(lambda self: self.flatten)
    def get_feature_names_out(self, input_features=None):
        """Name the columns of flattened windows; available with `flatten=True` only.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features, which must be those of `fit` if that had any. By default
            those of `fit`, or `x0`, `x1`, ….

        Returns
        -------
        names : ndarray of str of shape (n_steps * n_features,)
            The feature and how many rows back it is, such as `temp[t-2]` or, now, `temp[t]`.
        """
        check_is_fitted(self, "history_")
        features = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        names = [name_values(name, step) for step in self._steps() for name in features]
        return np.array(names, dtype=object)

    def _read(self, X, groups, reset):
        """Return rows as floats, and the series in them; change `self` only if both are valid."""
        if not reset and self.grouped_ and groups is None:
            raise ValueError(
                "groups must be passed, as they were to fit, got None: without them "
                "all rows are one series. A MultiIndex of X with the series in its first level "
                "needs no groups, neither in fit nor in predict."
            )
        rows = check_array(
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            estimator=self,
            input_name="X",
        )
        panel = split_series(X, len(rows), groups)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return rows, panel

    def _make_windows(self, rows, panel):
        """Return windows of shape (n_rows, n_steps, n_features), in the order of the rows."""
        spans = [self._find_span(rows, series) for series in panel]
        return lay_out(rows, spans, self._n_before(), int(self.dilation), self.padding)

    def _find_span(self, rows, series):
        """Return the rows of a series and those before them, with their places in time."""
        before = self._before(rows, series)
        members = series.members
        whole = slice(None) if isinstance(members, range) else members
        return Span(whole, range(len(members)), before, np.arange(-len(before), 0))

    def _before(self, rows, series):
        """Return the rows just before a series, if they are remembered and `history` is on."""
        past = self.history_.get(name_series(series.label))
        if not self.history or not continues(past, series.times):
            return rows[:0]
        return _take_last(past["rows"], self._n_before())

    def _n_before(self):
        """Return how many rows before its own a window reaches back."""
        return (int(self.n_steps) - 1) * int(self.dilation)

    def _steps(self):
        """Return the steps of a window, counted from its row: ..., -2, -1, 0 at dilation 1."""
        return range(-self._n_before(), 1, int(self.dilation))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _take_last(rows, n):
    """Return the last `n` rows, or all if there are fewer."""
    return rows[max(0, len(rows) - n) :]
