"""Callbacks of Keras and of scikit-learn, as observers of the training."""

import copy

import numpy as np

from sklstm.export.keras import set_weights
from sklstm.training.loop import Observer
from sklstm.training.tensorflow import import_tensorflow

try:  # scikit-learn 1.9
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Nothing, where scikit-learn knows no callbacks."""


def check_callbacks(callbacks):
    """Check that all callbacks are Keras'."""
    for callback in callbacks or ():
        _, keras = import_tensorflow()
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"callbacks must be instances of keras.callbacks.Callback, got {callback!r}. "
                "Those of scikit-learn go to set_callbacks."
            )


def tell_of_fit(estimator, X, y):
    """Tell callbacks of scikit-learn of a fit that has no parts and is done."""
    if hasattr(estimator, "_init_callback_context"):
        context = estimator._init_callback_context()
        context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        context.call_on_fit_task_end(estimator=estimator, X=X, y=y, reconstruction_attributes={})


class KerasCallbacks(Observer):
    """Tells callbacks of Keras of each epoch; they see the model that `build_model` makes."""

    def __init__(self, callbacks, build_model, epochs):
        self._callbacks = copy.deepcopy(list(callbacks))
        self._build_model = build_model
        self._epochs = epochs

    def begin(self, run, program):
        """Build the model and tell of the training."""
        _, keras = import_tensorflow()
        self._model = self._build_model(run.weights)
        self._model.optimizer = program.optimizer
        self._model.stop_training = False
        self._logs = {}
        self._list = keras.callbacks.CallbackList(
            self._callbacks, model=self._model, epochs=self._epochs, verbose=0
        )
        self._list.on_train_begin()
        return self._take_over(run, program)

    def begin_epoch(self, run, program):
        """Tell of the epoch."""
        self._list.on_epoch_begin(len(run.losses))
        return self._take_over(run, program)

    def end_epoch(self, run, program):
        """Tell of the losses; take over the wish to stop."""
        set_weights(self._model, run.weights)
        self._logs = {"loss": run.losses[-1]}
        if run.validation_losses:
            self._logs["val_loss"] = run.validation_losses[-1]
        self._list.on_epoch_end(len(run.losses) - 1, self._logs)
        run = self._take_over(run, program)
        return run._replace(stopped=run.stopped or bool(self._model.stop_training))

    def end(self, run):
        """Tell of the end."""
        set_weights(self._model, run.weights)
        self._list.on_train_end(self._logs)
        return run._replace(weights=self._model.get_weights())

    def _take_over(self, run, program):
        """Go on with the weights that a callback set."""
        weights = self._model.get_weights()
        if all(map(np.array_equal, weights, run.weights)):
            return run
        program.set_weights(weights)
        return run._replace(weights=weights)


class SklearnCallbacks(Observer):
    """Tells callbacks of scikit-learn of each epoch, in the `context` of a fit.

    `task` are the arguments that each hook is given; `describe` tells the fitted attributes of an
    estimator whose training ends with a run.
    """

    def __init__(self, context, task, describe):
        self._context = context
        self._task = task
        self._describe = describe
        self._epoch = None

    def begin(self, run, program):
        """Tell of the fit."""
        self._context.call_on_fit_task_begin(**self._task)
        return run

    def begin_epoch(self, run, program):
        """Tell of the epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._task)
        return run

    def end_epoch(self, run, program):
        """Tell of the epoch's end; take over the wish to stop."""
        epoch, self._epoch = self._epoch, None
        stop = epoch.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run._replace(stopped=run.stopped or bool(stop))

    def end(self, run):
        """Tell of the end of the fit, and before of that of an epoch that was interrupted."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._task["estimator"])
        self._context.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run
