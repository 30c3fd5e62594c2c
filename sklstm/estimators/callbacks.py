"""Callbacks of scikit-learn, as an observer of the training."""

from sklstm.training.loop import Observer


class SklearnCallbacks(Observer):
    """Calls the hooks of scikit-learn's callbacks, in the `context` of a fit.

    `task` are the arguments that each hook is given; `describe` returns the fitted attributes of an
    estimator whose training ends with a run.
    """

    def __init__(self, context, task, describe):
        self._context = context
        self._task = task
        self._describe = describe
        self._epoch = None

    def begin(self, run, program):
        """Call the hook for the beginning of the fit."""
        self._context.call_on_fit_task_begin(**self._task)
        return run

    def begin_epoch(self, run, program):
        """Call the hook for the beginning of an epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._task)
        return run

    def end_epoch(self, run, program):
        """Call the hook for the end of an epoch; stop if a callback wants to."""
        epoch, self._epoch = self._epoch, None
        stop = epoch.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run._replace(stopped=run.stopped or bool(stop))

    def end(self, run):
        """Call the hook for the end of the fit; before, that of an interrupted epoch."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._task["estimator"])
        self._context.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run
