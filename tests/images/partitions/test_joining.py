"""Near pictures found partition by partition: the groups of one search, however the pictures are dealt out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.fingerprints import make_prints
from logoingest.errors import WorkspaceError
from logoingest.images.alike import copies
from logoingest.images.alike.ruled import NOTHING_RULED, RuledPairs
from logoingest.images.alike.signatures import gather_signatures
from logoingest.images.grouping import group_pictures
from logoingest.images.partitions.dealing import deal_pictures
from logoingest.images.partitions.joining import PartitionPair, find_first, find_partners, pair_partitions, search_here
from logoingest.workspace import Workspace, shard_name
from logoingest.workspace.downloads import iterate_column


def write_pictures(workspace: Workspace, signatures: np.ndarray, shards: int) -> pa.Table:
    """The signatures in shards, dealt at random, and the table of the pictures; some have the pixels of another."""
    random = np.random.default_rng(len(signatures))
    homes = random.integers(shards, size=len(signatures))
    places = np.zeros(len(signatures), np.int32)
    for shard in range(shards):
        rows = np.flatnonzero(homes == shard)
        places[rows] = np.arange(len(rows))
        stacked = pa.table({"signature": pa.array([signatures[row].tobytes() for row in rows], pa.binary())})
        workspace.write_parquet(f"downloads/{shard_name(shard)}", stacked)
    pixels = [f"p{row - 1 if row % 9 == 8 else row}" for row in range(len(signatures))]
    return pa.table(
        {
            "sha256": [f"{row:04d}" for row in range(len(signatures))],
            "pixel_hash": pixels,
            "shard": [shard_name(home) for home in homes.tolist()],
            "shard_row": pa.array(places, pa.int32()),
        }
    )


@pytest.mark.slow
@settings(max_examples=25)
@given(
    count=st.integers(2, 50),
    noise=st.sampled_from([5.0, 40.0, 90.0]),
    shards=st.integers(1, 6),
    partitions=st.integers(2, 4),
    most=st.sampled_from([0, 1, 8, 40]),
    is_ruled=st.booleans(),
)
def test_partitions_change_no_group(tmp_path_factory, count, noise, shards, partitions, most, is_ruled):
    """Groups, evidence and what is left out are those of one search, whether or not copies in any guise are looked for, rulings and all."""
    signatures = make_prints(count, count, noise).signatures.copy()
    signatures[8::9] = signatures[7::9][: len(signatures[8::9])]
    workspace = Workspace(str(tmp_path_factory.mktemp("parted")))
    pictures = write_pictures(workspace, signatures, shards)
    ruled = RuledPairs(frozenset({("0000", f"{count - 1:04d}")}), frozenset({("0000", "0001")})) if is_ruled else NOTHING_RULED

    def read(some: pa.Table) -> np.ndarray:
        return gather_signatures(some, iterate_column(workspace, "signature"))

    def search(some: pa.Table):
        return find_partners(some, partitions, workspace.url, search_here)

    with pytest.MonkeyPatch.context() as bound:
        bound.setattr(copies, "MOST_PICTURES", most)
        whole, parted = group_pictures(pictures, read, ruled), group_pictures(pictures, read, ruled, search)
    assert parted.groups == whole.groups
    assert parted.copies.equals(whole.copies)
    assert parted.unsearched == whole.unsearched


def test_only_those_with_a_partner_are_held_together(tmp_path, monkeypatch):
    """Of a set above the bound the signatures of pictures that are near nothing are never read in one piece."""
    signatures = np.concatenate([np.random.default_rng(1).integers(0, 256, (40, 1024)).astype(np.uint8)] * 2)[:42]
    workspace = Workspace(str(tmp_path))
    pictures = write_pictures(workspace, signatures, 5)
    pictures = pictures.set_column(1, "pixel_hash", pa.array([f"p{row}" for row in range(42)]))
    held = []

    def read(some: pa.Table) -> np.ndarray:
        held.append(some.column("sha256").to_pylist())
        return gather_signatures(some, iterate_column(workspace, "signature"))

    monkeypatch.setattr(copies, "MOST_PICTURES", 10)
    found = group_pictures(pictures, read, NOTHING_RULED, lambda some: find_partners(some, 3, workspace.url, search_here))
    assert held == [["0000", "0001", "0040", "0041"]]
    assert {group: found.groups.count(group) for group in ("0000", "0001", "0002")} == {"0000": 2, "0001": 2, "0002": 1}


def test_a_shard_is_in_one_partition(tmp_path):
    """Partitions are whole shards, none is empty, and every picture is in one; every two meet once, and each meets itself."""
    pictures = write_pictures(Workspace(str(tmp_path)), make_prints(3, 50, 40).signatures, 5)
    dealt = deal_pictures(pictures, find_first(pictures), 3, str(tmp_path))
    shards = [{part.shard for part in partition.parts} for partition in dealt]
    assert sum(map(len, shards)) == len(set.union(*shards)) == 5
    assert sorted(np.concatenate([partition.rows for partition in dealt]).tolist()) == find_first(pictures).tolist()
    assert len(pair_partitions(dealt)) == 6
    assert len(deal_pictures(pictures, find_first(pictures), 99, str(tmp_path))) == 5
    assert deal_pictures(pictures, find_first(pictures)[:0], 3, str(tmp_path)) == []


def test_a_shard_that_is_gone_is_named(tmp_path):
    """As everywhere: where, what, and what to do."""
    workspace = Workspace(str(tmp_path))
    pictures = write_pictures(workspace, make_prints(3, 10, 40).signatures, 1)
    (dealt,) = deal_pictures(pictures, find_first(pictures), 1, str(tmp_path))
    workspace.remove(f"downloads/{shard_name(0)}")
    with pytest.raises(WorkspaceError, match=r"shard-00000.*is not there"):
        list(search_here([PartitionPair(dealt, None)]))
