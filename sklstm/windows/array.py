"""Windows that carry the names of their features: an array-like, and a view of one array."""

import numpy as np


class WindowArray:
    """Windows of several series, or with gaps, as an array-like that stores each row once.

    Window `i` consists of the rows `starts[i] + offsets`. The first axis is indexed without a copy,
    by slices, masks and integers; everything else turns the windows into an array, as
    `numpy.asarray` does: `n_steps` times the rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows, NaN where one is missing. Those of a series lie in time order, one after the other;
        no window reaches from one series into another.

    starts : ndarray of shape (n_windows,)
        Number of the first row of each window.

    offsets : ndarray of shape (n_steps,)
        Rows from the first one of a window to each of its steps.

    series : ndarray of shape (n_windows,)
        Number of the series of each window.

    times : ndarray of int of shape (n_windows,), default=None
        Number of the date of each window among all dates in order, None without dates.

    feature_names : ndarray of str of shape (n_features,), default=None
        Names of the features, None if they have none.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SlidingWindowTransformer
    >>> rows = np.arange(6.0).reshape(-1, 1)
    >>> W = SlidingWindowTransformer(n_steps=2).fit_transform(rows, groups=list("aaabbb"))
    >>> W
    <WindowArray of shape (6, 2, 1), dtype float64>
    >>> np.asarray(W[3:])[:, :, 0]
    array([[nan,  3.],
           [ 3.,  4.],
           [ 4.,  5.]])
    """

    ndim = 3

    def __init__(self, rows, starts, offsets, series, times=None, feature_names=None):
        self.rows = rows
        self.starts = starts
        self.offsets = offsets
        self.series = series
        self.times = times
        self.feature_names = feature_names

    @property
    def shape(self):
        """Shape `(n_windows, n_steps, n_features)`."""
        return len(self.starts), len(self.offsets), self.rows.shape[1]

    @property
    def dtype(self):
        """Data type of the values."""
        return self.rows.dtype

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, key):
        first = _find_first_axis(key)
        if first is None or isinstance(first, int | np.integer):
            return np.asarray(self)[key] if first is None else self._gather(self.starts[first])
        starts = self.starts[first]
        # Only the rows from the first to the last one in use: a fold that is pickled is no larger.
        begin, end = (starts.min(), starts.max() + self.offsets[-1] + 1) if len(starts) else (0, 0)
        rows, series = self.rows[begin:end], self.series[first]
        times = None if self.times is None else self.times[first]
        return WindowArray(rows, starts - begin, self.offsets, series, times, self.feature_names)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("copy must not be False: windows become an array by a copy only.")
        return self._gather(self.starts[:, np.newaxis]).astype(dtype or self.dtype, copy=False)

    def _gather(self, starts):
        return self.rows[starts + self.offsets]

    def __repr__(self):
        return f"<WindowArray of shape {self.shape}, dtype {self.dtype}>"


class NamedWindows(np.ndarray):
    """Windows of one series as an array that carries the names of its features.

    They are kept where windows are selected, copied or pickled. Whatever else is made of the
    windows has no names: its last axis may hold something else.

    Attributes
    ----------
    feature_names : ndarray of str of shape (n_features,) or None
    """

    feature_names = None

    def __getitem__(self, key):
        part = np.asarray(self)[key]
        first = None if self.feature_names is None else _find_first_axis(key)
        selected = first is not None and not isinstance(first, int | np.integer)
        return name_features(part, self.feature_names) if selected else part

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return array if array.ndim else array[()]  # a number, in NumPy 1 too

    def copy(self, order="C"):
        """Copy the windows, with their names."""
        return name_features(np.asarray(self).copy(order), self.feature_names)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        make, arguments, state = super().__reduce__()
        return make, arguments, (state, self.feature_names)

    def __setstate__(self, state):
        state, self.feature_names = state
        super().__setstate__(state)


def name_features(windows, names):
    """Return windows, `(n_windows, n_steps, n_features)`, with the names of their features."""
    if names is not None:
        windows = windows if isinstance(windows, WindowArray) else windows.view(NamedWindows)
        windows.feature_names = names
    return windows


def _find_first_axis(key):
    """Return the index of the first axis, or None if the other axes are indexed, too."""
    if not isinstance(key, tuple):
        key = (key,)
    others = [part for part in key[1:] if part is not Ellipsis]
    whole = all(isinstance(part, slice) and part == slice(None) for part in others)
    first = key[0] if key and whole and len(key) <= 3 else None
    if first is Ellipsis:
        return slice(None)
    if isinstance(first, int | np.integer | slice):
        return first
    index = np.asarray(first)
    return index if index.ndim == 1 and index.dtype.kind in "bi" else None
