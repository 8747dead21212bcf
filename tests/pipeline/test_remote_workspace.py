"""A workspace on object storage: the whole route against a real S3 server on loopback."""

from __future__ import annotations

import json

import pytest

from builders.serving import make_bucket
from logoingest import load_config, run
from logoingest.errors import LeaseLostError, WorkspaceError
from logoingest.pipeline import Run, open_run, refresh, retry, summarise_status, verify
from logoingest.pipeline.actions.refreshing import MARKER
from logoingest.schemas import Stage
from logoingest.workspace import Workspace, name_begun
from logoingest.workspace.lease import LEASE_FILE, hold_lease


@pytest.fixture
def bucket(s3, monkeypatch):
    """An empty bucket, found through the environment as any deployment would."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return make_bucket(s3, "workspaces")


@pytest.mark.slow
def test_the_route_runs_on_s3(make_dataset, bucket, tmp_path):
    """Same law, same release bytes as on a local disk; a second run does nothing; verify reads it from there."""
    dataset = make_dataset(pictures=4)
    config = load_config(dataset.config, {"dataset.workspace": f"{bucket}/small"}, {})
    run(config)
    assert summarise_status(Run(config)).law.pending == 0
    assert not any(outcome.ran for outcome in run(config))
    assert verify(Run(config)) == []
    run(load_config(dataset.config, {"dataset.workspace": str(tmp_path / "local")}, {}))
    remote, local = Workspace(config.workspace_url), Workspace(tmp_path / "local")
    for name in ("manifest.json", "README.md", "rejected.parquet", "data/train-00000-of-00001.parquet"):
        assert remote.read_bytes(f"release/{name}") == local.read_bytes(f"release/{name}")


@pytest.mark.slow
def test_retry_and_refresh_see_what_was_written_there(make_dataset, bucket):
    """Shards are replaced by other processes: what was remembered of them is not read any more."""
    dataset = make_dataset(pictures=1)
    config = load_config(dataset.config, {"dataset.workspace": f"{bucket}/small"}, {})
    run(config, until=Stage.FETCH)
    dataset.site.pages["/gone.jpg"] = dataset.site.pages.pop("/copy.jpg")
    with open_run(config) as opened:
        assert retry(opened, statuses=[404]) == (1, 1, 0)
        assert refresh(opened).gone == 1
    assert not Workspace(config.workspace_url).exists(MARKER)


class Overtaken(Workspace):
    """A workspace between whose first look at the lease and whatever follows another writer begins."""

    def overtake(self, other):
        self.other = other
        return self

    def read_bytes(self, name):
        if self.other is None:
            return super().read_bytes(name)
        other, self.other = self.other, None
        try:
            return super().read_bytes(name)
        finally:
            other.__enter__()


def test_who_is_overtaken_while_he_looks_does_not_take_the_lease(bucket):
    """An object store's lease is created only if absent: two writers that both saw none do not both begin."""
    first = hold_lease(Workspace(f"{bucket}/shared"))
    with pytest.raises(WorkspaceError, match="is in use by process"), hold_lease(Overtaken(f"{bucket}/shared").overtake(first)):
        pass
    first.__exit__(None, None, None)


def test_who_lost_an_object_stores_lease_changes_nothing_more(bucket):
    """As on a disk: whose the lease is is asked before each change."""
    workspace, others = Workspace(f"{bucket}/lost"), Workspace(f"{bucket}/lost")
    with pytest.raises(LeaseLostError, match="was taken over by process 1 on elsewhere"), hold_lease(workspace):
        workspace.write_bytes("kept", b"1")
        holder = json.loads(others.read_bytes(LEASE_FILE))
        others.write_bytes(LEASE_FILE, json.dumps({**holder, "token": "theirs", "host": "elsewhere", "pid": 1}).encode())
        for change in (lambda: workspace.write_bytes("kept", b"2"), lambda: workspace.remove("kept")):
            with pytest.raises(LeaseLostError):
                change()
    assert others.read_bytes("kept") == b"1"


@pytest.mark.slow
def test_what_came_before_a_stop_is_kept_on_an_object_store(bucket, make_dataset):
    """The rows of unfinished shards lie beside them there, too, and are not asked for again."""
    dataset = make_dataset(pictures=10)
    dataset.site.delay_s = 0.05
    config = load_config(dataset.config, {"dataset.workspace": f"{bucket}/stopped", "fetch.concurrency": "4"}, {})
    workspace = Workspace(config.workspace_url)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(config, until=Stage.FETCH, progress=stop_after(15))
    kept = [
        url.removeprefix(dataset.site.address)
        for name in (*workspace.shard_names(), *map(name_begun, workspace.begun_shards()))
        for url in workspace.read_shard(name, ["url"]).column("url").to_pylist()
    ]
    assert stopped.value.__notes__ == [f"all {len(kept)} URLs of this run are there"]
    assert len(kept) >= 15
    dataset.site.requests.clear()
    run(config, until=Stage.FETCH)
    assert not set(kept) & set(dataset.site.requests)
    assert workspace.begun_shards() == []


def stop_after(count: int):
    """Progress that is interrupted once so many URLs are done."""

    def progress(stage, done, total, note):
        if stage is Stage.FETCH and done >= count:
            raise KeyboardInterrupt

    return progress
