"""Names of features and shapes of windows: which `X` has, and that they are those of `fit`."""

import re
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import _get_feature_names

from sklstm._warnings import warn
from sklstm.windows.array import NamedWindows, WindowArray
from sklstm.windows.series import is_pandas

_NUMBER = re.compile(r"\s*[+-]?\s*\d+")
_LAG = re.compile(r"(?<![a-z])(lag|shift)|\bt\b", re.IGNORECASE)


def read_names(X):
    """Return the names of the features of windows, or of the columns of a 2-D `X`, or None."""
    if isinstance(X, NamedWindows | WindowArray):
        return X.feature_names
    if isinstance(X, np.ndarray):  # which scikit-learn takes 13 microseconds to find out
        return None
    return _get_feature_names(drop_repeated_names(X))  # refuses mixed names


def drop_repeated_names(X):
    """Return an array in place of a DataFrame with repeated names, which scikit-learn refuses."""
    return np.asarray(X) if is_pandas(X) and not X.columns.is_unique else X


def check_window_shape(X, shape, expected):
    """Check that windows, read from `X`, have the `(n_steps, n_features)` of `fit`."""
    if shape == expected:
        return
    if tuple(X.shape) == expected:  # read as windows of one feature
        raise ValueError(
            f"X must have windows along its first axis, got one window of shape {expected}. A "
            "single window keeps its first axis: X[:1], not X[0]."
        )
    (n_steps, n_features), (steps_of_fit, features_of_fit) = shape, expected
    rule, got, cures = [], [], []
    if n_steps != steps_of_fit:
        rule.append(_count(steps_of_fit, "step"))
        got.append(_count(n_steps, "step"))
        cures.append("Make windows of the same n_steps.")
    if n_features != features_of_fit:
        rule.append(_count(features_of_fit, "feature"))
        got.append(_count(n_features, "feature"))
        cures.append(
            "Make windows of the same columns."
            if len(X.shape) == 3
            else "Windows of several features have three axes: (n_windows, n_steps, n_features)."
        )
    raise ValueError(
        f"X must hold windows of {' and '.join(rule)}, as seen in fit, got {' and '.join(got)}. "
        + " ".join(cures)
    )


def _count(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def warn_of_rows(X, reader):
    """Warn if `X` seems to be rows of a series: a frame of columns that are no lags."""
    names = list(getattr(X, "columns", []))
    if names and all(isinstance(name, str) for name in names) and not _are_lags(names):
        shown = ", ".join(repr(name) for name in names[:3]) + ", ..." * (len(names) > 3)
        warn(
            f"{reader} reads the columns of a 2-D X as the steps of windows of one feature, but "
            f"the names {shown} are not those of lags, such as 'temp[t-1]' and 'temp[t]'. Make "
            "windows of the rows of a series by SlidingWindowTransformer, in a Pipeline before "
            f"{reader}. If the columns are steps, rename them or pass X.to_numpy()."
        )


def _are_lags(names):
    """Tell whether names differ in their numbers only, the one of now perhaps without any."""
    if len(names) == 1:
        return bool(_LAG.search(names[0]))
    stems = {name: _NUMBER.sub("", name) for name in names}
    if len(set(stems.values())) == 1:
        return True
    now = [name for name, stem in stems.items() if stem == name]
    lags = {stem for name, stem in stems.items() if stem != name}
    if len(now) != 1 or len(lags) != 1:
        return False
    lag = lags.pop()
    return lag.startswith(now[0]) or bool(_LAG.search(lag))


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
