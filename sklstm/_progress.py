"""The progress of a training, shown on the terminal."""

import contextlib

from sklstm._training import Observer


@contextlib.contextmanager
def show_progress(verbose, epochs):
    """Give the observers that show what `verbose` asks for."""
    yield [Lines(epochs)] if verbose else []


class Lines(Observer):
    """Prints a line for each epoch."""

    def __init__(self, epochs):
        self._epochs = epochs

    def end_epoch(self, run, program):
        """Print the losses."""
        line = f"Epoch {len(run.losses)}/{self._epochs}: loss {run.losses[-1]:.6g}"
        if run.validation_losses:
            line += f", validation loss {run.validation_losses[-1]:.6g}"
        print(line)
        return run
