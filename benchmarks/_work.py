"""Count what training an LSTM takes."""


def count_operations(n_windows, n_steps, units, n_features):
    """Return the floating-point operations of the matrix products in one epoch.

    A step of a window multiplies features and state by the ``(n_features + units, 4 * units)``
    weights of the gates, at two operations a weight; the gradient takes twice that again.
    """
    return 3 * 2 * n_windows * n_steps * 4 * units * (n_features + units)
