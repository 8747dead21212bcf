"""The class map: its form, its faults told together, its hash, its layers."""

from __future__ import annotations

import pytest

from builders.places import ROOT
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap, normalise_label

SMALL = """
noise_words = ["logo"]
[classes.nike]
name = "Nike"
aliases.en = ["nike swoosh", { text = "swoosh", exact = true }]
aliases.ja = ["ナイキ"]
[classes.adidas]
name = "Adidas"
"""


def _fail(text):
    with pytest.raises(ClassMapError) as caught:
        ClassMap.from_toml(text, "map.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_map_reads_as_written():
    """Ids in order, names, and spellings with their language."""
    made = ClassMap.from_toml(SMALL)
    assert made.class_ids == ("adidas", "nike")
    assert made.name("nike") == "Nike"
    assert {(s.text, s.language, s.is_exact) for s in made.spellings if s.is_alias} == {
        ("nike swoosh", "en", False),
        ("swoosh", "en", True),
        ("ナイキ", "ja", False),
    }


def test_unknown_class_has_no_name():
    """Asking for a class that cannot come out is a KeyError."""
    with pytest.raises(KeyError):
        ClassMap.from_toml(SMALL).name("puma")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[classes.nike]\nalias = ["x"]', 'map.toml: classes.nike.alias: unknown key; did you mean "aliases"?'),
        ('noise_word = ["x"]\n[classes.nike]', 'map.toml: noise_word: unknown key; did you mean "noise_words"?'),
        ('[classes.nike]\naliases = ["a", "b", "c", 4]', "map.toml: classes.nike.aliases[3]"),
        ('[classes.nike]\naliases.ja = ["a", ""]', "map.toml: classes.nike.aliases.ja[1]: folds to nothing"),
        ('[classes.nike]\naliases = ["a\\u202eb"]', "map.toml: classes.nike.aliases[0]: carries a character that reverses"),
        (
            '[classes.nike]\naliases = [{text = "a", exakt = true}]',
            'classes.nike.aliases[0].exakt: unknown key; did you mean "exact"?',
        ),
        ("[thresholds]\nmax_edits = 9\n[classes.nike]", "map.toml: thresholds.max_edits"),
        (
            '[[overrides]]\nannotation = "x"\nclass = "nikee"\n[classes.nike]',
            "overrides[0].class: there is no class 'nikee'; did you mean \"nike\"?",
        ),
        ('[[overrides]]\nclass = "nike"\n[classes.nike]', "map.toml: overrides[0]: needs either annotation or url"),
        ('[[overrides]]\nurl = "u"\n[classes.nike]', "map.toml: overrides[0]: needs either class or drop"),
        ('[[overrides]]\nclass = "nike"\nclasses.nike = ["a"]\n[classes.nike]', "classes says the class of each annotation"),
        ('[[overrides]]\nannotations = ["a"]\n[classes.nike]', "map.toml: overrides[0]: needs either class or drop"),
        (
            '[[overrides]]\nclasses.nikee = ["a"]\n[classes.nike]',
            "overrides[0].classes.nikee: there is no class 'nikee'; did you mean \"nike\"?",
        ),
        (
            '[[overrides]]\nannotation = "a"\ndrop = true\n[[overrides]]\nclasses.nike = ["b", "a"]\n[classes.nike]',
            "map.toml: overrides[1].classes.nike[1]: says again what overrides[0] says",
        ),
        ('[classes.mini]\npart_of = "mini"', "goes round in a circle"),
        ('[output]\ndrop = ["nke"]\n[classes.nike]', "map.toml: output.drop: there is no class 'nke'"),
        ('include = ["a.toml"]\n[classes.nike]', "need a folder to be relative to"),
        ("[classes.nike", "map.toml: is not valid TOML"),
        ("", "map.toml: has no classes"),
        ('no_label = ["nike"]\n[classes.n]\naliases = ["Nike"]', "no_label[0]: \"nike\" is an alias of 'n' as well"),
        ('[classes." nike"]\n', "a class id is printable text"),
        ("[[affixes]]\nattributes = {a = 1}\n[classes.nike]", "map.toml: affixes[0]: needs either suffix or prefix"),
        ('substitutions = {vl = "louisvuitton"}\n[classes.nike]', "map.toml: substitutions: unknown key"),
    ],
)
def test_faults_say_where_what_and_what_to_do(text, expected):
    """A fault names its place in the file."""
    assert any(expected in problem for problem in _fail(text)), _fail(text)


