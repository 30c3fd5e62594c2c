"""The training program against Keras, its pool, and what it leaves untouched."""

import hashlib
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from sklstm import LSTMRegressor, clear_programs, make_windows
from sklstm.datasets import load_nyc_weather
from sklstm.estimators.losses import LOSSES, REFUSED_LOSSES
from sklstm.network.description import Network
from sklstm.network.weights import initial_weights
from sklstm.training import epoch as _epoch
from sklstm.training import loop as _loop
from sklstm.training import optimizer as _optimizer
from sklstm.training import program as _program


def make_data(n_windows=20, n_steps=5, n_features=2, n_outputs=2, seed=0):
    random_state = np.random.RandomState(seed)
    X = random_state.normal(size=(n_windows, n_steps, n_features))
    return X, random_state.normal(size=(n_windows, n_outputs))


def plain(**params):
    """Make the plain network: no scaling, windows in order."""
    defaults = {"units": 4, "standardize": False, "shuffle": False, "random_state": 0}
    return LSTMRegressor(**{**defaults, **params})


def start_generator():
    """Start the generator that `random_state=0` draws everything from."""
    return np.random.RandomState(np.random.RandomState(0).randint(2**31 - 1))


def fit_keras(X, y, *, units=(4,), activation="tanh", bidirectional=False, alpha=0.0, optimizer,
              loss="mse", epochs, batch_size):  # fmt: skip
    """Train stock Keras layers from the same initial weights; mask the same steps."""
    network = Network(X.shape[2], units, activation, y.shape[1], bidirectional=bidirectional)
    weights = initial_weights(network, start_generator())
    penalty = keras.regularizers.L2(alpha)
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Masking()])
    for layer, n in enumerate(units):
        lstm = keras.layers.LSTM(
            n, activation=activation, return_sequences=layer < len(units) - 1,
            kernel_regularizer=penalty, recurrent_regularizer=penalty,
        )  # fmt: skip
        model.add(keras.layers.Bidirectional(lstm) if bidirectional else lstm)
    model.add(keras.layers.Dense(y.shape[1], kernel_regularizer=penalty))
    model.set_weights(weights)
    model.compile(optimizer, loss)
    history = model.fit(
        np.nan_to_num(X), y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0
    )
    return model.get_weights(), history.history["loss"]


def assert_same_weights(actual, expected, **tolerances):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, **tolerances)


@pytest.mark.parametrize(("units", "activation"), [((4,), "tanh"), ((4, 3), "relu")])
def test_one_sgd_step_equals_keras(units, activation):
    X, y = make_data()
    X[:5, :2] = np.nan
    model = plain(
        units=units, activation=activation, optimizer="sgd", learning_rate=0.5, epochs=1,
        batch_size=20,
    ).fit(X, y)  # fmt: skip
    weights, losses = fit_keras(
        X, y, units=units, activation=activation, optimizer=keras.optimizers.SGD(0.5), epochs=1,
        batch_size=20,
    )  # fmt: skip
    assert_same_weights(model.weights_, weights, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 6, 33, 400])
