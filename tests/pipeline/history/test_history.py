"""``history.jsonl``: a line a run, whatever became of it, and the last one's figures for Prometheus."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.errors import GateError, LeaseLostError, UsageError, find_exit_code
from logoingest.pipeline import Run, read_history, record_run
from logoingest.pipeline.history import entries
from logoingest.pipeline.history.entries import HISTORY_FILE, RunEntry, keep_entry
from logoingest.pipeline.history.metrics import Gauge, render_metrics
from logoingest.workspace import Workspace


@pytest.mark.slow
def test_each_run_leaves_a_line_of_what_it_came_to(make_dataset, capsys):
    """The first, one with nothing new, one with more answers, one that fails a gate: stages, what changed, pictures, exit code."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config)
    for _ in range(2):
        run(config)
    dataset.add_picture("acme", 50)
    dataset.write('[metrics]\nfolder = "."')
    assert main(["run", str(dataset.config), "--quiet", "--set", "dataset.max_failed_share=0.01"]) == 4
    first, fresh, further = read_history(Workspace(config.workspace_url))
    assert list(first.stages) == ["annotations", "labels", "fetch", "images", "samples", "splits", "release", "report"]
    assert (first.exit_code, first.changed, first.error) == (0, [], "")
    assert (fresh.stages, fresh.changed, fresh.release, fresh.exit_code) == ({}, [], first.release, 0)
    assert further.changed == ["answers.csv"]
    assert (further.pictures, further.version, further.exit_code) == (sum(count_released(dataset.release).values()), 2, 4)
    assert (further.failed, further.urls) == (first.failed, first.urls + 1)
    assert f"{first.failed} of" in further.error
    assert "http" not in further.error
    capsys.readouterr()
    assert main(["status", str(dataset.config), "--history"]) == 0
    shown = capsys.readouterr().out
    assert f"({further.pictures - first.pictures:+})" in shown
    assert "answers.csv" in shown
    check_metrics((dataset.folder / "logoingest_small.prom").read_text(encoding="utf-8"), further)


def count_released(release: Path) -> dict[str, int]:
    """Split → pictures."""
    return json.loads((release / "manifest.json").read_text())["splits"]


def check_metrics(text: str, entry: RunEntry) -> None:
    """As Prometheus reads it."""
    parser = pytest.importorskip("prometheus_client.parser")
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    assert all(sample.labels["dataset"] == "small" and sample.timestamp is None for f in families.values() for sample in f.samples)
    values = {
        name.removeprefix("logoingest_"): {tuple(sample.labels.values())[1:]: sample.value for sample in family.samples}
        for name, family in families.items()
    }
    assert values["run_exit_code"] == {(): 4}
    assert values["urls"] == {("ok",): entry.urls - entry.failed, ("failed",): entry.failed}
    assert sum(values["released_pictures"].values()) == entry.pictures
    assert values["rejected_rows"]["fetch", "http_4xx"] == 1
    assert sum(values["rejected_rows"].values()) == values["rows"]["rejected",]
    assert values["workspace_bytes"]["downloads",] > 10_000
    assert values["stage_duration_seconds"]["release",] == entry.stages["release"]
    assert values["run_last_success_timestamp_seconds"][()] <= values["run_start_timestamp_seconds"][()]


def test_a_label_may_be_anything():
    """Quotes, backslashes and line ends are escaped as the format says; a gauge without samples is not there."""
    text = render_metrics("d", iter([Gauge("none", "Nothing.", []), Gauge("one", "One.", [({"part": 'a"b\\c\nd'}, 1)])]))
    assert text == '# HELP logoingest_one One.\n# TYPE logoingest_one gauge\nlogoingest_one{dataset="d",part="a\\"b\\\\c\\nd"} 1\n'


@pytest.mark.slow
def test_a_killed_run_leaves_a_line_without_an_end(make_dataset):
    """The next one's line comes behind it."""
    dataset = make_dataset(pictures=2)
    dataset.site.delay_s = 5.0
    process = subprocess.Popen([sys.executable, "-m", "logoingest", "run", str(dataset.config)], stderr=subprocess.PIPE)
    for line in process.stderr:
        if b"fetch" in line:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    dataset.site.delay_s = 0.0
    run(load_config(dataset.config))
    killed, whole = read_history(Workspace(load_config(dataset.config).workspace_url))
    assert (killed.what, killed.exit_code, killed.seconds) == ("run", None, None)
    assert whole.exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GateError("g"), 3), (UsageError("u"), 2), (LeaseLostError("l"), 5), (KeyboardInterrupt(), 130), (KeyboardInterrupt(15), 143),
        (ValueError("v"), 1), (SystemExit(1), 143),
    ],
)  # fmt: skip
def test_a_run_ends_as_its_error_does(tmp_path, make_dataset, error, code):
    """And the error goes on up; a URL in it, which may have to be forgotten, is not kept."""
    opened = Run(load_config(make_dataset(pictures=1).config))
    with pytest.raises(type(error)), record_run(opened, "test"):
        raise error
    assert [entry.exit_code for entry in read_history(opened.workspace)] == [code] == [find_exit_code(error)]


def test_no_url_is_kept(make_dataset):
    """It may be one that is taken down later."""
    opened = Run(load_config(make_dataset(pictures=1).config))
    with pytest.raises(UsageError), record_run(opened, "test"):
        raise UsageError("row 3: http://a.example/secret.jpg is odd")
    assert [entry.error for entry in read_history(opened.workspace)] == ["row 3: (URL) is odd"]


def test_the_history_is_bounded_and_survives_what_is_no_line_of_it(tmp_path, monkeypatch):
    """The newest stay; a line of a later version, with a field more, is read."""
    monkeypatch.setattr(entries, "MAX_ENTRIES", 3)
    workspace = Workspace(tmp_path)
    (tmp_path / HISTORY_FILE).write_text(
        'nonsense\n[1]\n{"what": "x"}\n{"started_at": "2026-01-01T00:00:00Z", "what": "run", "new": 1}\n'
    )
    assert [entry.what for entry in read_history(workspace)] == ["run"]
    for number in range(5):
        keep_entry(workspace, RunEntry(f"2026-01-0{number + 2}T00:00:00Z", "run"))
    assert [entry.started_at[:10] for entry in read_history(workspace)] == ["2026-01-04", "2026-01-05", "2026-01-06"]
    assert all(set(json.loads(line)) > {"what", "failed_share"} for line in (tmp_path / HISTORY_FILE).read_text().splitlines())


def test_a_folder_for_metrics_that_is_not_there_costs_a_warning(make_dataset, caplog):
    """The run itself is none the worse for it."""
    dataset = make_dataset(pictures=1)
    run(load_config(dataset.config, {"metrics.folder": "nowhere", "fetch.max_attempts": 1}), until="annotations")
    assert "metrics.folder" in caplog.text
    assert not Path(dataset.folder / "nowhere").exists()
