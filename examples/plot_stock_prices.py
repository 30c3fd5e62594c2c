"""
Stock prices: a perfect-looking forecast, and one worth having
==============================================================

Few figures are shown as often as an LSTM's forecast of a stock price that lies on the true curve,
day after day. Here is how to make such a figure, and how to see that there is nothing in it: the
forecast is the last price, a day late. The direction of the price is a coin toss. How far the price
will move, its volatility, is not: that can be forecast.
"""

# %%
# A series about which all is known
# ---------------------------------
# The stock is synthetic, so that the true volatility is known. What follows is a lesson in reading
# forecasts, not evidence about any market. Each day's return is random, as likely up as down, times
# the day's volatility. So nothing in the past predicts the direction of the next return, and the
# best forecast of the price *is* the last price.
#
# The volatility has a memory. It rises after large moves, and more after falls than after rises, as
# that of real stocks does. The model is the GJR-GARCH(1, 1) of Glosten, Jagannathan and Runkle
# (1993, *Journal of Finance* 48(5)), the parameters are of the size found for stock indices.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised


def simulate_stock(n_days, random_state):
    """Simulate the returns of a stock and the volatility they are drawn with, in % a day."""
    shocks = np.random.RandomState(random_state).standard_normal(n_days)
    returns, variances = np.empty(n_days), np.empty(n_days)
    variance = mean_variance = 1.2**2
    for day, shock in enumerate(shocks):
        variances[day] = variance
        returns[day] = np.sqrt(variance) * shock
        news = (0.18 if shock < 0 else 0.02) * returns[day] ** 2
        variance = 0.02 * mean_variance + news + 0.88 * variance
    return pd.DataFrame({"return": returns, "volatility": np.sqrt(variances)})


stock = simulate_stock(5000, random_state=0)
price = 100 * (1 + stock["return"] / 100).cumprod().rename("price")
n_test = 1250  # five years of trading days

# %%
# The forecast that looks perfect
# -------------------------------
# Twenty days of prices go in, the next one comes out. One LSTM reads the prices as they are, as it
# is mostly done; the other has the price as its `anchor`, so it predicts the change from the last
# price. The number of epochs is settled on the last tenth of the training days, the last five years
# are for the test.


def train(X, y, **params):
    """Train an LSTM on windows of 20 days, all days but the last five years."""
    lstm = LSTMRegressor(
        units=8,
        batch_size=128,
        learning_rate=0.005,
        early_stopping=True,
        n_iter_no_change=5,
        random_state=0,
        **params,
    )
    return make_pipeline(SlidingWindowTransformer(20), lstm).fit(X[:-n_test], y[:-n_test])


X, y = make_supervised(price.to_frame())
today, tomorrow = X["price"][-n_test:], y[-n_test:]
day = tomorrow.index + 1  # that a forecast is for
forecasts = pd.DataFrame(
    {
        "Last value": today,
        "LSTM": train(X, y).predict(X[-n_test:]),
        "LSTM, anchor=0": train(X, y, anchor=0).predict(X[-n_test:]),
    }
)

fig, ax = plt.subplots(figsize=(10, 4), layout="constrained")
ax.plot(day, tomorrow, color="0.6", linewidth=4, label="Price")
ax.plot(day, forecasts["LSTM, anchor=0"], color="k", linewidth=0.8, label="LSTM, anchor=0")
ax.set(title="Forecast one day ahead, five years never trained on", xlabel="Day", ylabel="Price")
ax.legend()
print(f"R² of the LSTM with anchor: {r2_score(tomorrow, forecasts['LSTM, anchor=0']):.3f}")

# %%
# On the curve from one end to the other, and R² is close to 1. This is where many a report ends.
#
# What it is
# ----------
# The same forecasts over six weeks:

few = slice(100, 130)
fig, ax = plt.subplots(figsize=(10, 4), layout="constrained")
ax.plot(day[few], tomorrow[few], "ko:", label="Price")
ax.plot(day[few], today[few], color="tab:orange", linewidth=5, alpha=0.7, label="Last value")
ax.plot(day[few], forecasts["LSTM, anchor=0"][few], "k--", label="LSTM, anchor=0")
ax.set(title="The same forecast, six weeks of it", xlabel="Day", ylabel="Price")
ax.legend()

# %%
# The forecast is the price moved to the right by one day, wherever it goes. On the scale of five
# years a day is less than the width of a line, and R² compares with the mean of five years, which
# is no rival. The rival is the last value, and the question is about the *change*:


