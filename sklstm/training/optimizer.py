"""Keras' optimizers: their names, their descriptions as plain values, their state in arrays."""

import functools
import inspect
import json

import numpy as np

from sklstm.training.tensorflow import import_tensorflow


def describe_optimizer(optimizer):
    """Describe an optimizer, or the name of one, by its class and its settings as JSON.

    A learning rate that is a number is left out: it is not compiled in. So is the name, which
    Keras counts up.
    """
    import_tensorflow()  # which is refused in a forked process
    if not isinstance(optimizer, str):
        settings = {key: value for key, value in optimizer.get_config().items() if key != "name"}
        if not isinstance(settings.get("learning_rate"), dict):
            settings.pop("learning_rate", None)  # a LossScaleOptimizer has none
        return type(optimizer), json.dumps(settings, sort_keys=True, default=float)
    known = _list_optimizers()
    if optimizer.lower() not in known:
        raise ValueError(f"optimizer must be one of {sorted(known)}, got {optimizer!r}.")
    return known[optimizer.lower()], "{}"


@functools.cache
def _list_optimizers():
    """Map lower-case names to Keras' optimizers; `keras.optimizers.get` does not know all."""
    _, keras = import_tensorflow()
    return {
        key.lower(): value
        for key, value in vars(keras.optimizers).items()
        if inspect.isclass(value) and "learning_rate" in inspect.signature(value).parameters
    }


def check_optimizer(optimizer, state):
    """Check that an optimizer is known, and the one whose state is gone on with."""
    kind, _ = describe_optimizer(optimizer)
    if state is not None and state["name"] != kind.__name__:
        raise ValueError(
            f"optimizer must be the one trained with before, {state['name']}, got {kind.__name__}."
        )


# Optimizers of Keras that update each number by itself. They are given all weights as one variable,
# unless they take norms or hold averages, which callbacks of Keras compare with the weights. This
# saves 145 of the 317 operations of a batch with "adam". Measured: a twentieth of the time of a
# grid search of 19 fits of two architectures.
_BY_NUMBER = (
    "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD",
)  # fmt: skip


def updates_by_number(description):
    """Whether an optimizer does the same to weights joined in one variable as to each array."""
    _, keras = import_tensorflow()
    kind, settings = description
    known = any(kind is getattr(keras.optimizers, name) for name in _BY_NUMBER)
    settings = json.loads(settings)
    return known and not any(map(settings.get, ("clipnorm", "global_clipnorm", "use_ema")))


def build_optimizer(description, variables):
    """Build an optimizer from its description, for these variables.

    Gradients are those of one device: the sum over devices, which Keras takes nevertheless, would
    have TensorFlow keep the graph of each program for ever, 4 MB.
    """
    kind, settings = description
    optimizer = kind.from_config(json.loads(settings))
    optimizer.build(variables)
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    return optimizer


def copy_state(optimizer):
    """Copy the optimizer's name and its variables, the learning rate among them."""
    values = [np.array(variable.value.numpy()) for variable in optimizer.variables]
    return {"name": type(optimizer).__name__, "variables": values}
