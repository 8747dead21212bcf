"""A budget, and what stays free on the disk: a run stops before either is used up, says so, and loses nothing."""

from __future__ import annotations

import shutil

import pytest

from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.errors import OutOfSpaceError
from logoingest.pipeline import open_run, take_down
from logoingest.pipeline.retention.takedown import Takedown
from logoingest.workspace import Workspace


def measure(dataset) -> int:
    return sum(Workspace(dataset.folder / "work").measure_parts().values())


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_the_fetch_stops_at_its_budget_and_goes_on_where_it_stopped(make_dataset, capsys, processes):
    """Exit code 6, one line that says what to do; what came is not asked for again; a budget that is used up is not begun."""
    dataset = make_dataset(pictures=15)
    dataset.site.delay_s = 0.1
    run(load_config(dataset.config), until="annotations")
    budget = measure(dataset) + 40_000  # of some 150 kB
    command = ["fetch", str(dataset.config), "--quiet", "--set", f"fetch.processes={processes}", "--set", "fetch.concurrency=4"]
    tight = [*command, "--set", f"retention.max_workspace_bytes={budget}"]
    assert main(tight) == 6
    said = capsys.readouterr().err.strip().splitlines()
    assert "has used up retention.max_workspace_bytes" in said[-1]
    assert "what is done is kept" in said[-1]
    first = dict(dataset.site.requests)
    assert 0 < sum(first.values()) < 60
    dataset.site.delay_s = 0.0
    assert main(tight) == 6
    if measure(dataset) >= budget:
        assert dict(dataset.site.requests) == first, "nothing was asked"
    assert main(command) == 0
    asked_twice = sum(count > 1 for path, count in dataset.site.requests.items() if path.startswith(("/acme", "/bolt")))
    assert asked_twice <= 8, "those that were under way, no others"


@pytest.mark.slow
def test_a_release_that_does_not_fit_is_not_begun(make_dataset, monkeypatch):
    """The one before stays whole, for the budget as for the disk; a takedown, which makes room, goes through."""
    dataset = make_dataset(pictures=4)
    config = load_config(dataset.config)
    run(config)
    before = (dataset.release / "manifest.json").read_bytes()
    dataset.add_picture("acme", 50)
    dataset.write()
    run(config, until="splits")
    budget = {"retention.max_workspace_bytes": measure(dataset) + 1000}
    free = shutil.disk_usage(dataset.folder).free
    for bound in (budget, {"retention.min_free_bytes": free * 2}):
        with pytest.raises(OutOfSpaceError, match="the release"):
            run(load_config(dataset.config, bound))
        assert (dataset.release / "manifest.json").read_bytes() == before
    with open_run(load_config(dataset.config, budget)) as opened:
        take_down(opened, Takedown(urls=[dataset.site.url("/acme/0.jpg")]))
    assert (dataset.release / "manifest.json").read_bytes() != before
