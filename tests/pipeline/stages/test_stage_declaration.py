"""A stage is declared once: its ``StageSpec``, and its place in the one list; everything else is derived."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from logoingest import load_config
from logoingest.cli.main import main
from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.pipeline import ROUTE, Run, StageOutput, StageSpec, plan, run, run_stage, select_stages, summarise_status, verify
from logoingest.pipeline.stages import STAGES, find_stage, list_upstream
from logoingest.schemas import Stage

TOY_FILE = "toy.json"


def make_toy(run: Run) -> StageOutput:
    """Count the samples."""
    count = run.workspace.read_table("samples").num_rows
    record = run.workspace.write_bytes(TOY_FILE, json.dumps(count).encode())
    return StageOutput({TOY_FILE: record}, {"counted": count})


TOY = StageSpec(
    name="toy",
    version=1,
    needs=(Stage.SAMPLES,),
    reads={"tables/samples.parquet": Stage.SAMPLES},
    make=make_toy,
    help="count the samples",
    settings=lambda config: config.dataset.min_images,
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> StageSpec:
    """The toy on the route, behind the splits: the list is all that is touched."""
    at = STAGES.index(find_stage(Stage.RELEASE))
    monkeypatch.setattr("logoingest.pipeline.stages.STAGES", (*STAGES[:at], TOY, *STAGES[at:]))
    return TOY


def run_route(config: Config, until: str | None = None) -> dict[str, str]:
    """Run it: why each stage ran that did."""
    return {str(outcome.stage): outcome.why for outcome in run(config, until) if outcome.ran}


def show(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("toy")
def test_a_new_stage_is_planned_run_when_stale_and_shown(make_dataset, capsys):
    """Its file and the list are enough: route, staleness, plan, status and the command line know it."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config, environ={})
    planned = {entry.stage: entry for entry in plan(Run(config), "toy").stages}
    assert (planned["toy"].action, planned["toy"].why) == ("run", "never run")
    assert planned["release"].action == "skip"

    assert "counted" in show(capsys, "run", dataset.config, "--until", "toy", "--quiet")
    manifest = Run(config).workspace.read_manifest()
    assert list(manifest.stages) == ["annotations", "labels", "fetch", "images", "samples", "splits", "toy"]
    assert run_route(config, "toy") == {}
    assert set(run_route(config)) == {"release", "report"}

    status = {entry.stage: entry for entry in summarise_status(Run(config)).stages}
    assert list(status) == ["annotations", "labels", "fetch", "images", "samples", "splits", "toy", "release", "train", "report"]
    assert (status["toy"].state, status["toy"].counts) == ("fresh", manifest.stages["toy"].counts)
    assert "toy" in show(capsys, "status", dataset.config)
    assert verify(Run(config)) == []


@pytest.mark.slow
@pytest.mark.usefixtures("toy")
def test_a_new_stage_runs_again_when_its_setting_or_what_it_reads_changes(make_dataset, capsys):
    """And nothing else does where nothing else depends on it."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config, environ={})
    run(config, "toy")
    changed = load_config(dataset.config, ["dataset.min_images=2"], environ={})
    assert run_route(changed, "toy") == {"toy": "changed: config"}

    text = (dataset.folder / "map.toml").read_text()
    (dataset.folder / "map.toml").write_text(text.replace('["акме"]', '["акме", "something nobody knows"]'))
    planned = {entry.stage: entry.action for entry in plan(Run(changed), "toy").stages}
    assert (planned["labels"], planned["fetch"], planned["toy"]) == ("run", "skip", "run if its input changes")
    assert run_route(changed, "toy")["toy"] == "changed: tables/samples.parquet"

    assert run_route(changed, "toy") == {}
    (dataset.folder / "work" / TOY_FILE).unlink()
    assert run_route(changed, "toy") == {"toy": "its files are missing or cut short"}
    assert "done" in show(capsys, "toy", dataset.config, "--quiet", "--set", "dataset.min_images=2")  # its own command does it anew


@pytest.mark.usefixtures("toy")
def test_a_new_stage_says_what_it_needs_first(make_dataset):
    config = load_config(make_dataset(pictures=1).config, environ={})
    with pytest.raises(UsageError, match=r"toy: needs samples first; run with --until toy, or that stage"):
        run_stage(Run(config), "toy")


@pytest.mark.usefixtures("toy")
def test_a_new_stage_is_a_command_with_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "count the samples" in capsys.readouterr().out


def make_nothing(_run: Run) -> StageOutput:
    return StageOutput({}, {})


def switch_off(_config: Config) -> bool:
    return False


def refuse_to_begin(_run: Run) -> None:
    raise UsageError("the toy box is not installed")


def fail_gate(_run: Run) -> UsageError:
    return UsageError("the toy is broken")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"check_extras": refuse_to_begin}, "not installed"), ({"find_fault": fail_gate}, "is broken")],
    ids=["extras", "gate"],
)
def test_a_new_stage_brings_its_own_gate_and_check(change: dict[str, Callable[..., object]], message, make_dataset, monkeypatch):
    """The check stands before the first stage, the gate behind the last."""
    monkeypatch.setattr(
        "logoingest.pipeline.stages.STAGES", (STAGES[0], TOY._replace(needs=(), reads={}, make=make_nothing, **change))
    )
    config = load_config(make_dataset(pictures=1).config, environ={})
    with pytest.raises(UsageError, match=message):
        run(config)
    assert ("toy" in Run(config).workspace.read_manifest().stages) is ("find_fault" in change)


def test_what_the_config_switches_off_runs_only_when_it_is_asked_for(make_dataset, monkeypatch):
    monkeypatch.setattr("logoingest.pipeline.stages.STAGES", (*STAGES, TOY._replace(is_wanted=switch_off)))
    config = load_config(make_dataset(pictures=1).config, environ={})
    assert "toy" not in select_stages(config)
    assert select_stages(config, "toy")[-1] == "toy"
    assert Stage.TRAIN not in select_stages(config, "toy")


def test_the_route_is_in_an_order_that_can_run():
    """Each stage stands behind those that it needs and those whose files it reads; names, and files' makers, exist."""
    seen: set[str] = set()
    for spec in STAGES:
        assert {*spec.needs, *spec.reads.values()} <= seen, spec.name
        assert list_upstream(spec.name) <= seen
        assert spec.name not in seen
        seen.add(spec.name)
    assert tuple(ROUTE) == tuple(Stage)
    assert len({spec.word for spec in STAGES}) == len(STAGES)


def test_a_stage_that_does_not_exist_is_named_with_the_nearest_that_does(make_dataset):
    config = load_config(make_dataset(pictures=1).config, environ={})
    with pytest.raises(UsageError, match=r'stage sample: there is no such stage; did you mean "samples"\?'):
        run(config, "sample")
