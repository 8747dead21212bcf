"""The terminal review as a state machine: what each command does, and that undo takes exactly that back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import HOSTILE, MAP, annotate, find_clusters
from logoingest.labels import ClassMap
from logoingest.plain_json import to_json
from logoingest.review.rulings import Action, ClassFinder, RuledMeaning
from logoingest.review.session import Session, collect_rulings, resume_session, run_command

CLASS_MAP = ClassMap.from_toml(MAP)
CLUSTERS = tuple(
    find_clusters(annotate("fanta", "fanta", "FANTA", "fantta", "asdf", "asdf", "mersedes bens", "bwm x", "a\x1b[2Jb"), CLASS_MAP)
)
UNDECIDED = {member.raw_label for cluster in CLUSTERS for member in cluster.members}
START = Session(CLUSTERS, ClassFinder(CLASS_MAP))


def play(*lines, start=START):
    session = start
    for line in lines:
        session = run_command(session, line)
    return session


def decided(session):
    return {ruling.raw_label: ruling.meaning for ruling in collect_rulings(session)}


FIRST = [member.raw_label for member in CLUSTERS[0].members]


def test_the_first_cluster_is_the_one_that_settles_most():
    """Three spellings, four answers."""
    assert sorted(FIRST) == ["FANTA", "fanta", "fantta"]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("n Fanta", RuledMeaning(Action.NEW, "Fanta")),
        ("new: Fanta", RuledMeaning(Action.NEW, "Fanta")),
        ("w", RuledMeaning(Action.NOISE)),
        ("w fant", RuledMeaning(Action.NOISE, "fant")),
        ("i", RuledMeaning(Action.IGNORE)),
        ("d", RuledMeaning(Action.DROP)),
        ("o puma", RuledMeaning(Action.OVERRIDE, "puma")),
        ("o drop", RuledMeaning(Action.OVERRIDE_DROP)),
        ("= puma", RuledMeaning(Action.CLASS, "puma")),
        ("Puma", RuledMeaning(Action.CLASS, "puma")),
    ],
)
def test_a_command_decides_the_whole_cluster(line, meaning):
    """And the next one is asked about."""
    session = play(line)
    assert decided(session) == dict.fromkeys(FIRST, meaning)
    assert session.current.members[0].raw_label == "asdf"


def test_a_number_picks_the_candidate():
    """The first one shown."""
    clusters = tuple(find_clusters(annotate("my mercedes"), CLASS_MAP))
    assert decided(play("1", start=Session(clusters, ClassFinder(CLASS_MAP)))) == {
        "my mercedes": RuledMeaning(Action.CLASS, "mercedes")
    }


def test_a_search_lists_and_a_number_picks_from_it():
    """Any other command forgets the list."""
    assert "1 Mercedes-Benz" in play("/ merc").message
    assert decided(play("/ merc", "1")) == dict.fromkeys(FIRST, RuledMeaning(Action.CLASS, "mercedes"))
    assert play("/ merc", "9").rulings == {}
    assert play("/ merc", "s").found == ()


def test_one_spelling_can_be_taken_out_and_is_asked_about_by_itself():
    """After all others."""
    session = play("x 2", "n Fanta")
    assert len(decided(session)) == 2
    assert [member.raw_label for member in session.queue[-1].members] == [CLUSTERS[0].members[1].raw_label]


def test_all_clusters_with_a_likely_candidate_are_accepted_at_once():
    """One step, taken back by one u."""
    session = play("a 1%")
    assert len(decided(session)) == sum(
        len(cluster.members) for cluster in CLUSTERS if cluster.candidates and cluster.candidates[0].score >= 0.01
    )
    assert play("u", start=session) == START
    assert "no cluster" in play("a 1.0").message


@pytest.mark.parametrize(
    "line",
    [
        "",
        "n",
        "o",
        "=",
        "x",
        "x 99",
        "a",
        "a b",
        "9",
        "nonsense class",
        "o nobody",
        "n !!",
        "?",
        "/",
        "/ zzzzzz",
        "\x1b[A",
        "x1",
        "new:",
    ],
)
def test_a_command_that_cannot_be_meant_changes_nothing(line):
    """But says something, unless there was nothing."""
    session = play(line)
    assert session.steps == ()
    assert bool(session.message) == bool(line)
    assert all(part.isprintable() for part in session.message.split("\n"))


def test_what_was_skipped_is_not_asked_again_and_not_written():
    """Until the next session."""
    session = play("s", "d")
    assert set(decided(session)) == {"asdf"}
    assert "fanta" not in {member.raw_label for cluster in session.queue for member in cluster.members}


def test_at_the_end_only_undo_and_quit_are_left():
    """Nothing crashes."""
    session = play(*["d"] * len(CLUSTERS))
    assert session.current is None
    assert play("1", start=session).steps == session.steps
    assert play("q", start=session).is_finished
    assert play("u", start=session).current == CLUSTERS[-1]


def test_a_class_made_in_the_session_can_be_chosen_in_it():
    """By its name."""
    session = play("n Fanta", "= fanta")
    assert decided(session)["asdf"] == RuledMeaning(Action.NEW, "Fanta")


def test_a_killed_session_goes_on_where_it_was():
    """From the journal's plain JSON; undo reaches back over the break."""
    session = play("n Fanta", "x 1", "s", "d")
    journal = json.loads(json.dumps(to_json(session.steps)))
    resumed = resume_session(START, journal, UNDECIDED)
    assert resumed == session
    assert "resumed: 4 decisions" in resumed.message
    assert play("u", "u", "u", "u", start=resumed) == START


def test_what_was_decided_or_undone_in_the_map_meanwhile_is_left_out_of_a_resumed_session():
    """And said."""
    journal = [{"rulings": [["gone", "class: puma"], ["asdf", "class: nobody"], ["fanta", "drop"]]}, {"skipped": ["gone"]}]
    resumed = resume_session(START, journal, UNDECIDED)
    assert decided(resumed) == {"fanta": RuledMeaning(Action.DROP)}
    assert "2 that do not fit" in resumed.message


commands = st.one_of(
    st.sampled_from(["1", "2", "n Fanta", "n Foo", "w", "i", "d", "o puma", "o drop", "= bmw", "s", "x 1", "x 2", "a 0.1", "/ me", "puma", "?", ""]),
    st.sampled_from(HOSTILE),
    st.text(max_size=6),
).filter(lambda line: not line.strip().startswith(("q", "u")))  # fmt: skip


@examples(150)
@given(st.lists(commands, max_size=12), st.integers(0, 12))
def test_undo_is_exact(lines, back):
    """After any commands, n undos lead to just where the session was n steps before; enough of them, to the start."""
    history = [START]
    for line in lines:
        session = run_command(history[-1], line)
        history += [session] if session.steps != history[-1].steps else []
    session = history[-1]
    for expected in reversed(history[:-1][len(history) - 1 - min(back, len(history) - 1) :]):
        session = run_command(session, "u")
        assert (session.steps, session.queue, session.rulings) == (expected.steps, expected.queue, expected.rulings)
    assert play(*["u"] * len(history), start=session) == START
