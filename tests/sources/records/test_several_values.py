"""One person says {nike, puma}: MTurk's checkboxes, a JSON list in a cell, Label Studio's choices, typed text."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.config import SamplesConfig, SourceConfig
from logoingest.labels import normalise_annotations
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.samples import settle_samples
from logoingest.schemas import ImageRow
from logoingest.sources import read_annotations

MAP = ClassMap.from_toml("[classes.nike]\n[classes.puma]\n[classes.adidas]\n")
SPELLINGS = ("checkbox.csv", "jsonlist.csv", "ls_multi.json", "slashtext.csv")
SETS = st.lists(st.sampled_from(["nike", "puma", "adidas", "zzz", "none"]), min_size=1, max_size=4, unique=True)
ROWS = st.lists(st.tuples(st.sampled_from("mn"), st.sampled_from(["w0", "w1", "w2", ""]), SETS), min_size=1, max_size=9)
FEW = examples(12)


def take_in(path: Path, **keys):
    """Annotations, rejected labels and settled samples of a source; every picture is there."""
    kept, refused = read_annotations([SourceConfig(path=path.name, **keys)], path.parent)
    assert refused.num_rows == 0
    made = normalise_annotations(kept, MAP)
    facts = {
        "width": 9, "height": 9, "format": "PNG", "mode": "RGB", "frames": 1, "orientation": 1, "byte_count": 1, "pixel_hash": "",
        "hash": b"", "flags": [], "shard": "0", "shard_row": 0,
    }  # fmt: skip
    urls = sorted(set(kept.column("url").to_pylist()))
    images = ImageRow.table([{"image_id": url, "group_id": url, "urls": [url], **facts} for url in urls])
    return kept, made.rejected, settle_samples(kept, made.decisions, images, SamplesConfig())


def take_in_rows(rows, write) -> tuple:
    """The same of a csv of (picture, worker, values), each cell written so."""
    with tempfile.TemporaryDirectory() as folder:
        text = io.StringIO()
        csv.writer(text).writerows(
            [["url", "brand", "worker"], *([f"http://x.example/{picture}", write(values), who] for picture, who, values in rows)]
        )
        path = Path(folder, "rows.csv")
        path.write_text(text.getvalue(), encoding="utf-8")
        return take_in(path, url_column="url", label_column="brand", worker_column="worker")


def list_samples(settled) -> list[dict]:
    return settled.samples.drop_columns(["annotation_ids"]).to_pylist()


@pytest.mark.parametrize("name", SPELLINGS)
def test_four_spellings_give_equal_samples(cases, name):
    """Eighteen submissions are eighteen answers; three pictures show both brands, three show one, none is lost."""
    keys = {"worker_column": "worker"} if name in {"jsonlist.csv", "slashtext.csv"} else {}
    kept, refused, settled = take_in(cases / "choices" / name, **keys)
    typed = take_in(cases / "choices/slashtext.csv", worker_column="worker")[2]
    assert (kept.num_rows, refused.num_rows, settled.rejected.num_rows) == (18, 0, 0)
    assert [row["class_ids"] for row in list_samples(settled)] == [["nike", "puma"]] * 3 + [["nike"]] * 3
    assert list_samples(settled) == list_samples(typed)


URL = "http://x.example/m0.png"
CVAT = f"""<annotations><version>1.1</version><meta><job><assignee><username>bo</username></assignee></job></meta>
<image id="0" name="{URL}" width="9" height="9"><tag label="nike"/><box label="nike" xtl="1" ytl="1" xbr="4" ybr="4"/><tag label="puma"/></image>
</annotations>"""
VOC = f"<annotation><filename>m0.png</filename><url>{URL}</url><object><name>nike</name></object><object><name>puma</name></object></annotation>"
COCO = {
    "images": [{"id": 1, "coco_url": URL, "width": 9, "height": 9, "file_name": "m0.png"}],
    "annotations": [{"image_id": 1, "category_id": 1}, {"id": 2, "image_id": 1, "category_id": 2}],
    "categories": [{"id": 1, "name": "nike"}, {"id": 2, "name": "puma"}],
}
LABELBOX = {
    "data_row": {"id": "d", "row_data": URL},
    "media_attributes": {"height": 9, "width": 9},
    "projects": {"p": {"name": "n", "labels": [{"id": "l", "annotations": {"objects": [], "classifications": [
        {"feature_id": "f", "name": "brand", "checklist_answers": [{"name": "nike"}, {"name": "puma"}]}
    ]}}]}},
}  # fmt: skip
GROUND_TRUTH = {
    "source-ref": URL,
    "brand": [0, 1],
    "brand-metadata": {
        "class-map": {"0": "nike", "1": "puma"}, "confidence-map": {"0": 0.9, "1": 0.8}, "human-annotated": "yes",
        "creation-date": "2020-01-01T00:00:00", "type": "groundtruth/image-classification-multilabel", "job-name": "j",
    },
}  # fmt: skip
VIA = {f"{URL}-1": {"filename": URL, "size": -1, "regions": [], "file_attributes": {"brand": {"nike": True, "puma": True}}}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.xml", CVAT),
        ("voc.xml", VOC),
        ("coco.json", json.dumps(COCO)),
        ("rows.ndjson", json.dumps(LABELBOX)),
        ("rows.manifest", json.dumps(GROUND_TRUTH)),
        ("via.json", json.dumps(VIA)),
        ("rows.jsonl", json.dumps({"url": URL, "label": ["nike", "puma"]})),
    ],
)
def test_every_format_gives_one_answer(tmp_path, name, content):
    """Tags, checklists, multi-label jobs, objects without boxes: one annotation names both brands, and the picture shows both."""
    (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    kept, _, settled = take_in(tmp_path / name)
    loose = [row["raw_label"] for row in kept.to_pylist() if row["bbox"] is None]
    assert loose == ['["nike", "puma"]']
    assert [row["class_ids"] for row in list_samples(settled)] == [["nike", "puma"]]


@pytest.mark.slow
@FEW
@given(ROWS)
def test_every_submission_is_in_one_place(rows):
    """As many annotations as rows, each in a sample or refused once."""
    kept, refused, settled = take_in_rows(rows, json.dumps)
    places = [name for ids in settled.samples.column("annotation_ids").to_pylist() for name in ids]
    places += refused.column("annotation_id").to_pylist() + settled.rejected.column("annotation_id").to_pylist()
    assert len(kept) == len(rows)
    assert sorted(places) == sorted(kept.column("annotation_id").to_pylist())


@pytest.mark.slow
@FEW
@given(ROWS, st.randoms())
def test_neither_spelling_nor_order_of_choices_matters(rows, random):
    """A list in any order, ticked options and typed text give the same samples."""
    expected = list_samples(take_in_rows(rows, json.dumps)[2])
    shuffled = [(picture, who, random.sample(values, len(values))) for picture, who, values in rows]
    assert list_samples(take_in_rows(shuffled, json.dumps)[2]) == expected
    ticked = take_in_rows(rows, lambda values: json.dumps({value: value in values for value in ("other", *values)}))
    assert list_samples(ticked[2]) == expected
    assert list_samples(take_in_rows(rows, " / ".join)[2]) == expected
