"""Requirements: what is imported is declared, and nothing else."""

import ast
import configparser
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OPTIONAL = {"pandas"}  # imported where the user passes its objects, or asks for a frame
DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # the others are called as what they install


def list_imports(path):
    """List the packages that a file imports, in functions too, but not its own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def test_what_is_imported_is_required_and_nothing_else():
    imported = {name for path in (ROOT / "sklstm").rglob("*.py") for name in list_imports(path)}
    imported -= set(sys.stdlib_module_names) | OPTIONAL | {"sklstm"}
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = settings["options"]["install_requires"].split()
    assert {DISTRIBUTIONS.get(name, name) for name in imported} == {
        re.split(r"[<>=!~]", line)[0] for line in lines
    }
    assert all(">=" in line for line in lines)
