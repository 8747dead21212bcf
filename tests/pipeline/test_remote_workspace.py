"""A workspace on object storage: the whole route against a real S3 server on loopback."""

from __future__ import annotations

import pytest

from logoingest import load_config, run
from logoingest.errors import WorkspaceError
from logoingest.lease import hold_lease
from logoingest.pipeline import Run, open_run, refresh, retry, summarise_status, verify
from logoingest.pipeline.refreshing import MARKER
from logoingest.schemas import Stage
from logoingest.workspace import Workspace


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server with one bucket, found through the environment as any deployment would."""
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="logos")
    boto3.resource("s3").Bucket("logos").objects.all().delete()  # the stand-in keeps what it holds over its own end
    yield "s3://logos"
    server.stop()


def test_the_route_runs_on_s3(make_dataset, bucket, tmp_path):
    """Same law, same release bytes as on a local disk; a second run does nothing; verify reads it from there."""
    dataset = make_dataset(pictures=4)
    config = load_config(dataset.config, {"dataset.workspace": f"{bucket}/small"}, {})
    run(config)
    assert summarise_status(Run(config))["law"]["pending"] == 0
    assert not any(outcome.ran for outcome in run(config))
    assert verify(Run(config)) == []
    run(load_config(dataset.config, {"dataset.workspace": str(tmp_path / "local")}, {}))
    remote, local = Workspace(config.workspace_url), Workspace(tmp_path / "local")
    for name in ("manifest.json", "README.md", "rejected.parquet", "data/train-00000-of-00001.parquet"):
        assert remote.read_bytes(f"release/{name}") == local.read_bytes(f"release/{name}")


def test_retry_and_refresh_see_what_was_written_there(make_dataset, bucket):
    """Shards are replaced by other processes: what was remembered of them is not read any more."""
    dataset = make_dataset(pictures=1)
    config = load_config(dataset.config, {"dataset.workspace": f"{bucket}/small"}, {})
    run(config, until=Stage.FETCH)
    dataset.site.pages["/gone.jpg"] = dataset.site.pages.pop("/copy.jpg")
    with open_run(config) as opened:
        assert retry(opened, statuses=[404]) == {"tried": 1, "healed": 1, "still_failing": 0}
        assert refresh(opened)["gone"] == 1
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
