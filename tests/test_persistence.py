"""Copies of fitted models, pickled or not, and optimizers given as instances."""

import copy
import pickle
import subprocess
import sys
import warnings

import joblib
import keras
import numpy as np
import pytest
from indexes import CONTINUING
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer, clear_programs
from sklstm.training import program as _program

RANDOM_STATE = np.random.RandomState(0)
X = RANDOM_STATE.normal(size=(80, 6, 2)).cumsum(axis=1)
Y = X[:, -1] + RANDOM_STATE.normal(size=(80, 2))


def make_model(**params):
    return LSTMRegressor(**{"units": 3, "epochs": 2, "random_state": 0, **params})


def make_full_model():
    """Make a model that uses every parameter that shapes what is kept."""
    return make_model(
        units=(3, 2), bidirectional=True, segment=2, anchor=[0, 1], loss="quantile", quantile=0.7,
        alpha=1e-4, max_grad_norm=1.0, dropout=0.1, recurrent_dropout=0.1, early_stopping=True,
    )  # fmt: skip


def assert_same_fit(model, other):
    for a, b in zip(model.weights_, other.weights_, strict=True):
        assert_array_equal(a, b)
    assert model.loss_curve_ == other.loss_curve_


def by_joblib(model, mmap_mode, folder):
    joblib.dump(model, folder / "model")
    return joblib.load(folder / "model", mmap_mode=mmap_mode)


def by_skops(model, folder):
    io_ = pytest.importorskip("skops.io")
    return io_.loads(io_.dumps(model), trusted=["sklstm.estimators.regressor.LSTMRegressor"])


ROUND_TRIPS = {
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "joblib": lambda model, folder: by_joblib(model, None, folder),
    "joblib read-only": lambda model, folder: by_joblib(model, "r", folder),
    "skops": by_skops,
}
each_round_trip = pytest.mark.parametrize("copied", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())


@pytest.fixture(scope="module")
def fitted():
    return make_full_model().fit(X, Y)


@each_round_trip
def test_copies_predict_the_same_bits(fitted, copied, tmp_path):
    assert_array_equal(copied(fitted, tmp_path).predict(X), fitted.predict(X))


@each_round_trip
@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_copies_go_on_to_the_same_bits(fitted, copied, method, tmp_path):
    expected = copy.deepcopy(fitted).set_params(early_stopping=False, warm_start=True)
    other = copied(expected, tmp_path)
    for model in (expected, other):
        getattr(model, method)(X, Y)
    assert_same_fit(other, expected)
    assert other.n_iter_ > fitted.n_iter_


def test_a_clone_of_a_fit_that_stops_early_fits_the_same(fitted):
    assert_same_fit(clone(fitted).fit(X, Y), fitted)


def test_skops_must_trust_the_classes_only(fitted):
    skops_io = pytest.importorskip("skops.io")
    classes = [
        "sklstm.estimators.regressor.LSTMRegressor",
        "sklstm.windows.transformer.SlidingWindowTransformer",
    ]
    assert skops_io.get_untrusted_types(data=skops_io.dumps(fitted)) == classes[:1]
    rows, y = X[:, 0], Y[:, 0]
    model = make_pipeline(SlidingWindowTransformer(6), make_model()).fit(rows, y)
    data = skops_io.dumps(model)
    assert skops_io.get_untrusted_types(data=data) == classes
    assert_array_equal(skops_io.loads(data, trusted=classes).predict(rows), model.predict(rows))


@pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
@pytest.mark.parametrize("name", CONTINUING)
@pytest.mark.parametrize("panel", [False, True])
def test_skops_loads_a_pipeline_fitted_on_any_index(name, panel):
    skops_io, pd = pytest.importorskip("skops.io"), pytest.importorskip("pandas")
    index = CONTINUING[name]
    frame = pd.DataFrame({"x": np.arange(float(len(index)))}, index)
    first, rest = frame.iloc[:5], frame.iloc[5:]
    freq = None
    if (
        panel
    ):  # whose levels have no frequency of their own, and five days do not tell from 24 hours
        freq = "24h" if name.startswith("24 hours") else None
        first, rest = (pd.concat({"a": part, "b": -part}) for part in (first, rest))
    transformer = SlidingWindowTransformer(n_steps=3, freq=freq).fit(first)
    data = skops_io.dumps(transformer)
    classes = ["sklstm.windows.transformer.SlidingWindowTransformer"]
    assert skops_io.get_untrusted_types(data=data) == classes
    loaded = skops_io.loads(data, trusted=classes)
    assert_array_equal(loaded.transform(rest), transformer.transform(rest))
    assert not np.isnan(loaded.transform(rest)).any()  # the history is there


@pytest.mark.filterwarnings("ignore:The index of X has the step .* and gaps")
def test_what_is_remembered_is_plain():
    pd = pytest.importorskip("pandas")
    for index in CONTINUING.values():
        panel = pd.concat({3: pd.DataFrame({"x": np.zeros(len(index))}, index)})
        history = SlidingWindowTransformer(n_steps=3).fit(panel).history_
        assert list(history) == ["3"]
        assert {type(value) for value in history["3"].values()} == {np.ndarray, str}
        assert history["3"]["labels"].dtype != object


