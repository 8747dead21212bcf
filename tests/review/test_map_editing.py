"""Rulings into the class map: every one reproduces, nothing else of the file changes, and what cannot be is refused whole."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import ADA, MAP, annotate, find_open, labels, write_map
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap, normalise_annotations, normalise_label
from logoingest.labels.class_map.writing import write_document
from logoingest.review.map_editing import is_decided_so, plan_edit
from logoingest.review.rulings import Action, RuledMeaning, Ruling

PUMA = RuledMeaning(Action.CLASS, "puma")


def edit(folder, rulings, answers=None, text=MAP, write=True):
    """Rulings ({label: meaning}) planned over annotations that carry the labels, and written."""
    file = write_map(folder, text)
    annotations = annotate(*(answers or rulings))
    made = plan_edit(file, [Ruling(label, meaning, f"row {label}") for label, meaning in rulings.items()], annotations, ADA)
    if write and made.changes:
        write_document(file, made.document)
    return made


def read(folder):
    return (folder / "map.toml").read_text("utf-8")


def test_a_class_becomes_an_alias_with_who_and_when(tmp_path):
    """And not a byte else of the file changes."""
    edit(tmp_path, {"kitty cat": PUMA})
    changed = read(tmp_path)
    assert 'aliases = ["pumma", {text = "kitty cat", by = "ada", on = 2025-10-09}]' in changed
    assert changed.replace(', {text = "kitty cat", by = "ada", on = 2025-10-09}', "") == MAP
    assert normalise_label("Kitty Cat", ClassMap.load(tmp_path / "map.toml")).class_ids == ("puma",)


def test_one_alias_serves_all_that_fold_alike(tmp_path):
    """No alias for what the ones before it decide already."""
    made = edit(tmp_path, dict.fromkeys(["the kitty-cat logo", "KITTY CAT", "kitty cat", " kitty  cat"], PUMA))
    assert len(made.changes) == 1
    assert len(made.settled) == 4


def test_a_short_alias_must_be_the_whole_answer(tmp_path):
    """Three Latin letters are never matched fuzzily."""
    edit(tmp_path, {"pum": PUMA, "彪马": PUMA})
    entries = {entry["text"]: entry for entry in tomllib.loads(read(tmp_path))["classes"]["puma"]["aliases"][1:]}
    assert entries["pum"]["exact"] is True
    assert "exact" not in entries["彪马"]


def test_a_new_class_an_ignored_answer_and_a_noise_word(tmp_path):
    """Each in its own place."""
    edit(
        tmp_path,
        {
            "fanta": RuledMeaning(Action.NEW, "Fanta"),
            "phanta": RuledMeaning(Action.NEW, "Fanta"),
            "nix da": RuledMeaning(Action.IGNORE),
            "brandname": RuledMeaning(Action.NOISE),
        },
    )
    data = tomllib.loads(read(tmp_path))
    assert data["classes"]["Fanta"] == {"by": "ada", "on": ADA.on, "aliases": [{"text": "phanta", "by": "ada", "on": ADA.on}]}
    assert data["no_label"][-1]["text"] == "nix da"
    assert data["noise_words"][-1]["text"] == "brandname"
    class_map = ClassMap.load(tmp_path / "map.toml")
    assert normalise_label("the brandname fanta", class_map).class_ids == ("Fanta",)
    assert "# English" in read(tmp_path)


def test_a_first_noise_word_keeps_the_built_in_ones(tmp_path):
    """A list of one's own replaces the built-in list: so it is written out."""
    edit(
        tmp_path,
        {"brandname": RuledMeaning(Action.NOISE), "nix da": RuledMeaning(Action.IGNORE)},
        text='[classes.puma]\nname = "Puma"\n',
    )
    class_map = ClassMap.load(tmp_path / "map.toml")
    assert normalise_label("marca puma", class_map).class_ids == ("puma",)
    assert normalise_label("brandname puma", class_map).class_ids == ("puma",)
    assert normalise_label("わからない", class_map).decision == "ignored"


