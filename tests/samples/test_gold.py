"""Gold questions: read from a table of the user's, used to measure workers and to correct confidence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from builders.answers import DECISIONS, IGNORED, UNKNOWN, Answered, sample_of, worker_of
from logoingest.config import SamplesConfig
from logoingest.errors import ConfigError
from logoingest.labels import ClassMap
from logoingest.samples import read_given_gold, read_gold
from logoingest.schemas import AnnotationRow

MAP = """
[classes.nike]
name = "Nike"
aliases = ["ナイキ"]

[classes.puma]
name = "Puma"

[classes.old]
name = "Old Brand"

[output]
drop = ["old"]
"""


@pytest.fixture
def read(tmp_path):
    """Writes a gold table and reads it against annotations of four URLs with the source ids a1 to a4."""

    def read_text(text, name="gold.csv", **config):
        (tmp_path / name).write_text(text, encoding="utf-8")
        rows = [
            {
                "annotation_id": f"{number:032x}", "url": f"http://x.test/{number}.jpg", "raw_label": "", "status": "submitted",
                "source_id": f"a{number}", "source_file": "a.csv", "source_row": number,
            }
            for number in range(1, 5)
        ]  # fmt: skip
        settings = SamplesConfig(gold=name, **config)
        return read_gold(tmp_path / name, settings, ClassMap.from_toml(MAP), AnnotationRow.table(rows))

    return read_text


def test_classes_are_read_as_answers_are(read):
    """A class id, a name, an alias, "no logo"; an empty cell is no gold, nor is a URL nobody was asked about."""
    text = "url,class\nhttp://x.test/1.jpg,nike\nhttp://x.test/2.jpg,ナイキ\nhttp://x.test/3.jpg,none\nhttp://x.test/4.jpg,\nhttp://y.test/,Puma\n"
    assert read(text) == {"http://x.test/1.jpg": "nike", "http://x.test/2.jpg": "nike", "http://x.test/3.jpg": None}


def test_gold_columns_of_a_batch_file(read):
    """MTurk's own results file is the gold table where the batch's input had a column of right answers."""
    text = "HITId,Input.image_url,Input.gold,Answer.brand,Approve,Reject\n1,http://x.test/1.jpg,Puma,nike\n1,http://x.test/1.jpg,Puma,puma\n2,http://x.test/2.jpg,,nike\n"
    found = read(text, gold_url_column="Input.image_url", gold_class_column="Input.gold")
    assert found == {"http://x.test/1.jpg": "puma"}


def test_gold_by_source_id_and_tabs(read):
    """Without URLs an answer about the picture is named by the source's id; a .tsv has tabs."""
    assert read("source_id\tclass\na2\tpuma\nzz\tnike\n", "gold.tsv") == {"http://x.test/2.jpg": "puma"}


def test_gold_of_a_dropped_class_is_left_out(read):
    """A class the map drops can't be settled on."""
    assert read("url,class\nhttp://x.test/1.jpg,Old Brand\n") == {}


def test_every_fault_is_told_at_once(read):
    """Unknown classes and contradictions, with their lines."""
    with pytest.raises(ConfigError) as raised:
        read("url,class\nhttp://x.test/1.jpg,Adidas\nhttp://x.test/2.jpg,nike\nhttp://x.test/2.jpg,puma\n")
    first, second = map(str, raised.value.problems)
    assert first.startswith("gold.csv: line 2: 'Adidas' is no class")
    assert second.startswith("gold.csv: line 4: another class for the picture of line 3")


@pytest.mark.parametrize(
    ("text", "what"), [("a,b\n1,2\n", 'has no column "url"'), ("", "has no column"), ("url,class\n\xff", None)]
)
def test_a_wrong_table_is_a_config_error(tmp_path, read, text, what):
    """Missing columns name what is there; a missing or binary file is said to be so."""
    if what is None:
        (tmp_path / "latin.csv").write_bytes(b"url,class\nhttp://x.test/1.jpg,\xff\n")
        with pytest.raises(ConfigError, match="UTF-8"):
            read_gold(tmp_path / "latin.csv", SamplesConfig(), ClassMap.from_toml(MAP), AnnotationRow.empty_table())
        with pytest.raises(ConfigError, match="no such file"):
            read_gold(tmp_path / "none.csv", SamplesConfig(), ClassMap.from_toml(MAP), AnnotationRow.empty_table())
    else:
        with pytest.raises(ConfigError, match=what):
            read(text)


def make_crowd():
    """40 pictures; w0 to w3 are right, w4 says the next class."""
    answered = Answered()
    classes = ["nike", "puma", "audi"]
    for number in range(40):
        right, wrong = classes[number % 3], classes[(number + 1) % 3]
        answered.vote(f"p{number}", [right] * 4 + [wrong])
    gold = {f"http://p{number}.test/0.jpg": classes[number % 3] for number in range(20)}
    return answered, gold


