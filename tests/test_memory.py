"""Memory: what a compiled program leaves behind once it is forgotten."""

import gc

import keras
import numpy as np
import pytest

from sklstm import LSTMRegressor, clear_programs

X = np.random.RandomState(0).normal(size=(20, 4, 1))


def count_graphs():
    gc.collect()
    return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())


@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.SGD(0.1, use_ema=True)])
def test_no_graph_of_tensorflow_stays_after_clear_programs(optimizer):
    clear_programs()
    before = count_graphs()
    model = LSTMRegressor((2, 3), bidirectional=True, epochs=1, optimizer=optimizer)
    model.fit(X, X[:, -1, 0])
    assert count_graphs() > before
    clear_programs()
    assert count_graphs() == before
