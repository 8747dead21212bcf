"""Logs: what each leaves on the disk, with the network refused; TensorBoard also of a training that is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from logoingest.errors import UsageError
from logoingest.training.logs.opening import check_logs, open_logs

SETTINGS = {"model": "mobilenet_v2", "lr": 0.003, "seed": 1, "balance": "none"}
EPOCHS = [
    {"train.loss": 1.5, "validation.top1": 0.25, "validation.loss": None},
    {"train.loss": float("nan"), "validation.top1": 0.5},
]


@pytest.fixture
def no_network(monkeypatch):
    """Whoever connects to another machine fails the test; proxies lead nowhere."""
    connect = socket.socket.connect

    def refuse(self, address):
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"asked for the network: {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def log(name: str, folder: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(folder / "curves.png")
    with open_logs([name], folder, SETTINGS, project="logos", name="first") as logs:
        for number, figures in enumerate(EPOCHS, 1):
            logs.add_epoch(number, figures)
        logs.finish({"test.top1": 0.75, "test.loss": None}, folder)


def test_the_file_of_epochs_is_always_there(tmp_path):
    """One line an epoch; what is not finite is null."""
    with open_logs([], tmp_path, SETTINGS, project="logos", name="first") as logs:
        for number, figures in enumerate(EPOCHS, 1):
            logs.add_epoch(number, figures)
    lines = [json.loads(line) for line in (tmp_path / "epochs.jsonl").read_text().splitlines()]
    assert lines == [
        {"epoch": 1, "train.loss": 1.5, "validation.top1": 0.25, "validation.loss": None},
        {"epoch": 2, "train.loss": None, "validation.top1": 0.5},
    ]


def read_events(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_tensorboard_has_curves_settings_and_pictures(tmp_path, no_network):
    """Scalars by split and metric, the settings and the figures in the end, the figures as images."""
    pytest.importorskip("tensorboard")
    log("tensorboard", tmp_path)
    events = read_events(tmp_path / "tensorboard")
    assert [(event.step, event.value) for event in events.Scalars("validation/top1")] == [(1, 0.25), (2, 0.5)]
    assert events.Scalars("final/test/top1")[0].value == 0.75
    assert events.Tags()["images"] == ["curves"]
    assert "_hparams_/session_start_info" in events.PluginTagToContent("hparams")


KILLED = """
import os, signal, sys
from pathlib import Path
from logoingest.training.logs.opening import open_logs

with open_logs(["tensorboard"], Path(sys.argv[1]), {"lr": 0.1}, project="logos", name="first") as logs:
    for epoch in (1, 2):
        logs.add_epoch(epoch, {"train.loss": 1.0 / epoch})
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_tensorboard_shows_the_curves_of_a_training_that_was_killed(tmp_path):
    """kill -9 after the second epoch: two points."""
    pytest.importorskip("tensorboard")
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    assert [event.value for event in read_events(tmp_path / "tensorboard").Scalars("train/loss")] == [1.0, 0.5]


@pytest.mark.slow
def test_wandb_leaves_an_offline_run(tmp_path, no_network):
    """A file that `wandb sync` could upload, with the pictures."""
    pytest.importorskip("wandb")
    log("wandb", tmp_path)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    (file,) = run.glob("*.wandb")
    ends = time.monotonic() + 30  # another process writes it
    while b"final.test.top1" not in (content := file.read_bytes()) and time.monotonic() < ends:
        time.sleep(0.1)
    assert b"validation.top1" in content
    assert b"final.test.top1" in content
    assert b"mobilenet_v2" in content
    assert list((run / "files/media/images").glob("curves*.png"))


def test_mlflow_leaves_a_store(tmp_path, no_network):
    """Every epoch, settings, figures in the end and pictures, read back by its own client."""
    pytest.importorskip("mlflow")
    log("mlflow", tmp_path)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("logos").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["lr"] == "0.003"
    assert run.data.metrics["final.test.top1"] == 0.75
    assert [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "validation.top1")] == [
        (1, 0.25),
        (2, 0.5),
    ]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["curves.png"]


def test_a_log_whose_package_is_missing_is_named_before_any_work(monkeypatch):
    """With what to install; TensorBoard is written where it is there."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"the package wandb is not installed.*logoingest\[wandb\]"):
        check_logs(["tensorboard", "wandb"])
    check_logs(["tensorboard"])
    assert os.environ.get("WANDB_MODE") is None
