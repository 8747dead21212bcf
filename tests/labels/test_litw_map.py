"""The maps of Logos in the Wild: their form here, and their figures where the shared tables are."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

from builders.places import ROOT
from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.lint.rules import lint_class_map

MAPS = ROOT / "label_maps"
SCORE = ROOT / "examples/logos_in_the_wild/score.py"
CLASSES = (MAPS / "litw_classes.txt").read_text("utf-8").split()
#: Class ids that annotators typed for another class, and that class.
CLAIMED = {
    "adidas3": "adidas-text",
    "chanel": "chanel-text",
    "citroen": "citroen-text",
    "görtz": "goertz",
    "lego": "lego-symbol",
    "mönchengladbach": "fcmoenchengladbach",
    "porsche": "porsche-text",
    "schöller": "schoeller",
    "tsv-münchen": "tsvmuenchen",
    "würth": "wuerth",
}


@pytest.fixture(scope="module")
def made():
    return ClassMap.load(MAPS / "litw.toml")


@pytest.fixture(scope="module")
def fixed():
    return ClassMap.load(MAPS / "litw-fixed.toml")


@pytest.fixture(scope="module")
def score():
    spec = importlib.util.spec_from_file_location("litw_score", SCORE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _name(text, class_map):
    return normalise_label(text, class_map).class_id


def test_the_map_is_half_as_long_as_the_block():
    """At most 219 lines, comments and all, for 438 lines of conditions."""
    assert len((MAPS / "litw.toml").read_text("utf-8").splitlines()) <= 219


def test_the_list_holds_each_class_once():
    """788 classes, a line each."""
    assert len(CLASSES) == len(set(CLASSES)) == 788


def test_the_list_alone_takes_every_class_for_itself():
    """What is clean already stays so under a map of one line."""
    listed = ClassMap.from_toml('classes_file = "litw_classes.txt"', base_dir=MAPS)
    assert [class_id for class_id in CLASSES if _name(class_id, listed) != class_id] == []


def test_a_class_comes_out_as_itself_unless_annotators_meant_another(made):
    """All but ten of the 788, each of which is declared as a spelling of another class."""
    assert {class_id: _name(class_id, made) for class_id in CLASSES if _name(class_id, made) != class_id} == CLAIMED


def test_what_comes_out_for_a_class_goes_in_unchanged(made):
    """A second pass over the classes changes nothing."""
    outputs = {_name(class_id, made) for class_id in CLASSES}
    assert {out for out in outputs if _name(out, made) != out} == set()


@pytest.mark.parametrize("name", ["made", "fixed"])
def test_every_class_answers_to_its_name(name, request):
    """Also the ones whose id is a raw label of another class; but in the mended map "pizzahut", which may be either variant."""
    class_map = request.getfixturevalue(name)
    lost = {class_id for class_id in class_map.class_ids if _name(class_map.name(class_id), class_map) != class_id}
    assert lost == (set() if name == "made" else {"pizzahut"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litw.toml", "litw-fixed.toml"])
def test_lint_has_nothing_to_say_against_it(name):
    """Neither errors nor warnings; notes tell of the ids that mean another class."""
    report = lint_class_map(MAPS / name)
    assert [finding for finding in report.findings if finding.severity != "note"] == []


@pytest.mark.parametrize(
    ("raw", "class_id", "attributes"),
    [
        ("Rolex-Schriftzug", "rolex", {"variant": "text"}),
        ("Audi-Schriftzug", "audi-text", {"variant": "text"}),
        ("Sony logo-teilsichtbar", "sony", {"variant": "symbol", "truncated": True}),
        ("Playstation-teilsichtbar", "playstation", {"truncated": True}),
        ("reebok_logo", "reebok-symbol", {"variant": "symbol"}),
        ("budweiser-teilsichtbar", "budweiser-symbol", {"truncated": True}),
        ("Subway2", "subway", None),
    ],
)
def test_labels_nobody_listed_follow_the_endings(raw, class_id, attributes, made):
    """The rule counts, not a list of raw labels; and a declared alias loses none of what its ending says."""
    decision = normalise_label(raw, made)
    assert decision.class_id == class_id
    assert (decision.attributes and json.loads(decision.attributes)) == attributes


@pytest.mark.parametrize("raw", ["Channel 1", "Tide & fils", "Hoogvliet", "Logo", "vlaai", "bb"])
def test_strangers_are_not_taken_in(raw, made):
    """No number is stripped with a typo besides, no exact alias counts inside a name, no substring ever."""
    assert normalise_label(raw, made).class_ids == ()


def test_the_mended_map_leaves_the_aliases_alone(made, fixed):
    """The layer changes what comes out, not what goes in."""
    assert [spelling for spelling in fixed.spellings if spelling.is_alias] == [s for s in made.spellings if s.is_alias]
    assert fixed.overrides == made.overrides
    assert [_name(text, fixed) for text in ("peugot", "peugeot", "coke", "würth", "Rolex-Schriftzug")] == [
        "peugeot", "peugeot", "coca-cola", "wuerth", "rolex",
    ]  # fmt: skip


def test_every_figure_is_whole(shared_data, score):
    """Raw labels, single boxes, classes, ruined brands and typos: as examples/logos_in_the_wild/score.py prints them."""
    found = score.score_maps(shared_data / "litw", MAPS)
    wrong = {name: tally.wrong for name, tally in score.list_figures(found) if tally.wrong and tally is not found.classes_mapped}
    assert wrong == {}
    counts = [tally.of for tally in (found.raw_labels, found.overrides, found.classes_listed, found.collateral, found.typos)]
    assert counts == [177, 133, 788, 6, 26]
    assert {asked for asked, _, _ in found.classes_mapped.wrong} == set(CLAIMED)
    assert found.is_kept


def test_the_score_tells_a_worse_map(shared_data, score, tmp_path):
    """A map without its aliases, boxes and endings is told to be wrong, and where."""
    (tmp_path / "litw_classes.txt").write_text("\n".join(CLASSES), "utf-8")
    for name in ("litw.toml", "litw-fixed.toml"):
        (tmp_path / name).write_text('classes_file = "litw_classes.txt"\n', "utf-8")
    found = score.score_maps(shared_data / "litw", tmp_path)
    assert not found.is_kept
    assert found.raw_labels.right < 100
    assert (found.overrides.right, found.typos.right) == (0, 0)


def test_the_list_is_the_published_one(shared_data):
    """The same classes in the same order."""
    assert (shared_data / "litw/classes_788.txt").read_text("utf-8").split("\n")[:788] == CLASSES
