"""The estimator: parameters, validation and shapes around the network and its training."""

from dataclasses import asdict
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import check_array, check_consistent_length, check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_is_fitted,
    validate_data,
)

from sklstm import _network, _training
from sklstm._rows import as_rows, weigh_rows

# Keras' losses that give one value for each window: https://keras.io/api/losses
_LOSSES_OF_RESIDUALS = {
    "huber",
    "log_cosh",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
}
_LOSSES_OF_VALUES = {
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "hinge",
    "kl_divergence",
    "mape",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "msle",
    "poisson",
    "squared_hinge",
}


class LSTMRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Long short-term memory network that maps windows of a series to target values.

    One or more LSTM layers [1]_ read the steps of a window in order; a dense layer turns the
    state after the last step into the prediction. A step with a missing value (NaN) is skipped:
    the cell keeps its state. Training runs in TensorFlow, compiled once for each architecture;
    prediction needs NumPy alone.

    Parameters
    ----------
    units : int or tuple of int, default=50
        Units of the LSTM layer, or of each of the stacked layers.

    activation : str, default="tanh"
        Activation of candidate and output in the LSTM cell: one of Keras' by its name. The gates
        are sigmoids.

    optimizer : str, default="adam"
        One of Keras' optimizers by its name, with Keras' settings except for the learning rate.

    learning_rate : float, default=0.003
        Learning rate of the optimizer.

    loss : str, default="mse"
        One of Keras' losses by its name. The losses of residuals ("mse", "mae", "huber",
        "log_cosh") are taken of the standardised targets; all others, such as "mape" or
        "poisson", of the targets in their own units.

    epochs : int, default=100
        Passes over the training windows.

    batch_size : int, default=32
        Windows in each update of the weights.

    shuffle : bool, default=True
        Whether to draw the windows in a new order in each epoch.

    standardize : bool, default=True
        Whether to bring each feature and each output to mean 0 and standard deviation 1 over the
        training data. Predictions come back in the units of `y` either way.

    verbose : int, default=0
        Whether to print a line for each epoch.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights and the order of the windows. Pass an int for the same weights,
        to the last bit, at every call.

    Attributes
    ----------
    weights_ : list of ndarray
        float32 weights in Keras' order and layout: kernel, recurrent kernel and bias of each LSTM
        layer, then kernel and bias of the output layer.

    network_ : dict
        The trained network: `n_features`, `units`, `activation` and `n_outputs`.

    window_shape_ : tuple of int
        `(n_steps, n_features)` of the windows seen in `fit`.

    X_mean_, X_scale_ : ndarray of shape (n_features,)
        What features are standardised with: their mean and standard deviation over the steps of
        the training windows, or 0 and 1 if `standardize=False`.

    y_mean_, y_scale_ : ndarray of shape () or (n_outputs,)
        The same for `y`.

    loss_curve_ : list of float
        Mean loss of the training windows in each epoch.

    n_iter_ : int
        Epochs trained.

    n_features_in_ : int
        Number of features of 3-D windows; number of columns, which are steps, of a 2-D `X`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of a 2-D `X`, if they are all strings.

    See Also
    --------
    SlidingWindowTransformer : Makes the windows, inside a Pipeline.

    Notes
    -----
    Keras' conventions hold: Glorot uniform kernels, orthogonal recurrent kernels, forget gates
    with bias 1. With one `random_state` the weights are the same to the last bit in every process
    and for every number of threads on one machine.

    References
    ----------
    .. [1] Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. Neural Computation
       9(8), 1735-1780.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor, make_windows
    >>> X, y = make_windows(np.sin(np.arange(300) / 5), n_steps=20)
    >>> X.shape, y.shape
    ((280, 20, 1), (280,))
    >>> model = LSTMRegressor(units=8, epochs=20, random_state=0).fit(X[:200], y[:200])
    >>> model.predict(X[200:]).shape
    (80,)
    >>> model.score(X[200:], y[200:]) > 0.9
    True
    """

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left"), tuple],
        "activation": [StrOptions(set(_network.ACTIVATIONS))],
        "optimizer": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "loss": [StrOptions(_LOSSES_OF_RESIDUALS | _LOSSES_OF_VALUES)],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "standardize": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        units=50,
        *,
        activation="tanh",
        optimizer="adam",
        learning_rate=0.003,
        loss="mse",
        epochs=100,
        batch_size=32,
        shuffle=True,
        standardize=True,
        verbose=0,
        random_state=None,
    ):
        self.units = units
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.standardize = standardize
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train on windows and their targets.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_steps, n_features) or (n_windows, n_steps)
            Windows, the last step the latest; 2-D: of one feature. NaN marks a missing value.
            Overlapping windows that share memory, as `SlidingWindowTransformer` makes them, are
            never copied.

        y : array-like of shape (n_windows,) or (n_windows, n_outputs)
            Targets, without missing values.

        sample_weight : array-like of shape (n_windows,), default=None
            Weights of the windows in the loss and in standardisation, 1 each by default. Only
            their ratios count; a window of weight 0 might as well be absent.

        Returns
        -------
        self : LSTMRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data is invalid, which leaves an earlier fit as it is, or if the
            training diverges, which leaves the estimator unfitted.
        """
        X = _as_array(X)
        windows = self._check_windows(X)
        y = self._check_targets(y, windows)
        _get_feature_names(X)  # refuses mixed names before the training, not after it
        windows, y, sample_weight = self._drop_weightless(windows, y, sample_weight)
        random_state = check_random_state(self.random_state)

        X_mean, X_scale, y_mean, y_scale = self._measure_scales(windows, y, sample_weight)
        network = _network.Network(
            n_features=windows.shape[1],
            units=_check_units(self.units),
            activation=self.activation,
            n_outputs=1 if y.ndim == 1 else y.shape[1],
        )
        _forget(self)
        weights, losses = _training.train(
            network,
            _network.initial_weights(network, random_state),
            windows,
            X_mean,
            X_scale,
            _make_targets(y, sample_weight, y_mean, y_scale, self.loss),
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            random_state=random_state,
            verbose=self.verbose,
        )

        self._check_features(X, windows, reset=True)
        self.X_mean_, self.X_scale_, self.y_mean_, self.y_scale_ = X_mean, X_scale, y_mean, y_scale
        self.network_ = asdict(network)
        self.window_shape_ = windows.shape
        self.weights_ = weights
        self.loss_curve_ = losses
        self.n_iter_ = len(losses)
        return self

    def predict(self, X):
        """Predict the targets of windows, without TensorFlow.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_steps, n_features) or (n_windows, n_steps)
            Windows of the shape seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n_windows,) or (n_windows, n_outputs)
            Predictions in the units of `y`, float64, of the dimensions of `y` in `fit`. Each is
            the same, to the last bit, whatever the windows beside it.
        """
        check_is_fitted(self)
        X = _as_array(X)
        windows = self._check_windows(X)
        self._check_features(X, windows, reset=False)
        network = _network.Network(**self.network_)
        outputs = _network.predict(network, self.weights_, windows, self.X_mean_, self.X_scale_)
        outputs = outputs.reshape(-1, *self.y_mean_.shape)
        return outputs * self.y_scale_ + self.y_mean_

    def to_keras(self):
        """Build a Keras model with these weights.

        Returns
        -------
        model : keras.Model
            Of stock layers, uncompiled. It reads windows `(n_windows, n_steps, n_features)` in
            raw units, NaN where a value is missing, and predicts what `predict` does.
        """
        check_is_fitted(self)
        return _training.to_keras(
            _network.Network(**self.network_),
            self.weights_,
            self.window_shape_[0],
            self.X_mean_,
            self.X_scale_,
            self.y_mean_,
            self.y_scale_,
        )

    def _check_windows(self, X):
        """Validate `X` as `Windows`, float32 or float64, without copying windows that overlap."""
        if len(X.shape) not in (2, 3):
            raise ValueError(
                "X must hold windows, (n_windows, n_steps, n_features) or (n_windows, n_steps), "
                f"got an array of shape {tuple(X.shape)}. Reshape your data: make_windows cuts a "
                "series into windows; X.reshape(1, -1) is a single window of one feature."
            )
        _check_numeric("X", X)
        checks = {
            "dtype": [np.float64, np.float32],
            "ensure_all_finite": "allow-nan",
            "estimator": self,
            "input_name": "X",
        }
        if len(X.shape) == 2 or issparse(X):
            return as_rows(check_array(X, **checks)[:, :, np.newaxis])
        windows = as_rows(np.asarray(X))
        return windows._replace(rows=check_array(windows.rows, **checks))

    def _check_targets(self, y, windows):
        """Validate `y` as float64 of shape `(n_windows,)` or `(n_windows, n_outputs)`."""
        if y is None:
            raise ValueError("LSTMRegressor requires y to be passed, but the target y is None.")
        y = _as_array(y)
        _check_numeric("y", y)
        y = check_array(y, dtype=np.float64, ensure_2d=False, estimator=self, input_name="y")
        check_consistent_length(windows.starts, y)
        return y

    def _drop_weightless(self, windows, y, sample_weight):
        """Validate `sample_weight`, scale it to mean 1 and leave windows of weight 0 out."""
        weight = _check_sample_weight(
            sample_weight, windows.starts, dtype=np.float64, ensure_non_negative=True
        )
        kept = weight > 0
        if not kept.any():
            raise ValueError("sample_weight must have a positive value, got only zeros.")
        if not kept.all():
            windows = windows._replace(starts=windows.starts[kept])
            y, weight = y[kept], weight[kept]
        return windows, y, weight / weight.mean()

    def _measure_scales(self, windows, y, sample_weight):
        """Measure mean and scale of features and targets; without standardisation 0 and 1."""
        X_shape, y_shape = windows.shape[1:], y.shape[1:]
        if not self.standardize:
            return np.zeros(X_shape), np.ones(X_shape), np.zeros(y_shape), np.ones(y_shape)
        # A row counts in each window that holds it, as if windows shared no memory.
        X_mean, X_scale = _measure(windows.rows, weigh_rows(windows, sample_weight))
        y_mean, y_scale = _measure(y.reshape(len(y), -1), sample_weight)
        return X_mean, X_scale, y_mean.reshape(y_shape), y_scale.reshape(y_shape)

    def _check_features(self, X, windows, reset):
        """Record the features of `X`, or check that they and the windows are those of `fit`.

        The table scikit-learn reads them off is a 2-D `X` itself, or else the rows.
        """
        is_table = len(X.shape) == 2
        if reset:
            validate_data(self, X if is_table else windows.rows, skip_check_array=True)
            return
        if is_table and self.n_features_in_ == self.window_shape_[0]:
            validate_data(self, X, reset=False, skip_check_array=True)
        if windows.shape != self.window_shape_:
            raise ValueError(
                "X must hold windows of the shape (n_steps, n_features) seen in fit, "
                f"{self.window_shape_}, got {windows.shape}. A single window keeps its first "
                "axis: X[:1], not X[0]."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def _as_array(X):
    """Make an array of anything that has no shape, such as a list."""
    return X if hasattr(X, "shape") else np.asarray(X)


def _check_numeric(name, array):
    """Refuse text, which scikit-learn would read as numbers where it can."""
    if getattr(getattr(array, "dtype", None), "kind", "") in ("S", "U"):
        raise ValueError(f"{name} must be numeric, got text of dtype {array.dtype}.")


def _forget(estimator):
    """Delete all fitted attributes."""
    for name in [name for name in vars(estimator) if name.endswith("_")]:
        delattr(estimator, name)


def _check_units(units):
    """Validate `units` as a tuple of positive ints, one for each layer."""
    layers = units if isinstance(units, tuple) else (units,)
    if not layers or not all(isinstance(n, Integral) and n > 0 for n in layers):
        raise ValueError(
            "units must be a positive int or a tuple of positive ints, one for each layer, "
            f"got {units!r}."
        )
    return tuple(int(n) for n in layers)


def _measure(values, weight):
    """Measure mean and standard deviation, 1 where it is 0, of the columns of `values`.

    Rows of weight 0 do not count. Chunks spare a copy of all rows.
    """
    with _training.kept_random_states():  # its import draws from them, and takes a while
        from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for chunk in gen_batches(len(values), 8_192):
        counted = weight[chunk] > 0
        if counted.any():
            with np.errstate(over="ignore", invalid="ignore"):
                scaler.partial_fit(values[chunk][counted], sample_weight=weight[chunk][counted])
    if not hasattr(scaler, "mean_"):  # no step of any window is real
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if not np.isfinite([scaler.mean_, scaler.scale_]).all():
        raise ValueError("X and y must have finite variances, got values too large to square.")
    return scaler.mean_, scaler.scale_


def _make_targets(y, sample_weight, mean, scale, loss):
    """Make the targets in the units of the loss: standardised for losses of residuals."""
    y, mean, scale = y.reshape(len(y), -1), mean.reshape(-1), scale.reshape(-1)
    if loss in _LOSSES_OF_RESIDUALS:
        y, mean, scale = (y - mean) / scale, np.zeros_like(mean), np.ones_like(scale)
    return _training.Targets(y, sample_weight, mean, scale)
