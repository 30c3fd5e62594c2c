"""Callbacks of Keras and of scikit-learn: what they do, and what they leave alone."""

import copy
import csv
import pickle
import random
import subprocess
import sys
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, SlidingWindowTransformer
from sklstm.network.description import Network
from sklstm.training import program as _program
from sklstm.training.gradient import _build_keras_forward
from sklstm.training.keras_callbacks import KerasCallbacks
from sklstm.training.loop import Run
from sklstm.windows.callbacks import CallbackSupportMixin

# Of Keras' own reading of a learning rate, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
needs_sklearn_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn 1.9 brings callbacks"
)


@pytest.fixture(scope="module")
def data():
    random_state = np.random.RandomState(0)
    X = random_state.normal(size=(40, 5, 2))
    return X, X[:, -1, 0] - X[:, -2, 1]


def make_model(callbacks=None, **params):
    return LSTMRegressor(
        **{"units": 2, "epochs": 4, "random_state": 0, "callbacks": callbacks, **params}
    )


def assert_same_weights(actual, expected):
    for a, e in zip(actual.weights_, expected.weights_, strict=True):
        np.testing.assert_array_equal(a, e)


def read_csv(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def read_scalars(folder):
    """Read the scalars that TensorBoard's file has, by their names."""
    from tensorboard.compat.proto.event_pb2 import Event

    (path,) = folder.iterdir()
    scalars = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        for value in Event.FromString(record).summary.value:
            if value.tag.startswith("epoch_"):
                scalars.setdefault(value.tag, []).append(float(tf.make_ndarray(value.tensor)))
    return scalars


def test_csv_logger_writes_the_losses(data, tmp_path):
    callback = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    model = make_model([callback]).fit(*data, X_val=data[0], y_val=data[1])
    log = read_csv(tmp_path / "log.csv")
    assert log["epoch"] == [0, 1, 2, 3]
    np.testing.assert_allclose(log["loss"], model.loss_curve_)
    np.testing.assert_allclose(log["val_loss"], model.validation_loss_curve_)


def test_tensorboard_shows_losses_learning_rate_and_weights(data, tmp_path):
    callback = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, write_steps_per_second=True)
    model = make_model([callback]).fit(*data, X_val=data[0], y_val=data[1])
    train, validation = read_scalars(tmp_path / "train"), read_scalars(tmp_path / "validation")
    np.testing.assert_allclose(train["epoch_loss"], model.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(train["epoch_learning_rate"], [0.003] * 4, rtol=1e-6)
    assert min(train["epoch_steps_per_second"]) > 0
    np.testing.assert_allclose(validation["epoch_loss"], model.validation_loss_curve_, rtol=1e-6)


def test_a_scheduled_learning_rate_reaches_the_training(data):
    callback = keras.callbacks.LearningRateScheduler(lambda epoch, _: 0.01 if epoch < 2 else 0.1)
    scheduled = make_model([callback]).fit(*data)
    by_hand = make_model(epochs=2, learning_rate=0.01, warm_start=True).fit(*data)
    by_hand.set_params(learning_rate=0.1).fit(*data)
    assert_same_weights(scheduled, by_hand)
    assert scheduled.loss_curve_ == by_hand.loss_curve_


def test_a_scheduled_learning_rate_is_forgotten_by_the_next_fit(data):
    plain = make_model().fit(*data)
    make_model([keras.callbacks.LearningRateScheduler(lambda *_: 0.1)]).fit(*data)
    assert_same_weights(make_model().fit(*data), plain)


def test_the_learning_rate_is_reduced_on_a_plateau_of_the_validation_loss(data, tmp_path):
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=1e3)
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    model = make_model([plateau, logger]).fit(*data, X_val=data[0], y_val=data[1])
    rates = [0.003, 0.003, 0.0015, 0.00075]  # no epoch is better than the first by 1000
    np.testing.assert_allclose(read_csv(tmp_path / "log.csv")["learning_rate"], rates, rtol=1e-6)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, _: rates[epoch])
    assert_same_weights(model, make_model([schedule]).fit(*data))


