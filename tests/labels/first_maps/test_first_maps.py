"""First class maps: closed sets are taken whole, spellings joined by pictures and letters, in any domain."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.word_crowds import NAMES, make_annotations
from logoingest.labels import ClassMap, FirstMap, draft_first_map, normalise_label

DATA = Path(__file__).parents[2] / "data" / "labels" / "first_maps"
COUNTRIES = tuple(NAMES.values())
CLOSED = json.loads((DATA / "closed_sets.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CLOSED.values(), ids=CLOSED)
def test_a_closed_set_is_taken_whole(case):
    """Each answer is a class of its own, found under its own name; only what says nothing in any task means "no label"."""
    made = draft_first_map(list(case["answers"].items()), "x")
    assert made.is_closed
    assert sorted(name for name, _ in made.classes) == sorted(case["classes"])
    assert dict(made.no_label) == case.get("no_label", {})
    assert not made.noise_words
    class_map = ClassMap.from_toml(made.text)
    ids = {name: class_id for class_id, name in class_map.names.items()}
    assert len(ids) == len(case["classes"])
    for name in case["classes"]:
        assert normalise_label(name, class_map).class_ids == (ids[name],)


def test_the_words_that_count_are_listed_with_where_they_are_from():
    """Asked for by name, a built-in list counts beside the map's own, without what a class is called; not asked for, it does not."""
    text = 'built_in = ["no_label"]\nno_label.de = ["nö"]\n[classes.no]\n[classes.yes]\n'
    lists = ClassMap.from_toml(text, "mine.toml").word_lists
    assert [(one.key, one.language, one.file) for one in lists[:2]] == [("no_label", "de", "mine.toml"), ("no_label", "any", None)]
    words = {word for one in lists for word in one.words}
    assert {"nö", "none"} <= words
    assert "no" not in words
    assert not ClassMap.from_toml("built_in = []\n[classes.no]\n").word_lists
    assert {one.key for one in ClassMap.from_toml("[classes.no]\n").word_lists} == {"noise_words", "no_label"}


def read_cars() -> pa.Table:
    """Answers of 30 simulated workers in five languages, four of whom look at nothing."""
    with (DATA / "cars.csv").open(encoding="utf-8", newline="") as file:
        return pa.Table.from_pylist(list(csv.DictReader(file)))


def draft(said: pa.Table) -> FirstMap:
    counts = Counter(said.column("raw_label").to_pylist())
    return draft_first_map(list(counts.items()), "cars", said)


def tell(answers: list[tuple[str, str, str]]) -> FirstMap:
    """The first map of (picture, worker, answer)."""
    return draft(pa.table(dict(zip(("url", "worker_id", "raw_label"), map(list, zip(*answers, strict=True)), strict=True))))


def test_spellings_are_joined_by_what_people_say_of_the_same_pictures():
    """One class for each make, whatever the script; talk, spam and the word for all of them are none."""
    made = draft(read_cars())
    class_map = ClassMap.from_toml(made.text)
    makes = json.loads((DATA / "cars.json").read_text("utf-8"))
    assert len(class_map.names) == len(makes)
    owners = {name: normalise_label(name, class_map).class_ids for name in makes}
    assert all(len(owner) == 1 for owner in owners.values())
    assert len(set(owners.values())) == len(makes)
    for name, languages in makes.items():
        for text in (text for texts in languages.values() for text in texts):
            assert normalise_label(text, class_map).class_ids in {owners[name], ()}
    assert normalise_label("VW", class_map).class_ids == owners["Volkswagen"]
    assert normalise_label("大众", class_map).class_ids == owners["Volkswagen"]
    assert normalise_label("car", class_map).class_ids == ()


def test_a_line_is_written_only_for_what_the_map_does_not_decide():
    """Without any one of the aliases, the spelling is not decided as its class."""
    class_map = ClassMap.from_toml(draft(read_cars()).text)
    for spelling in class_map.spellings:
        if spelling.is_alias:
            without = replace(class_map, spellings=[other for other in class_map.spellings if other != spelling])
            assert normalise_label(spelling.text, without).class_ids != (spelling.class_id,)


