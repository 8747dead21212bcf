"""The whole route over a real site: what comes out, what is done again, what is never lost."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from logoingest import load_config, open_release, run
from logoingest.errors import GateError, TooManyFailuresError, UsageError, WorkspaceError
from logoingest.pipeline import (
    Conservation,
    Run,
    explain_label_of,
    explain_row,
    explain_url,
    open_run,
    pending_shards,
    plan,
    retry,
    run_stage,
    summarise_status,
    verify,
)
from logoingest.pipeline.history.entries import HISTORY_FILE
from logoingest.schemas import Stage
from logoingest.workspace import Workspace
from logoingest.workspace.lease import hold_lease


def hash_folder(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def read_splits(folder: Path) -> dict[str, str]:
    found = {}
    for file in (folder / "data").iterdir():
        split = file.name.split("-")[0]
        found |= dict.fromkeys(pq.read_table(file, columns=["image_id"]).column(0).to_pylist(), split)
    return found


def reasons_of(config) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in summarise_status(Run(config)).funnel:
        for reason, count in step.reasons.items():
            found[reason] = found.get(reason, 0) + count
    return found


@pytest.mark.slow
def test_every_row_votes_or_is_rejected_with_its_reason(make_dataset):
    """One small real run: the law holds and each fault is named."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    status = summarise_status(Run(config))
    assert status.law == Conservation(annotations=len(dataset.rows), voted=97, rejected=12, pending=0, holds=True)
    assert reasons_of(config) == {
        "missing_url": 1,
        "http_4xx": 1,
        "bad_url": 1,
        "private_address": 1,
        "not_image": 1,
        "truncated": 1,
        "no_label": 3,
        "label_unknown": 1,
        "tie": 2,
    }
    assert verify(Run(config)) == []


def test_the_release_opens_as_its_readers_expect(make_dataset):
    """Class names, pictures and both URLs of the picture served twice."""
    dataset = make_dataset()
    run(load_config(dataset.config, environ={}))
    release = open_release(dataset.release)
    assert list(release.class_ids) == ["acme", "bolt", "citron", "dune"]
    rows = release.to_pandas()
    assert len(rows) == 32
    assert sorted(rows[rows["urls"].str.len() == 2]["urls"].iloc[0]) == sorted(
        [dataset.site.url("/acme/0.jpg"), dataset.site.url("/copy.jpg")]
    )


def test_a_second_run_does_nothing(make_dataset):
    """Fresh stages are skipped and no URL is asked for again."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    assert any(outcome.ran for outcome in run(config))
    before = hash_folder(dataset.folder)
    asked = dataset.site.requests.total()
    assert not any(outcome.ran for outcome in run(config))
    assert dataset.site.requests.total() == asked
    after = hash_folder(dataset.folder)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {f"work/{HISTORY_FILE}"}  # that it ran


def test_a_new_alias_reruns_labels_and_what_hangs_on_it_but_not_fetch(make_dataset):
    """The map is data: changing it costs no download."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    asked = dataset.site.requests.total()
    text = (dataset.folder / "map.toml").read_text()
    (dataset.folder / "map.toml").write_text(text.replace('["акме"]', '["акме", "something nobody knows"]'))
    ran = {outcome.stage for outcome in run(config) if outcome.ran}
    assert {Stage.LABELS, Stage.SAMPLES, Stage.RELEASE} <= ran
    assert not {Stage.ANNOTATIONS, Stage.FETCH, Stage.IMAGES} & ran
    assert dataset.site.requests.total() == asked
    assert "label_unknown" not in reasons_of(config)


def test_new_rows_move_no_earlier_picture(make_dataset):
    """Adding a tenth and more: every earlier picture stays in its split."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    before = read_splits(dataset.release)
    for class_number, class_id in enumerate(("acme", "bolt", "citron", "dune")):
        dataset.add_picture(class_id, 500 + class_number)
    dataset.write()
    run(config)
    after = read_splits(dataset.release)
    assert len(after) == len(before) + 4
    assert {image_id: after[image_id] for image_id in before} == before


@pytest.mark.slow
def test_row_order_does_not_change_the_release(make_dataset, tmp_path):
    """Shuffled sources give the same data files, byte for byte."""
    dataset = make_dataset()
    run(load_config(dataset.config, environ={}))
    random.Random(1).shuffle(dataset.rows)
    dataset.write()
    run(load_config(dataset.config, {"dataset.workspace": str(tmp_path / "other")}, {}))
    assert hash_folder(tmp_path / "other/release/data") == hash_folder(dataset.release / "data")


def test_retry_fetches_only_what_failed_for_the_reason(make_dataset):
    """The 404 that came back is fetched, everything else is left alone; the next run takes it in."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    dataset.site.pages["/gone.jpg"] = dataset.site.pages["/bolt/101.jpg"]
    dataset.site.requests.clear()
    with open_run(config) as opened:
        assert retry(opened, ["http"]) == (1, 1, 0)
        with pytest.raises(UsageError, match="there is no such reason"):
            retry(opened, ["bad luck"])
    assert dataset.site.requests == {"/robots.txt": 1, "/gone.jpg": 1}
    ran = {outcome.stage for outcome in run(config) if outcome.ran}
    assert Stage.IMAGES in ran
    assert "http_4xx" not in reasons_of(config)


