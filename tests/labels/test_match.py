"""Matching: every case of the data files, the laws, and the false friends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from logoingest.labels import ClassMap, explain_label, normalise_label
from logoingest.labels.match import decide_labels

DATA = Path(__file__).resolve().parents[1] / "data" / "labels"
BRANDS = ClassMap.load(DATA / "brands.toml")


def _load_cases():
    for file in sorted(DATA.glob("*.json")):
        if file.stem == "false_friends":
            continue
        for case in json.loads(file.read_text("utf-8")):
            marks = [pytest.mark.xfail(reason=case["known_failure"], strict=True)] if "known_failure" in case else []
            yield pytest.param(case, id=case["id"], marks=marks)


def _map_of(*names):
    return ClassMap.from_toml(tomlkit.dumps({"classes": {f"c{number}": {"name": name} for number, name in enumerate(names)}}))


@pytest.mark.parametrize("case", list(_load_cases()))
def test_case(case):
    """The answer comes out as the case says."""
    decision = normalise_label(case["raw"], BRANDS)
    assert (decision.decision, list(decision.class_ids)) == (case["decision"], case["classes"])


@pytest.mark.parametrize("pair", json.loads((DATA / "false_friends.json").read_text("utf-8")), ids="|".join)
def test_false_friends_stay_apart(pair):
    """Neither of two names that look alike is taken for the other."""
    for name, stranger in (pair, pair[::-1]):
        assert normalise_label(stranger, _map_of(name)).decision != "accepted"
        both = _map_of(name, stranger)
        assert normalise_label(stranger, both).class_id == "c1"
        assert normalise_label(name, both).class_id == "c0"


def test_there_are_56_pairs_of_false_friends_and_250_cases():
    """There are at least 250 cases and 56 pairs of false friends."""
    assert len(json.loads((DATA / "false_friends.json").read_text("utf-8"))) == 56
    assert len(list(_load_cases())) >= 250


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_answer_crashes(text):
    """Any text gets a decision, and one that explains itself."""
    explanation = explain_label(text, BRANDS)
    assert explanation.decision.decision in {"accepted", "ignored", "review", "unknown"}
    assert bool(explanation.decision.class_ids) == (explanation.decision.decision == "accepted")


@pytest.mark.parametrize(
    "text", ["nike," * 200_000, "a" * 1_000_000, "&" * 1_000_000, "/ , ; | & + and " * 30, " and ".join("abcdefgh" * 6)]
)
def test_hostile_answers_end(text):
    """A megabyte, or nothing but separators, is asked about or unknown, not chewed for ever."""
    assert normalise_label(text, BRANDS).decision in {"review", "unknown"}


@given(
    st.lists(
        st.sampled_from(["nike", "starbukcs", "HM", "nike / hp", "Адидас", "good", "", "logo vodafon", "Vista"]),
        min_size=1,
        max_size=9,
    )
)
@settings(max_examples=40, deadline=None)
def test_decisions_do_not_depend_on_their_neighbours(labels):
    """An answer is decided the same alone, among others, and in any order."""
    assert decide_labels(labels, BRANDS) == [normalise_label(label, BRANDS) for label in labels]


@pytest.mark.parametrize("label", ["Nike", "nike swoosh", "H & M", "starbukcs", "logo vodafone", "nike / hp"])
def test_an_alias_of_another_class_changes_nothing_stronger(label):
    """Adding an alias leaves answers alone that a stronger rule decided."""
    text = (DATA / "brands.toml").read_text(
        "utf-8"
    ) + '\n[classes.zzz]\nname = "Zzzyx"\naliases = ["nikke", "handm", "zzz coffee"]\n'
    assert normalise_label(label, ClassMap.from_toml(text)).class_ids == normalise_label(label, BRANDS).class_ids


def test_every_class_name_is_its_own_class():
    """The map is idempotent on its own names and aliases."""
    for spelling in BRANDS.spellings:
        assert normalise_label(spelling.text, BRANDS).class_id == spelling.class_id


def test_an_alias_beats_another_class_name():
    """Raw "chanel" may mean the class chanel-text while a class chanel exists."""
    made = ClassMap.from_toml('[classes.chanel]\n[classes."chanel-text"]\naliases = ["chanel"]\n')
    assert normalise_label("Chanel", made).class_id == "chanel-text"


def test_two_classes_of_one_name_are_asked_about():
    """What two classes share decides nothing."""
    made = ClassMap.from_toml('[classes.a]\nname = "Coop"\n[classes.b]\nname = "COOP"\n')
    decision = normalise_label("coop", made)
    assert (decision.decision, decision.rule, decision.runner_up) == ("review", "ambiguous", "b")


def test_affixes_become_attributes():
    """An ending is stripped and told as an attribute, more than one at once."""
    made = ClassMap.from_toml(
        '[[affixes]]\nsuffix = "-teilsichtbar"\nattributes = {truncated = true}\n'
        '[[affixes]]\nsuffix = "-schriftzug"\nbecomes = "-text"\nattributes = {variant = "text"}\n'
        '[classes.bk]\nname = "Burger King"\n[classes."bk-text"]\nname = "Burgerking-Text"\n'
    )
    decision = normalise_label("burgerking-schriftzug-teilsichtbar", made)
    assert decision.class_id == "bk-text"
    assert json.loads(decision.attributes) == {"truncated": True, "variant": "text"}
    assert normalise_label("BurgerKing-teilsichtbar", made).class_id == "bk"


def test_output_rules_shape_what_comes_out():
    """part_of, merge, rename and drop apply after matching, in that order."""
    made = ClassMap.from_toml(
        '[classes.mini]\n[classes.cooper]\nname = "Mini Cooper"\npart_of = "mini"\n[classes.a]\nname="Alpha"\n[classes.b]\nname="Bravo"\n[classes.c]\nname="Charlie"\n'
        '[output]\nlevel = "top"\nmerge = {ab = ["a", "b"]}\nrename = {mini = "MINI"}\ndrop = ["c"]\n'
    )
    assert made.class_ids == ("MINI", "ab")
    assert normalise_label("mini cooper", made).class_id == "MINI"
    assert normalise_label("bravo", made).class_id == "ab"
    assert normalise_label("charlie", made).decision == "dropped"
    assert normalise_label("alpha / bravo", made).class_ids == ("ab",)


def test_the_explanation_says_why_candidates_lost():
    """Folding steps, keys, the winner and the others with their scores."""
    explanation = explain_label("  Addidas!", BRANDS)
    first = explanation.candidates[0]
    assert (first.class_id, first.verdict) == ("adidas", "won by the rule fuzzy")
    assert all(view.verdict.startswith("lost: ") for view in explanation.candidates[1:])
    lost = explain_label("Vista", BRANDS)
    assert "distinct_from" in " ".join(view.verdict for view in lost.candidates) or lost.decision.decision == "review"
