"""The state of a training in a file, from which a killed fit goes on."""

import json
import os
from pathlib import Path
from zipfile import BadZipFile

import joblib
import numpy as np

from sklstm._training import Observer, Run

_FORMAT = "sklstm checkpoint 1"


class Checkpoint(Observer):
    """Writes each epoch's run to a file, in one step, and reads it again.

    `problem` is all that shapes the training: a file that was written for another is refused.
    """

    def __init__(self, path, problem):
        self._path = Path(path)
        self._fingerprint = joblib.hash(problem)

    def load(self):
        """Read the run, None if there is no file yet."""
        if not self._path.parent.is_dir():
            raise ValueError(
                f"checkpoint must be in a folder that exists, got {str(self._path)!r}."
            )
        if not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as file:
                arrays = dict(file)
            described = json.loads(str(arrays["description"]))
            fingerprint = described["fingerprint"] if described["format"] == _FORMAT else None
        except (BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError) as error:
            raise ValueError(
                "checkpoint must be a file that fit wrote, or none yet, got "
                f"{str(self._path)!r}, which is damaged or something else. It was left as it is: "
                "delete it, or pass another path."
            ) from error
        if fingerprint != self._fingerprint:
            raise ValueError(
                f"checkpoint must be of this fit, got {str(self._path)!r}, which was written with "
                "other data or parameters. It was left as it is: delete it, or pass another path."
            )
        return _unpack(described, arrays)

    def end_epoch(self, run, program):
        """Write the run to a file beside the path, then put it there."""
        part = self._path.with_name(self._path.name + ".part")
        description, arrays = _pack(run)
        description |= {"format": _FORMAT, "fingerprint": self._fingerprint}
        with open(part, "wb") as file:
            np.savez(file, description=json.dumps(description), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)
        return run


def _pack(run):
    """Pack a run as values for JSON and arrays."""
    kind, key, *rest = run.random_state
    optimizer = run.optimizer_state
    lists = {
        "weights": run.weights,
        "best_weights": run.best_weights or [],
        "optimizer": optimizer["variables"],
    }
    arrays = {f"{name}_{i}": array for name, part in lists.items() for i, array in enumerate(part)}
    description = {
        "lengths": {name: len(part) for name, part in lists.items()},
        "random_state": [kind, *rest],
        "optimizer": optimizer["name"],
        **{
            name: getattr(run, name)
            for name in ("losses", "validation_losses", "best_loss", "n_stale", "stopped")
        },
    }
    return description, {"random_key": key, **arrays}


def _unpack(description, arrays):
    """Make the run again that was packed."""
    weights, best_weights, variables = (
        [arrays[f"{name}_{i}"] for i in range(description["lengths"][name])]
        for name in ("weights", "best_weights", "optimizer")
    )
    kind, *rest = description["random_state"]
    return Run(
        weights=weights,
        random_state=(kind, arrays["random_key"], *rest),
        optimizer_state={"name": description["optimizer"], "variables": variables},
        losses=description["losses"],
        validation_losses=description["validation_losses"],
        best_loss=description["best_loss"],
        best_weights=best_weights or None,
        n_stale=description["n_stale"],
        stopped=description["stopped"],
    )