def test_words_are_noise_where_they_change_nothing_and_none_is_about_logos():
    """Ford car and a Ford are said of the pictures of a Ford; the words for logos are nothing here."""
    made = draft(read_cars())
    assert "car" in made.noise_words
    assert made.built_in == ["no_label"]
    assert "marca" not in made.text


def test_a_first_map_does_not_depend_on_the_order_of_rows():
    """Rows in any order give equal text."""
    said = read_cars()
    turned = said.take(list(range(said.num_rows))[::-1])
    assert draft(said).text == draft(turned).text


def test_two_classes_that_are_confused_stay_two():
    """Each has pictures of its own, on which people agree, though on a third of them one says the other."""
    answers = []
    for picture in range(40):
        shown, other = ("Coca-Cola", "Coca-Cola Light") if picture % 2 else ("Coca-Cola Light", "Coca-Cola")
        said = [shown, shown, other if picture % 3 == 0 else shown, "Fanta"[: 5 - picture % 2]]
        answers += [(f"p{picture}", f"w{(picture + number) % 9}", text) for number, text in enumerate(said)]
    assert {"Coca-Cola", "Coca-Cola Light"} <= {name for name, _ in tell(answers).classes}


@pytest.mark.parametrize(
    ("shown", "strays"),
    [
        (
            {"queen of hearts": "112233", "queen of spades": "11222", "9 of spades": "11223", "unlesbar": "1"},
            ("spades", "9 of spades 3"),
        ),
        (
            {"potato beetle larva": "112", "whitefly": "111", "thrips": "1111", "stag": "111", "\u30a2": "1"},
            ("potato beetle eggs", "potato beetle larva 2"),
        ),
    ],
)
def test_letters_join_neither_an_unspecific_word_nor_another_word(shown, strays):
    """ "spades" may be any of them, and eggs are no larva, though two people met on a picture of the nine, and of a larva."""
    word, picture = strays
    said = [(f"{name} {place}", name) for name, places in shown.items() for place in places]
    said += [(picture, word), (picture if word == "spades" else "potato beetle larva 4", word)]
    made = tell([(f"https://a.example/{place}", f"w{at}", name) for at, (place, name) in enumerate(said)])
    assert "\naliases" not in made.text


def test_answers_no_better_than_chance_join_nothing():
    """Where people agree no more than by chance, pictures tell nothing and letters decide."""
    rng = random.Random(5)
    words = ["nike", "adidas", "puma", "Nike", "fila", "pumma"]
    answers = [(f"p{picture}", f"w{number}", rng.choice(words)) for picture in range(60) for number in range(3)]
    assert sorted(name.lower() for name, _ in tell(answers).classes)[:4] == ["adidas", "fila", "nike", "puma"]


def test_one_worker_makes_neither_a_class_nor_a_spelling():
    """A pet word that one worker writes on every picture is no class and no alias of one."""
    answers = []
    for picture in range(60):
        shown = ("Kenya", "Ghana", "Togo")[picture % 3]
        answers += [(f"p{picture}", f"w{number}", shown if number else "bingo") for number in range(4)]
        answers.append((f"p{picture}", f"v{picture}", f"{shown[:-1]}xx{picture}"))
    made = tell(answers)
    assert {name for name, _ in made.classes} == {"Kenya", "Ghana", "Togo"}
    assert any("bingo" in doubt for doubt in made.doubts)


def test_two_spellings_by_one_worker_of_one_picture_are_no_witnesses():
    """Who ticks two boxes says two things; that is no reason to join them."""
    answers = [(f"p{picture}", f"w{number}", '["nike", "puma"]') for picture in range(20) for number in range(3)]
    answers += [
        (f"q{picture}", f"w{number}", ("nike", "puma", "fila")[picture % 3]) for picture in range(20) for number in range(3)
    ]
    assert {"nike", "puma", "fila"} == {name for name, _ in tell(answers).classes}


