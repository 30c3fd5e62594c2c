"""The regressor: its parameters, and what it makes of targets and outputs."""

from numbers import Integral, Real

from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import Hidden, Interval, StrOptions

from sklstm.estimators.base import BaseLSTM
from sklstm.estimators.losses import LOSSES, REFUSED_LOSSES, read_loss
from sklstm.estimators.parameters import read_anchor
from sklstm.estimators.samples import check_targets
from sklstm.network.base import read_base


class LSTMRegressor(MultiOutputMixin, RegressorMixin, BaseLSTM):
    """Long short-term memory network that maps windows of a series to target values.

    One or more LSTM layers [1]_ read the steps of a window in order; a dense layer turns the
    state after the last step into the prediction. A step with a missing value (NaN) is skipped:
    the cell keeps its state. Training runs in TensorFlow, compiled once for each architecture;
    prediction needs NumPy alone.

    Parameters
    ----------
    units : int or tuple of int, default=50
        Units of the LSTM layer, or of each of the stacked layers.

    activation : str, default="tanh"
        Activation of candidate and output in the LSTM cell: one of Keras' by its name. The gates
        are sigmoids.

    bidirectional : bool, default=False
        Whether each layer reads the steps backwards as well, with as many units again.

    segment : int, default=1
        Consecutive steps that the cell reads at once [2]_: windows of `n_steps` steps are read as
        `n_steps / segment` steps of `segment * n_features` values. Fewer and wider steps train
        faster in proportion, and forecast long windows often better. A segment in which a value
        is missing is skipped whole.

    anchor : int, str or sequence of these, default=None
        The column of `X` whose future values are in `y`, in the same units, by its number or its
        name; or one such column for each output. Windows have names if `SlidingWindowTransformer`
        makes them of a DataFrame whose column names are all strings. Negative numbers count from
        the last column. The network reads the column relative to its value in the last real step
        of the window and predicts the change from there, so that levels never seen in training can
        be forecast.

    dropout : float, default=0.0
        Fraction of each cell's inputs that training leaves out, drawn anew for each window in each
        epoch and the same for all its steps [3]_.

    recurrent_dropout : float, default=0.0
        The same for the state that a cell hands to its next step.

    loss : str, default="mse"
        "quantile", or one of Keras' losses by its name. "mse", "mae", "huber", "log_cosh" and
        "quantile" are taken of the standardised targets. "poisson", for counts, has a log link,
        as in scikit-learn's `HistGradientBoostingRegressor`: predictions are positive; it is taken
        of the targets divided by their mean. "mape" and "msle" are taken of the targets in their
        own units. "poisson", "mape" and "msle" do not work with an `anchor`. Losses of classes and
        of distributions, such as "binary_crossentropy", are refused.

    quantile : float, default=0.5
        Quantile that the loss "quantile", the pinball loss [4]_, makes the model predict.

    alpha : float, default=0.0
        Strength of the L2 penalty, as in scikit-learn's `MLPRegressor`: half of `alpha` times the
        sum of the squares of all kernels, the recurrent ones included, divided by the windows of
        the batch, is added to the loss.

    max_grad_norm : float, default=None
        Largest Euclidean norm of the gradient of all weights; a longer one is scaled down to it.

    optimizer : str or keras.optimizers.Optimizer, default="adam"
        One of Keras' optimizers by its name, with Keras' settings except for the learning rate, or
        an instance, of which a copy is used, with its own learning rate or schedule. Classes and
        schedules of your own must be registered by `keras.saving.register_keras_serializable`, or
        Keras can neither copy nor pickle them.

    learning_rate : float, default=0.003
        Learning rate of an optimizer given by its name.

    epochs : int, default=100
        Passes over the training windows; the most of them, if `early_stopping`.

    batch_size : int, default=32
        Windows in each update of the weights.

    shuffle : bool, default=True
        Whether to draw the windows in a new order in each epoch.

    standardize : bool, default=True
        Whether to bring each feature and each output to mean 0 and standard deviation 1 over the
        training data. Predictions come back in the units of `y` either way.

    early_stopping : bool, default=False
        Whether to end the training when the validation loss no longer improves, and to keep the
        weights that had the lowest. The validation data is `X_val` and `y_val` of `fit`, or else
        the end of the training data.

    validation_fraction : float, default=0.1
        Fraction of the windows that `early_stopping` validates on: the last ones in time, those of
        the same dates in all series of a panel, or without dates the last ones of each series.
        Windows that have rows in common with these, or whose targets lie in them, are removed from
        training. How many steps ahead the targets are is read from names such as `temp[t+24]`;
        without such names, several outputs are taken for 1, 2, 3, … steps ahead. Only windows as
        `SlidingWindowTransformer` and `make_windows` return them show which rows they share: those
        of any other array are taken for separate samples, and for windows that overlap you should
        pass `X_val` and `y_val`.

    n_iter_no_change : int, default=10
        Epochs in a row that may fail to lower the validation loss by `tol`.

    tol : float, default=1e-4
        Least improvement of the validation loss that counts, in the units of `loss`.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights, scales and optimizer of an earlier fit, for
        `epochs` more, instead of starting anew. Patience begins anew; the best weights so far
        stay the best until an epoch has a lower validation loss.

    callbacks : list of keras.callbacks.Callback, default=None
        Called at the beginning and end of the training and of each epoch, not of batches. Each fit
        takes shallow copies: what a callback sets on itself is gone after the fit, but a list that
        it fills, or an object that it reports to, such as a trial of Optuna's, is yours. A search
        hands each fit deep copies, as `clone` makes them.
        Their model is that of `to_keras`, with the optimizer of the training, uncompiled; weights
        and learning rates that they set are trained on with. The callbacks of scikit-learn 1.9
        and later go to `set_callbacks`.

    checkpoint : str or path-like, default=None
        File that `fit` writes its state to before the training and after each epoch. A fit that
        was killed goes on from there when it is called again, to the same weights. One that ended
        has nothing left to do; if it ended after its last epoch, it goes on if there are more
        `epochs` now. The file of a fit with other data or parameters is refused, as is any other
        file, so each fit needs its own path: a search, whose fits would share one, fails. A
        `random_state` that is no int is not compared: the file has its state. `callbacks` are no
        part of the state: those that remember earlier epochs, such as ReduceLROnPlateau, begin
        anew, and what they do at the end of the training is not kept. Two processes must not write
        to one path at a time.

    verbose : int, default=0
        1 shows a bar with epoch, losses and time left that moves on the terminal; in notebooks,
        files and the workers of `n_jobs`, and with 2, each epoch prints a line.

    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the windows and the dropout. Pass an int for the
        same weights, to the last bit, at every call.

    Attributes
    ----------
    weights_ : list of ndarray
        float32 weights in Keras' order and layout: kernel, recurrent kernel and bias of each LSTM
        layer, or of its two directions, then kernel and bias of the output layer.

    best_weights_ : list of ndarray or None
        The weights with the lowest validation loss, None if no epoch had a finite one. With
        `early_stopping` they are `weights_`.

    network_ : dict
        The trained network: `n_features`, `units`, `activation`, `n_outputs`, `segment`,
        `bidirectional`, `anchor` and `head`, the activation of the outputs.

    window_shape_ : tuple of int
        `(n_steps, n_features)` of the windows seen in `fit`.

    X_mean_, X_scale_ : ndarray of shape (n_features,)
        What features are standardised with: their mean and standard deviation over the steps of
        the training windows, or 0 and 1 if `standardize=False`. The scale of an anchor is the
        root mean square of its differences to the last value.

    y_mean_, y_scale_ : ndarray of shape () or (n_outputs,)
        The same for `y`, or for its change from the anchor. With the loss "poisson" they are 0 and
        the mean.

    loss_curve_ : list of float
        Mean loss of the training windows in each epoch, without the penalty.

    validation_loss_curve_ : list of float or None
        Mean loss of the validation windows after each epoch, NaN for the epochs of calls without
        validation, None if there never was any.

    best_loss_ : float or None
        Validation loss of `best_weights_`, None without validation: the lowest value of
        `validation_loss_curve_`, as long as the validation data are the same. A call that goes on
        with others measures the best weights of before on these first.

    optimizer_state_ : dict
        Name and variables of the optimizer, for `warm_start` and `partial_fit`.

    random_state_ : tuple
        State of the random numbers, for `warm_start` and `partial_fit`.

    n_iter_ : int
        Epochs trained.

    version_ : str
        Version of sklstm that trained. Another major or minor version warns, once for each
        estimator, when it predicts or goes on.

    n_features_in_ : int
        Number of features of 3-D windows; number of columns, which are steps, of a 2-D `X`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if the windows have them; names of the columns of a 2-D `X`, if they
        are all strings.

    See Also
    --------
    SlidingWindowTransformer : Makes the windows, inside a Pipeline.

    Notes
    -----
    Keras' conventions hold: Glorot uniform kernels, orthogonal recurrent kernels, forget gates
    with bias 1. With one `random_state` the weights are the same to the last bit in every process
    and for every number of threads on one machine, unless an optimizer of Keras takes norms of more
    than about 100,000 weights.

    References
    ----------
    .. [1] Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. Neural Computation
       9(8), 1735-1780.
    .. [2] Lin, S. et al. (2023). SegRNN: segment recurrent neural network for long-term time
       series forecasting. arXiv:2308.11200.
    .. [3] Gal, Y. and Ghahramani, Z. (2016). A theoretically grounded application of dropout in
       recurrent neural networks. Advances in Neural Information Processing Systems 29.
    .. [4] Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46(1), 33-50.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor, make_windows
    >>> X, y = make_windows(np.sin(np.arange(300) / 5), n_steps=20)
    >>> X.shape, y.shape
    ((280, 20, 1), (280,))
    >>> model = LSTMRegressor(units=8, epochs=20, random_state=0).fit(X[:200], y[:200])
    >>> model.predict(X[200:]).shape
    (80,)
    >>> model.score(X[200:], y[200:]) > 0.9
    True
    """

    _parameter_constraints = {
        **BaseLSTM._parameter_constraints,
        "anchor": [Integral, str, "array-like", None],
        "loss": [StrOptions(set(LOSSES)), Hidden(StrOptions(set(REFUSED_LOSSES)))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        units=50,
        *,
        activation="tanh",
        bidirectional=False,
        segment=1,
        anchor=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        loss="mse",
        quantile=0.5,
        alpha=0.0,
        max_grad_norm=None,
        optimizer="adam",
        learning_rate=0.003,
        epochs=100,
        batch_size=32,
        shuffle=True,
        standardize=True,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.units = units
        self.activation = activation
        self.bidirectional = bidirectional
        self.segment = segment
        self.anchor = anchor
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.loss = loss
        self.quantile = quantile
        self.alpha = alpha
        self.max_grad_norm = max_grad_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.standardize = standardize
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    def predict(self, X):
        """Predict the targets of windows, without TensorFlow.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_steps, n_features) or (n_windows, n_steps)
            Windows of the shape seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n_windows,) or (n_windows, n_outputs)
            Predictions in the units of `y`, float64, of the dimensions of `y` in `fit`. Each is
            the same, to the last bit, whatever the windows beside it.
        """
        fitted, windows, outputs = self._apply(X)
        scales = fitted.scales
        changes = outputs * scales.y_scale.reshape(-1) + scales.y_mean.reshape(-1)
        y = changes + read_base(windows, fitted.network.anchor, scales.X_mean)
        return y.reshape(-1, *scales.y_mean.shape)

    def _read_targets(self, y):
        return check_targets(self, y)

    def _read_loss(self, training, validation):
        y_val = None if validation is None else validation.y
        return read_loss(self.loss, self.quantile, self.anchor, training.y, y_val)

    def _read_anchor(self, samples, names):
        return read_anchor(self.anchor, samples.windows.shape[1], samples.n_outputs, names)
