"""The estimator: parameters, validation and shapes around the network and its training."""

from contextlib import contextmanager
from dataclasses import asdict
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _get_feature_names,
    check_is_fitted,
    validate_data,
)

from sklstm._version import __version__
from sklstm._warnings import warn
from sklstm.estimators.holdout import hold_out
from sklstm.estimators.samples import as_array, check_samples, check_windows
from sklstm.export.keras import to_keras
from sklstm.network.forward import ACTIVATIONS, Network, initial_weights, predict
from sklstm.network.scales import Scales, check_units, measure_scales, read_base
from sklstm.training.callbacks import (
    CallbackSupportMixin,
    KerasCallbacks,
    SklearnCallbacks,
    check_callbacks,
)
from sklstm.training.checkpoint import Checkpoint
from sklstm.training.epoch import Objective, Targets
from sklstm.training.loop import Course, Data, Run, train
from sklstm.training.optimizer import check_optimizer, describe_optimizer
from sklstm.training.progress import show_progress
from sklstm.windows.rows import find_last

# Keras' losses that give one value for each window: https://keras.io/api/losses
_LOSSES_OF_RESIDUALS = {
    "huber",
    "log_cosh",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "quantile",
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


class LSTMRegressor(CallbackSupportMixin, MultiOutputMixin, RegressorMixin, BaseEstimator):
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

    bidirectional : bool, default=False
        Whether each layer reads the steps backwards as well, with as many units again.

    segment : int, default=1
        Consecutive steps that the cell reads at once [2]_: windows of `n_steps` steps are read as
        `n_steps / segment` steps of `segment * n_features` values. Fewer and wider steps train
        faster in proportion, and forecast long windows often better. A segment in which a value
        is missing is skipped whole.

    anchor : int or sequence of int, default=None
        Column of `X` whose future `y` is, in the same units; or one such column for each output.
        The column is then read relative to its value in the last real step of the window, and the
        change from there is predicted, so that levels never seen in training can be forecast.
        Negative numbers count from the last column.

    dropout : float, default=0.0
        Share of each cell's inputs that training leaves out, drawn anew for each window in each
        epoch and the same for all its steps [3]_.

    recurrent_dropout : float, default=0.0
        The same for the state that a cell hands to its next step.

    loss : str, default="mse"
        "quantile", or one of Keras' losses by its name. The losses of residuals ("mse", "mae",
        "huber", "log_cosh", "quantile") are taken of the standardised targets; all others, such
        as "mape" or "poisson", of the targets in their own units, for which there is no `anchor`.

    quantile : float, default=0.5
        Quantile that the loss "quantile", the pinball loss [4]_, makes the model predict.

    alpha : float, default=0.0
        Strength of the L2 penalty, as in scikit-learn's `MLPRegressor`: half of `alpha` times the
        sum of the squares of all kernels, the recurrent ones included, divided by the windows of
        the batch, is added to the loss.

    max_grad_norm : float, default=None
        Largest Euclidean norm of the gradient of all weights; a longer one is scaled down to it.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One of Keras' optimizers by its name, with Keras' settings except for the learning rate, or
        an instance, of which a copy is used, with its own learning rate or schedule. Classes and
        schedules of your own must be registered by `keras.saving.register_keras_serializable`, or
        Keras can neither copy nor pickle them.

    learning_rate : float, default=0.003
        Learning rate of an optimizer given by its name.

    epochs : int, default=100
        Passes over the training windows; the most of them, if `early_stopping`.

    batch_size : int, default=32
        Windows in each update of the weights.

    shuffle : bool, default=True
        Whether to draw the windows in a new order in each epoch.

    standardize : bool, default=True
        Whether to bring each feature and each output to mean 0 and standard deviation 1 over the
        training data. Predictions come back in the units of `y` either way.

    early_stopping : bool, default=False
        Whether to end the training when the validation loss no longer improves, and to keep the
        weights that had the lowest. The validation data is `X_val` and `y_val` of `fit`, or else
        the end of the training data.

    validation_fraction : float, default=0.1
        Share of the windows, the last ones, that `early_stopping` validates on. Windows that have
        rows in common with these, or whose targets lie in them, are left out of the training;
        with several outputs the targets are taken to be that many steps ahead.

    n_iter_no_change : int, default=10
        Epochs in a row that may fail to lower the validation loss by `tol`.

    tol : float, default=1e-4
        Least improvement of the validation loss that counts, in the units of `loss`.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights, scales and optimizer of an earlier fit, for
        `epochs` more, instead of starting anew.

    callbacks : list of keras.callbacks.Callback, default=None
        Told of the training and of each epoch, not of batches. Each fit takes copies of them, so
        read what they did from files, or from what a function given to a `LambdaCallback` fills.
        Their model is that of `to_keras`, with the optimizer of the training, uncompiled; weights
        and learning rates that they set are trained on with. The callbacks of scikit-learn 1.9
        and later go to `set_callbacks`.

    checkpoint : str or path-like, default=None
        File that `fit` writes its state to before the training and after each epoch. A fit that
        was killed goes on from there when it is called again, to the same weights; one that ended
        has nothing left to do, unless there are more `epochs` now. The file of a fit with other
        data or parameters is refused, as is any other file, so each fit needs its own path: a
        search, whose fits would share one, fails. `callbacks` are no part of the state: those
        that remember earlier epochs, such as ReduceLROnPlateau, begin anew. Two processes must
        not write to one path at a time.

    verbose : int, default=0
        1 shows a bar with epoch, losses and time left that moves on the terminal; in notebooks,
        files and the workers of `n_jobs`, and with 2, each epoch prints a line.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the order of the windows and the dropout. Pass an int for the
        same weights, to the last bit, at every call.

    Attributes
    ----------
    weights_ : list of ndarray
        float32 weights in Keras' order and layout: kernel, recurrent kernel and bias of each LSTM
        layer, or of its two directions, then kernel and bias of the output layer.

    network_ : dict
        The trained network: `n_features`, `units`, `activation`, `n_outputs`, `segment`,
        `bidirectional` and `anchor`.

    window_shape_ : tuple of int
        `(n_steps, n_features)` of the windows seen in `fit`.

    X_mean_, X_scale_ : ndarray of shape (n_features,)
        What features are standardised with: their mean and standard deviation over the steps of
        the training windows, or 0 and 1 if `standardize=False`. The scale of an anchor is the
        root mean square of its differences to the last value.

    y_mean_, y_scale_ : ndarray of shape () or (n_outputs,)
        The same for `y`, or for its change from the anchor.

    loss_curve_ : list of float
        Mean loss of the training windows in each epoch, without the penalty.

    validation_loss_curve_ : list of float or None
        Mean loss of the validation windows after each epoch, None without validation.

    best_loss_ : float or None
        Lowest validation loss, None without validation.

    optimizer_state_ : dict
        Name and variables of the optimizer, for `warm_start` and `partial_fit`.

    random_state_ : tuple
        State of the random numbers, for the same.

    n_iter_ : int
        Epochs trained.

    version_ : str
        Version of sklstm that trained. Another version warns when it predicts or goes on.

    n_features_in_ : int
        Number of features of 3-D windows; number of columns, which are steps, of a 2-D `X`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, if they are all strings.

    See Also
    --------
    SlidingWindowTransformer : Makes the windows, inside a Pipeline.

    Notes
    -----
    Keras' conventions hold: Glorot uniform kernels, orthogonal recurrent kernels, forget gates
    with bias 1. With one `random_state` the weights are the same to the last bit in every process
    and for every number of threads on one machine, unless an optimizer of Keras takes norms of more
    than about 100,000 weights.

    References
    ----------
    .. [1] Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. Neural Computation
       9(8), 1735-1780.
    .. [2] Lin, S. et al. (2023). SegRNN: segment recurrent neural network for long-term time
       series forecasting. arXiv:2308.11200.
    .. [3] Gal, Y. and Ghahramani, Z. (2016). A theoretically grounded application of dropout in
       recurrent neural networks. Advances in Neural Information Processing Systems 29.
    .. [4] Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46(1), 33-50.

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
        "activation": [StrOptions(set(ACTIVATIONS))],
        "bidirectional": ["boolean"],
        "segment": [Interval(Integral, 1, None, closed="left")],
        "anchor": [Integral, "array-like", None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "loss": [StrOptions(_LOSSES_OF_RESIDUALS | _LOSSES_OF_VALUES)],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer": [str, HasMethods(["apply", "get_config"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "standardize": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "checkpoint": [str, HasMethods("__fspath__"), None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        units=50,
        *,
        activation="tanh",
        bidirectional=False,
        segment=1,
        anchor=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        loss="mse",
        quantile=0.5,
        alpha=0.0,
        max_grad_norm=None,
        optimizer="adam",
        learning_rate=0.003,
        epochs=100,
        batch_size=32,
        shuffle=True,
        standardize=True,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.units = units
        self.activation = activation
        self.bidirectional = bidirectional
        self.segment = segment
        self.anchor = anchor
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.loss = loss
        self.quantile = quantile
        self.alpha = alpha
        self.max_grad_norm = max_grad_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.standardize = standardize
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
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

        X_val, y_val : array-like, default=None
            Windows and targets, shaped like `X` and `y`, on which the validation loss is measured
            after each epoch. In a Pipeline with `transform_input=["X_val"]`, rows like its own.

        Returns
        -------
        self : LSTMRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the data or the checkpoint is invalid, which leaves an earlier fit as
            it is, or if the training diverges, which leaves the estimator unfitted.
        """
        return self._fit(X, y, sample_weight, X_val, y_val, continued=self.warm_start)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch, going on from the weights, scales and optimizer of earlier calls.

        The first call measures the scales; later ones keep them.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_steps, n_features) or (n_windows, n_steps)
            Windows, as for `fit`.

        y : array-like of shape (n_windows,) or (n_windows, n_outputs)
            Targets, without missing values.

        sample_weight : array-like of shape (n_windows,), default=None
            Weights of the windows, as for `fit`.

        Returns
        -------
        self : LSTMRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            As `fit`; also with `early_stopping`, as there is no end of the data.
        """
        if self.early_stopping:
            raise ValueError("early_stopping must be False for partial_fit, got True.")
        return self._fit(X, y, sample_weight, continued=True, one_epoch=True)

    def _fit(
        self, X, y, sample_weight, X_val=None, y_val=None, *, continued=False, one_epoch=False
    ):
        X = as_array(X)
        samples = check_samples(self, X, y, sample_weight)
        _get_feature_names(X)  # refuses mixed names before the training, not after it
        samples, validation = self._split_validation(samples, X_val, y_val)
        network = self._describe_network(samples)
        check_callbacks(self.callbacks)
        continued = continued and hasattr(self, "weights_")
        scales, run = self._begin(X, samples, network, continued)
        check_optimizer(self.optimizer, run.optimizer_state)
        data = _make_data(samples, scales, network.anchor, self.loss)
        if validation is not None:
            validation = _make_data(validation, scales, network.anchor, self.loss)
        epochs = len(run.losses) + (1 if one_epoch else self.epochs)
        checkpoint, learning_rate = None, self._get_learning_rate()
        if self.checkpoint is not None and not one_epoch:
            problem = self._describe_problem(data, validation, run if continued else None)
            checkpoint = Checkpoint(self.checkpoint, problem)
            n_before, run = len(run.losses), checkpoint.resume(run, epochs)
            if len(run.losses) > n_before:  # with a learning rate that callbacks may have set
                learning_rate = None

        _forget(self)
        self._check_features(X, samples.windows, reset=True)
        self._set_fitted(_describe_fixed(network, samples.windows.shape, scales))
        try:
            with self._watch(run, epochs, one_epoch, X, y, sample_weight) as observers:
                run = train(
                    run,
                    network,
                    data,
                    validation,
                    self._get_objective(),
                    self.optimizer,
                    learning_rate,
                    self._get_course(epochs),
                    observers if checkpoint is None else [*observers, checkpoint],
                )
        except BaseException:
            _forget(self)
            raise
        return self._set_fitted(self._describe_run(run))

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
        self._check_fitted()
        X = as_array(X)
        windows = check_windows(self, X)
        self._check_features(X, windows, reset=False)
        network, scales = Network(**self.network_), self._get_scales()
        outputs = predict(network, self.weights_, windows, scales.X_mean, scales.X_scale)
        changes = outputs.reshape(-1, *scales.y_mean.shape).astype(np.float64)
        changes = changes * scales.y_scale + scales.y_mean
        return changes + read_base(windows, network.anchor, scales.X_mean, changes.ndim)

    def to_keras(self):
        """Build a Keras model with these weights.

        Returns
        -------
        model : keras.Model
            Of stock layers, uncompiled. It reads windows `(n_windows, n_steps, n_features)` in
            raw units, NaN where a value is missing, and predicts what `predict` does.
        """
        self._check_fitted()
        return self._build_keras_model(self.weights_)

    def _build_keras_model(self, weights):
        return to_keras(
            Network(**self.network_),
            weights,
            self.window_shape_[0],
            self._get_scales(),
            self.dropout,
            self.recurrent_dropout,
        )

    def _begin(self, X, samples, network, continued):
        """Return the scales and the run to begin with: new ones, or those of an earlier fit."""
        if not continued:
            scales = measure_scales(samples, network.anchor, self.standardize)
            run = _start_run(network, check_random_state(self.random_state))
            check_units(samples, network.anchor, scales.X_mean)
            return scales, run
        self._check_fitted()
        self._check_features(X, samples.windows, reset=False)
        self._check_same_network(network)
        return self._get_scales(), self._get_run()

    def _check_fitted(self):
        """Check that the estimator is fitted, and warn if another version did that."""
        check_is_fitted(self)
        if self.version_ != __version__:
            warn(
                f"This LSTMRegressor was fitted by sklstm {self.version_} and is used by "
                f"{__version__}, which may predict something else. Fit it again.",
            )

    def _split_validation(self, samples, X_val, y_val):
        """Split the samples in those to train on and those to validate on, None if there are none.

        The steps ahead of the targets are not known: a second dimension is taken for them.
        """
        if (X_val is None) != (y_val is None):
            given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
            raise ValueError(f"{missing} must be passed with {given}, got None.")
        if X_val is not None:
            validation = check_samples(self, as_array(X_val), y_val)
            shapes = [(part.windows.shape, part.y.shape[1:]) for part in (samples, validation)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    "X_val and y_val must hold windows and targets of the shapes of X and y, "
                    f"{shapes[0][0]} and {shapes[0][1]}, got {shapes[1][0]} and {shapes[1][1]}."
                )
            return samples, validation
        if not self.early_stopping:
            return samples, None
        return hold_out(samples, self.validation_fraction, horizon=samples.n_outputs)

    def _describe_network(self, samples):
        """Describe the network, after checking what depends on the windows."""
        n_steps, n_features = samples.windows.shape
        if n_steps % self.segment:
            below = n_steps // self.segment * self.segment
            nearest = f"{below} or {below + self.segment}" if below else f"{self.segment}"
            raise ValueError(
                f"segment must divide n_steps, got segment={self.segment} and windows of {n_steps} "
                f"steps. The nearest lengths that it divides: {nearest}."
            )
        if self.anchor is not None and self.loss not in _LOSSES_OF_RESIDUALS:
            raise ValueError(
                f"loss must be one of {sorted(_LOSSES_OF_RESIDUALS)} with an anchor, "
                f"got {self.loss!r}."
            )
        n_outputs = samples.n_outputs
        return Network(
            n_features=n_features,
            units=_check_units(self.units),
            activation=self.activation,
            n_outputs=n_outputs,
            segment=int(self.segment),
            bidirectional=bool(self.bidirectional),
            anchor=_check_anchor(self.anchor, n_features, n_outputs),
        )

    def _check_same_network(self, network):
        """Check that the training can go on with the network fitted before."""
        before, now = self.network_, asdict(network)
        changed = [
            f"{name} from {before[name]} to {now[name]}"
            for name in now
            if before[name] != now[name]
        ]
        if changed:
            raise ValueError(
                "To go on with an earlier fit the network must be the same, but these changed: "
                f"{', '.join(changed)}. Set warm_start=False and call fit."
            )

    def _get_objective(self):
        return Objective(
            self.loss,
            self.alpha,
            np.inf if self.max_grad_norm is None else self.max_grad_norm,
            self.dropout,
            self.recurrent_dropout,
            self.quantile,
        )

    def _get_course(self, epochs):
        patience = self.n_iter_no_change if self.early_stopping else None
        return Course(epochs, self.batch_size, self.shuffle, patience, self.tol)

    def _get_learning_rate(self):
        """Return the learning rate, None if it is a schedule of the optimizer."""
        if isinstance(self.optimizer, str):
            return self.learning_rate
        learning_rate = self.optimizer.get_config().get("learning_rate")
        return learning_rate if isinstance(learning_rate, Real) else None

    def _get_scales(self):
        return Scales(self.X_mean_, self.X_scale_, self.y_mean_, self.y_scale_)

    def _get_run(self):
        """Return the run that this estimator's training ended with."""
        return Run(
            weights=self.weights_,
            random_state=self.random_state_,
            optimizer_state=self.optimizer_state_,
            losses=self.loss_curve_,
            validation_losses=self.validation_loss_curve_ or [],
        )

    def _describe_run(self, run):
        """Describe by its fitted attributes the estimator whose training ends with `run`."""
        validated = bool(run.validation_losses)
        best = self.early_stopping and run.best_weights is not None
        return {
            "weights_": run.best_weights if best else run.weights,
            "optimizer_state_": run.optimizer_state,
            "random_state_": run.random_state,
            "loss_curve_": run.losses,
            "validation_loss_curve_": run.validation_losses if validated else None,
            "best_loss_": run.best_loss if validated else None,
            "n_iter_": len(run.losses),
        }

    def _set_fitted(self, attributes):
        for name, value in attributes.items():
            setattr(self, name, value)
        return self

    def _describe_problem(self, data, validation, start):
        """Describe all that shapes the training, for a checkpoint to be told from others.

        `start` is the run of an earlier fit to go on with, None without.
        """
        params = self.get_params()
        for name in ("callbacks", "checkpoint", "epochs", "verbose"):  # may differ
            del params[name]
        if not isinstance(self.random_state, Integral):  # the file has its state
            del params["random_state"]
        kind, settings = describe_optimizer(self.optimizer)
        params["optimizer"] = kind.__name__, settings
        params["learning_rate"] = self._get_learning_rate()
        return params, data, validation, start

    @contextmanager
    def _watch(self, run, epochs, one_epoch, X, y, sample_weight):
        """Give the observers of the training: callbacks of Keras and of scikit-learn, progress."""
        observers = []
        if self.callbacks:
            observers.append(KerasCallbacks(self.callbacks, self._build_keras_model, epochs))
        if not one_epoch and hasattr(self, "_init_callback_context"):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            task = {"estimator": self, "X": X, "y": y, "metadata": metadata}
            context = self._init_callback_context(max_subtasks=epochs - len(run.losses))
            observers.append(SklearnCallbacks(context, task, self._describe_fitted))
        with show_progress(self.verbose, epochs) as shown:
            yield [*observers, *shown]

    def _describe_fitted(self, run):
        """Describe by all its fitted attributes the estimator whose training ends with `run`."""
        fixed = {name: value for name, value in vars(self).items() if name.endswith("_")}
        return fixed | self._describe_run(run)

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


def _check_anchor(anchor, n_features, n_outputs):
    """Validate `anchor` as a tuple of columns, one for each output, or None."""
    if anchor is None:
        return None
    columns = [anchor] * n_outputs if isinstance(anchor, Integral) else list(anchor)
    if len(columns) != n_outputs:
        raise ValueError(
            "anchor must be a column or have one for each output, "
            f"got {len(columns)} for {n_outputs} outputs."
        )
    for column in columns:
        if not isinstance(column, Integral) or not -n_features <= column < n_features:
            raise ValueError(f"anchor must be a column from 0 to {n_features - 1}, got {column!r}.")
    return tuple(int(column) % n_features for column in columns)


def _start_run(network, random_state):
    """Start with new weights, and with a generator of its own for all that follows."""
    generator = np.random.RandomState(random_state.randint(2**31 - 1))
    weights = initial_weights(network, generator)
    return Run(weights, generator.get_state(), losses=[], validation_losses=[])


def _make_data(samples, scales, anchor, loss):
    """Make the data to train or validate on, with targets in the units of the loss.

    These are standardised for losses of residuals.
    """
    windows, _, y, weights = samples
    y = y - read_base(windows, anchor, scales.X_mean, y.ndim)
    y, mean, scale = y.reshape(len(y), -1), scales.y_mean.reshape(-1), scales.y_scale.reshape(-1)
    if loss in _LOSSES_OF_RESIDUALS:
        y, mean, scale = (y - mean) / scale, np.zeros_like(mean), np.ones_like(scale)
    last = windows.starts[:0] if anchor is None else find_last(windows)
    return Data(windows, last, scales.X_mean, scales.X_scale, Targets(y, weights, mean, scale))


def _describe_fixed(network, window_shape, scales):
    """Describe by its fitted attributes what the training does not change."""
    return {
        "network_": asdict(network),
        "window_shape_": window_shape,
        **{f"{name}_": value for name, value in scales._asdict().items()},
        "version_": __version__,
    }
