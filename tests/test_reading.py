"""What the network reads of a window: one table of cases, worked by hand, for all who read."""

import keras
import numpy as np
import pytest

from sklstm import LSTMRegressor
from sklstm.export.keras import read_windows as read_in_keras
from sklstm.network.description import Network
from sklstm.network.reading import read_windows
from sklstm.network.scales import Scales
from sklstm.training.epoch import Data, Targets, _gather, load
from sklstm.windows.rows import as_rows, find_last_rows

NAN = np.nan
SKIPPED = None

# Rows (a, b) of a window; means 10 and 0, scales 2 and 1; parameters; the steps that are read.
CASES = {
    "standardised": (
        [(10, 1), (14, 2)],
        {},
        [[0, 1], [2, 2]],
    ),
    "a missing value skips its step": (
        [(10, 1), (NAN, 2), (14, NAN), (12, 3)],
        {},
        [[0, 1], SKIPPED, SKIPPED, [1, 3]],
    ),
    "an anchor is read relative to the last row": (
        [(10, 1), (14, 2), (12, 5)],
        {"anchor": (0,)},
        [[-1, 1], [1, 2], [0, 5]],
    ),
    "the last row is the last real one": (
        [(10, 1), (14, 2), (12, NAN)],
        {"anchor": (0,)},
        [[-2, 1], [0, 2], SKIPPED],
    ),
    "several outputs may share an anchor": (
        [(10, 1), (14, 2)],
        {"anchor": (1, 1, 0)},
        [[-2, -1], [0, 0]],
    ),
    "a window without a real row": (
        [(10, NAN), (NAN, 2)],
        {"anchor": (0,)},
        [SKIPPED, SKIPPED],
    ),
    "segments are rows side by side": (
        [(10, 1), (14, 2), (12, 3), (8, 4)],
        {"segment": 2},
        [[0, 1, 2, 2], [1, 3, -1, 4]],
    ),
    "a missing value skips its segment, not its row as an anchor": (
        [(10, 1), (14, 2), (12, 3), (NAN, 4)],
        {"segment": 2, "anchor": (0,)},
        [[-1, 1, 1, 2], SKIPPED],
    ),
    "a small change at a high level": (
        [(1e9 + 1, 1), (1e9 + 2, 2), (1e9, 3)],
        {"anchor": (0,)},
        [[0.5, 1], [1, 2], [0, 3]],
    ),
    "values beyond float32": (
        [(2e300, 1), (-2e-300, 2)],
        {"scale": 1e300},
        [[2, 1], [0, 2]],
    ),
}


def read_in_numpy(network, scales, X):
    windows = as_rows(X)
    steps = read_windows(network, scales, windows, find_last_rows(windows), slice(None))
    return steps, ~np.isnan(steps).any(axis=2)


def read_in_tensorflow(network, scales, X):
    windows = as_rows(X)
    targets = Targets(np.zeros((1, 1)), np.ones(1), np.zeros(1), np.ones(1))
    tensors = load(network, Data(windows, find_last_rows(windows), scales, targets))
    steps, real = _gather(network, tensors, np.arange(len(X)))
    return steps.numpy().swapaxes(0, 1), real.numpy()[:, :, 0].T


def read_exported(network, scales, X):
    inputs = keras.Input(X.shape[1:], dtype="float64")
    steps, real, _ = read_in_keras(network, scales, inputs)
    return [np.asarray(array) for array in keras.Model(inputs, [steps, real])(X)]


@pytest.mark.parametrize("read", [read_in_numpy, read_in_tensorflow, read_exported])
@pytest.mark.parametrize(("rows", "params", "expected"), CASES.values(), ids=CASES.keys())
def test_windows_are_read_as_worked_by_hand(read, rows, params, expected):
    params = dict(params)
    scale = np.array([params.pop("scale", 2.0), 1.0])
    mean = np.array([0.0 if scale[0] > 2 else 10.0, 0.0])
    network = Network(2, (3,), "tanh", len(params.get("anchor", (0,))), **params)
    X = np.array([rows, rows[::-1]], dtype=float)  # in a row, as if from one series
    steps, real = read(network, Scales(mean, scale, None, None), X)
    assert steps.dtype == np.float32
    assert real[0].tolist() == [step is not SKIPPED for step in expected]
    for actual, step in zip(steps[0], expected, strict=True):
        if step is not SKIPPED:
            np.testing.assert_allclose(actual, step, atol=1e-6)


def test_all_read_the_same_of_random_windows():
    random_state = np.random.RandomState(0)
    X = random_state.normal(100, 5, size=(50, 6, 3))
    X[random_state.uniform(size=X.shape) < 0.1] = np.nan
    X[7] = np.nan
    scales = Scales(np.array([100.0, 99, 0]), np.array([5.0, 1, 30]), None, None)
    for anchor in (None, (2, 0)):
        for segment in (1, 3):
            network = Network(3, (2,), "tanh", 2, segment=segment, anchor=anchor)
            steps, real = read_in_numpy(network, scales, X)
            for read in (read_in_tensorflow, read_exported):
                others, also_real = read(network, scales, X)
                np.testing.assert_array_equal(also_real, real)
                np.testing.assert_allclose(others[real], steps[real], atol=1e-6)


# At the ends of what numbers hold


def make_model(**params):
    return LSTMRegressor(**{"units": 4, "epochs": 3, "random_state": 0, **params})


@pytest.mark.parametrize("size", [1e39, 1e-46, 1e120, 1e-120])
def test_data_beyond_float32_train_like_any_other(size):
    random_state = np.random.RandomState(0)
    X = random_state.normal(size=(60, 5, 2))
    y = X[:, -1, 0] - X[:, -2, 1]
    expected = make_model().fit(X, y).predict(X)
    model = make_model().fit(size * X, size * y)
    np.testing.assert_allclose(model.predict(size * X) / size, expected, atol=1e-4)


def test_real_changes_at_a_high_level_are_no_steady_trend():
    random_state = np.random.RandomState(0)
    changes = random_state.normal(size=200)
    X, y = changes[:, np.newaxis] * np.ones((1, 6)), 3 * changes
    model = make_model(anchor=0, epochs=5, units=6, learning_rate=0.02)
    levels = 1e12 + X[:, :, np.newaxis].cumsum(axis=1)
    model.fit(levels, levels[:, -1, 0] + y)
    assert model.y_scale_ == pytest.approx(y.std(), rel=0.01)
    error = np.abs(model.predict(levels) - levels[:, -1, 0] - y).mean()
    assert error < 0.5 * np.abs(y).mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_steady_trend_differs_by_rounding_alone(dtype):
    series = (1000 + 0.1 * np.arange(300)).astype(dtype)
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)[:-1, :, np.newaxis]
    model = make_model(anchor=0).fit(windows[:100], series[6:106])
    error = np.abs(model.predict(windows[100:]) - series[106:]).max()
    assert error < (1e-3 if dtype == np.float32 else 1e-9)
