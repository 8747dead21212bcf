"""A sweep's trials as tasks of a Ray cluster: the same table as on one machine, also when a machine is lost in the midst of a trial."""

from __future__ import annotations

import json
import threading
import time

import pyarrow.parquet as pq

from builders.drawn_releases import make_sweep_config
from builders.ray_clusters import on_ray
from logoingest.experiments import run_sweep
from logoingest.schemas import MEASURED_COLUMNS


@on_ray
def test_a_machine_lost_in_the_midst_of_a_trial_changes_nothing(tmp_path, ray_cluster):
    """Of two machines, the one that trains is killed -9: the trial is asked again, and nothing shows it but the attempts."""
    here, _ = sweep(tmp_path, "here", parallel=2)
    marks = tmp_path / "marks"
    blow = threading.Thread(target=kill_once, args=(ray_cluster, marks, set(marks.iterdir())))
    blow.start()
    there, states = sweep(tmp_path, "there", executor="ray", ray_address=ray_cluster.address)
    blow.join()
    attempts = there.column("attempts").to_pylist()
    assert there.drop_columns(list(MEASURED_COLUMNS)).to_pylist() == here.drop_columns(list(MEASURED_COLUMNS)).to_pylist()
    assert sum(attempts) > len(attempts)
    assert states == {"complete": 3}
    journal = next((tmp_path / "there/work/sweep").glob("*/journal.jsonl")).read_text("utf-8")
    died = [line for line in map(json.loads, journal.splitlines()) if line["event"] == "died"]
    assert "its task was lost" in died[0]["reason"]
    ray_cluster.start_worker()


def sweep(folder, place, **section):
    """(trials table, states) of a sweep in which each training leaves a file named by its process for a second."""
    (folder / "marks").mkdir(exist_ok=True)
    (folder / place).mkdir()
    options = {"memory_for": 100, "marks": str(folder / "marks")}
    section = {"parallel": "auto", "trials": 3, "finalists": 1, "repeats": 1, **section}
    config = make_sweep_config(folder / place, train={"recipe_options": options}, **section)
    states = run_sweep(config).states
    return pq.read_table(config.resolve("work/sweep/trials.parquet")), states


def kill_once(ray_cluster, marks, known):
    """Kill the machine that trains, as soon as one does."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        running = set(marks.glob("running-*")) - known
        if running:
            ray_cluster.kill_worker(int(running.pop().name.removeprefix("running-")))
            return
        time.sleep(0.02)
