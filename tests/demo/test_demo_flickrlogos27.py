from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.places import ROOT
from logoingest.config import load_config
from logoingest.named_maps import place_map
from logoingest.schemas import ImageRow, SampleRow

EXAMPLE = ROOT / "examples" / "flickrlogos27"
GOLD = {"a.jpg": "Nike", "b.jpg": "Puma", "c.jpg": "none", "d.jpg": "Ford", "e.jpg": "none"}


def _load(name: str):
    spec = importlib.util.spec_from_file_location(f"flickrlogos27_{name}", EXAMPLE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder_proxy(tmp_path):
    """The proxy as its own process, over a folder with one photo and one link that leads out."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one photo.jpg").write_bytes(b"\xff\xd8 a photo")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.txt")
    command = [sys.executable, str(EXAMPLE / "proxy.py"), "--folder", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[0]
        process.terminate()


def test_the_proxy_answers_from_its_folder_and_nowhere_else(folder_proxy):
    """The photo is 200, an unknown name 404, another host 410, and it comes again the same."""
    with httpx.Client(proxy=folder_proxy, trust_env=False) as client:
        for _ in range(2):
            response = client.get("http://photos.flickrlogos27.test/one%20photo.jpg")
            assert (response.status_code, response.headers["content-type"], response.content) == (
                200,
                "image/jpeg",
                b"\xff\xd8 a photo",
            )
            assert client.get("http://photos.flickrlogos27.test/other.jpg").status_code == 404
            assert client.get("http://farm1.static.flickr.com/1/2.jpg").status_code == 410
            assert client.post("http://photos.flickrlogos27.test/one%20photo.jpg").status_code == 405


@pytest.mark.parametrize(
    "name", ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "/secret.txt", "link.jpg", ".", "", "a/../../secret.txt"]
)
def test_the_proxy_refuses_traversal(folder_proxy, name):
    """No spelling of a path leaves the folder, nor does a link in it."""
    import socket

    with socket.create_connection(("127.0.0.1", int(folder_proxy.rpartition(":")[2])), timeout=5) as connection:
        connection.sendall(f"GET http://photos.flickrlogos27.test/{name} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"secret" not in answer


def test_the_proxy_says_what_is_wrong_with_its_folder(tmp_path):
    """A missing folder is a usage error, in words."""
    command = [sys.executable, str(EXAMPLE / "proxy.py"), "--folder", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


def test_the_example_config_is_valid():
    """dataset.toml is read, and its source can be given from outside."""
    config = load_config(EXAMPLE / "dataset.toml", ["sources.0.path=/somewhere/results.csv"], environ={})
    assert config.sources[0].path == "/somewhere/results.csv"
    assert place_map(config.labels.class_map, EXAMPLE) == EXAMPLE.parents[1] / "label_maps" / "flickrlogos27.toml"


def _write_workspace(folder: Path) -> None:
    given = {"1": (["http://x.test/a.jpg", "http://y.test/other.jpg"], ["Nike"]), "2": (["http://x.test/b.jpg"], ["Ford"])}
    given |= {"3": (["http://x.test/c.jpg"], ["Ford"]), "4": (["http://x.test/d.jpg"], ["Ford", "Nike"])}
    images, samples = [], []
    for image_id, (urls, class_ids) in given.items():
        facts = {"width": 1, "height": 1, "format": "JPEG", "mode": "RGB", "frames": 1, "orientation": 1, "byte_count": 1}
        images.append({**facts, "image_id": image_id, "group_id": image_id, "pixel_hash": "", "hash": b"", "flags": [], "urls": urls,
                       "shard": "s", "shard_row": 0})  # fmt: skip
        samples.append({"image_id": image_id, "group_id": image_id, "class_id": None, "class_ids": class_ids, "confidence": 1.0, "votes": 5,
                        "agreement": 1.0, "boxes": [], "annotation_ids": []})  # fmt: skip
    (folder / "tables").mkdir(parents=True)
    pq.write_table(ImageRow.table(images), folder / "tables" / "images.parquet")
    pq.write_table(SampleRow.table(samples), folder / "tables" / "samples.parquet")


def test_scoring_counts_photos_by_truth(tmp_path):
    """Coverage and accuracy of branded photos, false classes of plain ones; several classes are not the one right class."""
    score = _load("score")
    _write_workspace(tmp_path)
    found = score.score_answers(score.read_workspace(tmp_path), GOLD)
    assert found[:5] == (3, 3, 1, 2, 1)
    assert found.wrong == [("b.jpg", "Puma", "Ford"), ("c.jpg", "none", "Ford"), ("d.jpg", "Ford", "Ford + Nike")]


def test_scoring_reads_a_release_and_prints_shares(tmp_path):
    """A release's labels are numbers into its class names; the command prints the three shares and the wrong photos."""
    (tmp_path / "data").mkdir()
    features = {"info": {"features": {"label": {"names": ["Ford", "Nike"], "_type": "ClassLabel"}}}}
    table = pa.table({"urls": [["http://x.test/a.jpg"], ["http://x.test/b.jpg"]], "label": [1, 0]})
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(features)}), tmp_path / "data" / "train-00000-of-00001.parquet"
    )
    gold = tmp_path / "gold.csv"
    gold.write_text("file,label\n" + "".join(f"{file},{label}\n" for file, label in GOLD.items()))
    command = [sys.executable, str(EXAMPLE / "score.py"), str(tmp_path), str(gold)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 of     3   66.67%" in done.stdout
    assert "wrong  b.jpg  is Puma, got Ford" in done.stdout
    assert subprocess.run([*command[:2], str(gold.parent / "x"), str(gold)], capture_output=True, check=False).returncode == 2