def test_two_who_agree_on_a_word_of_their_own_make_no_class():
    """Two colluders write it together, on whatever pictures they get."""
    rng = random.Random(3)
    answers = []
    for picture in range(120):
        shown = ("Kenya", "Ghana", "Togo", "Benin")[picture % 4]
        together = picture % 5 == 0
        answers += [(f"p{picture}", f"w{number}", shown) for number in rng.sample(range(20), 2 if together else 4)]
        answers += [(f"p{picture}", f"x{number}", "bingo") for number in range(2)] if together else []
        answers.append((f"p{picture}", f"v{picture}", f"{shown[:-1]}xx{picture}"))
    assert {name for name, _ in tell(answers).classes} == {"Kenya", "Ghana", "Togo", "Benin"}


WORDS = st.one_of(st.sampled_from(["nike", "Nike", "no", "\u202eekin", "0", "+", '["a", "b"]', "a / b", ""]), st.text(max_size=12))


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(["", "v", "w", "x"]), WORDS), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_whatever_people_say_of_pictures_the_draft_parses(answers):
    """No answer, picture or worker breaks it."""
    made = tell(answers)
    assert ClassMap.from_toml(made.text).class_ids


JUNK = ("yes", "wonder", "picture of", "thing")


def draw_noisy_crowd(spammers: float, votes: int) -> pa.Table:
    """Countries by people who look, and words and names at random by those who do not."""
    chance = random.Random(3)
    people = [f"w{number:02d}" for number in range(30)]
    rows = []
    for picture in range(400):
        truth = COUNTRIES[picture % len(COUNTRIES)]
        for worker in chance.sample(people, votes):
            label = truth if chance.random() < 0.9 else chance.choice(COUNTRIES)
            if int(worker[1:]) < spammers * len(people):
                label = chance.choice((*JUNK, *COUNTRIES))
            label = f"{label} {picture}" if chance.random() < 0.03 else label
            rows.append((f"https://flags.test/{picture}.png", worker, label))
    return make_annotations(rows)


@pytest.mark.parametrize(("spammers", "votes"), [(0.3, 3), (0.4, 3), (0.3, 2)])
def test_words_that_are_given_to_all_pictures_alike_are_no_classes(spammers, votes):
    """They carry no information about the picture, whatever they are; the classes are there all the same, in a crowd of spammers too."""
    made = draft(draw_noisy_crowd(spammers, votes))
    assert {name for name, _ in made.classes} == set(COUNTRIES)
    assert {name for name, _ in made.undecided} >= set(JUNK)
    assert "no better than by chance" not in " ".join(made.doubts)


def test_a_crowd_that_agrees_by_chance_is_said_so():
    """Nothing but letters speaks for the classes of such a map, and the first doubt says it."""
    assert "no better than by chance" in draft(draw_noisy_crowd(1.0, 3)).doubts[0]


def test_a_tag_beside_many_tags_is_no_noise_word():
    """ "man" stands before many other tags, and people agree on it by itself: it says something of the picture; "flag of" does not."""
    chance = random.Random(5)
    tags = ("old", "tall", "young", "happy", "tired")
    rows = []
    for picture in range(200):
        is_man, tag = chance.random() < 0.3, chance.choice(tags)
        for worker in chance.sample(range(20), 4):
            said = [tag] if chance.random() < 0.7 else []
            said += ["man"] if is_man and chance.random() < 0.7 else []
            said += [f"{tag} man"] if is_man and chance.random() < 0.3 else []
            said += [f"odd {picture}"] if chance.random() < 0.1 else []
            rows.append((f"https://tags.test/{picture}.png", f"w{worker}", json.dumps(said or ["nothing"])))
    assert "man" not in draft(make_annotations(rows)).noise_words
