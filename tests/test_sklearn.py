"""scikit-learn's own checks, and its Pipeline and GridSearchCV."""

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised

MINI_BATCHES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a window of weight 2 is in one mini-batch, two windows can be in two"
    )
}


def count_checks(estimator):
    return len(list(estimator_checks._yield_all_checks(estimator, legacy=True)))


def test_no_check_of_a_regressor_is_left_out():
    assert count_checks(LSTMRegressor()) >= 53
    assert not LSTMRegressor().__sklearn_tags__().regressor_tags.poor_score
    assert not LSTMRegressor().__sklearn_tags__().non_deterministic
    assert is_regressor(LSTMRegressor())


@estimator_checks.parametrize_with_checks(
    [LSTMRegressor()], expected_failed_checks=lambda _: MINI_BATCHES
)
def test_regressor_passes_the_common_checks(estimator, check):
    check(estimator)


def test_weights_equal_repetition_in_full_batches():
    # The common check that mini-batches fail, where it can hold.
    model = LSTMRegressor(units=4, epochs=3, batch_size=64, shuffle=False)
    estimator_checks.check_sample_weight_equivalence_on_dense_data("LSTMRegressor", model)


def make_series(length=150):
    t = np.arange(length)
    noise = np.random.RandomState(0).normal(0, 0.05, length)
    return np.c_[np.sin(t / 5) + noise, np.cos(t / 7)]


def make_model(**params):
    return make_pipeline(
        SlidingWindowTransformer(n_steps=8, history=False),
        LSTMRegressor(**{"units": 4, "epochs": 2, "random_state": 0, **params}),
    )


@pytest.fixture
def data():
    X, y = make_supervised(make_series())
    return X, y[:, 0]


def test_grid_search_gives_equal_scores_with_one_and_two_jobs(data):
    grid = {
        "slidingwindowtransformer__n_steps": [4, 8],
        "lstmregressor__epochs": [2, 3],
    }

    def search(n_jobs):
        return GridSearchCV(
            make_model(),
            grid,
            cv=TimeSeriesSplit(2),
            scoring="neg_mean_absolute_error",
            n_jobs=n_jobs,
            error_score="raise",
        ).fit(*data)

    alone, parallel = search(1), search(2)
    for name in ["mean_test_score", "split0_test_score", "split1_test_score"]:
        np.testing.assert_array_equal(alone.cv_results_[name], parallel.cv_results_[name])
    best = alone.best_estimator_[-1]
    assert best.n_iter_ == alone.best_params_["lstmregressor__epochs"]
    np.testing.assert_array_equal(alone.predict(data[0]), parallel.predict(data[0]))


def test_cross_validation_trains_the_epochs_asked_for(data):
    searched = GridSearchCV(
        make_model(), {"lstmregressor__epochs": [1, 5]}, cv=TimeSeriesSplit(2), scoring="r2"
    ).fit(*data)
    for epochs, params in zip([1, 5], searched.cv_results_["params"], strict=True):
        model = clone(make_model()).set_params(**params).fit(*data)
        assert len(model[-1].loss_curve_) == model[-1].n_iter_ == epochs


def test_cross_val_score_equals_a_loop_by_hand(data):
    X, y = data
    scores = cross_val_score(make_model(), X, y, cv=TimeSeriesSplit(3))
    by_hand = [
        make_model().fit(X[train], y[train]).score(X[test], y[test])
        for train, test in TimeSeriesSplit(3).split(X)
    ]
    np.testing.assert_array_equal(scores, by_hand)


def test_works_in_the_usual_places(data):
    X, y = data
    assert cross_val_predict(make_model(), X, y, cv=3).shape == y.shape
    scaled = make_pipeline(StandardScaler(), make_model()).fit(X, y)
    assert scaled.predict(X).shape == y.shape
    target = TransformedTargetRegressor(make_model(), transformer=StandardScaler()).fit(X, y)
    assert target.predict(X).shape == y.shape
    _, train_scores, _ = learning_curve(make_model(), X, y, cv=TimeSeriesSplit(2), train_sizes=[30])
    assert np.isfinite(train_scores).all()
    lags = np.lib.stride_tricks.sliding_window_view(y, 8)
    bagging = BaggingRegressor(make_model()[-1], n_estimators=2, random_state=0)
    assert bagging.fit(lags, y[7:]).predict(lags).shape == (len(lags),)


def test_sample_weight_is_routed_through_the_pipeline(data):
    X, y = data
    half = (np.arange(len(y)) >= 75).astype(float)
    routed = make_model().fit(X, y, lstmregressor__sample_weight=half)
    windows = SlidingWindowTransformer(n_steps=8).fit_transform(X)
    direct = make_model()[-1].fit(windows[75:], y[75:])
    np.testing.assert_array_equal(routed.predict(X), direct.predict(windows))
