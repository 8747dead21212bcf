"""All records of all sources → kept and rejected, with ids that are derived from their contents."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.schemas import AnnotationRow, Reason, RejectedRow, Stage, StageResult
from logoingest.sources.records.repeats import find_repeats
from logoingest.sources.records.tabulating import ID_BYTES, Chunk


def divide_records(waiting: deque[Chunk]) -> StageResult:
    """Give every record of all sources its id and divide them into kept (``AnnotationRow``) and rejected (``RejectedRow``).

    A row that says again what another says is rejected (``repeats``). The chunks are used up: each is let go as soon as it is divided,
    so that memory holds the tables once.
    """
    repeats = find_repeats(waiting)
    first = 0
    digests = memoryview(_number_repeats(b"".join([chunk.digests for chunk in waiting])))
    kept = [AnnotationRow.empty_table()]
    rejected = [RejectedRow.empty_table()]
    while waiting:
        table = _mark_repeats(waiting.popleft().table, repeats, first)
        first += table.num_rows
        length = table.num_rows * ID_BYTES
        identified = table.append_column("annotation_id", _write_ids(digests[:length]))
        identified = identified.append_column("stage", pa.array([Stage.ANNOTATIONS.value] * table.num_rows, pa.string()))
        digests = digests[length:]
        is_kept = pc.is_null(identified.column("reason"))
        if not pc.all(is_kept).as_py():
            rejected.append(_conform(identified.filter(pc.invert(is_kept)), RejectedRow.arrow_schema()))
            identified = identified.filter(is_kept)
        kept.append(_conform(identified, AnnotationRow.arrow_schema()))
    return StageResult(pa.concat_tables(kept), pa.concat_tables(rejected))


def _mark_repeats(table: pa.Table, repeats: Mapping[int, str], first: int) -> pa.Table:
    """The table with the reason ``repeated_row`` at the rows that are repeats; ``first`` is the number of its first row."""
    if not any(number in repeats for number in range(first, first + table.num_rows)) if repeats else True:
        return table
    reasons, details = table.column("reason").to_pylist(), table.column("detail").to_pylist()
    for index in range(table.num_rows):
        if first + index in repeats:
            reasons[index], details[index] = Reason.REPEATED_ROW.value, repeats[first + index]
    for name, values in (("reason", reasons), ("detail", details)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    return table


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([table.column(name) for name in schema.names], schema=schema)


def _number_repeats(digests: bytes) -> bytes:
    """The digests with every repeat made different: the n-th equal row (n > 0) gets the digest of its content and n."""
    halves = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))  # stable: equal digests stay in the order of their rows
    is_repeat = np.zeros(len(order), np.bool_)
    is_repeat[1:] = (halves[order[1:]] == halves[order[:-1]]).all(axis=1)
    if not is_repeat.any():
        return digests
    places = np.arange(len(order))
    numbers = places - np.maximum.accumulate(np.where(is_repeat, 0, places))
    numbered = bytearray(digests)
    for index, number in zip(order[is_repeat].tolist(), numbers[is_repeat].tolist(), strict=True):
        place = slice(index * ID_BYTES, (index + 1) * ID_BYTES)
        numbered[place] = hashlib.sha256(digests[place] + b"#%d" % number).digest()[:ID_BYTES]
    return bytes(numbered)


def _write_ids(digests: memoryview) -> pa.Array:
    """32 hex digits for every 16 bytes."""
    rows = len(digests) // ID_BYTES
    digits = pa.FixedSizeBinaryArray.from_buffers(pa.binary(2 * ID_BYTES), rows, [None, pa.py_buffer(digests.hex().encode())])
    return digits.cast(pa.binary()).cast(pa.string())
