"""The dataset card: what its readers take from it, and that strangers' words stay words."""

from __future__ import annotations

import dataclasses
import json

import pytest

from logoingest.config import DatasetConfig
from logoingest.release import verify_release
from logoingest.release.form.card import escape_markdown, read_card_head, render_address
from logoingest.schemas import is_class_id
from logoingest.strangers.escaping import replace_controls

HOSTILE = [
    "<script>alert(1)</script>",
    "a | b | c",
    "`code` *bold* _it_ ~~no~~ $x$",
    "[link](javascript:alert(1))",
    "![x](http://evil.test/x.png)",
    "line\nbreak\n---\n# heading",
    "\u202egnp.exe\u202c",
    "quote \" ' : { } & < >",
    "null",
    "no",
    "12:30",
    "- item",
    "&id001 *id001",
    "!!python/object/apply:os.system ['x']",
    "\u2028\u2029\x85\x07 end",
    "=HYPERLINK(1)",
    "www.evil.test",
    "---",
]


def hostile_release(ingredients, text):
    """The release with ``text`` as id and name of a class, description and address."""

    def rename(class_ids):
        return [text if class_id == "no" else class_id for class_id in class_ids]

    import pyarrow as pa

    from logoingest.schemas import SampleRow

    rows = ingredients.samples.to_pylist()
    for row in rows:
        row["class_ids"] = sorted(rename(row["class_ids"]))
        row["class_id"] = row["class_ids"][0] if len(row["class_ids"]) == 1 else None
        row["boxes"] = [{**box, "class_id": rename([box["class_id"]])[0]} for box in row["boxes"]]
    samples = pa.Table.from_pylist(rows, schema=SampleRow.arrow_schema())
    classes = [(text if class_id == "no" else class_id, text) for class_id, _ in ingredients.classes]
    dataset = DatasetConfig(name="logos", workspace="w", description=text, licence=text, source_url=text)
    return dataclasses.replace(
        ingredients, samples=samples, classes=classes, dataset=dataset, lineage={"sources": [{"file": f"```\n{text}"}]}
    )


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(ingredients, tmp_path, text):
    """Whatever a class, a description or an address is called: the head reads back the same, the body holds no markup of it.

    Control characters are replaced as it is written; a class that is called so, which no class map allows, verify names.
    """
    hostile_release(ingredients, text).write(tmp_path / "release")
    card = (tmp_path / "release/README.md").read_text(encoding="utf-8")
    head = read_card_head(card)
    assert head["license"] == replace_controls(text)
    label = next(entry for entry in head["dataset_info"]["features"] if entry["name"] == "label")
    assert label["dtype"]["class_label"]["names"] == {"0": "adidas", "1": "coca-cola", "2": text}
    body = card.split("\n---\n", 1)[1].split("## Where it came from")[0]
    assert "<script" not in body
    assert "](" not in body.replace("\\](", "")
    assert "\u202e" not in body
    row = next(line for line in body.splitlines() if line.startswith("| 2 |"))
    assert row.replace("\\|", "").count("|") == 8
    broken = {violation.law for violation in verify_release(tmp_path / "release", deep=False)}
    assert broken == (set() if is_class_id(text) else {"class_ids"})


@pytest.mark.slow
def test_hostile_words_through_datasets(ingredients, tmp_path):
    """datasets reads the class names of a hostile card and hostile metadata as they are."""
    import datasets

    for number, text in enumerate(HOSTILE[:3] + HOSTILE[8:12]):
        hostile_release(ingredients, text).write(tmp_path / str(number))
        opened = datasets.load_dataset(str(tmp_path / str(number)), streaming=True, cache_dir=str(tmp_path / "cache"))
        assert opened["test"].features["label"].names == ["adidas", "coca-cola", text]


def test_head_tells_datasets_where_and_how_many(written):
    """The YAML head names splits, their rows and their files."""
    head = read_card_head((written / "README.md").read_text(encoding="utf-8"))
    assert [(split["name"], split["num_examples"]) for split in head["dataset_info"]["splits"]] == [
        ("train", 16),
        ("validation", 4),
        ("test", 4),
    ]
    assert head["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*"}
    assert head["license"] == "cc-by-4.0"


def test_body_tells_people_what_is_in_it(written):
    """Counts, classes with display names, the law, the reasons and the licence are in the text."""
    card = (written / "README.md").read_text(encoding="utf-8")
    for words in (
        "24 pictures, 3 classes.",
        "| 1 | coca-cola | Coca-Cola \\| コカ・コーラ | 3 | 0 | 4 | 7 |",
        "| fetch | http\\_4xx | 3 |",
        "results.csv",
    ):
        assert words in card


def test_fence_is_longer_than_any_inside(ingredients, tmp_path):
    """Back-ticks in lineage cannot end the code block they stand in."""
    dataclasses.replace(ingredients, lineage={"file": "`````\n# out"}).write(tmp_path / "release")
    card = (tmp_path / "release/README.md").read_text(encoding="utf-8")
    block = card.split("``````json\n")[1].split("\n``````\n")[0]
    assert json.loads(block) == {"file": "`````\n# out"}


def test_long_lineage_is_referred_to(ingredients, tmp_path):
    """A lineage of many files does not drown the card."""
    dataclasses.replace(ingredients, lineage={"files": ["x" * 1000] * 100}).write(tmp_path / "release")
    assert (tmp_path / "release/README.md").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/a b?c=<d>", "<https://example.org/a%20b?c=%3Cd%3E>"),
        ("javascript:alert(1)", "javascript\\:alert(1)"),
        ("http://user:secret@example.org/", "http\\://user\\:secret\\@example.org/"),
        ("http://[", "http\\://\\["),
    ],
)
def test_addresses(address, shown):
    """Only plain http(s) addresses become links."""
    assert render_address(address) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nestlé — コカ・コーラ", "Nestlé — コカ・コーラ"),
        ("1. one", "1\\. one"),
        ("picture: 3 x 4", "picture: 3 x 4"),
        ("a\x00b", "a\ufffdb"),
        ("", ""),
    ],
)
def test_escaped_words(text, shown):
    """Words of every script stay readable; only what would be markup is escaped."""
    assert escape_markdown(text) == shown


@pytest.mark.parametrize(
    "card",
    [
        "",
        "no head",
        "---\n- list\n---\n",
        "---\n: [\n---\n",
        "---\nnever: closed\n",
        "---\n" + "[" * 100_000 + "\n---\n",
        "---\na: &x [1]\nb: *x\n---\n",
    ],
)
def test_heads_that_cannot_be_read(card):
    """A head that is none, broken or no mapping is None."""
    assert read_card_head(card) is None
