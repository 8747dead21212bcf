"""What the crowd may decide: never one worker's word, nothing a person declared, no picture by its own answers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.word_crowds import JAPANESE, MAP, draw_crowd, make_annotations
from logoingest.labels import ClassMap
from logoingest.labels.crowd.deciding import RULE, find_unconfirmed, normalise_with_crowd
from logoingest.labels.crowd.layer import CrowdDecisions, CrowdLine, read_layer, write_layer

TODAY, LATER = dt.date(2026, 5, 4), dt.date(2026, 6, 5)
CLASS_MAP = ClassMap.from_toml(MAP)
Rows = list[tuple[str, str | None, str]]


def decide(
    rows: Rows, class_map: ClassMap = CLASS_MAP, lines: tuple[CrowdLine, ...] = (), day: dt.date = TODAY, confidence: float = 0.99
) -> CrowdDecisions:
    return normalise_with_crowd(make_annotations(rows), class_map, lines, confidence, day)


def read_rules(made: CrowdDecisions) -> dict[str, tuple[str, str, str | None]]:
    """Raw label → (decision, rule, class)."""
    rows = made.normalised.labels.to_pylist()
    return {row["raw_label"]: (row["decision"], row["rule"], row["class_id"]) for row in rows}


@pytest.fixture(scope="module")
def crowd() -> Rows:
    return list(draw_crowd(pictures=240, workers=18))


@pytest.fixture(scope="module")
def made(crowd: Rows) -> CrowdDecisions:
    return decide(crowd)


def test_words_are_decided_and_dated(made: CrowdDecisions) -> None:
    """Every Japanese name is its class's, by the rule crowd, with its probability in percent; noise stays what it is."""
    rules = read_rules(made)
    assert {label: rules[label] for label in JAPANESE.values()} == {
        label: ("accepted", RULE, class_id) for class_id, label in JAPANESE.items()
    }
    assert rules["nice flag"][0] in {"unknown", "review"}
    scores = [row["score"] for row in made.normalised.labels.to_pylist() if row["rule"] == RULE]
    assert all(99 <= score <= 100 for score in scores)
    assert {(line.text, line.class_id, line.on) for line in made.lines} == {(text, id_, TODAY) for id_, text in JAPANESE.items()}


def test_every_annotation_ends_in_one_place(made: CrowdDecisions, crowd: Rows) -> None:
    """Accepted or rejected, as without the crowd."""
    accepted = [row["annotation_id"] for row in made.normalised.decisions.to_pylist() if row["decision"] == "accepted"]
    rejected = made.normalised.rejected.column("annotation_id").to_pylist()
    assert sorted([*accepted, *rejected]) == [f"a{place:06d}" for place in range(len(crowd))]


def test_a_second_run_writes_the_same_bytes(made: CrowdDecisions, crowd: Rows) -> None:
    """The layer it wrote changes nothing, on whatever day it runs; the lines keep their first date."""
    data = write_layer(made.lines)
    again = decide(crowd, lines=tuple(read_layer(data, "x")), day=LATER)
    assert write_layer(again.lines) == data
    assert again.normalised.labels.equals(made.normalised.labels)
    assert again.normalised.decisions.equals(made.normalised.decisions)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_the_order_of_rows_decides_nothing(made: CrowdDecisions, crowd: Rows, seed: int) -> None:
    """Equal layers and labels from shuffled rows."""
    shuffled = decide([crowd[place] for place in np.random.default_rng(seed).permutation(len(crowd))])
    assert write_layer(shuffled.lines) == write_layer(made.lines)
    assert shuffled.normalised.labels.equals(made.normalised.labels)


def test_the_layer_replays_on_new_data_without_its_pictures(made: CrowdDecisions) -> None:
    """A word that was learned elsewhere decides here, and counts for its picture: others taught it."""
    rows: Rows = [("https://new.test/1.png", "x1", JAPANESE["spain"]), ("https://new.test/1.png", "x2", "Spain")]
    replayed = decide(rows, lines=tuple(made.lines), day=LATER)
    assert read_rules(replayed)[JAPANESE["spain"]] == ("accepted", RULE, "spain")
    assert replayed.normalised.rejected.num_rows == 0
    assert replayed.lines == made.lines


def test_newer_answers_withdraw_a_line_and_it_is_said(made: CrowdDecisions, crowd: Rows) -> None:
    """A line that much newer data contradicts is no longer applied, and stays in the file with the reason."""
    wrong = CrowdLine(JAPANESE["italy"], "france", 0.999, 12, 5, 11, on=TODAY)
    found = decide(crowd, lines=(wrong,), day=LATER)
    assert [(line.class_id, line.withdrawn_on) for line in found.withdrawn] == [("france", LATER)]
    assert "settled as italy" in found.withdrawn[0].why
    assert read_rules(found)[JAPANESE["italy"]] == ("accepted", RULE, "italy")
    again = decide(crowd, lines=tuple(read_layer(write_layer(found.lines), "x")), day=LATER + dt.timedelta(1))
    assert write_layer(again.lines) == write_layer(found.lines)
    assert not again.withdrawn


