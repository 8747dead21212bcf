"""The items of a JSON list, one at a time: a file of gigabytes needs no more memory than its largest item."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from logoingest.sources.cells.files import MAX_LINE_CHARS, LineReader, SourceFile

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
    buffer.place += 1
    if buffer.skip_white() == "]":
        return
    while True:
        buffer.skip_white()
        yield _decode_item(buffer, decoder)
        separator = buffer.skip_white()
        buffer.place += 1
        if separator == "]":
            return
        if separator != ",":
            found = f"{separator!r} where a comma or ] is needed" if separator else "the file ends inside the list"
            raise buffer.file.fault(f"is not valid JSON: {found} (line {buffer.line})", "was the file cut short?")


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
