"""How many steps ahead outputs are, and their names."""

import numpy as np
import pandas as pd
import pytest

from sklstm import make_supervised
from sklstm.windows.horizon import name_values, read_outputs


def test_outputs_are_read_by_the_names_that_make_supervised_gives():
    frame = pd.DataFrame({"temp": np.arange(40.0), "wind[t]": np.arange(40.0)})
    _, y = make_supervised(frame, horizon=[1, 24])
    names = ["temp", "wind[t]", "temp", "wind[t]"]
    assert read_outputs(y, 4) == (names, [1, 1, 24, 24])
    _, y = make_supervised(frame, horizon=[24], target="temp")
    assert read_outputs(y, 1) == (["temp"], [24])
    assert read_outputs(y.to_frame(), 1) == (["temp"], [24])


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((4, 2)),
        [[0.0, 1.0]],
        None,
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame(columns=["a[t+2]", "b"]),
        pd.DataFrame(columns=["a[t]", "a[t+1]"]),
        pd.DataFrame(columns=["a[t+0]", "a[t+1]"]),
        pd.DataFrame(columns=[0, 1]),
        pd.DataFrame(columns=["a[t+5]"]),
    ],
)
def test_other_outputs_are_the_next_steps(y):
    assert read_outputs(y, 2) == (["", ""], [1, 2])


def test_names_say_the_column_and_the_step():
    assert [name_values("a", step) for step in (-2, 0, 24)] == ["a[t-2]", "a[t]", "a[t+24]"]
    assert read_outputs(pd.Series([0.0], name=name_values("a", 24)), 1) == (["a"], [24])
    assert read_outputs(pd.Series([0.0]), 1) == ([""], [1])
