"""
Next hour's temperature: windows and LSTM in one grid search
============================================================

How warm will it be at JFK airport in an hour, given the weather of the hours before? How far to
look back and how large to make the LSTM are searched for together, in the stock `GridSearchCV`
over a stock `Pipeline`. The forecast then meets two opponents on the last two months of the year:
the last value, and a linear regression on the same windows.
"""

# %%
# The data, gaps included
# -----------------------
# A window is a number of rows, so rows must be equally far apart in time: ``asfreq`` puts a year of
# hourly weather on the full hourly grid, where an hour that was not reported is a row of NaN.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMRegressor, SlidingWindowTransformer
from sklstm.datasets import load_nyc_weather

weather = load_nyc_weather("JFK").asfreq("h")[["temp", "dewp", "humid", "pressure"]]
print(f"{len(weather):,} hours, {weather.isna().all(axis=1).sum()} of them missing altogether")
print(f"{weather['pressure'].isna().sum()} pressures missing")

# %%
# `LSTMRegressor` needs no imputation: it skips a step in which any value is missing. For the
# missing hours that is just right. For the missing pressures it is not: one hour in ten would lose
# its temperature for want of a pressure. Pressure changes slowly, so the last one known will do.
# (As this looks back only, it can be done before any split.)

weather["pressure"] = weather["pressure"].ffill()

# %%
# What to look at, what to forecast
# ---------------------------------
# A model trained on winter has never seen the temperatures of spring, but it has seen days that
# warm up. So the rows are hourly changes (but for humidity, which is relative by itself), and so is
# the target: the change of the temperature over the next hour. Added to the last value, it is a
# forecast of the temperature, with the same error.

last_value = weather["temp"].ffill()
next_value = weather["temp"].shift(-1)

X = weather.diff().assign(humid=weather["humid"])[1:-1]
y = (next_value - last_value)[1:-1]

# %%
# Where the next hour is missing, there is no target. Leaving out that row (as `make_supervised`
# does) would join the rows before and after it, and 24 steps back would no longer be the same hour
# of yesterday. So all rows stay, to be part of the windows that follow. A row without a target
# gets a stand-in with weight 0: no model is trained on it, and the test leaves it out.

weight = y.notna().astype(float)
y = y.fillna(0)

X_train, X_test = X[:"2013-10-31"], X["2013-11-01":]
y_train, weight_train = y[X_train.index], weight[X_train.index]
y_test = next_value[X_test.index].dropna()
print(f"{int(weight_train.sum()):,} targets to train on, {len(y_test):,} in the last two months")

# %%
# The grid search
# ---------------
# Rows go in. `SlidingWindowTransformer` makes one window of each row and the rows before it, so the
# number of rows stays the same, ``y`` fits as it is, and ``n_steps`` is a parameter like any other.
# `TimeSeriesSplit` validates on what comes after the rows trained on. The test months take no part
# in the search; the number of epochs was settled on September and October.

cv = TimeSeriesSplit(n_splits=3)
search = GridSearchCV(
    make_pipeline(SlidingWindowTransformer(), LSTMRegressor(epochs=10, random_state=0)),
    {
        "slidingwindowtransformer__n_steps": [6, 24],
        "lstmregressor__units": [16, 32],
    },
    cv=cv,
    scoring="neg_root_mean_squared_error",
)
search.fit(X_train, y_train, lstmregressor__sample_weight=weight_train)

scores = pd.DataFrame(search.cv_results_["params"]).set_axis(["units", "n_steps"], axis=1)
scores["RMSE (°F)"] = -search.cv_results_["mean_test_score"]
print(scores.pivot(index="n_steps", columns="units").round(3))

# %%
# Looking back a whole day helps, a larger network does not. The first of 24 steps is what the
# temperature did in that same hour of yesterday; nobody told the LSTM the time.
#
# Two opponents
# -------------
# The last value is hard to beat, as an hour later it is often just as warm. `Ridge` gets the same
# windows, laid flat, and chooses its penalty on the same folds. It cannot skip a step, so missing
# values are filled with the mean: for a change, that is next to none.

n_steps = search.best_params_["slidingwindowtransformer__n_steps"]
ridge = GridSearchCV(
    make_pipeline(
        SlidingWindowTransformer(n_steps, flatten=True, padding="edge"),
        SimpleImputer(),
        StandardScaler(),
        Ridge(),
    ),
    {"ridge__alpha": np.logspace(0, 4, 5)},
    cv=cv,
    scoring="neg_root_mean_squared_error",
)
ridge.fit(X_train, y_train, ridge__sample_weight=weight_train)

base = last_value[X_test.index]
forecasts = pd.DataFrame(
    {
        "Last value": base,
        "Ridge": base + ridge.predict(X_test),
        "LSTM": base + search.predict(X_test),
    }
)
errors = forecasts.loc[y_test.index].sub(y_test, axis=0)
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
measured = next_value[X_test.index].set_axis(local)[days]
top.plot(measured.index, measured, "ko", label="Measured")
for name, forecast in forecasts.set_axis(local)[days].items():
    top.plot(forecast.index, forecast, color=colors[name], label=name)
top.xaxis.set_major_formatter(DateFormatter("%d %b\n%H:%M"))
top.set(title="Temperature at JFK, forecast one hour ahead", ylabel="Temperature (°F)")
top.legend()

squares = errors.reindex(X_test.index) ** 2
for name, rmse in np.sqrt(squares.groupby(local.hour).mean()).items():
    bottom.plot(rmse.index, rmse, "o-", color=colors[name], label=name)
bottom.set(title="Error by hour of the day, November and December", xlabel="Hour in New York")
bottom.set(ylabel="RMSE (°F)", xticks=range(0, 24, 3), ylim=(0, None))
bottom.legend(loc="lower right")

# %%
# The last value is the measured curve, an hour late. That costs most where the temperature moves
# fast: in the morning, and towards four in the afternoon, when the sun goes down. The models have
# seen yesterday and are ahead of it; at other hours there is less to gain, for anyone. Much of what
# a day says about the next hour is linear, and `Ridge` finds that as well. The LSTM finds more.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        plt.figure(number).savefig(f"plot_weather_grid_search_{number}.png")
else:
    plt.show()
