"""The base of all LSTM estimators: parameters, validation, fit, and what a fit goes on from."""

from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from numbers import Integral, Real

import joblib
import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklstm.estimators.callbacks import SklearnCallbacks
from sklstm.estimators.features import (
    OF_X,
    check_names,
    check_window_shape,
    drop_repeated_names,
    read_names,
    warn_of_rows,
)
from sklstm.estimators.fitted import (
    Fitted,
    hand_over,
    make_attributes,
    read_attributes,
    warn_of_version,
)
from sklstm.estimators.holdout import hold_out
from sklstm.estimators.parameters import (
    HUGE,
    TINY,
    check_float32,
    read_learning_rate,
    read_segment,
    read_units,
)
from sklstm.estimators.samples import (
    as_array,
    check_each_output_known,
    check_windows,
    hash_samples,
    make_data,
    make_samples,
)
from sklstm.export.keras import to_keras
from sklstm.network.activations import ACTIVATIONS
from sklstm.network.base import warn_if_units_differ
from sklstm.network.description import Network
from sklstm.network.forward import predict
from sklstm.network.scales import measure_scales
from sklstm.training.checkpoint import Checkpoint
from sklstm.training.epoch import Hyperparameters
from sklstm.training.keras_callbacks import KerasCallbacks, check_callbacks
from sklstm.training.loop import Problem, Schedule, start_run, train
from sklstm.training.optimizer import check_optimizer, describe_optimizer
from sklstm.training.progress import show_progress
from sklstm.windows.callbacks import CallbackSupportMixin
from sklstm.windows.horizon import read_outputs

_NAMES = {"head": "head (by loss)"}  # of what is no parameter


