"""Pictures that show the same and were settled differently: found, ruled on, left out or kept; no source row is lost."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import ConfigError
from logoingest.labels import ClassMap
from logoingest.labels.class_map.entries import Signature
from logoingest.samples.conflicts import resolve_conflicts
from logoingest.samples.group_rulings import (
    GroupDecision,
    GroupRuling,
    add_group_rulings,
    find_ruled,
    list_allowed,
    make_conflict_id,
    map_classes,
    map_pairs,
    read_group_rulings,
)
from logoingest.schemas import AnnotationRow, ImageRow, SampleRow

IMAGE = dict.fromkeys(("width", "height", "frames", "orientation", "byte_count", "shard_row"), 1) | {
    "format": "PNG", "mode": "RGB", "hash": b"", "flags": [], "urls": ["http://a.test"], "shard": "0",
}  # fmt: skip


class Settled:
    """Settled pictures put together one by one."""

    def __init__(self):
        self.samples, self.images, self.annotations, self.decisions = [], [], [], []

    def add(self, name, group, pixels, *answers, settled=None):
        """A picture with an answer each ("nike", "nike+puma"), settled as the classes of the first unless said otherwise."""
        image_id, ids = make_id(name), []
        for answer in answers:
            number = f"{len(self.annotations):032x}"
            ids.append(number)
            self.annotations.append(
                {"annotation_id": number, "url": "http://a.test", "raw_label": answer, "status": "submitted", "source_file": "a.csv", "source_row": len(self.annotations) + 1}
            )  # fmt: skip
            self.decisions.append({"annotation_id": number, "class_ids": answer.split("+")})
        classes = sorted((settled or answers[0]).split("+"))
        boxes = [{"class_id": one, "bbox": [0.0, 0.0, 1.0, 1.0]} for one in ("nike", "puma")]
        self.samples.append(
            {"image_id": image_id, "group_id": group, "class_id": classes[0] if len(classes) == 1 else None, "class_ids": classes, "confidence": 0.75,
             "votes": len(ids), "agreement": 1.0, "boxes": boxes, "annotation_ids": ids}
        )  # fmt: skip
        self.images.append({**IMAGE, "image_id": image_id, "group_id": group, "pixel_hash": pixels})
        return image_id

    def resolve(self, *rulings, policy="review"):
        samples = SampleRow.table(sorted(self.samples, key=lambda row: row["image_id"]))
        schema = pa.schema([("annotation_id", pa.string()), ("class_ids", pa.list_(pa.string()))])
        decisions = pa.Table.from_pylist(self.decisions, schema=schema)
        images, annotations = ImageRow.table(self.images), AnnotationRow.table(self.annotations)
        return resolve_conflicts(samples, images, annotations, decisions, rulings, policy)


def make_id(name):
    return f"{name:0>64}"


def classes_of(resolved):
    return {row["image_id"]: row["class_ids"] for row in resolved.samples.to_pylist()}


@pytest.fixture
def settled():
    """Two pictures of equal pixels, two near ones and two that agree, each couple a group of its own."""
    made = Settled()
    made.add("a1", "ga", "p", "nike", "nike", "puma")
    made.add("a2", "ga", "p", "puma", "puma")
    made.add("b1", "gb", "q1", "nike")
    made.add("b2", "gb", "q2", "puma")
    made.add("c1", "gc", "r", "nike")
    made.add("c2", "gc", "r", "nike")
    return made


def test_contradictions_are_listed_with_their_votes(settled):
    """Equal pixels and near-duplicates of different classes are listed: pictures, classes by votes, and one line for people."""
    rows = settled.resolve(policy="keep").conflicts.to_pylist()
    assert [(row["kind"], row["group_id"]) for row in rows] == [("identical", "ga"), ("near", "gb")]
    assert rows[0]["image_ids"] == [make_id("a1"), make_id("a2")]
    assert (rows[0]["class_ids"], rows[0]["votes"]) == (["puma", "nike"], [3, 2])
    assert "equal pixels" in rows[0]["detail"]
    assert "nike 2 of 3 answers (confidence 0.75)" in rows[0]["detail"]


def test_equal_pixels_wait_for_a_ruling_and_near_ones_do_not(settled):
    """Under review contradicting pictures of equal pixels are left out by reason; near ones and all others stay."""
    resolved = settled.resolve()
    assert classes_of(resolved).keys() == {make_id(name) for name in ("b1", "b2", "c1", "c2")}
    assert {row["reason"] for row in resolved.rejected.to_pylist()} == {"class_conflict"}
    assert resolved.rejected.num_rows == 5
    assert resolved.conflicts.num_rows == 2
    assert settled.resolve(policy="keep").samples.num_rows == 6


def test_a_ruled_class_holds_for_each_picture(settled):
    """A class that a person gave replaces another: sure, with the agreement and the boxes of that class; the rest is untouched."""
    ruling = GroupRuling((make_id("a1"), make_id("a2")), "class", "nike", "Ann")
    resolved = settled.resolve(ruling)
    rows = {row["image_id"]: row for row in resolved.samples.to_pylist()}
    changed, same = rows[make_id("a2")], rows[make_id("a1")]
    assert (changed["class_id"], changed["class_ids"], changed["confidence"], changed["agreement"]) == ("nike", ["nike"], 1.0, 0.0)
    assert [box["class_id"] for box in changed["boxes"]] == ["nike"]
    assert (same["class_id"], same["confidence"], len(same["boxes"])) == ("nike", 0.75, 2)
    assert resolved.ruled == 1
    assert [row["kind"] for row in resolved.conflicts.to_pylist()] == ["near"]


def test_both_may_be_right_and_none_may_be_wanted(settled):
    """both keeps every picture as it is; drop leaves them out with who said so; neither is asked about again."""
    both = settled.resolve(GroupRuling((make_id("a1"), make_id("a2")), "both"))
    assert (both.samples.num_rows, both.conflicts.num_rows) == (6, 1)
    drop = settled.resolve(GroupRuling((make_id("a1"), make_id("a2")), "drop", None, "Ann", date(2026, 11, 21)))
    assert (drop.samples.num_rows, drop.conflicts.num_rows, drop.ruled) == (4, 1, 2)
    assert {row["detail"] for row in drop.rejected.to_pylist()} == {"left out by Ann on 2026-11-21"}


def test_a_newcomer_opens_a_group_again(settled):
    """What was ruled holds; a further picture of the same pixels and another class is a new contradiction."""
    settled.add("a3", "ga", "p", "audi")
    for ruling in (
        GroupRuling((make_id("a1"), make_id("a2")), "class", "nike"),
        GroupRuling((make_id("a1"), make_id("a2")), "both"),
    ):
        rows = settled.resolve(ruling).conflicts.to_pylist()
        assert rows[0]["image_ids"] == [make_id(name) for name in ("a1", "a2", "a3")]


def test_more_classes_are_no_contradiction():
    """A picture of several classes does not contradict one that names some of them; two that overlap do."""
    made = Settled()
    made.add("a1", "g", "p", "nike")
    made.add("a2", "g", "p", "nike+puma")
    assert made.resolve().conflicts.num_rows == 0
    made.add("a3", "g", "p", "nike+audi")
    assert made.resolve().conflicts.num_rows == 1


def test_a_conflict_of_equal_pixels_is_not_told_twice(settled):
    """A near picture that agrees with one of two equal ones is no conflict of its own."""
    settled.add("a3", "ga", "other", "nike")
    assert [row["kind"] for row in settled.resolve().conflicts.to_pylist()] == ["identical", "near"]


names = st.sampled_from(["nike", "puma", "audi", "nike+puma"])
pictures = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.lists(names, min_size=1, max_size=3)), max_size=10)
ruled = st.lists(
    st.tuples(
        st.sets(st.integers(0, 9), min_size=1), st.sampled_from(["class", "both", "drop"]), st.sampled_from(["nike", "audi"])
    ),
    max_size=3,
)


@given(pictures, ruled, st.sampled_from(["review", "keep"]))
def test_every_answer_stays_in_one_place(drawn, rulings, policy):
    """Whatever is ruled, each answer of a settled picture is in a sample or rejected, and no open conflict of equal pixels is released."""
    made = Settled()
    for number, (group, pixels, answers) in enumerate(drawn):
        made.add(f"{number}", f"g{group}", f"p{group}{pixels}", *answers)
    given_ = [
        GroupRuling(tuple(sorted(make_id(f"{n}") for n in images)), decision, class_id if decision == "class" else None)
        for images, decision, class_id in rulings
    ]
    resolved = made.resolve(*given_, policy=policy)
    kept = [voter for row in resolved.samples.to_pylist() for voter in row["annotation_ids"]]
    lost = resolved.rejected.column("annotation_id").to_pylist()
    assert sorted(kept + lost) == sorted(row["annotation_id"] for row in made.annotations)
    waiting = {one for row in resolved.conflicts.to_pylist() if row["kind"] == "identical" for one in row["image_ids"]}
    if policy == "review":
        assert not waiting & classes_of(resolved).keys()
    else:
        assert waiting <= classes_of(resolved).keys()
    assert all(row["class_ids"] and row["votes"] == sorted(row["votes"], reverse=True) for row in resolved.conflicts.to_pylist())


@pytest.fixture
def class_map(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text('[classes.nike]\nname = "Nike"\n[classes.puma]\nname = "Puma"\n', encoding="utf-8")
    return ClassMap.load(path)


def test_rulings_are_read_as_they_were_written(tmp_path, class_map):
    """Rulings go to a file and come back, with who and when; what stood in the file stays."""
    path = tmp_path / "rulings.toml"
    assert read_group_rulings(path, class_map) == []
    first = GroupRuling((make_id("1"), make_id("2")), "class", "nike", 'Ann "A"', date(2026, 11, 21))
    add_group_rulings(path, [first], Signature(first.by, first.on))
    path.write_text(path.read_text(encoding="utf-8") + "# a note\n", encoding="utf-8")
    second = GroupRuling((make_id("3"),), "both")
    add_group_rulings(path, [second, GroupRuling((make_id("3"),), "drop")], Signature("", None))
    read = read_group_rulings(path, class_map)
    assert read[:2] == [first, second]
    assert "# a note" in path.read_text(encoding="utf-8")
    assert find_ruled(read, make_conflict_id([make_id("3")])).decision == "drop"
    assert find_ruled(read, "g0000000000") is None


def test_rulings_on_copies_are_apart_from_those_on_labels(tmp_path, class_map):
    """The last of each kind counts; "not same" says that each label is right."""
    path, ids = tmp_path / "rulings.toml", (make_id("1"), make_id("2"))
    said = [
        GroupRuling(ids, GroupDecision("class"), "nike"),
        GroupRuling(ids, GroupDecision("same")),
        GroupRuling(ids, GroupDecision("not same")),
    ]
    add_group_rulings(path, said, Signature("", None))
    read = read_group_rulings(path, class_map)
    assert read == said
    assert map_classes(read) == dict.fromkeys(ids, "nike")
    assert map_pairs(read) == {ids: False}
    assert map_pairs(read[:2]) == {ids: True}
    assert list_allowed(read) == read[2:]
    assert find_ruled(read, make_conflict_id(ids)) == read[0]
    assert find_ruled(read, make_conflict_id(ids), about_copies=True) == read[2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("groups = 7", "no list of tables"),
        ("[[groups]]\nimages = ['zz']\nruling = 'both'", "no list of image_ids"),
        (f"[[groups]]\nimages = ['{'a' * 64}']\nruling = 'class: nikee'", 'no class "nikee"'),
        (f"[[groups]]\nimages = ['{'a' * 64}']\nruling = 'perhaps'", "missing or wrong"),
        (f"[[groups]]\nimages = ['{'a' * 64}']\nruling = 'both'\nwho = 'x'", 'unknown keys: "who"'),
        (f"[[groups]]\nimages = ['{'a' * 64}']\nruling = 'both'\non = 'today'", "by or on is wrong"),
        ("[[groups", "cannot be read"),
    ],
)
def test_faults_of_the_file_are_told(tmp_path, class_map, text, fault):
    """What a person edited wrongly is told with its place."""
    path = tmp_path / "rulings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=fault):
        read_group_rulings(path, class_map)