def test_workers_are_measured_against_gold():
    """Gold answers and how many were right; without gold there are none."""
    answered, gold = make_crowd()
    settled = answered.settle(gold=gold)
    right, wrong = worker_of(settled, "w0"), worker_of(settled, "w4")
    assert (right["gold"], right["gold_accuracy"]) == (20, 1.0)
    assert (wrong["gold"], wrong["gold_accuracy"]) == (20, 0.0)
    assert "0 of 20 gold questions right, usual is 100%" in wrong["suspect"]
    without = worker_of(answered.settle(), "w4")
    assert (without["gold"], without["gold_accuracy"]) == (0, None)


def test_gold_counts_no_label_several_and_unread_answers():
    """ "No label" is right on gold without a class; naming a second class is wrong; what can't be read is not counted."""
    answered = Answered()
    answered.add_crowd()
    for number, said in enumerate([IGNORED, "nike", "nike+puma", UNKNOWN]):
        answered.say(f"q{number}", said, "w")
        answered.say(f"q{number}", "nike", "other")
    gold = {"http://q0.test/0.jpg": None} | {f"http://q{number}.test/0.jpg": "nike" for number in (1, 2, 3)}
    row = worker_of(answered.settle(gold=gold), "w")
    assert (row["gold"], row["gold_accuracy"]) == (3, pytest.approx(2 / 3))


def test_gold_names_no_pictures_class():
    """The picture stays what its answers say, and gold of a class nobody named is no fault."""
    answered, gold = make_crowd()
    settled = answered.settle(gold=gold | {"http://p0.test/0.jpg": "puma", "http://p1.test/0.jpg": "ford"})
    assert sample_of(settled, "p0")["class_id"] == "nike"
    assert sample_of(settled, "p1")["class_id"] == "puma"


def test_gold_corrects_confidence():
    """Where the crowd is right on all gold, confidence rises; where it is wrong, it falls."""
    answered, gold = make_crowd()
    plain = np.mean([row["confidence"] for row in answered.settle().samples.to_pylist()])
    raised = np.mean([row["confidence"] for row in answered.settle(gold=gold).samples.to_pylist()])
    wrong = {url: {"nike": "puma", "puma": "audi", "audi": "nike"}[class_id] for url, class_id in list(gold.items())[:8]}
    lowered = np.mean([row["confidence"] for row in answered.settle(gold=wrong, min_confidence=0.0).samples.to_pylist()])
    assert lowered < plain < raised


def test_urls_of_one_picture_with_different_gold_tell_nothing():
    """The same bytes at two URLs, said to be two things."""
    answered = Answered()
    answered.add_crowd()
    answered.say("p", "nike", "w0", url="http://p.test/a.jpg")
    answered.say("p", "nike", "w1", url="http://p.test/b.jpg")
    gold = {"http://p.test/a.jpg": "nike", "http://p.test/b.jpg": "puma"}
    assert worker_of(answered.settle(gold=gold), "w0")["gold"] == 0


def test_right_answers_of_the_sources():
    """A test question's right answer and an expert's answer are gold; what is unread, several classes or two answers is none."""
    told = [
        ("1", '{"gold": "ナイキ"}', "puma"),
        ("1", '{"gold": "Nike"}', "nike"),
        ("2", '{"gold": "no logo"}', "puma"),
        ("3", '{"gold": "Nike"}', "nike"),
        ("3", '{"gold": "Puma"}', "nike"),
        ("4", '{"gold": "gibberish"}', "nike"),
        ("5", '{"ground_truth": true}', "puma"),
        ("6", '{"ground_truth": true}', UNKNOWN),
        ("7", '{"note": "\\"gold\\": \\"Nike\\""}', "nike"),
        ("8", '{"deep": {"gold": "Nike"}}', "nike"),
        ("9", None, "nike"),
        ("10", '{"ground_truth": true}', IGNORED),
    ]
    annotations = AnnotationRow.table(
        {
            "annotation_id": f"{number:032x}", "url": f"http://x.test/{url}.jpg", "raw_label": "", "status": "submitted",
            "attributes": attributes, "source_file": "a.csv", "source_row": number,
        }
        for number, (url, attributes, _) in enumerate(told)
    )  # fmt: skip
    decisions = pa.Table.from_pylist(
        [
            {
                "annotation_id": f"{number:032x}",
                "decision": DECISIONS.get(said, "accepted"),
                "class_ids": [] if said in {UNKNOWN, IGNORED} else [said],
            }
            for number, (_, _, said) in enumerate(told)
        ]
    )
    found = read_given_gold(annotations, decisions, ClassMap.from_toml(MAP))
    assert found == {
        "http://x.test/1.jpg": "nike",
        "http://x.test/2.jpg": None,
        "http://x.test/5.jpg": "puma",
        "http://x.test/10.jpg": None,
    }
