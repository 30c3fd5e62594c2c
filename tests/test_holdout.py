"""Validation at the end of the data: what is left out, when it stops, what it keeps."""

import numpy as np
import pytest
import sklearn
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.estimators.holdout import hold_out, place
from sklstm.estimators.samples import Samples
from sklstm.windows.rows import as_rows


def make_model(**params):
    defaults = {"units": 4, "epochs": 6, "random_state": 0, "early_stopping": True}
    return LSTMRegressor(**{**defaults, **params})


def make_data(n_rows=120, n_steps=5, horizon=1):
    rows = np.random.RandomState(0).normal(size=(n_rows, 2)).cumsum(axis=0)
    X, y = make_supervised(rows, horizon=horizon, target=0)
    return SlidingWindowTransformer(n_steps=n_steps).fit_transform(X), y


def make_samples(X, y):
    windows = as_rows(X)
    return Samples(windows, place(windows), y, np.ones(len(y)))


def find_kept(X, y, fraction=0.25):
    """Tell by their targets, which number the windows, those trained on and validated on."""
    horizon = y.shape[1] if y.ndim == 2 else 1
    parts = hold_out(make_samples(X, y), fraction, horizon)
    return [list(part.y.reshape(len(part.y), -1)[:, 0]) for part in parts]


@pytest.mark.parametrize("n_steps", [1, 4, 9])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize(
    ("dilation", "copied"),
    [(1, False), (3, False), (1, True)],  # a copy hides its dilation
)
def test_exactly_the_overlapping_windows_are_left_out(n_steps, dilation, horizon, copied):
    n = 80
    rows = np.random.RandomState(0).normal(size=(n, 1))
    W = SlidingWindowTransformer(n_steps=n_steps, dilation=dilation).fit_transform(rows)
    y = np.repeat(np.arange(n, dtype=float)[:, np.newaxis], horizon, axis=1)
    trained, validated = find_kept(W.copy() if copied else W, y)
    assert validated == list(range(60, 80))
    if n_steps == 1:  # such windows have no row in common, and might be of different series
        assert trained == list(range(60))
        return

    def touched(i):  # rows of the window, in between, and of its targets
        return set(range(i - dilation * (n_steps - 1), i + horizon + 1))

    held = set().union(*map(touched, range(60, 80)))
    assert trained == [i for i in range(60) if not touched(i) & held]


def test_windows_that_share_nothing_are_all_kept():
    X = np.random.RandomState(0).normal(size=(40, 5, 2))
    assert find_kept(X, np.arange(40.0)) == [list(range(30)), list(range(30, 40))]


def test_lag_columns_are_recognised_by_what_they_hold():
    series = np.random.RandomState(0).normal(size=48)
    lags = sliding_window_view(series, 8)[:40].copy()[:, :, np.newaxis]
    trained, validated = find_kept(lags, np.arange(40.0))
    assert (trained[-1], validated[0]) == (21, 30)  # 22 reaches up to row 29, its target to 30
    every_second = find_kept(lags[::2].copy(), np.arange(20.0))
    assert (every_second[0][-1], every_second[1][0]) == (10, 15)


def test_windows_of_weight_zero_keep_their_place():
    X, _ = make_data()
    numbers = np.arange(len(X), dtype=float)
    kept = numbers % 3 > 0
    for windows in (X, X.copy()):
        samples = make_samples(windows, numbers).select(kept)
        trained, validated = (part.y for part in hold_out(samples, 0.1, 1))
        np.testing.assert_array_equal(validated, numbers[kept][-8:])
        first = validated[0] - 4  # its first row
        np.testing.assert_array_equal(trained, numbers[kept & (numbers + 1 < first)])


def test_early_stopping_equals_an_explicit_validation_set():
    X, y = make_data()
    stopped = make_model(validation_fraction=0.25).fit(X, y)
    n_trained = 119 - 30 - 5
    explicit = make_model().fit(X[:n_trained], y[:n_trained], X_val=X[-30:], y_val=y[-30:])
    for a, b in zip(stopped.weights_, explicit.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(stopped.validation_loss_curve_, explicit.validation_loss_curve_)


def test_validation_loss_is_that_of_the_predictions():
    X, y = make_data()
    for loss, measure in [("mse", np.square), ("mae", np.abs)]:
        model = make_model(loss=loss, early_stopping=False)
        model.fit(X[:80], y[:80], X_val=X[90:], y_val=y[90:])
        error = measure((model.predict(X[90:]) - y[90:]) / model.y_scale_).mean()
        assert model.validation_loss_curve_[-1] == pytest.approx(error, rel=1e-5)
        assert len(model.validation_loss_curve_) == model.n_iter_ == 6


def test_the_best_weights_are_kept_and_the_training_stops():
    X, y = make_data()
    y = np.random.RandomState(1).permutation(y)  # nothing to learn: it overfits at once
    model = make_model(epochs=200, learning_rate=0.05, n_iter_no_change=3).fit(X, y)
    curve = model.validation_loss_curve_
    assert model.n_iter_ == len(curve) < 200
    assert model.best_loss_ == min(curve) < curve[-1]
    best = curve.index(min(curve)) + 1
    fewer = make_model(epochs=best, learning_rate=0.05, n_iter_no_change=999).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), fewer.predict(X))


