"""Matching: every case of the data files, the laws, and the false friends."""

from __future__ import annotations

import json

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap, explain_label, fold, normalise_label
from logoingest.labels.matching.match import decide_labels

FOLDER = DATA / "labels"
BRANDS = ClassMap.load(FOLDER / "brands.toml")


def _load_cases():
    for file in sorted(FOLDER.glob("*.json")):
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


@pytest.mark.parametrize("pair", json.loads((FOLDER / "false_friends.json").read_text("utf-8")), ids="|".join)
def test_false_friends_stay_apart(pair):
    """Neither of two names that look alike is taken for the other."""
    for name, stranger in (pair, pair[::-1]):
        assert normalise_label(stranger, _map_of(name)).decision != "accepted"
        both = _map_of(name, stranger)
        assert normalise_label(stranger, both).class_id == "c1"
        assert normalise_label(name, both).class_id == "c0"


def test_there_are_56_pairs_of_false_friends_and_250_cases():
    """There are at least 250 cases and 56 pairs of false friends."""
    assert len(json.loads((FOLDER / "false_friends.json").read_text("utf-8"))) == 56
    assert len(list(_load_cases())) >= 250


def _names():
    """Names of classes: real ones that look alike, and invented ones of few letters."""
    real = st.sampled_from(
        ["Nike", "Nikon", "H&M", "HM", "Coca-Cola", "Görtz", "Goertz", "Адидас", "Adidas", "7-Eleven", "The Hub", "Hub", "7 Eleven"]
    )
    return real | st.text(alphabet="abénk &-", min_size=2, max_size=8).filter(lambda name: any(char.isalpha() for char in name))


def _disturb(name):
    """A name as people write it."""
    made = [
        name,
        name.upper(),
        f"logo {name}",
        f"{name} logo",
        name.replace(" ", ""),
        name.replace("-", " "),
        f" {name}!",
        f"logo{name}",
    ]
    return st.sampled_from(made)


def _answers():
    """Answers of every kind, and any text."""
    known = st.sampled_from(
        ["nike", "starbukcs", "HM", "nike / hp", "Адидас", "good", "", "logo vodafon", "Vista", "nike-teilsichtbar logo"]
    )
    near = st.sampled_from([spelling.text for spelling in BRANDS.spellings]).flatmap(
        lambda text: st.integers(0, len(text) - 1).map(lambda place: text[:place] + text[place + 1 :])
    )
    return known | near | st.text(max_size=30)


@given(st.text(max_size=60))
@examples(150)
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


@given(st.lists(_answers(), min_size=1, max_size=9), st.randoms(use_true_random=False))
@examples(60)
def test_decisions_do_not_depend_on_their_neighbours(labels, order):
    """An answer is decided the same alone, among others, and in any order."""
    alone = {label: normalise_label(label, BRANDS) for label in labels}
    order.shuffle(labels)
    assert decide_labels(labels, BRANDS) == [alone[label] for label in labels]


@pytest.mark.slow
def test_a_megabyte_among_ten_thousand_answers_changes_nothing():
    """Hostile answers are decided beside others without changing them."""
    labels = [f"{name} {number}" for number in range(2_000) for name in ("nike", "starbukcs", "H&M", "blah", "логотип Адидас")]
    hostile = ["a" * 1_000_000, "nike / " * 150_000, "\u202e" * 1_000_000]
    assert decide_labels([*hostile, *labels], BRANDS)[len(hostile) :] == decide_labels(labels, BRANDS)


# Every rule that finds an answer exactly, strongest first; an answer is decided by the first that finds it.
_EXACT_RULES = ("alias", "alias_folded", "name", "no_label", "joined", "respelled", "transliteration", "affix", "noise")


@given(
    st.lists(_names(), min_size=1, max_size=6, unique_by=lambda name: fold(name).joined),
    _names(),
    st.integers(0, 5),
    st.data(),
)
@examples(60)
def test_adding_an_alias_changes_nothing_that_a_stronger_rule_decided(names, alias, owner, data):
    """An exact decision only changes where the new alias itself is found, and by a rule at least as strong."""
    classes = {f"c{number}": {"name": name} for number, name in enumerate(names)}
    label = data.draw(st.sampled_from([*names, alias]).flatmap(_disturb))
    before = normalise_label(label, ClassMap.from_toml(tomlkit.dumps({"classes": classes})))
    if before.rule not in _EXACT_RULES:
        return
    classes[f"c{owner % len(names)}"]["aliases"] = [alias]
    try:
        with_alias = ClassMap.from_toml(tomlkit.dumps({"classes": classes}))
    except ClassMapError:
        return
    after = normalise_label(label, with_alias)
    if (after.decision, after.class_ids) != (before.decision, before.class_ids):
        assert after.matched_alias == alias
        assert after.rule == "ambiguous" or _EXACT_RULES.index(after.rule) <= _EXACT_RULES.index(before.rule)


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
    assert first.class_id == "adidas"
    assert first.verdict.startswith("won by the rule fuzzy (1 edit, evidence ")
    assert all(view.verdict.startswith("lost: ") for view in explanation.candidates[1:])
    lost = explain_label("Vista", BRANDS)
    assert "distinct_from" in " ".join(view.verdict for view in lost.candidates) or lost.decision.decision == "review"
