"""Recursive forecasts: a model of the next value reads its own predictions."""

import copy
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from sklstm.forecasting.windowers import find_windowers
from sklstm.windows.continuation import is_comparable
from sklstm.windows.grid import has_grid, read_step
from sklstm.windows.index import N_LABELS, continue_index
from sklstm.windows.series import is_pandas, refuse_panel
from sklstm.windows.supervised import as_table


def forecast(model, X, n_steps_ahead, *, future=None):
    """Forecast a series step by step: the model reads each prediction as the next row.

    The result is the same as appending the last prediction to `X` and calling `predict` again, but
    each step costs the prediction of a single window only.

    Parameters
    ----------
    model : LSTMRegressor, Pipeline or a search or TransformedTargetRegressor around them
        A model fitted to predict the next value (horizon 1) of each column of `X` that is not in
        `future`, in the order of the columns. A `Pipeline` must have a `SlidingWindowTransformer`
        and, after it, any regressor; it may be frozen, or have Pipelines within. The steps before
        the windows, such as a scaler, must work row by row.

    X : array-like of shape (n_rows, n_features), or (n_rows,) for one feature
        Rows of one series in time order, the latest last. The model reads the last
        `n_steps * dilation` of them. With fewer rows, windows are short or completed from
        `history`, as in `predict`. NaN is a missing value.

    n_steps_ahead : int
        Number of rows to forecast.

    future : DataFrame or dict of arrays, default=None
        The columns of `X` that are known ahead, such as the calendar or planned prices. For a
        pandas `X`, a DataFrame or a named Series, whose rows are found by their index. For an
        array, `{column number: values}` with `n_steps_ahead` values for each column.

    Returns
    -------
    y : ndarray, Series or DataFrame of shape (n_steps_ahead,) or (n_steps_ahead, n_outputs)
        The forecast, in the units of `y` in `fit` and with as many dimensions. For a pandas `X`
        it has the names of the forecast columns and an index that continues that of `X`.

    Raises
    ------
    ValueError
        If the outputs of the model are not the columns of `X` without those in `future`, if
        `future` lacks a row ahead, or if the index of `X` has no regular step.

    TypeError
        If the model is of another kind.

    See Also
    --------
    make_supervised : Make targets for a model of many steps at once, with `horizon`.

    Notes
    -----
    Errors accumulate, because each prediction is read again. A model with one output for each step
    ahead (direct forecasting) is often more accurate.

    Examples
    --------
    A linear model of two steps is all that a sine needs:

    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import SlidingWindowTransformer, forecast, make_supervised
    >>> series = np.sin(np.arange(250) / 8)
    >>> X, y = make_supervised(series[:50])
    >>> windows = SlidingWindowTransformer(n_steps=2, flatten=True, padding="edge")
    >>> model = make_pipeline(windows, LinearRegression()).fit(X[2:], y[2:])
    >>> forecast(model, series[:50], 200).shape
    (200,)

    With pandas, the index continues:

    >>> import pandas as pd
    >>> index = pd.date_range("2013-01-01", periods=50, freq="D")
    >>> frame = pd.DataFrame({"temp": series[:50]}, index)
    >>> forecast(model.fit(*make_supervised(frame)), frame, 2).index[0]
    Timestamp('2013-02-20 00:00:00')

    The day of the week is known ahead, so the model need not forecast it:

    >>> frame["day"] = index.day_of_week
    >>> ahead = pd.date_range("2013-02-20", periods=2)
    >>> future = pd.DataFrame({"day": ahead.day_of_week}, ahead)
    >>> model = model.fit(*make_supervised(frame, target="temp"))
    >>> forecast(model, frame, 2, future=future).name
    'temp'
    """
    check_scalar(n_steps_ahead, "n_steps_ahead", Integral, min_val=1)
    check_is_fitted(model)
    table = as_table(X)
    refuse_panel(table)
    found = _find_windower(model, table)
    ahead, columns = _lay_out_ahead(table, int(n_steps_ahead), future, found.transformer)
    outputs = _roll(found, table, ahead, columns)
    if not is_pandas(table):
        return outputs
    import pandas as pd

    names = table.columns[columns]
    if outputs.ndim == 1:
        return pd.Series(outputs, index=ahead.index, name=names[0])
    return pd.DataFrame(outputs, index=ahead.index, columns=names)


def _find_windower(model, table):
    """Find what makes the windows of a model, fitted, with a regressor after it."""
    found = next(find_windowers(model), None)
    if found is None or not found.after or (found.given and found.before):
        raise TypeError(
            "model must be an LSTMRegressor or a Pipeline of a SlidingWindowTransformer and a "
            f"regressor, got {type(model).__name__}. Call predict of other models row by row."
        )
    if found.given:
        found.transformer.fit(table)
    return found


