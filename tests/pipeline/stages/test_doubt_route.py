"""A crowd that guesses, end to end: status warns on the terminal, the report has the notice."""

from __future__ import annotations

import random

import pytest

from builders.datasets import Dataset
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.schemas import Stage

NOTICE = "people agree no better than chance"


@pytest.mark.slow
def test_random_votes_are_said_to_be_guesses(site, tmp_path, capsys):
    """Twelve pictures, five random answers each."""
    dataset = Dataset(tmp_path, site)
    rng = random.Random(4)
    for seed in range(12):
        path = dataset.add_picture("acme", seed, votes=0)
        for worker in range(5):
            dataset.add_row(path, rng.choice(["Acme", "Bolt", "Dune", "Citrön"]), f"w{worker}")
    config = dataset.write()
    run(load_config(config, (), {}), until=Stage.REPORT)
    assert main(["status", str(config)]) == 0
    assert f"warning: {NOTICE}" in " ".join(capsys.readouterr().out.split())
    assert NOTICE in (tmp_path / "work/report.html").read_text("utf-8")
