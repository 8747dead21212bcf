"""Another word is no slip: names of siblings, in scripts whose signs are words, syllables or letters."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import tomlkit

from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.text.syllables import find_other_sign

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).resolve().parents[2] / "data" / "labels" / "word_pairs.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "|".join(pair["names"]))
def test_a_sibling_is_never_accepted(pair):
    """A map that has one of two names does not take the other for it."""
    for name, stranger in (pair["names"], pair["names"][::-1]):
        class_map = ClassMap.from_toml(tomlkit.dumps({"classes": {"known": {"name": name}}}))
        assert normalise_label(stranger, class_map).decision != "accepted"
        assert normalise_label(name, class_map).class_id == "known"


def test_there_are_sixty_pairs_of_ideographs():
    """Every kind of script is there, ideographs sixty times."""
    kinds = Counter(pair["kind"] for pair in PAIRS)
    assert kinds["ideographs"] >= 60
    assert {"Hangul", "kana", "Arabic", "Hebrew", "Cyrillic", "Thai", "Latin"} <= set(kinds)


@pytest.mark.parametrize(
    ("slip", "key"),
    [
        ("スターパックス", "スターバックス"),  # voiced
        ("スターバクス", "スターバックス"),  # not doubled
        ("スタバックス", "スターバックス"),  # not long
        ("フアミリーマート", "ファミリーマート"),  # not small
        ("삼송전자", "삼성전자"),  # one letter of a syllable
        ("starbukcs", "starbucks"),
        ("አዲስ አባባ", "አዲስ አበባ"),  # another vowel
    ],
)
def test_what_a_finger_slips_to_in_a_script_of_syllables(slip, key):
    """Voicing, size and length of a kana, one letter of a Hangul syllable, an Ethiopic vowel: no other sign."""
    assert find_other_sign(slip, key) is None
