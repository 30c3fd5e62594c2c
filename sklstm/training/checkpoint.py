"""The state of a training in a file, from which a killed fit goes on."""

import contextlib
import hashlib
import json
import os
from pathlib import Path

import joblib
import numpy as np

from sklstm.training.loop import Observer, Run

_FORMAT = "sklstm checkpoint 2"
_CURE = "delete it, or pass another path."


class Checkpoint(Observer):
    """Writes each epoch's run to a file, in one step, and reads it again.

    `problem` is all that shapes the training: a file that was written for another is refused.
    """

    def __init__(self, path, problem):
        try:
            # A link stays one, and the folder may be left meanwhile.
            self._path = Path(path).resolve()
        except ValueError as error:
            raise ValueError(f"checkpoint must be a path, got {path!r}: {error}.") from None
        self._fingerprint = joblib.hash(problem, coerce_mmap=True)

    def resume(self, run, epochs):
        """Read the run to go on with; where there is no file yet, write the one to start with."""
        if not os.path.exists(self._path):  # False, not an error, if the name is too long
            self._write(run)
            return run
        fingerprint, run = self._read()
        if fingerprint != self._fingerprint:
            raise ValueError(
                f"checkpoint must be of this fit, got {str(self._path)!r}, which was written with "
                "other data or parameters. It was left as it is: delete it, or pass another path; "
                "each fit, also of a search, needs its own."
            )
        if len(run.losses) > epochs:
            raise ValueError(
                f"epochs must reach those of the checkpoint {str(self._path)!r}, "
                f"{len(run.losses)}, got {epochs}. It was left as it is: delete it, or pass "
                "another path."
            )
        return run

    def end_epoch(self, run, program):
        """Write the run, with the learning rate that a callback may have set after the epoch."""
        run = run._replace(optimizer_state=program.get_optimizer_state())
        self._write(run)
        return run

    def _write(self, run):
        """Write the run to a file beside the path, then put it there."""
        description, arrays = _pack(run)
        description |= {"format": _FORMAT, "fingerprint": self._fingerprint}
        text = json.dumps(description)
        try:
            with _replace(self._path) as file:
                np.savez(file, description=text, digest=_digest(text, arrays), **arrays)
        except OSError as error:
            raise ValueError(
                "checkpoint must be a path that can be written to, got "
                f"{str(self._path)!r}: {error}."
            ) from error

    def _read(self):
        """Read the fingerprint and the run."""
        try:
            with open(self._path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = dict(file)
            text, digest = str(arrays.pop("description")), str(arrays.pop("digest"))
            if digest != _digest(text, arrays):
                raise ValueError("The digest is not that of the content.")
            description = json.loads(text)
            if description["format"] != _FORMAT:
                raise ValueError(f"The format is {description['format']!r}.")
            return description["fingerprint"], _unpack(description, arrays)
        except Exception as error:  # a file of something else can cause any
            raise ValueError(
                "checkpoint must be a file that fit wrote, or none yet, got "
                f"{str(self._path)!r}, which is damaged or something else. It was left as it is: "
                + ("pass the path of a file in it." if self._path.is_dir() else _CURE)
            ) from error


@contextlib.contextmanager
def _replace(path):
    """Give a new file beside `path` to write to, which takes its place once it is on the disk.

    What was not written to the end is removed.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # of a fit killed while it wrote; a link, not what it leads to
    file = open(part, "xb")  # noqa: SIM115 - closed below, before the file is moved or removed
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _digest(text, arrays):
    """Hash the content, so that a file changed by hand or by accident is noticed."""
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _pack(run):
    """Pack a run as values for JSON, which knows none of NumPy's, and arrays."""
    kind, key, position, has_gauss, cached = run.random_state
    optimizer = run.optimizer_state or {"name": None, "variables": []}
    lists = {
        "weights": run.weights,
        "best_weights": run.best_weights or [],
        "optimizer": optimizer["variables"],
    }
    arrays = {f"{name}_{i}": array for name, part in lists.items() for i, array in enumerate(part)}
    description = {
        "lengths": {name: len(part) for name, part in lists.items()},
        "random_state": [str(kind), int(position), int(has_gauss), float(cached)],
        "optimizer": optimizer["name"],
        "losses": [float(loss) for loss in run.losses],
        "validation_losses": [float(loss) for loss in run.validation_losses],
        "best_loss": float(run.best_loss),
        "n_stale": int(run.n_stale),
        "stopped": bool(run.stopped),
    }
    return description, {"random_key": key, **arrays}


def _unpack(description, arrays):
    """Make the run again that was packed."""
    weights, best_weights, variables = (
        [arrays[f"{name}_{i}"] for i in range(description["lengths"][name])]
        for name in ("weights", "best_weights", "optimizer")
    )
    kind, *rest = description["random_state"]
    name = description["optimizer"]
    return Run(
        weights=weights,
        random_state=(kind, arrays["random_key"], *rest),
        optimizer_state=None if name is None else {"name": name, "variables": variables},
        losses=description["losses"],
        validation_losses=description["validation_losses"],
        best_loss=description["best_loss"],
        best_weights=best_weights or None,
        n_stale=description["n_stale"],
        stopped=description["stopped"],
    )
