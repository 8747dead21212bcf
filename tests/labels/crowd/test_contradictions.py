"""The crowd says against the map what is wrong in it, and nothing against what is right."""

from __future__ import annotations

import random

import pytest

from builders.word_crowds import JAPANESE, MAP, NAMES, draw_crowd, make_annotations
from logoingest.labels import ClassMap
from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind, hear_crowd
from logoingest.labels.crowd.evidence import number_answers

Rows = list[tuple[str, str | None, str]]
ALIASES = "\n".join(f'[classes.{class_id}.aliases]\nja = ["{text}"]' for class_id, text in JAPANESE.items())
CROWD: Rows = list(draw_crowd(pictures=300))


def ask(rows: Rows, text: str) -> list[Contradiction]:
    class_map = ClassMap.from_toml(text)
    return hear_crowd(number_answers(make_annotations(rows), class_map), class_map).contradictions


def replace_word(rows: Rows, before: str, after: str) -> Rows:
    return [(url, worker, after if label == before else label) for url, worker, label in rows]


@pytest.mark.parametrize("text", [MAP, f"{MAP}\n{ALIASES}"], ids=["names alone", "with aliases"])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_against_what_is_right(text, seed):
    """Clean maps and crowds of which one in ten answers is wrong."""
    assert ask(list(draw_crowd(seed, pictures=300)), text) == []


def test_an_alias_of_the_wrong_class_is_told_though_many_wrote_it():
    """スペイン, declared of France, is Spain: its writers do not bear each other out."""
    swapped = ALIASES.replace(JAPANESE["france"], "仏").replace('ja = ["仏"]', f'ja = ["{JAPANESE["spain"]}"]')
    swapped = swapped.replace(f'[classes.spain.aliases]\nja = ["{JAPANESE["spain"]}"]', "")
    found = ask(CROWD, f"{MAP}\n{swapped}")
    assert [(one.kind, one.text, one.declared, one.class_id) for one in found] == [
        (ContradictionKind.ALIAS, JAPANESE["spain"], "france", "spain")
    ]
    assert "settled as spain by others" in found[0].words
    assert found[0].urls


def test_a_false_friend_that_the_matcher_took_is_told():
    """People write "Itaaly" for Spain; letters make it Italy."""
    found = ask(replace_word(CROWD, JAPANESE["spain"], "Itaaly"), MAP)
    assert [(one.kind, one.text, one.declared, one.class_id) for one in found] == [
        (ContradictionKind.MATCH, "Itaaly", "italy", "spain")
    ]


def test_a_class_with_two_names_is_told_to_be_one():
    """Nippon and Japan as two classes: people do not tell them apart."""
    found = ask(replace_word(CROWD, JAPANESE["japan"], "Nippon"), f"{MAP}\n[classes.nippon]\nname = 'Nippon'")
    assert {(one.kind, frozenset({one.declared, one.class_id})) for one in found} <= {
        (ContradictionKind.ONE, frozenset({"japan", "nippon"})),
        (ContradictionKind.ALIAS, frozenset({"japan", "nippon"})),
    }
    assert found


def test_two_classes_under_one_name_are_told_to_be_two():
    """Germany declared an alias of Spain: the same people write both, never of the same pictures."""
    text = MAP.replace('[classes.germany]\nname = "Germany"\n', "")
    found = ask(CROWD, f'{text}\n[classes.spain.aliases]\nany = ["Germany", "{JAPANESE["germany"]}"]\n')
    assert [(one.kind, one.declared) for one in found] == [(ContradictionKind.TWO, "spain")]
    assert set(found[0].raw_labels) == {"Germany", JAPANESE["germany"]}


def test_languages_whose_speakers_saw_other_pictures_are_no_two_classes():
    """Japanese workers alone saw some pictures: nobody writes both, and nothing is said."""
    rows: Rows = []
    for url, worker, label in CROWD:
        is_japanese = label in JAPANESE.values()
        rows.append((f"{url}?{'ja' if is_japanese else 'en'}", worker, label))
    assert [one for one in ask(rows, f"{MAP}\n{ALIASES}") if one.kind is ContradictionKind.TWO] == []


def test_an_umbrella_word_that_is_an_alias_is_told():
    """ "nice flag", declared of Canada, stands beside everything."""
    found = ask(CROWD, f"{MAP}\n[classes.canada.aliases]\nany = ['nice flag']")
    assert [(one.kind, one.text, one.declared, one.class_id) for one in found] == [
        (ContradictionKind.UMBRELLA, "nice flag", "canada", None)
    ]


def test_a_name_that_spammers_write_everywhere_is_no_umbrella():
    """Three who always answer Canada say nothing against Canada."""
    urls = sorted({url for url, _, _ in CROWD})
    draw = random.Random(6)
    spam: Rows = [(url, f"s{draw.randrange(3)}", NAMES["canada"]) for url in urls]
    assert ask([*CROWD, *spam], MAP) == []


def test_rows_in_any_order_say_the_same():
    """Which file came first decides nothing."""
    text = f"{MAP}\n[classes.canada.aliases]\nany = ['nice flag']"
    rows = list(CROWD)
    random.Random(5).shuffle(rows)
    assert ask(rows, text) == ask(CROWD, text)


def test_without_pictures_in_common_nothing_is_said():
    """Everybody saw a picture of their own."""
    rows: Rows = [(f"{url}/{place}", worker, label) for place, (url, worker, label) in enumerate(CROWD)]
    assert ask(rows, MAP) == []
    assert ask([], MAP) == []
