"""Losses: which serve a regressor, and counts by a log link."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_poisson_deviance

from sklstm import LSTMRegressor, make_windows
from sklstm.estimators.losses import LOSSES, REFUSED_LOSSES
from sklstm.training.gradient import get_loss


def make_model(**params):
    return LSTMRegressor(**{"units": 4, "epochs": 3, "random_state": 0, **params})


def make_counts(n=240, n_steps=6):
    """Return windows of a wave and counts, of its exponential on average."""
    wave = np.sin(np.arange(n) / 4)
    X, _ = make_windows(wave, n_steps)
    return X, np.random.RandomState(0).poisson(np.exp(1.5 * X[:, -3, 0])).astype(float)


def test_losses_that_no_other_test_trains_with_train_and_predict():
    X, y = make_counts(60)
    for loss in ("log_cosh", "msle"):
        assert np.isfinite(make_model(loss=loss, epochs=1).fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    ("loss", "cure"),
    [
        *((loss, "classes coded as 0 and 1") for loss in REFUSED_LOSSES if "cross" in loss),
        *((loss, '"mse" predicts their probabilities') for loss in REFUSED_LOSSES if "hin" in loss),
        ("kl_divergence", '"mse" on the probabilities'),
        ("cosine_similarity", "length 1"),
    ],
)
def test_losses_that_no_linear_output_serves_are_refused_with_a_cure(loss, cure):
    X, y = make_counts(60)
    with pytest.raises(ValueError, match=f"(?s)loss must be one of .*got '{loss}'.*{cure}"):
        make_model(loss=loss).fit(X, y)


def test_all_cross_entropies_and_hinges_of_keras_are_refused():
    names = {name for name in vars(keras.losses) if name.islower()}
    wrong = {name for name in names if name.endswith(("crossentropy", "hinge"))}
    assert wrong | {"kl_divergence", "cosine_similarity"} == set(REFUSED_LOSSES)
    assert not set(LOSSES) & set(REFUSED_LOSSES)


def test_the_poisson_loss_is_that_of_keras_with_a_log_link():
    random_state = np.random.RandomState(0)
    y = random_state.poisson(3, size=(5, 2)).astype(np.float32)
    outputs = random_state.normal(size=(5, 2)).astype(np.float32)
    expected = keras.losses.get("poisson")(y, tf.exp(outputs))
    np.testing.assert_allclose(get_loss("poisson")(y, outputs, 0.5), expected, rtol=1e-5)


def test_counts_are_predicted_by_positive_values():
    X, y = make_counts()
    model = make_model(loss="poisson", epochs=30, learning_rate=0.02)
    model.fit(X[:180], y[:180])
    predicted = model.predict(X[180:])
    assert predicted.min() > 0
    mean = np.full_like(predicted, y[:180].mean())
    deviance = [mean_poisson_deviance(y[180:], p) for p in (predicted, mean)]
    assert deviance[0] < 0.6 * deviance[1]
    np.testing.assert_array_equal(model.predict(X[180:181]), predicted[:1])
    np.testing.assert_allclose(model.to_keras()(X[180:]), predicted, rtol=1e-5)


def test_the_units_of_counts_do_not_matter():
    X, y = make_counts(60)
    model = make_model(loss="poisson").fit(X, y)
    assert (model.y_mean_, model.y_scale_) == (0, y.mean())
    other = make_model(loss="poisson").fit(X, 1000 * y)
    np.testing.assert_allclose(other.predict(X), 1000 * model.predict(X), rtol=1e-5)


def test_counts_of_several_outputs_and_raw_ones():
    X, y = make_counts(60)
    several = make_model(loss="poisson").fit(X, np.c_[y, 10 * y])
    np.testing.assert_allclose(several.y_scale_, [y.mean(), 10 * y.mean()])
    assert several.predict(X).min() > 0
    raw = make_model(loss="poisson", standardize=False).fit(X, y)
    assert (raw.y_mean_, raw.y_scale_) == (0, 1)
    assert raw.predict(X).min() > 0


def test_early_stopping_measures_the_poisson_loss():
    X, y = make_counts(120)
    model = make_model(loss="poisson", early_stopping=True, epochs=5)
    model.fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    p, truth = model.predict(X[90:]) / model.y_scale_, y[90:] / model.y_scale_
    assert model.best_loss_ == pytest.approx(np.mean(p - truth * np.log(p)), rel=1e-5)


@pytest.mark.parametrize("change", [lambda y: y - 1, lambda y: 0 * y, lambda y: np.c_[y, 0 * y]])
def test_what_is_no_count_is_refused(change):
    X, y = make_counts(60)
    message = "y must be at least 0 for loss='poisson'|a positive value in each .* in output [01]"
    with pytest.raises(ValueError, match=message):
        make_model(loss="poisson").fit(X, change(y))


def test_zeros_alone_may_follow_other_counts():
    X, y = make_counts(60)
    model = make_model(loss="poisson").partial_fit(X, y).partial_fit(X[:9], 0 * y[:9])
    assert model.n_iter_ == 2


def test_targets_to_validate_on_are_checked_too():
    X, y = make_counts(60)
    with pytest.raises(ValueError, match="y must be at least 0"):
        make_model(loss="poisson").fit(X, y, X_val=X, y_val=-y)
    with pytest.raises(ValueError, match="y must be less than"):
        make_model(loss="mape").fit(X, y + 1, X_val=X, y_val=1e39 * (y + 1))


def test_the_message_of_an_unknown_loss_names_those_that_serve():
    X, y = make_counts(60)
    with pytest.raises(ValueError, match="'poisson'") as error:
        make_model(loss="kld").fit(X, y)
    assert not any(repr(name) in str(error.value) for name in REFUSED_LOSSES)


def test_another_head_cannot_be_gone_on_with():
    X, y = make_counts(60)
    model = make_model(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"head \(by loss\) from linear to exponential"):
        model.set_params(loss="poisson").fit(X, y)


def test_targets_beyond_float32_are_refused_by_losses_in_their_units():
    X, y = make_counts(60)
    with pytest.raises(ValueError, match=r"y must be less than 3\.4e38 for loss='mape'"):
        make_model(loss="mape").fit(X, 1e39 * (y + 1))
