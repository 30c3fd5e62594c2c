"""
Next hour's temperature: windows and LSTM in one grid search
============================================================

How warm will it be at JFK airport in an hour, given the weather of the hours before? How far to
look back and how large to make the LSTM are searched for together, in the stock `GridSearchCV`
over a stock `Pipeline`. On the last two months of the year the LSTM is compared with two other
forecasts: the last value, and a linear regression on the same windows.
"""

# %%
# The data, gaps included
# -----------------------
# This is a year of hourly weather. An hour that was not reported has no row.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised
from sklstm.datasets import load_nyc_weather

weather = load_nyc_weather("JFK")
print(f"{len(weather):,} of {len(weather.asfreq('h')):,} hours were reported")
print(f"{weather['pressure'].isna().sum()} of them without the pressure")

# %%
# `LSTMRegressor` needs no imputation: it skips a step in which any value is missing. For the
# missing hours that is just right. For the missing pressures it is not: one hour in ten would lose
# its temperature for want of a pressure. Pressure changes slowly, so the last one known will do.
# (As this looks back only, it can be done before any split.)
#
# What to look at, what to forecast
# ---------------------------------
# The target is the temperature of the next hour. A model trained on winter has never seen that of
# a day in May, but it has seen days that warm up. `anchor` is for that: it names the column that
# ``y`` is the future of. The LSTM reads it relative to its last value in the window, and predicts
# the change from there. The other columns are made to mean the same all year: how far the dew point
# lies below the temperature, how fast the pressure changes, and the hour of the day as a point on a
# circle.
#
# With ``freq="h"`` targets go by the clock: `make_supervised` leaves out the last hour and the 14
# before a gap, as the hour after them is not known. Later windows miss these hours, too, which
# makes no difference here.

angle = 2 * np.pi * weather.index.hour / 24
features = pd.DataFrame(
    {
        "temp": weather["temp"],
        "spread": weather["temp"] - weather["dewp"],
        "humid": weather["humid"],
        "tendency": weather["pressure"].ffill().diff(),
        "sin_hour": np.sin(angle),
        "cos_hour": np.cos(angle),
    }
)[1:]  # the first hour has no tendency
X, y = make_supervised(features, target="temp", freq="h")
X_train, X_test = X[:"2013-10-31"], X["2013-11-01":]
y_train, y_test = y[X_train.index], y[X_test.index]
print(f"{len(y_train):,} targets to train on, {len(y_test):,} in the last two months")

# %%
# The grid search
# ---------------
# Rows go in. `SlidingWindowTransformer` makes one window of each row and the hours before it, so
# the number of rows stays the same, ``y`` fits as it is, and ``n_steps`` is a parameter like any
# other. An hour without a row is a missing step, so 24 steps are always a day. `TimeSeriesSplit`
# validates on what comes after the rows trained on. The test months take no part in the search; the
# number of epochs was chosen on the same folds.

cv = TimeSeriesSplit(n_splits=3)
search = GridSearchCV(
    make_pipeline(
        SlidingWindowTransformer(freq="h"),
        LSTMRegressor(anchor="temp", segment=3, epochs=10, random_state=0),
    ),
    {
        "slidingwindowtransformer__n_steps": [6, 24],
        "lstmregressor__units": [16, 32],
    },
    cv=cv,
    scoring="neg_root_mean_squared_error",
)
search.fit(X_train, y_train)

scores = pd.DataFrame(search.cv_results_["params"]).set_axis(["units", "n_steps"], axis=1)
scores["RMSE (°F)"] = -search.cv_results_["mean_test_score"]
print(scores.pivot(index="n_steps", columns="units").round(3))

# %%
# A draw: the LSTM knows the hour of the day, so it gains little from the same hour of yesterday, or
# from more units. ``segment=3`` lets the cell read three hours at once, in a third of the time.
# (Such a step is skipped whole if one of its hours is missing.)
#
# Two other forecasts
# -------------------
# The last value is hard to beat, as an hour later it is often just as warm. `Ridge` gets the same
# windows, flattened, and chooses its penalty on the same folds. It cannot skip a step, so with
# ``padding="edge"`` a missing hour repeats the one before. It needs no anchor: a linear model can
# subtract by itself.

n_steps = search.best_params_["slidingwindowtransformer__n_steps"]
ridge = GridSearchCV(
    make_pipeline(
        SlidingWindowTransformer(n_steps, freq="h", flatten=True, padding="edge"),
        StandardScaler(),
        Ridge(),
    ),
    {"ridge__alpha": np.logspace(0, 4, 5)},
    cv=cv,
    scoring="neg_root_mean_squared_error",
)
ridge.fit(X_train, y_train)

forecasts = pd.DataFrame(
    {
        "Last value": X_test["temp"],
        "Ridge": ridge.predict(X_test),
        "LSTM": search.predict(X_test),
    }
)
errors = forecasts.sub(y_test, axis=0)
table = pd.DataFrame({"RMSE (°F)": np.sqrt((errors**2).mean()), "MAE (°F)": errors.abs().mean()})
table["RMSE, relative"] = table["RMSE (°F)"] / table.loc["Last value", "RMSE (°F)"]
print(table.round(2))

# %%
# Where the gain comes from
# -------------------------
# On top, two days, each forecast drawn at the hour that it is for. Below, the error by the hour of
# the day.

local = (X_test.index + pd.Timedelta(hours=1)).tz_convert("America/New_York").tz_localize(None)
colors = {"Last value": "0.6", "Ridge": "tab:blue", "LSTM": "tab:red"}

fig, (top, bottom) = plt.subplots(2, figsize=(10, 8), layout="constrained")
days = slice("2013-11-18", "2013-11-19")
measured = y_test.set_axis(local)[days]
top.plot(measured.index, measured, "ko", label="Measured")
for name, forecast in forecasts.set_axis(local)[days].items():
    top.plot(forecast.index, forecast, color=colors[name], label=name)
top.xaxis.set_major_formatter(DateFormatter("%d %b\n%H:%M"))
top.set(title="Temperature at JFK, forecast one hour ahead", ylabel="Temperature (°F)")
top.legend()

for name, rmse in np.sqrt((errors**2).groupby(local.hour).mean()).items():
    bottom.plot(rmse.index, rmse, "o-", color=colors[name], label=name)
bottom.set(title="Error by hour of the day, November and December", xlabel="Hour in New York")
bottom.set(ylabel="RMSE (°F)", xticks=range(0, 24, 3), ylim=(0, None))
bottom.legend(loc="lower right")

# %%
# The last value is the measured curve, an hour late. That costs most where the temperature moves
# fast: in the morning, and towards four in the afternoon, when the sun goes down. The models know
# the hour of the day and are ahead of it. `Ridge` gives every day of the year the same morning; the
# LSTM can let it depend on the weather, and is the better one nearly all day.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_weather_grid_search_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
