"""The names of features: which `X` has, and that they are those of `fit` or of other data."""

from typing import NamedTuple

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


class Words(NamedTuple):
    """What to say of names that differ."""

    rule: str
    unseen: str
    missing: str
    order: str


# The words of scikit-learn, which compares the columns of data frames only.
OF_FIT = Words(
    "The feature names should match those that were passed during fit.",
    "Feature names unseen at fit time:",
    "Feature names seen at fit time, yet now missing:",
    "Feature names must be in the same order as they were in fit.",
)
OF_X = Words(
    "The feature names of X_val should match those of X.",
    "Feature names of X_val that X does not have:",
    "Feature names of X that X_val does not have:",
    "Feature names of X_val must be in the same order as those of X.",
)


def check_names(names, expected, words=OF_FIT):
    """Check that names are the expected ones, where both are known."""
    if names is None or expected is None or list(names) == list(expected):
        return
    unseen, missing = set(names) - set(expected), set(expected) - set(names)
    lines = [words.rule, *_list_names(words.unseen, unseen), *_list_names(words.missing, missing)]
    if not unseen and not missing:
        lines.append(words.order)
    raise ValueError("\n".join([*lines, ""]))


def _list_names(heading, names, longest=5):
    """Return lines with names below a heading; none if there are no names."""
    lines = [f"- {name}" for name in sorted(names)]
    if len(lines) > longest:
        lines[longest:] = ["- ..."]
    return [heading, *lines] if lines else []