def test_epochs_of_any_batch_size_equal_keras(batch_size):
    X, y = make_data(n_windows=40)
    model = plain(learning_rate=0.01, epochs=3, batch_size=batch_size).fit(X, y)
    adam = keras.optimizers.Adam(0.01)
    weights, losses = fit_keras(X, y, optimizer=adam, epochs=3, batch_size=batch_size)
    assert_same_weights(model.weights_, weights, atol=2e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


@pytest.mark.parametrize("loss", ["mae", "huber", "mape"])
def test_losses_are_those_of_keras(loss):
    X, y = make_data()
    model = plain(optimizer="sgd", learning_rate=0.01, loss=loss, epochs=2).fit(X, y)
    sgd = keras.optimizers.SGD(0.01)
    weights, losses = fit_keras(X, y, optimizer=sgd, loss=loss, epochs=2, batch_size=32)
    assert_same_weights(model.weights_, weights, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


def test_both_directions_train_as_keras_bidirectional_layers():
    X, y = make_data()
    units = (4, 3)
    X[:5, :2] = np.nan
    model = plain(
        units=units, bidirectional=True, optimizer="sgd", learning_rate=0.5, epochs=2
    ).fit(X, y)  # fmt: skip
    weights, losses = fit_keras(
        X, y, units=units, bidirectional=True, optimizer=keras.optimizers.SGD(0.5), epochs=2,
        batch_size=32,
    )  # fmt: skip
    assert_same_weights(model.weights_, weights, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


def test_penalty_and_clipping_are_those_of_keras():
    X, y = make_data()
    params = {"optimizer": "sgd", "learning_rate": 0.5, "epochs": 2}
    penalised = plain(alpha=0.4, **params).fit(X, y)  # 0.4 / 2 / 20 windows
    sgd = keras.optimizers.SGD(0.5)
    expected = fit_keras(X, y, optimizer=sgd, epochs=2, batch_size=32, alpha=0.01)
    assert_same_weights(penalised.weights_, expected[0], atol=1e-5)
    clipped = plain(max_grad_norm=0.1, **params).fit(X, y)
    sgd = keras.optimizers.SGD(0.5, global_clipnorm=0.1)
    expected = fit_keras(X, y, optimizer=sgd, epochs=2, batch_size=32)
    assert_same_weights(clipped.weights_, expected[0], atol=1e-5)
    free = plain(**params).fit(X, y)
    assert free.loss_curve_[0] == penalised.loss_curve_[0] == clipped.loss_curve_[0]
    for other in (penalised, clipped):
        assert not np.allclose(other.weights_[0], free.weights_[0], atol=1e-4)


def test_quantile_loss_is_the_pinball_loss():
    X, y = make_data()

    def pinball(y_true, y_pred):
        residual = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(0.9 * residual, -0.1 * residual), axis=-1)

    params = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 2}
    model = plain(loss="quantile", quantile=0.9, **params).fit(X, y)
    sgd = keras.optimizers.SGD(0.1)
    weights, losses = fit_keras(X, y, optimizer=sgd, loss=pinball, epochs=2, batch_size=32)
    assert_same_weights(model.weights_, weights, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)


def test_quantiles_cover_their_share_of_real_weather():
    pytest.importorskip("pandas")
    temp = load_nyc_weather("JFK")["temp"].to_numpy()[:6000]
    X, y = make_windows(temp, n_steps=12)
    X, y = X[~np.isnan(y)], y[~np.isnan(y)]
    for quantile in (0.1, 0.5, 0.9):
        model = LSTMRegressor(
            units=4, loss="quantile", quantile=quantile, anchor=0, epochs=6, batch_size=128,
            learning_rate=0.01, random_state=0,
        ).fit(X[::2], y[::2])  # fmt: skip
        covered = (y[1::2] <= model.predict(X[1::2])).mean()
        assert covered == pytest.approx(quantile, abs=0.03)


def test_segments_train_as_wider_and_fewer_steps():
    X, y = make_data(n_steps=6)
    X[:3, :4] = np.nan
    X[4, 2, 1] = np.nan  # skips the whole segment
    wide = np.where(np.isnan(X.reshape(20, 3, 4)).any(axis=2, keepdims=True), np.nan, 1)
    wide = wide * np.nan_to_num(X.reshape(20, 3, 4))
    segments, steps = plain(segment=2, epochs=2).fit(X, y), plain(epochs=2).fit(wide, y)
    assert_same_weights(segments.weights_, steps.weights_, rtol=0)
    np.testing.assert_array_equal(segments.predict(X), steps.predict(wide))


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_dropout_changes_training_and_not_prediction(name):
    X, y = make_data()
    without = plain(epochs=2).fit(X, y)
    model = plain(epochs=2, **{name: 0.5}).fit(X, y)
    assert not np.allclose(model.weights_[0], without.weights_[0])
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    assert_same_weights(model.weights_, plain(epochs=2, **{name: 0.5}).fit(X, y).weights_, rtol=0)
    model.set_params(**{name: 0.9})
    without.weights_ = model.weights_
    np.testing.assert_array_equal(model.predict(X), without.predict(X))


def test_dropout_of_almost_everything_learns_almost_nothing_of_the_inputs():
    X, _ = make_data(n_windows=64)
    y = X[:, -1, :]
    params = {"epochs": 60, "learning_rate": 0.05, "shuffle": True}
    scores = [plain(dropout=rate, **params).fit(X, y).score(X, y) for rate in (0.0, 0.95)]
    assert scores[0] > 0.8
    assert scores[1] < 0.3


def test_epochs_in_parts_equal_epochs_at_once():
    X, y = make_data()
    params = {"shuffle": True, "dropout": 0.2, "standardize": True, "batch_size": 8}
    expected = plain(epochs=4, **params).fit(X, y)
    partial = plain(**params)
    for _ in range(4):
        partial.partial_fit(X, y)
        partial = pickle.loads(pickle.dumps(partial))
    warm = plain(epochs=2, warm_start=True, **params).fit(X, y).fit(X, y)
    for model in (partial, warm):
        assert_same_weights(model.weights_, expected.weights_, rtol=0)
        assert model.loss_curve_ == expected.loss_curve_
        assert model.n_iter_ == 4


def test_partial_fit_in_two_halves_keeps_the_scales_of_the_first():
    X, y = make_data()
    model = plain(standardize=True).partial_fit(X[:10], y[:10])
    mean, before = model.X_mean_, model.weights_
    again = pickle.loads(pickle.dumps(model))
    model.partial_fit(100 + X[10:], y[10:])
    np.testing.assert_array_equal(model.X_mean_, mean)
    assert not np.allclose(model.weights_[0], before[0])
    assert_same_weights(again.partial_fit(100 + X[10:], y[10:]).weights_, model.weights_, rtol=0)


def test_a_new_learning_rate_holds_from_the_next_part_on():
    X, y = make_data()
    model = plain(optimizer="sgd", learning_rate=0.1).partial_fit(X, y)
    before = model.weights_
    small = pickle.loads(pickle.dumps(model)).set_params(learning_rate=1e-6).partial_fit(X, y)
    assert_same_weights(small.weights_, before, atol=1e-5)
    assert not np.allclose(model.partial_fit(X, y).weights_[0], before[0], atol=1e-3)


def test_going_on_with_something_else_is_refused_and_changes_nothing():
    X, y = make_data()
    model = plain(warm_start=True, epochs=1).fit(X, y)
    before = pickle.dumps(model)
    for params, data, message in [
        ({"units": 5}, (X, y), r"units from \(4,\) to \(5,\)"),
        ({}, (X[:, 1:], y), r"windows of 5 steps, as seen in fit, got 4 steps\. Make"),
        ({"segment": 3}, (X[:, 1:], y), "windows of 5 steps, as seen in fit, got 4 steps"),
        ({}, (X[:, :, 1:], y), r"windows of 2 features, as seen in fit, got 1 feature\. Make"),
        ({}, (X, y[:, :1]), "n_outputs from 2 to 1"),
        ({"optimizer": "sgd"}, (X, y), "optimizer must be the one .* before, Adam, got SGD"),
    ]:
        other = pickle.loads(before).set_params(**params)
        with pytest.raises(ValueError, match=message):
            other.fit(*data)
        assert_same_weights(other.weights_, model.weights_, rtol=0)
    with pytest.raises(ValueError, match="early_stopping must be False for partial_fit"):
        plain(early_stopping=True).partial_fit(X, y)


def test_every_loss_of_keras_that_fits_is_known():
    functions = {name for name in vars(keras.losses) if name.islower() and name[0] != "_"}
    other = {"deserialize", "get", "serialize"}
    of_labels = {"categorical_generalized_cross_entropy", "sparse_categorical_crossentropy"}
    of_batches = {"circle", "ctc", "dice", "tversky"}
    known = {*LOSSES, *REFUSED_LOSSES}
    assert functions - other - of_labels - of_batches <= known
    for name in known - of_labels - {"quantile"}:
        assert keras.losses.get(name)(np.ones((3, 2)), np.ones((3, 2))).shape == (3,)


def test_a_relative_loss_is_taken_in_the_units_of_y():
    X, _ = make_data(n_windows=64)
    y = 1000 + 10 * X[:, -1, 0]
    model = LSTMRegressor(units=4, loss="mape", epochs=3, random_state=0).fit(X, y)
    percentage = 100 * np.mean(np.abs(model.predict(X) - y) / y)
    assert model.loss_curve_[-1] == pytest.approx(percentage, rel=0.3)


OPTIMIZERS = [
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon",
    "nadam", "rmsprop", "schedulefreeadamw", "sgd",
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_of_keras_trains(optimizer):
    if optimizer not in map(str.lower, dir(keras.optimizers)):
        pytest.skip("this Keras has none of that name")  # 3.12 has no schedulefreeadamw
    if optimizer == "muon" and keras.__version__.startswith("3.12."):
        pytest.skip("fails in Keras 3.12 itself")
    X, y = make_data()
    model = plain(units=2, optimizer=optimizer, epochs=3).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize(
    "optimizer",
    [
        *_optimizer._BY_NUMBER,
        keras.optimizers.Adam(0.01, amsgrad=True, clipvalue=0.01, weight_decay=0.1),
    ],
)
def test_weights_in_one_variable_are_updated_as_one_by_one(optimizer, monkeypatch):
    X, y = make_data()
    params = {"optimizer": optimizer, "epochs": 2, "alpha": 0.1, "max_grad_norm": 0.5}
    monkeypatch.setattr(_program, "_pool", [])
    model = plain(**params).fit(X, y)
    ((_, program),) = _program._pool
    assert len(program._variables) == 1
    _program._pool.clear()
    monkeypatch.setattr(_optimizer, "_BY_NUMBER", ())
    expected = plain(**params).fit(X, y)
    ((_, program),) = _program._pool
    assert len(program._variables) == 5
    assert_same_weights(model.weights_, expected.weights_, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{"clipnorm": 1.0}, {"global_clipnorm": 1.0}, {"use_ema": True}]
)
def test_optimizers_of_norms_or_averages_get_the_weights_one_by_one(settings):
    describe = _optimizer.describe_optimizer
    assert _optimizer.updates_by_number(describe(keras.optimizers.SGD()))
    assert not _optimizer.updates_by_number(describe(keras.optimizers.SGD(**settings)))
    assert not _optimizer.updates_by_number(describe("lamb"))


def test_weights_of_another_shape_cannot_be_gone_on_with():
    X, y = make_data()
    model = plain(epochs=1).fit(X, y)
    model.weights_[1] = model.weights_[1].T.copy()
    with pytest.raises(ValueError, match="The weights must have the shapes"):
        model.partial_fit(X, y)


def test_the_layers_for_a_gpu_train_the_same_weights(monkeypatch):
    # On a CPU they run without cuDNN; what is tested is how steps are masked for it.
    X, y = make_data()
    X[:5, :2] = np.nan
    X[5:9, 3, 0] = np.nan
    X[9] = np.nan
    params = {"units": (4, 3), "learning_rate": 0.01, "epochs": 3, "batch_size": 8}
    expected = plain(**params).fit(X, y)
    make_plan = _program.make_plan
    monkeypatch.setattr(_loop, "make_plan", lambda *a: make_plan(*a)._replace(cudnn=True))
    model = plain(**params).fit(X, y)
    assert_same_weights(model.weights_, expected.weights_, atol=1e-5)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-4)


