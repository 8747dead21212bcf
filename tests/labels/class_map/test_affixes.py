"""Affix rules: what they strip, what they say, and what they leave alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.class_map.affixes import AffixRules
from logoingest.labels.text.fold import fold

RULES = """
affixes = [
  { suffix = "-part", attributes = { truncated = true } },
  { suffix = "-logo", becomes = "-symbol", attributes = { variant = "symbol" } },
  { suffix = "-text", attributes = { variant = "text" } },
  { prefix = "old ", attributes = { era = "old" } },
  { suffix = "2", exact = true },
]
[classes.starbucks]
[classes.starbucks-symbol]
[classes.canal]
name = "Canal+"
[classes.shell]
aliases = ["shell-part-text"]
[classes.a1]
"""
MAP = ClassMap.from_toml(RULES)


@pytest.mark.parametrize(
    ("raw", "class_id", "attributes"),
    [
        ("starbucks-logo", "starbucks-symbol", {"variant": "symbol"}),
        ("Starbucks Logo", "starbucks-symbol", {"variant": "symbol"}),
        ("starbucks_logo", "starbucks-symbol", {"variant": "symbol"}),
        ("starbucks – logo", "starbucks-symbol", {"variant": "symbol"}),
        ("starbucks-logo+part", "starbucks-symbol", {"variant": "symbol", "truncated": True}),
        ("starbucks-part-part", "starbucks", {"truncated": True}),
        ("Old Starbucks-text", "starbucks", {"era": "old", "variant": "text"}),
        ("canal+-part", "canal", {"truncated": True}),
        ("starbucks2", "starbucks", None),
        ("starbukcs-part", "starbucks", {"truncated": True}),
        ("a1", "a1", None),
    ],
)
def test_an_affix_is_stripped_and_told(raw, class_id, attributes):
    """Any separator does; what the affix becomes is tried first; several go one after another; a typo may be left."""
    decision = normalise_label(raw, MAP)
    assert decision.class_id == class_id
    assert (decision.attributes and json.loads(decision.attributes)) == attributes


def test_a_declared_alias_keeps_what_its_endings_say():
    """The alias decides the class, the endings still tell the rest."""
    decision = normalise_label("Shell-part-text", MAP)
    assert (decision.class_id, decision.rule) == ("shell", "alias_folded")
    assert json.loads(decision.attributes) == {"truncated": True, "variant": "text"}


@pytest.mark.parametrize("raw", ["starbukcs2", "starbuckspart", "-part", "2", "Shellpart"])
def test_what_is_no_affix_is_not_stripped_unasked(raw):
    """Not with a typo where the rule says exact, not glued on where it begins with a separator, never all of the answer."""
    assert normalise_label(raw, MAP).attributes is None
    assert normalise_label(raw, MAP).decision != "accepted"


@given(st.text(alphabet="-+ _./2partlogoextB", max_size=40))
def test_each_strip_is_shorter_and_never_empty(text):
    """Stripping ends, and leaves something."""
    rules = AffixRules.build([form.model_copy(update={"becomes": ""}) for form in MAP.affixes])
    rests = [rest.text for rest in rules.strip(fold(text).text)]
    assert all(rests)
    assert all(len(later) < len(earlier) for earlier, later in zip([fold(text).text, *rests], rests, strict=False))
