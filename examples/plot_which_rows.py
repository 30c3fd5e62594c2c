"""
Which rows does the model see?
==============================

A forecast is only valid if the model saw nothing of the future. This page shows the rows in each
window and the rows of its target, and how splits, early stopping and several series in one table
change both.

Nothing here is drawn by hand. In all the data below, the value of a row is its own number, so the
values of a window are the numbers of its rows.
"""

# %%
# Windows
# -------
# `SlidingWindowTransformer` makes one window of each row: the row itself and those before it, as
# many as there are, up to ``n_steps`` in all. `explain_window` describes a single window; the
# figure below shows all of them.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import TimeSeriesSplit

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised

series = pd.DataFrame({"row": np.arange(12.0)})
transformer = SlidingWindowTransformer(n_steps=4).fit(series)
print(transformer.explain_window(series, 1))

# %%
# There is one line for each window and one column for each row. A missing step is drawn where its
# row would have been.


def draw_windows(ax, windows, targets=None, *, first=0, top=0, between_rows=1):
    """Draw windows of row numbers, one to a line, and the rows that are their targets.

    The first window is that of row `first`, on line `top`; `between_rows` is how far apart the rows
    of a series are.
    """
    lines, steps = np.indices(windows.shape)
    back = between_rows * (windows.shape[1] - 1 - steps)
    missing = np.isnan(windows)
    ax.scatter(windows, top + lines, marker="s", color="C0", label="Step of the window")
    ax.scatter(
        (first + lines - back)[missing],
        (top + lines)[missing],
        marker="x",
        color="0.4",
        label="Missing step (NaN)",
    )
    if targets is not None:
        targets = np.asarray(targets).reshape(len(windows), -1)
        lines, _ = np.indices(targets.shape)
        ax.scatter(targets, top + lines, marker="*", s=90, color="k", label="Target")


def label(ax, title):
    """Label the axes, and count the windows from the top."""
    ax.set(title=title, xlabel="Row", ylabel="Window")
    ax.locator_params(integer=True)
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.grid(color="0.9")
    ax.set_axisbelow(True)


X, y = make_supervised(series)
windows = transformer.fit_transform(X)[:, :, 0]

fig, ax = plt.subplots(figsize=(8, 5), layout="constrained")
draw_windows(ax, windows, y)
label(ax, "Windows of 4 steps, the next row as target")
ax.legend(loc="upper right")

# %%
# * **A window ends with its own row**, so there are as many windows as rows, and ``y`` fits both.
# * **No window reaches its target**: the stars are all to the right of the squares. What is right
#   of a window has not happened yet.
# * **The first windows are short.** There are no rows before the first one: `LSTMRegressor` skips
#   the crosses and starts at the first square.
# * **The last row has no window here**, because its target, row 12, does not exist:
#   `make_supervised` left it out. To forecast row 12, transform the last row too.
#
# Horizon
# -------
# With ``horizon=3`` the target is the next three rows, three outputs in ``y``. With
# ``horizon=[3]`` it is the third of them alone.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
for ax, horizon in zip(axes, [3, [3]], strict=True):
    X, y = make_supervised(series, horizon)
    draw_windows(ax, transformer.fit_transform(X)[:, :, 0], y)
    label(ax, f"horizon={horizon}")

# %%
# The windows are the same. There are three windows fewer than rows in both: a row stays only if
# all its targets exist.
#
# Folds
# -----
# `TimeSeriesSplit` tests on rows that come after those trained on. The first test windows need
# rows from before the boundary, and these are training rows. This is no leak: at the time of the
# first test row they are known. So the transformer remembers the last training rows in ``fit`` and
# puts them before the test rows, if the index of these says that they are later. An array has no
# index: the transformer does not guess, but warns. ``history="always"`` tells it that rows follow
# those of ``fit``, and ``history=False``, as here, that they do not.


def draw_folds(ax, X, history=True):
    """Draw the rows of each fold and, below them, its first three test windows."""
    for fold, (train, test) in enumerate(TimeSeriesSplit(n_splits=3).split(X)):
        top = 5 * fold
        for rows, name, color in [(train, "train", "0.85"), (test, "test", "white")]:
            ax.barh(top, len(rows), left=rows[0] - 0.5, color=color, edgecolor="k")
            ax.text(rows.mean(), top, name, ha="center", va="center")
        boundary, end = test[0], test[-1] + 1
        windower = SlidingWindowTransformer(n_steps=4, history=history).fit(X[:boundary])
        windows = windower.transform(X[boundary:end])
        draw_windows(ax, windows[:3, :, 0], first=boundary, top=top + 1)


