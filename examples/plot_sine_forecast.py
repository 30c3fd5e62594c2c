"""
The first LSTM: forecast a sine wave
====================================

The LSTM everybody trains first: 50 samples of a sine wave go in, the next one comes out. Here it
takes a few lines. Reading the figure they make takes a few more.
"""

# %%
# A series and its windows
# ------------------------
# A thousand samples of ``sin(x)``. `make_windows` turns them into 950 windows of 50 steps with one
# feature each; the target of a window is the sample right after it.

import matplotlib.pyplot as plt
import numpy as np

from sklstm import ForecastDisplay, LSTMRegressor, make_windows
from sklstm.datasets import make_sine_wave

n_steps = 50
x = np.linspace(0, 1000 * np.pi, 1000)
series = np.sin(x)

X, y = make_windows(series, n_steps)
print(f"Windows {X.shape}, targets {y.shape}")

# %%
# The model
# ---------
# One layer of 50 units with ``relu``, Adam at its usual learning rate, mean squared error, 20
# epochs. Then forecast the value after the last one from the last 50 samples. No training window
# has it as its target; but the grid goes on at the same step, so its true value is known.

model = LSTMRegressor(
    units=50,
    activation="relu",
    optimizer="adam",
    learning_rate=0.001,
    loss="mse",
    epochs=20,
    random_state=0,
)
model.fit(X, y)

last_window = series[-n_steps:].reshape(1, n_steps, 1)
prediction = model.predict(last_window)[0]
actual = np.sin(x[-1] + (x[1] - x[0]))
print(f"Prediction      {prediction:+.4f}")
print(f"True next value {actual:+.4f}")
print(f"Error           {prediction - actual:+.4f}")

# %%
# The plot
# --------
# The last 100 samples, and the prediction right after them: the samples are numbers 900 to 999, the
# dot is number 1000.

sample = np.arange(len(series))

_, ax = plt.subplots(figsize=(10, 4), layout="constrained")
ax.plot(sample[-100:], series[-100:], label="Actual")
ax.plot(len(series), prediction, "o", color="red", label="Predicted")
ax.set(title="LSTM Model Predictions vs Actual Data", xlabel="Time step", ylabel="Value")
ax.legend()

# %%
# `ForecastDisplay` draws the same in one line. Its curve is the whole series; the limits leave the
# last 100 samples.

display = ForecastDisplay.from_estimator(model, last_window, history=series)
display.ax_.set(title="The same in one line", xlim=(895, 1005))

# %%
# What to notice
# --------------
# First, this does not look like a sine. The grid is the reason: a thousand points from 0 to 1000π
# are 1000π / 999 apart, slightly more than π, which is half a cycle. So the samples alternate in
# sign, under a slow envelope that the grid makes and the wave does not have (aliasing). A few
# samples, on the wave they were taken from:

few = slice(250, 261)
fine = np.linspace(x[few][0], x[few][-1], 500)

_, ax = plt.subplots(figsize=(10, 4), layout="constrained")
ax.plot(fine / x[1], np.sin(fine), color="0.75", label="sin(x)")
ax.plot(sample[few], series[few], "o-", label="Samples")
ax.set(title="What the coarse grid sees", xlabel="Sample", ylabel="Value", ylim=(-1.15, 1.45))
ax.legend(loc="upper left", ncols=2)

# %%
# Second, the dot is in place and yet proves nothing. The envelope crosses zero just where the
# series ends, so plain zero would have been off by 0.003 only, less than the model. What it has
# learned over all its training windows, the loss says: it is in units of the variance of ``y``, so
# that forecasting the mean has a loss of 1.

print(f"Loss of the last epoch, coarse grid: {model.loss_curve_[-1]:.4f}")

# %%
# A well-sampled sine
# -------------------
# The same model on a thousand samples of 20 cycles, about 50 in each. Now the curve is the wave,
# and it ends where it climbs fastest: zero, or the last value, would be off by 0.13.

series = make_sine_wave(1000, n_cycles=20)
X_well, y_well = make_windows(series, n_steps)
model.fit(X_well, y_well)

last_window = series[-n_steps:].reshape(1, n_steps, 1)
prediction = model.predict(last_window)[0]
actual = np.sin(1000 * 40 * np.pi / 999)
print(f"Prediction {prediction:+.4f}, true next value {actual:+.4f}, last value {series[-1]:+.4f}")
print(f"Loss of the last epoch, well sampled: {model.loss_curve_[-1]:.4f}")

display = ForecastDisplay.from_estimator(model, last_window, history=series)
display.ax_.set(title="The same model on a well-sampled sine", xlim=(895, 1005))

# %%
# The dot goes on upwards with the curve. This forecast could have failed; still, one forecast is
# luck. Many of them count, of samples that the model was not trained on: here the last 100, each
# from the 50 before it, beside the simplest forecast there is, the last value. ``tanh``, the
# default activation, has a try as well.


def measure_rmse(forecast):
    """Return the root mean squared error of forecasts of the last 100 samples."""
    return np.sqrt(np.mean((forecast - y_well[-100:]) ** 2))


print("RMSE of 100 forecasts, well sampled")
print(f"Last value {measure_rmse(X_well[-100:, -1, 0]):.4f}")
for activation in ["relu", "tanh"]:
    model.set_params(activation=activation).fit(X_well[:-100], y_well[:-100])
    print(f"LSTM, {activation} {measure_rmse(model.predict(X_well[-100:])):.4f}")

# %%
# So both learn this wave, and ``tanh`` learns it twice as well. On the coarse grid the gap is
# wider, and depends on the random initial weights:

_, ax = plt.subplots(figsize=(10, 4), layout="constrained")
for activation, color in [("relu", "tab:orange"), ("tanh", "tab:blue")]:
    for seed in range(3):
        model.set_params(activation=activation, random_state=seed).fit(X, y)
        label = activation if seed == 0 else None
        ax.plot(np.arange(1, 21), model.loss_curve_, color=color, label=label)
ax.set(title="Loss on the coarse grid, three seeds each", xlabel="Epoch", ylabel="Loss")
ax.set(yscale="log", xticks=range(0, 21, 5))
ax.legend()

# %%
# Each run with ``tanh`` has learned the coarse samples in about five epochs. With ``relu`` they
# take ten and more to begin with it, and where they end is a matter of luck. So the samples are
# easy, and it is the activation that is slow. An LSTM applies it to its own state at each of 50
# steps: ``tanh`` keeps what comes out between -1 and 1, ``relu`` lets it grow without bound. A good
# choice in other networks is a poor one here.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_sine_forecast_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
