"""Signatures as one matrix: the same of lists, of columns in pieces, and of shards one after the other."""

import numpy as np
import pyarrow as pa
import pytest

from logoingest.images.alike import signatures
from logoingest.images.alike.signatures import gather_signatures, join_signatures, stack_signatures

ROWS = np.random.default_rng(3).integers(0, 256, (7, 1_024), np.uint8)
VALUES = [row.tobytes() for row in ROWS]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_columns_and_lists_give_the_same(kind):
    """A column in several pieces, one of them cut out of a longer one, one empty, is what its values are."""
    longer = pa.array([b"x", *VALUES, None], kind)
    column = pa.chunked_array([longer.slice(1, 4), longer.slice(0, 0), longer.slice(5, 3)])
    assert (stack_signatures(column) == ROWS).all()
    assert (stack_signatures(VALUES) == ROWS).all()
    assert stack_signatures([]).shape == (0, 1_024)


@pytest.mark.parametrize("wrong", [[b"x"], [VALUES[0], None], [VALUES[0], VALUES[1] + b"x"], [VALUES[0][:-1], b"x" + VALUES[1]]])
def test_other_sizes_are_refused(wrong):
    """A signature that is missing, too short or too long raises, also where all together have the right length."""
    with pytest.raises(ValueError, match="1024 bytes"):
        stack_signatures(wrong)


def test_shards_are_gathered_in_the_order_of_the_pictures():
    """Pictures get their own shard's and row's signature whatever order shards come in; a shard that does not come raises."""
    shards = [
        ("c", pa.chunked_array([VALUES[4:7]])),
        ("a", pa.chunked_array([VALUES[:4]])),
        ("never asked", pa.chunked_array([[b"x"]])),
    ]
    pictures = pa.table({"shard": ["a", "c", "a", "c"], "shard_row": pa.array([3, 0, 1, 2], pa.int32())})
    assert (gather_signatures(pictures, shards) == ROWS[[3, 4, 1, 6]]).all()
    assert gather_signatures(pictures.slice(0, 0), shards).shape == (0, 1_024)
    with pytest.raises(ValueError, match="nothing came of a"):
        gather_signatures(pictures, shards[:1])


@pytest.mark.parametrize("cut", [[], [7], [1, 6], [3, 0, 4], [2, 2, 2, 1]])
def test_lots_are_joined_in_order(cut, monkeypatch):
    """However they are cut, and however many rows are kept together meanwhile."""
    starts = np.cumsum([0, *cut])
    for block in (1, 2, 3, 100):
        monkeypatch.setattr(signatures, "_BLOCK", block)
        joined = join_signatures(ROWS[start : start + size] for start, size in zip(starts, cut, strict=False))
        assert (joined == ROWS[: sum(cut)]).all()
        assert joined.shape == (sum(cut), 1_024)
