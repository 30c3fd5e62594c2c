"""The network as a Keras model."""

import numpy as np

from sklstm.training.keras_callbacks import set_weights
from sklstm.training.tensorflow import import_tensorflow


def to_keras(network, weights, n_rows, scales, dropout, recurrent_dropout):
    """Build the Keras model of stock layers that reads and predicts raw units."""
    _, keras = import_tensorflow()
    inputs = keras.Input((n_rows, network.n_features), dtype="float64", name="windows")
    steps, real, last = read_windows(network, scales, inputs)
    x = _apply_network(network, steps, real, dropout, recurrent_dropout)
    outputs = keras.layers.Rescaling(
        np.atleast_1d(scales.y_scale), np.atleast_1d(scales.y_mean), dtype="float64"
    )(x)
    if network.anchor is not None:
        base = last * scales.X_scale + scales.X_mean
        outputs = outputs + keras.ops.take(base, list(network.anchor), axis=1)
    if np.ndim(scales.y_mean) == 0:
        outputs = keras.layers.Reshape((), dtype="float64")(outputs)
    model = keras.Model(inputs, outputs)
    set_weights(model, weights)
    return model


def read_windows(network, scales, windows):
    """Return the steps that the network reads, which of them are real, and the last real rows.

    The reading is that of `network.reading`: steps `(n_windows, n_steps, n_inputs)`, real
    `(n_windows, n_steps)`, and the rows standardised, `(n_windows, n_features)`.
    """
    _, keras = import_tensorflow()
    ops = keras.ops
    n_rows, segment = windows.shape[1], network.segment
    real = ops.logical_not(ops.any(ops.isnan(windows), axis=-1, keepdims=True))
    x = ops.where(real, (windows - scales.X_mean) / scales.X_scale, 0.0)
    last = _find_last(x, real)
    if network.anchor is not None:
        x = x - last * np.isin(np.arange(network.n_features), network.relative_columns)
    x = ops.cast(x, "float32")
    steps = keras.layers.Reshape((n_rows // segment, network.n_inputs))(x)
    real = ops.all(ops.reshape(real, (-1, n_rows // segment, segment)), axis=-1)
    return steps, real, last[:, 0]


def _apply_network(network, x, real, dropout, recurrent_dropout):
    """Apply the layers that have weights to steps, of which `real` says which are read."""
    _, keras = import_tensorflow()
    settings = {
        "activation": network.activation,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "use_cudnn": False,  # cuDNN refuses missing steps at the start
        "dtype": "float32",
    }
    for index, units in enumerate(network.units):
        settings["return_sequences"] = index + 1 < len(network.units)
        layer = keras.layers.LSTM(units, **settings, **_seed(2 * index))
        if network.bidirectional:
            seeds = _seed(2 * index + 1)
            back = keras.layers.LSTM(units, go_backwards=True, **settings, **seeds)
            layer = keras.layers.Bidirectional(layer, backward_layer=back)
        x = layer(x, mask=real)
    settings = {"kernel_initializer": keras.initializers.GlorotUniform(seed=0), "dtype": "float32"}
    return keras.layers.Dense(network.n_outputs, activation=network.head, **settings)(x)


def _seed(seed):
    """Seed all that an LSTM layer draws: without seeds Keras draws them from Python's `random`."""
    _, keras = import_tensorflow()
    return {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=seed),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=seed),
        "seed": seed,
    }


def _find_last(x, real):
    """Read the last real row of each window, `(n_windows, 1, n_features)`, 0 where none is real."""
    _, keras = import_tensorflow()
    ops = keras.ops
    after = ops.flip(ops.cumsum(ops.flip(ops.cast(real, "int32"), axis=1), axis=1), axis=1)
    is_last = ops.logical_and(real, ops.equal(after, 1))
    return ops.sum(ops.where(is_last, x, 0.0), axis=1, keepdims=True)
