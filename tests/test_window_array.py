"""Windows as an array-like: indexing, what takes it, and that it costs no copies."""

import copy
import pickle
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from sklstm import LSTMRegressor, SlidingWindowTransformer
from sklstm.windows.rows import as_rows

RANDOM_STATE = np.random.RandomState(0)
GROUPS = RANDOM_STATE.permutation(np.repeat(list("abc"), [40, 25, 10]))
ROWS = RANDOM_STATE.normal(size=(75, 2))
Y = np.r_[ROWS[1:, 0], 0]


def make_windows(**params):
    return SlidingWindowTransformer(**{"n_steps": 4, **params}).fit_transform(ROWS, groups=GROUPS)


def make_model(**params):
    return LSTMRegressor(**{"units": 3, "epochs": 2, "random_state": 0, **params})


def naive_windows(n_steps, dilation):
    windows = np.full((75, n_steps, 2), np.nan)
    for label in set(GROUPS):
        members = np.flatnonzero(label == GROUPS)
        for k, i in enumerate(members):
            for step in range(n_steps):
                at = k - dilation * (n_steps - 1 - step)
                if at >= 0:
                    windows[i, step] = ROWS[members[at]]
    return windows


@pytest.mark.parametrize("dilation", [1, 3])
def test_windows_of_several_series_equal_a_naive_loop(dilation):
    W = make_windows(dilation=dilation)
    expected = naive_windows(4, dilation)
    assert (W.shape, W.ndim, W.dtype, len(W)) == (expected.shape, 3, expected.dtype, 75)
    assert_array_equal(W, expected)
    assert_array_equal(np.asarray(W, dtype=np.float32), expected.astype(np.float32))
    with pytest.raises(ValueError, match="copy must not be False"):
        np.asarray(W, copy=False)
    flat = make_windows(dilation=dilation, flatten=True)
    assert_array_equal(flat, expected.reshape(75, -1))