@pytest.mark.filterwarnings("ignore:The structure of .inputs.:UserWarning")  # Keras 3.10
def test_a_model_checkpoint_predicts_what_the_epoch_predicts(data, tmp_path):
    callback = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    make_model([callback]).fit(*data)
    for epoch in (1, 4):
        expected = make_model(epochs=epoch).fit(*data).predict(data[0])
        model = keras.models.load_model(tmp_path / f"{epoch}.keras")
        np.testing.assert_allclose(model(data[0]), expected, atol=1e-6)


def test_early_stopping_of_keras_stops_and_restores_the_best_weights(data):
    rises = [data[0], -data[1]]  # the better the training, the worse this
    callback = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model = make_model([callback], epochs=9).fit(*data, X_val=rises[0], y_val=rises[1])
    best = int(np.argmin(model.validation_loss_curve_))
    assert model.n_iter_ == len(model.loss_curve_) == best + 3
    assert_same_weights(model, make_model(epochs=best + 1).fit(*data))


def test_a_callback_is_told_of_epochs_and_not_of_batches(data):
    told = []
    hooks = ("train_begin", "epoch_begin", "epoch_end", "train_end")
    batches = ("train_batch_begin", "train_batch_end")
    callback = keras.callbacks.LambdaCallback(
        **{f"on_{name}": lambda *_, name=name, **__: told.append(name) for name in hooks + batches}
    )
    make_model([callback], epochs=2).fit(*data)
    epoch = ["epoch_begin", "epoch_end"]
    assert told == ["train_begin", *epoch, *epoch, "train_end"]


class SetWeights(keras.callbacks.Callback):
    """Sets all weights to 0, when the training or its first epoch begins or ends."""

    def __init__(self, hook):
        super().__init__()
        setattr(self, hook, self._set_weights)

    def _set_weights(self, epoch=0, logs=None):
        if not epoch:
            self.model.set_weights([np.zeros_like(w) for w in self.model.get_weights()])


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
def test_weights_that_a_callback_sets_are_trained_on(data, hook):
    model = make_model([SetWeights(hook)], epochs=2).fit(*data)
    largest = max(abs(array).max() for array in model.weights_)
    assert 0 < largest < 0.03  # some updates away from 0, and not from a forget bias of 1


EACH = [
    lambda folder: keras.callbacks.CSVLogger(folder / "log.csv"),
    lambda folder: keras.callbacks.EarlyStopping("loss"),
    lambda folder: keras.callbacks.LambdaCallback(),
    lambda folder: keras.callbacks.LearningRateScheduler(lambda _, rate: 0.9 * rate),
    lambda folder: keras.callbacks.ModelCheckpoint(folder / "model.keras"),
    lambda folder: keras.callbacks.ReduceLROnPlateau("loss"),
    lambda folder: keras.callbacks.TensorBoard(folder),
    lambda folder: keras.callbacks.TerminateOnNaN(),
]


def test_callbacks_compile_nothing_and_are_not_touched(data, tmp_path, monkeypatch):
    plain = make_model().fit(*data)
    callbacks = [make(tmp_path) for make in EACH]
    before = [copy.copy(vars(callback)) for callback in callbacks]
    monkeypatch.setattr(_program, "Program", None)
    model = make_model(callbacks).fit(*data)
    assert model.callbacks is callbacks
    assert [vars(callback) for callback in callbacks] == before
    assert model.loss_curve_ != plain.loss_curve_
    assert set(vars(model)) == set(vars(plain))
    fitted = pickle.dumps(model.set_params(callbacks=None))
    assert b"keras" not in fitted
    assert b"tensorflow" not in fitted


def test_an_interrupted_training_tells_its_end(data, tmp_path):
    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    told = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=interrupt, on_train_end=lambda logs: told.append(logs["loss"])
    )
    with pytest.warns(UserWarning, match="interrupted by user after epoch 2"):
        model = make_model([callback]).fit(*data)
    assert told == model.loss_curve_[1:]
    assert_same_weights(model, make_model(epochs=2).fit(*data))


def test_what_is_no_callback_of_keras_is_refused(data):
    model = make_model(epochs=1).fit(*data)
    for wrong in (keras.callbacks.CSVLogger, print):
        with pytest.raises(TypeError, match="go to set_callbacks"):
            model.set_params(callbacks=[wrong]).fit(*data)
    assert model.predict(data[0]).shape == (40,)  # still fitted
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        model.set_params(callbacks=keras.callbacks.TerminateOnNaN()).fit(*data)


