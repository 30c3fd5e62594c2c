"""Tests that the documentation is true: doctests, public names, and silence where promised."""

import doctest
import pkgutil
import re
import subprocess
import sys
import types
from importlib import import_module
from pathlib import Path

import pytest

import sklstm

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MODULES = [
    "sklstm",
    *(module.name for module in pkgutil.walk_packages(sklstm.__path__, "sklstm.")),
]
PUBLIC = ["sklstm", "sklstm.datasets"]

# scikit-learn 1.9 imports pandas by itself, where it is there.
IMPORT = """
import sys, sklearn.base
before = set(sys.modules)
import sklstm
heavy = {"tensorflow", "keras", "pandas", "matplotlib"} & (set(sys.modules) - before)
assert not heavy, heavy
"""


@pytest.mark.parametrize("name", MODULES)
def test_doctests_of_a_module(name):
    module = import_module(name)
    written = re.findall(r"^ *>>> ", Path(module.__file__).read_text(encoding="utf-8"), re.M)
    assert doctest.testmod(module) == (0, len(written))


def test_every_public_name_has_a_doctest():
    for public in sklstm.__all__:
        assert ">>> " in getattr(sklstm, public).__doc__
    assert len(MODULES) >= 45


class MarkdownParser(doctest.DocTestParser):
    """Read examples from Markdown, where a fence ends the output above it."""

    def parse(self, string, name="<string>"):
        """Read examples from Markdown."""
        return super().parse(string.replace("```", ""), name)


def test_session_in_the_readme():
    results = doctest.testfile(
        str(README), module_relative=False, parser=MarkdownParser(), encoding="utf-8"
    )
    assert results.failed == 0
    assert results.attempted >= 10


def test_readme_has_the_two_commands():
    lines = README.read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python -m pip install ")]
    assert commands == [
        "python -m pip install . && python examples/plot_sine_forecast.py",
        'python -m pip install ".[test]" && pytest -n 2 --dist worksteal',
    ]


@pytest.mark.parametrize("name", [path.stem for path in (ROOT / "examples").glob("plot_*.py")])
def test_readme_shows_every_example_by_a_small_image(name):
    link = f"[![](docs/images/{name}.png)](examples/{name}.py)"
    assert link in README.read_text(encoding="utf-8")
    assert (ROOT / "docs" / "images" / f"{name}.png").stat().st_size < 60_000


def test_reference_has_every_public_module():
    # and, by its templates, every name in their __all__
    assert (
        re.findall(r"^   (sklstm\S*)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE) == PUBLIC
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_sorted_and_there(name):
    module = import_module(name)
    assert module.__all__ == sorted(module.__all__)
    for public in module.__all__:
        assert getattr(module, public).__doc__


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_else_is_private(name):
    module = import_module(name)
    ours = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "sklstm").startswith("sklstm")
    }
    assert ours == set(module.__all__)


def test_import_is_silent_and_light(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", IMPORT],
        cwd=tmp_path,  # elsewhere, as a user would
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
