"""The training: epochs, validation and early stopping, and what watches them."""

from typing import NamedTuple

import numpy as np

from sklstm._warnings import warn
from sklstm.network.forward import predict
from sklstm.training.epoch import Targets, load, measure_loss
from sklstm.training.program import borrow, cut_batches, make_plan
from sklstm.windows.rows import Windows


class Data(NamedTuple):
    """Windows, what standardises their rows, each window's last real row, and their `Targets`."""

    windows: Windows
    last: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    targets: Targets


class Run(NamedTuple):
    """How far a training has come, in plain arrays and values: all that it needs to go on.

    Attributes
    ----------
    weights : list of ndarray
    random_state : tuple
        State of the generator of orders and of dropout, as `RandomState.get_state` gives it.
    optimizer_state : dict or None
        The optimizer's name and variables; None before the first epoch.
    losses, validation_losses : list of float
        One for each epoch; no validation losses without validation data.
    best_loss : float
        The lowest validation loss.
    best_weights : list of ndarray or None
        The weights that had it.
    n_stale : int
        Epochs in a row, up to the last, that did not lower the validation loss by `tol`.
    stopped : bool
        Whether the training ended before the epochs did.
    """

    weights: list
    random_state: tuple
    optimizer_state: dict | None = None
    losses: list = ()
    validation_losses: list = ()
    best_loss: float = np.inf
    best_weights: list | None = None
    n_stale: int = 0
    stopped: bool = False


class Observer:
    """Watches a training; each method returns the run, which it may change."""

    def begin(self, run, program):
        """Watch the training begin, or go on."""
        return run

    def begin_epoch(self, run, program):
        """Watch an epoch begin."""
        return run

    def end_epoch(self, run, program):
        """Watch an epoch end."""
        return run

    def end(self, run):
        """Watch the training end, after its last epoch or interrupted by the user."""
        return run


class Course(NamedTuple):
    """The estimator's parameters of the same names; `patience` is `n_iter_no_change`.

    Without patience the training ends after the last epoch only.
    """

    epochs: int
    batch_size: int
    shuffle: bool
    patience: int | None
    tol: float


def train(run, network, data, validation, objective, optimizer, learning_rate, course, observers):
    """Train until `run` has had all epochs of the `course`.

    Parameters
    ----------
    run : Run
        Where to go on.
    network : Network
    data : Data
    validation : Data or None
        What the validation loss is measured on after each epoch.
    objective : Objective
    optimizer : str or keras.optimizers.Optimizer
        Of an instance only class and settings are taken.
    learning_rate : float or None
        None leaves that of `optimizer` and of `run`.
    course : Course
    observers : list of Observer
        Told of every epoch, in this order.

    Returns
    -------
    run : Run
        After the last complete epoch.

    Raises
    ------
    ValueError
        If the optimizer is unknown, or if the training diverges.
    """
    plan = make_plan(network, data.windows, course.batch_size, objective, optimizer)
    n_before = len(run.losses)
    try:
        with borrow(plan, run.weights) as program:
            program.reset(run.weights, run.optimizer_state)
            if learning_rate is not None:
                program.optimizer.learning_rate = learning_rate
            tensors = load(*data)
            for observer in observers:
                run = observer.begin(run, program)
            while len(run.losses) < course.epochs and not run.stopped:
                for observer in observers:
                    run = observer.begin_epoch(run, program)
                next_run = _train_epoch(run, program, plan, tensors, objective, course)
                if validation is not None:
                    next_run = _validate(next_run, network, validation, objective, course)
                for observer in observers:
                    next_run = observer.end_epoch(next_run, program)
                run = next_run
            run = run._replace(weights=program.finish())
    except FloatingPointError as error:
        raise ValueError(
            f"Training diverged: in epoch {len(run.losses) + 1} of {course.epochs} {error}, and "
            "with standardize=False bring the data to a scale of about 1."
        ) from None
    except KeyboardInterrupt:
        if len(run.losses) == n_before:
            raise
        warn(f"Training interrupted by user after epoch {len(run.losses)}.")
    for observer in observers:
        run = observer.end(run)
    return run


def _train_epoch(run, program, plan, tensors, objective, course):
    """Train on all windows once."""
    generator = np.random.RandomState()
    generator.set_state(run.random_state)
    n_windows = len(tensors.starts)
    order = generator.permutation(n_windows) if course.shuffle else np.arange(n_windows)
    seed = generator.randint(2**31 - 1)  # of dropout
    batches = cut_batches(order, course.batch_size, plan)
    loss, weights = program.run_epoch(tensors, batches, objective, seed), program.get_weights()
    if not all(np.isfinite(array).all() for array in [loss, *weights]):
        raise FloatingPointError(
            "the loss or a weight became NaN or infinite. Lower learning_rate, got "
            f"{float(program.optimizer.learning_rate):g}"
        )
    return run._replace(
        weights=weights,
        random_state=generator.get_state(),
        optimizer_state=program.get_optimizer_state(),
        losses=[*run.losses, loss],
    )


def _validate(run, network, data, objective, course):
    """Add the validation loss, remember the best weights, and stop when there are none better.

    The rules are those of scikit-learn's multi-layer perceptron.
    """
    outputs = predict(network, run.weights, data.windows, data.mean, data.scale)
    loss = measure_loss(objective, data.targets, outputs)
    n_stale = run.n_stale + 1 if loss > run.best_loss - course.tol else 0
    run = run._replace(
        validation_losses=[*run.validation_losses, loss],
        n_stale=n_stale,
        stopped=course.patience is not None and n_stale > course.patience,
    )
    if loss < run.best_loss:
        run = run._replace(best_loss=loss, best_weights=run.weights)
    return run
