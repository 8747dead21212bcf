"""A record of each training: what is kept, how many, and the table of them."""

from __future__ import annotations

import json

from logoingest.cli.main import main
from logoingest.pipeline.training_runs import keep_record, list_runs
from logoingest.workspace import Workspace

CONFIG = """
[dataset]
name = "d"
workspace = "ws"
[[sources]]
path = "a.csv"
[labels]
class_map = "m.toml"
"""


def finish_training(folder, day, passed=True):
    folder.mkdir()
    metrics = {
        "started_at": f"2026-01-{day:02}T10:20:30+00:00", "release": f"{day:02}abcdef" * 8, "recipe": "classify",
        "config": {"model": "mobilenet_v2", "seed": day, "lr": 0.003}, "verdict": {"passed": passed},
        "figures": {"validation.top1": 0.5, "test.top1": None}, "timings_s": {"total": 12.5},
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "model.safetensors").write_bytes(b"large")
    (folder / "curves.png").write_bytes(b"png")
    (folder / "tensorboard").mkdir()
    (folder / "tensorboard/events").write_bytes(b"events")
    return folder


def test_the_newest_records_are_kept_without_weights(tmp_path, capsys):
    """Three trainings, two records: settings, figures, pictures and logs, and a table on the command line and as JSON."""
    (tmp_path / "ws").mkdir()
    workspace = Workspace(str(tmp_path / "ws"))
    for day in (1, 2, 3):
        keep_record(workspace, finish_training(tmp_path / str(day), day, passed=day != 3), 2)
    assert [run.run for run in list_runs(workspace)] == ["2026-01-02-102030-02abcd", "2026-01-03-102030-03abcd"]
    kept = sorted(path.name for path in (tmp_path / "ws/runs/2026-01-03-102030-03abcd").iterdir())
    assert kept == ["curves.png", "metrics.json", "tensorboard"]
    (tmp_path / "dataset.toml").write_text(CONFIG)
    assert main(["baseline", "runs", str(tmp_path / "dataset.toml")]) == 0
    printed = capsys.readouterr().out
    assert "failed" in printed
    assert "0.500" in printed
    assert main(["baseline", "runs", str(tmp_path / "dataset.toml"), "--json"]) == 0
    assert [run["seed"] for run in json.loads(capsys.readouterr().out)] == [2, 3]


def test_no_records_are_kept_where_none_are_asked_for(tmp_path):
    """keep_runs = 0."""
    keep_record(Workspace(str(tmp_path)), finish_training(tmp_path / "a", 1), 0)
    assert not (tmp_path / "runs").exists()
