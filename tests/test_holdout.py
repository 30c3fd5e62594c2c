"""Validation at the end of the data: what is left out, when it stops, what it keeps."""

import numpy as np
import pytest
import sklearn
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_supervised, make_windows
from sklstm.estimators.holdout import hold_out
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
    return Samples(as_rows(X), y, np.ones(len(y)))


def find_kept(X, y, fraction=0.25):
    """Tell by their targets, which number the windows, those trained on and validated on."""
    horizon = y.shape[1] if y.ndim == 2 else 1
    parts = hold_out(make_samples(X, y), fraction, horizon)
    return [list(part.y.reshape(len(part.y), -1)[:, 0]) for part in parts]


@pytest.mark.parametrize("n_steps", [1, 4, 9])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("kind", ["view", "array-like"])
def test_exactly_the_overlapping_windows_are_left_out(n_steps, dilation, horizon, kind):
    n = 80
    rows = np.random.RandomState(0).normal(size=(n, 1))
    groups = None if kind == "view" else [*range(3), *[9] * (n - 3)]  # the last one is long
    transformer = SlidingWindowTransformer(n_steps=n_steps, dilation=dilation)
    W = transformer.fit_transform(rows, groups=groups)
    y = np.repeat(np.arange(n, dtype=float)[:, np.newaxis], horizon, axis=1)
    trained, validated = find_kept(W[n - 77 :], y[n - 77 :], fraction=20 / 77)
    assert validated == list(range(60, 80))
    if n_steps == 1 and kind == "view":  # nothing shows that they are of one series
        assert trained == list(range(3, 60))
        return

    def touched(i):  # rows of the window, in between, and of its targets
        return set(range(i - dilation * (n_steps - 1), i + horizon + 1))

    held = set().union(*map(touched, range(60, 80)))
    assert trained == [i for i in range(3, 60) if not touched(i) & held]


@pytest.mark.parametrize("interleaved", [False, True])
def test_the_end_of_each_series_is_validated_on(interleaved):
    n_steps, horizon, lengths = 4, 2, {"a": 40, "b": 24, "c": 8}
    groups = np.repeat(list(lengths), list(lengths.values()))
    if interleaved:
        groups = np.random.RandomState(0).permutation(groups)
    rows = np.random.RandomState(1).normal(size=(len(groups), 1))
    W = SlidingWindowTransformer(n_steps=n_steps).fit_transform(rows, groups=groups)
    numbers = np.arange(len(groups), dtype=float)
    trained, validated = find_kept(W, np.c_[numbers, numbers])
    expected = [], []
    for label, length in lengths.items():  # a naive count
        members = np.flatnonzero(groups == label)
        first = length - int(np.ceil(0.25 * length))
        held = set(range(first - n_steps + 1, length))
        for i, number in enumerate(members):
            touched = range(i - n_steps + 1, i + horizon + 1)
            if i >= first:
                expected[1].append(number)
            elif not held & set(touched):
                expected[0].append(number)
    assert (trained, validated) == tuple(map(sorted, expected))


def test_overlapping_windows_that_share_no_memory_are_warned_of():
    series = np.random.RandomState(0).normal(size=60)
    copied = sliding_window_view(series, 8).copy()[:, :, np.newaxis]
    with pytest.warns(UserWarning, match="takes windows that share no memory for") as warned:
        make_model(epochs=1).fit(copied, series[7:])
    assert warned[0].filename == __file__
    make_model(epochs=1, early_stopping=False).fit(copied, series[7:])  # no warning


def test_lags_as_columns_are_separate_windows():
    pd = pytest.importorskip("pandas")
    series = pd.Series(np.random.RandomState(0).normal(size=60))
    lags = pd.concat([series.shift(k) for k in range(4)], axis=1)[3:]  # in Fortran order
    with pytest.warns(UserWarning, match="seem to overlap"):
        model = make_model().fit(lags[[3, 2, 1, 0]], series[3:])
    expected = make_model().fit(lags[[3, 2, 1, 0]][:-6], series[3:-6],
                                X_val=lags[[3, 2, 1, 0]][-6:], y_val=series[-6:])  # fmt: skip
    assert model.validation_loss_curve_ == expected.validation_loss_curve_


def test_windows_that_share_nothing_are_all_kept():
    X = np.random.RandomState(0).normal(size=(40, 5, 2))
    assert find_kept(X, np.arange(40.0)) == [list(range(30)), list(range(30, 40))]


