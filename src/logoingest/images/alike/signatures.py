"""Signatures as one matrix of grey values, n x 1,024: from the columns that hold them, without an object a picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

SIGNATURE_BYTES = 1_024
_BLOCK = 65_536  # 64 MB, which the system gets back as soon as it is let go of


def stack_signatures(signatures: Bytes | pa.ChunkedArray | Sequence[bytes]) -> Bytes:
    """A column ``signature`` without nulls, or its values, n x 1,024; of a single chunk as they lie in it, not to be written to.

    Raises:
        ValueError: an entry has another size.
    """
    if isinstance(signatures, np.ndarray):
        return signatures
    column = signatures if isinstance(signatures, pa.ChunkedArray) else pa.chunked_array([pa.array(signatures, pa.binary())])
    if column.num_chunks == 1:
        return _view(column.chunk(0))
    stacked = np.empty((len(column), SIGNATURE_BYTES), np.uint8)
    start = 0
    for chunk in column.chunks:
        stacked[start : start + len(chunk)] = _view(chunk)
        start += len(chunk)
    return stacked


def join_signatures(parts: Iterable[Bytes]) -> Bytes:
    """Several lots (n x 1,024), however many come, as one; all are never held twice."""
    blocks, count = deque[Bytes](), 0
    for part in parts:
        start = 0
        while start < len(part):
            room = count % _BLOCK
            if not room:
                blocks.append(np.empty((_BLOCK, SIGNATURE_BYTES), np.uint8))
            taken = part[start : start + _BLOCK - room]
            blocks[-1][room : room + len(taken)] = taken
            start, count = start + len(taken), count + len(taken)
    joined = np.empty((count, SIGNATURE_BYTES), np.uint8)
    for start in range(0, count, _BLOCK):
        joined[start : start + _BLOCK] = blocks.popleft()[: count - start]
    return joined


def gather_signatures(pictures: pa.Table, shards: Iterable[tuple[str, pa.ChunkedArray]]) -> Bytes:
    """The signatures of some pictures (columns shard and shard_row), n x 1,024, of each shard's column ``signature`` in turn.

    Raises:
        ValueError: one is missing, or has another size.
    """
    stacked = np.zeros((pictures.num_rows, SIGNATURE_BYTES), np.uint8)
    names = pictures.column("shard").combine_chunks().dictionary_encode()
    numbers, places = names.indices.to_numpy(), pictures.column("shard_row").to_numpy()
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(len(names.dictionary) + 1))
    known = {name: number for number, name in enumerate(names.dictionary.to_pylist())}
    for name, column in shards:
        if (number := known.pop(name, None)) is not None:
            rows = order[ends[number] : ends[number + 1]]
            stacked[rows] = stack_signatures(column.take(pa.array(places[rows], pa.int64())))
    if known:
        raise ValueError(f"nothing came of {min(known)}")
    return stacked


def _view(chunk: pa.Array) -> Bytes:
    """The values of a binary array as they lie in it."""
    if chunk.null_count or (not pc.all(pc.equal(pc.binary_length(chunk), SIGNATURE_BYTES)).as_py() and len(chunk)):
        raise ValueError(f"a signature has {SIGNATURE_BYTES} bytes")
    if not len(chunk):
        return np.empty((0, SIGNATURE_BYTES), np.uint8)
    wide = chunk.cast(pa.large_binary()) if pa.types.is_binary(chunk.type) else chunk
    start = np.frombuffer(wide.buffers()[1], np.int64)[wide.offset]
    return np.frombuffer(wide.buffers()[2], np.uint8, len(wide) * SIGNATURE_BYTES, start).reshape(-1, SIGNATURE_BYTES)
