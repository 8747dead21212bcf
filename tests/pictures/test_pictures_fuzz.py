"""Mutated pictures of every format, a few: benchmarks/pictures_fuzz.py tries twenty thousand."""

import subprocess
import sys

import pytest

from builders.places import ROOT


@pytest.mark.slow
def test_what_is_accepted_is_one_picture_to_everybody():
    """Of each mutant that is accepted or saved, inspection, datasets and our loader show the same."""
    command = [sys.executable, ROOT / "benchmarks/pictures_fuzz.py", "--mutants", "300", "--seed", "1"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "different to somebody: 0" in run.stdout
