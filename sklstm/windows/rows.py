"""Windows as rows and starts, so that windows that overlap take no extra memory."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sklstm.windows.array import WindowArray


class Windows(NamedTuple):
    """Window `i` consists of the rows `starts[i] + offsets`; no row is stored twice.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
    starts : ndarray of shape (n_windows,)
    offsets : ndarray of shape (n_steps,)
    series : ndarray of shape (n_windows,) or None
        Number of the series of each window. None if nothing says so, as of windows that share no
        memory: each is a sample for itself.
    times : ndarray of shape (n_windows,) or None
        Number of the date of each window, where they are of several series and have dates.
    """

    rows: np.ndarray
    starts: np.ndarray
    offsets: np.ndarray
    series: np.ndarray | None = None
    times: np.ndarray | None = None

    @property
    def shape(self):
        """Shape of one window, `(n_steps, n_features)`."""
        return len(self.offsets), self.rows.shape[1]

    def gather(self, chunk):
        """Copy the windows of a slice to an array `(n_windows, n_steps, n_features)`."""
        return self.rows[self.starts[chunk, np.newaxis] + self.offsets]

    def select(self, kept):
        """Select windows by a slice or mask."""
        series, times = (None if array is None else array[kept] for array in self[3:])
        return self._replace(starts=self.starts[kept], series=series, times=times)


def as_rows(X):
    """Read the windows `X`, `(n_windows, n_steps, n_features)`, as rows and starts.

    A `WindowArray` has them. Windows cut from one series at regular distances (`W`, `W[100:]`,
    `W[::2]` of a strided view `W`) are recognised by their strides and share its memory; an array
    whose windows lie one after the other is not copied either. Anything else is.
    """
    if isinstance(X, WindowArray):
        return Windows(X.rows, X.starts, X.offsets, X.series, X.times)
    n_windows, n_steps, n_features = X.shape
    between_windows, between_steps, between_features = X.strides
    if n_steps == 1:  # numpy gives an axis of length 1 any stride
        between_steps = between_windows
    if n_windows == 1:
        between_windows = between_steps
    row = min(between_windows, between_steps)
    if n_windows and row > 0 and between_windows % row == 0 == between_steps % row:
        apart, dilation = between_windows // row, between_steps // row
        n_rows = apart * (n_windows - 1) + dilation * (n_steps - 1) + 1
        if n_rows <= n_windows * n_steps:  # else some rows are in no window of X
            rows = as_strided(X, (n_rows, n_features), (row, between_features), writeable=False)
            shared = n_rows < n_windows * n_steps
            series = np.zeros(n_windows, dtype=np.int64) if shared else None
            return Windows(rows, _count(n_windows, apart), _count(n_steps, dilation), series)
    rows = np.ascontiguousarray(X).reshape(n_windows * n_steps, n_features)
    return Windows(rows, _count(n_windows, n_steps), _count(n_steps, 1))


def _count(n, step):
    """Count from 0 to `n * step` in steps, in the same integers on every platform."""
    return step * np.arange(n, dtype=np.int64)


def weigh_rows(windows, window_weight):
    """Sum for each row the weights of the windows that contain it, 0 where a value is missing."""
    row_weight = np.zeros(len(windows.rows))
    for offset in windows.offsets:  # a window may come twice, as in a bootstrap sample
        row_weight += np.bincount(windows.starts + offset, window_weight, len(row_weight))
    row_weight[~find_real(windows)] = 0
    return row_weight


def find_real(windows):
    """Tell of each row whether it has no missing value, `(n_rows,)`."""
    return ~np.isnan(windows.rows).any(axis=1)


def find_last_rows(windows):
    """Find for each window its last row without a missing value, or else its first row."""
    real = find_real(windows)
    last, found = windows.starts.copy(), np.zeros(len(windows.starts), dtype=bool)
    for offset in windows.offsets[::-1]:
        here = ~found & real[windows.starts + offset]
        last[here] = windows.starts[here] + offset
        found |= here
        if found.all():
            break
    return last