def test_a_dropped_answer_never_comes_out_here_or_in_new_data(tmp_path):
    """Its class is no class of the release."""
    edit(tmp_path, {"asdf": RuledMeaning(Action.DROP), "qwertz uiop": RuledMeaning(Action.DROP)})
    class_map = ClassMap.load(tmp_path / "map.toml")
    assert normalise_label("ASDF", class_map).decision == "dropped"
    assert normalise_label("asdfg", class_map).decision in {"unknown", "review"}
    assert "answers thrown away" not in class_map.class_ids


def test_an_override_speaks_of_the_annotations_that_are_there(tmp_path):
    """New data with the same answer is asked about again."""
    answers = ["odd thing", "odd thing", "odd thing", "puma", "worse"]
    edit(tmp_path, {"odd thing": RuledMeaning(Action.OVERRIDE, "bmw"), "worse": RuledMeaning(Action.OVERRIDE_DROP)}, answers)
    class_map = ClassMap.load(tmp_path / "map.toml")
    decisions = normalise_annotations(annotate(*answers, "odd thing"), class_map).decisions.to_pylist()
    assert [row["class_ids"] for row in decisions] == [["bmw"]] * 3 + [["puma"], [], []]
    assert [row["decision"] for row in decisions[4:]] == ["dropped", "unknown"]
    assert 'reason = "review of \\"odd thing\\""' in read(tmp_path)


def test_an_override_works_on_what_no_entry_can_stand_for(tmp_path):
    """Reversed text, endless text, nothing at all."""
    hostile = {label: RuledMeaning(Action.OVERRIDE, "puma") for label in ("a\u202eb", "x" * 5_000, "")}
    edit(tmp_path, hostile)
    decisions = normalise_annotations(annotate(*hostile), ClassMap.load(tmp_path / "map.toml")).decisions
    assert decisions.column("class_ids").to_pylist() == [["puma"]] * 3


def test_a_pair_is_told_apart(tmp_path):
    """Among the top-level keys, above the comments of the first table."""
    edit(tmp_path, {"pumas": RuledMeaning(Action.NOT, "puma")})
    assert read(tmp_path).index("distinct_from") < read(tmp_path).index("[classes.puma]")
    assert normalise_label("pumas", ClassMap.load(tmp_path / "map.toml")).decision in {"review", "unknown"}
    assert tomllib.loads(read(tmp_path))["distinct_from"] == [["puma", "pumas"]]


def test_applying_again_changes_nothing(tmp_path):
    """All is decided so already."""
    rulings = {"kitty cat": PUMA, "asdf": RuledMeaning(Action.DROP), "odd": RuledMeaning(Action.OVERRIDE, "bmw"), "fanta": RuledMeaning(Action.NEW, "Fanta"), "nix": RuledMeaning(Action.IGNORE), "brandname": RuledMeaning(Action.NOISE), "pumas": RuledMeaning(Action.NOT, "puma")}  # fmt: skip
    edit(tmp_path, rulings)
    again = edit(tmp_path, rulings, text=read(tmp_path))
    assert (again.changes, again.settled, len(again.already)) == ([], [], len(rulings))


def test_what_was_declared_meanwhile_is_not_undone(tmp_path):
    """The ruling is reported beside what is declared; the others are written."""
    made = edit(tmp_path, {"pumma": RuledMeaning(Action.CLASS, "bmw"), "none": PUMA, "bimmer": RuledMeaning(Action.CLASS, "bmw")})
    assert [(late.ruling.raw_label, late.by) for late in made.overruled] == [
        ("pumma", 'puma (alias "pumma")'),
        ("none", "ignored (no_label)"),
    ]
    assert [ruling.raw_label for ruling in made.settled] == ["bimmer"]


