"""The progress shown: lines in files, a bar on a terminal, nothing unless asked."""

import contextlib
import io
import re
import sys
import threading

import numpy as np
import pytest

from sklstm import LSTMRegressor
from sklstm.training import loop
from sklstm.training.progress import Lines

X = np.random.RandomState(0).normal(size=(40, 5, 2))
y = X[:, -1, 0]
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"  # the cursor


def fit(**params):
    return LSTMRegressor(**{"units": 2, "epochs": 2, "random_state": 0, **params}).fit(X, y)


class Terminal(io.StringIO):
    """What a terminal is sent."""

    def isatty(self):
        """Claim to be a terminal."""
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def on_terminal():
    """Give a terminal that must be left with its cursor and at the start of a line."""
    with contextlib.redirect_stdout(Terminal()) as terminal:
        yield terminal
    text = terminal.getvalue()
    assert text.count(HIDDEN) == text.count(SHOWN)
    assert text == "" or text.removesuffix(SHOWN).endswith("\n")


def read_bar(terminal):
    """Read the last state of the bar, without colours."""
    assert terminal.getvalue().count(HIDDEN) == 1
    states = terminal.getvalue().split("\x1b[2K")
    return re.sub(r"\x1b\[[?0-9;]*[a-z]", "", states[-1]).strip()


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_each_epoch_prints_a_line_into_a_file(capsys, verbose):
    model = fit(verbose=verbose)
    lines = [f"Epoch {n}/2: loss {loss:.6g}\n" for n, loss in enumerate(model.loss_curve_, start=1)]
    assert capsys.readouterr() == ("".join(lines), "")


def test_lines_have_the_validation_loss_and_count_on(capsys):
    model = fit(verbose=1, warm_start=True)
    model.fit(X, y, X_val=X, y_val=y)
    loss, validation_loss = model.loss_curve_[-1], model.validation_loss_curve_[-1]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1] == f"Epoch 4/4: loss {loss:.6g}, validation loss {validation_loss:.6g}"


def test_a_line_leaves_out_a_validation_loss_that_was_not_measured(capsys):
    run = loop.Run([], (), losses=[0.5, 0.25], validation_losses=[0.75, np.nan])
    Lines(epochs=3).end_epoch(run, None)
    assert capsys.readouterr().out == "Epoch 2/3: loss 0.25\n"


def test_nothing_is_shown_unless_asked(capsys):
    with on_terminal() as terminal:
        fit()
    assert (terminal.getvalue(), *capsys.readouterr()) == ("", "", "")


def test_a_bar_moves_on_a_terminal():
    with on_terminal() as terminal:
        model = fit(verbose=1)
    assert "Epoch 0/2" in terminal.getvalue()
    last = rf"━+ Epoch 2/2: loss {model.loss_curve_[-1]:.6g} 0:00:0\d"
    assert re.fullmatch(last, read_bar(terminal))
    assert terminal.getvalue().count("\n") == 1  # one line


def test_verbose_2_prints_lines_on_a_terminal_too():
    with on_terminal() as terminal:
        fit(verbose=2)
    assert terminal.getvalue().count("\n") == 2
    assert "\x1b" not in terminal.getvalue()


def test_lines_are_printed_where_a_bar_would_not_move(monkeypatch):
    with on_terminal() as terminal:
        thread = threading.Thread(target=fit, kwargs={"verbose": 1})
        thread.start()
        thread.join()
        monkeypatch.setenv("TERM", "dumb")
        fit(verbose=1)
    assert terminal.getvalue().count("\n") == 4
    assert "\x1b" not in terminal.getvalue()


def test_nothing_fails_without_stdout():
    with contextlib.redirect_stdout(None):
        assert sys.stdout is None
        fit(verbose=1)


def test_the_bar_is_closed_when_theloop_diverges():
    with on_terminal() as terminal, pytest.raises(ValueError, match="diverged"):
        LSTMRegressor(2, standardize=False, verbose=1).fit(X, np.full(40, 1e30))
    assert "Epoch 0/100" in read_bar(terminal)


def test_the_bar_is_closed_when_the_user_interrupts(monkeypatch):
    train_epoch = loop._train_epoch

    def interrupt_second(run, *arguments):
        if run.losses:
            raise KeyboardInterrupt
        return train_epoch(run, *arguments)

    monkeypatch.setattr(loop, "_train_epoch", interrupt_second)
    with on_terminal() as terminal, pytest.warns(UserWarning, match="by user after epoch 1"):
        fit(verbose=1)
    assert re.fullmatch(r"━+ Epoch 1/2: loss [\d.]+ 0:00:0\d", read_bar(terminal))
