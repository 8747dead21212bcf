"""Names that letters alone take for each other (Carlsberg, Karlsberg): told apart where people said what is on the pictures."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
import tomlkit

from builders.word_crowds import make_annotations
from logoingest.labels import ClassMap
from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind, hear_crowd
from logoingest.labels.crowd.evidence import number_answers
from logoingest.labels.matching.match import decide_labels

FILE = Path(__file__).parents[2] / "data" / "labels" / "names_alike.txt"
PAIRS = [tuple(line.split("|")) for line in FILE.read_text("utf-8").splitlines()]
PICTURES = 12
WORKERS = 30
VOTES = 4


def make_map(names: list[str]) -> ClassMap:
    return ClassMap.from_toml(tomlkit.dumps({"classes": {f"c{place}": {"name": name} for place, name in enumerate(names)}}))


@pytest.fixture(scope="module")
def merged() -> Mapping[str, str]:
    """Name → the other name of its pair, which a map that lacks it takes for it."""
    found: dict[str, str] = {}
    for pairs in (PAIRS, [pair[::-1] for pair in PAIRS]):
        one_each = dict(pairs)
        class_map = make_map(list(one_each))
        decisions = decide_labels(list(one_each.values()), class_map)
        found |= {
            name: decision.raw_label
            for name, decision in zip(one_each, decisions, strict=True)
            if decision.class_id and class_map.names[decision.class_id] == name
        }
    return found


def ask_crowd(names: list[str], drawn: list[str]) -> list[Contradiction]:
    """What people say against a map of these names: each picture's own word, one answer in ten is another class's name."""
    rng = random.Random(0)
    rows = [
        (f"https://brands.test/{picture}.png", f"w{worker:02d}", rng.choice(names) if rng.random() < 0.1 else word)
        for picture, word in enumerate(drawn)
        for worker in rng.sample(range(WORKERS), VOTES)
    ]
    class_map = make_map(names)
    return list(hear_crowd(number_answers(make_annotations(rows), class_map), class_map).contradictions)


def test_letters_alone_merge_a_third_of_them(merged: Mapping[str, str]) -> None:
    """135 pairs of real names at one or two edits: what tells them from slips is not in their letters."""
    assert len({frozenset(pair) for pair in merged.items()}) <= len(PAIRS) / 3


def test_with_pictures_none_is_merged_unsaid(merged: Mapping[str, str]) -> None:
    """On the pictures of the name that the map lacks nobody writes the class's."""
    names = [name for name in merged if name not in merged.values()]
    found = ask_crowd(names, [word for name in names for word in (name, merged[name]) for _ in range(PICTURES)])
    told = {text for one in found for text in one.raw_labels}
    taken = {one.raw_label for one in decide_labels([merged[name] for name in names], make_map(names)) if one.class_id}
    assert len(taken) >= 15
    assert taken <= told
    assert {one.kind for one in found} == {ContradictionKind.TWO}
    assert told <= set(merged.values())


def test_slips_are_left_alone(merged: Mapping[str, str]) -> None:
    """The same spellings, written of the class's own pictures by one in seven, are slips."""
    names = [name for name in merged if name not in merged.values()]
    rng = random.Random(1)
    drawn = [name for name in names for _ in range(2 * PICTURES)]
    rows = [
        (f"https://brands.test/{picture}.png", f"w{worker:02d}", merged[name] if rng.random() < 1 / 7 else name)
        for picture, name in enumerate(drawn)
        for worker in rng.sample(range(WORKERS), VOTES)
    ]
    class_map = make_map(names)
    assert list(hear_crowd(number_answers(make_annotations(rows), class_map), class_map).contradictions) == []
