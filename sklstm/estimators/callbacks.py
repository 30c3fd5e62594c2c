"""Callbacks of scikit-learn, as an observer of the training."""

from sklstm.training.loop import Observer


class SklearnCallbacks(Observer):
    """Tells callbacks of scikit-learn of each epoch, in the `context` of a fit.

    `task` are the arguments that each hook is given; `describe` tells the fitted attributes of an
    estimator whose training ends with a run.
    """

    def __init__(self, context, task, describe):
        self._context = context
        self._task = task
        self._describe = describe
        self._epoch = None

    def begin(self, run, program):
        """Tell of the fit."""
        self._context.call_on_fit_task_begin(**self._task)
        return run

    def begin_epoch(self, run, program):
        """Tell of the epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._task)
        return run

    def end_epoch(self, run, program):
        """Tell of the epoch's end; take over the wish to stop."""
        epoch, self._epoch = self._epoch, None
        stop = epoch.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run._replace(stopped=run.stopped or bool(stop))

    def end(self, run):
        """Tell of the end of the fit, and before of that of an epoch that was interrupted."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._task["estimator"])
        self._context.call_on_fit_task_end(
            **self._task, reconstruction_attributes=lambda: self._describe(run)
        )
        return run
