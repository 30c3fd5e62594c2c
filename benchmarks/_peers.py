"""The data that all peers are given, and the network as a user of each peer writes it."""

import numpy as np


def make_data(n_windows, n_steps=50, seed=0):
    """Return windows of a noisy sine wave and their next values, both float32.

    Shapes: ``(n_windows, n_steps, 1)`` and ``(n_windows,)``.
    """
    n_rows = n_windows + n_steps
    noise = np.random.RandomState(seed).normal(scale=0.1, size=n_rows)
    series = (np.sin(2 * np.pi * np.arange(n_rows) / 40) + noise).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], n_steps)
    return np.ascontiguousarray(windows)[:, :, np.newaxis], series[n_steps:].copy()


def build_keras(units, n_steps=50, learning_rate=1e-3):
    """Return a compiled Keras model of one LSTM layer and one output."""
    import keras

    model = keras.Sequential(
        [keras.Input((n_steps, 1)), keras.layers.LSTM(units), keras.layers.Dense(1)]
    )
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="mse")
    return model


def build_torch(units):
    """Return a PyTorch module of one LSTM layer and one output."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(1, units, batch_first=True)
            self.output = torch.nn.Linear(units, 1)

        def forward(self, windows):
            return self.output(self.lstm(windows)[0][:, -1])

    return Network()
