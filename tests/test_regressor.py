"""LSTMRegressor: what it learns, what it reads, what it refuses, what it keeps."""

import pickle
import re
import tracemalloc

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklstm import LSTMRegressor, SlidingWindowTransformer, make_windows


def make_model(**params):
    return LSTMRegressor(**{"units": 4, "epochs": 2, "random_state": 0, **params})


def make_data(n_windows=40, n_steps=6, n_features=2, shape=()):
    random_state = np.random.RandomState(0)
    X = random_state.normal(size=(n_windows, n_steps, n_features))
    y = X[:, -1, :1] + np.arange(np.prod(shape, dtype=int))
    return X, y.reshape(n_windows, *shape)


def assert_same_fit(model, other):
    for a, b in zip(model.weights_, other.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.X_mean_, other.X_mean_)


def test_it_learns_a_noiseless_sine_ten_times_better_than_the_last_value():
    X, y = make_windows(np.sin(np.arange(600) / 5), n_steps=20)
    model = LSTMRegressor(units=16, epochs=40, random_state=0).fit(X[:400], y[:400])
    error = np.abs(model.predict(X[400:]) - y[400:]).mean()
    assert error < np.abs(X[400:, -1, 0] - y[400:]).mean() / 10


def test_stacked_layers_learn_too():
    X, y = make_windows(np.sin(np.arange(600) / 5), n_steps=20)
    model = LSTMRegressor(units=(12, 8), epochs=30, random_state=0).fit(X[:400], y[:400])
    error = np.abs(model.predict(X[400:]) - y[400:]).mean()
    assert error < np.abs(X[400:, -1, 0] - y[400:]).mean() / 5


def test_units_of_the_data_do_not_matter():
    X, y = make_data()
    model = make_model().fit(X, y)
    other = make_model().fit(X * [1e4, 1e-3] + [1e6, 0], 1e5 * y + 1e7)
    predicted = (other.predict(X * [1e4, 1e-3] + [1e6, 0]) - 1e7) / 1e5
    np.testing.assert_allclose(predicted, model.predict(X), atol=1e-5)


def test_without_standardize_the_network_reads_raw_values():
    X, y = make_data()
    model = make_model(standardize=False).fit(10 * X, y)
    np.testing.assert_array_equal(model.X_mean_, [0, 0])
    np.testing.assert_array_equal(model.X_scale_, [1, 1])
    assert (model.y_mean_, model.y_scale_) == (0, 1)
    assert not np.allclose(
        model.predict(10 * X), make_model(standardize=False).fit(X, y).predict(X)
    )


def test_a_constant_feature_does_no_harm():
    X, y = make_data()
    X[:, :, 1] = 1013.25
    assert np.isfinite(make_model().fit(X, y).predict(X)).all()


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_predictions_have_the_dimensions_of_y(shape):
    X, y = make_data(shape=shape)
    model = make_model().fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.predict(X).dtype == np.float64
    assert model.network_["n_outputs"] == np.prod(shape, dtype=int)
    assert np.isfinite(model.score(X, y))


def test_two_dimensional_x_holds_windows_of_one_feature():
    X, y = make_data(n_features=1)
    flat, deep = make_model().fit(X[:, :, 0], y), make_model().fit(X, y)
    assert_same_fit(flat, deep)
    assert flat.window_shape_ == deep.window_shape_ == (6, 1)
    assert (flat.n_features_in_, deep.n_features_in_) == (6, 1)
    expected = deep.predict(X)
    for model in (flat, deep):
        for windows in (X, X[:, :, 0], X.tolist(), X[:, :, 0].tolist()):
            np.testing.assert_array_equal(model.predict(windows), expected)


def test_feature_names_of_a_frame_are_kept():
    pd = pytest.importorskip("pandas")
    X, y = make_data(n_features=1)
    names = [f"lag_{k}" for k in range(5, -1, -1)]
    frame = pd.DataFrame(X[:, :, 0], columns=names)
    model = make_model().fit(frame, pd.Series(y))
    assert list(model.feature_names_in_) == names
    np.testing.assert_array_equal(model.predict(frame), make_model().fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])


@pytest.mark.parametrize("cut", [slice(None), slice(13, None), slice(None, None, 2)])
@pytest.mark.parametrize("missing", [False, True])
def test_a_strided_view_equals_its_copy(cut, missing):
    rows = np.random.RandomState(0).normal(size=(60, 2))
    if missing:
        rows[[5, 30], 1] = np.nan
    W = SlidingWindowTransformer(n_steps=6).fit_transform(rows)[cut]
    y = np.arange(60.0)[cut]
    view, copied = make_model().fit(W, y), make_model().fit(W.copy(), y)
    for a, b in zip(view.weights_, copied.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)  # the scales differ in their last bit
    np.testing.assert_array_equal(view.predict(W), view.predict(W.copy()))


