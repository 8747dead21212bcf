"""Answers of several values: one person ticks {nike, puma}."""

from __future__ import annotations

import pytest

from builders.answers import Answered, refusals_of, sample_of
from logoingest.choices import write_choices
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.first_maps.draft import draft_class_map
from logoingest.labels.matching.explanation import explain_label
from logoingest.labels.matching.label_table import normalise_annotations
from logoingest.labels.matching.match import decide_labels, normalise_label
from logoingest.review.map_editing import plan_edit
from logoingest.review.rulings import Action, RuledMeaning, Ruling
from logoingest.review.suggestions import gather_open_labels, list_spellings
from logoingest.schemas import AnnotationRow

MAP = ClassMap.from_toml(
    """
separators = ["/"]
[output]
drop = ["shoes"]
[classes.nike]
aliases = ["black / white"]
[classes.puma]
[classes.shoes]
[classes.mini_cooper]
name = "Mini Cooper"
[classes.pair]
aliases = ['["cross", "bones"]']
"""
)


@pytest.mark.parametrize(
    "values",
    [
        ("nike", "puma"),
        ("puma", "nike"),
        ("nike", "zzz"),
        ("nike", "none"),
        ("nike", "shoes"),
        ("Nikee", "PUMA logo"),
        ("shoes", "shoe s"),
    ],
)
def test_ticked_is_decided_as_typed(values):
    """{nike, puma} comes to what "nike / puma" comes to: decision, rule, classes, score."""
    ticked, typed = decide_labels([write_choices(values), " / ".join(values)], MAP)
    assert (ticked.decision, ticked.rule, ticked.class_ids, ticked.score, ticked.matched_alias) == (
        typed.decision, typed.rule, typed.class_ids, typed.score, typed.matched_alias,
    )  # fmt: skip
    assert ticked.raw_label == write_choices(values)


@pytest.mark.parametrize(
    ("values", "decision", "class_ids"),
    [
        (["black / white", "puma"], "accepted", ("nike", "puma")),
        (["nike / puma", "shoes"], "accepted", ("nike", "puma")),
        (["mini", "cooper"], "unknown", ()),
        (["none", "no logo"], "ignored", ()),
        (["cross", "bones"], "accepted", ("pair",)),
        (["zzz", "qqq"], "unknown", ()),
        ([f"nike{number}" for number in range(70)], "review", ()),
    ],
)
def test_values_are_never_glued_or_cut(values, decision, class_ids):
    """Each value is an answer by itself, whatever it holds; a map may say what a whole list means."""
    made = normalise_label(write_choices(values), MAP)
    assert (made.decision, made.class_ids) == (decision, class_ids)


def test_explained_value_by_value():
    """An explanation tells what each value comes to."""
    found = explain_label('["nike", "zzz"]', MAP)
    assert found.decision.note == "names several things, not all of them known (zzz)"
    assert [(value.raw_label, value.decision) for value in found.values] == [("nike", "accepted"), ("zzz", "unknown")]


@pytest.mark.parametrize("both", ['["nike", "puma"]', "nike / puma"])
def test_a_first_map_has_a_class_a_value(both):
    """A draft is made of values, not of their combinations."""
    made = ClassMap.from_toml(draft_class_map([(both, 9), ("nike", 9)], "draft"))
    assert made.class_ids == ("nike", "puma")


@pytest.mark.parametrize("method", ["one_coin", "majority"])
def test_sets_that_partly_overlap(method):
    """{nike, puma}, {nike}, {nike, puma}: both are there; {nike, puma}, {nike}, {nike}: nike alone."""
    crowd = Answered()
    crowd.add_crowd()
    crowd.vote("both", ["nike+puma", "nike", "nike+puma"])
    crowd.vote("one", ["nike+puma", "nike", "nike"])
    crowd.vote("none", ["nike+puma", "audi", "(none)"])
    settled = crowd.settle(method=method)
    assert sample_of(settled, "both")["class_ids"] == ["nike", "puma"]
    assert sample_of(settled, "one")["class_ids"] == ["nike"]
    assert {reason for reason, _ in refusals_of(settled, "none")} <= {"low_confidence", "tie"}
    assert len(settled.rejected) == 2  # "no label" was turned away before


def test_boxes_of_one_submission_add_up():
    """A nike box and a puma box are an answer that names both; the same label twice is one vote."""
    crowd = Answered()
    for worker in ("w0", "w1", "w2"):
        crowd.say("both", "nike", worker, bbox=[0, 0, 2, 2])
        crowd.say("both", "puma", worker, bbox=[4, 0, 2, 2])
        crowd.say("twice", "nike", worker, bbox=[0, 0, 2, 2])
        crowd.say("twice", "nike", worker, bbox=[4, 0, 2, 2])
    settled = crowd.settle()
    assert (sample_of(settled, "both")["class_ids"], sample_of(settled, "both")["votes"]) == (["nike", "puma"], 3)
    assert (sample_of(settled, "twice")["class_ids"], sample_of(settled, "twice")["votes"]) == (["nike"], 3)
    assert len(settled.rejected) == 0


def annotate(*answers):
    """Annotations of these answers, one a worker and picture."""
    rows = [
        {
            "annotation_id": f"{number:032x}", "url": f"http://x.test/{number}", "raw_label": answer, "worker_id": f"w{number}",
            "status": "submitted", "source_file": "a", "source_row": number,
        }
        for number, answer in enumerate(answers)
    ]  # fmt: skip
    return AnnotationRow.table(rows)


def list_open(annotations, class_map):
    made = normalise_annotations(annotations, class_map)
    return gather_open_labels(annotations, made.labels, made.decisions, class_map).labels


def test_what_is_open_is_a_value_not_a_combination():
    """A person is asked about "zzz" once, whatever it was ticked with; values that contradict each other are asked about together."""
    annotations = annotate('["nike", "zzz"]', '["zzz", "puma"]', "zzz", '["nike", "none"]', '["nike", "puma"]')
    found = {label.raw_label: (label.answers, label.workers) for label in list_open(annotations, MAP)}
    assert found == {"zzz": (3, ["w0", "w1", "w2"]), '["nike", "none"]': (1, ["w3"])}


def test_a_ruling_about_a_value_settles_every_answer_with_it(tmp_path):
    """The alias is the value's; what was in review is accepted, and a list can be ruled on as a whole."""
    path = tmp_path / "map.toml"
    path.write_text("[classes.nike]\n[classes.puma]\n", encoding="utf-8")
    annotations = annotate('["nike", "zzz"]', '["zzz", "nike"]', '["nike", "none"]')
    rulings = [Ruling("zzz", RuledMeaning(Action.CLASS, "puma")), Ruling('["nike", "none"]', RuledMeaning(Action.CLASS, "nike"))]
    edit = plan_edit(path, rulings, annotations, Signature("me", None), ())
    made = normalise_annotations(annotations, edit.class_map)
    assert made.decisions.column("class_ids").to_pylist() == [["nike", "puma"], ["puma", "nike"], ["nike"]]
    assert list_open(annotations, edit.class_map) == []
    assert list_spellings(made.labels) == ['["nike", "none"]', '["nike", "zzz"]', '["zzz", "nike"]', "nike", "none", "zzz"]
