"""Lines to paste: as few as decide the cluster, never a guess, and candidates worth showing."""

from __future__ import annotations

from collections import Counter

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.labels import ClassMap
from logoingest.labels.matching.match import decide_labels
from logoingest.review.map_lines import propose_lines
from logoingest.review.suggestions import OpenLabel, cluster_open_labels


def map_of(*names):
    return ClassMap.from_toml(tomlkit.dumps({"classes": {name.lower().replace(" ", "-"): {"name": name} for name in names}}))


def suggest(class_map, *answers):
    """(members, candidates, lines) of each cluster of what the map does not decide."""
    counts = Counter(answers)
    labels = [
        OpenLabel(made.raw_label, made.decision, made.rule, made.matched_alias, counts[made.raw_label], ["w1", "w2"], [])
        for made in decide_labels(sorted(counts), class_map)
        if made.decision in {"review", "unknown"}
    ]
    clusters, _ = cluster_open_labels(labels, class_map)
    lines = propose_lines(clusters, class_map)
    return [
        ({member.raw_label for member in cluster.members}, [one.class_id for one in cluster.candidates], text)
        for cluster, text in zip(clusters, lines, strict=True)
    ]


def test_one_line_that_decides_all_is_enough():
    """Of nine ways to write it one is written out."""
    ways = ["Mitsubishi Motors logo", "logo mitsubishi motors", "mitsubishi-motors", "mitsubisi motors", "MITSUBISHI MOTORS!"]
    [(members, candidates, lines)] = suggest(map_of("Mitsubishi", "Hyundai"), *["Mitsubishi Motors"] * 3, *ways)
    assert len(members) == 6
    assert candidates[0] == "mitsubishi"
    assert tomlkit.parse(lines) == {"classes": {"mitsubishi": {"aliases": {"any": ["Mitsubishi Motors"]}}}}


@pytest.mark.parametrize(
    "answers",
    [
        ("lime green", "olive green"),
        ("greyish blue", "greenish blue"),
        ("north sea crab", "south sea crab"),
        ("西日本銀行支店", "東日本銀行支店"),
        ("nikee shoes lime", "nikee shoes blue"),
    ],
)
def test_answers_with_different_classes_or_words_stay_apart(answers):
    """Whether the map has the words as classes or not."""
    for names in (("Green", "Lime", "Olive", "Blue"), ("Green", "Blue"), ("Nike",)):
        assert [members for members, _, _ in suggest(map_of(*names), *answers)] == [{one} for one in sorted(answers)]


def test_initials_are_no_class_of_their_own():
    """ "U.S." is United States' line; with a letter more it is asked about."""
    found = suggest(map_of("United States", "United Kingdom", "Hewlett Packard"), "U.S.", "U.S.A.", "U.S.", "hp", "USA Today")
    by_member = {member: (candidates, lines) for members, candidates, lines in found for member in members}
    assert by_member["U.S."][0][0] == "united-states"
    assert tomlkit.parse(by_member["U.S."][1])["classes"].keys() == {"united-states"}
    assert tomlkit.parse(by_member["hp"][1])["classes"].keys() == {"hewlett-packard"}


def test_a_class_is_not_called_by_a_formula_or_a_noise_word():
    """The spelling that reads as a name is the class's."""
    [(_, candidates, lines)] = suggest(map_of("Nike"), "=логотип хендай", "логотип хендай", "Хендай")
    assert not candidates
    assert list(tomlkit.parse(lines)["classes"]) == ["Хендай"]


def test_a_possible_class_is_said_in_comments():
    """Pasted, they decide nothing; several classes in one answer are no alias of either."""
    found = suggest(map_of("Green", "Blue"), "blue or greenish", "dark green", "zzyzx")
    by_member = {member: (candidates, lines) for members, candidates, lines in found for member in members}
    assert by_member["dark green"][1].startswith("# if it is Green:")
    assert not tomlkit.parse(by_member["dark green"][1])
    assert by_member["zzyzx"][0] == []
    [(_, _, lines)] = suggest(map_of("Green", "Blue"), "my blue and your green one")
    assert lines == "# names several classes: blue, green\n"


@pytest.mark.slow
@given(
    st.lists(
        st.sampled_from(["fanta", "fantta", "FANTA", "logo fanta", "fanta!", "fan ta", "зфанта", "=fanta", "f", "ne\nw"]),
        min_size=1,
    )
)
@examples(40)
def test_pasted_lines_decide_their_cluster(answers):
    """Every line that is no comment settles all answers of its cluster, and is valid TOML."""
    class_map = map_of("Nike")
    for members, _, lines in suggest(class_map, *answers):
        classes = tomlkit.parse(lines).get("classes", {})
        for class_id in classes:
            grown = ClassMap.from_toml(tomlkit.dumps({"classes": {"nike": {"name": "Nike"}, **tomlkit.parse(lines)["classes"]}}))
            assert {made.class_ids for made in decide_labels(sorted(members), grown)} == {(class_id,)}
