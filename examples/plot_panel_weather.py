"""
=====================================
One model for the weather at 3 places
=====================================

How warm will it be in an hour, at each of the three airports of New York City? One `Pipeline`
forecasts all three: its windows never mix two airports, one network learns from all of them, and
the first windows of the test rows reach back into the training rows.

A table at the end shows what each of these gains, in °F.
"""

# %%
# Three series in one frame
# -------------------------
#
# The first level of the index separates the airports. Each of them missed some hours, which have no
# row. The few rows with a missing value are left out, too: the model would skip them anyway.
#
# With `freq="h"` the target of a row is the temperature one hour later. `make_supervised` leaves
# out the rows whose next hour is missing.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, PanelTimeSeriesSplit, SlidingWindowTransformer, make_supervised
from sklstm.datasets import load_nyc_weather

weather = load_nyc_weather("all")[["temp", "dewp", "wind_speed"]].dropna()
angle = 2 * np.pi * weather.index.get_level_values("time_utc").hour / 24
weather = weather.assign(sin_hour=np.sin(angle), cos_hour=np.cos(angle))
X, y = make_supervised(weather, target="temp", freq="h")
print(X.groupby(level="station").head(2).round(1))

# %%
# Folds
# -----
#
# The last 4,500 hours, from late June to the end of December, are for testing only: three folds of
# 1,500 hours, and before each the model is trained again on all there is up to then.
# `PanelTimeSeriesSplit` counts hours, not rows, and splits all three series at the same hour.

folds = PanelTimeSeriesSplit(n_splits=3, test_size=1500)
train, test = next(folds.split(X))
X_train, y_train = X.iloc[train], y.iloc[train]

# %%
# Choose on training rows alone
# -----------------------------
#
# How warm it will be in an hour is, above all, how warm it is now. With `anchor` the network
# predicts the change from there.
#
# Window length and epochs come from a grid search over the rows before the first test fold. The
# windows are part of the model, so the search tries 6 and 12 hours on the same `X` and `y`.
#
# The one model has two rivals. For a model per airport, the same search goes over the rows of one
# airport. And as nothing in `X` says which airport a row is from, the one model also runs, with the
# same window length and epochs, on an `X` that does, by a column for each airport.

model = make_pipeline(
    SlidingWindowTransformer(freq="h"),
    LSTMRegressor(
        units=8, anchor="temp", loss="mae", batch_size=128, learning_rate=0.01, random_state=0
    ),
)
grid = {"slidingwindowtransformer__n_steps": [6, 12], "lstmregressor__epochs": [5, 10]}


def choose(name, stations):
    """Return the model that forecasts held-out training rows best, not yet trained."""
    cv = PanelTimeSeriesSplit(n_splits=2, test_size=1500)
    search = GridSearchCV(model, grid, cv=cv, scoring="neg_mean_absolute_error", refit=False)
    search.fit(X_train.loc[stations], y_train.loc[stations])
    best = clone(model).set_params(**search.best_params_)
    print(
        f"{name:9}  {best[0].n_steps:2} hours  {best[-1].epochs:2} epochs  "
        f"{-search.best_score_:.2f} °F"
    )
    return best


stations = ["EWR", "JFK", "LGA"]
model_of_all = choose("one model", stations)
models = {station: choose(station, [station]) for station in stations}

# %%
# The last number is the mean absolute error on the held-out training rows; the models for one
# airport average 1.08 °F, so that is a draw. So are the settings, nearly: a difference of 0.01 °F
# is luck, and other machines, which round differently, may choose other ones.
#
# Where history acts
# ------------------
#
# Without history the first row of a fold is a window of one hour, the next row one of two hours,
# and so on until a window is full. With history the transformer remembers the last rows of each
# airport it was fitted to, and the index says how many hours before the new rows they lie.
# `explain_window` shows the difference for the second hour of a fold, here for windows of 4 hours:

windows = SlidingWindowTransformer(n_steps=4, freq="h").fit(X_train)
print(windows.explain_window(X.iloc[test], 1))
print(windows.set_params(history=False).explain_window(X.iloc[test], 1))

# %%
# A fold of 1,500 hours has one such boundary, and the few hours after it hardly count in its mean
# error. A model in production meets boundaries far more often: whenever new rows arrive. So we also
# forecast each fold in blocks of 25 hours, which puts a boundary on every hour of the day in turn.
#
# Nobody trains a network again for 25 new rows. `model[:-1]` is the pipeline without its last
# step; fitting only that updates the remembered rows and leaves the weights as they are. So all
# forecasts of a fold come from the same network, and only history differs.