def test_a_cut_shard_is_fetched_again(make_dataset):
    """A file truncated by a power failure is found by the next run, and mended."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    before = hash_folder(dataset.release)
    shard = dataset.folder / "work/downloads/shard-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-300])
    found = plan(Run(config))
    assert found.shards_left == 1
    assert {stage.stage: stage.action for stage in found.stages}["fetch"] == "run"
    run(config)
    assert hash_folder(dataset.release) == before


def test_plan_touches_nothing(make_dataset):
    """A plan of a fresh dataset counts rows and URLs and leaves no trace."""
    dataset = make_dataset()
    found = plan(Run(load_config(dataset.config, environ={})))
    assert (found.annotations, found.urls_left) == (len(dataset.rows) - 1, 40)
    assert {stage.stage: stage.action for stage in found.stages}["train"] == "skip"
    assert not (dataset.folder / "work").exists()


def test_plan_says_why(make_dataset):
    """A changed key names itself, and what hangs on it is marked."""
    dataset = make_dataset()
    run(load_config(dataset.config, environ={}))
    found = plan(Run(load_config(dataset.config, ["images.min_side_px=20"], {})))
    stages = {stage.stage: stage for stage in found.stages}
    assert (stages["images"].action, stages["images"].why) == ("run", "changed: config")
    assert stages["fetch"].action == "skip"
    assert stages["samples"].action == "run if its input changes"


@pytest.mark.parametrize(("contact", "warned"), [("", True), ("https://example.org/crawl", False)])
def test_plan_warns_of_a_fetch_that_names_nobody(make_dataset, contact, warned):
    """Before the first request it is said that a bothered host could turn to nobody."""
    dataset = make_dataset()
    warnings = plan(Run(load_config(dataset.config, {"fetch.contact": contact, "fetch.user_agent": ""}, {}))).warnings
    assert any("fetch.contact" in warning for warning in warnings) == warned


def test_explain_follows_one_thing_through_every_stage(make_dataset):
    """A URL, a label and a source row each have their trail."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    opened = Run(config)
    trail = explain_url(opened, dataset.site.url("/acme/0.jpg"))
    assert trail.splits["split"][0].as_py() in {"train", "validation", "test"}
    assert trail.samples["class_id"][0].as_py() == "acme"
    assert trail.rejected["reason"].to_pylist() == ["label_unknown"]
    label = explain_label_of(opened, "something nobody knows")
    assert label.rejected == {"labels: label_unknown": 1}
    row = explain_row(opened, len(dataset.rows))
    assert row.rejected["reason"][0].as_py() == "missing_url"
    for ask in (lambda: explain_url(opened, "http://nowhere/"), lambda: explain_row(opened, 10_000)):
        with pytest.raises(UsageError):
            ask()


def test_gates_are_named(make_dataset):
    """Too few pictures is exit code 3, too many dead links exit code 4, on the first run and on every later one."""
    dataset = make_dataset()
    for _ in range(2):
        with pytest.raises(GateError, match=r"32 pictures released, dataset\.min_images asks for 1,000"):
            run(load_config(dataset.config, ["dataset.min_images=1000"], {}))
        with pytest.raises(TooManyFailuresError, match="3 of 40 URLs failed"):
            run(load_config(dataset.config, ["dataset.max_failed_share=0.01"], {}))


def test_nothing_is_trained_on_a_release_that_must_not_be_used(make_dataset):
    """The training is left out, the report is written, and the run ends with the release's gate and the dead links beside it."""
    dataset = make_dataset()
    config = load_config(dataset.config, ["dataset.min_images=1000", "dataset.max_failed_share=0.01", "train.enabled=true"], {})
    with pytest.raises(GateError) as ended:
        run(config)
    assert [problem.where for problem in ended.value.problems] == ["fetch", "gate"]
    stages = Workspace(config.workspace_url).read_manifest().stages
    assert "report" in stages
    assert "train" not in stages


