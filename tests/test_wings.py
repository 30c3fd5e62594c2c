"""The house: which wing may import which, where TensorFlow is, and which names pickles hold."""

import ast
import inspect
import pickle
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import sklstm

PACKAGE = Path(sklstm.__file__).parent
# Each may import those before it. The last two do not import each other.
WINGS = ["windows", "network", "training", "export", "estimators", "forecasting", "plotting"]
LEVELS = {wing: level for level, wing in enumerate(WINGS)} | {"plotting": 5}
BELOW_ALL = {"_random", "_threads", "_version", "_warnings", "datasets"}
MODULES = sorted(path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=str)


def find_imports(path):
    """Find the modules that a file imports, within functions too."""
    for node in ast.walk(ast.parse((PACKAGE.parent / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports must be absolute"
            # what is imported may be a module itself
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", node.func) == "import_module":
            yield ast.literal_eval(node.args[0])


def is_allowed(path, imported):
    """Tell whether a file may import a module."""
    wing = path.parts[1].removesuffix(".py")
    package, *rest = imported.split(".")
    if package in ("tensorflow", "keras"):
        return wing == "training"
    if package != "sklstm" or wing == "__init__":
        return True
    other = rest[0] if rest else None
    if wing in BELOW_ALL:
        return other in BELOW_ALL
    return other in BELOW_ALL or other == wing or LEVELS.get(other, 9) < LEVELS[wing]


@each_module
def test_imports_go_down_only(path):
    wrong = [imported for imported in find_imports(path) if not is_allowed(path, imported)]
    assert not wrong


@pytest.mark.parametrize(
    ("wing", "imported", "allowed"),
    [
        ("windows", "sklstm.network.forward.predict", False),
        ("windows", "sklstm._warnings.warn", True),
        ("windows", "numpy", True),
        ("network", "sklstm.windows.rows.as_rows", True),
        ("network", "tensorflow", False),
        ("training", "tensorflow", True),
        ("training", "sklstm.export.keras.to_keras", False),
        ("export", "keras", False),
        ("estimators", "sklstm.forecasting.forecast.forecast", False),
        ("plotting", "sklstm.forecasting.forecast.forecast", False),
        ("forecasting", "sklstm.plotting.times", False),
        ("forecasting", "sklstm.LSTMRegressor", False),
        ("plotting", "sklstm", False),
    ],
)
def test_the_walk_knows_up_from_down(wing, imported, allowed):
    assert is_allowed(Path("sklstm", wing, "module.py"), imported) == allowed


def test_modules_do_not_import_in_circles():
    names = {".".join(path.with_suffix("").parts): path for path in MODULES}
    waiting = {
        name: {
            other
            for imported in find_imports(path)
            for other in (imported, imported.rpartition(".")[0])
            if other in names
        }
        for name, path in names.items()
    }
    while waiting:
        free = [name for name, others in waiting.items() if not others & waiting.keys()]
        assert free, f"These import each other: {sorted(waiting)}."
        for name in free:
            del waiting[name]


def test_the_wings_are_those_of_the_plan():
    found = {module.name for module in pkgutil.iter_modules([str(PACKAGE)])}
    assert found == BELOW_ALL | set(WINGS)
    for wing in WINGS:  # nothing is imported from a wing itself
        assert {name for name in vars(import_module(f"sklstm.{wing}")) if name[0] != "_"} <= {
            module.name for module in pkgutil.iter_modules([str(PACKAGE / wing)])
        }


# Files of pickle, joblib and skops hold these names. So a module that moves must leave a module of
# its name behind, which imports the class from its new place.
SETTLED = {
    "ConformalForecaster": "sklstm.forecasting.conformal",
    "ForecastDisplay": "sklstm.plotting.forecast",
    "HorizonErrorDisplay": "sklstm.plotting.horizon_error",
    "LSTMRegressor": "sklstm.estimators.regressor",
    "LossCurveDisplay": "sklstm.plotting.loss_curve",
    "PanelTimeSeriesSplit": "sklstm.windows.splitter",
    "SlidingWindowTransformer": "sklstm.windows.transformer",
}


def test_public_classes_keep_the_names_that_files_hold():
    classes = {name for name in sklstm.__all__ if inspect.isclass(getattr(sklstm, name))}
    assert classes == set(SETTLED)
    for name, module in SETTLED.items():
        public = getattr(sklstm, name)
        assert public.__module__ == module
        assert getattr(import_module(module), name) is public
        assert pickle.loads(f"c{module}\n{name}\n.".encode()) is public


@pytest.mark.parametrize("name", SETTLED)
def test_the_source_of_public_classes_is_found(name):
    source = inspect.getsource(getattr(sklstm, name))
    assert source.startswith(f"class {name}")


def count_lines(function):
    """Count the lines of a function without its docstring."""
    docstring = ast.get_docstring(function, clean=False) or ""
    n_lines = function.end_lineno - function.lineno + 1
    return n_lines - (docstring.count("\n") + 1 if docstring else 0)


@each_module
def test_files_and_functions_are_short(path):
    text = (PACKAGE.parent / path).read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            assert count_lines(node) <= 45, node.name
