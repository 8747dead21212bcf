"""Where the values of an uncompressed binary column lie in a Parquet file, found without reading them.

A column chunk is pages, each a header (Thrift's compact protocol) and its content: the definition levels after their length, then the
values in PLAIN encoding, each after its length. Reading the headers and the lengths alone leads to every value.

https://parquet.apache.org/docs/file-format/data-pages/, https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_HEADER_BYTES = 256  # without statistics a header has about 30
_LENGTH = struct.Struct("<I")
_DATA_PAGE, _PLAIN = 0, 0
_BOOLEANS, _BYTE, _INTEGERS, _STRUCT = (1, 2), 3, (4, 5, 6), 12
_TYPE, _SIZE, _STORED_SIZE, _VALUES, _ENCODING = (1,), (2,), (3,), (5, 1), (5, 2)  # paths of field ids in PageHeader


class _Page(NamedTuple):
    """A data page: where its content starts and ends, and how many values (nulls counted) it holds."""

    start: int
    stop: int
    values: int


class _UnknownLayoutError(Exception):
    """The file is Parquet, but not laid out as described above."""


def locate_values(file: int, start: int, stop: int, rows: int) -> npt.NDArray[np.int64] | None:
    """Offset in the file and length of every value of a column chunk; None when they do not lie there as they are.

    The column must be optional at every level and not repeated, as ``image.bytes`` is. Every byte of the chunk is accounted for: pages
    and values must follow each other without a gap.

    Args:
        file: a file descriptor.
        start: where the first data page starts; no dictionary page is in between.
        stop: where the chunk ends.
        rows: how many values it holds.
    """
    places = np.zeros((rows, 2), np.int64)
    found = 0
    try:
        for page in _list_pages(file, start, stop):
            if found + page.values > rows:
                return None
            for offset, length in _list_values(file, page):
                places[found] = offset, length
                found += 1
    except (_UnknownLayoutError, struct.error, IndexError):
        return None
    return places if found == rows else None


def _list_pages(file: int, start: int, stop: int) -> Iterator[_Page]:
    while start < stop:
        fields, length = _read_fields(os.pread(file, _HEADER_BYTES, start))
        size = fields.get(_SIZE, -1)
        plain = fields.get(_TYPE) == _DATA_PAGE and fields.get(_ENCODING) == _PLAIN and size == fields.get(_STORED_SIZE)
        content = start + length
        if not plain or size < 0 or content + size > stop:
            raise _UnknownLayoutError
        yield _Page(content, content + size, fields.get(_VALUES, -1))
        start = content + size


def _list_values(file: int, page: _Page) -> Iterator[tuple[int, int]]:
    offset = page.start + 4 + _read_length(file, page.start)
    for _ in range(page.values):
        length = _read_length(file, offset)
        if offset + 4 + length > page.stop:
            raise _UnknownLayoutError
        yield offset + 4, length
        offset += 4 + length
    if offset != page.stop:
        raise _UnknownLayoutError


def _read_length(file: int, offset: int) -> int:
    return int(_LENGTH.unpack(os.pread(file, 4, offset))[0])


def _read_fields(data: bytes) -> tuple[dict[tuple[int, ...], int], int]:
    """The whole numbers of a Thrift struct, by the path of field ids that leads to them, and the struct's length in bytes."""
    fields: dict[tuple[int, ...], int] = {}
    path: list[int] = []
    last, position = 0, 0
    while True:
        head = data[position]
        position += 1
        if head == 0:  # the end of a struct
            if not path:
                return fields, position
            last = path.pop()
            continue
        kind = head & 15
        if head >> 4:
            last += head >> 4
        else:
            last, position = _read_number(data, position)
        if kind in _INTEGERS:
            fields[(*path, last)], position = _read_number(data, position)
        elif kind == _STRUCT:
            path.append(last)
            last = 0
        elif kind == _BYTE:
            position += 1
        elif kind not in _BOOLEANS:
            raise _UnknownLayoutError  # text, lists: statistics, which our own files have not


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    """A zigzag varint and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return (value >> 1) ^ -(value & 1), position
