"""Callbacks of Keras and of scikit-learn, as observers of the training."""

import copy

import numpy as np

from sklstm._export import set_weights
from sklstm._tensorflow import import_tensorflow
from sklstm._training import Observer

try:  # scikit-learn 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Nothing, where scikit-learn knows no callbacks."""

    def with_callbacks(method):
        """Leave a method as it is."""
        return method


class KerasCallbacks(Observer):
    """Tells callbacks of Keras of each epoch; they see the model that `build_model` makes."""

    def __init__(self, callbacks, build_model, epochs):
        self._callbacks = copy.deepcopy(callbacks)
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
            list(self._callbacks), model=self._model, epochs=self._epochs, verbose=0
        )
        self._list.on_train_begin()

    def begin_epoch(self, run, program):
        """Tell of the epoch."""
        self._list.on_epoch_begin(len(run.losses))

    def end_epoch(self, run, program):
        """Tell of the losses; take over weights that a callback set, and its wish to stop."""
        set_weights(self._model, run.weights)
        self._logs = {"loss": run.losses[-1]}
        if run.validation_losses:
            self._logs["val_loss"] = run.validation_losses[-1]
        self._list.on_epoch_end(len(run.losses) - 1, self._logs)
        run = self._take_over(run, program)
        return run._replace(stopped=run.stopped or bool(self._model.stop_training))

    def end(self, run, program):
        """Tell of the end; take over weights that a callback set."""
        set_weights(self._model, run.weights)
        self._list.on_train_end(self._logs)
        return self._take_over(run, program)

    def _take_over(self, run, program):
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

    def begin(self, run, program):
        """Tell of the fit."""
        self._context.call_on_fit_task_begin(**self._task)

    def begin_epoch(self, run, program):
        """Tell of the epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._task)

    def end_epoch(self, run, program):
        """Tell of the epoch's end; take over the wish to stop."""
        stop = self._epoch.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run._replace(stopped=run.stopped or bool(stop))

    def end(self, run, program):
        """Tell of the end of the fit."""
        self._context.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run