def test_a_second_fit_starts_afresh():
    # Nadam and Adagrad have state that does not start at zero.
    X, y = make_data()
    for optimizer in ["nadam", "adagrad"]:
        model = plain(optimizer=optimizer, epochs=2)
        first = model.fit(X, y).weights_
        assert_same_weights(model.fit(X, y).weights_, first, rtol=0)


def test_folds_learning_rates_and_seeds_share_one_program(monkeypatch):
    clear_programs()
    compiled = []
    build = _program.Program
    monkeypatch.setattr(
        _program, "Program", lambda *a, **k: compiled.append(a[0]) or build(*a, **k)
    )
    X, y = make_data(n_windows=100)
    for n, learning_rate, dropout, alpha in [(100, 1e-3, 0, 0), (67, 0.1, 0.5, 1), (40, 9, 0.1, 2)]:
        plain(
            learning_rate=learning_rate, epochs=1, random_state=n, dropout=dropout,
            recurrent_dropout=dropout, alpha=alpha, max_grad_norm=alpha or None,
        ).fit(X[:n], y[:n])  # fmt: skip
    assert len(compiled) == 1
    plain(units=5, epochs=1).fit(X, y)
    plain(epochs=1).fit(X[:, 1:], y)
    plain(epochs=1, optimizer="sgd").fit(X, y)
    assert len(compiled) == 4