def test_a_strided_view_is_never_materialised():
    # In NumPy; what TensorFlow takes is measured by benchmarks/fit_memory.py.
    rows = np.random.RandomState(0).normal(size=20_000)
    W = SlidingWindowTransformer(n_steps=100).fit_transform(rows[:, np.newaxis])
    model = make_model(units=1, epochs=1, batch_size=1024, random_state=0)
    model.fit(W[:5], rows[:5]).fit(W[:2048], rows[:2048])
    tracemalloc.start()
    model.fit(W, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    model.predict(W)
    peak_of_predict = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.2 * W.size * W.itemsize  # 16 MB; the rows are 0.16 MB
    assert peak_of_predict < 0.5 * W.size * W.itemsize  # chunks of 512 windows


def test_a_strided_view_is_never_materialised_to_validate_on():
    rows = np.random.RandomState(0).normal(size=40_000)
    W = SlidingWindowTransformer(n_steps=100).fit_transform(rows[:, np.newaxis])
    model = make_model(units=1, epochs=1, batch_size=1024, early_stopping=True)
    model.set_params(validation_fraction=0.5).fit(W[:4096], rows[:4096])
    tracemalloc.start()
    model.fit(W, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    validated = W[20_000:]
    assert peak < 0.5 * validated.size * validated.itemsize  # chunks of 512 windows


def test_a_plain_array_is_not_copied_to_float64():
    X, y = make_data(n_windows=20_000, n_steps=20, n_features=4)
    for windows in (X, X.astype(np.float32)):
        model = make_model(units=1, epochs=1, batch_size=1024).fit(windows[:2048], y[:2048])
        tracemalloc.start()
        model.fit(windows, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.5 * X.nbytes  # the float32 rows and TensorFlow's copy of them are 1.25


INPUTS = {
    "read-only": lambda X: np.broadcast_to(X, X.shape),
    "big-endian": lambda X: X.astype(">f8"),
    "object": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
}


@pytest.mark.parametrize("convert", INPUTS.values(), ids=INPUTS.keys())
def test_any_layout_gives_the_same_bits(convert):
    X, y = make_data()
    model = make_model().fit(X, y)
    other = make_model().fit(convert(X), y)
    assert_same_fit(model, other)
    np.testing.assert_array_equal(other.predict(convert(X)), model.predict(X))


def test_fortran_order_gives_the_same_predictions():
    X, y = make_data()
    fortran = np.asfortranarray(X)  # its rows lie, and are summed, in another order
    predicted = make_model().fit(fortran, y).predict(fortran)
    np.testing.assert_allclose(predicted, make_model().fit(X, y).predict(X), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float16, bool])
def test_other_dtypes_equal_their_float64_values(dtype):
    X, y = make_data()
    X = (10 * X).astype(dtype)
    model, other = make_model().fit(X, y), make_model().fit(X.astype(float), y)
    np.testing.assert_allclose(model.predict(X), other.predict(X.astype(float)), rtol=1e-5)
    assert model.predict(X).dtype == np.float64


def test_input_is_not_changed():
    X, y = make_data()
    X[3, 2, 1] = np.nan
    before = X.copy(), y.copy()
    make_model().fit(X, y).predict(X)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_masked_windows_equal_shorter_windows():
    X, y = make_data(n_steps=6)
    padded = np.concatenate([np.full((40, 3, 2), np.nan), X], axis=1)
    short, long = make_model().fit(X, y), make_model().fit(padded, y)
    for a, b in zip(short.weights_, long.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(long.predict(padded), short.predict(X), atol=1e-5)


def test_a_window_without_a_real_step_predicts_from_the_initial_state():
    X, y = make_data(shape=(2,))
    model = make_model().fit(X, y)
    expected = model.weights_[-1] * model.y_scale_ + model.y_mean_
    np.testing.assert_allclose(model.predict(np.full((3, 6, 2), np.nan)), [expected] * 3)
    nothing = make_model().fit(np.full((3, 6, 2), np.nan), [1.0, 2.0, 6.0])
    assert np.isfinite(nothing.predict(X)).all()


def test_weight_zero_is_absence_also_in_mini_batches():
    X, y = make_data()
    weight = np.where(np.arange(40) % 3, 2.0, 0.0)
    weighted = make_model(batch_size=8).fit(X, np.where(weight, y, 1e9), sample_weight=weight)
    assert_same_fit(weighted, make_model(batch_size=8).fit(X[weight > 0], y[weight > 0]))


@pytest.mark.parametrize("weight", [1e308, 1e-308, np.float32(1e38), 7])
def test_only_ratios_of_weights_count(weight):
    X, y = make_data()
    ratios = np.arange(40) % 3 + 1.0
    model = make_model().fit(X, y, sample_weight=ratios / 3 * weight)
    expected = make_model().fit(X, y, sample_weight=ratios)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-5)
    same = make_model().fit(X, y, sample_weight=np.full(40, weight))
    assert_same_fit(same, make_model().fit(X, y))


def test_weights_scale_the_loss_of_their_windows():
    X, _ = make_data()
    y = np.where(np.arange(40) < 20, 0.0, 1.0)
    X[:] = 0
    model = make_model(epochs=200, learning_rate=0.02)
    for share in (0.5, 0.9):
        weight = np.where(y == 0, 1 - share, share)
        prediction = model.fit(X, y, sample_weight=weight).predict(X[:1])
        assert prediction == pytest.approx(share, abs=0.03)


def test_loss_falls_and_curve_and_epochs_agree():
    X, y = make_data()
    model = make_model(epochs=15).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 15
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_shuffle_changes_the_order_only_if_asked():
    X, y = make_data()
    orders = [make_model(shuffle=s, batch_size=8, random_state=0).fit(X, y) for s in (True, False)]
    assert not np.array_equal(orders[0].weights_[0], orders[1].weights_[0])


def test_a_random_state_instance_is_drawn_from():
    X, y = make_data()
    random_state = np.random.RandomState(0)
    model = make_model(random_state=random_state)
    first = model.fit(X, y).weights_[0]
    assert not np.array_equal(model.fit(X, y).weights_[0], first)
    np.testing.assert_array_equal(make_model(random_state=0).fit(X, y).weights_[0], first)


def test_a_fitted_model_holds_plain_values_only():
    X, y = make_data()
    state = vars(make_model().fit(X, y))

    def leaves(value):
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, list | tuple):
            return {type(value)}
        return set().union(*map(leaves, value))

    plain = (np.ndarray, str, int, float, bool, type(None))
    assert leaves(state) <= set(plain)


def test_a_clone_is_unfitted_and_equal():
    X, y = make_data()
    model = make_model(units=(3, 2)).fit(X, y)
    again = clone(model)
    with pytest.raises(NotFittedError):
        again.predict(X)
    assert_same_fit(again.fit(X, y), model)


def test_integers_of_few_bits_are_read_as_any_other():
    X, y = make_data()
    few = {"units": np.uint8(4), "epochs": np.uint8(2), "batch_size": np.uint8(2)}
    few |= {"segment": np.int8(2), "anchor": np.int8(0), "n_iter_no_change": np.uint8(200)}
    many = {name: int(value) for name, value in few.items()}
    options = {"early_stopping": True, "warm_start": True}
    validation = {"X_val": X, "y_val": y}
    model = make_model(**few, **options).fit(X, y, **validation)
    expected = make_model(**many, **options).fit(X, y, **validation)
    assert_same_fit(model, expected)
    model.set_params(epochs=np.uint8(254), early_stopping=False).fit(X[:4], y[:4])
    assert model.n_iter_ == 256  # too many for 8 bits


def test_set_params_after_fit_does_not_change_predictions():
    X, y = make_data()
    model = make_model().fit(X, y)
    expected = model.predict(X)
    model.set_params(units=9, activation="relu", standardize=False)
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize(
    ("units", "activation", "shape"), [(5, "tanh", ()), ((4, 3), "relu", (2,))]
)
def test_to_keras_predicts_the_same_in_raw_units(units, activation, shape):
    X, y = make_data(shape=shape)
    X, y = 1e4 + 30 * X, 1e3 + y
    X[::3, :2, 1] = np.nan
    X[5, 3] = np.nan
    X[7] = np.nan
    model = make_model(units=units, activation=activation).fit(X, y)
    network = model.to_keras()
    assert isinstance(network, keras.Model)
    expected = model.predict(X)
    predicted = network.predict(X, verbose=0)
    assert predicted.shape == expected.shape
    np.testing.assert_allclose(
        (predicted - model.y_mean_) / model.y_scale_,
        (expected - model.y_mean_) / model.y_scale_,
        atol=1e-5,
    )


def test_a_prediction_far_from_zero_never_depends_on_its_neighbours():
    X, y = make_data(n_windows=600)
    model = make_model().fit(X, 1e4 + y)
    together = model.predict(X)
    assert together.min() > 9_000
    for some in (slice(0, 1), slice(7, 9), slice(599, None), slice(None, None, -3)):
        np.testing.assert_array_equal(model.predict(X[some]), together[some])


def test_to_keras_reads_tiny_units():
    X, y = make_data()
    model = make_model().fit(1e-9 * X, y)
    predicted = model.to_keras().predict(1e-9 * X, verbose=0)
    np.testing.assert_allclose(predicted, model.predict(1e-9 * X), atol=1e-5)


def test_mixed_column_names_are_refused_before_the_training(capsys):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X0[:, :, 0], columns=[*"abcde", 1])
    with pytest.raises(TypeError, match="names"):
        make_model(verbose=1).fit(frame, Y0)
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own
def test_to_keras_saves_and_loads(tmp_path):
    X, y = make_data()
    network = make_model().fit(X, y).to_keras()
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = network.predict(X, verbose=0)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, atol=1e-6)


