"""The training: epochs, validation and early stopping, and what watches them."""

import math
from typing import NamedTuple

import numpy as np

from sklstm._warnings import warn
from sklstm.network.description import Network
from sklstm.network.forward import predict
from sklstm.network.weights import initial_weights
from sklstm.training.epoch import Data, Hyperparameters, load, measure_loss
from sklstm.training.program import borrow, cut_batches, make_plan


class Run(NamedTuple):
    """How far a training has come, in plain arrays and values: all that it needs to go on.

    Attributes
    ----------
    weights : list of ndarray
    random_state : tuple
        State of the generator of orders and of dropout, as `RandomState.get_state` gives it.
    optimizer_state : dict or None
        The optimizer's name and variables; None before the first epoch.
    losses : list of float
        One for each epoch.
    validation_losses : list of float
        One for each epoch, NaN for those without validation; empty if there never was any.
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
    losses: tuple | list = ()
    validation_losses: tuple | list = ()
    best_loss: float = np.inf
    best_weights: list | None = None
    n_stale: int = 0
    stopped: bool = False


def start_run(network, random_state):
    """Start with new weights, and with a generator of its own for all that follows."""
    generator = np.random.RandomState(random_state.randint(2**31 - 1))
    return Run(initial_weights(network, generator), generator.get_state())


class Schedule(NamedTuple):
    """How long to train and in which batches: the estimator's parameters of the same names.

    `epochs` counts those before this training, too. `patience` is `n_iter_no_change`; without
    patience the training ends after the last epoch only.
    """

    epochs: int
    batch_size: int
    shuffle: bool
    patience: int | None
    tol: float


class Problem(NamedTuple):
    """What is trained on what and how.

    Without `validation` data there is no validation loss. Of an optimizer that is an instance only
    class and settings are taken. A learning rate of None leaves that of optimizer and run.
    """

    network: Network
    data: Data
    validation: Data | None
    hyperparameters: Hyperparameters
    optimizer: object
    learning_rate: float | None
    schedule: Schedule


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


def train(run, problem, observers):
    """Train until `run` has had all epochs of the schedule.

    Parameters
    ----------
    run : Run
        Where to go on.
    problem : Problem
    observers : list of Observer
        Called at every epoch, in this order.

    Returns
    -------
    run : Run
        After the last complete epoch.

    Raises
    ------
    ValueError
        If the optimizer is unknown, or if the training diverges.
    """
    plan = make_plan(problem)
    epochs, n_before = problem.schedule.epochs, len(run.losses)
    try:
        with borrow(plan, run.weights) as program:
            program.reset(run.weights, run.optimizer_state)
            if problem.learning_rate is not None:
                program.optimizer.learning_rate = problem.learning_rate
            tensors = load(problem.network, problem.data)
            run = _measure_best_again(run, problem)
            for observer in observers:
                run = observer.begin(run, program)
            while len(run.losses) < epochs and not run.stopped:
                for observer in observers:
                    run = observer.begin_epoch(run, program)
                next_run = _train_epoch(run, program, plan, tensors, problem)
                next_run = _validate(next_run, problem)
                for observer in observers:
                    next_run = observer.end_epoch(next_run, program)
                run = next_run
            run = run._replace(weights=program.finish())
    except FloatingPointError as error:
        raise ValueError(
            f"Training diverged: in epoch {len(run.losses) + 1} of {epochs} {error}, and "
            "with standardize=False bring the data to a scale of about 1."
        ) from None
    except KeyboardInterrupt:
        if len(run.losses) == n_before:
            raise
        warn(f"Training interrupted by user after epoch {len(run.losses)}.")
    for observer in observers:
        run = observer.end(run)
    return run


def _train_epoch(run, program, plan, tensors, problem):
    """Train on all windows once."""
    generator = np.random.RandomState()
    generator.set_state(run.random_state)
    n_windows, schedule = len(tensors.starts), problem.schedule
    order = generator.permutation(n_windows) if schedule.shuffle else np.arange(n_windows)
    seed = generator.randint(2**31 - 1)  # of dropout
    batches = cut_batches(order, schedule.batch_size, plan)
    del order  # as large as a column of the rows
    try:
        loss = program.run_epoch(tensors, batches, problem.hyperparameters, seed)
    except Exception:
        program.broken = True
        raise
    weights = program.get_weights()
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


def _validate(run, problem):
    """Add the validation loss, remember the best weights, and stop when there are none better.

    The rules are those of scikit-learn's multi-layer perceptron; a loss that is not a number is no
    improvement.
    """
    validation, schedule = problem.validation, problem.schedule
    if validation is None:
        curve = [*run.validation_losses, math.nan] if run.validation_losses else []
        return run._replace(validation_losses=curve)
    loss = _measure_validation_loss(run.weights, problem)
    improved = math.isfinite(loss) and loss <= run.best_loss - schedule.tol
    n_stale = 0 if improved else run.n_stale + 1
    unknown = [math.nan] * (len(run.losses) - 1 - len(run.validation_losses))
    run = run._replace(
        validation_losses=[*run.validation_losses, *unknown, loss],
        n_stale=n_stale,
        stopped=schedule.patience is not None and n_stale > schedule.patience,
    )
    if loss < run.best_loss:
        run = run._replace(best_loss=loss, best_weights=run.weights)
    return run


def _measure_best_again(run, problem):
    """Measure the loss of the best weights of before, whose validation data may have been others.

    With the same data the loss is the same, to the last bit.
    """
    if problem.validation is None or run.best_weights is None:
        return run
    loss = _measure_validation_loss(run.best_weights, problem)
    return run._replace(best_loss=math.inf if math.isnan(loss) else loss)


def _measure_validation_loss(weights, problem):
    validation = problem.validation
    outputs = predict(problem.network, weights, validation.windows, validation.scales)
    return measure_loss(problem.hyperparameters, validation.targets, outputs)