def test_the_pool_is_bounded_and_forgets_the_oldest(monkeypatch):
    clear_programs()
    monkeypatch.setattr(_program, "_POOL_SIZE", 2)
    X, y = make_data()
    for units in [1, 2, 3]:
        plain(units=units, epochs=1).fit(X, y)
    assert [plan.network.units for plan, _ in _program._pool] == [(2,), (3,)]
    plain(units=2, epochs=1).fit(X, y)
    assert [plan.network.units for plan, _ in _program._pool] == [(3,), (2,)]
    clear_programs()
    assert not _program._pool


def test_fits_in_threads_of_one_process_do_not_meet():
    X, y = make_data(n_windows=64)
    models = [plain(epochs=8, learning_rate=10**-k, shuffle=True) for k in (1, 2, 3)]
    expected = [model.fit(X, y).weights_ for model in models]
    again = [plain(**model.get_params()) for model in models]
    threads = [threading.Thread(target=model.fit, args=(X, y)) for model in again]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model, weights in zip(again, expected, strict=True):
        assert_same_weights(model.weights_, weights, rtol=0)


def test_a_failed_fit_leaves_no_program_behind(monkeypatch):
    clear_programs()
    X, y = make_data()
    plain(epochs=1).fit(X, y)  # compiles, so that the epoch that fails is that of the fit
    assert len(_program._pool) == 1

    def fail(*_):
        raise OSError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(_program.Program, "run_epoch", fail)
        with pytest.raises(OSError, match="disk on fire"):
            plain(epochs=1).fit(X, y)
    assert not _program._pool


