"""What the torch datasets say of their items, what a notebook shows of them, and training in several processes."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, WeightedRandomSampler

from logoingest import open_release

#: One of two gloo ranks: DistributedSampler over the map-style dataset, and the stream; which pictures it saw, by their mean colour.
RANK = """
import json, sys
import numpy as np
import torch.distributed as dist
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from logoingest import open_release

def to_mean(picture):
    return float(np.asarray(picture, np.float64).mean())

folder, store, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
release = open_release(folder)
dataset = release.dataset("train", to_mean)
sampler = DistributedSampler(dataset, shuffle=True, seed=1)
sampler.set_epoch(1)
sampled = [mean for means, _ in DataLoader(dataset, batch_size=4, sampler=sampler) for mean in means.tolist()]
stream = release.iterable("train", to_mean, seed=1, drop_remainder=True)
streamed = []
for mean, _ in DataLoader(stream, batch_size=None, num_workers=1):
    streamed.append(mean)
    dist.barrier()  # as the gradients of a step
dist.destroy_process_group()
print(json.dumps([sampled, streamed]))
"""


def to_mean(picture):
    return float(np.asarray(picture, np.float64).mean())


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add((tag, *attrs))


@pytest.fixture(scope="module")
def hostile(making, tmp_path_factory):
    """A release whose classes, and whose name for people, are markup, direction marks and much too long."""
    names = ["<script>alert(1)</script>", "a\u202eb", "x" * 5000, '"&\n\x1b[31m', *(f"c{number}" for number in range(30))]
    pictures = [making.draw_picture(number) for number in range(len(names))]
    ingredients = making.collect(pictures, [[name] for name in names], ["train"] * len(names))
    folder = tmp_path_factory.mktemp("hostile") / "release"
    replace(ingredients, classes=[(name, f"<b>{name}") for name in names]).write(folder)
    return folder


@pytest.mark.parametrize("keep", [False, True])
def test_what_is_known_of_the_items(written, keep):
    """Classes, targets, image ids, confidences and boxes are those of the rows, in the order of the items; weights have mean 1."""
    release = open_release(written)
    dataset = release.dataset("train", keep_multi_class=keep)
    rows = [row for row in release.to_arrow("train").to_pylist() if keep or row["label"] >= 0]
    assert len(rows) == len(dataset) == (16 if keep else 15)
    assert dataset.classes == release.class_ids == ["adidas", "coca-cola", "no"]
    assert dataset.class_to_idx == {"adidas": 0, "coca-cola": 1, "no": 2}
    assert dataset.targets == [row["label"] for row in rows]
    assert {type(target) for target in dataset.targets} == {int}
    assert dataset.image_ids == [row["image_id"] for row in rows]
    assert dataset.confidences.tolist() == [row["confidence"] for row in rows]
    assert dataset.boxes == [row["boxes"] for row in rows]
    assert dataset.weights.mean() == pytest.approx(1)
    assert (dataset.weights / dataset.confidences).std() == pytest.approx(0, abs=1e-12)
    assert len(list(WeightedRandomSampler(dataset.weights, 5))) == 5
    assert len(pickle.dumps(dataset)) < 2000
    stream = release.iterable("train")
    assert (stream.classes, stream.class_to_idx) == (dataset.classes, dataset.class_to_idx)


def test_what_is_known_of_no_items(making, tmp_path):
    """A split without a single-class picture has nothing to say, and says it without an error."""
    making.collect([making.draw_picture(0)], [["no", "adidas"]], ["train"]).write(tmp_path / "release")
    for split in ("train", "test"):
        dataset = open_release(tmp_path / "release").dataset(split)
        assert (len(dataset), dataset.targets, dataset.image_ids, dataset.boxes, dataset.weights.tolist()) == (0, [], [], [], [])
        assert "0 pictures, 2 classes" in repr(dataset)
        assert "<td>no</td>" in dataset._repr_html_()


def test_reprs_are_short(written, hostile):
    """One line, a few hundred characters, whatever the classes are called and however many there are."""
    for folder in (written, hostile):
        release = open_release(folder)
        for shown in (repr(release), repr(release.dataset("train")), repr(release.iterable("train"))):
            assert len(shown) < 400
            assert shown.isprintable()
            assert f"{len(release.class_ids)} classes" in shown
    assert "logos: train 16, validation 4, test 4" in repr(open_release(written))


def test_a_notebook_is_shown_no_markup_of_strangers(hostile):
    """The HTML has our own tags alone, twenty classes at most, and nothing that hides or turns text round."""
    release = open_release(hostile)
    for shown in (release, release.dataset("train")):
        text = shown._repr_html_()
        tags = Tags()
        tags.feed(text)
        assert tags.seen == {("p",), ("b",), ("table",), ("tr",), ("th",), ("td",)}
        assert "&lt;script&gt;alert(1)" in text
        assert "and 14 more" in text
        assert text.replace("\n", "").isprintable()
        assert len(text) < 10_000


def test_three_workers(written):
    """Three workers of either dataset give every picture once."""
    release = open_release(written)
    dataset = release.dataset("train", to_mean)
    expected = sorted(mean for mean, _ in dataset)
    context = multiprocessing.get_context("fork")
    loader = DataLoader(dataset, batch_size=2, shuffle=True, num_workers=3, multiprocessing_context=context)
    assert sorted(torch.cat([means for means, _ in loader]).tolist()) == expected
    stream = DataLoader(release.iterable("train", to_mean), batch_size=None, num_workers=3, multiprocessing_context=context)
    assert sorted(mean for mean, _ in stream) == expected


@pytest.mark.slow
def test_two_gloo_ranks(written, tmp_path):
    """Two processes under torch.distributed: DistributedSampler and the stream each deal every picture, none twice."""
    store = tmp_path / "store"
    ranks = [
        subprocess.Popen([sys.executable, "-c", RANK, str(written), str(store), str(rank)], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    found = [json.loads(process.communicate(timeout=120)[0].splitlines()[-1]) for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0]
    means = {mean for mean, _ in open_release(written).dataset("train", to_mean)}
    assert len(means) == 15
    sampled = [mean for rank in found for mean in rank[0]]
    assert set(sampled) == means
    assert len(sampled) == 16  # DistributedSampler gives one twice, so that both have eight
    streamed = [mean for rank in found for mean in rank[1]]
    assert [len(rank[1]) for rank in found] == [7, 7]
    assert len(set(streamed)) == 14
    assert set(streamed) < means
