"""What the network reads of a window.

There is one definition, and it has three implementations: this one, in NumPy, predicts; that of
`training.epoch` trains; that of `export.keras` is exported. `tests/test_reading.py` holds all three
to one table of cases.

1. Each value is standardised, `(value - mean) / scale`, in float64.
2. With an anchor, its columns are read relative to the last real row of the window: their
   standardised values there, 0 if the window has no real row, are subtracted. A row is real if
   none of its values is missing (NaN).
3. The result becomes float32. Not earlier: float32 cannot tell 1e6 from 1e6 + 0.01.
4. Each `segment` rows side by side are a step. A step with a missing value is skipped.
"""

import numpy as np


def read_windows(network, scales, windows, last_rows, chunk):
    """Return the steps `(n_windows, n_steps, n_inputs)` of a slice of windows, float32.

    A step that is skipped has a NaN. `last_rows`, `(n_windows,)`, are the last real rows of all
    windows, which only a network with an anchor reads.
    """
    x = standardize(windows.gather(chunk), scales)
    if network.anchor is not None:
        last = standardize(windows.rows[last_rows[chunk]], scales)
        last[np.isnan(last).any(axis=1)] = 0
        for column in network.relative_columns:
            x[:, :, column] -= last[:, np.newaxis, column]
    return x.astype(np.float32).reshape(len(x), -1, network.n_inputs)


def standardize(values, scales):
    """Standardise values `(..., n_features)`, in float64."""
    standardized = values - scales.X_mean
    standardized /= scales.X_scale
    return standardized