longer = pd.DataFrame({"row": np.arange(24.0)})
fig, axes = plt.subplots(1, 2, figsize=(11, 5), sharey=True, layout="constrained")
draw_folds(axes[0], longer)
draw_folds(axes[1], longer.to_numpy(), history=False)
for ax, title in zip(axes, ["pandas: the index continues", "NumPy: no index"], strict=True):
    label(ax, title)
    ax.set(ylabel="")
axes[0].set(yticks=[0, 5, 10], yticklabels=["Fold 1", "Fold 2", "Fold 3"])
axes[1].legend(*(entries[:2] for entries in axes[1].get_legend_handles_labels()))

# %%
# Left, the first test windows reach back across the boundary, and each is complete. Right, they
# start at the boundary: the first has one row only. The training rows are the same in both, and no
# window contains a row to the right of its own row.
#
# Targets cross the boundary, too. With ``horizon=1`` that is harmless: the target of the last
# training row is the first test row, which is known when the next one is to be forecast. With a
# longer horizon the last training rows have targets further within the test rows, and
# ``TimeSeriesSplit(gap=horizon - 1)`` leaves these training rows out. After a gap the index does
# not continue, so the first test windows are short:

train, test = next(TimeSeriesSplit(n_splits=3, gap=2).split(longer))
print(f"train on rows 0 to {train[-1]}, test on rows {test[0]} to {test[-1]}")
print(transformer.fit(longer.iloc[train]).explain_window(longer.iloc[test], 0, horizon=3))

# %%
# Validation data
# ---------------
# ``early_stopping`` validates on the last windows, a fraction of ``validation_fraction``. The
# windows just before these have rows or targets in common with them, so they are removed from
# training. The model itself shows which rows it was trained on. Here each row is a column of its
# own, 1 in that row and 0 elsewhere, so the mean of this column is above 0 if a training window
# contains the row.

horizon, fraction = 2, 0.2
X, y = make_supervised(longer, horizon)
windows = transformer.fit_transform(X)[:, :, 0]

one_hot = transformer.fit_transform(np.eye(len(X)))
model = LSTMRegressor(units=1, epochs=1, early_stopping=True, validation_fraction=fraction)
model.fit(one_hot, y)
n_trained = np.count_nonzero(model.X_mean_)
n_validated = int(np.ceil(fraction * len(y)))
n_left_out = len(y) - n_trained - n_validated
print(f"{n_trained} windows to train on, {n_left_out} left out, {n_validated} to validate on")

fig, ax = plt.subplots(figsize=(8, 6.5), layout="constrained")
draw_windows(ax, windows, y)
label(ax, f"Early stopping, windows of 4 steps, horizon={horizon}")
parts = [
    (n_trained, "train", "0.85"),
    (n_left_out, "left out", "white"),
    (n_validated, "validate", "0.93"),
]
top = -0.5
for n_windows, name, color in parts:
    ax.axhspan(top, top + n_windows, color=color, zorder=0)
    ax.text(1.01, top + n_windows / 2, name, transform=ax.get_yaxis_transform(), va="center")
    top += n_windows
ax.axvline(windows[-n_validated].min() - 0.5, color="k", linestyle="--")
ax.legend(loc="upper right")

# %%
# The dashed line is where the first validation window begins. No square and no star of the
# training is to the right of it: training and validation have no row in common. The cost is the
# white band, ``n_steps + horizon - 1`` windows.
#
# The model reads the steps ahead from the names of pandas targets, such as ``row[t+2]``. The
# outputs of an array count as 1, 2, 3, … steps ahead: if that is wrong, pass ``X_val`` and
# ``y_val`` to `fit`.
#
# Several series
# --------------
# Here are two series in one frame, a and b, separated by the first level of the index. Their rows
# take turns, as they do when a table is sorted by time. For arrays, ``groups`` does the same.

index = pd.MultiIndex.from_product([["a", "b"], range(6)], names=["series", "time"])
panel = pd.DataFrame(index=index).sort_index(level="time").assign(row=np.arange(12.0))
X, y = make_supervised(panel)

fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
draw_windows(ax, transformer.fit_transform(X)[:, :, 0], y, between_rows=2)
label(ax, "Two series that take turns")
ax.set(
    yticks=range(10), yticklabels=[f"{number} ({name})" for number, (name, _) in enumerate(X.index)]
)
ax.legend(loc="upper right")

# %%
# Every window has every second row: it stays within its series, and so does its target. Each series
# has short first windows of its own, and a last row without a target.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_which_rows_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
