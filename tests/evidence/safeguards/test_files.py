"""A safeguard on disk: read as it was written, and refused with a message where it does not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from builders.networks.safeguards import CLASS_IDS, MODEL_HASH, make_asked, make_safeguard_folder
from logoingest.errors import UsageError
from logoingest.evidence.safeguards.files import REFERENCES_FILE, SAFEGUARD_FILE, read_safeguard
from logoingest.evidence.safeguards.references import Witnessed


@pytest.fixture
def folder(tmp_path):
    return make_safeguard_folder(tmp_path).folder


def test_it_is_read_as_it_was_written(tmp_path):
    """The rule decides the same, a class that is never believed included; equal ones give equal bytes."""
    made = make_safeguard_folder(tmp_path)
    read = read_safeguard(tmp_path, MODEL_HASH, CLASS_IDS)
    asked = make_asked(9)
    for before, after in zip(made.safeguard.rule.decide(asked), read.rule.decide(asked), strict=True):
        assert np.array_equal(before, after)
    assert np.isinf(read.rule.thresholds[-1])
    rng = np.random.default_rng(1)
    pictures = Witnessed(*(rng.normal(size=(5, width)) for width in (8, 3, 4)))
    assert read.references.measure(pictures) == pytest.approx(made.safeguard.references.measure(pictures), abs=1e-5)
    first = (tmp_path / SAFEGUARD_FILE).read_bytes()
    make_safeguard_folder(tmp_path)
    assert (tmp_path / SAFEGUARD_FILE).read_bytes() == first


def change(folder, **keys):
    path = folder / SAFEGUARD_FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **keys}), encoding="utf-8")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"format": 3}, "form 3"),
        ({"thresholds": [0.5]}, "other classes"),
        ({"thresholds": [2.0, 0, 0, 0]}, "thresholds.0"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"farthest": None}, "farthest"),
        ({"lower_width": 11}, "11 of them lower"),
        ({"centre": []}, "0 and 3 of them lower"),
        ({"shares": [0.5, 2, 0]}, "shares.1"),
        ({"strongest": "very"}, "strongest"),
        ({"references_sha256": "0" * 64}, "not the file"),
    ],
)
def test_what_is_wrong_is_said(folder, keys, said):
    """Each fault has its message, which says what to do."""
    change(folder, **keys)
    with pytest.raises(UsageError, match=said) as caught:
        read_safeguard(folder, MODEL_HASH, CLASS_IDS)
    assert caught.value.problems[0].hint


def test_files_that_are_missing_or_of_another_model(folder):
    """Other classes, another network, no references, no safeguard, no JSON."""
    with pytest.raises(UsageError, match="other classes"):
        read_safeguard(folder, MODEL_HASH, (*CLASS_IDS[:-1], "other"))
    with pytest.raises(UsageError, match="another model"):
        read_safeguard(folder, "0" * 64, CLASS_IDS)
    (folder / REFERENCES_FILE).write_bytes(b"PAR1 no more")
    with pytest.raises(UsageError, match="cannot be read"):
        read_safeguard(folder, MODEL_HASH, CLASS_IDS)
    (folder / REFERENCES_FILE).unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        read_safeguard(folder, MODEL_HASH, CLASS_IDS)
    (folder / SAFEGUARD_FILE).write_text("[1", encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"):
        read_safeguard(folder, MODEL_HASH, CLASS_IDS)
    (folder / SAFEGUARD_FILE).unlink()
    with pytest.raises(UsageError, match=r"is not there.*logoingest safeguard"):
        read_safeguard(folder, MODEL_HASH, CLASS_IDS)