def test_all_faults_come_together():
    """One error lists everything."""
    problems = _fail('colour = 1\n[thresholds]\nmax_edit = 1\n[classes.nike]\naliases = [1]\n[classes.puma]\nnam = "x"')
    assert len(problems) == 4


def test_an_alias_of_two_classes_is_refused():
    """Also where the two differ in case, accents composed otherwise, or width."""
    problems = _fail('[classes.a]\naliases = ["Café"]\n[classes.b]\naliases = ["x", "CAFE\u0301"]')
    assert problems == [
        'map.toml: classes.b.aliases[1]: the alias "CAFE\u0301" is claimed by classes.a.aliases[0] as well; an alias means one class: take it out of one of them'
    ]


def test_the_hash_is_of_the_meaning():
    """Comments and order don't change it; an alias or a threshold does."""
    made = ClassMap.from_toml(SMALL)
    shuffled = '# a comment\n[classes.adidas]\nname = "Adidas"\n[classes.nike]\naliases.ja = ["ナイキ"]\naliases.en = [{ text = "swoosh", exact = true }, "nike swoosh"]\nname = "Nike"\n'
    assert ClassMap.from_toml(f'noise_words = {{en = ["LOGO"]}}\n{shuffled}').hash == made.hash
    assert ClassMap.from_toml(SMALL + 'aliases = ["addidas"]\n').hash != made.hash
    assert ClassMap.from_toml(SMALL + "[thresholds]\nmax_edits = 2\n").hash != made.hash
    assert ClassMap.from_toml(SMALL + '[[overrides]]\nannotation = "a"\ndrop = true\n').hash != made.hash


def test_a_map_stands_on_others(tmp_path):
    """Includes give classes and aliases; the map on top adds, renames and takes spellings over; a list gives plain classes."""
    (tmp_path / "pack.toml").write_text(
        '[classes.nike]\nname = "NIKE Inc"\naliases = ["swoosh", "just do it"]\n[classes.puma]\n', "utf-8"
    )
    (tmp_path / "list.txt").write_text("esso\n\nshell\nnike\n", "utf-8")
    top = 'include = ["pack.toml"]\nclasses_file = "list.txt"\n[classes.nike]\nname = "Nike"\n[classes.puma]\naliases = ["Just do it"]\n'
    (tmp_path / "top.toml").write_text(top, "utf-8-sig")
    made = ClassMap.load(tmp_path / "top.toml")
    assert made.class_ids == ("esso", "nike", "puma", "shell")
    assert made.name("nike") == "Nike"
    assert made.path == tmp_path / "top.toml"
    assert [normalise_label(text, made).class_id for text in ("swoosh", "just do it", "esso")] == ["nike", "puma", "esso"]


def test_one_override_may_speak_of_many_annotations(tmp_path):
    """Several of one class, several of several classes, several dropped: the same as one entry each; a layer on top wins."""
    classes = "[classes.nike]\n[classes.puma]\n"
    short = (
        '[[overrides]]\nreason = "r"\n[overrides.classes]\nnike = ["a", "b"]\npuma = ["c"]\n'
        '[[overrides]]\nannotations = ["d", "e"]\ndrop = true\n'
        '[[overrides]]\nannotations = ["f"]\nclass = "puma"\n'
    )
    wanted = {"a": "nike", "b": "nike", "c": "puma", "d": None, "e": None, "f": "puma"}
    long = "".join(
        f'[[overrides]]\nannotation = "{name}"\n{"drop = true" if class_id is None else f"class = {class_id!r}"}\n'
        for name, class_id in wanted.items()
    )
    made = ClassMap.from_toml(classes + short)
    assert {key.annotation: form.class_id for key, form in made.overrides.items()} == wanted
    assert {form.reason for key, form in made.overrides.items() if key.annotation in "abc"} == {"r"}
    assert made.hash == ClassMap.from_toml(classes + long).hash
    (tmp_path / "pack.toml").write_text(classes + short, "utf-8")
    (tmp_path / "top.toml").write_text('include = ["pack.toml"]\n[[overrides]]\nannotation = "b"\nclass = "puma"\n', "utf-8")
    top = ClassMap.load(tmp_path / "top.toml")
    assert {key.annotation: form.class_id for key, form in top.overrides.items()} == wanted | {"b": "puma"}


