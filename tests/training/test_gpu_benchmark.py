"""The benchmark of the GPU path runs where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from builders.places import ROOT


@pytest.mark.slow
def test_the_benchmark_runs_on_a_cpu():
    """A tiny release, a small network: a row for us and one for torchvision's reference."""
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines()[-2:]] == ["logoingest", "torchvision's reference"]