@pytest.mark.parametrize(
    ("addition", "outcome"),
    [
        (f'[classes.france.aliases]\nja = ["{JAPANESE["italy"]}"]\n', ("accepted", "alias", "france")),
        (f'no_label = ["{JAPANESE["italy"]}"]\n', ("ignored", "no_label", None)),
    ],
)
def test_what_a_person_declares_wins(
    crowd: Rows, made: CrowdDecisions, addition: str, outcome: tuple[str, str, str | None]
) -> None:
    """Over the evidence and over a line that is there already; the line goes."""
    declared = ClassMap.from_toml(MAP + "\n" + addition if addition[0] == "[" else addition + MAP)
    found = decide(crowd, declared, tuple(made.lines))
    assert read_rules(found)[JAPANESE["italy"]] == outcome
    assert JAPANESE["italy"] not in {line.text for line in found.lines}


@pytest.mark.parametrize("other", ["italy", "Italy"])
def test_distinct_from_keeps_a_word_and_a_class_apart(crowd: Rows, made: CrowdDecisions, other: str) -> None:
    """However sure the crowd is."""
    apart = ClassMap.from_toml(f'distinct_from = [["{JAPANESE["italy"]}", "{other}"]]\n{MAP}')
    found = decide(crowd, apart, tuple(made.lines))
    assert read_rules(found)[JAPANESE["italy"]][0] != "accepted"
    assert read_rules(found)[JAPANESE["spain"]][0] == "accepted"


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("spread", [True, False])
def test_colluders_who_invent_a_word_release_nothing(crowd: Rows, people: int, spread: bool) -> None:
    """Whether they write it of any picture or of one class's; and on pictures where only they answered."""
    rows: Rows = list(crowd)
    for picture in range(60):
        url = crowd[4 * picture][0] if spread else crowd[4 * (6 * (picture % 40) + 4)][0]
        rows += [(url, f"c{person}", "blorp") for person in range(people)]
    rows += [(f"https://flags.test/alone{place}.png", f"c{person}", "blorp") for place in range(20) for person in range(people)]
    found = decide(rows)
    assert read_rules(found)["blorp"][0] in {"unknown", "review"}
    assert "blorp" not in {line.text for line in found.lines}


def test_the_answers_that_taught_a_word_do_not_confirm_their_pictures() -> None:
    """Three people each taught a word by one picture: on the third's own picture it is known from the other two, elsewhere too;
    where two of them alone wrote it, from one person only."""
    rows: Rows = list(draw_crowd(pictures=240, workers=18))
    japan = [f"https://flags.test/{6 * place + 4:04d}.png" for place in range(9)]
    rows += [(url, f"t{place % 3}", "nippon") for place, url in enumerate(japan)]
    rows += [("https://flags.test/alone.png", f"t{place}", "nippon") for place in range(2)]
    found = decide(rows)
    decisions = {row["annotation_id"]: row for row in found.normalised.decisions.to_pylist()}
    said = {place: decisions[f"a{place:06d}"] for place, row in enumerate(rows) if row[2] == "nippon"}
    assert read_rules(found)["nippon"] == ("accepted", RULE, "japan")
    assert [row["decision"] for row in said.values()] == ["accepted"] * 9 + ["review"] * 2
    refused = {row["annotation_id"]: row["detail"] for row in found.normalised.rejected.to_pylist()}
    assert "from the people who wrote it here" in refused[f"a{len(rows) - 1:06d}"]


def test_what_copies_of_one_picture_taught_does_not_count_once_they_are_known(crowd: Rows) -> None:
    """A word for one picture shown at twenty URLs is decided by its URLs, and turned down where they are one group; names stand."""
    urls = [f"https://flags.test/copy{copy}.png" for copy in range(20)]
    rows: Rows = [*crowd, *((url, f"w{(place + k) % 18:02d}", "Japan") for place, url in enumerate(urls) for k in range(2))]
    rows += [(url, f"v{place % 6}", "red dot") for place, url in enumerate(urls)]
    annotations = make_annotations(rows)
    groups = [*((f"g{url}", [url]) for url in sorted({url for url, _, _ in crowd})), ("copies", urls)]
    images = pa.table({"group_id": [group for group, _ in groups], "urls": [listed for _, listed in groups]})
    found = decide(rows)
    assert read_rules(found)["red dot"] == ("accepted", RULE, "japan")
    doubted = find_unconfirmed(annotations, images, CLASS_MAP, found.lines, 0.99)
    labels = [rows[place][2] for place in np.flatnonzero(doubted)]
    assert labels.count("red dot") == 20
    assert set(labels) == {"red dot"}
