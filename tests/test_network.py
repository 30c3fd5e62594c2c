"""The forward pass against textbook loops, Keras and itself."""

import keras
import numpy as np
import pytest

from sklstm._network import (
    ACTIVATIONS,
    CHUNK,
    Network,
    forward,
    granted_threads,
    initial_weights,
    predict,
)
from sklstm._rows import as_rows


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_forward(network, weights, window):
    """Compute one window in float64, gate by gate, as the equations are printed."""
    inputs = [step for step in window if not np.isnan(step).any()]
    h = np.zeros(network.units[-1])
    for layer, units in enumerate(network.units):
        kernel, recurrent_kernel, bias = weights[3 * layer : 3 * layer + 3]
        h, c, outputs = np.zeros(units), np.zeros(units), []
        for x in inputs:
            z = x @ kernel + h @ recurrent_kernel + bias
            i, f, g, o = (z[k * units : (k + 1) * units] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        inputs = outputs
    return h @ weights[-2] + weights[-1]


def make_network(n_features=2, units=(5,), activation="tanh", n_outputs=2, seed=0):
    network = Network(n_features, units, activation, n_outputs)
    weights = initial_weights(network, np.random.RandomState(seed))
    noise = np.random.RandomState(seed + 1)
    return network, [w + noise.normal(0, 0.1, w.shape).astype(np.float32) for w in weights]


def predict_raw(network, weights, X):
    n_features = X.shape[2]
    return predict(network, weights, as_rows(X), np.zeros(n_features), np.ones(n_features))


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


def test_threads_are_those_granted_by_joblib(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert granted_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    assert granted_threads() >= 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert granted_threads() >= 1