WRONG_PARAMS = [
    ({"units": 0}, "'units' parameter .* Got 0"),
    ({"units": 2.5}, "'units' parameter .* Got 2.5"),
    ({"units": ()}, r"units must be .* got \(\)"),
    ({"units": (3, -1)}, r"units must be .* got \(3, -1\)"),
    ({"units": (3, "a")}, "units must be .* one for each layer"),
    ({"epochs": 0}, "'epochs' parameter .* Got 0"),
    ({"epochs": 1.5}, "'epochs' parameter .* Got 1.5"),
    ({"batch_size": -3}, "'batch_size' parameter .* Got -3"),
    ({"batch_size": "auto"}, "'batch_size' parameter .* Got 'auto'"),
    ({"learning_rate": 0}, "'learning_rate' parameter .* Got 0"),
    ({"learning_rate": "fast"}, "'learning_rate' parameter .* Got 'fast'"),
    ({"learning_rate": np.nan}, "'learning_rate' parameter .* Got nan"),
    ({"activation": "tahn"}, "'activation' parameter .*'tanh'.* Got 'tahn'"),
    ({"loss": "msee"}, "'loss' parameter .*'mse'.* Got 'msee'"),
    ({"loss": None}, "'loss' parameter .* Got None"),
    ({"loss": "dice"}, "'loss' parameter .* Got 'dice'"),
    ({"optimizer": "adm"}, "optimizer must be one of .*'adam'.* got 'adm'"),
    ({"shuffle": "yes"}, "'shuffle' parameter .* Got 'yes'"),
    ({"max_grad_norm": 1e-50}, "max_grad_norm must be at least 1.2e-38 .* float32.* got 1e-50"),
    ({"max_grad_norm": 1e39}, "max_grad_norm must be .* at most 3.4.*e.38.* float32.* got 1e.39"),
    ({"learning_rate": 1e-50}, "learning_rate must be at least 1.2e-38 .* float32.* got 1e-50"),
    ({"learning_rate": 1e39}, "learning_rate must be .* at most .* got 1e.39"),
    ({"alpha": 1e39}, "alpha must be at least 0 and at most 3.4.* got 1e.39"),
    ({"dropout": 1 - 1e-9}, "dropout must be at least 0 and at most 0.9999999.* got 0.999999999"),
]