def test_divergence_is_an_error_and_the_program_survives_it():
    X, y = make_data()
    model = plain(optimizer="sgd", epochs=2)
    expected = model.fit(X, y).weights_
    wild = plain(optimizer="sgd", epochs=20, learning_rate=1e30)
    with pytest.raises(ValueError, match=r"in epoch 2 of 20 .* Lower learning_rate, got 1e\+30"):
        wild.fit(X, y)
    assert not hasattr(wild, "weights_")
    assert_same_weights(model.fit(X, y).weights_, expected, rtol=0)


def interrupt_in_epoch(monkeypatch, last):
    """Send Ctrl-C to this process while the epoch after `last` runs."""
    run_epoch = _program.Program.run_epoch
    epochs = []

    def run(program, *args):
        epochs.append(program)
        if len(epochs) > last:
            signal.raise_signal(signal.SIGINT)
        return run_epoch(program, *args)

    monkeypatch.setattr(_program.Program, "run_epoch", run)


def test_ctrl_c_keeps_the_last_complete_epoch(monkeypatch):
    X, y = make_data()
    expected = plain(epochs=3).fit(X, y).weights_
    clear_programs()
    plain(epochs=1).fit(X, y)  # compiles, so that the epochs below are those of the fit
    interrupt_in_epoch(monkeypatch, last=3)
    with pytest.warns(UserWarning, match="interrupted by user after epoch 3"):
        model = plain(epochs=50).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert_same_weights(model.weights_, expected, rtol=0)
    assert len(_program._pool) == 1  # TensorFlow had ended the epoch: the program is whole
    monkeypatch.undo()
    assert_same_weights(plain(epochs=3).fit(X, y).weights_, expected, rtol=0)


def test_ctrl_c_in_a_diverging_epoch_keeps_the_one_before(monkeypatch):
    X, y = make_data()
    plain(epochs=1).fit(X, y)
    get_weights = _program.Program.get_weights
    calls = []

    def diverge(program):
        calls.append(program)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return [w * np.nan if len(calls) >= 3 else w for w in get_weights(program)]

    monkeypatch.setattr(_program.Program, "get_weights", diverge)
    with pytest.warns(UserWarning, match="after epoch 2") as warned:
        model = plain(epochs=5).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert warned[0].filename == __file__


def test_ctrl_c_before_the_first_epoch_is_raised(monkeypatch):
    X, y = make_data()
    plain(epochs=1).fit(X, y)
    interrupt_in_epoch(monkeypatch, last=0)
    model = plain(epochs=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "weights_")