class BaseLSTM(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """What a regressor and a classifier have in common; they differ in the hooks at the end."""

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left"), tuple],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "bidirectional": ["boolean"],
        "segment": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train on windows and their targets.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_steps, n_features) or (n_windows, n_steps)
            Windows, the last step the latest; 2-D: of one feature, the columns its steps, which a
            warning doubts if the names of a DataFrame are not those of lags. NaN marks a missing
            value, as do None, `pandas.NA` and the mask of a masked array.
            Overlapping windows that share memory, as `SlidingWindowTransformer` makes them, are
            never copied.

        y : array-like of shape (n_windows,) or (n_windows, n_outputs)
            Targets. NaN marks one that is not known: it has no loss, so it teaches nothing and
            counts for nothing. Each output needs a known one.

        sample_weight : array-like of shape (n_windows,), default=None
            Weights of the windows in the loss and in standardisation, 1 each by default. Only
            their ratios count; a window of weight 0 might as well be absent.

        X_val, y_val : array-like, default=None
            Windows and targets, shaped like `X` and `y`, on which the validation loss is measured
            after each epoch. Where both have feature names, `X_val` has those of `X`. In a Pipeline
            with `transform_input=["X_val"]`, rows like its own.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, the data or the checkpoint is invalid, or if the training diverges.
            An earlier fit stays as it was.
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
            Targets, as for `fit`. In later calls all targets of an output may be missing.

        sample_weight : array-like of shape (n_windows,), default=None
            Weights of the windows, as for `fit`.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            As `fit`; also with `early_stopping`, as there is no end of the data.
        """
        if self.early_stopping:
            raise ValueError("early_stopping must be False for partial_fit, got True.")
        return self._fit(X, y, sample_weight, continued=True, one_epoch=True)

    def to_keras(self):
        """Build a Keras model with these weights.

        Returns
        -------
        model : keras.Model
            Of stock layers, uncompiled. It reads windows `(n_windows, n_steps, n_features)` in
            raw units, NaN where a value is missing, and predicts what `predict` does.
        """
        fitted = self._read_fitted()
        return self._build_keras_model(fitted, fitted.run.weights)

    def _fit(
        self, X, y, sample_weight, X_val=None, y_val=None, *, continued=False, one_epoch=False
    ):
        """Make a fit aside, and hand it over at the end."""
        X = as_array(X)
        X_val = None if X_val is None else as_array(X_val)
        samples = self._read_samples(X, y, sample_weight)
        if X_val is not None and len(X_val.shape) == len(X.shape):
            check_names(read_names(X_val), read_names(X), OF_X)
        _, steps = read_outputs(y, samples.n_outputs)
        training, validation = self._split_validation(samples, X_val, y_val, max(steps))
        loss = self._read_loss(training, validation)
        continued = continued and hasattr(self, "weights_")
        if continued:
            self._check_features(X, training.windows)
        network = self._make_network(training, loss, self._name_features(X, continued))
        check_callbacks(self.callbacks)
        fitted = self._begin_again(network) if continued else self._begin(X, training, network)
        check_optimizer(self.optimizer, fitted.run.optimizer_state)
        problem = self._make_problem(fitted, training, validation, loss, one_epoch)
        checkpoints = []
        if self.checkpoint is not None and not one_epoch:
            validated = None if X_val is None else validation
            given = self._list_given(samples, sample_weight, validated)
            checkpoints = [
                Checkpoint(self.checkpoint, (*given, tuple(fitted.run) if continued else None))
            ]
            run = checkpoints[0].resume(fitted.run, problem.schedule.epochs)
            if len(run.losses) > len(fitted.run.losses):
                problem = problem._replace(learning_rate=None)  # callbacks may have set another
            fitted = fitted._replace(run=run)
        del samples, training, validation  # the problem has what the training reads of them
        task = {"X": X, "y": y, "sample_weight": sample_weight, "one_epoch": one_epoch}
        with self._observe(fitted, problem, **task) as observers:
            run = train(fitted.run, problem, [*observers, *checkpoints])
        return hand_over(self._end(fitted, run), self)

    def _read_samples(self, X, y, sample_weight=None, name="y"):
        windows = check_windows(self, X)
        return make_samples(windows, self._read_targets(y), sample_weight, name)

    def _split_validation(self, samples, X_val, y_val, horizon):
        """Split the samples in those to train on and those to validate on, None if there are none.

        The targets are up to `horizon` steps ahead.
        """
        if (X_val is None) != (y_val is None):
            given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
            raise ValueError(f"{missing} must be passed with {given}, got None.")
        if X_val is not None:
            validation = self._read_samples(X_val, y_val, name="y_val")
            shapes = [(part.windows.shape, part.y.shape[1:]) for part in (samples, validation)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    "X_val and y_val must hold windows and targets of the shapes of X and y, "
                    f"{shapes[0][0]} and {shapes[0][1]}, got {shapes[1][0]} and {shapes[1][1]}."
                )
            return samples, validation
        if not self.early_stopping:
            return samples, None
        return hold_out(samples, self.validation_fraction, horizon)

    def _name_features(self, X, continued):
        """Return the names of the features as `X`, or else an earlier fit, has them, or None."""
        names = read_names(X) if len(X.shape) == 3 else None
        if names is None and continued and self.n_features_in_ == self.window_shape_[1]:
            return getattr(self, "feature_names_in_", None)
        return names

    def _make_network(self, samples, loss, names):
        n_steps, n_features = samples.windows.shape
        return Network(
            n_features=n_features,
            units=read_units(self.units),
            activation=self.activation,
            n_outputs=samples.n_outputs,
            segment=read_segment(self.segment, n_steps),
            bidirectional=bool(self.bidirectional),
            anchor=self._read_anchor(samples, names),
            head=loss.head,
        )

    def _begin(self, X, samples, network):
        """Begin with new scales and weights."""
        feature_names = read_names(X)
        warn_of_rows(X, type(self).__name__)
        check_each_output_known(samples)
        scales = measure_scales(samples, network, self.standardize)
        warn_if_units_differ(samples, network.anchor, scales.X_mean)
        return Fitted(
            network=network,
            window_shape=samples.windows.shape,
            scales=scales,
            run=start_run(network, check_random_state(self.random_state)),
            n_features_in=X.shape[1] if len(X.shape) == 2 else network.n_features,
            feature_names_in=feature_names,
        )

    def _begin_again(self, network):
        """Begin with what an earlier fit has left, whose network must be the same."""
        fitted = self._read_fitted()
        before, now = asdict(fitted.network), asdict(network)
        changed = [
            f"{_NAMES.get(name, name)} from {before[name]} to {now[name]}"
            for name in now
            if before[name] != now[name]
        ]
        if changed:
            raise ValueError(
                "To go on with an earlier fit the network must be the same, but these changed: "
                f"{', '.join(changed)}. Set warm_start=False and call fit."
            )
        return fitted

    def _make_problem(self, fitted, training, validation, loss, one_epoch):
        check_float32("max_grad_norm", self.max_grad_norm, TINY, HUGE)
        check_float32("alpha", self.alpha, 0, HUGE)
        for name in ("dropout", "recurrent_dropout"):
            check_float32(name, getattr(self, name), 0, 1 - 2**-24)
        datas = [
            None if samples is None else make_data(samples, fitted.network, fitted.scales, loss)
            for samples in (training, validation)
        ]
        return Problem(
            fitted.network,
            *datas,
            hyperparameters=Hyperparameters(
                loss.name,
                self.alpha,
                np.inf if self.max_grad_norm is None else self.max_grad_norm,
                self.dropout,
                self.recurrent_dropout,
                loss.quantile,
            ),
            optimizer=self.optimizer,
            learning_rate=read_learning_rate(self.optimizer, self.learning_rate),
            schedule=Schedule(
                epochs=len(fitted.run.losses) + (1 if one_epoch else int(self.epochs)),
                batch_size=int(self.batch_size),
                shuffle=self.shuffle,
                patience=int(self.n_iter_no_change) if self.early_stopping else None,
                tol=self.tol,
            ),
        )

    def _list_given(self, samples, sample_weight, validation):
        """List what the user gave that shapes the training, to tell a checkpoint from others."""
        params = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params().items()
        }
        params["units"] = read_units(self.units)
        for name in ("callbacks", "checkpoint", "epochs", "verbose"):  # may differ
            del params[name]
        if not isinstance(self.random_state, Integral):  # the file has its state
            del params["random_state"]
        kind, settings = describe_optimizer(self.optimizer)
        params["optimizer"] = kind.__name__, settings
        params["learning_rate"] = read_learning_rate(self.optimizer, self.learning_rate)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        parts = [samples] if validation is None else [samples, validation]
        split = joblib.hash(samples.windows[3:]) if self.early_stopping else None
        return params, weights, split, [hash_samples(part) for part in parts]

    @contextmanager
    def _observe(self, fitted, problem, *, X, y, sample_weight, one_epoch):
        """Give the observers of the training: callbacks of Keras and of scikit-learn, progress."""
        observers, epochs = [], problem.schedule.epochs
        if self.callbacks:
            build_model = partial(self._build_keras_model, fitted)
            validated = problem.validation is not None
            observers.append(
                KerasCallbacks(self.callbacks, build_model, epochs, validated=validated)
            )
        if not one_epoch and hasattr(self, "_init_callback_context"):
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            task = {"estimator": self, "X": X, "y": y, "metadata": metadata}
            context = self._init_callback_context(max_subtasks=epochs - len(fitted.run.losses))

            def describe(run):
                return make_attributes(self._end(fitted, run))

            observers.append(SklearnCallbacks(context, task, describe))
        with show_progress(self.verbose, epochs) as shown:
            yield [*observers, *shown]

    def _end(self, fitted, run):
        """Return a fit whose training ended with this run; its weights are the best, if wanted."""
        if self.early_stopping and run.best_weights is not None:
            run = run._replace(weights=run.best_weights)
        return fitted._replace(run=run)

    def _read_fitted(self):
        """Read what was fitted, and warn if another version did that."""
        check_is_fitted(self)
        warn_of_version(self)
        return read_attributes(self)

    def _apply(self, X):
        """Return what was fitted, the windows of `X`, and the outputs for them, float64."""
        fitted = self._read_fitted()
        X = as_array(X)
        windows = check_windows(self, X)
        self._check_features(X, windows)
        outputs = predict(fitted.network, fitted.run.weights, windows, fitted.scales)
        return fitted, windows, ACTIVATIONS[fitted.network.head](outputs.astype(np.float64))

    def _build_keras_model(self, fitted, weights):
        n_rows, _ = fitted.window_shape
        scales = fitted.scales
        return to_keras(
            fitted.network, weights, n_rows, scales, self.dropout, self.recurrent_dropout
        )

    def _check_features(self, X, windows):
        """Check that the features of `X` and the windows are those of `fit`."""
        n_steps, n_features = self.window_shape_
        if len(X.shape) == 2 and (self.n_features_in_, n_features) == (n_steps, 1):
            validate_data(self, drop_repeated_names(X), reset=False, skip_check_array=True)
        elif len(X.shape) == 3 and self.n_features_in_ == n_features:
            check_names(read_names(X), getattr(self, "feature_names_in_", None))
        check_window_shape(X, windows.shape, self.window_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    # What a regressor and a classifier do each in its own way. What `predict` makes of the outputs
    # of `_apply` is another.

    @abstractmethod
    def _read_targets(self, y):
        """Validate `y` as float64 of shape `(n_windows,)` or `(n_windows, n_outputs)`."""

    @abstractmethod
    def _read_loss(self, training, validation):
        """Return the `Loss`, which names the head, and check that it serves the targets."""

    def _read_anchor(self, samples, names):
        """Return the columns that predictions are relative to, one for each output, or None."""
        return None
