"""Callbacks of scikit-learn, where it knows them, and what tells them of a fit without parts."""

from importlib.util import find_spec

if find_spec("sklearn.callback"):  # scikit-learn 1.9
    from sklearn.callback import CallbackSupportMixin
else:

    class CallbackSupportMixin:
        """Nothing, where scikit-learn knows no callbacks."""


def tell_of_fit(estimator, X, y):
    """Tell callbacks of scikit-learn of a fit that has no parts and is done."""
    if hasattr(estimator, "_init_callback_context"):
        context = estimator._init_callback_context()
        context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        context.call_on_fit_task_end(estimator=estimator, X=X, y=y, reconstruction_attributes={})
