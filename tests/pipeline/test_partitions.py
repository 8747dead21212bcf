"""``dataset.partitions``: the dataset is the same, on this machine and on a Ray cluster, and nothing else has to know of it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builders.datasets import Dataset, draw_picture
from builders.ray_clusters import on_ray
from logoingest import load_config, run
from logoingest.config import Config
from logoingest.errors import WorkspaceError
from logoingest.images.alike import copies
from logoingest.images.partitions import joining
from logoingest.images.partitions.dealing import Partition, ShardRows
from logoingest.images.partitions.joining import PartitionPair
from logoingest.images.partitions.on_ray import search_on_ray
from logoingest.pipeline import Run, verify
from logoingest.schemas import Stage
from logoingest.workspace import Workspace, shard_name

SETTLED = ("images", "copies", "samples", "splits", "conflicts", "images_rejected")


@pytest.fixture
def dataset(make_dataset, monkeypatch) -> Dataset:
    """Each fifth picture again, turned, at another URL; and so few count as many that they are not held together."""
    made = make_dataset(pictures=6)
    for number, (class_id, seed) in enumerate([("acme", 1), ("bolt", 102), ("citron", 203), ("dune", 304), ("dune", 305)]):
        path, buffer = f"/turned/{number}.jpg", io.BytesIO()
        with Image.open(io.BytesIO(draw_picture(seed))) as picture:
            picture.transpose(list(Image.Transpose)[number]).save(buffer, "JPEG", quality=80)
        made.add_row(path, class_id, f"w{number}")
        made.site.pages[path] = (200, "image/jpeg", buffer.getvalue())
    made.write()
    monkeypatch.setattr(copies, "MOST_PICTURES", 5)
    return made


def make(dataset: Dataset, folder: Path, *overrides: str) -> Config:
    config = load_config(dataset.config, [f"dataset.workspace={folder}", "fetch.shard_size=5", *overrides], {})
    run(config, until=Stage.RELEASE)
    return config


def read_tables(config: Config) -> dict[str, list]:
    workspace = Workspace(config.workspace_url)
    return {name: workspace.read_table(name).to_pylist() for name in SETTLED}


@pytest.mark.slow
def test_partitions_change_nothing(dataset, tmp_path, monkeypatch):
    """Groups, samples and each picture's split are those of one search; verify finds every law kept; another number of them makes
    nothing stale.
    """
    whole = make(dataset, tmp_path / "whole")
    searched = []
    original = joining.search_pair
    monkeypatch.setattr(joining, "search_pair", lambda pair: searched.append(pair) or original(pair))
    parted = make(dataset, tmp_path / "parted", "dataset.partitions=4")
    assert len(searched) == 10
    tables = read_tables(parted)
    assert tables == read_tables(whole)
    assert sum(row["kind"] == "turned" for row in tables["copies"]) >= 4
    assert verify(Run(parted)) == []
    make(dataset, tmp_path / "parted", "dataset.partitions=2")
    assert len(searched) == 10


@on_ray
def test_partitions_are_searched_on_a_cluster(dataset, tmp_path, ray_cluster):
    """A head and two machines fetch the shards and search the pairs of partitions: the dataset that one machine makes. What goes wrong
    on a machine is said as it is here.
    """
    whole = make(dataset, tmp_path / "whole")
    on_cluster = ["dataset.partitions=4", "fetch.executor=ray", f"fetch.ray_address={ray_cluster.address}"]
    assert read_tables(make(dataset, tmp_path / "cluster", *on_cluster)) == read_tables(whole)
    elsewhere = Partition(str(tmp_path / "nowhere"), [ShardRows(shard_name(3), np.zeros(1, np.int64), np.zeros(1, np.int64))])
    with pytest.raises(WorkspaceError, match=r"nowhere/downloads/shard-00003.*is not there"):
        list(search_on_ray([PartitionPair(elsewhere, None)], ray_cluster.address))
