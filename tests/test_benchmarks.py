"""Test that benchmarks run; what they measure is for quiet machines."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_first_fit_is_measured():
    """The one script that calls a private function."""
    command = [sys.executable, BENCHMARKS / "first_fit.py", "--peer", "sklstm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout)
    assert set(seconds) == {"import", "second", "compile"}
    assert all(value > 0 for value in seconds.values())
