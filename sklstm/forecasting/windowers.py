"""Where rows become windows: the transformers of windows inside a fitted model."""

import copy
import sys
from functools import partial
from typing import NamedTuple

from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from sklstm.estimators.base import BaseLSTM
from sklstm.windows.transformer import SlidingWindowTransformer


class Windower(NamedTuple):
    """A transformer of windows, and what stands before and after it in a model.

    Attributes
    ----------
    before : tuple of functions
        What rows pass first, one after the other.
    transformer : SlidingWindowTransformer
    after : tuple of estimators, or None
        The fitted steps that read its windows, the last a regressor where the model is one. None
        where other steps read the same rows beside it.
    frozen : bool
        Whether it is inside a FrozenEstimator, of which `clone` makes no copy.
    given : bool
        Whether the model has none, as an LSTM estimator that is given windows: the transformer is
        then a new one for windows of their length, not fitted.
    """

    before: tuple
    transformer: SlidingWindowTransformer
    after: tuple | None
    frozen: bool = False
    given: bool = False

    def prepare(self, rows):
        """Let rows pass what is before the transformer."""
        for transform in self.before:
            rows = transform(rows)
        return rows

    @property
    def regressor(self):
        """What predicts from the windows."""
        if len(self.after) == 1:  # a Pipeline around it would only cost time
            return self.after[0]
        from sklearn.pipeline import Pipeline  # `import sklstm` need not wait for it

        return Pipeline([(str(i), step) for i, step in enumerate(self.after)])


def find_windowers(model):
    """Find the transformers of windows inside a fitted model, in the order in which rows pass.

    They are looked for in Pipelines and frozen estimators, in searches and around transformed
    targets, and in steps side by side: votes, stacks, unions, columns, a model for each output.
    """
    if isinstance(model, SlidingWindowTransformer):
        yield Windower((), model, ())
    elif isinstance(model, BaseLSTM):
        transformer = SlidingWindowTransformer(model.window_shape_[0])
        yield Windower((), transformer, (model,), given=True)
    elif isinstance(model, FrozenEstimator):
        for found in find_windowers(model.estimator):
            yield found._replace(frozen=True)
    elif hasattr(model, "best_estimator_"):
        yield from find_windowers(model.best_estimator_)
    elif hasattr(model, "regressor_"):
        for found in find_windowers(model.regressor_):
            yield found._replace(after=found.after and (_transform_back(model, found.regressor),))
    elif isinstance(getattr(model, "steps", None), list):  # not a number of steps
        yield from _find_in_steps([step for _, step in model.steps])
    else:
        for columns, part in _list_side_by_side(model):
            for found in find_windowers(part):
                yield found._replace(before=(*columns, *found.before), after=None)


def _find_in_steps(steps):
    steps = [step for step in steps if step is not None and step != "passthrough"]
    for i, step in enumerate(steps):
        for found in find_windowers(step):
            before = (*(earlier.transform for earlier in steps[:i]), *found.before)
            after = None if found.after is None else (*found.after, *steps[i + 1 :])
            yield found._replace(before=before, after=after)


def _transform_back(model, regressor):
    """Put another regressor into a TransformedTargetRegressor, which transforms back."""
    model = copy.copy(model)
    model.regressor_ = regressor
    return model


def _list_side_by_side(model):
    """List the parts of a model that read the same rows, each after the choice of its columns."""
    if hasattr(model, "transformers_"):  # ColumnTransformer
        for _, part, columns in model.transformers_:
            yield (partial(_safe_indexing, indices=columns, axis=1),), part
        return
    parts = [part for _, part in getattr(model, "transformer_list", [])]  # FeatureUnion
    parts += getattr(model, "named_estimators_", {}).values()  # VotingRegressor, StackingRegressor
    multioutput = sys.modules.get("sklearn.multioutput")  # not imported for this alone
    if multioutput is not None and isinstance(model, multioutput.MultiOutputRegressor):
        parts += model.estimators_
    yield from (((), part) for part in parts)
