"""The items of a JSON list or object, one at a time: a file of gigabytes needs no more memory than its largest item."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from logoingest.errors import SourceError
from logoingest.sources.files.opening import MAX_LINE_CHARS, LineReader, SourceFile, open_lines

#: Items that are looked at to tell a format, and of each object in them.
_PEEK_ITEMS = 5_000
_PEEK_INNER = 50
_PIECE_CHARS = 1 << 16
_WHITE = re.compile(r"[ \t\r\n]*")


class _Buffer:
    """The text not yet understood; grows when an item needs more, and says where in the file it stands."""

    def __init__(self, lines: LineReader) -> None:
        self.file: SourceFile = lines.file
        self.text = ""
        self.place = 0
        self.ended = False
        self._lines = lines
        self._newlines = 0

    def grow(self, characters: int) -> bool:
        """Read on; False at the end of the file."""
        self._newlines += self.text.count("\n", 0, self.place)
        self.text, self.place = self.text[self.place :], 0
        pieces = [self.text]
        wanted = characters
        while wanted > 0 and (piece := self._lines.read_piece(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        self.ended = wanted > 0
        self.text = "".join(pieces)
        return wanted < characters

    def skip_white(self) -> str:
        """The next character that is not white space, "" at the end; it is not consumed."""
        while True:
            match = _WHITE.match(self.text, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.grow(_PIECE_CHARS):
                return ""

    @property
    def line(self) -> int:
        """1-based line of the next character."""
        return self._newlines + self.text.count("\n", 0, self.place) + 1


def iterate_items(lines: LineReader) -> Iterator[Any]:
    """The items of the list the file consists of; numbers come as the text they were written in.

    Raises:
        SourceError: it is not a JSON list, is broken (with the line), is nested too deeply, or one item is longer than 8 M characters.
    """
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    buffer = _Buffer(lines)
    if buffer.skip_white() != "[":
        raise buffer.file.fault("is not a JSON list", "a JSON source is a list of objects, or one object per line")
    yield from _iterate_list(buffer, decoder)


def _iterate_list(buffer: _Buffer, decoder: json.JSONDecoder) -> Iterator[Any]:
    buffer.place += 1
    if buffer.skip_white() == "]":
        buffer.place += 1
        return
    while True:
        buffer.skip_white()
        yield _decode_item(buffer, decoder)
        if _skip_separator(buffer, "]"):
            return


def _skip_separator(buffer: _Buffer, end: str) -> bool:
    """Go beyond the comma or the end; whether it was the end."""
    separator = buffer.skip_white()
    buffer.place += 1
    if separator in {end, ","} and separator:
        return separator == end
    inside = "list" if end == "]" else "object"
    found = f"{separator!r} where a comma or {end} is needed" if separator else f"the file ends inside the {inside}"
    raise buffer.file.fault(f"is not valid JSON: {found} (line {buffer.line})", "was the file cut short?")


class Member(NamedTuple):
    """A part of the object a file consists of: the member's name, the name inside it (None in a list or of a whole value), the value."""

    name: str
    inner: str | None
    value: Any


def iterate_members(lines: LineReader, opened: Collection[str] | None = None) -> Iterator[Member]:
    """The members of the first object in a file, those that are lists or objects item by item; numbers come as text.

    An empty list or object gives nothing. What follows the object is not read.

    Args:
        lines: the file.
        opened: names of members to give item by item; all when left out. Others are given whole.

    Raises:
        SourceError: it is no JSON object, is broken (with the line), is nested too deeply, or one item is longer than 8 M characters.
    """
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    buffer = _Buffer(lines)
    if buffer.skip_white() != "{":
        raise buffer.file.fault("is not a JSON object")
    for name in _iterate_names(buffer, decoder):
        begin = buffer.skip_white()
        if begin not in {"[", "{"} or (opened is not None and name not in opened):
            yield Member(name, None, _decode_item(buffer, decoder))
        elif begin == "[":
            yield from (Member(name, None, item) for item in _iterate_list(buffer, decoder))
        else:
            yield from (Member(name, inner, _decode_item(buffer, decoder)) for inner in _iterate_names(buffer, decoder))


def _iterate_names(buffer: _Buffer, decoder: json.JSONDecoder) -> Iterator[str]:
    """The names of the object that begins here, each when its value is next."""
    buffer.place += 1
    if buffer.skip_white() == "}":
        buffer.place += 1
        return
    while True:
        buffer.skip_white()
        name = _decode_item(buffer, decoder)
        if not isinstance(name, str) or buffer.skip_white() != ":":
            raise buffer.file.fault(f"is not valid JSON: a name in quotes and a colon are needed (line {buffer.line})")
        buffer.place += 1
        buffer.skip_white()
        yield name
        if _skip_separator(buffer, "}"):
            return


def _decode_item(buffer: _Buffer, decoder: json.JSONDecoder) -> Any:
    more = _PIECE_CHARS
    while True:
        try:
            item, end = decoder.raw_decode(buffer.text, buffer.place)
        except RecursionError:
            raise buffer.file.fault(f"is nested too deeply (line {buffer.line})") from None
        except ValueError as error:
            length = len(buffer.text) - buffer.place
            if not buffer.ended and length < MAX_LINE_CHARS:
                buffer.grow(more)
                more *= 2  # so that reading an item again costs no more than reading it twice
                continue
            long = "" if buffer.ended else f"an item of more than {MAX_LINE_CHARS:,} characters, or "
            raise buffer.file.fault(f"is not valid JSON: {long}{error.args[0].split(':')[0]} (line {buffer.line})") from None
        if end == len(buffer.text) and not buffer.ended:
            buffer.grow(more)  # a number may go on
            more *= 2
            continue
        buffer.place = end
        return item


def peek_members(file: SourceFile) -> Mapping[str, Any]:
    """The first object of a JSON file, shortened: of a member that is a list its first item, of an object its first members.

    Nothing when there is no object. Bounded: a large file is not read to its end.
    """
    found: dict[str, Any] = {}
    try:
        with open_lines(file) as lines:
            for name, inner, value in islice(iterate_members(lines), _PEEK_ITEMS):
                if inner is None:
                    found.setdefault(name, value)
                elif isinstance(held := found.setdefault(name, {}), dict) and len(held) < _PEEK_INNER:
                    held[inner] = value
    except SourceError:
        pass  # what could be seen is enough to tell a format by; its reader says what is wrong
    return found


def read_objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of what should be a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
