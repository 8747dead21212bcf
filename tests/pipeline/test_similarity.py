"""From pictures to embeddings, and what looks like what: over a real site, with a small network of random weights."""

from __future__ import annotations

import io
import json
import shutil

import pytest
import torch
import torchvision
from PIL import Image

from builders.datasets import Dataset, draw_picture, serve_site
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.errors import ConfigError, UsageError
from logoingest.evidence.similar import SeenPicture
from logoingest.pipeline import Run, embed, find_similar, load_embeddings, open_run, run
from logoingest.pipeline.evidence.embeddings import open_encoder
from logoingest.release.keeping.opening import open_release
from logoingest.release.reading.loader import open_folder

NETWORK = """
[evidence]
backbone = "squeezenet1_1"
weights = "network.pth"
image_side_px = 48
"""


def resave(data, quality=70):
    file = io.BytesIO()
    Image.open(io.BytesIO(data)).save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """Nine pictures, one of them saved again under another class, one that everybody calls none; embedded."""
    with serve_site() as site:
        yield embed_pictures(Dataset(tmp_path_factory.mktemp("data"), site))


def embed_pictures(dataset):
    torch.manual_seed(0)
    torch.save(torchvision.models.squeezenet1_1().state_dict(), dataset.folder / "network.pth")
    for number, class_id in enumerate(["acme", "bolt", "citron", "dune"] * 2):
        dataset.add_picture(class_id, number)
    dataset.site.pages["/twin.jpg"] = (200, "image/jpeg", resave(draw_picture(3)))
    for worker in range(3):
        dataset.add_row("/twin.jpg", "none" if worker else "Acme", f"w{worker}")
    config = load_config(dataset.write(NETWORK))
    run(config, until="splits")
    with open_run(config) as opened:
        made = embed(opened)
    return dataset, config, made


def test_every_picture_that_opens_is_embedded_once_refused_ones_too(embedded):
    _, config, made = embedded
    assert (made.pictures, made.computed, made.unreadable) == (9, 9, 0)
    with open_run(config) as opened:
        again = embed(opened)
    assert (again.pictures, again.computed) == (9, 0)
    model, table = load_embeddings(Run(config))
    assert table.num_rows == 9
    assert model.width == 512
    assert table.column("model_hash").unique().to_pylist() == [made.model.model_hash]


def test_a_copy_that_was_refused_is_the_nearest(embedded):
    """By URL, by digits and by file: seed 001's T-shirt is found whatever became of it."""
    dataset, config, _ = embedded
    reading = Run(config)
    by_url = find_similar(reading, dataset.site.url("/dune/3.jpg"), 3)
    assert by_url.picture.classes == ["dune"]
    assert by_url.neighbours[0].picture.urls == [dataset.site.url("/twin.jpg")]
    assert by_url.neighbours[0].picture.reason == "no_label_won"
    assert by_url.neighbours[0].similarity > 0.98
    assert len(by_url.neighbours) == 3
    by_digits = find_similar(reading, by_url.picture.image_id[:10].upper(), 3)
    assert by_digits.neighbours == by_url.neighbours
    file = dataset.folder / "asked.jpg"
    file.write_bytes(draw_picture(3))
    by_file = find_similar(reading, str(file), 2)
    assert by_file.picture is None
    assert by_file.neighbours[0].picture.image_id == by_url.picture.image_id


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("zz", "no image_id, no URL and no file"),
        ("abcdef0123", "no picture with an embedding"),
        ("http://a.test/x", "served no picture"),
    ],
)
def test_what_is_no_picture_is_said(embedded, asked, message):
    _, config, _ = embedded
    with pytest.raises(UsageError, match=message):
        find_similar(Run(config), asked)


def test_without_embeddings_or_a_network_the_message_says_what_to_do(embedded):
    _, config, _ = embedded
    with pytest.raises(UsageError, match="those of squeezenet1_1; run: logoingest embed"):
        find_similar(Run(config), "abcdef", backbone="resnet18")
    with open_run(config) as opened, pytest.raises(UsageError, match="no trained baseline"):
        embed(opened, "baseline")
    with open_run(config) as opened, pytest.raises(ConfigError, match="no file"):
        embed(opened, "gone.onnx")
    with open_run(config) as opened, pytest.raises(ConfigError, match="squeezenet"):
        embed(opened, "squeezenet9")