@pytest.mark.parametrize(
    ("rulings", "said"),
    [
        ({"a\u202eb": PUMA}, "reverses the writing direction"),
        ({"x" * 600: PUMA}, "has 600 characters"),
        ({"": PUMA}, "has nothing to be seen"),
        ({"--- ": RuledMeaning(Action.NOISE)}, "neither letters nor digits"),
        ({"fanta": PUMA, "FANTA": RuledMeaning(Action.CLASS, "bmw")}, "folded the two are one answer"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_and_nothing_is_written(tmp_path, rulings, said):
    """With where, what, and what to write instead; the sound ruling beside it waits too."""
    with pytest.raises(ClassMapError) as caught:
        edit(tmp_path, {"kitty cat": PUMA, **rulings})
    assert said in str(caught.value)
    assert read(tmp_path) == MAP


def test_all_faults_come_together(tmp_path):
    """One message each."""
    with pytest.raises(ClassMapError) as caught:
        edit(tmp_path, {"a\u202eb": PUMA, "": PUMA, "b\u202ea": PUMA})
    assert len(caught.value.problems) == 3


def test_a_map_that_stands_on_another_gets_the_entries_itself(tmp_path):
    """The shared map below is left as it is."""
    (tmp_path / "shared.toml").write_text('[classes.puma]\nname = "Puma"\n', encoding="utf-8")
    edit(tmp_path, {"kitty cat": PUMA}, text='include = ["shared.toml"]\n')
    assert (tmp_path / "shared.toml").read_text() == '[classes.puma]\nname = "Puma"\n'
    assert normalise_label("kitty cat", ClassMap.load(tmp_path / "map.toml")).class_ids == ("puma",)


@pytest.mark.parametrize(
    "text",
    [
        '[classes]\npuma = {name = "Puma"}\nbmw = {name = "BMW"}\n',
        'noise_words.en = ["the"]\nno_label = {en = ["none"]}\noverrides = []\n[classes.puma]\n[classes.bmw]\n',
        'distinct_from = [\n  ["a", "b"],\n]\n[classes.puma]\naliases.de = ["Pumma"]\n[[overrides]]\nurl = "http://x.test"\nclass = "puma"\n[classes.bmw]\n',
        'classes_file = "classes.txt"\n',
        "# only a comment above\n[classes.puma]\n[classes.bmw]\n",
        "[classes.puma]\r\n[classes.bmw]\r\n",
    ],
)
def test_entries_find_their_place_in_any_form_of_the_file(tmp_path, text):
    """Inline tables, dotted keys, lists of tables, none of it, and Windows line ends."""
    (tmp_path / "classes.txt").write_text("puma\nbmw\n")
    rulings = {"kitty cat": PUMA, "asdf": RuledMeaning(Action.DROP), "odd": RuledMeaning(Action.OVERRIDE, "bmw"), "fanta": RuledMeaning(Action.NEW, "Fanta"), "nix": RuledMeaning(Action.IGNORE), "brandname": RuledMeaning(Action.NOISE), "pumas": RuledMeaning(Action.NOT, "puma")}  # fmt: skip
    edit(tmp_path, rulings, text=text)
    again = edit(tmp_path, rulings, text=read(tmp_path), write=False)
    assert len(again.already) == len(rulings)


meanings = st.sampled_from([PUMA, RuledMeaning(Action.CLASS, "bmw"), RuledMeaning(Action.NEW, "Fanta"), RuledMeaning(Action.IGNORE), RuledMeaning(Action.DROP), RuledMeaning(Action.NOISE), RuledMeaning(Action.OVERRIDE, "bmw"), RuledMeaning(Action.OVERRIDE_DROP)])  # fmt: skip

storable = labels.filter(lambda label: not any("\ud800" <= char <= "\udfff" for char in label))  # a UTF-8 table holds no other


@pytest.mark.slow
@examples(60)
@given(st.dictionaries(storable, meanings, max_size=6))
def test_every_decision_written_is_reproduced(rulings):
    """The law of the round trip: on any answers, what was written decides as the person did; else nothing is written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            made = edit(folder, rulings)
        except ClassMapError as error:
            assert error.problems
            assert read(folder) == MAP
            return
        class_map = ClassMap.load(folder / "map.toml")
        assert tomllib.loads(read(folder)) == tomlkit.parse(read(folder)).unwrap()
        late = {one.ruling.raw_label for one in made.overruled}
        decided = normalise_annotations(annotate(*rulings), class_map).decisions.to_pylist()
        for (label, meaning), row in zip(rulings.items(), decided, strict=True):
            if label in late:
                continue
            if meaning.action in {Action.OVERRIDE, Action.OVERRIDE_DROP}:
                assert row["class_ids"] == ([meaning.target] if meaning.target else [])
                assert row["rule"] == "override"
            else:
                assert is_decided_so(normalise_label(label, class_map), meaning, class_map)
        open_labels = {one.raw_label for one in find_open(annotate(*rulings), class_map).labels}
        assert open_labels <= late | {label for label, meaning in rulings.items() if meaning.action is Action.NOISE}
