"""Count how often prediction intervals hold the truth, for each of 12 hours ahead.

Trained on January to August, calibrated on September and October, counted in November and December
of 2013, a day at a time: at midnight the forecaster takes in every truth known by then, and
forecasts from each hour of the day to come.
"""

from itertools import product

import numpy as np
import pandas as pd
from _harness import describe_machine, print_table
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklstm import ConformalForecaster, LSTMRegressor, SlidingWindowTransformer
from sklstm.datasets import load_nyc_weather

BORDERS = ["2013-09-01", "2013-11-01"]
HORIZON = 12
N_STEPS = 24


def load_changes(station, column):
    """Load hourly changes of the weather, and those of a column 1 to 12 hours ahead."""
    weather = load_nyc_weather(station).asfreq("h")[["temp", "dewp", "humid", "pressure"]]
    weather["pressure"] = weather["pressure"].ffill()
    now = weather[column].ffill()
    ahead = {h: weather[column].shift(-h) - now for h in range(1, HORIZON + 1)}
    return weather.diff().assign(humid=weather["humid"])[1:], pd.DataFrame(ahead)[1:]


def train(X, y, end):
    """Train on the rows whose targets are all there and before the row `end`."""
    X, y = X[: end - HORIZON], y[: end - HORIZON]
    weight = y.notna().all(axis=1).astype(float)
    network = LSTMRegressor(units=16, epochs=10, random_state=0)
    model = make_pipeline(SlidingWindowTransformer(N_STEPS), network)
    return model.fit(X, y.fillna(0), lstmregressor__sample_weight=weight)


def count(model, X, y, since, start, level, update):
    """Calibrate from the row `since` and count from `start`: coverage and mean width."""
    forecaster = ConformalForecaster(FrozenEstimator(model), confidence_level=level)
    forecaster.fit(X[:start], keep_known(y, since, start)[:start])
    held, widths = [], []
    for midnight in range(start, len(X), 24):
        if update and midnight > start:
            rows = slice(midnight - 24 - HORIZON - N_STEPS, midnight)
            forecaster.update(X[rows], keep_known(y, midnight - 24, midnight)[rows])
        lower, upper = forecaster.predict_interval(X[midnight - N_STEPS + 1 : midnight + 24])
        lower, upper = lower[N_STEPS - 1 :], upper[N_STEPS - 1 :]  # of complete windows
        truth = y[midnight : midnight + 24].to_numpy()
        held.append(np.where(np.isnan(truth), np.nan, (lower <= truth) & (truth <= upper)))
        widths.append(upper - lower)
    return np.nanmean(np.concatenate(held), axis=0), np.concatenate(widths).mean(axis=0)


def keep_known(y, since, now):
    """Return the truths that became known at the rows from `since` to `now`, NaN elsewhere."""
    known_at = np.arange(len(y))[:, np.newaxis] + np.arange(1, HORIZON + 1)
    return y.where((since <= known_at) & (known_at < now))


if __name__ == "__main__":
    print(describe_machine(), flush=True)
    rows = []
    for column, station in product(["temp", "dewp", "humid"], ["JFK", "EWR", "LGA"]):
        X, y = load_changes(station, column)
        borders = X.index.get_indexer(pd.to_datetime(BORDERS, utc=True))
        model = train(X, y, borders[0])
        for level in [0.8, 0.95]:
            shares, widths = count(model, X, y, *borders, level, update=True)
            fixed, _ = count(model, X, y, *borders, level, update=False)
            worst, without = (100 * np.abs(held - level).max() for held in (shares, fixed))
            rows.append(
                [
                    f"{column} at {station}",
                    f"{100 * level:g} %",
                    " ".join(f"{100 * share:.1f}" for share in shares),
                    f"{widths[0]:.1f} to {widths[-1]:.1f}",
                    f"{worst:.1f}",
                    "yes" if worst <= 3 else "NO",
                    f"{without:.1f}",
                ]
            )
    header = "level", "held, % at 1 to 12 h", "width", "off by", "within 3", "without updates"
    print_table(rows, ("", *header))
