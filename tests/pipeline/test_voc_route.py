"""Pascal VOC files with photos behind a file server, through the whole route to a release: boxes, truncated flags, overrides."""

from __future__ import annotations

import functools
import json
from http.server import SimpleHTTPRequestHandler

import pyarrow.parquet as pq
import pytest

from builders.datasets import draw_picture
from builders.places import ROOT
from builders.serving import serve_http
from logoingest import load_config, run
from logoingest.release import verify_release

CLASS_MAP = """
affixes = [
  { suffix = "-teilsichtbar", attributes = { truncated = true } },
  { suffix = "-schriftzug", becomes = "-text", attributes = { variant = "text" } },
]
[classes.acme]
[classes.bolt]
[classes.bolt-text]
[[overrides]]
reason = "seen by eye"
[overrides.classes]
bolt = ["street_img3_1"]
"""


def _write_voc(folder, picture, objects):
    made = "".join(
        f"<object><name>{name}</name><truncated>{truncated}</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{x}</xmin><ymin>10</ymin><xmax>{x + 20}</xmax><ymax>40</ymax></bndbox></object>"
        for name, truncated, x in objects
    )
    file = folder / f"{picture}.xml"
    file.write_text(f"<annotation><folder>street</folder><filename>{picture}</filename>{made}</annotation>", "utf-8")


def _run(folder, map_file, url_prefix, workspace):
    (workspace.parent / "dataset.toml").write_text(
        f"""
[dataset]
name = "boxes"
workspace = {json.dumps(str(workspace))}
[[sources]]
path = {json.dumps(str(folder))}
format = "voc"
url_prefix = {json.dumps(url_prefix)}
[labels]
class_map = {json.dumps(str(map_file))}
[fetch]
allowed_networks = ["127.0.0.0/8"]
processes = 1
[train]
enabled = false
""",
        "utf-8",
    )
    config = load_config(workspace.parent / "dataset.toml")
    run(config)
    return workspace / "release"


def _read_boxes(release):
    """(picture, class, box, truncated, attributes) of every box of the release, sorted."""
    found = []
    for file in sorted((release / "data").glob("*.parquet")):
        table = pq.read_table(file, columns=["url", "boxes"])
        names = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["label"]["names"]
        for row in table.to_pylist():
            picture = row["url"].rsplit("/", 1)[1].partition(".")[0]
            for box in row["boxes"]:
                told = json.loads(box["attributes"] or "{}")
                found.append((picture, names[box["label"]], box["bbox"], box["truncated"], told))
    return sorted(found, key=str)


def test_boxes_reach_the_release_with_what_is_said_about_them(site, tmp_path):
    """Every box, its class, its place, and whether it is cut off: by its own flag, or by the label's ending."""
    folder = tmp_path / "voc"
    folder.mkdir()
    (tmp_path / "map.toml").write_text(CLASS_MAP, "utf-8")
    for number in range(1, 5):
        site.pages[f"/img{number}.jpg"] = (200, "image/jpeg", draw_picture(number))
    _write_voc(folder, "img1", [("Acme-teilsichtbar", 0, 5), ("acme", 1, 50)])
    _write_voc(folder, "img2", [("bolt-schriftzug", 0, 5), ("bolt", 0, 50)])
    _write_voc(folder, "img3", [("acme", 0, 5), ("acme-teilsichtbar", 0, 50)])
    _write_voc(folder, "img4", [("bolt", 0, 5), ("nobody knows", 0, 50)])
    release = _run(folder, tmp_path / "map.toml", site.url("/"), tmp_path / "work")
    assert verify_release(release, deep=False) == []
    plain, cut = {"difficult": False, "truncated": False}, {"difficult": False, "truncated": True}
    assert _read_boxes(release) == [
        ("img1", "acme", [5.0, 10.0, 20.0, 30.0], True, cut),
        ("img1", "acme", [50.0, 10.0, 20.0, 30.0], True, cut),
        ("img2", "bolt", [50.0, 10.0, 20.0, 30.0], False, plain),
        ("img2", "bolt-text", [5.0, 10.0, 20.0, 30.0], False, {**plain, "variant": "text"}),
        ("img3", "acme", [5.0, 10.0, 20.0, 30.0], False, plain),
        ("img3", "bolt", [50.0, 10.0, 20.0, 30.0], True, cut),
        ("img4", "bolt", [5.0, 10.0, 20.0, 30.0], False, plain),
    ]
    rejected = pq.read_table(release / "rejected.parquet").to_pylist()
    assert [(row["raw_label"], row["reason"]) for row in rejected] == [("nobody knows", "label_unknown")]


@pytest.fixture
def file_server(shared_data):
    """The sample photos as any file server would serve them."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(shared_data / "litw/samples"))
    with serve_http(handler) as address:
        yield f"{address}/"


@pytest.mark.slow
def test_the_raw_samples_of_logos_in_the_wild_reach_the_release(shared_data, file_server, tmp_path):
    """15 photos, 42 boxes, each where its XML says; the three partly visible ones are flagged."""
    release = _run(shared_data / "litw/samples", ROOT / "label_maps/litw.toml", file_server, tmp_path / "work")
    assert verify_release(release) == []
    boxes = _read_boxes(release)
    assert len({picture for picture, *_ in boxes}) == 15
    assert len(boxes) == 42
    assert [(picture, class_id, bbox) for picture, class_id, bbox, truncated, _ in boxes if truncated] == [
        ("img000004", "mcdonalds", [281.0, 605.0, 11.0, 11.0]),
        ("img000005", "burgerking-symbol", [264.0, 180.0, 27.0, 27.0]),
        ("img000005", "burgerking-symbol", [66.0, 208.0, 21.0, 24.0]),
    ]
    assert {class_id for _, class_id, *_, told in boxes if told.get("variant") == "text"} == {"burgerking-text"}
    assert pq.read_table(release / "rejected.parquet").num_rows == 0