def test_no_state_of_a_callback_passes_from_fold_to_fold(data):
    stopping = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=0.5)  # at the second
    search = GridSearchCV(
        make_model([stopping]), {"learning_rate": [0.003, 0.01]}, cv=2, error_score="raise"
    ).fit(*data)
    assert search.best_estimator_.n_iter_ == 2
    assert search.best_estimator_.callbacks[0].stopped_epoch == stopping.stopped_epoch == 0
    for fold, (train, test) in enumerate([(slice(20, 40), slice(20)), (slice(20), slice(20, 40))]):
        model = make_model(epochs=2).fit(data[0][train], data[1][train])
        score = model.score(data[0][test], data[1][test])
        assert search.cv_results_[f"split{fold}_test_score"][0] == score


@pytest.mark.parametrize(
    ("validated", "expected"), [(False, {"loss": 0.25}), (True, {"loss": 0.25, "val_loss": 0.75})]
)
def test_a_validation_loss_is_told_of_where_this_training_has_one(validated, expected):
    told = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: told.append(dict(logs)))
    observer = KerasCallbacks([callback], lambda weights: keras.Model(), 2, validated=validated)
    program = SimpleNamespace(optimizer=None)
    run = Run([], (), losses=[0.5, 0.25], validation_losses=[0.75])
    observer.end_epoch(observer.begin(run, program), program)
    assert told == [expected]


class Trial:
    """What Optuna's callback reports to; it holds a lock, as a storage does, so it has no copy."""

    def __init__(self):
        self.lock, self.reported = threading.Lock(), []

    def report(self, value, step):
        """Take a report."""
        self.reported.append((step, value))


class Report(keras.callbacks.Callback):
    """Reports to a trial and lists the losses, as long as it is not told to stop."""

    def __init__(self, trial, losses):
        super().__init__()
        self.trial, self.losses, self.n_epochs = trial, losses, 0

    def on_epoch_end(self, epoch, logs=None):
        """Report."""
        self.n_epochs += 1
        self.trial.report(logs["loss"], epoch)
        self.losses.append(logs["loss"])
        self.model.stop_training = self.n_epochs == 2


def test_a_callback_reports_to_what_it_holds_and_is_itself_untouched(data):
    trial, losses = Trial(), []
    callback = Report(trial, losses)
    first = make_model([callback]).fit(*data)
    assert losses == first.loss_curve_
    assert trial.reported == list(enumerate(losses))
    assert (callback.n_epochs, callback.model) == (0, None)
    second = make_model([callback]).fit(*data)  # counts its epochs anew
    assert second.n_iter_ == first.n_iter_ == 2
    assert len(losses) == 4


def test_a_history_is_filled(data):
    history = keras.callbacks.History()
    model = make_model([history]).fit(*data)
    assert history.history["loss"] == model.loss_curve_


@pytest.mark.parametrize("make", EACH)
def test_a_fit_leaves_callbacks_of_keras_as_they_were(data, tmp_path, make):
    callback = make(tmp_path)
    before = copy.deepcopy(vars(callback))  # the lists in it, too
    first, second = (make_model([callback]).fit(*data) for _ in range(2))
    assert_same_weights(second, first)
    assert vars(callback) == before