@pytest.mark.parametrize(("params", "message"), WRONG_PARAMS)
def test_wrong_parameters_are_refused(params, message):
    X, y = make_data()
    model = make_model(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def with_value(value, dtype=float):
    X = make_data()[0].astype(dtype)
    X[3, 2, 1] = value
    return X


X0, Y0 = make_data()
WRONG_DATA = [
    (sparse.csr_array(X0[:, :, 0]), Y0, TypeError, "Sparse data was passed for X"),
    (with_value(1j, complex), Y0, ValueError, "Complex data not supported"),
    (with_value("warm", object), Y0, ValueError, "could not convert string to float"),
    (with_value(np.inf), Y0, ValueError, "Input X contains infinity"),
    (X0[:0], Y0[:0], ValueError, r"0 sample\(s\)"),
    (X0[:, :0], Y0, ValueError, r"0 sample\(s\)"),
    (X0[:, :, :0], Y0, ValueError, r"0 feature\(s\)"),
    (Y0, Y0, ValueError, "(?s)make_windows"),
    (Y0, Y0, ValueError, r"got an array of shape \(40,\). Reshape your data"),
    (sparse.coo_array(X0), Y0, TypeError, "Sparse data was passed for X"),
    (X0.astype(str), Y0, ValueError, "X must be numeric, got text"),
    (X0[:, :, 0].astype("S"), Y0, ValueError, "X must be numeric, got text"),
    (X0, Y0.astype(str), ValueError, "y must be numeric, got text"),
    (X0[::3][:0], Y0[:0], ValueError, r"0 sample\(s\)"),
    (X0, np.where(Y0 > 1, np.inf, Y0), ValueError, "Input y contains infinity"),
    (1e200 * X0, Y0, ValueError, "X and y must have finite variances"),
    (1e160 * X0, Y0, ValueError, "X and y must have finite variances"),
    (1e-170 * X0, Y0, ValueError, "X and y must have variances above 0"),
    (X0, 1e-170 * Y0, ValueError, "X and y must have variances above 0"),
    (X0, 1e200 * Y0, ValueError, "X and y must have finite variances"),
    (X0[np.newaxis], Y0, ValueError, r"n_windows, n_steps, n_features.* \(1, 40, 6, 2\)"),
    (X0, None, ValueError, "requires y to be passed, but the target y is None"),
    (X0, np.full(40, np.nan), ValueError, "y must have a known value, got only missing"),
    (X0, Y0[:-1], ValueError, r"inconsistent numbers of samples: \[40, 39\]"),
    (X0, X0, ValueError, "dim 3"),
    (X0, ["a"] * 40, ValueError, "y must be numeric, got text"),
]


@pytest.mark.parametrize(("X", "y", "error", "message"), WRONG_DATA)
def test_wrong_data_is_refused_and_nothing_half_fitted(X, y, error, message):
    model = make_model()
    with pytest.raises(error, match=message):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    fitted = make_model().fit(X0, Y0)
    before = pickle.dumps(fitted)
    with pytest.raises(error, match=message):
        fitted.fit(X, y)
    assert pickle.dumps(fitted) == before


def test_divergence_leaves_the_estimator_unfitted():
    model = make_model(learning_rate=1e30, optimizer="sgd", epochs=9)
    with pytest.raises(ValueError, match=r"epoch \d of 9 .* Lower learning_rate"):
        model.fit(X0, Y0)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.parametrize("weight", [np.zeros(40), -np.ones(40), np.ones(39), np.full(40, np.nan)])
def test_wrong_sample_weights_are_refused(weight):
    with pytest.raises(ValueError, match=r"zero|[Nn]egative|shape|NaN"):
        make_model().fit(X0, Y0, sample_weight=weight)


OTHER_SHAPES = [
    ((4, 5, 2), "6 steps, as seen in fit, got 5 steps. Make windows of the same n_steps."),
    ((4, 1, 2), "6 steps, as seen in fit, got 1 step. Make windows of the same n_steps."),
    ((4, 6, 3), "2 features, as seen in fit, got 3 features. Make windows of the same columns."),
    ((4, 7, 1), "6 steps and 2 features, as seen in fit, got 7 steps and 1 feature. Make windows "
                "of the same n_steps. Make windows of the same columns."),
    ((4, 6), "2 features, as seen in fit, got 1 feature. Windows of several features have three "
             "axes: (n_windows, n_steps, n_features)."),
    ((6, 3), "6 steps and 2 features, as seen in fit, got 3 steps and 1 feature."),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "message"), OTHER_SHAPES)
