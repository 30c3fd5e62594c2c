"""Backtests: the forecasts a model would have made in the past."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_consistent_length, check_scalar
from sklearn.utils.parallel import Parallel, delayed

from sklstm.estimators.samples import as_array
from sklstm.windows.horizon import read_outputs
from sklstm.windows.series import is_pandas, refuse_panel


def backtest(model, X, y, *, initial, step, refit=False, n_jobs=None):
    """Forecast from every `step`-th row with a model trained on the rows before it.

    These rows are the origins (rolling-origin evaluation). At each origin the model reads the rows
    up to the origin and predicts its target, as it would have done at the time.

    Parameters
    ----------
    model : estimator or Pipeline
        Any estimator with `fit(X, y)` and `predict(X)`. It is cloned and stays as it is.

    X : array-like of shape (n_rows, n_features) or (n_windows, n_steps, n_features)
        Rows of one series, or windows, in time order, as `model` reads them.

    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        The next values of each row, as `make_supervised` makes them. Pandas names such as
        `temp[t+24]` tell the column and the step ahead of each output. Without such names the
        outputs are 1 to `n_outputs` steps ahead of one column.

    initial : int
        Number of rows before the first origin.

    step : int
        Number of rows from one origin to the next.

    refit : bool or int, default=False
        Whether to train again at each origin, on all rows before it. An int trains at every
        `refit`-th origin. By default the model is trained once, before the first origin.

    n_jobs : int, default=None
        Number of fits to run in parallel with joblib. None means 1 unless in a
        `joblib.parallel_config`, which also chooses the backend, such as "dask"; -1 means all
        processors.

    Returns
    -------
    forecasts : DataFrame of shape (n_origins * n_outputs, 4 to 7)
        One row for each prediction:

        ==============  ============================================================
        `origin`        label of the row in the index of `X` (or `y`), or its number
        `output`        the column that is forecast, if there are several
        `step`          steps ahead
        `actual`        the target, in the units of `y`
        `prediction`    the model's prediction of it
        `lower`         lower end of the interval, if the model has `predict_interval`
        `upper`         upper end of it
        ==============  ============================================================

    Raises
    ------
    ValueError
        If `initial` leaves no training rows or no origin, if `X` is a panel, or if the rows
        after an origin change the prediction of the model there.

    ImportError
        If pandas is not installed.

    Notes
    -----
    **No leakage.** At an origin, the target of an earlier row is known only if it is no more steps
    ahead than the row is before the origin. So the last rows before the origin are left out of the
    training: one fewer than the largest step ahead. The model still reads them as history.

    **Cost.** All origins of one fit are predicted in one call. In a process, fits of one
    architecture share a compiled program.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklstm import backtest, make_supervised
    >>> X, y = make_supervised(np.arange(10.0), horizon=2)
    >>> backtest(LinearRegression(), X, y, initial=4, step=3).round(6)
       origin  step  actual  prediction
    0       4     1     5.0         5.0
    1       4     2     6.0         6.0
    2       7     1     8.0         8.0
    3       7     2     9.0         9.0
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "backtest needs pandas, which is not installed: pip install pandas."
        ) from error
    X, y = as_array(X), as_array(y)
    check_consistent_length(X, y)
    refuse_panel(X)
    refuse_panel(y)
    names, steps = read_outputs(y, 1 if len(y.shape) == 1 else y.shape[1])
    index = next((data.index for data in (X, y) if is_pandas(data)), pd.RangeIndex(len(y)))
    check_scalar(initial, "initial", Integral)
    check_scalar(step, "step", Integral, min_val=1)
    if not max(steps) <= initial < len(index):
        raise ValueError(
            "initial must leave a row to train on whose target is known by then, and an origin: "
            f"{max(steps)} to {len(index) - 1} rows here, got {initial}."
        )
    origins = np.arange(int(initial), len(index), int(step))
    n_together = _count_origins_of_a_fit(refit, len(origins))
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_predict_origins)(model, X, y, origins[i : i + n_together], max(steps) - 1)
        for i in range(0, len(origins), n_together)
    )
    forecasts = {
        "origin": index[origins].repeat(len(steps)),
        "output": names * len(origins),
        "step": steps * len(origins),
        "actual": np.asarray(y)[origins].ravel(),
    }
    if len(set(names)) == 1:
        del forecasts["output"]
    columns = (np.concatenate(part).ravel() for part in zip(*parts, strict=True))
    forecasts |= zip(["prediction", "lower", "upper"], columns, strict=False)
    return pd.DataFrame(forecasts)


def _count_origins_of_a_fit(refit, n_origins):
    """Return the number of origins that share one fit."""
    if isinstance(refit, bool | np.bool_):
        return 1 if refit else n_origins
    if not isinstance(refit, Integral) or refit < 1:
        raise ValueError(f"refit must be True, False or a positive int, got {refit!r}.")
    return int(refit)


def _predict_origins(model, X, y, origins, n_unknown):
    """Train before the first of some origins; predict all, `(n_origins, n_outputs)` or more."""
    n_known = origins[0] - n_unknown  # the targets of the last rows were not known yet
    model = clone(model).fit(_take_first(X, n_known), _take_first(y, n_known))
    rows = _take_first(X, origins[-1] + 1)
    predictions = [model.predict(rows)]
    if len(origins) > 1:
        alone = model.predict(_take_first(X, origins[0] + 1))[-1]
        if not np.allclose(alone, predictions[0][origins[0]]):
            raise ValueError(
                "model must not look ahead, got another prediction for row "
                f"{origins[0]} with the rows after it than without them. Look for a step that "
                "fills or smooths with later rows."
            )
    if hasattr(model, "predict_interval"):
        predictions += model.predict_interval(rows)
    return [np.asarray(values)[origins] for values in predictions]


def _take_first(data, n):
    """Return the first `n` rows."""
    return data.iloc[:n] if is_pandas(data) else data[:n]
