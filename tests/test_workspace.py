"""The workspace: whole files or none, equal bytes for equal tables, clear messages."""

import os

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import WorkspaceError
from logoingest.schemas import (
    AgreementRow,
    AnnotationRow,
    DownloadRow,
    ImageRow,
    LabelRow,
    RejectedRow,
    SampleRow,
    SplitRow,
    WorkerRow,
)
from logoingest.workspace import StageRecord, Workspace, hash_file
from logoingest.workspace.lease import hold_lease

ROWS = (AgreementRow, AnnotationRow, LabelRow, DownloadRow, ImageRow, SampleRow, WorkerRow, SplitRow, RejectedRow)


def download(url: str, data: bytes = b"x") -> dict:
    return {"url": url, "outcome": "ok", "attempts": 1, "sha256": "00", "bytes": data}


@pytest.mark.parametrize("row", ROWS)
def test_every_table_round_trips_with_its_schema(tmp_path, row):
    """What is written comes back with the same columns, types and documentation."""
    workspace = Workspace(tmp_path)
    workspace.write_table("t", row.empty_table())
    schema = workspace.read_table("t").schema
    assert schema.equals(row.arrow_schema())
    assert [field.metadata[b"doc"] for field in schema] == [field.metadata[b"doc"] for field in row.arrow_schema()]


@pytest.mark.slow
@given(data=st.lists(st.binary(max_size=200), max_size=20))
def test_equal_tables_give_equal_bytes_and_come_back(tmp_path_factory, data):
    """Parquet out is a function of the table alone."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    table = DownloadRow.table([download(f"http://h/{number}", body) for number, body in enumerate(data)])
    first, second = workspace.write_shard("shard-00000.parquet", table), workspace.write_shard("shard-00001.parquet", table)
    assert first == second == hash_file(workspace.local_path("downloads/shard-00001.parquet"))
    assert workspace.read_shard("shard-00000.parquet").equals(table)
    assert workspace.read_shard_bytes("shard-00000.parquet", range(len(data))) == data


def test_only_named_rows_are_read_from_a_shard(tmp_path):
    """Rows come back in the order asked for, across row groups."""
    workspace = Workspace(tmp_path)
    workspace.write_shard("shard-00000.parquet", DownloadRow.table([download(f"u{n}", str(n).encode()) for n in range(250)]))
    assert workspace.read_shard_bytes("shard-00000.parquet", [249, 0, 120]) == [b"249", b"0", b"120"]


def test_no_temporary_file_is_left(tmp_path):
    """A finished write leaves its file and nothing else, readable by others."""
    workspace = Workspace(tmp_path)
    workspace.write_bytes("a/b.txt", b"hello")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b.txt"]
    assert (tmp_path / "a/b.txt").stat().st_mode & 0o444 == 0o444


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    """Half-written files go, everything else stays."""
    workspace = Workspace(tmp_path)
    workspace.write_table("images", ImageRow.empty_table())
    (tmp_path / "tables/.images.parquet.abc.tmp").write_bytes(b"half")
    workspace.remove_leftovers()
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["images.parquet"]


def test_fingerprints_that_somebody_else_is_writing_are_left_alone(tmp_path):
    """verify writes them without the lease: only what nobody has touched for an hour goes."""
    workspace = Workspace(tmp_path)
    (tmp_path / "fingerprints").mkdir()
    old, new = (tmp_path / f"fingerprints/.{name}.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    workspace.remove_leftovers()
    assert list((tmp_path / "fingerprints").iterdir()) == [new]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_damaged_shard_counts_no_rows_and_is_explained(tmp_path, content):
    """A file cut short by a power failure is found, not trusted."""
    workspace = Workspace(tmp_path)
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/shard-00000.parquet").write_bytes(content)
    assert workspace.count_shard_rows("shard-00000.parquet") is None
    with pytest.raises(WorkspaceError, match="is damaged"):
        workspace.read_shard("shard-00000.parquet")


def test_a_missing_table_says_what_to_do(tmp_path):
    """Reading before writing is a clear error."""
    with pytest.raises(WorkspaceError, match="run the stage that makes it"):
        Workspace(tmp_path).read_table("images")


def test_a_broken_manifest_makes_everything_stale(tmp_path):
    """A manifest that cannot be read is no reason to stop."""
    workspace = Workspace(tmp_path)
    workspace.record_stage("images", StageRecord(inputs={}, outputs={}, counts={}, finished_at="", elapsed_s=0))
    assert list(workspace.read_manifest().stages) == ["images"]
    (tmp_path / "manifest.json").write_text("{")
    assert workspace.read_manifest().stages == {}


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    """Nothing of the old folder stays in the new one."""
    workspace = Workspace(tmp_path)
    for content in ("old", "new"):
        with workspace.staging_folder("release") as folder:
            (folder / f"{content}.txt").write_text(content)
            workspace.replace_folder("release", folder)
    assert [path.name for path in (tmp_path / "release").iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_work_that_is_broken_off_stays_until_it_is_begun_anew(tmp_path):
    """What a folder held when it was broken off is there to be looked at; the next attempt begins empty, and ends without a trace."""
    workspace = Workspace(tmp_path)
    with pytest.raises(KeyboardInterrupt), workspace.unfinished_folder("baseline") as folder:
        (folder / "epochs.jsonl").write_text("1")
        raise KeyboardInterrupt
    assert (tmp_path / "baseline.unfinished" / "epochs.jsonl").read_text() == "1"
    assert not workspace.exists("baseline")
    with workspace.unfinished_folder("baseline") as folder:
        assert not list(folder.iterdir())
        workspace.replace_folder("baseline", folder)
    assert [path.name for path in tmp_path.iterdir()] == ["baseline"]


def test_a_file_where_a_folder_is_needed_is_explained(tmp_path):
    """The workspace path may be a file."""
    (tmp_path / "w").write_text("")
    with pytest.raises(WorkspaceError):
        Workspace(tmp_path / "w").write_bytes("x", b"")


def test_a_remote_workspace_works_alike():
    """Tables, shards, folders and the manifest on an fsspec filesystem."""
    workspace = Workspace("memory://logos/w")
    table = DownloadRow.table([download("u")])
    workspace.write_shard("shard-00000.parquet", table)
    workspace.write_table("images", ImageRow.empty_table())
    assert workspace.shard_names() == ["shard-00000.parquet"]
    assert workspace.read_shard("shard-00000.parquet").equals(table)
    with workspace.staging_folder("release") as folder:
        (folder / "data").mkdir()
        (folder / "data/x").write_text("1")
        (folder / "manifest.json").write_text("{}")
        workspace.replace_folder("release", folder)
    with workspace.local_copy("release") as copy:
        assert sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()) == [
            "data/x",
            "manifest.json",
        ]
    with hold_lease(workspace), pytest.raises(WorkspaceError, match="in use"), hold_lease(workspace):
        pass


def test_a_row_table_refuses_what_does_not_fit():
    """Arrow's own errors, at the place of the fault."""
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        SplitRow.table([{"image_id": 5, "class_ids": "x"}])


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_file_of_the_workspace_is_hashed_where_it_lies(tmp_path, kind):
    """The record is the one that writing it gave; a missing file is a clear error."""
    workspace = Workspace(tmp_path if kind == "local" else f"memory://{tmp_path.name}/hashed")
    written = workspace.write_bytes("a/b.bin", bytes(range(256)) * 5_000)
    assert workspace.hash_file("a/b.bin") == written
    with pytest.raises(WorkspaceError, match="cannot be read"):
        workspace.hash_file("a/c.bin")
