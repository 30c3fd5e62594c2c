"""Windows: every row of a time series together with the rows before it."""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data


class SlidingWindowTransformer(TransformerMixin, BaseEstimator):
    """Turn rows in time order into windows, one window per row.

    Window `i` holds rows `i - n_steps + 1` to `i`, so the number of rows never changes and `y`,
    `scoring`, `TimeSeriesSplit` and the stock `Pipeline` work as they are. The first windows
    have less of a past than that; their missing leading steps are NaN.

    Parameters
    ----------
    n_steps : int, default=10
        Number of rows in a window, the row itself included.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a row.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` has column names that are all strings.

    Notes
    -----
    The windows are a read-only view on one padded copy of the rows, so they cost the memory of
    the rows however long they are. float32 and float64 are kept, other numbers become float64.

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
    """

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's protocol
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_steps=10):
        self.n_steps = n_steps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the number and the names of the features.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        y : None
            Ignored.

        Returns
        -------
        self : SlidingWindowTransformer
            The fitted transformer.
        """
        self._read(X, reset=True)
        return self

    def transform(self, X):
        """Make one window per row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows in time order. NaN is a missing value.

        Returns
        -------
        windows : ndarray of shape (n_rows, n_steps, n_features)
            Window `i` ends with row `i`. A read-only view.
        """
        check_is_fitted(self)
        return _slide(self._read(X, reset=False), self.n_steps)

    def _read(self, X, reset):
        """Return the rows of `X` as floats; touch `self` only after everything was checked."""
        rows = check_array(
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            estimator=self,
            input_name="X",
        )
        validate_data(self, X, reset=reset, skip_check_array=True)
        return rows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _slide(rows, n_steps):
    """View rows (n_rows, n_features) as windows (n_rows, n_steps, n_features)."""
    n_missing = n_steps - 1
    padded = np.empty((n_missing + len(rows), rows.shape[1]), rows.dtype)
    padded[:n_missing] = np.nan
    padded[n_missing:] = rows
    return sliding_window_view(padded, n_steps, axis=0).swapaxes(1, 2)