def test_the_commands_print_tables_json_and_a_page_that_is_escaped(embedded, capsys):
    dataset, _, _ = embedded
    assert main(["embed", str(dataset.config), "--quiet"]) == 0
    assert "9 pictures have embeddings of squeezenet1_1 (512 numbers), 0 of them new" in capsys.readouterr().out
    page = dataset.folder / "page.html"
    asked = dataset.site.url("/dune/3.jpg")
    assert main(["similar", str(dataset.config), asked, "-k", "2", "--json", "--html", str(page), "--quiet"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["neighbours"][0]["picture"]["reason"] == "no_label_won"
    text = page.read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 3
    assert "<script" not in text and "Content-Security-Policy" in text
    assert main(["similar", str(dataset.config), asked, "-k", "2", "--quiet"]) == 0
    assert "rejected: no_label_won" in capsys.readouterr().out
    file = dataset.folder / "<b>&amp;.jpg"
    file.write_bytes(draw_picture(2))
    assert main(["similar", str(dataset.config), str(file), "--html", str(page), "--quiet"]) == 0
    assert "<b>&amp;.jpg" not in page.read_text("utf-8") and "&lt;b&gt;&amp;amp;.jpg" in page.read_text("utf-8")


def test_a_release_says_what_looks_like_a_picture(embedded, tmp_path):
    """By the embeddings beside it, by those of another workspace, or by a network alone: only what was released is named."""
    _, config, _ = embedded
    run(config, until="release")
    release, file = open_release(config), tmp_path / "asked.jpg"
    file.write_bytes(draw_picture(3))
    (asked,) = find_similar(Run(config), str(file), 1).neighbours
    beside = release.similar(asked.picture.image_id[:12], 3)
    assert beside.picture == SeenPicture(*asked.picture[:3], None, *asked.picture[4:])
    assert len(beside.neighbours) == 3
    assert {near.picture.image_id for near in beside.neighbours} < set(release.to_arrow()["image_id"].to_pylist())
    assert beside.neighbours[0].similarity >= beside.neighbours[1].similarity
    with open_run(config) as opened, open_encoder(opened) as encoder:
        pass
    assert release.similar(file, 2, encoder=encoder).neighbours[0].picture == beside.picture
    moved = open_folder(shutil.copytree(release.path, tmp_path / "elsewhere" / "release"))
    by_bytes = moved.similar(file.read_bytes(), 4, encoder=encoder)
    assert by_bytes.neighbours[0].picture == beside.picture
    assert [near.picture.image_id for near in by_bytes.neighbours[1:]] == [near.picture.image_id for near in beside.neighbours]
    assert moved.similar(beside.asked, 3, workspace=config.workspace_url).neighbours == beside.neighbours


@pytest.mark.parametrize(
    ("asked", "message"),
    [("abc", "six digits or more"), ("no such", "six digits or more"), (b"no picture", "needs a network")],
)
def test_a_release_says_what_it_cannot_look_for(embedded, asked, message, tmp_path):
    _, config, _ = embedded
    run(config, until="release")
    release = open_release(config)
    with pytest.raises(UsageError, match=message):
        release.similar(asked)
    with pytest.raises(UsageError, match="run: logoingest embed"):
        open_folder(shutil.copytree(release.path, tmp_path / "elsewhere" / "release")).similar(asked)
    with open_run(config) as opened, open_encoder(opened) as encoder, pytest.raises(UsageError, match="no whole picture"):
        release.similar(b"no picture", encoder=encoder)


def test_a_new_picture_alone_is_computed_and_a_broken_off_run_goes_on(embedded):
    dataset, config, made = embedded
    before = Run(config).workspace
    part = f"{made.model.folder}/{before.shard_names()[0]}"
    whole = before.read_bytes(part)
    before.write_parquet(part, before.read_parquet(part).slice(2))
    with open_run(config) as opened:
        assert embed(opened).computed == 2
    assert len(before.read_parquet(part)) == 9
    assert before.hash_file(part).size == len(whole)
    dataset.add_picture("dune", 40)
    dataset.write(NETWORK)
    run(config, until="fetch")
    with open_run(config) as opened:
        assert embed(opened).computed == 1
