"""Warnings that name the user's line."""

import sys
import warnings


def warn(message):
    """Warn at the line that called into sklstm, past the frames of scikit-learn and joblib."""
    frame, level = sys._getframe(1), 3  # of the frame before this one
    while frame.f_back and _is_inside(frame.f_back):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def _is_inside(frame):
    """Tell whether a frame belongs to sklstm or to what runs it: Pipelines, searches, caches."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("sklstm", "sklearn", "joblib")