def test_it_stops_when_scikit_learns_perceptron_would():
    X, y = make_data()
    model = make_model(epochs=200, learning_rate=0.02, n_iter_no_change=4, tol=1e-3).fit(X, y)
    best, stale = np.inf, 0
    for epoch, loss in enumerate(model.validation_loss_curve_, start=1):
        stale = stale + 1 if loss > best - 1e-3 else 0
        best = min(best, loss)
        assert (stale > 4) == (epoch == model.n_iter_ < 200)


def test_without_early_stopping_the_last_weights_are_kept():
    X, y = make_data()
    plain = make_model(early_stopping=False)
    validated = make_model(early_stopping=False).fit(X, y, X_val=X[:9], y_val=y[:9])
    np.testing.assert_array_equal(validated.predict(X), plain.fit(X, y).predict(X))
    assert plain.validation_loss_curve_ is None
    assert plain.best_loss_ is None


def test_scales_are_those_of_the_training_windows_alone():
    X, y = make_data()
    X, y = X.copy(), y.copy()
    X[-12:], y[-12:] = 1e6, 1e6
    model = make_model().fit(X, y)
    assert np.abs(model.X_mean_).max() < 1e3
    assert abs(model.y_mean_) < 1e3


def test_validation_rows_travel_through_a_pipeline():
    rows = np.random.RandomState(0).normal(size=(120, 1)).cumsum(axis=0)
    X, y = make_supervised(rows)
    with sklearn.config_context(enable_metadata_routing=True):
        lstm = make_model().set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(SlidingWindowTransformer(n_steps=5), lstm, transform_input=["X_val"])
        model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    windows = SlidingWindowTransformer(n_steps=5)
    expected = make_model().fit(
        windows.fit_transform(X[:80]), y[:80], X_val=windows.transform(X[80:]), y_val=y[80:]
    )
    assert model[-1].validation_loss_curve_ == expected.validation_loss_curve_


WRONG = [
    ({"X_val": np.zeros((3, 5, 2))}, "y_val must be passed with X_val"),
    ({"y_val": np.zeros(3)}, "X_val must be passed with y_val"),
    ({"X_val": np.zeros((3, 4, 2)), "y_val": np.zeros(3)}, r"\(5, 2\) .* got \(4, 2\)"),
    ({"X_val": np.zeros((3, 5, 2)), "y_val": np.zeros((3, 2))}, r"and \(\), got .* \(2,\)"),
    ({"X_val": np.zeros((3, 5, 2)), "y_val": np.zeros(4)}, "inconsistent numbers of samples"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_validation_data_is_refused(arguments, message):
    X, y = make_data()
    with pytest.raises(ValueError, match=message):
        make_model().fit(X, y, **arguments)


def test_nothing_left_to_train_on_is_an_error_with_a_cure():
    X, y = make_windows(np.arange(30.0), n_steps=20)
    with pytest.raises(ValueError, match="Lower validation_fraction or n_steps, or pass X_val"):
        make_model().fit(X, y)


def test_steps_ahead_are_read_from_the_names_of_targets():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"temp": np.random.RandomState(0).normal(size=120).cumsum()})
    rows, y = make_supervised(frame, horizon=[24])
    X = SlidingWindowTransformer(n_steps=5).fit_transform(rows)
    model = make_model(validation_fraction=0.25).fit(X, y)
    first = 96 - 24  # of the windows to validate on; those before its target and its steps are out
    kept = first - (5 - 1) - 24
    expected = make_model().fit(X[:kept], y[:kept], X_val=X[first:], y_val=y[first:])
    assert model.validation_loss_curve_ == expected.validation_loss_curve_
    longer = make_model().fit(X[: kept + 1], y[: kept + 1], X_val=X[first:], y_val=y[first:])
    assert model.validation_loss_curve_ != longer.validation_loss_curve_
