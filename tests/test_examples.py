"""Tests that every example runs without a screen, in silence but for what it has to say."""

import contextlib
import io
import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run an example once; return what it printed and the folder with its figures.

    The figures themselves are in `run_once.figures`, by the name of the example.
    """
    done = {}

    def run_once(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            printed, run_once.figures[name] = _run(name, folder)
            done[name] = printed, folder
        return done[name]

    run_once.figures = {}
    return run_once


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_example_runs_and_saves_its_figures(run, name):
    printed, folder = run(name)
    figures = list(folder.iterdir())
    assert figures
    for figure in figures:
        assert figure.name.startswith(name)
        assert figure.read_bytes().startswith(b"\x89PNG")
    wrote = re.findall(r"^Wrote (.+)$", printed, re.MULTILINE)
    assert sorted(wrote) == sorted(figure.name for figure in figures)
    assert len(printed.splitlines()) > len(wrote)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_saves_only_figures_still_open(path):
    # in the gallery there are none left, and it writes no files among the examples
    *_, ending = path.read_text(encoding="utf-8").split("plt.get_backend()")
    assert ending.count("savefig") == ending.count("in plt.get_fignums():") == 1


def test_sine_forecast_begins_with_the_classic_plot(run):
    printed, _ = run("plot_sine_forecast")
    (ax,) = run.figures["plot_sine_forecast"][0].axes
    line, dot = ax.lines
    assert ax.get_title() == "LSTM Model Predictions vs Actual Data"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Actual", "Predicted"]
    assert (line.get_label(), dot.get_label()) == ("Actual", "Predicted")
    np.testing.assert_array_equal(line.get_xdata(), np.arange(900, 1000))
    expected = np.sin(np.linspace(0, 1000 * np.pi, 1000))[900:]
    np.testing.assert_array_equal(line.get_ydata(), expected)
    assert line.get_linestyle() == "-"
    assert (dot.get_marker(), dot.get_linestyle()) == ("o", "None")
    assert to_rgb(dot.get_markerfacecolor()) == to_rgb("red")
    assert dot.get_xdata().tolist() == [1000]
    prediction = _number(r"^Prediction\s+(\S+)$", printed)
    assert dot.get_ydata() == pytest.approx([prediction], abs=1e-4)


def test_sine_forecast_prints_forecast_truth_and_error(run):
    printed, folder = run("plot_sine_forecast")
    prediction, truth, error = (
        _number(rf"^{label}\s+(\S+)$", printed)
        for label in ("Prediction", "True next value", "Error")
    )
    assert truth == pytest.approx(-0.0031)  # sin(1000 * 1000 * pi / 999)
    assert error == pytest.approx(prediction - truth, abs=2e-4)
    assert abs(error) < 0.1
    assert len(list(folder.iterdir())) == 5


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
    assert rmse["Last value"] == pytest.approx(1.56)
    assert rmse["LSTM"] < 0.93 * rmse["Last value"]
    assert rmse["Ridge"] < rmse["Last value"]


def test_day_ahead_forecast_gains_by_the_anchor_and_says_what_it_does_not_beat(run):
    printed, _ = run("plot_day_ahead")
    hourly, yearly = (
        {name: float(mae) for name, mae in re.findall(r"^(.+?) {2,}(\d+\.\d+)", table, re.M)}
        for table in printed.split("Mean absolute error")[1:]
    )
    assert hourly["Last value"] == pytest.approx(5.34)
    assert hourly["24 hours before"] == pytest.approx(6.96)
    assert hourly["LSTM"] < 0.85 * hourly["Last value"]
    assert hourly["LSTM"] < 0.97 * hourly["LSTM without anchor"]
    assert hourly["LSTM"] < 1.1 * min(hourly["Ridge"], hourly["Gradient boosting"])
    assert yearly["LSTM"] < 0.7 * min(yearly["Last value"], yearly["11 years before"])


def test_which_rows_leaves_out_the_windows_before_the_validation(run):
    printed, _ = run("plot_which_rows")
    # 22 windows of 4 steps, horizon 2: 4 + 2 - 1 before the last fifth
    assert "12 windows to train on, 5 left out, 5 to validate on" in printed


def test_stock_price_forecast_is_the_last_value_and_its_direction_a_coin_toss(run):
    printed, folder = run("plot_stock_prices")
    price, _ = _read_tables(printed)
    assert _number(r"^R² of the LSTM with anchor: (\S+)$", printed) > 0.98
    assert price["Last value"][0] == pytest.approx(0.383)
    assert price["Last value"][0] < price["LSTM"][0]
    assert price["LSTM, anchor=0"][1] == pytest.approx(0, abs=0.02)
    for name in ("LSTM", "LSTM, anchor=0"):
        assert price[name][2] == pytest.approx(0.5, abs=0.04)
    assert len(list(folder.iterdir())) == 3


def test_stock_volatility_can_be_forecast(run):
    _, size = _read_tables(run("plot_stock_prices")[0])
    saved = {name: numbers[1] for name, numbers in size.items()}
    assert saved["Mean"] == 0
    assert saved["Average"] == pytest.approx(0.124)
    assert saved["Average"] + 0.02 < saved["LSTM on average"] < saved["True volatility"]


def test_patient_score_gains_by_the_hours_before_the_last(run):
    printed, _ = run("plot_patient_monitoring")
    (errors,) = _read_tables(printed)
    mae, rmse, _, worsening = zip(*errors.values(), strict=True)
    assert list(errors)[-1] == "LSTM"
    assert mae[-1] < 0.95 * min(mae[:-1])
    assert rmse[-1] < 0.98 * min(rmse[:-1])
    assert abs(worsening[-1]) < 0.7 * abs(errors["Trees, last hour"][3])


def _read_tables(printed):
    """Return the printed tables, each from its header with RMSE on: a row's numbers by its name."""
    return [
        {
            name: [float(number) for number in numbers.split() if number != "-"]
            for name, numbers in re.findall(r"^(\w.*?)((?: +-?(?:\d+\.\d+)?)+)$", table, re.M)
        }
        for table in re.split(r"^.*\bRMSE\b.*$", printed, flags=re.M)[1:]
    ]


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
    """Run an example in a folder, without a screen; return what it printed and its figures.

    It says nothing on stderr. It runs in this process, where TensorFlow is imported already;
    warnings are errors.
    """
    (path,) = (path for path in EXAMPLES if path.stem == name)
    plt.switch_backend("agg")
    printed, complaints = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complaints),
    ):
        runpy.run_path(str(path), run_name="__main__")
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    assert complaints.getvalue() == ""
    return printed.getvalue(), figures


def _number(pattern, text):
    """Return the number that a pattern finds in a text."""
    return float(re.search(pattern, text, re.MULTILINE).group(1))


def _row(name, table):
    """Return the numbers of the row of a printed table."""
    row = re.search(rf"^{name}((?: +\d+\.\d+(?: %)?)+)$", table, re.MULTILINE).group(1)
    return [float(number) for number in row.replace("%", "").split()]