def test_an_id_that_merge_or_rename_makes_up_is_a_spelling():
    """What comes out goes in again, unless something else is written so."""
    text = '[classes.peugot]\n[classes.bmw]\n[classes.audi]\n[classes.x]\naliases = ["cars"]\n[output.rename]\npeugot = "peugeot"\n'
    made = ClassMap.from_toml(text + '[output.merge]\ncars = ["bmw"]\n"german cars" = ["audi"]\n')
    assert [normalise_label(name, made).class_id for name in ("Peugeot", "German Cars", "cars")] == ["peugeot", "german cars", "x"]


def test_includes_that_bite_their_tail_are_refused(tmp_path):
    """A circle of includes is an error, not a hang."""
    (tmp_path / "a.toml").write_text('include = ["b.toml"]\n[classes.x]\n', "utf-8")
    (tmp_path / "b.toml").write_text('include = ["a.toml"]\n', "utf-8")
    with pytest.raises(ClassMapError, match="includes itself"):
        ClassMap.load(tmp_path / "a.toml")


def test_files_that_cannot_be_read_are_named(tmp_path):
    """Missing, binary or a folder."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing.toml", tmp_path / "binary.toml", tmp_path):
        with pytest.raises(ClassMapError, match=path.name):
            ClassMap.load(path)


def test_a_text_that_is_told_apart_is_never_taken_in():
    """distinct_from holds for texts that are no class of the map, and between classes."""
    text = '[classes.carlsberg]\nname = "Carlsberg"\n'
    assert normalise_label("Carlsberk", ClassMap.from_toml(text)).class_id == "carlsberg"
    apart = ClassMap.from_toml(f'distinct_from = [["carlsberg", "Carlsberk"]]\n{text}')
    assert normalise_label("Carlsberk", apart).decision == "review"
    assert normalise_label("Carlsbrek", apart).decision == "review"


def test_an_exact_alias_does_not_count_inside_a_name():
    """Several answers at a comma are each a whole one; what stands beside "&" may be part of one name."""
    made = ClassMap.from_toml('[classes.fila]\naliases = [{ text = "fils", exact = true }]\n[classes.tide]\n[classes.nike]\n')
    found = {raw: normalise_label(raw, made) for raw in ("fils", "Tide, fils", "Tide & fils", "Tide & Nike")}
    assert {raw: decision.decision for raw, decision in found.items()} == {
        "fils": "accepted", "Tide, fils": "accepted", "Tide & fils": "review", "Tide & Nike": "accepted",
    }  # fmt: skip
    assert "fils" in found["Tide & fils"].note


def test_fuzzy_can_be_switched_off():
    """max_edits = 0 accepts nothing fuzzily."""
    made = ClassMap.from_toml('[thresholds]\nmax_edits = 0\n[classes.s]\nname = "Starbucks"\n')
    assert normalise_label("starbukcs", made).decision == "review"


@pytest.mark.parametrize("file", sorted((ROOT / "label_maps").glob("*.toml")), ids=lambda file: file.stem)
def test_the_maps_that_come_along_agree_with_themselves(file):
    """Each map loads, and every spelling in it comes out as its own class, or is dropped with it."""
    made = ClassMap.load(file)
    for spelling in made.spellings:
        output = made.outputs[spelling.class_id]
        decision = normalise_label(spelling.text, made)
        assert decision.class_ids == (() if output is None else (output,)), spelling
        assert decision.decision == ("dropped" if output is None else "accepted"), spelling
