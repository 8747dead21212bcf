"""What stands on pictures against what was answered: exact spellings only, one class, never the settled one."""

import pytest

from logoingest.labels import ClassMap
from logoingest.samples.texts import find_named_classes, find_text_conflicts
from logoingest.schemas import ImageRow, SampleRow, TextConflictRow, TextRow

MAP = """
no_label = ["", "none"]
noise_words = ["logo", "the"]
separators = ["/"]
[classes.nike]
name = "Nike"
[classes.puma]
name = "Puma"
[classes.coke]
name = "Coca-Cola"
aliases = ["コカ・コーラ", "coke"]
[classes.apple]
name = "Apple"
[classes.hp]
name = "HP"
"""


@pytest.fixture(scope="module")
def class_map(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "map.toml"
    path.write_text(MAP)
    return ClassMap.load(path)


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("NIKE", {"nike": True}),
        ("Nike™", {"nike": True}),
        ("NIKE AIR 2000", {"nike": False}),  # inside other words, a word that people know only may be meant
        ("www.puma.com", {"puma": False}),
        ("fresh apple pie", {"apple": False}),
        ("COCA COLA", {"coke": True}),
        ("Enjoy Coca-Cola today", {"coke": True}),
        ("コカ・コーラ", {"coke": True}),
        ("PUMA / NIKE", {"puma": False, "nike": False}),
        ("APPLE", {"apple": True}),
        ("nikee", {}),  # no fuzzy match: a reader's slip is no evidence
        ("HP", {}),  # two letters stand everywhere
        ("HP LaserJet", {}),
        ("", {}),
        ("none", {}),
        ("SNIKERS", {}),
        ("a" * 5000, {}),
    ],
)
def test_a_text_names_a_class_by_an_exact_spelling(class_map, text, classes):
    """Folded as answers are; whole or in a few words of it."""
    assert find_named_classes([text], class_map) == [classes]


def conflicts(class_map, settled, texts):
    samples = SampleRow.table(
        [{"image_id": "a", "group_id": "a", "class_id": None, "class_ids": settled, "confidence": 0.9, "votes": 3, "agreement": 1.0,
          "boxes": [], "annotation_ids": []}]
    )  # fmt: skip
    images = ImageRow.table(
        [{"image_id": "a", "group_id": "a", "width": 9, "height": 9, "format": "PNG", "mode": "RGB", "frames": 1, "orientation": 1,
          "byte_count": 1, "pixel_hash": "", "hash": b"", "flags": [], "urls": ["http://a", "http://b"], "shard": "s", "shard_row": 0}]
    )  # fmt: skip
    read = TextRow.table([{"image_id": "a", "texts": list(texts), "scores": list(texts.values()), "reader": "r"}])
    found = find_text_conflicts(samples, read, images, class_map)
    assert found.schema == TextConflictRow.arrow_schema()
    return [(row["written"], row["text"], row["url"]) for row in found.to_pylist()]


def test_another_class_alone_is_a_conflict(class_map):
    """With the text that says so and the picture's first URL."""
    assert conflicts(class_map, ["nike"], {"sale": 0.99, "PUMA": 0.97}) == [("puma", "PUMA", "http://a")]


def test_what_is_no_conflict(class_map):
    """The settled class is written too; one of several is; two others are; the reader is unsure; nothing is named."""
    assert conflicts(class_map, ["nike"], {"PUMA": 0.97, "Nike": 0.9}) == []
    assert conflicts(class_map, ["nike", "puma"], {"PUMA": 0.97}) == []
    assert conflicts(class_map, ["nike"], {"PUMA": 0.97, "coke": 0.9}) == []
    assert conflicts(class_map, ["nike"], {"PUMA": 0.7}) == []
    assert conflicts(class_map, ["nike"], {"sale": 0.99}) == []
    assert conflicts(class_map, ["nike"], {"fresh apple pie": 0.99}) == []
    assert conflicts(class_map, ["nike"], {"PUMA": 0.97, "NIKE AIR 2000": 0.9}) == []