def test_without_xla_the_same_graph_runs_with_one_warning(monkeypatch):
    X, y = make_data()
    expected = plain(epochs=2).fit(X, y).weights_
    clear_programs()
    build = _epoch.build_shard_gradient

    def refuse(*args):
        if args[-1]:  # jit_compile
            raise tf.errors.UnimplementedError(None, None, "no XLA here")
        return build(*args)

    refuse.cache_clear = build.cache_clear

    monkeypatch.setattr(_epoch, "build_shard_gradient", refuse)
    with pytest.warns(UserWarning, match="XLA cannot compile .* no XLA here"):
        model = plain(epochs=2).fit(X, y)
    assert_same_weights(model.weights_, expected, atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain(epochs=2).fit(X, y)
    clear_programs()


def test_verbose_prints_a_line_for_each_epoch(capsys):
    X, y = make_data()
    model = plain(epochs=2, verbose=2).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Epoch {k}/2: loss {model.loss_curve_[k - 1]:.6g}" for k in (1, 2)]


SETUP = """
import numpy as np
from sklstm import LSTMRegressor
random_state = np.random.RandomState(0)
X, y = random_state.normal(size=(300, 12, 2)), random_state.normal(size=300)
model = LSTMRegressor(units=3, epochs=2, random_state=0)
"""


def run_python(code, stderr="", **environment):
    """Run code in a new process; return what it prints, and fail if it hangs or complains."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    environment = {**ours, "CUDA_VISIBLE_DEVICES": "", **environment}
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code],
        capture_output=True, text=True, env=environment, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert stderr is None or done.stderr == stderr
    return done.stdout


def digest(model):
    return hashlib.md5(b"".join(w.tobytes() for w in model.weights_)).hexdigest()


@pytest.fixture(scope="module")
def printed():
    """Fit the same models with 1 and 2 threads, side by side; return the words of each line."""
    code = f"""
import hashlib
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklstm.network import scales as _scales
from sklstm.training import epoch as _epoch
{inspect.getsource(digest)}
def fit():
    fitted = clone(model).set_params(units=(20, 9)).fit(X, y)
    import tensorflow as tf
    threading = tf.config.threading
    n_threads = [f() for f in (threading.get_intra_op_parallelism_threads,
                               threading.get_inter_op_parallelism_threads)]
    numbers = np.random.RandomState(0).normal(size=(12, 1_000_000))
    norms = [float(_epoch._measure_norm(row.astype(np.float32))) for row in numbers]
    means = [_scales._measure(row[:, np.newaxis], numbers[1] ** 2)[0][0] for row in numbers[:4]]
    hyperparameters = _epoch.Hyperparameters("mse", 0, 1, 0, 0, 0.5)
    targets = (
        _epoch.Targets(row[:, np.newaxis], row**2, np.zeros(1), np.ones(1)) for row in numbers[:6]
    )
    outputs = numbers[:1].T.astype(np.float32)
    losses = [_epoch.measure_loss(hyperparameters, target, outputs) for target in targets]
    return digest(fitted), *n_threads, *norms, *means, *losses
print(*fit())
for units, n_features in [(256, 3), ((128, 64), 600)]:
    wide = random_state.normal(size=(600, 3, n_features))
    large = LSTMRegressor(units=units, epochs=1, random_state=0).fit(wide[:64], y[:64])
    print(digest(large), hashlib.md5(large.predict(wide).tobytes()).hexdigest())
for config in CONFIGS:
    with parallel_config(**config):
        for fitted in Parallel(2)(delayed(fit)() for _ in range(2)):
            print(*fitted)
"""

    def run(configs, n_threads):
        lines = run_python(f"CONFIGS = {configs}" + code, OMP_NUM_THREADS=n_threads).splitlines()
        return [line.split() for line in lines]

    configs = {"backend": "threading"}, {"backend": "loky", "inner_max_num_threads": 3}
    with ThreadPoolExecutor(2) as executor:
        return list(executor.map(run, ([], configs), "12"))


@pytest.fixture(scope="module")
def digests(printed):
    """Fit one model in every way there is; return the digests of its weights."""
    namespace = {}
    exec(SETUP + "first = model.set_params(units=(20, 9)).fit(X, y).weights_", namespace)
    model = namespace["model"]
    here = [digest(model), digest(model.fit(namespace["X"], namespace["y"]))]
    one, two = ([line[0] for line in lines] for lines in printed)
    return {
        "again in this process": here,
        "in a new process with 1 thread": one[:1],
        "in a new process with 2 threads": two[:1],
        "in threads": two[3:5],
        "in workers of loky": two[5:],
    }


@pytest.mark.parametrize(
    "way",
    [
        "again in this process",
        "in a new process with 1 thread",
        "in a new process with 2 threads",
        "in threads",
        "in workers of loky",
    ],
)
def test_weights_are_bit_equal(digests, way):
    assert digests[way]
    assert set(digests[way]) == {digests["again in this process"][0]}


def test_large_products_do_not_depend_on_the_number_of_threads(printed):
    one, two = printed
    large = [*one[1], *one[2]]
    assert len(set(large)) == 4
    assert large == [*two[1], *two[2]]


def test_long_sums_do_not_depend_on_the_number_of_threads(printed):
    one, two = printed
    sums = [line[3:] for line in (one[0], two[0], *two[3:])]
    assert len(set(sums[0])) == 12 + 4 + 6  # norms of gradients, means of rows, losses
    assert sums == [sums[0]] * 6


def test_fits_have_the_threads_they_are_granted(printed):
    one, two = ([line[1:3] for line in lines] for lines in printed)
    assert one[0] == ["1", "1"]
    assert two[0] == two[3] == two[4] == ["2", "2"]
    assert two[5:] == [["3", "3"], ["3", "3"]]  # by joblib, to each worker of loky


def test_fits_are_silent_and_touch_nothing_global():
    # Six architectures: TensorFlow warns of one function that is traced again and again.
    code = """
import os, random, sys
assert not {"tensorflow", "keras"} & set(sys.modules)
from sklearn.dummy import DummyRegressor
DummyRegressor().fit(X, y)  # the imports of scikit-learn's own first fit draw from random
random.seed(1); np.random.seed(1)
before = random.getstate(), np.random.get_state()[1].copy()
level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
for units in range(1, 7):
    model.set_params(units=units, epochs=1).fit(X[:20], y[:20]).predict(X)
model.to_keras()
assert random.getstate() == before[0]
assert (np.random.get_state()[1] == before[1]).all()
assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == level
assert "tensorflow" in sys.modules
"""
    assert run_python(code) == ""


def test_predict_and_unpickling_never_import_tensorflow():
    namespace = {}
    exec(SETUP + "import pickle; dump = pickle.dumps(model.fit(X, y))", namespace)
    code = f"""
import pickle, sys
model = pickle.loads({namespace["dump"]!r})
print(model.predict(X)[:3].tolist())
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    expected = namespace["model"].predict(namespace["X"])[:3].tolist()
    assert run_python(code).strip() == str(expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.parametrize(
    "before",
    ["fitted = model.fit(X, y)", "import tensorflow as tf; tf.ones(3) + 1"],
    ids=["a fit", "TensorFlow"],
)
def test_a_fork_after_tensorflow_predicts_and_refuses_to_fit(before):
    code = f"""
import os, warnings
{before}
warnings.simplefilter("ignore")  # Python's own, of forks of threaded processes
many = np.ones((2000, 12, 2))
pid = os.fork()
if pid == 0:
    try:
        if "fitted" in globals():
            fitted.predict(many)
        model.fit(X, y)
    except RuntimeError as error:
        if "fitted" in globals():
            fitted.predict(many)  # still
        os._exit(0 if "forked" in str(error) and "loky" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert run_python(code, TF_CPP_MIN_LOG_LEVEL="3", stderr=None).strip() == "0"


def test_a_closed_stderr_is_no_error():
    assert run_python("import os; os.close(2)\nmodel.fit(X, y)", stderr=None) == ""


def test_another_backend_of_keras_is_refused():
    code = """
try:
    model.fit(X, y)
except RuntimeError as error:
    print(error)
"""
    assert "Set the environment variable KERAS_BACKEND" in run_python(code, KERAS_BACKEND="jax")
