"""Points of signatures: what turns do to them, and what they have in common."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.fingerprints import make_prints
from builders.laws import examples
from logoingest.images.alike.cosines import add_swapped, fold_turns, multiply_turned, project_signatures
from logoingest.images.alike.neighbours import find_structured
from logoingest.images.alike.turns import TURNS

ROUNDING = 1e-5


@examples(25)
@given(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([5.0, 40.0, 120.0]))
def test_folding_keeps_what_turns_have_in_common_and_brings_nothing_further_apart(seed, count, noise):
    """All turns of a picture have one folded point, of the same length; two are no further apart than in the turn that fits best;
    inner products with turned pictures are had without turning any.
    """
    prints = make_prints(seed, count, noise)
    rows = find_structured(prints.signatures)
    turned = [project_signatures(prints.turn(number).signatures, rows) for number in range(len(TURNS))]
    folded = fold_turns(turned[0])
    assert all(np.allclose(fold_turns(points), folded, atol=ROUNDING) for points in turned)
    assert np.allclose((folded**2).sum(axis=1), 1, atol=ROUNDING)
    first, second = (part.ravel() for part in np.indices((len(rows), len(rows))))
    products = multiply_turned(add_swapped(turned[0])[first], turned[0][second])
    for number, points in enumerate(turned):
        assert np.allclose(products[:, number], (points[first] * turned[0][second]).sum(axis=1), atol=ROUNDING)
    assert ((folded[first] * folded[second]).sum(axis=1) >= products.max(axis=1) - ROUNDING).all()
