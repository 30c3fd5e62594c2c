"""Windows in and out of data frames: names, flat windows, set_output, polars, explanations."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from sklstm import SlidingWindowTransformer, make_supervised

pytestmark = pytest.mark.filterwarnings("ignore:No window is complete")

FRAME = pd.DataFrame(
    {"temp": [1.0, 2.0, 3.0, 4.0], "wind": [10.0, 20.0, 30.0, 40.0]},
    index=pd.date_range("2013-01-01", periods=4, freq="h"),
)


class LastStep(RegressorMixin, BaseEstimator):
    """Read windows and predict the first feature of their last step."""

    def fit(self, X, y):  # noqa: D102
        self.n_steps_ = X.shape[1]
        return self

    def predict(self, X):  # noqa: D102
        assert isinstance(X, np.ndarray)
        assert X.shape[1] == self.n_steps_
        self.n_missing_ = int(np.isnan(X).any(axis=(1, 2)).sum())
        return X[:, -1, 0]


def test_flat_windows_have_the_oldest_step_first():
    flat = SlidingWindowTransformer(n_steps=2, flatten=True).fit_transform(FRAME.to_numpy())
    np.testing.assert_array_equal(
        flat, [[np.nan, np.nan, 1, 10], [1, 10, 2, 20], [2, 20, 3, 30], [3, 30, 4, 40]]
    )


def test_flat_windows_name_the_feature_and_its_step():
    transformer = SlidingWindowTransformer(n_steps=3, flatten=True).fit(FRAME)
    names = ["temp[t-2]", "wind[t-2]", "temp[t-1]", "wind[t-1]", "temp[t]", "wind[t]"]
    assert transformer.get_feature_names_out().tolist() == names
    transformer = SlidingWindowTransformer(n_steps=3, dilation=3, flatten=True)
    names = transformer.fit(FRAME[["temp"]].to_numpy()).get_feature_names_out()
    assert names.tolist() == ["x0[t-6]", "x0[t-3]", "x0[t]"]
    assert transformer.get_feature_names_out(["a"]).tolist() == ["a[t-6]", "a[t-3]", "a[t]"]


def test_windows_of_three_dimensions_have_no_column_names():
    assert not hasattr(SlidingWindowTransformer().fit(FRAME), "get_feature_names_out")


@pytest.mark.parametrize(
    "check",
    [
        "check_get_feature_names_out_error",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
    ],
)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_sklearn_checks_of_names_and_containers(check):
    transformer = SlidingWindowTransformer(n_steps=2, flatten=True)
    getattr(estimator_checks, check)("SlidingWindowTransformer", transformer)


def test_flat_windows_become_a_data_frame_with_the_index_of_the_rows():
    transformer = SlidingWindowTransformer(n_steps=2, flatten=True).set_output(transform="pandas")
    flat = transformer.fit_transform(FRAME)
    pd.testing.assert_index_equal(flat.index, FRAME.index)
    assert flat.loc["2013-01-01 01:00"].to_dict() == {
        "temp[t-1]": 1,
        "wind[t-1]": 10,
        "temp[t]": 2,
        "wind[t]": 20,
    }


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_index_passes_a_scaler_and_reaches_the_windows(everywhere):
    model = make_pipeline(StandardScaler(), SlidingWindowTransformer(n_steps=3), LastStep())
    if not everywhere:
        model.set_output(transform="pandas")
    with sklearn.config_context(transform_output="pandas" if everywhere else "default"):
        for fitted in (model, clone(model)):
            fitted.fit(FRAME.iloc[:3], [0, 0, 0])
            fitted.predict(FRAME.iloc[3:])
            assert fitted[-1].n_missing_ == 0
            windows = fitted[:-1].transform(FRAME)
    assert isinstance(windows, np.ndarray)
    assert windows.shape == (4, 3, 2)


def test_set_output_none_changes_nothing():
    transformer = SlidingWindowTransformer(n_steps=2, flatten=True).set_output(transform="pandas")
    assert isinstance(transformer.set_output().fit_transform(FRAME), pd.DataFrame)


def test_the_container_outlives_a_change_of_flatten():
    transformer = SlidingWindowTransformer(n_steps=2).set_output(transform="pandas")
    assert isinstance(transformer.fit_transform(FRAME), np.ndarray)
    assert isinstance(transformer.set_params(flatten=True).fit_transform(FRAME), pd.DataFrame)


def test_flat_windows_go_beside_other_columns():
    columns = make_column_transformer(
        (SlidingWindowTransformer(n_steps=2, flatten=True), ["temp"]), remainder="passthrough"
    ).set_output(transform="pandas")
    assert columns.fit_transform(FRAME).columns.tolist() == [
        "slidingwindowtransformer__temp[t-1]",
        "slidingwindowtransformer__temp[t]",
        "remainder__wind",
    ]


def test_windows_are_searched_over_in_a_grid():
    X, y = make_supervised(pd.Series(np.sin(np.arange(60.0)), name="wave"))
    model = make_pipeline(SlidingWindowTransformer(flatten=True, padding="edge"), Ridge(alpha=1e-6))
    grid = {
        "slidingwindowtransformer__n_steps": [1, 4],
        "slidingwindowtransformer__history": [True, False],
    }
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit()).fit(X, y)
    assert search.best_params_ == {
        "slidingwindowtransformer__n_steps": 4,
        "slidingwindowtransformer__history": True,
    }


def test_other_names_and_numbers_of_features_raise_scikit_learns_errors():
    transformer = SlidingWindowTransformer(n_steps=2).fit(FRAME)
    with pytest.raises(ValueError, match="Feature names unseen at fit time:\n- rain"):
        transformer.transform(FRAME.rename(columns={"wind": "rain"}))
    with pytest.raises(ValueError, match="X has 1 features, but SlidingWindowTransformer is exp"):
        SlidingWindowTransformer().fit(FRAME.to_numpy()).transform(FRAME[["wind"]].to_numpy())
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        transformer.transform(FRAME.to_numpy())


def test_a_failed_fit_leaves_the_former_one_as_it_was():
    transformer = SlidingWindowTransformer(n_steps=2).fit(FRAME)
    with pytest.raises(ValueError, match="infinity"):
        transformer.fit(FRAME[["wind"]].replace(10, np.inf))
    assert transformer.feature_names_in_.tolist() == ["temp", "wind"]
    transformer.transform(FRAME)


@pytest.mark.parametrize("dtype", ["float32", "Float64", "Int64", "float64[pyarrow]"])
def test_dtypes_of_pandas(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    windows = SlidingWindowTransformer(n_steps=2).fit_transform(FRAME.astype(dtype))
    assert windows.dtype == ("float32" if dtype == "float32" else "float64")
    np.testing.assert_array_equal(windows[3], FRAME.to_numpy()[2:])


def test_polars_has_names():
    frame = pl.DataFrame({"temp": [1.0, None, 3.0], "wind": [10, 20, 30]})
    transformer = SlidingWindowTransformer(n_steps=2, flatten=True).set_output(transform="polars")
    flat = transformer.fit_transform(frame)
    assert flat.columns == ["temp[t-1]", "wind[t-1]", "temp[t]", "wind[t]"]
    np.testing.assert_array_equal(flat[2].to_numpy(), [[np.nan, 20, 3, 30]])
    X, y = make_supervised(frame[:, 1:])
    np.testing.assert_array_equal(X, [[10], [20]])
    np.testing.assert_array_equal(y, [20, 30])


def test_a_window_explains_itself():
    transformer = SlidingWindowTransformer(n_steps=3).fit(FRAME)
    assert transformer.explain_window(FRAME, 1).splitlines() == [
        "Window 1",
        "  t-2  missing",
        "  t-1  row 0  2013-01-01 00:00:00",
        "  t    row 1  2013-01-01 01:00:00",
        "Target",
        "  t+1  row 2  2013-01-01 02:00:00",
    ]


def test_a_window_explains_its_history_and_a_target_to_come():
    transformer = SlidingWindowTransformer(n_steps=3, dilation=2).fit(FRAME[:3])
    assert transformer.explain_window(FRAME[3:], -1, horizon=[1, 12]).splitlines() == [
        "Window 0",
        "  t-4  missing",
        "  t-2  remembered  2013-01-01 01:00:00",
        "  t    row 0  2013-01-01 03:00:00",
        "Target",
        "  t+1  after the last row",
        "  t+12 after the last row",
    ]


def test_a_window_of_a_series_among_others_explains_itself():
    rows = [[0.0], [100.0], [1.0], [101.0]]
    transformer = SlidingWindowTransformer(n_steps=3, padding="edge").fit(rows)
    assert transformer.explain_window(rows, 1, groups=["a", "b", "a", "b"]).splitlines() == [
        "Window 1 of series 'b'",
        "  t-2  row 1",
        "  t-1  row 1",
        "  t    row 1",
        "Target",
        "  t+1  row 3",
    ]


def test_explained_rows_are_those_of_the_window_and_its_target():
    X, y = make_supervised(FRAME, target="temp", horizon=2)
    transformer = SlidingWindowTransformer(n_steps=2).fit(FRAME)
    windows = transformer.transform(X)
    text = transformer.explain_window(FRAME, 1, horizon=2)
    rows = [int(line.split("row ")[1].split()[0]) for line in text.splitlines() if "row" in line]
    np.testing.assert_array_equal(windows[1], FRAME.iloc[rows[:2]])
    np.testing.assert_array_equal(y.iloc[1], FRAME["temp"].iloc[rows[2:]])


@pytest.mark.parametrize("i", [4, -5, 1.0, "1"])
def test_only_rows_have_windows_to_explain(i):
    with pytest.raises(ValueError, match="i must be the number of one of the 4 rows, got"):
        SlidingWindowTransformer().fit(FRAME).explain_window(FRAME, i)
