"""What holds of every format: a damaged file is read or refused, never a crash; a strange value costs its record, which says so."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA
from builders.sources import read_all
from logoingest.errors import SourceError

CASES = DATA / "sources"
FILES = {
    "cvat": ["cvat/task.xml", "cvat/video.xml"],
    "coco": ["coco/instances.json"],
    "via": ["via/project.json", "via/annotations_v1.json", "via/regions.csv"],
    "ground_truth": ["ground_truth/boxes.manifest", "ground_truth/odd.manifest"],
    "labelbox": ["labelbox/export.ndjson"],
    "crowdflower": ["crowdflower/full.csv", "crowdflower/aggregated.csv", "crowdflower/boxes.csv"],
    "toloka": ["toloka/results.tsv", "toloka/shapes.tsv"],
    "zooniverse": ["zooniverse/classifications.csv", "zooniverse/drawings.csv"],
    "prodigy": ["prodigy/annotations.jsonl"],
    "tabular": [
        "tabular/roboflow.csv",
        "tabular/crowd_form.csv",
        "tabular/wide.csv",
        "tabular/yolo_shares.csv",
        "tabular/argilla.json",
        "tabular/service_answer.json",
    ],
}
SAMPLES = [(kind, name) for kind, names in FILES.items() for name in names]
FEW = examples(15)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**12), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["name", "x", "regions", "annotations", "labels"]), st.integers(), max_size=2),
    st.sampled_from(["\ud800", "NaN", "-0", "1e999", "\0", "\u202e"]),
)  # fmt: skip


@st.composite
def damages(draw):
    """Pieces of a file taken out, doubled or replaced: (place, length, what stands there instead), places as shares of the file."""
    piece = st.one_of(
        st.just(b""), st.binary(max_size=4), st.sampled_from([b'"', b",", b"<", b"}", b"[", b"\n", b"&a;", b"null", b"-1", b"\xff"])
    )
    return draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), piece), min_size=1, max_size=4))


def read_bytes(data: bytes, name: str, **keys):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, Path(name).name).write_bytes(data)
        return read_all(Path(folder), {"path": Path(name).name, **keys})


@pytest.mark.parametrize(("kind", "name"), SAMPLES)
def test_a_damaged_file_is_read_or_refused(kind, name):
    """Whatever is missing, doubled or replaced: tables, or a SourceError; told its format or guessing it."""
    whole = (CASES / name).read_bytes()

    @FEW
    @given(damages(), st.booleans())
    def check(wounds, told):
        data = whole
        for share, length, piece in wounds:
            place = int(share * len(data))
            data = data[:place] + piece + data[place + length :]
        try:
            read_bytes(data, name, **({"format": kind} if told else {}))
        except SourceError as error:
            assert error.problems

    check()


def list_leaves(value, path=()):
    """The paths of everything below a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from list_leaves(inner, (*path, key))


def put(value, path, leaf):
    """A copy with something else at a path."""
    changed = copy.deepcopy(value)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = leaf
    return changed


@pytest.mark.parametrize("name", ["ground_truth/odd.manifest", "ground_truth/boxes.manifest", "labelbox/export.ndjson"])
def test_a_strange_value_costs_its_line(name):
    """Every line is accounted for, whatever stands where in one of them."""
    texts = (CASES / name).read_text().splitlines()
    lines = [json.loads(text) for text in texts if text.startswith("{")]

    @FEW
    @given(st.data(), LEAVES)
    def check(data, leaf):
        number = data.draw(st.integers(0, len(lines) - 1))
        paths = [path for path in list_leaves(lines[number]) if not path[0].startswith("verify")]
        path = data.draw(st.sampled_from(paths))
        changed = [*lines[:number], put(lines[number], path, leaf), *lines[number + 1 :]]
        got = read_bytes("\n".join(map(json.dumps, changed)).encode(), name, format=name.split("/")[0])
        assert {row["source_row"] for row in got.kept + got.rejected} == set(range(1, len(lines) + 1))

    check()


@pytest.mark.parametrize(
    ("name", "root"),
    [("coco/instances.json", ("annotations",)), ("via/project.json", ("_via_img_metadata",)), ("via/annotations_v1.json", ())],
)
def test_a_strange_value_costs_its_picture_at_most(name, root):
    """Every picture is accounted for, and in COCO every annotation."""
    whole = json.loads((CASES / name).read_text())
    part = whole[root[0]] if root else whole
    before = len(part) + (1 if root == ("annotations",) else 0)

    @FEW
    @given(st.data(), LEAVES)
    def check(data, leaf):
        path = data.draw(st.sampled_from([path for path in list_leaves(part) if len(path) > 1]))
        changed = put(whole, (*root, *path), leaf)
        try:
            got = read_bytes(json.dumps(changed).encode(), name, format=name.split("/")[0])
        except SourceError as error:
            assert "attributes" in str(error) or "no VIA pictures" in str(error)
            return
        rows = got.kept + got.rejected
        assert len(rows) >= before
        if root != ("annotations",):
            assert {row["source_row"] for row in rows} == set(range(1, len(part) + 1))

    check()
