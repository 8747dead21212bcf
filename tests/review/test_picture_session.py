"""The review of pictures as a state machine: what each command rules, and that undo takes exactly that back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import MAP
from logoingest.labels import ClassMap
from logoingest.plain_json import to_json
from logoingest.review.picture_session import PictureSession, keep_others, list_picture_rulings, run_picture_command
from logoingest.review.rulings import ClassFinder
from logoingest.review.session import SessionStep
from logoingest.review.sheets.conflict_sheet import OpenConflict

SUSPECT = OpenConflict(
    "label", ["a" * 64], ["mercedes", "puma"], [1, 2], "rank 1: labelled puma", ["http://pictures.test/a"], "puma"
)
REFUSED = OpenConflict("settled", ["b" * 64], ["puma", "mercedes"], [2, 2], "rank 1: refused", [])
SET = OpenConflict("near", ["c" * 64, "d" * 64], ["puma", "mercedes"], [3, 3], "turned", [])
OTHERS = SessionStep(rulings=(("asdf", "drop"),))
START = PictureSession([SUSPECT, REFUSED, SET], ClassFinder(ClassMap.from_toml(MAP)), (OTHERS,))


def play(*lines, start=START):
    for line in lines:
        start = run_picture_command(start, line)
    return start


@pytest.mark.parametrize(
    ("line", "ruling"),
    [
        ("1", "class: mercedes"),
        ("2", "class: puma"),
        ("k", "class: puma"),
        ("keep", "class: puma"),
        ("d", "drop"),
        ("= Mercedes-Benz", "class: mercedes"),
        ("puma", "class: puma"),
        ("s", ""),
    ],
)
def test_a_command_rules_on_the_picture_that_is_shown(line, ruling):
    """And the next one is asked about; what was decided of answers stays."""
    session = play(line)
    assert session.decided == {SUSPECT.conflict_id: ruling}
    assert session.current == REFUSED
    assert session.steps[0] == OTHERS


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["3"], "candidate"),
        (["nobody"], "nobody"),
        (["ignore"], "no ruling on pictures"),
        (["s", "k"], "without a label"),
        (["s", "s", "k"], "single picture"),
        (["/ merc", "9"], "the search found"),
        (["d", "d", "b", "1"], "nothing is left"),
        (["u"], "nothing to take back"),
    ],
)
def test_what_cannot_be_meant_changes_nothing_but_the_message(lines, message):
    """Of answers nothing can be taken back here."""
    before = play(*lines[:-1])
    after = run_picture_command(before, lines[-1])
    assert after.steps == before.steps
    assert message in after.message


def test_a_number_picks_from_the_last_search():
    """Once: then it is a candidate again."""
    session = play("/ merc", "1")
    assert session.decided == {SUSPECT.conflict_id: "class: mercedes"}
    assert play("1", start=session).decided[REFUSED.conflict_id] == "class: puma"


def test_what_is_applied_are_the_rulings_and_what_stays_is_the_rest():
    """Skipped pictures are asked about again; what could not be written stays decided."""
    session = play("1", "s", "b")
    assert dict(list_picture_rulings(session).rows) == {SUSPECT.conflict_id: "class: mercedes", SET.conflict_id: "both"}
    assert keep_others(session) == [OTHERS]
    assert [step.rows for step in keep_others(session, [SET.conflict_id])[1:]] == [((SET.conflict_id, "both"),)]
    assert not list_picture_rulings(play("s")).steps


@examples(50)
@given(st.lists(st.sampled_from(["1", "2", "k", "b", "d", "s", "/ pu", "= puma", "?", "", "u"]), max_size=8))
def test_undo_takes_everything_back_and_a_journal_brings_it_again(lines):
    session = play(*lines)
    again = [SessionStep.from_json(json.loads(json.dumps(to_json(step)))) for step in session.steps]
    resumed = PictureSession(START.pictures, START.finder, tuple(again))
    assert resumed.decided == session.decided
    assert play(*["u"] * len(session.steps), start=session).steps == (OTHERS,)
