"""Displays: what they draw, and at which times."""

from itertools import pairwise

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from indexes import CONTINUING
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import (
    ConformalForecaster,
    ForecastDisplay,
    HorizonErrorDisplay,
    LossCurveDisplay,
    LSTMRegressor,
    SlidingWindowTransformer,
    forecast,
    make_supervised,
    make_windows,
)
from sklstm.datasets import make_sine_wave


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    """Draw without a screen, and close the figures."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


def points(line):
    """Return the coordinates of a line."""
    return line.get_xdata().tolist(), line.get_ydata().tolist()


def labels(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def band(display):
    """Return lower and upper ends of the band, in the order of time."""
    vertices = display.interval_.get_paths()[0].vertices
    n_times = len(display.times)
    return vertices[1 : n_times + 1, 1], vertices[n_times + 2 : -1, 1][::-1]


def days(*numbers):
    return [f"2013-01-{number:02}" for number in numbers]


def drawn_days(line):
    return [str(date)[:10] for date in np.asarray(line.get_xdata(), "datetime64[s]")]


def test_one_line_makes_the_classic_sine_plot():
    X, y = make_windows(make_sine_wave(300, n_cycles=6), n_steps=20)
    model = LSTMRegressor(units=2, epochs=1, random_state=0).fit(X[:-100], y[:-100])
    display = ForecastDisplay.from_estimator(model, X[-100:], y[-100:], history=y[:-100])
    times = list(range(180, 280))
    assert points(display.history_line_) == (list(range(180)), y[:180].tolist())
    assert points(display.actual_line_) == ([179, *times], y[179:].tolist())
    assert points(display.forecast_line_) == (times, model.predict(X[-100:]).tolist())
    assert display.interval_ is None
    assert labels(display) == ["History", "Actual", "Forecast"]
    assert display.ax_.get_xlabel() == "Row"
    assert display.figure_ is display.ax_.figure


def test_lines_differ_without_colour():
    display = ForecastDisplay.from_predictions([1, 2], [1, 3], history=[0, 1])
    lines = [display.history_line_, display.actual_line_, display.forecast_line_]
    assert len({(line.get_linestyle(), line.get_linewidth()) for line in lines}) == 3


def test_several_outputs_are_a_path_from_the_last_row():
    _, y = make_supervised(np.arange(10.0), horizon=3)  # rows 0 to 6
    forecast = y + 0.5
    display = ForecastDisplay.from_predictions(y, forecast)
    assert points(display.history_line_) == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])
    assert points(display.actual_line_) == ([6, 7, 8, 9], [6, 7, 8, 9])
    assert points(display.forecast_line_) == ([7, 8, 9], [7.5, 8.5, 9.5])
    earlier = ForecastDisplay.from_predictions(y[:3], forecast[:3], history=np.arange(3.0))
    assert points(earlier.forecast_line_) == ([3, 4, 5], [3.5, 4.5, 5.5])


def test_the_history_of_a_path_is_three_times_as_long_at_most():
    _, y = make_supervised(np.arange(30.0), horizon=3)
    assert points(ForecastDisplay.from_predictions(y, y).history_line_)[0] == list(range(18, 27))


def test_a_horizon_with_gaps_is_drawn_where_it_is():
    _, y = make_supervised(np.arange(20.0), horizon=[2, 6])  # rows 0 to 13
    display = ForecastDisplay.from_predictions(y, y, horizon=[2, 6])
    assert display.history_line_ is None  # no column is one step ahead
    assert points(display.forecast_line_) == ([15, 19], [15, 19])
    with pytest.raises(ValueError, match=r"one step for each of the 2 outputs, got 3"):
        ForecastDisplay.from_predictions(y, y, horizon=3)


def test_dates_are_those_of_the_targets_not_of_the_rows():
    series = pd.Series(np.arange(10.0), pd.date_range("2013-01-01", periods=10), name="temp")
    _, y = make_supervised(series)  # rows of the 1st to the 9th, targets of the 2nd to the 10th
    display = ForecastDisplay.from_predictions(y[6:], y[6:], history=y[:6])
    assert drawn_days(display.forecast_line_) == days(8, 9, 10)
    assert drawn_days(display.history_line_) == days(2, 3, 4, 5, 6, 7)
    assert drawn_days(display.actual_line_) == days(7, 8, 9, 10)
    assert display.ax_.get_ylabel() == "temp"
    as_series = ForecastDisplay.from_predictions(series[7:], series[7:], history=series[:7])
    assert drawn_days(as_series.forecast_line_) == days(8, 9, 10)


def test_dates_of_a_path_are_those_of_its_steps():
    series = pd.Series(np.arange(9.0), pd.date_range("2013-01-01", periods=9), name="temp")
    series = series.drop(series.index[3])  # a grid with a hole is still a grid
    _, y = make_supervised(series, horizon=2, freq="rows")
    display = ForecastDisplay.from_predictions(y, y.to_numpy())
    assert drawn_days(display.forecast_line_) == days(8, 9)
    assert drawn_days(display.history_line_)[-1] == "2013-01-07"
    ahead = ForecastDisplay.from_predictions(None, y.to_numpy()[-1], history=series)
    assert drawn_days(ahead.forecast_line_) == days(10, 11)
    assert ahead.actual_line_ is None


@pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
@pytest.mark.parametrize("index", CONTINUING.values(), ids=CONTINUING.keys())
def test_dates_are_those_of_the_whole_index(index):
    series = pd.Series(np.arange(float(len(index))), index, name="temp")
    _, y = make_supervised(series[:8], horizon=3)  # from rows 0 to 4
    path = ForecastDisplay.from_predictions(y, y)
    assert path.times.equals(index[5:8])
    assert path.history_times[-2:].equals(index[3:5])  # the holes are before
    known = ForecastDisplay.from_predictions(y, y, history=y["temp[t+1]"][:4])
    assert known.history_times[-2:].equals(index[3:5])
    ahead = ForecastDisplay.from_predictions(None, y.to_numpy()[-1], history=series[:5])
    assert ahead.times.equals(index[5:8])
    _, y = make_supervised(series[:8], horizon=[2])
    assert ForecastDisplay.from_predictions(y, y).times[-4:].equals(index[4:8])


@pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
@pytest.mark.parametrize("index", CONTINUING.values(), ids=CONTINUING.keys())
def test_dates_are_those_of_forecast(index):
    frame = pd.DataFrame({"temp": np.arange(5.0)}, index[:5])
    windows = SlidingWindowTransformer(2, flatten=True, padding="edge")
    model = make_pipeline(windows, Ridge()).fit(*make_supervised(frame))
    ahead = forecast(model, frame, 3)
    display = ForecastDisplay.from_predictions(None, ahead.to_numpy()[None], history=frame["temp"])
    assert display.times.equals(ahead.index)


def test_dates_are_labelled_in_their_own_time_zone():
    index = pd.date_range("2013-01-01", periods=48, freq="h", tz="America/New_York")
    y = pd.Series(np.arange(48.0), index)
    display = ForecastDisplay.from_predictions(y, y)
    locator = display.ax_.xaxis.get_major_locator()
    assert isinstance(locator, mdates.AutoDateLocator)
    assert isinstance(display.ax_.xaxis.get_major_formatter(), mdates.ConciseDateFormatter)
    first = display.forecast_line_.get_xdata()[0]
    assert first == np.datetime64("2013-01-01T05:00")
    display.figure_.canvas.draw()
    shown = [text.get_text() for text in display.ax_.get_xticklabels()]
    midnight = shown.index("Jan-02")
    at = mdates.num2date(display.ax_.get_xticks()[midnight])
    assert (at.day, at.hour) == (2, 5)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2013-01-01", periods=40, freq="h"),
        pd.date_range("2013-01-01", periods=40, freq="MS"),
        pd.period_range("2013-01", periods=40, freq="M"),
        pd.timedelta_range("0h", periods=40, freq="h"),
        pd.RangeIndex(1900, 1940, name="year"),
        pd.Index([f"row {i}" for i in range(40)]),
    ],
    ids=lambda index: type(index).__name__,
)
def test_labels_do_not_overlap_whatever_the_index(index):
    series = pd.Series(np.arange(40.0), index)
    _, y = make_supervised(series, horizon=4)
    display = ForecastDisplay.from_predictions(y, y)
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.get_xticklabels() if text.get_text()]
    assert len(boxes) >= 3
    for left, right in pairwise(boxes):
        assert left.x1 < right.x0
    x = np.r_[display.history_line_.get_xdata(), display.forecast_line_.get_xdata()]
    assert (np.diff(x) > np.zeros((), np.diff(x).dtype)).all()


@pytest.mark.parametrize("hours", [4, 40, 60, 80, 120, 200, 400, 1000, 3000, 20_000])
def test_dates_have_a_few_labels_whatever_the_span(hours):
    times = pd.date_range("2013-01-30 05:00", periods=40, freq=f"{hours * 90}s")
    y = pd.Series(np.arange(40.0), times)
    display = ForecastDisplay.from_predictions(y, y)
    display.figure_.canvas.draw()
    shown = [text for text in display.ax_.get_xticklabels() if text.get_text()]
    assert 3 <= len(shown) <= 9


def test_intervals_are_drawn_where_the_estimator_has_them():
    X, y = make_supervised(np.random.RandomState(0).normal(size=200).cumsum(), horizon=4)
    model = ConformalForecaster(Ridge(), confidence_level=0.8).fit(X[:150], y[:150])
    display = ForecastDisplay.from_estimator(model, X[150:], y[150:])
    lower, upper = model.predict_interval(X[-1:])
    np.testing.assert_allclose(band(display), [lower[0], upper[0]])
    assert labels(display)[-1] == "80 % interval"
    by_hand = ForecastDisplay.from_predictions(y[:1], y[:1], interval=(y[:1] - 1, y[:1] + 2))
    np.testing.assert_allclose(band(by_hand), [y[0] - 1, y[0] + 2])
    assert labels(by_hand)[-1] == "Interval"


def test_displays_draw_on_the_axes_given():
    _, (left, middle, right) = plt.subplots(1, 3)
    assert ForecastDisplay.from_predictions([1], [2], ax=left).ax_ is left
    assert HorizonErrorDisplay.from_predictions([[1, 2]], [[2, 3]], ax=middle).ax_ is middle
    assert LossCurveDisplay(loss_curve=[2, 1]).plot(right).ax_ is right
    assert len(plt.get_fignums()) == 1


def test_what_cannot_be_placed_is_refused():
    y = pd.Series([1.0, 2.0], pd.to_datetime(["2013-01-01", "2013-01-04"]), name="a[t+1]")
    with pytest.raises(ValueError, match=r"history must have an index of times"):
        ForecastDisplay.from_predictions(y, y, history=[0.0])
    with pytest.raises(ValueError, match=r"index must be regular .*Pass more rows"):
        ForecastDisplay.from_predictions(y[:1], y[:1])
    panel = pd.concat({"JFK": y, "LGA": y})
    with pytest.raises(ValueError, match=r"one series to draw, got a MultiIndex"):
        ForecastDisplay.from_predictions(panel, panel)
    frame = pd.DataFrame([[1.0, 2.0]], columns=["a[t+1]", "b[t+1]"])
    with pytest.raises(ValueError, match=r"one column to draw, got targets of a, b"):
        ForecastDisplay.from_predictions(frame, frame)
    with pytest.raises(ValueError, match=r"y_true must have the shape of y_pred, \(2, 1\)"):
        ForecastDisplay.from_predictions([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"metric must be one of mean_absolute_error, root"):
        HorizonErrorDisplay.from_predictions([1], [1], metric="mae")


def test_horizon_errors_are_those_of_a_loop():
    random_state = np.random.RandomState(0)
    X, y = make_supervised(random_state.normal(size=60).cumsum(), horizon=3)
    y[5, 1] = np.nan
    model = Ridge().fit(X[10:], y[10:])
    last_value = X[:, 0].copy()
    last_value[7] = np.nan
    display = HorizonErrorDisplay.from_estimator(model, X, y, last_value=last_value)
    forecast = model.predict(X)
    for step in range(3):
        rows = [row for row in range(len(y)) if row != 7 and (row, step) != (5, 1)]
        error = np.mean([abs(y[row, step] - forecast[row, step]) for row in rows])
        change = np.mean([abs(y[row, step] - X[row, 0]) for row in rows])
        assert display.line_.get_ydata()[step] == pytest.approx(error)
        assert display.last_value_line_.get_ydata()[step] == pytest.approx(change)
    assert display.line_.get_xdata().tolist() == [1, 2, 3]
    assert display.line_.get_linestyle() != display.last_value_line_.get_linestyle()
    assert display.ax_.get_ylim()[0] == 0
    assert labels(display) == ["Last value", "Forecast"]


def test_horizon_errors_know_their_steps_and_metric():
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["temp[t+6]", "temp[t+24]"])
    metric = "root_mean_squared_error"
    forecast = frame - np.array([[1, 2], [7, 2]])
    display = HorizonErrorDisplay.from_predictions(frame, forecast, metric=metric)
    assert points(display.line_) == ([6, 24], [5, 2])
    assert display.ax_.get_ylabel() == "Root mean squared error, temp"
    assert display.last_value_line_ is None
    single = HorizonErrorDisplay.from_predictions([1.0, 2.0], [1.5, 2.5])
    assert points(single.line_) == ([1], [0.5])


class Trained(RegressorMixin, BaseEstimator):
    """Has a validation curve, as networks with early stopping have."""

    def fit(self, X, y):
        """Pretend to train."""
        self.loss_curve_ = [1.0, 0.5, 0.25, 0.2]
        self.validation_loss_curve_ = [1.1, 0.6, 0.55, 0.7]
        return self

    def predict(self, X):
        """Predict nothing."""
        return np.zeros(len(X))


@pytest.mark.filterwarnings("ignore:Nothing says whether these rows follow")
def test_loss_curves_are_found_wherever_the_network_is():
    X, y = make_supervised(np.arange(60.0))
    network = LSTMRegressor(units=2, epochs=3, random_state=0)
    pipeline = make_pipeline(SlidingWindowTransformer(20), network)
    search = GridSearchCV(pipeline, {"lstmregressor__epochs": [2]}, cv=2)
    for model in [pipeline, search, ConformalForecaster(pipeline)]:
        display = LossCurveDisplay.from_estimator(model.fit(X, y))
        losses = display.line_.get_ydata().tolist()
        assert points(display.line_)[0] == list(range(1, len(losses) + 1))
        assert len(losses) == (2 if model is search else 3)
    assert losses == model.estimator_[-1].loss_curve_
    assert display.validation_line_ is None
    assert display.best_epoch_ == np.argmin(losses) + 1
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(make_pipeline(LSTMRegressor()))
    with pytest.raises(TypeError, match=r"such as LSTMRegressor, got Ridge\(\)"):
        LossCurveDisplay.from_estimator(Ridge().fit(X, y))


def test_the_best_epoch_is_that_of_the_validation():
    display = LossCurveDisplay.from_estimator(Trained().fit(None, None))
    assert points(display.line_)[1] == [1.0, 0.5, 0.25, 0.2]
    assert points(display.validation_line_) == ([1, 2, 3, 4], [1.1, 0.6, 0.55, 0.7])
    assert points(display.best_point_) == ([3], [0.55])
    assert labels(display) == ["Training", "Validation", "Best epoch: 3"]
    assert display.line_.get_linestyle() != display.validation_line_.get_linestyle()


def test_losses_of_many_sizes_are_drawn_on_a_log_scale():
    assert LossCurveDisplay(loss_curve=[1.0, 0.1, 0.01]).plot().ax_.get_yscale() == "log"
    assert LossCurveDisplay(loss_curve=[1.0, 0.1]).plot().ax_.get_yscale() == "linear"
    assert LossCurveDisplay(loss_curve=[1.0, 0.1, -0.5]).plot().ax_.get_yscale() == "linear"