KEYS = {
    "slice": slice(5, 60, 3),
    "empty": slice(0, 0),
    "backwards": slice(None, None, -1),
    "mask": np.arange(75) % 4 == 1,
    "integers": np.array([7, 3, 3, -1]),
    "list": [2, 0],
    "list of bools": [True] * 75,
    "ellipsis": ...,
    "with ellipsis": (np.array([4, 9]), ...),
    "with colons": (slice(3), slice(None), slice(None)),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_the_first_axis_is_indexed_without_a_copy(key):
    W = make_windows()
    part = W[key]
    assert type(part) is type(W)
    assert part.rows.base is not None or not len(part.rows)
    assert_array_equal(part, np.asarray(W)[key])
    assert_array_equal(part[:1], np.asarray(W)[key][:1])


@pytest.mark.parametrize(
    "key",
    [
        *[3, -1, np.int64(0), (2, 1), (slice(None), -1), (..., 0), (slice(None), [0, 2]), None],
        *[(slice(None), np.array([0, 2])), (slice(None), slice(None), np.array([1, 0]))],
    ],
)
def test_other_indices_give_arrays(key):
    W = make_windows()
    assert isinstance(W[key], np.ndarray)
    assert_array_equal(W[key], np.asarray(W)[key])


def test_indices_out_of_range_are_refused():
    for key in (75, [75], (slice(None), 9)):
        with pytest.raises(IndexError):
            make_windows()[key]


def test_scikit_learn_indexes_it():
    W, keys = make_windows(), [np.array([5, 1]), np.arange(75) < 9, [3, 4], slice(2, 7)]
    for key in keys:
        assert_array_equal(_safe_indexing(W, key), np.asarray(W)[key])


def flatten(X):
    return np.asarray(X).reshape(len(X), -1)


PARAMS = [
    {},
    {"anchor": 0},
    {"segment": 2, "bidirectional": True},
    {"standardize": False, "dropout": 0.2, "batch_size": 7},
]


@pytest.mark.parametrize("params", PARAMS)
def test_it_trains_and_predicts_like_its_copy(params):
    W = make_windows()
    for key in (slice(None), np.array([1, 1, 5, 9, 9, 40])):  # a bootstrap sample repeats windows
        model = make_model(**params).fit(W[key], Y[key])
        copied = make_model(**params).fit(np.asarray(W[key]), Y[key])
        for weights, expected in zip(model.weights_, copied.weights_, strict=True):
            assert_array_equal(weights, expected)
        assert_array_equal(model.predict(W), model.predict(np.asarray(W)))


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("params", PARAMS)
def test_view_array_like_and_copy_train_the_same_bits(params, offset):
    rows, y = ROWS[:40] + offset, Y[:40] + offset
    transformer = SlidingWindowTransformer(n_steps=4)
    view = transformer.fit_transform(rows)
    both = transformer.fit_transform(np.r_[rows, rows], groups=np.repeat([0, 1], 40))
    models = [make_model(**params).fit(W, y) for W in (view, both[:40], view.copy())]
    for model in models[1:]:
        for weights, expected in zip(model.weights_, models[0].weights_, strict=True):
            assert_array_equal(weights, expected)


@pytest.mark.parametrize("params", PARAMS)
def test_windows_with_gaps_train_the_same_bits_as_their_copy(params):
    pd = pytest.importorskip("pandas")
    steps = np.delete(np.arange(50), [3, 4, 17, 30, 31, 32, 33, 34, 35, 40])
    frame = pd.DataFrame(ROWS[:40], steps)
    W = SlidingWindowTransformer(n_steps=4, freq=1).fit_transform(frame)
    models = [make_model(**params).fit(windows, Y[:40]) for windows in (W, np.asarray(W))]
    for weights, expected in zip(*(model.weights_ for model in models), strict=True):
        assert_array_equal(weights, expected)
    assert_array_equal(*(model.predict(W) for model in models))


def test_tools_of_scikit_learn_take_it(tmp_path):
    W = make_windows()
    expected = np.asarray(W)
    assert_array_equal(
        cross_val_predict(make_model(), W, Y, cv=3),
        cross_val_predict(make_model(standardize=True), W, Y, cv=3),
    )
    voting = VotingRegressor([("a", make_model()), ("b", make_model(units=2))]).fit(W, Y)
    assert_array_equal(voting.predict(W), voting.predict(expected))
    windower, make_flat = SlidingWindowTransformer(n_steps=4), FunctionTransformer(flatten)
    union = FeatureUnion([("a", make_pipeline(windower, make_flat)), ("b", make_flat)])
    assert union.fit_transform(ROWS).shape == (75, 10)
    cached = make_pipeline(windower, make_model(), memory=str(tmp_path)).fit(ROWS, Y)
    assert_array_equal(
        cached.predict(ROWS), make_pipeline(windower, make_model()).fit(ROWS, Y).predict(ROWS)
    )
    assert joblib.hash(W) == joblib.hash(make_windows())
    with pytest.raises(ValueError, match="dim 3"):
        Ridge().fit(W, Y)


def test_a_pickle_is_compact_and_whole():
    rows, groups = np.zeros((20_000, 2)), np.repeat(np.arange(20), 1000)
    W = SlidingWindowTransformer(n_steps=50).fit_transform(rows, groups=groups)
    pickled = pickle.dumps(W)
    assert len(pickled) < 2.5 * rows.nbytes
    assert_array_equal(pickle.loads(pickled)[:70], W[:70])
    assert len(pickle.dumps(W[:100])) < len(pickled) / 50


def test_a_panel_costs_a_few_copies_of_the_rows():
    rows = np.random.RandomState(0).normal(size=(600_000, 4))
    groups = np.repeat(np.arange(600), 1000)
    y = rows[:, 0]
    transformer = SlidingWindowTransformer(n_steps=50)
    model = make_model(units=1, epochs=1, batch_size=1024, early_stopping=True)
    model.fit(transformer.fit_transform(rows[:4000], groups=groups[:4000]), y[:4000])
    tracemalloc.start()
    W = transformer.fit_transform(rows, groups=groups)
    model.fit(W, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * rows.nbytes  # the windows as an array: 50


NAMES = ["temp", "wind"]


def make_named(groups=None, **params):
    frame = pd.DataFrame(ROWS, columns=NAMES)
    return SlidingWindowTransformer(**{"n_steps": 4, **params}).fit_transform(frame, groups=groups)


@pytest.mark.parametrize("groups", [None, GROUPS], ids=["view", "array-like"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_names_stay_with_selected_windows(groups, key):
    W = make_named(groups)
    for part in (W[key], _safe_indexing(W, [3, 1]), pickle.loads(pickle.dumps(W[key]))):
        assert part.feature_names.tolist() == NAMES
        assert type(part) is type(W)
    assert_array_equal(W[key], np.asarray(W)[key])
    assert_array_equal(pickle.loads(pickle.dumps(W[key])), np.asarray(W)[key])


def test_names_stay_with_copies():
    W = make_named()
    for copied in (W.copy(), copy.copy(W), copy.deepcopy(W)):
        assert copied.feature_names.tolist() == NAMES
        assert not np.shares_memory(copied, W)
        assert_array_equal(copied, np.asarray(W))


@pytest.mark.parametrize(
    "change",
    [
        lambda W: W[0],
        lambda W: W[:, :, ::-1],
        lambda W: W[:, :, [1, 0]],
        lambda W: W[:, np.array([1, 0])],
        lambda W: W[..., 0],
        lambda W: W[None],
        lambda W: W + 1,
        lambda W: np.abs(W),
        lambda W: W.mean(axis=0),
        lambda W: np.concatenate([W, W]),
        lambda W: W.swapaxes(1, 2),
        lambda W: W.reshape(len(W), -1),
        lambda W: np.take(W, [1, 0], axis=2),
        lambda W: np.flip(W, 2),
        lambda W: np.asarray(W),
    ],
)
def test_names_are_gone_where_the_last_axis_may_be_another(change):
    W = make_named(n_steps=2)  # as many steps as features
    changed = change(W)
    assert getattr(changed, "feature_names", None) is None
    assert_array_equal(changed, change(np.asarray(W)))


def test_named_windows_are_a_read_only_view_that_training_reads_in_place():
    W = make_named()
    assert not W.flags.writeable
    assert W.strides == (16, 16, 8)
    rows = as_rows(W[10:]).rows
    assert type(rows) is np.ndarray
    assert np.shares_memory(rows, W)
    assert repr(W[0]).startswith("array(")
    assert type(W.sum()) is np.float64


def test_windows_without_names_are_plain():
    transformer = SlidingWindowTransformer(n_steps=4)
    numbered = pd.DataFrame(ROWS)
    for rows in (ROWS, numbered, numbered.set_axis([("a", 1), ("a", 2)], axis=1)):
        assert type(transformer.fit_transform(rows)) is np.ndarray
        assert transformer.fit_transform(rows, groups=GROUPS).feature_names is None
    assert type(make_named(flatten=True)) is np.ndarray