def test_windows_of_another_shape_are_told_what_differs(shape, message):
    model = make_model().fit(X0, Y0)
    for call in (model.predict, lambda X: model.partial_fit(X, Y0[: len(X)])):
        with pytest.raises(
            ValueError, match=f"X must hold windows of {re.escape(message)}"
        ) as error:
            call(np.zeros(shape))
        assert "X[:1]" not in str(error.value)


def test_lags_of_another_width_get_scikit_learns_message():
    model = make_model().fit(X0[:, :, 0], Y0)
    with pytest.raises(ValueError, match="X has 5 features, but LSTMRegressor is expecting 6"):
        model.predict(X0[:, :5, 0])


@pytest.mark.parametrize("n_features", [1, 2])
def test_a_single_window_without_its_axis_is_told_the_cure(n_features):
    X, y = make_data(n_features=n_features)
    model = make_model().fit(X, y)
    got = rf"got one window of shape \(6, {n_features}\)\. .*X\[:1\], not X\[0\]"
    with pytest.raises(ValueError, match=got):
        model.predict(X[0])


def test_predict_before_fit_is_refused():
    for call in (lambda: make_model().predict(X0), lambda: make_model().to_keras()):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call()


def test_a_univariate_view_of_lags_is_read_in_place():
    series = np.sin(np.arange(50))
    lags = sliding_window_view(series, 8)
    model = make_model().fit(lags, series[7:])
    np.testing.assert_array_equal(model.predict(lags), model.predict(lags.copy()))
