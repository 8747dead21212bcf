"""A list of which three in ten URLs are faulty, small: benchmarks/faulty_list.py fetches the large one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from builders.places import ROOT


@pytest.mark.slow
def test_every_url_of_a_faulty_list_ends_as_planned():
    """300 URLs of 33 kinds, robots.txt, dead hosts and a slow drip among them: reasons, and how often each was asked for, are the plan's."""
    limits = ["--urls", "300", "--shard-size", "100", "--max-attempts", "2", "--total-timeout-s", "5", "--read-timeout-s", "4"]
    command = [sys.executable, ROOT / "benchmarks/faulty_list.py", *limits, "--any-wall"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        name: (int(planned), int(counted))
        for name, planned, counted in re.findall(r"^(\w+) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    }
    assert counts.pop("URLs") == (300, 300)
    assert len(counts) >= 20
    assert all(planned == counted > 0 for planned, counted in counts.values())
    assert "as planned: every URL" in done.stdout
