"""Trials forked from one process: each in a process of its own, whose end is its own, and that ends with whoever started it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import replace

import pytest

from builders.drawn_releases import make_sweep_config
from logoingest.config import FetchConfig
from logoingest.experiments.running.forks import CAN_FORK, ForkingRunner
from logoingest.experiments.running.runners import open_runner
from logoingest.experiments.sweep import make_sweep_plan, order_start
from logoingest.experiments.trials.orders import TrialResult

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="forks are for Linux")

CODE = '''
"""Says what a trial's process is like, and dies as asked."""
import os, signal, threading, time
from types import SimpleNamespace
from toy_recipes import ToyRecipe
from logoingest.training.recipe import Measured

class TellingRecipe(ToyRecipe):
    def train(self, prepared, plan):
        options = plan.config.recipe_options
        way = os.environ["HTTPS_PROXY"].rpartition("@")[2], os.environ["no_proxy"]
        print("says", os.environ["OMP_NUM_THREADS"], *map(repr, way), threading.active_count(), flush=True)
        if options.get("waits"):
            time.sleep(60)
        if options.get("dies"):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().train(prepared, plan)
'''


@pytest.fixture
def config(tmp_path):
    """With a recipe that tells, and a proxy that has a password."""
    (tmp_path / "telling.py").write_text(CODE)
    made = make_sweep_config(tmp_path, train={"recipe": "telling:TellingRecipe"})
    return made.model_copy(update={"fetch": FetchConfig(proxy="http://us:secret@127.0.0.1:1")})


@pytest.fixture
def order(config):
    """Of its first trial."""
    return order_start(make_sweep_plan(config, config.sweep))


@pytest.fixture
def start(config, order, tmp_path, monkeypatch):
    """Start a trial with options; gives it and its folder."""
    monkeypatch.setenv("NO_PROXY", "*")
    with open_runner(config) as runner:

        def begin(name, **options):
            folder = tmp_path / "tries" / name
            folder.mkdir(parents=True)
            made = replace(order, threads=2, train={**order.train, "recipe_options": options})
            made.write(folder)
            return runner.start(made, folder), folder

        begin.runner = runner
        yield begin


def wait_for(look, seconds=60):
    ending = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < ending:
        time.sleep(0.02)
    return found


@pytest.mark.slow
def test_a_death_is_the_trials_own(start):
    """One ends by a signal, one is stopped, and the third, started between them, comes to its end with a log of its own."""
    died, _ = start("died", dies=True)
    stopped, _ = start("stopped", waits=True)
    good, folder = start("good")
    assert wait_for(died.poll).what == "killed by signal 11"
    assert wait_for(good.poll).what == "ended with exit code 0"
    assert TrialResult.read(folder).state == "complete"
    assert stopped.poll() is None
    stopped.stop()
    assert stopped.poll().what == "killed by signal 9"


def test_a_trial_is_told_its_threads_and_the_way_to_the_web(start, tmp_path):
    """By its environment: the proxy of [fetch] whatever NO_PROXY says, and its password is in no file."""
    trial, folder = start("asks")
    assert wait_for(trial.poll).what == "ended with exit code 0"
    said = (folder / "log.txt").read_text().splitlines()
    assert said[0] == "says 2 '127.0.0.1:1' '' 2"  # the second thread waits for the parent
    assert not [path for path in (tmp_path / "tries").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


@pytest.mark.slow
def test_trials_end_with_the_process_they_are_forked_from(start):
    """Killed, it takes its trials along, which is told of each; the next trial has a new one."""
    trial, folder = start("waits", waits=True)
    wait_for(lambda: "says" in (folder / "log.txt").read_text())
    os.kill(start.runner._server._process.pid, signal.SIGKILL)
    assert wait_for(trial.poll).what == "killed by signal 9"
    again, folder = start("again")
    assert wait_for(again.poll).what == "ended with exit code 0"
    assert TrialResult.read(folder).score is not None


def test_nothing_is_left_when_the_runner_is_closed(start):
    """Its process and a trial that was running."""
    trial, folder = start("waits", waits=True)
    wait_for(lambda: "says" in (folder / "log.txt").read_text())
    start.runner.close()
    assert trial.poll().what == "killed by signal 9"
    pids = [name for name in os.listdir("/proc") if name.isdigit() and _is_ours(name, folder)]
    assert wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


def _is_ours(pid, folder):
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/1") == str(folder / "log.txt")
    return False


def test_what_cannot_be_loaded_is_said_in_the_trials_log(order, tmp_path):
    """The trial counts as died, with the error as its last words."""
    folder = tmp_path / "try"
    folder.mkdir()
    order.write(folder)
    with ForkingRunner(["logoingest.no_such_module"]) as runner:
        trial = runner.start(order, folder)
        assert wait_for(trial.poll).what == "ended with exit code 1"
    assert "no_such_module" in (folder / "log.txt").read_text().splitlines()[-1]


@pytest.mark.slow
def test_orders_are_as_they_were_written(order, tmp_path):
    """A folder with a line break in its name is one folder still."""
    folder = tmp_path / "a\nb"
    folder.mkdir()
    order.write(folder)
    with ForkingRunner(["logoingest.experiments.trials.work"], {"HTTPS_PROXY": "", "no_proxy": ""}) as runner:
        trial = runner.start(order, folder)
        assert wait_for(trial.poll).what == "ended with exit code 0"
    assert json.loads((folder / "result.json").read_text())["state"] == "complete"
