"""The progress of a training, shown on the terminal."""

import contextlib
import math
import multiprocessing
import sys
import threading

from sklstm.training.loop import Observer


@contextlib.contextmanager
def show_progress(verbose, epochs):
    """Provide the observers that show progress as `verbose` says."""
    console = _find_terminal() if verbose == 1 else None
    if console is None:
        yield [Lines(epochs)] if verbose else []
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        yield [Bar(epochs, progress)]


def _find_terminal():
    """Find a terminal to draw on, None if there is none, or if others may draw there as well."""
    alone = multiprocessing.parent_process() is None and (
        threading.current_thread() is threading.main_thread()
    )
    if not alone or sys.stdout is None or not sys.stdout.isatty():
        return None
    from rich.console import Console

    console = Console()
    return console if console.is_interactive and not console.is_jupyter else None


class Lines(Observer):
    """Prints a line for each epoch."""

    def __init__(self, epochs):
        self._epochs = epochs

    def end_epoch(self, run, program):
        """Print the losses."""
        print(_describe(run, self._epochs), flush=True)
        return run


class Bar(Observer):
    """Moves a bar of rich."""

    def __init__(self, epochs, progress):
        self._epochs = epochs
        self._progress = progress
        self._task = progress.add_task(f"Epoch 0/{epochs}", total=epochs)  # while compiling

    def begin(self, run, program):
        """Show from where the training goes on."""
        self._progress.update(
            self._task, description=_describe(run, self._epochs), completed=len(run.losses)
        )
        return run

    def end_epoch(self, run, program):
        """Move the bar."""
        self._progress.update(self._task, description=_describe(run, self._epochs), advance=1)
        return run

    def end(self, run):
        """Show the time taken; after an early end too."""
        self._progress.update(self._task, total=len(run.losses))
        return run


def _describe(run, epochs):
    """Describe the last epoch."""
    description = f"Epoch {len(run.losses)}/{epochs}"
    if run.losses:
        description += f": loss {run.losses[-1]:.6g}"
    if run.validation_losses and not math.isnan(run.validation_losses[-1]):  # not measured
        description += f", validation loss {run.validation_losses[-1]:.6g}"
    return description
