"""Callbacks of Keras, as an observer of the training."""

import copy
import inspect

import numpy as np

from sklstm.training.loop import Observer
from sklstm.training.tensorflow import import_tensorflow


def check_callbacks(callbacks):
    """Check that all callbacks are Keras'."""
    for callback in callbacks or ():
        _, keras = import_tensorflow()
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"callbacks must be instances of keras.callbacks.Callback, got {callback!r}. "
                "Those of scikit-learn go to set_callbacks."
            )


class KerasCallbacks(Observer):
    """Calls the hooks of Keras callbacks, which see the model that `build_model` makes.

    `validated` says whether the training has validation losses; a run may have those of an earlier
    one. The callbacks are shallow copies: what one sets on itself, it sets on the copy, but
    what it holds, such as a list to fill or a trial of Optuna's to report to, is the user's.
    """

    def __init__(self, callbacks, build_model, epochs, *, validated):
        self._callbacks = [_copy(callback) for callback in callbacks]
        self._build_model = build_model
        self._epochs = epochs
        self._validated = validated

    def begin(self, run, program):
        """Build the model and call `on_train_begin`."""
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
        """Call `on_epoch_begin`."""
        self._list.on_epoch_begin(len(run.losses))
        return self._take_over(run, program)

    def end_epoch(self, run, program):
        """Call `on_epoch_end` with the losses; stop if a callback wants to."""
        set_weights(self._model, run.weights)
        self._logs = {"loss": run.losses[-1]}
        if self._validated and run.validation_losses:
            self._logs["val_loss"] = run.validation_losses[-1]
        self._list.on_epoch_end(len(run.losses) - 1, self._logs)
        run = self._take_over(run, program)
        return run._replace(stopped=run.stopped or bool(self._model.stop_training))

    def end(self, run):
        """Call `on_train_end`."""
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


def _copy(callback):
    """Copy a callback, but not what it holds; its own methods among that are the copy's."""
    copied = copy.copy(callback)
    for name, value in vars(callback).items():
        if inspect.ismethod(value) and value.__self__ is callback:
            setattr(copied, name, value.__func__.__get__(copied))
    return copied


def set_weights(model, weights):
    """Give a Keras model of the network other weights, in its order."""
    weights = iter(weights)
    for layer in model.layers:
        layer.set_weights([next(weights) for _ in layer.weights])