def test_one_run_at_a_time(make_dataset):
    """A second run is told that the workspace is in use."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    with hold_lease(Workspace(config.workspace_url)), pytest.raises(WorkspaceError, match="in use"):
        run(config)


def test_a_stage_without_its_needs_says_what_is_missing(make_dataset):
    """samples before images is a clear message."""
    dataset = make_dataset()
    with open_run(load_config(dataset.config, environ={})) as opened, pytest.raises(UsageError, match="needs annotations"):
        run_stage(opened, Stage.SAMPLES)


def test_a_release_edited_by_hand_is_noticed(make_dataset):
    """verify compares with what the workspace wrote, whatever the edited manifest says; and its form is no longer ours."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    manifest = dataset.release / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text())))
    assert {violation.where for violation in verify(Run(config))} == {"release/manifest.json", "manifest.json"}


def start(dataset) -> subprocess.Popen:
    command = [sys.executable, "-m", "logoingest", "run", str(dataset.config), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def count_steps(dataset) -> int:
    """How far a run has come: what it has asked for, and the files it has made."""
    return dataset.site.requests.total() + sum(len(files) for _, _, files in os.walk(dataset.folder / "work"))


@pytest.mark.slow
def test_kill_9_at_random_moments_costs_nothing(make_dataset, tmp_path):
    """Six kills, each some steps after the last, then a run: the release equals an undisturbed one byte for byte."""
    dataset = make_dataset(pictures=20)
    dataset.site.delay_s = 0.05
    run(load_config(dataset.config, {"dataset.workspace": str(tmp_path / "calm")}, {}))
    release = hash_folder(tmp_path / "calm/release")
    chance = random.Random(3)
    kills = 0
    while kills < 6:
        due = count_steps(dataset) + chance.randrange(1, 20)
        with start(dataset) as process:
            while count_steps(dataset) < due and process.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.choice([0, chance.uniform(0, 0.3)]))
            process.kill()
        kills += process.returncode != 0
        if process.returncode == 0:  # it was done before it could be killed: once more from nothing
            assert hash_folder(dataset.release) == release
            shutil.rmtree(dataset.folder / "work")
    with start(dataset) as process:
        assert process.wait(120) == 0, process.stderr.read()
    assert hash_folder(dataset.release) == release


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(make_dataset, sent, code):
    """Ctrl-C and SIGTERM end within seconds, with what is done kept and the lease given back."""
    dataset = make_dataset()
    dataset.site.delay_s = 0.5
    dataset.write("")
    with start(dataset) as process:
        while not dataset.site.requests:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(sent)
        sent_at = time.monotonic()
        message = process.communicate(timeout=30)[1].decode()
        assert process.returncode == code
    assert time.monotonic() - sent_at < 20
    assert f"Go on with: logoingest run {dataset.config}" in message
    assert not (dataset.folder / "work/lease.json").exists()


@pytest.mark.slow
def test_urls_that_are_no_longer_listed_count_for_nothing(make_dataset):
    """Dead ones taken out of the source: gate, status, plan, report and retry go by today's URLs, and what was fetched is not asked for."""
    dataset = make_dataset(pictures=3)
    rows = len(dataset.rows)
    for number in range(30):
        dataset.add_row(f"/dead/{number}.jpg", "Acme", "w1")
    dataset.write()
    config = load_config(dataset.config, ["dataset.max_failed_share=0.2"], {})
    with pytest.raises(TooManyFailuresError, match="33 of 50 URLs failed"):
        run(config)
    del dataset.rows[rows:]
    dataset.write()
    dataset.site.requests.clear()
    outcomes = {outcome.stage: outcome for outcome in run(config)}
    assert not dataset.site.requests
    assert outcomes[Stage.FETCH].counts == {"urls": 20, "fetched": 17, "failed": 3, "unlisted": 30, "megabytes": 0}
    opened = Run(config)
    assert (plan(opened).urls, plan(opened).urls_left) == (20, 0)
    assert "/dead/" not in (dataset.folder / "work/report.html").read_text()
    with open_run(config) as held:
        assert retry(held).tried < 10
    assert not any(path.startswith("/dead/") for path in dataset.site.requests)


def test_urls_that_are_taken_out_before_they_were_fetched_are_never_asked_for(make_dataset):
    """The plan is append-only for what is fetched; what is not there and not listed any more is dropped, whole shards of it too."""
    dataset = make_dataset(pictures=3)
    rows = len(dataset.rows)
    for number in range(30):
        dataset.add_row(f"/unwanted/{number}.jpg", "Acme", "w1")
    dataset.write()
    config = load_config(dataset.config, environ={})
    run(config, until=Stage.ANNOTATIONS)
    with open_run(config) as opened:
        assert len(pending_shards(opened)) == 5
    del dataset.rows[rows:]
    dataset.write()
    run(config)
    assert not any(path.startswith("/unwanted/") for path in dataset.site.requests)
    asked = dataset.site.requests.total()
    run(config)
    assert dataset.site.requests.total() == asked
