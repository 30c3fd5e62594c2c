"""Time an epoch of training, the same way for every peer."""

import statistics
import time
from functools import partial

import numpy as np
from _harness import compare, measure, print_table
from _peers import build_keras, build_torch, make_data

FEW, MANY = 5, 20  # epochs


def compare_training(n_windows, units, batch_size, keras_bar, torch_bar):
    """Print how long an epoch takes with sklstm, Keras and PyTorch."""
    problem = {"n_windows": n_windows, "units": units, "batch_size": batch_size}
    peers = {
        "sklstm": time_sklstm,
        "keras": time_keras,
        "skorch": time_skorch,
        "torch": time_torch,
    }
    results = measure({name: partial(peer, **problem) for name, peer in peers.items()})
    ours = results["sklstm"]["ms"]
    rows = [
        ("an epoch, against keras.Model.fit", "keras", keras_bar),
        ("an epoch, against PyTorch in skorch", "skorch", torch_bar),
        ("an epoch, against PyTorch in a plain loop", "torch", None),
    ]
    print_table([compare(what, ours, results[peer]["ms"], "ms", bar) for what, peer, bar in rows])
    errors = (f"{name} {statistics.median(results[name]['error']):.4f}" for name in peers)
    print(f"\nMean squared training error after {MANY} epochs:", ", ".join(errors))


def time_sklstm(n_windows, units, batch_size):
    """Train `LSTMRegressor`."""
    from sklstm import LSTMRegressor

    X, y = make_data(n_windows)

    def fit(epochs):
        model = LSTMRegressor(
            units=units, epochs=epochs, batch_size=batch_size, learning_rate=1e-3, random_state=0
        )
        return model.fit(X, y).predict

    return time_epoch(fit, X, y)


def time_keras(n_windows, units, batch_size):
    """Train with `keras.Model.fit`, one compiled model for all fits."""
    X, y = make_data(n_windows)
    model = build_keras(units)
    initial_weights = model.get_weights()

    def fit(epochs):
        model.set_weights(initial_weights)
        model.fit(X, y, batch_size=batch_size, epochs=epochs, verbose=0)
        return partial(model.predict, verbose=0)

    return time_epoch(fit, X, y)


def time_skorch(n_windows, units, batch_size):
    """Train a PyTorch module with skorch and the callbacks it brings."""
    import torch
    from skorch import NeuralNetRegressor

    X, y = make_data(n_windows)

    def fit(epochs):
        net = NeuralNetRegressor(
            build_torch(units),
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=batch_size,
            max_epochs=epochs,
            train_split=None,
            iterator_train__shuffle=True,
            verbose=0,
        )
        return net.fit(X, y[:, np.newaxis]).predict

    return time_epoch(fit, X, y)


def time_torch(n_windows, units, batch_size):
    """Train a PyTorch module in the loop of its tutorials, on tensors made beforehand."""
    import torch

    X, y = make_data(n_windows)
    windows, targets = torch.tensor(X), torch.tensor(y)[:, np.newaxis]
    loss_function = torch.nn.MSELoss()

    def fit(epochs):
        network = build_torch(units)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        for _ in range(epochs):
            for batch in torch.randperm(n_windows).split(batch_size):
                optimizer.zero_grad()
                loss_function(network(windows[batch]), targets[batch]).backward()
                optimizer.step()
        return lambda X: network(torch.tensor(X)).detach().numpy()

    return time_epoch(fit, X, y)


def time_epoch(fit, X, y):
    """Return the ms an epoch takes and the error after `MANY` of them.

    ``fit(epochs)`` trains and returns a function that predicts. What a fit costs besides its epochs
    is in a long fit as in a short one, so it drops out of their difference.
    """
    fit(1)
    start = time.perf_counter()
    fit(FEW)
    middle = time.perf_counter()
    predict = fit(MANY)
    end = time.perf_counter()
    seconds = ((end - middle) - (middle - start)) / (MANY - FEW)
    return {"ms": 1e3 * seconds, "error": float(np.mean((np.ravel(predict(X)) - y) ** 2))}