def test_windows_of_weight_zero_keep_their_place():
    X, _ = make_data()
    numbers = np.arange(len(X), dtype=float)
    kept = numbers % 3 > 0
    samples = make_samples(X, numbers).select(kept)
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
    X = np.random.RandomState(0).normal(size=(120, 5, 2))
    y = X[:, -1, 0].copy()
    X[-12:], y[-12:] = 1e6 * X[-12:], 1e6 * y[-12:]
    model = make_model().fit(X, y)
    assert np.abs(model.X_mean_).max() < 1e3
    assert abs(model.y_mean_) < 1e3


def test_validation_rows_travel_through_a_pipeline():
    rows = np.random.RandomState(0).normal(size=(120, 1)).cumsum(axis=0)
    X, y = make_supervised(rows)
    with sklearn.config_context(enable_metadata_routing=True):
        lstm = make_model().set_fit_request(X_val=True, y_val=True)
        windows = SlidingWindowTransformer(n_steps=5, history="always")
        model = make_pipeline(windows, lstm, transform_input=["X_val"])
        model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
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


def make_lags(names=("lag_2", "lag_1", "lag_0")):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(np.random.RandomState(0).normal(size=(40, 3)), columns=list(names))


def make_named(names=("temp", "wind", "rain")):
    return SlidingWindowTransformer(n_steps=5).fit_transform(make_lags(names))


def make_panel(names=("temp", "wind", "rain")):
    windower = SlidingWindowTransformer(n_steps=5)
    return windower.fit_transform(make_lags(names), groups=np.repeat(["a", "b"], 20))


@pytest.mark.parametrize("make", [make_lags, make_named, make_panel])
def test_validation_data_with_other_names_is_refused(make):
    X, y, model = make(), np.arange(40.0), make_model()
    a, b, c = names = list(getattr(X, "columns", getattr(X, "feature_names", None)))
    other = (
        "feature names of X_val should match those of X.\nFeature names of X_val that X does not "
    )
    with pytest.raises(
        ValueError, match=f"{other}have:\n- humid\nFeature names of X that.*\n- {c}\n$"
    ):
        model.fit(X, y, X_val=make([a, b, "humid"]), y_val=y)
    with pytest.raises(ValueError, match="of X_val must be in the same order as those of X"):
        model.fit(X, y, X_val=make([b, a, c]), y_val=y)
    assert not hasattr(model, "weights_")
    model.fit(X, y, X_val=make(names), y_val=y)  # a frame of its own
    expected = model.validation_loss_curve_
    without = np.asarray(X)
    for pair in [(X, without), (without, X), (without, without.tolist())]:
        assert model.fit(pair[0], y, X_val=pair[1], y_val=y).validation_loss_curve_ == expected


@pytest.mark.parametrize("by", ["index", "groups", "shuffled levels"])
@pytest.mark.parametrize("periods", [False, True])
def test_the_same_dates_of_all_series_are_validated_on(by, periods):
    pd = pytest.importorskip("pandas")
    dates = pd.date_range("2013-01-01", periods=40, freq="D")
    dates = dates.to_period() if periods else dates
    spans = {"ended": (0, 25), "whole": (0, 40), "began": (10, 40), "new": (36, 40)}
    pairs = [(name, k) for name, (start, stop) in spans.items() for k in range(start, stop)]
    index = pd.MultiIndex.from_tuples([(name, dates[k]) for name, k in pairs])
    if by == "shuffled levels":
        index = index.set_levels(index.levels[1][::-1], level=1)
        index = index.set_codes(39 - index.codes[1], level=1)
    frame = pd.DataFrame({"x": np.random.RandomState(0).normal(size=len(pairs))}, index)
    n_steps, horizon, groups = 4, 2, None
    if by == "groups":
        frame, groups = frame.droplevel(0), [name for name, _ in pairs]
    W = SlidingWindowTransformer(n_steps=n_steps).fit_transform(frame, groups=groups)
    numbers = np.arange(len(pairs), dtype=float)
    order = np.random.RandomState(1).permutation(len(pairs))  # and the order does not matter
    trained, validated = find_kept(W[order], np.c_[numbers, numbers][order])
    ks = sorted(k for _, k in pairs)
    boundary = ks[len(ks) - int(np.ceil(0.25 * len(ks)))]
    assert sorted(validated) == [i for i, (_, k) in enumerate(pairs) if k >= boundary]
    held = {name: max(start, boundary) - n_steps + 1 for name, (start, _) in spans.items()}
    held["ended"] = 99  # not validated on, so nothing overlaps
    expected = [i for i, (name, k) in enumerate(pairs) if k < boundary and k + horizon < held[name]]
    assert sorted(trained) == expected
