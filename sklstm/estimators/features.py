"""The names of features: which `X` has, and that they are those of `fit`."""

import numpy as np
from sklearn.utils.validation import _get_feature_names

from sklstm.windows.array import NamedWindows, WindowArray


def read_names(X):
    """Return the names of the features of windows, or of the columns of a 2-D `X`, or None."""
    if isinstance(X, NamedWindows | WindowArray):
        return X.feature_names
    if isinstance(X, np.ndarray):  # which scikit-learn takes 13 microseconds to find out
        return None
    return _get_feature_names(X)  # refuses mixed names


def check_names(names, expected):
    """Check that names are those of `fit`, where both are known, and say so as scikit-learn does.

    scikit-learn itself compares the columns of data frames only.
    """
    if names is None or expected is None or list(names) == list(expected):
        return
    unseen, missing = set(names) - set(expected), set(expected) - set(names)
    message = "The feature names should match those that were passed during fit.\n"
    message += _list_names("Feature names unseen at fit time:\n", unseen)
    message += _list_names("Feature names seen at fit time, yet now missing:\n", missing)
    if not unseen and not missing:
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)


def _list_names(heading, names, longest=5):
    """Write names below a heading, one a line; nothing if there are none."""
    lines = [f"- {name}\n" for name in sorted(names)]
    if len(lines) > longest:
        lines[longest:] = ["- ...\n"]
    return "".join([heading, *lines]) if lines else ""
