"""Windows are read as rows and starts, in the same memory where they overlap."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from sklstm.windows.rows import as_rows, weigh_rows


def make_view(n_rows=20, n_steps=4, n_features=2, dilation=1):
    rows = np.arange(n_rows * n_features, dtype=float).reshape(n_rows, n_features)
    span = dilation * (n_steps - 1) + 1
    return sliding_window_view(rows, span, axis=0).swapaxes(1, 2)[:, ::dilation]


VIEWS = {
    "whole": lambda W: W,
    "tail": lambda W: W[5:],
    "head": lambda W: W[:5],
    "every second": lambda W: W[::2],
    "some features": lambda W: W[:, :, 1:],
    "later steps": lambda W: W[:, 2:],
    "one window": lambda W: W[3:4],
    "one step": lambda W: W[:, -1:],
    "one of one": lambda W: W[3:4, -1:],
    "copy": lambda W: W.copy(),
    "copy of one feature": lambda W: W[:, :, :1].copy(),
}
COPIES = {
    "backwards": lambda W: W[::-1],
    "steps backwards": lambda W: W[:, ::-1],
    "far apart": lambda W: W[::6],
    "Fortran": np.asfortranarray,
    "broadcast": lambda W: np.broadcast_to(W[:1], W.shape),
    "shuffled": lambda W: W[[3, 1, 2]],
}


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("cut", (VIEWS | COPIES).values(), ids=(VIEWS | COPIES).keys())
def test_gathered_windows_equal_the_array(cut, dilation):
    X = cut(make_view(dilation=dilation))
    windows = as_rows(X)
    np.testing.assert_array_equal(windows.gather(slice(None)), X)
    np.testing.assert_array_equal(windows.gather(slice(1, 3)), X[1:3])
    assert windows.shape == X.shape[1:]
    assert len(windows.rows) <= X.shape[0] * X.shape[1]


@pytest.mark.parametrize("cut", VIEWS.values(), ids=VIEWS.keys())
def test_a_regular_cut_shares_its_memory(cut):
    X = cut(make_view())
    assert np.shares_memory(as_rows(X).rows, X)


def test_rows_are_those_of_the_series():
    X = make_view(n_rows=20, n_steps=4)
    assert as_rows(X).rows.shape == (20, 2)
    assert as_rows(X[::2]).rows.shape == (20, 2)
    assert as_rows(X[10:]).rows.shape == (10, 2)


def test_rows_are_read_only():
    assert not as_rows(make_view().copy()).rows.flags.writeable


def test_row_weights_are_the_sums_over_the_windows_of_a_copy():
    X = make_view(n_rows=9, n_steps=3, n_features=1)
    weight = np.arange(1.0, 8.0)
    expected = [
        sum(w for w, window in zip(weight, X, strict=True) if r in window) for r in range(9)
    ]
    np.testing.assert_array_equal(weigh_rows(as_rows(X), weight), expected)


def test_rows_with_a_missing_value_weigh_nothing():
    X = make_view().copy()
    X[2, 1, 0] = np.nan
    weights = weigh_rows(as_rows(X), np.ones(len(X)))
    assert weights[2 * 4 + 1] == 0
    assert weights.sum() == X.shape[0] * X.shape[1] - 1
