"""One rule for boxes: docs/consensus.md has its table, and the code does what stands there."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.places import ROOT
from logoingest.boxes import EDGE_TOLERANCE, MIN_SHARE_INSIDE, MIN_SIDE, FittedBox, find_box_fault, fit_box, lies_within

DOCUMENT = (ROOT / "docs/consensus.md").read_text("utf-8")
TABLE = re.findall(r"^\| `(\[.*?\])` \| (.+) \|$", DOCUMENT.partition("## Boxes")[2].partition("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize(("box", "outcome"), TABLE)
def test_each_row_of_the_documents_table(box, outcome):
    """What docs/consensus.md says becomes of a box in a picture of 100 × 80 becomes of it."""
    given_box = json.loads(box)
    found = fit_box(given_box, 100, 80)
    if outcome.startswith("refused"):
        assert isinstance(found, str)
        share = re.search(r"\d+ %", outcome)
        assert share is None or share[0].replace(" ", "") in found
        return
    expected = re.search(r"\[.*?\]", outcome)
    assert isinstance(found, FittedBox)
    assert list(found.box) == (json.loads(expected[0]) if expected else given_box)
    assert found.clipped == ("clipped" in outcome)


def test_the_table_has_every_kind_of_outcome():
    """The table is read whole: kept, cut, cut and said, refused."""
    assert len(TABLE) == 19
    assert {outcome.split(":")[0].split(",")[-1].strip(" `") for _, outcome in TABLE} >= {"as it is", "clipped", "refused"}


@pytest.mark.parametrize(
    "box", ["[10, 10, -5, 20]", "[10, NaN, 20, 20]", "[10, 10, 20]", "[10, 10, 1e300, 20]", "[0.1, 0.2, 0.3, 0.4]"]
)
def test_some_faults_need_no_picture(box):
    """What no picture can make good is found where the row is read."""
    assert find_box_fault(json.loads(box)) is not None


numbers = st.floats(-300, 300) | st.integers(-300, 300).map(float)


@given(st.tuples(numbers, numbers, numbers, numbers), st.integers(1, 200), st.integers(1, 200))
def test_a_fitted_box_lies_within_and_is_fitted_already(box, width, height):
    """Whatever is kept lies in its picture, has a pixel at least, is left alone a second time, and was half inside."""
    found = fit_box(box, width, height)
    if isinstance(found, str):
        return
    x, y, across, down = found.box
    assert lies_within(found.box, width, height)
    assert min(across, down) >= MIN_SIDE - 0.01
    assert fit_box(found.box, width, height) == FittedBox(found.box, clipped=False) or not lies_within(
        (x, y, across, down), width, height
    )
    assert across * down >= MIN_SHARE_INSIDE * box[2] * box[3] - 1e-6 or max(box[2] - across, box[3] - down) <= 2 * EDGE_TOLERANCE
