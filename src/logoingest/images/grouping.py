"""Which of the kept pictures show the same: all looked at together, or where they are very many only those that have a near one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from logoingest.images.alike import copies
from logoingest.images.alike.duplicates import Grouping, group_copies, group_equal
from logoingest.images.alike.neighbours import find_structured
from logoingest.images.alike.ruled import RuledPairs, SignedPictures, apply_ruled
from logoingest.images.alike.signatures import stack_signatures
from logoingest.images.partitions.joining import Touched, find_first
from logoingest.schemas import CopyRow

#: Gives the signatures (n x 1,024) of some of the rows of ``find_distinct``.
SignatureReader = Callable[[pa.Table], NDArray[np.uint8]]
#: Finds those of the pictures that have a near one (``partitions.joining.find_partners``).
PartnerFinder = Callable[[pa.Table], Touched]


def group_equal_pictures(pictures: pa.Table, read_signatures: SignatureReader, ruled: RuledPairs) -> Grouping:
    """Groups by equal pixels and by what people said alone."""
    ids, pixel_hashes = (pictures.column(name).to_pylist() for name in ("sha256", "pixel_hash"))
    found = Grouping(group_equal(ids, pixel_hashes), CopyRow.empty_table())
    return apply_ruled(found, SignedPictures(ids, read_signatures(pictures), pixel_hashes), ruled) if any(ruled) else found


def group_pictures(
    pictures: pa.Table, read_signatures: SignatureReader, ruled: RuledPairs, find_partners: PartnerFinder | None = None
) -> Grouping:
    """``group_copies`` of the pictures, and what people said of them.

    Args:
        pictures: rows of ``find_distinct``.
        read_signatures: gives the signatures of some of them.
        ruled: what people said.
        find_partners: where given, sets of more than ``copies.MOST_PICTURES`` are not held as a whole; the groups are the same.
    """
    if find_partners is not None and len(find_first(pictures)) > copies.MOST_PICTURES:
        found = _group_some(pictures, read_signatures, ruled, find_partners(pictures))
        if found is not None:
            return found
    signed = _sign(pictures, read_signatures)
    return apply_ruled(group_copies(*signed), signed, ruled)


def _group_some(pictures: pa.Table, read_signatures: SignatureReader, ruled: RuledPairs, touched: Touched) -> Grouping | None:
    """By those alone that may be in a group with others; None where so few groups come of it that all are to be looked at."""
    rows = _list_grouped(pictures, touched, ruled)
    some = pictures.take(pa.array(rows, pa.int64()))
    signed = _sign(some, read_signatures)
    further = touched.structured - len(find_structured(stack_signatures(signed.signatures)[find_first(some)]))
    found = group_copies(*signed, further=further)
    if further and not found.unsearched.pictures:
        return None
    found = apply_ruled(found, signed, ruled)
    groups = pictures.column("sha256").to_pylist()
    for row, group in zip(rows.tolist(), found.groups, strict=True):
        groups[row] = group
    return found._replace(groups=groups)


def _list_grouped(pictures: pa.Table, touched: Touched, ruled: RuledPairs) -> NDArray[np.int64]:
    """The rows that have a near picture, one with equal pixels, or that people spoke of; sorted."""
    numbers = pictures.column("pixel_hash").combine_chunks().dictionary_encode().indices.to_numpy()
    shared = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    named = pa.array(sorted({name for pairs in ruled for pair in pairs for name in pair}), pa.string())
    spoken_of = np.flatnonzero(pc.is_in(pictures.column("sha256"), value_set=named).to_numpy())
    return np.union1d(np.union1d(touched.rows, shared), spoken_of)


def _sign(pictures: pa.Table, read_signatures: SignatureReader) -> SignedPictures:
    ids, pixel_hashes = (pictures.column(name).to_pylist() for name in ("sha256", "pixel_hash"))
    return SignedPictures(ids, read_signatures(pictures), pixel_hashes)