class CountTasks:
    """Counts the tasks of scikit-learn that have begun and ended, and may stop or interrupt one."""

    def __init__(self, stop_after=None, interrupt_in=None):
        self.stop_after, self.interrupt_in = stop_after, interrupt_in
        self.begun, self.ended, self.max_epochs = [], [], None

    def setup(self, estimator, context):
        """Note how many epochs are announced."""
        self.max_epochs = context.max_subtasks

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Count, and interrupt."""
        self.begun.append((context.task_name, context.task_id))
        if self.begun[-1] == ("epoch", self.interrupt_in):
            raise KeyboardInterrupt

    def on_fit_task_end(self, estimator, context):
        """Count, and stop."""
        self.ended.append((context.task_name, context.task_id))
        return self.ended[-1] == ("epoch", self.stop_after)


def fit_counting(data, *, epochs=2, **when):
    callback = CountTasks(**when)
    model = make_model(epochs=epochs).set_callbacks(callback).fit(*data)
    assert sorted(callback.begun) == sorted(callback.ended)
    return model, callback


@needs_sklearn_callbacks
def test_tasks_of_scikit_learn_begin_and_end(data):
    model, callback = fit_counting(data)
    assert callback.begun == [("fit", 0), ("epoch", 0), ("epoch", 1)]
    assert callback.ended == [("epoch", 0), ("epoch", 1), ("fit", 0)]
    model.set_params(warm_start=True).fit(*data)
    assert callback.max_epochs == 2
    assert model.n_iter_ == 4


@needs_sklearn_callbacks
def test_tasks_of_scikit_learn_end_early(data):
    model, _ = fit_counting(data, stop_after=1, epochs=4)
    assert_same_weights(model, make_model(epochs=2).fit(*data))
    with pytest.warns(UserWarning, match="after epoch 2"):
        model, _ = fit_counting(data, interrupt_in=2, epochs=4)
    assert_same_weights(model, make_model(epochs=2).fit(*data))


def read_scores(monitor):
    """Read the scores after epochs, in the order of the tasks."""
    rows = monitor.get_logs().data
    return [row["r2"] for row in rows if row["task_name"] == "epoch"]


@needs_sklearn_callbacks
def test_scoring_monitor_scores_what_fewer_epochs_give(data):
    from sklearn.callback import ScoringMonitor

    weight = np.arange(40) % 3
    monitor = ScoringMonitor(scoring="r2")
    make_model(epochs=3).set_callbacks(monitor).fit(*data, sample_weight=weight)
    fewer = (make_model(epochs=n).fit(*data, sample_weight=weight) for n in (1, 2, 3))
    assert read_scores(monitor) == [model.score(*data, sample_weight=weight) for model in fewer]


@needs_sklearn_callbacks
def test_callbacks_work_in_a_pipeline_in_a_grid_search_with_two_jobs(data, capsys):
    from sklearn.callback import ProgressBar, ScoringMonitor

    rows = data[0][:, -1]
    stopping = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=0.5)
    monitor = ScoringMonitor(scoring="r2")
    model = make_model([stopping]).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(SlidingWindowTransformer(n_steps=5, history=False), model),
        {"lstmregressor__learning_rate": [0.003, 0.01]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(rows, data[1])
    assert len(read_scores(monitor)) == 2 * (2 * 2 + 1)  # epochs of folds and of the refit
    best = search.best_estimator_
    assert best[-1].n_iter_ == 2
    assert read_scores(monitor)[1] == best.score(rows, data[1])  # the refit comes first
    assert "LSTMRegressor - fit" in capsys.readouterr().out
    clone(search)


def get_random_states():
    return random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2:]


def test_keras_models_draw_no_random_number(data):
    before = get_random_states()
    model = make_model([keras.callbacks.TerminateOnNaN()], epochs=1, dropout=0.1).fit(*data)
    model.to_keras()
    model = make_model(units=(2, 3), bidirectional=True, recurrent_dropout=0.1, epochs=1)
    model.fit(*data).to_keras()
    _build_keras_forward(Network(n_features=2, units=(3,), activation="tanh", n_outputs=1))
    assert get_random_states() == before


def test_each_cell_of_a_keras_model_draws_its_own_dropout(data):
    model = make_model(units=(2, 2), bidirectional=True, dropout=0.5, epochs=1).fit(*data)
    layers = [layer for layer in model.to_keras().layers if hasattr(layer, "forward_layer")]
    cells = [part for layer in layers for part in (layer.forward_layer, layer.backward_layer)]
    assert len({cell.cell.seed for cell in cells}) == 4


def test_another_thread_draws_no_random_number_twice_during_a_fit(data):
    drawn, done = [], threading.Event()

    def draw():
        while not done.wait(1e-4):
            drawn.append(random.random())

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        make_model([keras.callbacks.TerminateOnNaN()], units=3, epochs=1).fit(*data).to_keras()
    finally:
        done.set()
        thread.join()
    assert len(set(drawn)) == len(drawn) > 100


def test_the_import_draws_no_random_number():
    # That of rich does, which scikit-learn's callbacks bring along.
    code = """
import random
import numpy as np
random.seed(0), np.random.seed(0)
import sklstm
print(random.random(), np.random.random_sample())
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    expected = random.Random(0).random(), np.random.RandomState(0).random_sample()
    assert printed == "{} {}\n".format(*expected)
