"""Placeholders on which nobody disagrees: suspected by their addresses, left out until somebody rules."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.answers import Answered
from builders.laws import examples
from builders.places import DATA
from logoingest.config import SamplesConfig
from logoingest.samples.conflicts import resolve_conflicts
from logoingest.samples.group_rulings import GroupRuling
from logoingest.samples.settling import settle_samples
from logoingest.samples.stand_ins.address_words import find_hint, find_phrase, may_hold_words
from logoingest.schemas import Reason

CASES = json.loads((DATA / "samples/suspected_placeholders.json").read_text("utf-8"))


def plant(case):
    """A crowd that agrees on everything, and the picture "p" that all call alpha at the case's URLs."""
    answered = Answered()
    answered.add_crowd()
    for place, url in enumerate(case["urls"]):
        for voter in range(case.get("votes", 1)):
            answered.say("p", "alpha", f"w{(place + voter) % 6}", url=url)
    return answered


def settle(case, rulings=(), policy="review", seed=None):
    annotations, decisions, images = plant(case).tables(seed)
    ids = images.column("image_id").to_pylist()
    for name, value in (("redirect_url", case.get("final")), ("redirected", len(case["urls"]) if case.get("final") else None)):
        place = images.schema.get_field_index(name)
        images = images.set_column(
            place, images.schema.field(name), pa.array([value if i == "p" else None for i in ids], images.schema.types[place])
        )
    settled = settle_samples(annotations, decisions, images, SamplesConfig(min_confidence=0))
    resolved = resolve_conflicts(settled.samples, images, annotations, decisions, rulings, policy, suspected=settled.suspected)
    return settled, resolved


@pytest.mark.parametrize("case", CASES, ids=[case["what"] for case in CASES])
def test_addresses_raise_suspicion(case):
    """A picture that everybody calls alpha is left out where its addresses speak against it, and is a sample elsewhere."""
    settled, resolved = settle(case)
    open_rows = [row for row in resolved.conflicts.to_pylist() if row["kind"] == "placeholder"]
    if case["suspected"] is None:
        assert not open_rows
        assert not resolved.rejected.num_rows
        assert "p" in resolved.samples.column("image_id").to_pylist()
    else:
        (row,) = open_rows
        assert case["suspected"] in row["detail"]
        assert (row["image_ids"], row["class_ids"]) == (["p"], ["alpha"])
        assert {row["reason"] for row in resolved.rejected.to_pylist()} == {Reason.PLACEHOLDER}
        assert "p" not in resolved.samples.column("image_id").to_pylist()
        assert [row["image_id"] for row in settled.placeholders.to_pylist() if row["decided"] == "suspected"] == ["p"]


@pytest.mark.parametrize(("ruling", "is_kept"), [("both", True), ("class", True), ("drop", False)])
def test_a_ruling_ends_the_suspicion(ruling, is_kept):
    """Once somebody said what the picture is, it is no open question any more."""
    said = GroupRuling(("p",), ruling, "nike" if ruling == "class" else None, "Ann")
    _, resolved = settle(CASES[0], [said])
    assert not resolved.conflicts.num_rows
    assert ("p" in resolved.samples.column("image_id").to_pylist()) == is_kept


def test_they_are_only_listed_where_the_config_keeps_them():
    """``group_conflicts = "keep"`` leaves nothing out and still says what is in doubt."""
    _, resolved = settle(CASES[0], policy="keep")
    assert [row["kind"] for row in resolved.conflicts.to_pylist()] == ["placeholder"]
    assert "p" in resolved.samples.column("image_id").to_pylist()


@pytest.mark.slow
@examples(30)
@given(seed=st.integers(0, 99), case=st.sampled_from(CASES))
def test_the_order_of_rows_changes_nothing(seed, case):
    """Whatever comes first, the same is suspected for the same reason."""
    assert settle(case)[1].conflicts == settle(case, seed=seed)[1].conflicts


@given(url=st.one_of(st.text(max_size=60), st.from_regex(r"http://[a-z]{1,5}\.test/[ -~]{0,40}", fullmatch=True)))
def test_what_is_found_is_looked_at(url):
    """The cheap look ahead lets nothing by that the closer one would find."""
    if find_phrase(url) or find_hint(url):
        assert may_hold_words(pa.array([url]))[0]