def _lay_out_ahead(table, n_steps_ahead, future, transformer):
    """Return the rows ahead, filled in where known, and the numbers of the other columns."""
    future = _check_future(table, future)
    names = _name_columns(table)
    columns = [j for j, name in enumerate(names) if name not in future]
    if is_pandas(table):
        return _lay_out_frame(table, n_steps_ahead, future, transformer), columns
    ahead = np.full((n_steps_ahead, len(names)), np.nan)
    for j, values in future.items():
        if np.shape(values) != (n_steps_ahead,):
            raise ValueError(
                f"future must have n_steps_ahead values of each column, {n_steps_ahead}, got an "
                f"array of shape {np.shape(values)} for column {j}."
            )
        ahead[:, j] = values
    return ahead, columns


def _check_future(table, future):
    """Return `future` as a DataFrame or a dict; without any, an empty dict."""
    if future is None:
        return {}
    if not (is_pandas(future) if is_pandas(table) else isinstance(future, dict)):
        raise TypeError(
            "future must be a DataFrame for a pandas X and a dict {column number: values} for an "
            f"array, got {type(future).__name__}."
        )
    future = as_table(future) if is_pandas(future) else future
    names = _name_columns(table)
    unknown = [name for name in future if name not in names]
    if unknown:
        raise ValueError(f"future must hold columns of X, {names}, got {unknown}.")
    return future


def _name_columns(table):
    """Return the names of the columns of a DataFrame, the numbers of those of an array."""
    return list(getattr(table, "columns", range(table.shape[1])))


def _lay_out_frame(table, n_steps_ahead, future, transformer):
    """Return the rows ahead as a DataFrame that continues `table`, NaN where not in `future`.

    Steps are those of the `freq` of the windows, or of the index where these count rows.
    """
    import pandas as pd

    comparable = is_comparable(next(iter(transformer.history_.values())), table.index)
    gridded = comparable and has_grid(transformer.freq_)
    step = read_step(transformer.freq_, table.index) if gridded else None
    index = continue_index(table.index[-N_LABELS:], n_steps_ahead, step)
    if index is None:
        raise ValueError(
            "The index of X must say how it continues, by integers or times in order with a "
            f"regular step, got {list(table.index[-3:])} at its end. Give times a frequency "
            '(X.asfreq("h")) or count the rows (X.reset_index(drop=True)).'
        )
    absent = index[~index.isin(future.index)] if is_pandas(future) else []
    if len(absent):
        raise ValueError(f"future must have all rows ahead, got none for {absent[0]}.")
    names = table.columns
    return pd.DataFrame({name: future.get(name, np.nan) for name in names}, index=index)


def _roll(found, table, ahead, columns):
    """Predict row after row, each written into `columns` of the rows ahead and read again."""
    regressor = found.regressor
    recent, names = _read_recent(table, found)
    rows = np.concatenate([recent, np.empty((len(ahead), recent.shape[1]))])
    if not found.before:
        ahead = np.array(ahead, dtype=float)  # a DataFrame is slow to write to
    cells = ahead.iloc if is_pandas(ahead) else ahead
    outputs = []
    for k in range(len(ahead)):
        window = _cut_window(rows[k : k + len(recent)], found.transformer, names)
        outputs.append(regressor.predict(window)[0])
        if k == 0:
            _check_outputs(outputs[0], [_name_columns(table)[j] for j in columns])
        cells[k, columns] = outputs[k]
        rows[len(recent) + k] = found.prepare(cells[k : k + 1])
    return np.array(outputs)


def _read_recent(table, found):
    """Return the rows in the last windows, `(n_steps * dilation, n_features)`, and their names.

    They are read from a window of them all, which has history, padding and gaps. The names are the
    columns of flattened windows if `set_output` made them frames, or else None.
    """
    n_rows = int(found.transformer.n_steps) * int(found.transformer.dilation)
    rows = table.iloc[-n_rows:] if is_pandas(table) else table[-n_rows:]
    if found.before:
        last = found.prepare(rows[-1:])
        rows = found.prepare(rows)
        if not np.allclose(last, rows[-1:], equal_nan=True):
            raise ValueError(
                "The steps before the windows must work row by row, got another result for the "
                "last row alone. Make columns that need other rows beforehand."
            )
    alone = copy.copy(found.transformer).set_params(history=False)
    names = getattr(alone.transform(rows[-1:]), "columns", None)
    whole = copy.copy(found.transformer if len(rows) < n_rows else alone)
    whole.set_params(n_steps=n_rows, dilation=1, flatten=False)
    return np.asarray(whole.transform(rows)[-1:], dtype=float)[0], names


def _cut_window(rows, transformer, names):
    """Return the window of the last row as the transformer makes it, given the rows it covers."""
    window = rows[transformer.dilation - 1 :: transformer.dilation][np.newaxis]
    if not transformer.flatten:
        return window
    window = window.reshape(1, -1)
    if names is None:
        return window
    import pandas as pd

    return pd.DataFrame(window, columns=names)


def _check_outputs(output, names):
    """Refuse a model that does not have one output for each column to forecast."""
    if np.size(output) != len(names):
        raise ValueError(
            "model must predict the next value of each column of X that is not in future, "
            f"{names}, got {np.size(output)} outputs. Pass columns that are known ahead in future, "
            "or train on all columns as targets. A model of many steps ahead needs no forecast: "
            "the last row of its predict(X) has them all."
        )
