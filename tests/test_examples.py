"""Tests that every example runs without a screen, in silence but for what it has to say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run an example once; return what it printed and the folder with its figures."""
    done = {}

    def run_once(name):
        if name not in done:
            done[name] = _run(name, tmp_path_factory.mktemp(name))
        return done[name]

    return run_once


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_example_runs_and_saves_its_figures(run, name):
    printed, folder = run(name)
    figures = list(folder.iterdir())
    assert figures
    for figure in figures:
        assert figure.name.startswith(name)
        assert figure.read_bytes().startswith(b"\x89PNG")
    assert printed


def test_sine_forecast_prints_forecast_truth_and_error(run):
    printed, folder = run("plot_sine_forecast")
    prediction, truth, error = (
        _number(rf"^{label}\s+(\S+)$", printed)
        for label in ("Prediction", "True next value", "Error")
    )
    assert truth == pytest.approx(-0.0031)  # sin(1000 * 1000 * pi / 999)
    assert error == pytest.approx(prediction - truth, abs=2e-4)
    assert abs(error) < 0.1
    assert len(list(folder.iterdir())) == 4


def test_sine_forecast_learns_the_well_sampled_sine(run):
    printed, _ = run("plot_sine_forecast")
    last_value = _number(r"^Last value (\S+)$", printed)
    assert last_value == pytest.approx(0.0889)
    assert _number(r"^LSTM, relu (\S+)$", printed) < last_value
    assert _number(r"^LSTM, tanh (\S+)$", printed) < last_value / 20


def test_weather_forecast_beats_the_last_value_clearly(run):
    printed, _ = run("plot_weather_grid_search")
    rmse = {
        name: _number(rf"^{name}\s+(\d\.\d+)", printed) for name in ("Last value", "Ridge", "LSTM")
    }
    assert rmse["Last value"] == pytest.approx(1.57)
    assert rmse["LSTM"] < 0.93 * rmse["Last value"]
    assert rmse["Ridge"] < rmse["Last value"]


def test_melody_is_remembered_but_not_learned(run):
    printed, _ = run("plot_melody")
    heard, ending, tune = zip(
        *(_row(name, printed) for name in ("Last note again", "Table, 1 before", "LSTM")),
        strict=True,
    )
    assert heard[0] == pytest.approx(33.7)  # 140 of 415 notes
    assert heard[2] > 85 > 60 > heard[1]
    assert ending[2] > ending[0] + 5
    assert tune[2] < tune[0] + 3


def test_text_forecast_beats_common_characters_and_draws_with_tables(run):
    printed, _ = run("plot_text")
    space, one, four, lstm = (
        _row(name, printed) for name in (*(f"Table, {n} before" for n in (0, 1, 4)), "LSTM")
    )
    assert space[1] == pytest.approx(20.6)
    assert lstm[1] > one[1] + 10 > space[1] + 15
    assert lstm[1] == pytest.approx(four[1], abs=6)
    assert lstm[3] < one[3] < space[3]


def _run(name, folder):
    """Run an example in a folder, without a screen and with nothing to say on stderr."""
    path = next(path for path in EXAMPLES if path.stem == name)
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "agg", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # warnings and log messages included
    return done.stdout, folder


def _number(pattern, text):
    """Return the number that a pattern finds in a text."""
    return float(re.search(pattern, text, re.MULTILINE).group(1))


def _row(name, table):
    """Return the numbers of the row of a printed table."""
    row = re.search(rf"^{name}((?: +\d+\.\d+(?: %)?)+)$", table, re.MULTILINE).group(1)
    return [float(number) for number in row.replace("%", "").split()]
