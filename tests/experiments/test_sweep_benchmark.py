"""The benchmark of sweeps does what it says, on drawn logos."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from builders.places import ROOT

pytestmark = pytest.mark.slow


def test_the_tiny_sweep_goes_all_the_way(tmp_path):
    """Trials, finalists and test, each with its CPU seconds."""
    command = [sys.executable, ROOT / "benchmarks/sweep.py", "--tiny", "--trials", "2", "--parallel", "1", "--folder", tmp_path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert re.search(r"CPU s of [56] trainings", said)  # one less where the config as it stands is the winner
    assert "test.top1" in said
    assert (tmp_path / "work/sweep/best.toml").exists()
