"""The forward pass against textbook loops, Keras and itself."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from sklstm.export.keras import to_keras
from sklstm.network.activations import ACTIVATIONS
from sklstm.network.base import read_base
from sklstm.network.description import Network
from sklstm.network.forward import CHUNK, forward, predict
from sklstm.network.scales import Scales
from sklstm.network.weights import initial_weights
from sklstm.training import epoch as _epoch
from sklstm.training import gradient as _gradient
from sklstm.training.epoch import Hyperparameters
from sklstm.windows.rows import as_rows


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_lstm(inputs, kernel, recurrent_kernel, bias, input_mask=1, state_mask=1):
    """Compute the states after each step in float64, gate by gate, as the equations are printed."""
    units = len(recurrent_kernel)
    h, c, states = np.zeros(units), np.zeros(units), []
    for x in inputs:
        z = (x * input_mask) @ kernel + (h * state_mask) @ recurrent_kernel + bias
        i, f, g, o = (z[k * units : (k + 1) * units] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return states


def naive_forward(network, weights, window, masks=None):
    """Compute one window, cell by cell, on the steps that are real."""
    steps = window.reshape(-1, network.segment * network.n_features)
    inputs = [step for step in steps if not np.isnan(step).any()]
    cells = [weights[first : first + 3] for first in range(0, len(weights) - 2, 3)]
    masks = masks or [(1, 1)] * len(cells)
    for first in range(0, len(cells), network.n_directions):
        ahead = naive_lstm(inputs, *cells[first], *masks[first])
        units = network.units[first // network.n_directions]
        last = [ahead[-1] if ahead else np.zeros(units)]
        if network.bidirectional:
            back = naive_lstm(inputs[::-1], *cells[first + 1], *masks[first + 1])
            last.append(back[-1] if back else np.zeros(units))
            ahead = [np.concatenate(pair) for pair in zip(ahead, back[::-1], strict=True)]
        inputs = ahead
    return np.concatenate(last) @ weights[-2] + weights[-1]


def make_network(n_features=2, units=(5,), activation="tanh", n_outputs=2, seed=0, **options):
    network = Network(n_features, units, activation, n_outputs, **options)
    weights = initial_weights(network, np.random.RandomState(seed))
    noise = np.random.RandomState(seed + 1)
    return network, [w + noise.normal(0, 0.1, w.shape).astype(np.float32) for w in weights]


def predict_raw(network, weights, X):
    zeros, ones = np.zeros(X.shape[2]), np.ones(X.shape[2])
    return predict(network, weights, as_rows(X), Scales(zeros, ones, None, None))


def test_one_unit_and_two_steps_by_hand():
    # Kernel and recurrent kernel 1, biases 0, inputs 1 and 0, output layer 2 h + 1.
    network = Network(1, (1,), "tanh", 1)
    ones = np.ones((1, 4), dtype=np.float32)
    weights = [ones, ones, np.zeros(4), np.full((1, 1), 2.0), np.ones(1)]
    c_1 = sigmoid(1) * np.tanh(1)  # 0.5568
    h_1 = sigmoid(1) * np.tanh(c_1)  # 0.3696
    c_2 = sigmoid(h_1) * c_1 + sigmoid(h_1) * np.tanh(h_1)
    h_2 = sigmoid(h_1) * np.tanh(c_2)
    np.testing.assert_allclose(
        forward(network, weights, np.array([[[1.0], [0.0]]])), [[2 * h_2 + 1]], rtol=1e-6
    )


@pytest.mark.parametrize("units", [(1,), (5,), (4, 3), (3, 4, 2), (130,)])
@pytest.mark.parametrize("n_windows", [1, 8, 21])
def test_forward_equals_the_textbook_loop(units, n_windows):
    network, weights = make_network(n_features=3, units=units)
    X = np.random.RandomState(0).normal(size=(n_windows, 6, 3))
    X[::3, :2] = np.nan
    X[1::3, 3, 1] = np.nan
    X[4:5] = np.nan
    expected = [naive_forward(network, weights, window) for window in X]
    np.testing.assert_allclose(forward(network, weights, X), expected, atol=2e-6)


@pytest.mark.parametrize("units", [(5,), (4, 3), (3, 4, 2)])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("segment", [1, 2, 6])
def test_directions_and_segments_equal_the_textbook_loop(units, bidirectional, segment):
    network, weights = make_network(units=units, bidirectional=bidirectional, segment=segment)
    X = np.random.RandomState(0).normal(size=(21, 6, 2))
    X[::3, :3] = np.nan
    X[1::3, 5, 1] = np.nan
    X[4:5] = np.nan
    expected = [naive_forward(network, weights, window) for window in X]
    np.testing.assert_allclose(predict_raw(network, weights, X), expected, atol=2e-6)


def test_anchored_columns_are_read_relative_to_the_last_real_row():
    anchored, weights = make_network(n_features=3, anchor=(2, 0))
    plain = replace(anchored, anchor=None)
    X = 100 + np.random.RandomState(0).normal(size=(4, 6, 3))
    X[1, 5, 1] = np.nan  # the last real row is the one before
    X[2, :4] = np.nan
    relative = X.copy()
    for window, row in zip(relative, [5, 4, 5, 5], strict=True):
        window[:, [0, 2]] -= window[row, [0, 2]]
    np.testing.assert_allclose(
        predict_raw(anchored, weights, X), predict_raw(plain, weights, relative), atol=1e-6
    )


def test_dropout_masks_inputs_and_states_of_each_cell():
    network, weights = make_network(units=(4, 3), bidirectional=True)
    X = np.random.RandomState(0).normal(size=(5, 6, 2)).astype(np.float32)
    X[1, 2] = np.nan
    widths = [width for cell in network.cells for width in cell]
    masks = np.random.RandomState(1).choice([0, 1.25], (5, sum(widths))).astype(np.float32)
    by_cell = np.split(masks, np.cumsum(widths)[:-1], axis=1)
    expected = [
        naive_forward(network, weights, window, list(zip(parts[::2], parts[1::2], strict=True)))
        for window, *parts in zip(X, *by_cell, strict=True)
    ]
    real = ~np.isnan(X).any(axis=2, keepdims=True)
    steps, real = np.nan_to_num(X).transpose(1, 0, 2), real.transpose(1, 0, 2)
    trained = _gradient.build_forward(network)(weights, steps, real, masks)
    np.testing.assert_allclose(trained, expected, atol=2e-6)


def test_masks_leave_out_their_share_and_keep_the_mean():
    network, _ = make_network(units=(40,))
    hyperparameters = Hyperparameters("mse", 0.0, np.inf, 0.2, 0.5, 0.5)
    masks = _epoch._draw_masks(network, hyperparameters, 2000, [3, 4]).numpy()
    inputs, state = masks[:, :2], masks[:, 2:]
    assert set(np.unique(inputs)) == {0, np.float32(1.25)}
    assert set(np.unique(state)) == {0, 2}
    assert (inputs == 0).mean() == pytest.approx(0.2, abs=0.03)
    assert (state == 0).mean() == pytest.approx(0.5, abs=0.03)
    again = _epoch._draw_masks(network, hyperparameters, 2000, [3, 5]).numpy()
    assert not np.array_equal(masks, again)
    nothing = _epoch._draw_masks(
        network, hyperparameters._replace(dropout=0.0, recurrent_dropout=0.0), 9, [3, 4]
    )
    np.testing.assert_array_equal(nothing, np.ones((9, 42)))


@pytest.mark.parametrize("units", [(4,), (4, 3)])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("segment", [1, 3])
@pytest.mark.parametrize("anchor", [None, (1, 0), (1, 1)])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_exported_model_of_stock_layers_predicts_the_same(
    units, bidirectional, segment, anchor, activation
):
    network, weights = make_network(
        units=units, activation=activation, bidirectional=bidirectional, segment=segment,
        anchor=anchor,
    )  # fmt: skip
    X = 1e4 + 30 * np.random.RandomState(0).normal(size=(9, 6, 2))
    X[::3, :3] = np.nan
    X[1, 5, 1] = np.nan
    X[4:5] = np.nan
    mean, scale = np.array([1e4, 1e4 + 5]), np.array([30.0, 20.0])
    scales = Scales(mean, scale, np.array([3.0, -1.0]), np.array([2.0, 0.5]))
    outputs = predict(network, weights, as_rows(X), scales)
    base = read_base(as_rows(X), anchor, mean)
    expected = outputs * scales.y_scale + scales.y_mean + base
    model = to_keras(network, weights, 6, scales, dropout=0.5, recurrent_dropout=0.5)
    np.testing.assert_allclose(model(X), expected, atol=1e-5, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_are_those_of_keras(name):
    x = np.linspace(-8, 8, 401, dtype=np.float32).reshape(1, -1)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.array(x)))
    np.testing.assert_allclose(ACTIVATIONS[name](x.T), expected.T, rtol=2e-5, atol=2e-6)


def test_every_elementwise_activation_of_keras_is_known():
    functions = {name for name in vars(keras.activations) if name.islower() and name[0] != "_"}
    other = {"deserialize", "get", "serialize"}
    not_elementwise = {"glu", "sparsemax", "threshold"}  # half the units, sorting, no default
    assert functions - other - not_elementwise <= set(ACTIVATIONS)


def test_initial_weights_follow_keras():
    network = Network(3, (16, 8), "tanh", 2)
    weights = initial_weights(network, np.random.RandomState(0))
    assert [w.shape for w in weights] == [
        (3, 64), (16, 64), (64,), (16, 32), (8, 32), (32,), (8, 2), (2,),
    ]  # fmt: skip
    assert all(w.dtype == np.float32 for w in weights)
    kernel, recurrent_kernel, bias = weights[:3]
    limit = np.sqrt(6 / (3 + 64))
    assert 0.9 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(16), atol=1e-6)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 16))
    assert not weights[-1].any()


@pytest.mark.parametrize("units", [(6,), (50,), (7, 5), (100,), (140,)])
def test_a_prediction_never_depends_on_its_neighbours(units):
    network, weights = make_network(units=units)
    X = np.random.RandomState(0).normal(size=(2 * CHUNK + 77, 5, 2))
    X[::7, :2] = np.nan
    together = predict_raw(network, weights, X)
    some = np.random.RandomState(1).permutation(len(X))[:300]
    np.testing.assert_array_equal(predict_raw(network, weights, X[some]), together[some])
    for i in [0, 1, 6, 7, 8, CHUNK - 1, CHUNK, len(X) - 1]:
        np.testing.assert_array_equal(
            predict_raw(network, weights, X[i : i + 1]), together[i : i + 1]
        )


def test_number_of_threads_changes_no_bit(monkeypatch):
    network, weights = make_network()
    X = np.random.RandomState(0).normal(size=(3 * CHUNK, 4, 2))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = predict_raw(network, weights, X)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    np.testing.assert_array_equal(predict_raw(network, weights, X), alone)


def test_skipped_steps_equal_a_shorter_window():
    network, weights = make_network(units=(5, 4))
    X = np.random.RandomState(0).normal(size=(10, 6, 2))
    gaps = np.insert(X, [0, 0, 3, 6], np.nan, axis=1)
    gaps[:, 5, 0] = 7.0  # the other feature of a skipped step does not count
    np.testing.assert_array_equal(forward(network, weights, gaps), forward(network, weights, X))