def compare(forecasts, y_true, baseline):
    """Return the RMSE of forecasts and the fraction of the baseline's squared error they save."""
    squares = forecasts.sub(y_true, axis=0).pow(2).mean()
    return pd.DataFrame({"RMSE": np.sqrt(squares), "saved": 1 - squares / squares[baseline]})


table = compare(forecasts, tomorrow, "Last value")
rises = forecasts.gt(today, axis=0).eq(tomorrow > today, axis=0)
table["direction right"] = rises.drop(columns="Last value").mean()
print("Price, one day ahead")
print(table.round(3).to_string(na_rep="-"))

# %%
# * **The last value wins**, as it has to. The LSTM with `anchor` found nothing to add to it and
#   says so by copying it. The LSTM on raw prices is worse: it has to rebuild from its state, with
#   some error, the level that the last value gives for free.
# * **The direction is a coin toss** for both: with 1,250 days, anything from 47 to 53 % is.
#
# That is so by construction here. On real prices the burden of proof is on the forecast: to beat
# the last value, after costs, on days that nobody had seen when it was made.
#
# What can be forecast
# --------------------
# The next return is not to be known, but its size is, to a degree. The target is now the absolute
# return of the next day. The plain rivals are the mean of the training days and an exponentially
# weighted average of the absolute returns so far, its span chosen on the training days. And as the
# stock is synthetic, the best possible forecast is known, too: the true volatility of the day,
# times :math:`\sqrt{2 / \pi}` for a mean absolute return.

moves = pd.DataFrame({"size": stock["return"].abs(), "return": stock["return"]})
X, y = make_supervised(moves, target="size")
size = y[-n_test:]


def average(span):
    """Return the exponentially weighted average of the absolute returns up to each day."""
    return X["size"].ewm(span=span).mean()


span = min(range(5, 65, 5), key=lambda span: ((average(span) - y)[:-n_test] ** 2).mean())
print(f"Span of the average: {span} days")

# %%
# One LSTM reads each return, its size and its sign. The other also reads the average, as its
# `anchor`: an anchor need not be the last value, any column will do that is a forecast in the units
# of ``y``. So this LSTM learns what to add to the plain rival.

X = X.assign(average=average(span))
sizes = pd.DataFrame(
    {
        "Mean": y[:-n_test].mean(),
        "Average": X["average"][-n_test:],
        "LSTM": train(X[["size", "return"]], y).predict(X[["size", "return"]][-n_test:]),
        "LSTM on average": train(X, y, anchor=2).predict(X[-n_test:]),
        "True volatility": np.sqrt(2 / np.pi) * stock["volatility"][-n_test:].to_numpy(),
    },
    index=size.index,
)
print("Absolute return in %, one day ahead")
print(compare(sizes, size, "Mean").round(3).to_string())

# %%
# A single return is mostly chance: even who knows the true volatility saves only a sixth of the
# squared error. **Most of what can be known is found**, three quarters of it by the plain average,
# and nearly all by the LSTM that starts from there. The LSTM alone is little better than the
# average, and that much is luck: of seven more stocks, simulated with other random states, it beat
# the average on four and lost to it on three. The LSTM on the average won on all of them.
#
# What does it know that the average does not? On the left the last year; on the right, over all
# five years, what a return does to the forecast:

fig, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.2), width_ratios=[3, 2], layout="constrained"
)
looks = {
    "True volatility": {"color": "tab:blue", "linewidth": 5, "alpha": 0.4},
    "Average": {"color": "tab:red", "linestyle": "--"},
    "LSTM on average": {"color": "k"},
}
left.bar(day[-250:], size[-250:], color="0.85", width=1, label="Absolute return")
last_return = X["return"][-n_test:].clip(-2, 2).round()
for name, look in looks.items():
    left.plot(day[-250:], sizes[name][-250:], label=name, **look)
    right.plot(sizes[name].diff().groupby(last_return).mean(), marker="o", label=name, **look)
left.set(title="Absolute return, one day ahead", xlabel="Day", ylabel="Absolute return (%)")
left.set(ylim=(0, 3.4))
right.set(title="What a return does to the forecast", xlabel="Return of the last day (%)")
right.set(ylabel="Change of the forecast (%)", xticks=range(-2, 3))
right.set_xticklabels(["below -1.5", "-1", "0", "1", "above 1.5"])
left.legend(ncols=2, loc="upper left")
right.legend()

# %%
# The average rises after a large move either way. The true volatility rises after a fall only, and
# the LSTM, which knows the sign, has found that out; after large rises it takes back even too much.
# On the left it follows the true volatility where the average is late.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_stock_prices_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
