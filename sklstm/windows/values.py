"""What arrays and frames hold: numbers, NaN where one is missing. Text and dates are refused."""

import sys
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from sklstm.windows.series import is_pandas

_NUMBERS = "biufc"  # kinds of dtypes


class Place(NamedTuple):
    """Where values are: the argument that has them, and the column, None if there is only one."""

    name: str
    column: object = None  # a label, or a number where there are no labels
    pandas: bool = False  # whether it is a column of a DataFrame

    def __str__(self):
        return "" if self.column is None else f" in column {self.column!r}"

    @property
    def code(self):
        """Return what the user writes for these values."""
        return f"{self.name}[{self.column!r}]" if self.pandas else self.name


def read_values(X, name):
    """Return `X` with what is missing as NaN, for `check_array`, which reads it as numbers.

    None, `pandas.NA` and masked values are missing. Arrays and frames of numbers are returned as
    they are: scikit-learn reads nullable numbers of pandas and polars. Text, which scikit-learn
    would read as numbers where it can, and dates are refused by an error that names the column.
    """
    if isinstance(X, np.ma.MaskedArray):
        return _read_array(_fill(X), Place(name))
    if _holds_numbers(getattr(X, "dtype", None)):
        return X
    if is_pandas(X) or _is_of_polars(X):
        return _read_frame(X, name) if len(X.shape) == 2 else _read_array(_to_array(X), Place(name))
    if not hasattr(X, "dtype"):
        X = np.asarray(X)
    return _read_array(X, Place(name)) if isinstance(X, np.ndarray) else X


def _holds_numbers(dtype):
    """Tell whether a dtype of NumPy, pandas or polars is one of numbers."""
    if hasattr(dtype, "kind"):
        return dtype.kind in _NUMBERS
    return hasattr(dtype, "is_numeric") and dtype.is_numeric()


def _is_of_polars(X):
    """Tell whether `X` is a frame or series of polars, without importing it."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(X, polars.DataFrame | polars.Series)


def _fill(X):
    """Return a masked array as an array: NaN where numbers are masked, None where objects are."""
    if X.dtype.kind not in "biufcO" or not np.ma.is_masked(X):
        return X.data
    if X.dtype.kind in "biu":
        X = X.astype(np.float64)
    if X.dtype.kind == "O":  # whose `filled` takes None for the usual value, "?"
        return np.where(np.ma.getmaskarray(X), None, X.data)
    return X.filled(np.nan)


def _read_frame(X, name):
    """Return a frame of numbers as it is, any other one as an array."""
    if all(_holds_numbers(dtype) for dtype in X.dtypes):
        return X
    columns = []
    for j, label in enumerate(X.columns):
        column = X.iloc[:, j] if is_pandas(X) else X[:, j]
        columns.append(_read_array(_to_array(column), Place(name, label, is_pandas(X))))
    return np.column_stack(columns)


def _to_array(column):
    """Return a series of pandas or polars as an array, nullable numbers with NaN."""
    if not is_pandas(column):
        return column.to_numpy()
    if _holds_numbers(column.dtype) and not isinstance(column.dtype, np.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(column)


def _read_array(values, place):
    """Return an array with NaN for missing objects; the columns are along its last axis."""
    if values.dtype.kind not in "OSUmM" or not values.ndim:
        return values
    if values.ndim < 2:
        _refuse_other_than_numbers(values, place)
    else:
        columns = range(values.shape[-1])
        if values.dtype.kind in "SU":  # as NumPy makes it of numbers beside text: the latter first
            columns = sorted(columns, key=lambda j: all(map(_is_number, values[..., j].flat)))
        for j in columns:
            _refuse_other_than_numbers(values[..., j], place._replace(column=j))
    missing = np.frompyfunc(_is_missing, 1, 1)(values).astype(bool)
    return np.where(missing, np.nan, values) if missing.any() else values


def _is_missing(value):
    """Tell whether an object is None or `pandas.NA`."""
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and value is pandas.NA)


def _refuse_other_than_numbers(values, place):
    """Refuse text, dates and durations in a column, or in an array without columns."""
    times = values.dtype.kind in "mM"
    objects = [] if times else values.ravel().tolist()
    kinds = {values.dtype.type} if times else {type(value) for value in objects}
    if any(issubclass(kind, str | bytes) for kind in kinds):
        _refuse_text(objects, place)
    if any(issubclass(kind, date | np.datetime64) or kind.__name__ == "Period" for kind in kinds):
        raise ValueError(f"{place.name} must be numeric, got dates{place}. {_cure_dates(place)}")
    if any(issubclass(kind, timedelta | np.timedelta64) for kind in kinds):
        raise ValueError(
            f"{place.name} must be numeric, got durations{place}. Make numbers of them, such as "
            f"hours: {place.code} / np.timedelta64(1, 'h')."
        )


def _cure_dates(place):
    """Say what to do with dates: those of the rows belong in the index."""
    if place.column is None:
        return "Make numbers of them, such as the hour."
    if not place.pandas:
        return "Put them in the index of a DataFrame, or make numbers of them, such as the hour."
    return (
        f"Put them in the index, {place.name}.set_index({place.column!r}), or make numbers of "
        f"them, such as the hour, {place.code}.dt.hour."
    )


def _refuse_text(objects, place):
    """Refuse the text in a column, and show one that is no number, if there is one."""
    texts = [value for value in objects if isinstance(value, str | bytes)]
    others = [text for text in texts if not _is_number(text)]
    if not others:
        code = f"pd.to_numeric({place.code})"
        if not place.pandas:
            code = f"np.asarray({place.name}, dtype=float)"
        raise ValueError(
            f"{place.name} must be numeric, got text that looks like numbers{place}, such as "
            f"{texts[0]!r}. Convert it: {code}."
        )
    cure = "Encode it as numbers by OrdinalEncoder, OneHotEncoder or pd.get_dummies"
    if len(others) < sum(not _is_missing(value) for value in objects):
        cure += ", or replace it by NaN if it marks missing values"
    raise ValueError(
        f"{place.name} must be numeric, got text{place}: could not convert string to float: "
        f"{others[0]!r}. {cure}."
    )


def _is_number(text):
    """Tell whether `float` reads a text."""
    try:
        float(text)
    except ValueError:
        return False
    return True