def train_on_folds(model, X, stations):
    """Return the models of the folds, each trained on the earlier rows of some airports."""
    return [
        clone(model).fit(X.iloc[train].loc[stations], y.iloc[train].loc[stations])
        for train, _ in folds.split(X)
    ]


def forecast(trained, X, n_hours, *, history=True):
    """Forecast the folds in blocks of `n_hours`, remembering the rows before each block."""
    blocks = PanelTimeSeriesSplit(4500 // n_hours, test_size=n_hours).split(X)
    forecasts = []
    for i, (past, block) in enumerate(blocks):
        model = trained[i * n_hours // 1500]  # that of the block's fold
        model.set_params(slidingwindowtransformer__history=history)
        model[:-1].fit(X.iloc[past])
        forecasts.append(pd.Series(model.predict(X.iloc[block]), X.index[block]))
    return pd.concat(forecasts)


together = train_on_folds(model_of_all, X, stations)
station_of_row = X.index.get_level_values("station")
X_airports = X.assign(**{station: station_of_row == station for station in stations})
with_airport = train_on_folds(model_of_all, X_airports, stations)
apart = {station: train_on_folds(models[station], X, [station]) for station in stations}

# %%
# The errors
# ----------
#
# The last value as the forecast is the temperature now. The model of one airport forecasts all
# three, in blocks of the same hours, and its own airport counts.


def measure_errors(n_hours):
    """Return the absolute error of each forecast in °F, one column for each way to forecast."""
    ways = {
        "last value": X["temp"],
        "one model, no history": forecast(together, X, n_hours, history=False),
        "one model": forecast(together, X, n_hours),
        "one model with the airport": forecast(with_airport, X_airports, n_hours),
        "a model per airport": pd.concat(
            [forecast(apart[station], X, n_hours).loc[[station]] for station in stations]
        ),
    }
    forecasts = pd.concat(ways, axis=1, join="inner")
    return forecasts.sub(y[forecasts.index], axis=0).abs()


one_boundary = measure_errors(1500)
errors = measure_errors(25)
hour = errors.index.get_level_values("time_utc").factorize(sort=True)[0] % 25
n_short = model_of_all[0].n_steps - 1
table = pd.DataFrame(
    {
        "1,500 h": one_boundary.mean(),
        "25 h": errors.mean(),
        f"25 h, the first {n_short}": errors[hour < n_short].mean(),
    }
)
print("Mean absolute error in °F, with a boundary every")
print(table.round(3))

# %%
# All rows of the table are errors of the same 13,461 forecasts. The last column has only those that
# need history: the hours after a boundary until a window is full without it.
#
# * **All models beat the last value**, by a fifth.
# * **With history it does not matter where the boundaries are**: the first two columns are equal.
#   Without it, one boundary in 1,500 hours makes almost no difference, but one every 25 hours adds
#   about 0.1 °F, or a tenth, to the error in the hours after it. The network is the same: history
#   only completes the first windows, without dropping a row from the score.
# * **One model is as accurate as three, no more.** With the airport as a feature or without, it is
#   about 0.01 °F better or worse, and another `random_state` changes the errors as much.


def plot_errors(ax, errors, kind, names, **options):
    """Draw mean errors in the same colours everywhere."""
    colors = dict(zip(table.index, ["0.6", "C1", "C0", "C4", "C2"], strict=True))
    errors[names].plot(kind=kind, ax=ax, color=colors, ylabel="mean absolute error (°F)", **options)
    ax.legend(ncols=2, frameon=False, loc="upper center")


fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
by_hour = errors.groupby(hour + 1).mean()
plot_errors(left, by_hour, "line", table.index[:3], marker="o", markersize=4, ylim=(0.8, 1.45))
left.set(title="With a boundary every 25 hours", xlabel="hours after the boundary")
by_station = errors.groupby(level="station").mean()
plot_errors(right, by_station, "bar", table.index[[0, 2, 3, 4]], rot=0, width=0.8, ylim=(0, 1.7))
right.set(title="With history, at each airport", xlabel="")

# %%
# Left: without history the first forecasts after a boundary are worse, by about 0.2 °F to begin
# with, and little better than the last value. Then the windows contain most of what matters, though
# they are not full yet. Once they are full, both lines are equal.
#
# Right: at each airport all three are about equally good, and the one model does not need to know
# where it is. LGA is the easiest: there the temperature changes least from hour to hour. One model
# is not more accurate here, but simpler: one search, one training run and one pipeline.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_panel_weather_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
