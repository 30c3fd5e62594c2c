"""forecast: predictions become rows, as if `predict` were called by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sklstm import LSTMRegressor, SlidingWindowTransformer, forecast, make_supervised, make_windows
from sklstm.datasets import make_sine_wave

pytestmark = pytest.mark.filterwarnings("ignore:y has an index of times, but X")

N_STEPS = 4
N_AHEAD = 12  # rows ahead: several windows' worth, so that the last ones hold predictions only


def make_series(n_rows=60):
    """Make hours of two features and the hour of the day, which is known ahead."""
    index = pd.date_range("2013-03-09", periods=n_rows, freq="h", tz="America/New_York")
    values = np.random.RandomState(0).normal(size=(n_rows, 2)).cumsum(axis=0)
    return pd.DataFrame(values, index, ["temp", "wind"]).assign(hour=index.hour)


def make_network():
    """One shape for most tests, so that they share a compiled program."""
    return LSTMRegressor(units=3, epochs=2, learning_rate=0.03, random_state=0)


def make_flat():
    return SlidingWindowTransformer(N_STEPS, flatten=True, padding="edge")


def forecast_by_hand(model, X, n_steps_ahead, future=None):
    """Forecast columns of a frame or an array: predict the last row, append it, start over."""
    ahead = []
    for k in range(n_steps_ahead):
        ahead.append(model.predict(X)[-1])
        if isinstance(X, np.ndarray):
            known = [] if future is None else [values[k] for values in future.values()]
            X = np.vstack([X, np.r_[ahead[-1], known]])
            continue
        row = pd.DataFrame(index=[X.index[-1] + X.index.freq], columns=X.columns, dtype=float)
        known = [] if future is None else list(future.columns)
        row[X.columns.difference(known, sort=False)] = ahead[-1]
        for name in known:
            row[name] = future.loc[row.index, name]
        X = pd.concat([X, row]).asfreq(X.index.freq)
    return np.array(ahead)


MODELS = {
    "windows and network": make_pipeline(SlidingWindowTransformer(N_STEPS), make_network()),
    "every third row": make_pipeline(
        SlidingWindowTransformer(N_STEPS, dilation=3, padding="edge"), make_network()
    ),
    "a scaler before": make_pipeline(
        StandardScaler(), SlidingWindowTransformer(N_STEPS), make_network()
    ),
    "a scaler of the target around": TransformedTargetRegressor(
        make_pipeline(SlidingWindowTransformer(N_STEPS), make_network()),
        transformer=StandardScaler(),
    ),
    "a scaler of the target within": make_pipeline(
        make_flat(), TransformedTargetRegressor(Ridge(), transformer=StandardScaler())
    ),
    "a search around": GridSearchCV(
        make_pipeline(make_flat(), Ridge()), {"ridge__alpha": [1, 10]}, cv=TimeSeriesSplit(2)
    ),
    "Pipelines within": make_pipeline(
        StandardScaler(), make_pipeline("passthrough", make_flat(), StandardScaler()), Ridge()
    ),
    "a Pipeline at the end": make_pipeline(
        StandardScaler(), make_pipeline(StandardScaler(), make_flat(), Ridge())
    ),
    "flat windows with names, a scaler after": make_pipeline(
        StandardScaler(), make_flat(), StandardScaler(), Ridge()
    ).set_output(transform="pandas"),
}


@pytest.mark.filterwarnings("ignore:Nothing says whether these rows follow")
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("n_rows", [60, 13, 3])
def test_it_equals_calling_predict_by_hand(model, n_rows):
    series = make_series()[["temp", "wind"]]
    model.fit(*make_supervised(series))
    result = forecast(model, series[-n_rows:], N_AHEAD)
    expected = forecast_by_hand(model, series[-n_rows:], N_AHEAD)
    np.testing.assert_allclose(result, expected, rtol=1e-9)
    assert list(result.columns) == ["temp", "wind"]


def test_a_frozen_model_is_forecast_with():
    series = make_series()[["temp", "wind"]]
    model = make_pipeline(make_flat(), Ridge()).fit(*make_supervised(series))
    expected = forecast(model, series, N_AHEAD)
    pd.testing.assert_frame_equal(forecast(FrozenEstimator(model), series, N_AHEAD), expected)
    frozen = make_pipeline(FrozenEstimator(model[0]), FrozenEstimator(model[1]))
    pd.testing.assert_frame_equal(forecast(frozen, series, N_AHEAD), expected)
    alone = make_network().fit(*make_windows(series, N_STEPS))
    pd.testing.assert_frame_equal(
        forecast(FrozenEstimator(alone), series, N_AHEAD), forecast(alone, series, N_AHEAD)
    )


def test_each_row_costs_the_prediction_of_one_window():
    numbers = []

    class Counting(Ridge):
        def predict(self, X):
            numbers.append(len(X))
            return super().predict(X)

    X, y = make_supervised(make_series()[["temp"]])
    forecast(make_pipeline(make_flat(), Counting()).fit(X, y), X, N_AHEAD)
    assert numbers == [1] * N_AHEAD


def test_what_is_known_ahead_is_read_from_future():
    series = make_series(60 + N_AHEAD)
    past, future = series[:60], series[["hour"]]
    encoder = OneHotEncoder(sparse_output=False)
    encoded = make_column_transformer((encoder, ["hour"]), remainder="passthrough")
    for before in [[], [PolynomialFeatures(include_bias=False)], [encoded]]:
        model = make_pipeline(*before, make_flat(), Ridge())
        model.fit(*make_supervised(past, target=["temp", "wind"]))
        expected = forecast_by_hand(model, past, N_AHEAD, future)
        result = forecast(model, past, N_AHEAD, future=future)
        np.testing.assert_allclose(result, expected, rtol=1e-9)
        pd.testing.assert_frame_equal(
            result, forecast(model, past, N_AHEAD, future=series["hour"].sample(frac=1))
        )
        shifted = forecast(model, past, N_AHEAD, future=future.shift(5, fill_value=0))
        assert not np.isclose(result, shifted).all()


def test_outputs_are_the_columns_not_in_future_in_their_order():
    series = make_series(60 + N_AHEAD)[["hour", "wind"]]
    model = make_pipeline(make_flat(), Ridge()).fit(*make_supervised(series[:60], target="wind"))
    result = forecast(model, series[:60], N_AHEAD, future=series[["hour"]])
    assert result.name == "wind"
    assert result.shape == (N_AHEAD,)
    model.fit(series[:60].to_numpy()[:-1], series["wind"].to_numpy()[1:60])
    by_number = forecast(
        model, series[:60].to_numpy(), N_AHEAD, future={0: series["hour"][60:].to_numpy()}
    )
    np.testing.assert_allclose(by_number, result, rtol=1e-9)


def test_an_array_gives_an_array():
    series = make_series()[["temp", "wind"]].to_numpy()
    for scaler in [[], [StandardScaler()]]:
        model = make_pipeline(*scaler, SlidingWindowTransformer(N_STEPS), make_network())
        model.fit(*make_supervised(series))
        result = forecast(model, series, N_AHEAD)
        np.testing.assert_array_equal(result, forecast_by_hand(model, series, N_AHEAD), strict=True)
    assert result.shape == (N_AHEAD, 2)


def test_missing_values_in_the_past_are_skipped():
    series = make_series()[["temp", "wind"]]
    gaps = series.copy()
    gaps.iloc[[-3, -1], 1] = np.nan
    for scaler in [[], [StandardScaler()]]:
        model = make_pipeline(*scaler, SlidingWindowTransformer(N_STEPS), make_network())
        model.fit(*make_supervised(series))
        result = forecast(model, gaps, N_AHEAD)
        np.testing.assert_array_equal(result, forecast_by_hand(model, gaps, N_AHEAD))
        assert not np.isclose(result[:1], forecast(model, series, 1)).any()


def test_the_rows_of_fit_are_history():
    series = make_series()[["temp", "wind"]]
    model = make_pipeline(SlidingWindowTransformer(N_STEPS), make_network())
    model.fit(*make_supervised(series))  # the last row has no target, so it was not in fit
    last = series[-1:]
    expected = forecast(model, series, N_AHEAD)
    pd.testing.assert_frame_equal(forecast(model, last, N_AHEAD), expected)
    with pytest.warns(UserWarning, match="Nothing says whether these rows follow"):
        alone = forecast(model, last.reset_index(drop=True), N_AHEAD)
    assert not np.isclose(alone.iloc[0], expected.iloc[0]).any()


@pytest.mark.parametrize("two_dimensional", [False, True])
def test_a_network_alone_reads_windows_of_its_own_length(two_dimensional):
    series = np.sin(np.arange(60) / 3)
    X, y = make_windows(series, N_STEPS)
    y = y[:, np.newaxis] if two_dimensional else y
    model = make_network().fit(X, y)
    window, expected = series[-N_STEPS:], []
    for _ in range(N_AHEAD):
        expected.append(model.predict(window[np.newaxis, :, np.newaxis])[0])
        window = np.append(window[1:], expected[-1])
    for past in [series, series[-N_STEPS:], series[:, np.newaxis], series.tolist()]:
        result = forecast(model, past, N_AHEAD)
        np.testing.assert_array_equal(result, expected, strict=True)
    named = forecast(model, pd.Series(series, name="sine"), N_AHEAD)
    np.testing.assert_array_equal(named, expected)
    assert (named.columns.tolist() if two_dimensional else named.name) in ("sine", ["sine"])
    assert named.index.equals(pd.RangeIndex(60, 60 + N_AHEAD))


def test_a_well_sampled_sine_is_forecast_for_four_cycles():
    series = make_sine_wave(1000, n_cycles=20)
    model = LSTMRegressor(units=16, epochs=30, random_state=0)
    model.fit(*make_windows(series[:800], n_steps=25))
    error = forecast(model, series[:800], 200) - series[800:]
    assert np.abs(error).max() < 0.05


def test_a_model_of_many_steps_is_refused():
    series = make_series()[["temp"]]
    model = make_pipeline(make_flat(), Ridge()).fit(*make_supervised(series, horizon=3))
    with pytest.raises(ValueError, match=r"\['temp'\], got 3 outputs.*predict\(X\) has them all"):
        forecast(model, series, 2)


def test_columns_that_are_neither_forecast_nor_known_are_named():
    series = make_series(62)
    model = make_pipeline(make_flat(), Ridge()).fit(*make_supervised(series[:60], target="temp"))
    with pytest.raises(ValueError, match=r"\['temp', 'wind'\], got 1 outputs"):
        forecast(model, series[:60], 2, future=series[["hour"]])
    model.fit(series.to_numpy(), series["temp"])
    with pytest.raises(ValueError, match=r"\[0, 2\], got 1 outputs"):
        forecast(model, series.to_numpy(), 2, future={1: [0, 0]})


@pytest.mark.parametrize(
    ("future", "error", "message"),
    [
        (lambda frame: frame[:61], ValueError, "all rows ahead, got none for 2013-03-11 14:00"),
        (lambda frame: frame.rename(columns={"hour": "h"}), ValueError, r"columns of X.*\['h'\]"),
        (lambda frame: frame.tz_localize(None), ValueError, "all rows ahead, got none for"),
        (lambda frame: {"hour": [1, 2]}, TypeError, "must be a DataFrame for a pandas X.*dict"),
        (lambda frame: frame.to_numpy(), TypeError, "must be a DataFrame for a pandas X.*ndarray"),
    ],
)
def test_a_future_that_does_not_fit_is_refused(future, error, message):
    series = make_series(62)
    model = make_pipeline(make_flat(), Ridge())
    model.fit(*make_supervised(series[:60], target=["temp", "wind"]))
    with pytest.raises(error, match=message):
        forecast(model, series[:60], 2, future=future(series[["hour"]]))


@pytest.mark.parametrize(
    ("future", "error", "message"),
    [
        ({2: [1.0]}, ValueError, r"n_steps_ahead values of each column, 2, got.*\(1,\).*column 2"),
        ({2: 1.0}, ValueError, r"got an array of shape \(\)"),
        ({3: [1.0, 2.0]}, ValueError, r"columns of X, \[0, 1, 2\], got \[3\]"),
        ([[1.0], [2.0]], TypeError, "got list"),
    ],
)
def test_a_future_of_an_array_that_does_not_fit_is_refused(future, error, message):
    X, y = make_supervised(make_series().to_numpy(), target=[0, 1])
    model = make_pipeline(make_flat(), Ridge()).fit(X, y)
    with pytest.raises(error, match=message):
        forecast(model, X, 2, future=future)


def test_an_index_that_does_not_go_on_is_refused():
    series = make_series()[["temp"]]
    model = make_pipeline(make_flat(), Ridge()).fit(*make_supervised(series))
    letters = series.set_axis([f"{i:03}" for i in range(60)])
    with pytest.raises(ValueError, match=r"index of X must say.*'059'.*reset_index"):
        forecast(model, letters, 2)
    with pytest.raises(ValueError, match=r"X must be one series, got a MultiIndex.*X\.xs\(label\)"):
        forecast(model, pd.concat({"JFK": series}), 2)


def test_only_the_end_of_the_index_has_to_be_regular():
    months = pd.date_range("2003-01-01", periods=84, freq="MS")
    series = pd.DataFrame({"temp": np.arange(82.0)}, index=months[:82]).drop(months[5])
    windows = make_flat().set_params(freq="MS")
    X, y = make_supervised(series, freq="MS")
    model = make_pipeline(windows, Ridge()).fit(X, y)
    assert forecast(model, series, 2).index.equals(months[82:])


def test_steps_that_need_other_rows_are_refused():
    series = make_series()[["temp"]]
    differences = FunctionTransformer(lambda frame: frame.diff().fillna(0))
    model = make_pipeline(differences, make_flat(), Ridge()).fit(*make_supervised(series))
    with pytest.raises(ValueError, match="before the windows must work row by row"):
        forecast(model, series, 2)


def test_other_models_are_refused():
    X, y = make_supervised(make_series()[["temp"]])
    several = VotingRegressor([("a", make_pipeline(make_flat(), Ridge()))])
    for model in [Ridge(), make_pipeline(StandardScaler(), Ridge()), make_flat(), several]:
        with pytest.raises(TypeError, match="model must be an LSTMRegressor or a Pipeline"):
            forecast(model.fit(X, y), X, 2)
    with pytest.raises(NotFittedError):
        forecast(make_pipeline(make_flat(), Ridge()), X, 2)


def test_the_number_of_rows_ahead_is_positive():
    X, y = make_supervised(make_series()[["temp"]])
    model = make_pipeline(make_flat(), Ridge()).fit(X, y)
    with pytest.raises(ValueError, match="n_steps_ahead == 0"):
        forecast(model, X, 0)
    with pytest.raises(TypeError, match="n_steps_ahead must be an instance of int"):
        forecast(model, X, 2.0)


def test_fewer_rows_than_the_dilation_are_completed_as_in_predict():
    X, y = make_supervised(make_series()[["temp"]])
    windows = SlidingWindowTransformer(2, dilation=3, flatten=True, padding="edge")
    model = make_pipeline(windows, Ridge()).fit(X[:-2], y[:-2])
    assert forecast(model, X[-2:], 1).iloc[0] == pytest.approx(model.predict(X)[-1])


def test_dates_are_those_of_the_frequency_of_the_windows():
    days = pd.date_range("2020-01-06", periods=200)
    days = days[days.day_of_week < 5]
    series = pd.DataFrame({"x": (days - days[0]).days.astype(float)}, days)
    X, y = make_supervised(series, freq="D")
    windows = SlidingWindowTransformer(2, freq="D", flatten=True, padding="edge")
    model = make_pipeline(windows, Ridge(1e-9)).fit(X, y)
    ahead = forecast(model, series, 3)
    assert ahead.index.equals(pd.date_range(days[-1], periods=4)[1:])
    np.testing.assert_allclose(ahead, series["x"].iloc[-1] + np.arange(1, 4), rtol=1e-6)


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("freq", ["h", "rows"])
def test_gaps_are_missing_steps_of_forecasts_too(dilation, freq):
    series = make_series()[["temp"]]
    series = series.set_axis(pd.date_range("2013", periods=len(series), freq="h"))
    series = series.drop(series.index[[-2, -3, -9]])
    X, y = make_supervised(series, freq=freq)
    windows = SlidingWindowTransformer(4, freq=freq, dilation=dilation)
    model = make_pipeline(windows, make_network()).fit(X, y)
    expected, rows = [], series
    for stamp in pd.date_range(series.index[-1], periods=N_AHEAD + 1, freq="h")[1:]:
        expected.append(model.predict(rows)[-1])
        rows = pd.concat([rows, pd.DataFrame({"temp": expected[-1:]}, [stamp])])
    np.testing.assert_allclose(forecast(model, series, N_AHEAD), expected, rtol=1e-9)


def test_integers_of_few_bits_are_read_as_any_other():
    series = np.sin(np.arange(600) / 8)
    X, y = make_supervised(series)
    forecasts = []
    for kind in (int, np.uint8):
        windows = SlidingWindowTransformer(
            kind(100), dilation=kind(3), flatten=True, padding="edge"
        )
        model = make_pipeline(windows, Ridge(1e-3)).fit(X, y)
        forecasts.append(forecast(model, series, kind(200)))
    np.testing.assert_array_equal(*forecasts)