USES = {
    "predict": lambda model: model.predict(X),
    "score": lambda model: model.score(X, Y),
    "to_keras": lambda model: model.to_keras(),
    "partial_fit": lambda model: model.partial_fit(X, Y),
    "warm start": lambda model: model.set_params(warm_start=True).fit(X, Y),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
@pytest.mark.parametrize("copied", [ROUND_TRIPS["pickle"], by_skops], ids=["pickle", "skops"])
def test_the_fit_of_another_version_warns_once_at_the_line_of_its_use(
    fitted, copied, use, tmp_path
):
    old = copy.deepcopy(fitted).set_params(early_stopping=False)
    old.version_ = "0.0.1"
    old = copied(old, tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use(old)
    ours = [warning for warning in caught if "fitted by sklstm 0.0.1" in str(warning.message)]
    assert [warning.filename for warning in ours] == [__file__]


def test_the_fit_of_another_version_warns_once_for_each_estimator(fitted):
    first, second = copy.deepcopy(fitted), copy.deepcopy(fitted)
    first.version_ = second.version_ = "0.0.1"
    for model in (first, second):
        with pytest.warns(UserWarning, match=r"fitted by sklstm 0\.0\.1"):
            model.predict(X)
        for use in USES.values():  # warnings are errors
            use(model.set_params(early_stopping=False, warm_start=False))


def test_the_fit_of_another_patch_does_not_warn(fitted):
    other = copy.deepcopy(fitted)
    major, minor, patch = other.version_.split(".")
    other.version_ = f"{major}.{minor}.{int(patch) + 1}"
    other.predict(X)  # warnings are errors


def test_a_new_fit_does_not_warn_of_the_version_before(fitted):
    old = copy.deepcopy(fitted)
    old.version_ = "0.0.1"
    assert old.fit(X, Y).version_ == fitted.version_


# Optimizers


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.optimizers.SGD):
    """Takes steps of twice the length."""

    def update_step(self, gradient, variable, learning_rate):
        """Step."""
        super().update_step(gradient, variable, 2 * learning_rate)


OPTIMIZERS = {
    "schedule": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9, clipnorm=0.1
    ),
    "averages": lambda: keras.optimizers.AdamW(
        0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.5
    ),
    "accumulation": lambda: keras.optimizers.SGD(
        0.1, gradient_accumulation_steps=2, loss_scale_factor=8.0
    ),
    "class of one's own": lambda: Doubled(0.1),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def make_plain(**params):
    return make_model(standardize=False, shuffle=False, batch_size=32, **params)


@each_optimizer
def test_an_optimizer_trains_as_in_keras_and_stays_as_it_was(make):
    optimizer = make()
    before = optimizer.get_config()
    model = make_plain(optimizer=optimizer, epochs=3).fit(X[:64], Y[:64])
    assert optimizer.get_config() == before
    assert not optimizer.built
    assert int(optimizer.iterations) == 0

    network = make_plain(optimizer="sgd", learning_rate=1e-30, epochs=1).fit(X[:64], Y[:64])
    reference = network.to_keras()
    reference.compile(make(), "mse", run_eagerly=True)
    reference.fit(X[:64], Y[:64], batch_size=32, epochs=3, shuffle=False, verbose=0)
    assert_allclose(model.predict(X), reference.predict(X, verbose=0), atol=1e-5)
    assert np.abs(model.predict(X) - network.predict(X)).max() > 1e-2


@each_optimizer
def test_an_estimator_with_an_optimizer_is_copied_and_goes_on(make, tmp_path):
    model = make_plain(optimizer=make()).fit(X, Y)
    others = [copied(model, tmp_path) for name, copied in ROUND_TRIPS.items() if name != "skops"]
    model.partial_fit(X, Y)
    for other in others:
        assert_same_fit(other.partial_fit(X, Y), model)
    twice = clone(model).fit(X, Y).partial_fit(X, Y)
    assert_same_fit(twice, model)


def test_an_optimizer_is_the_same_by_its_name_and_as_an_instance():
    by_name = make_model(optimizer="Adam", learning_rate=0.01).fit(X, Y)
    instance = make_model(optimizer=keras.optimizers.Adam(0.01), learning_rate=5.0).fit(X, Y)
    assert_same_fit(instance, by_name)


def test_a_search_over_optimizers_compiles_one_program(monkeypatch):
    compiled = []
    compile_program = _program._compile
    monkeypatch.setattr(
        _program, "_compile", lambda *args: compiled.append(1) or compile_program(*args)
    )
    optimizers = [keras.optimizers.SGD(rate, momentum=0.7) for rate in (0.001, 0.01, 0.1)]
    GridSearchCV(make_model(), {"optimizer": optimizers}, cv=2).fit(X, Y)
    assert len(compiled) == 1


@pytest.mark.skipif(
    not hasattr(keras.optimizers, "ScheduleFreeAdamW"), reason="this Keras has no such optimizer"
)
def test_an_optimizer_that_begins_at_the_weights_forgets_those_of_earlier_fits():
    params = {"optimizer": "schedulefreeadamw", "epochs": 1}
    make_model(**params, random_state=1).fit(X, Y)
    after_another = make_model(**params).fit(X, Y)
    clear_programs()
    assert_same_fit(make_model(**params).fit(X, Y), after_another)


def test_another_optimizer_cannot_go_on():
    model = make_model(optimizer=keras.optimizers.SGD(0.1, momentum=0.7)).fit(X, Y)
    with pytest.raises(ValueError, match=r"SGD of 3 variables, got SGD of 2\b"):
        model.set_params(optimizer="sgd").partial_fit(X, Y)


def test_an_estimator_with_an_optimizer_is_unpickled_where_keras_is_not_imported():
    model = make_plain(optimizer=OPTIMIZERS["schedule"]()).fit(X, Y)
    code = "import pickle, sys; model, X = pickle.load(sys.stdin.buffer); print(model.predict(X))"
    data = pickle.dumps((model, X[:2]))
    output = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True).stdout
    assert output.decode().strip() == str(model.predict(X[:2]))


def test_mlflow_stores_a_pipeline_in_its_default_format(tmp_path):
    mlflow, pd = pytest.importorskip("mlflow.sklearn"), pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": X[:, 0, 0]}, pd.date_range("2013", periods=len(X), freq="h"))
    model = make_pipeline(SlidingWindowTransformer(3), LSTMRegressor(1, epochs=1))
    model.fit(frame[:-5], Y[:-5])
    trusted = [f"{type(step).__module__}.{type(step).__name__}" for _, step in model.steps]
    mlflow.save_model(model, tmp_path / "model", skops_trusted_types=trusted)
    loaded = mlflow.load_model(str(tmp_path / "model"))
    assert_array_equal(loaded.predict(frame[-5:]), model.predict(frame[-5:]))
