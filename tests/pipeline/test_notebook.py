"""The route in the kernel of a notebook, where an event loop runs already."""

from __future__ import annotations

import asyncio

import pytest

from logoingest import load_config, run
from logoingest.schemas import Stage

CELL = """
import asyncio
asyncio.get_running_loop()
from logoingest import load_config, open_release, run
outcomes = run(load_config({config!r}, {{"fetch.contact": "data@example.org", "fetch.processes": 2}}))
release = open_release({config!r})
release
"""


@pytest.mark.slow
def test_a_notebook_shows_bars_and_runs_inside_its_loop(make_dataset, monkeypatch, tmp_path):
    """run() in a cell: no loop in its way, one output that is drawn anew with bars and what each stage did, nothing on stderr."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    dataset = make_dataset()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(config=str(dataset.config)))])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert not [output for output in outputs if output.output_type in {"error", "stream"}]
    bars, shown = outputs
    assert bars.output_type == "display_data"
    stages = {line.split()[0] for line in bars.data["text/plain"].splitlines()}
    assert {str(stage) for stage in Stage} - stages == {"train"}
    assert bars.data["text/plain"].count("━") > 30
    assert bars.data["text/html"].startswith("<pre")
    assert "<table>" in shown.data["text/html"]
    assert shown.data["text/plain"].startswith("<Release small:")


def test_run_inside_a_running_loop(make_dataset):
    """A coroutine may call run(): fetching has a loop of its own."""

    async def call() -> list[str]:
        return [str(outcome.stage) for outcome in run(load_config(make_dataset(pictures=2).config), until=None) if outcome.ran]

    assert "fetch" in asyncio.run(call())
