"""What follows an index, and its labels some steps later."""

import numpy as np
import pandas as pd
import pytest
from indexes import CONTINUING, NEW_YORK

from sklstm.windows.index import continue_index, shift_index


@pytest.mark.parametrize("index", CONTINUING.values(), ids=CONTINUING.keys())
def test_the_labels_to_come_are_those_of_the_whole_index(index):
    ahead = continue_index(index[:5].rename("time"), 3)
    assert ahead.equals(index[5:])
    assert ahead.name == "time"
    assert ahead.dtype == index.dtype or index.dtype == "u1"


def test_days_to_come_keep_their_hour_where_the_clock_has_it():
    days = pd.date_range("2013-10-30 01:30", periods=4, freq="D", tz=NEW_YORK)
    assert str(continue_index(days, 2)[0]) == "2013-11-03 01:30:00-04:00"  # it comes twice
    days = pd.date_range("2013-03-06 02:30", periods=4, freq="D", tz=NEW_YORK)
    assert str(continue_index(days, 2)[0]) == "2013-03-10 03:00:00-04:00"  # 02:30 never comes


@pytest.mark.parametrize("index", CONTINUING.values(), ids=CONTINUING.keys())
@pytest.mark.parametrize("n", [0, 1, 3])
def test_labels_some_steps_later_are_those_of_the_whole_index(index, n):
    later = shift_index(index[: len(index) - n].rename("time"), n)
    assert later[3:].equals(index[n + 3 :])  # the holes are before
    assert later.name == "time"
    assert later.dtype == index.dtype or index.dtype == "u1"


def test_labels_before_a_hole_are_shifted_into_it():
    grid = pd.date_range("2013-03-05", periods=9, freq="D", tz=NEW_YORK)
    assert shift_index(grid[:8].delete(2), 1).equals(grid[1:].delete(2))
    grid = pd.period_range("2013-01", periods=18, freq="M")[::2]
    assert shift_index(grid[:8].delete(2), 1).equals(grid[1:].delete(2))
    assert shift_index(pd.Index([0, 1, 3, 4]), 2).equals(pd.Index([2, 3, 5, 6]))


def test_shifted_days_keep_their_hour_where_the_clock_has_it():
    days = pd.date_range("2013-10-30 01:30", periods=4, freq="D", tz=NEW_YORK)
    assert str(shift_index(days, 1)[-1]) == "2013-11-03 01:30:00-04:00"  # it comes twice
    days = pd.date_range("2013-03-06 02:30", periods=4, freq="D", tz=NEW_YORK)
    assert str(shift_index(days, 1)[-1]) == "2013-03-10 03:00:00-04:00"  # 02:30 never comes


def test_small_integers_do_not_start_again_at_zero():
    assert shift_index(pd.Index(np.arange(250, 256, dtype="u1")), 2)[-1] == 257


def test_the_last_labels_tell_the_step():
    months = pd.date_range("2003-01-01", periods=84, freq="MS").delete(5)
    assert continue_index(months[:-2], 2).equals(months[-2:])
    assert shift_index(months[:-2], 2)[-3:].equals(months[-3:])


@pytest.mark.parametrize("labels", [[3, 2, 1], [0, 0, 1], [0, 2, 5], [0.5, 1.5], ["a", "b"], [7]])
def test_an_index_without_a_step_has_no_later_labels(labels):
    assert continue_index(pd.Index(labels), 1) is None
    assert shift_index(pd.Index(labels), 1) is None
