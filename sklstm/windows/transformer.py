"""Windows: every row of a time series together with the rows before it."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklstm.windows.array import name_features
from sklstm.windows.callbacks import CallbackSupportMixin, tell_of_fit
from sklstm.windows.continuation import (
    allow_warning,
    check_comparable,
    find_spans,
    warn_if_none_is_complete,
    warn_if_split_by_series,
    warn_of_spans,
)
from sklstm.windows.explain import WindowSource, write_window
from sklstm.windows.grid import find_freq, has_grid
from sklstm.windows.history import name_series, remember, warn_if_shuffled
from sklstm.windows.horizon import name_values, steps_ahead
from sklstm.windows.labels import check_labels, warn_of_other_index
from sklstm.windows.layout import lay_out
from sklstm.windows.series import number_times, split_series
from sklstm.windows.values import read_values


class SlidingWindowTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Turn rows in time order into windows, one window per row.

    Window `i` ends with row `i`, so the number of rows never changes and `y`, `scoring`,
    `TimeSeriesSplit` and the stock `Pipeline` work as they are. The other steps of a window are the
    rows before; a step without a row is missing, NaN. The first windows of a series have fewer rows
    before them, and after a gap in time steps are missing, too.

    Several series in one `X`, separated by all levels of a `MultiIndex` but the last one, which is
    their time, or by `groups`, never share a window.

    Parameters
    ----------
    n_steps : int, default=10
        Number of steps in a window, that of the row itself included.

    freq : None, "infer", "rows", str, int, timedelta or offset of pandas, default=None
        How far apart in time the steps of a window are; see Notes.

        * A frequency of pandas, such as "h", "D" or "MS", or an int for an index of integers: a
          step of this length without a row in the index of `X` is a missing step.
        * "infer": the frequency is found in the index in `fit`, which may have gaps.
        * "rows": every row is one step after the row before, however much time lies between, as
          in a series of trading days. Later rows follow those of `fit`.
        * None: the frequency of the index, if it has one or is regular without gaps. If it has
          gaps or is irregular, rows are counted as with "rows", and a warning says so. An `X`
          without an index of times or integers has its rows counted.

    dilation : int, default=1
        Number of steps in time from one step of a window to the next: with 3, the last steps of
        window `i` are rows `i - 6`, `i - 3` and `i`. Every row still gets a window.

    padding : {"nan", "edge"}, default="nan"
        What stands in steps without a row: NaN, which LSTM estimators skip, or, with "edge", the
        row before them, and before the first row of a series that row, for regressors that refuse
        NaN.

    history : bool or "always", default=True
        Whether the windows of later rows reach back to the last rows of `fit`: those of one window,
        `(n_steps - 1) * dilation + 1`. True goes by the index of `X`; where it says nothing, as
        that of NumPy arrays or after a scaler without `set_output`, windows start short and a
        warning says so. "always" is your word that such rows directly follow those of `fit`,
        unless they begin with the same rows.

    flatten : bool, default=False
        Whether to flatten windows to rows with columns such as `temp[t-1]` and `temp[t]`, for
        regressors that read tables.

    Attributes
    ----------
    freq_ : str, int, offset of pandas or None
        The frequency in use. None or "rows" where rows are counted; an offset only if no text
        describes it, such as business days with holidays.

    history_ : dict
        The past of each series, under its label as `repr` writes it; under "" if `X` is one series
        without a label. A past is a dict of arrays and text: "rows", the last rows, of shape
        (n_remembered, n_features), and their "places", in steps from the last one; "labels",
        "kind" and "freq", the last labels of the index, at least 64 if there are as many;
        "following", the next label where rows are counted, empty if the index has no step;
        "first", the first rows.

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
    **Gaps.** With a frequency the index of `X` says where in time each row lies, and every window
    reaches `(n_steps - 1) * dilation` steps back from its row, over gaps within `X` and between
    `X` and the rows of `fit`. Labels between two steps, labels that repeat and rows that are not
    in time order are errors. Hours are absolute; days and months follow the calendar and the wall
    clock. In a panel all series have one frequency.

    **What follows.** With a frequency, rows lie before, within or after those of `fit`, as their
    index says. So `fit(X).transform(X)` equals `fit_transform(X)`, and the newest row alone,
    `transform(X[-1:])`, has its whole window. Where rows are counted, only the next label follows,
    such as the next integer; with `freq="rows"` any later one. An index that counts rows from 0, as
    that of `fit` did, says nothing: a frame to which no index is given has it, too.

    **Memory.** Windows cost the memory of the rows, however long they are: those of a single
    series without gaps are a read-only view of one padded copy, all others an array-like of rows
    and starts. Flattened windows are a copy, `n_steps` times as large as the rows. float32 and
    float64 are kept, other numbers become float64.

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

    Rows 4 and 5 continue rows 0 to 3, so their windows are complete; before row 5 alone one step is
    missing:

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"temp": [1.0, 2.0, 3.0, 4.0]})
    >>> transformer = SlidingWindowTransformer(n_steps=3).fit(frame)
    >>> transformer.transform(pd.DataFrame({"temp": [5.0, 6.0]}, index=[4, 5]))[:, :, 0]
    array([[3., 4., 5.],
           [4., 5., 6.]])
    >>> transformer.transform(pd.DataFrame({"temp": [6.0]}, index=[5]))[:, :, 0]
    array([[ 4., nan,  6.]])

    A day without a row is a missing step:

    >>> days = pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-04"])
    >>> gaps = pd.DataFrame({"temp": [1.0, 2.0, 4.0]}, index=days)
    >>> np.asarray(SlidingWindowTransformer(n_steps=3, freq="D").fit_transform(gaps))[:, :, 0]
    array([[nan, nan,  1.],
           [nan,  1.,  2.],
           [ 2., nan,  4.]])

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
        "freq": "no_validation",  # by find_freq, which knows the index
        "dilation": [Interval(Integral, 1, None, closed="left")],
        "padding": [StrOptions({"nan", "edge"})],
        "history": ["boolean", StrOptions({"always"})],
        "flatten": ["boolean"],
    }

    def __init__(
        self,
        n_steps=10,
        *,
        freq=None,
        dilation=1,
        padding="nan",
        history=True,
        flatten=False,
    ):
        self.n_steps = n_steps
        self.freq = freq
        self.dilation = dilation
        self.padding = padding
        self.history = history
        self.flatten = flatten

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, groups=None):
        """Find the frequency, and remember the end of each series and the names of the features.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value, as are None, `pandas.NA` and masked ones.

        y : array-like of shape (n_rows,), default=None
            Targets, of which the index only is compared with that of `X`.

        groups : array-like of shape (n_rows,), default=None
            Label of the series of each row. By default all levels of a `MultiIndex` but the last;
            any other `X` is one series.

        Returns
        -------
        self : SlidingWindowTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If the index of `X` repeats labels, or has labels that are not on the grid of `freq`.
        """
        rows, panel = self._read(X, groups)
        freq = find_freq(panel, self.freq)
        validate_data(self, X, reset=True, skip_check_array=True)
        warn_if_shuffled(panel, {})
        warn_of_other_index(X, y)
        warn_if_none_is_complete(panel, freq, self.n_steps, self.dilation)
        n_rows = self._n_before() + 1 if self.history else 0
        self.freq_ = freq
        self.grouped_ = groups is not None
        self.history_ = {
            name_series(series.label): remember(rows, series, freq, n_rows) for series in panel
        }
        allow_warning(self)
        tell_of_fit(self, X, y)
        return self

    def fit_transform(self, X, y=None, *, groups=None):
        """Fit to rows, then make one window per row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        y : array-like of shape (n_rows,), default=None
            Targets, as in `fit`.

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
            Window `i` ends with row `i`. A read-only view if `X` is one series without gaps; else
            an array-like, which `numpy.asarray` turns into an array. Both have an attribute
            `feature_names` if `fit` saw column names. With `flatten=True` an array or, after
            `set_output`, a DataFrame of shape (n_rows, n_steps * n_features), the oldest step
            first.
        """
        rows, panel = self._read_later(X, groups)
        warn_if_shuffled(panel, self.history_)
        warn_if_split_by_series(panel, self.history_, self.n_steps)
        spans, said = self._find_spans(rows, panel)
        n_before = self._n_before()
        warn_of_spans(self, spans, said, n_before)
        windows = lay_out(rows, spans, n_before, int(self.dilation), self.padding)
        if len(panel) > 1:
            windows.times = number_times(X, panel)
        if self.flatten:
            return np.asarray(windows).reshape(len(rows), -1)
        return name_features(windows, getattr(self, "feature_names_in_", None))

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
        rows, panel = self._read_later(X, groups)
        if not isinstance(i, Integral) or not -len(rows) <= i < len(rows):
            raise ValueError(f"i must be the number of one of the {len(rows)} rows, got {i!r}.")
        i = int(i) % len(rows)
        if isinstance(horizon, Integral) and horizon > len(rows):
            raise ValueError(f"horizon must be at most the {len(rows)} rows, got {horizon}.")
        series = next(series for series in panel if i in series.members)
        (span,), _ = self._find_spans(rows, [series])
        source = WindowSource(series, span, self.history_.get(name_series(series.label)))
        layout = self._n_before(), int(self.dilation), self.padding
        return write_window(source, i, layout, steps_ahead(horizon))

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

    def _read(self, X, groups):
        """Return rows as floats, and the series in them."""
        rows = check_array(
            read_values(X, "X"),
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            estimator=self,
            input_name="X",
        )
        panel = split_series(X, len(rows), groups)
        check_labels(panel, self.freq)
        return rows, panel

    def _read_later(self, X, groups):
        """Return rows and series as `_read` does, after checking that they are as in `fit`."""
        check_is_fitted(self, "history_")
        if self.grouped_ and groups is None:
            raise ValueError(
                "groups must be passed, as they were to fit, got None: without them "
                "all rows are one series. A MultiIndex of X with the series in its first level "
                "needs no groups, neither in fit nor in predict."
            )
        rows, panel = self._read(X, groups)
        if panel[0].label is None and "" not in self.history_:
            raise ValueError(
                "X must say which series its rows are of, as in fit, got an index that does not. "
                "Select series with two pairs of brackets, which keep it: X.loc[[label]]."
            )
        validate_data(self, X, reset=False, skip_check_array=True)
        return rows, panel

    def _find_spans(self, rows, panel):
        """Return the span of each series, and whether something says what is before all of them."""
        if self.freq is not None and has_grid(self.freq_):
            check_comparable(panel, self.history_, self.freq)
        return find_spans(rows, panel, self.history_, self.freq_, self.history)

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
