"""SlidingWindowTransformer: what a window holds."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklstm import SlidingWindowTransformer, make_supervised

pytestmark = pytest.mark.filterwarnings("ignore:No window is complete")

ROWS = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
CONTRADICTS_WINDOWS = "a window is made of the rows before its row, so their order matters"
EXPECTED_FAILURES = {
    "check_methods_sample_order_invariance": CONTRADICTS_WINDOWS,
    "check_methods_subset_invariance": CONTRADICTS_WINDOWS,
}


@pytest.mark.filterwarnings("ignore:Nothing says whether these rows follow")
@parametrize_with_checks(
    [SlidingWindowTransformer()], expected_failed_checks=lambda _: EXPECTED_FAILURES
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_sklearn_has_all_its_checks():
    assert len(list(estimator_checks_generator(SlidingWindowTransformer()))) >= 44


def test_window_holds_its_row_and_the_rows_before():
    windows = SlidingWindowTransformer(n_steps=3).fit_transform(ROWS)
    nan = [np.nan, np.nan]
    one, two, three, four = ROWS.tolist()
    np.testing.assert_array_equal(
        windows, [[nan, nan, one], [nan, one, two], [one, two, three], [two, three, four]]
    )


def test_one_step_is_the_row_itself():
    windows = SlidingWindowTransformer(n_steps=1).fit_transform(ROWS)
    np.testing.assert_array_equal(windows, ROWS[:, np.newaxis])


def test_windows_longer_than_the_series_are_all_short():
    with pytest.warns(UserWarning, match="n_steps=6, .* over 6 steps, .* longest series has 4"):
        windows = SlidingWindowTransformer(n_steps=6).fit_transform(ROWS)
    assert windows.shape == (4, 6, 2)
    np.testing.assert_array_equal(windows[-1, 2:], ROWS)
    assert np.isnan(windows[:, :2]).all()


def test_windows_are_a_read_only_view_on_one_copy():
    windows = SlidingWindowTransformer(n_steps=3).fit_transform(ROWS)
    assert windows.strides == (16, 16, 8)
    assert not windows.flags.writeable
    assert not np.shares_memory(windows, ROWS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("f4", "f4"),
        ("f8", "f8"),
        ("i4", "f8"),
        (">f8", "f8"),
        ("f2", "f8"),
        ("?", "f8"),
        ("O", "f8"),
    ],
)
def test_floats_are_kept_and_other_numbers_become_float64(given, kept):
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(ROWS.astype(given))
    assert windows.dtype == np.dtype(kept)
    np.testing.assert_array_equal(windows[1:, 0], ROWS.astype(given)[:-1].astype(kept))


def test_layout_and_writability_of_the_rows_do_not_matter():
    rows = np.asfortranarray(ROWS)
    rows.flags.writeable = False
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(rows)
    np.testing.assert_array_equal(windows[2], ROWS[1:3])


def test_missing_values_stay_where_they_are():
    windows = SlidingWindowTransformer(n_steps=2).fit_transform([[1.0], [np.nan], [3.0]])
    np.testing.assert_array_equal(windows[:, :, 0], [[np.nan, 1], [1, np.nan], [np.nan, 3]])


def test_clone_and_pickle_give_the_same_windows():
    transformer = SlidingWindowTransformer(n_steps=3).fit(ROWS)
    expected = transformer.transform(ROWS)
    for other in (clone(transformer).fit(ROWS), pickle.loads(pickle.dumps(transformer))):
        np.testing.assert_array_equal(other.transform(ROWS), expected)


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, "3", None])
def test_n_steps_must_be_a_positive_int(n_steps):
    with pytest.raises(ValueError, match=r"'n_steps' parameter .* must be an int in the range"):
        SlidingWindowTransformer(n_steps=n_steps).fit(ROWS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([1.0, 2.0], "Reshape your data"),
        ([[1.0], [np.inf]], "contains infinity"),
        ([["a"], ["b"]], "could not convert string"),
        (np.array([[1j], [2j]]), "Complex data not supported"),
        (np.empty((0, 2)), "0 sample"),
    ],
)
def test_bad_rows_leave_the_transformer_unfitted(rows, message):
    transformer = SlidingWindowTransformer()
    with pytest.raises(ValueError, match=message):
        transformer.fit(rows)
    assert vars(transformer) == vars(SlidingWindowTransformer())


def test_integers_of_few_bits_are_read_as_any_other():
    rows = np.arange(600.0).reshape(-1, 1)
    transformer = SlidingWindowTransformer(n_steps=np.uint8(200), dilation=np.uint8(2))
    expected = SlidingWindowTransformer(n_steps=200, dilation=2).fit_transform(rows)
    np.testing.assert_array_equal(transformer.fit_transform(rows), expected)
    assert transformer.explain_window(rows, 500).count("t-398") == 1
    assert transformer.explain_window(rows, np.uint8(250)).count("row 250") == 1
    X, y = make_supervised(rows, horizon=[np.uint8(200)])
    np.testing.assert_array_equal(y, X[:, 0] + 200)
