"""The head of an answer as browsers and curl read it: lines that are no headers are left out, lengths said twice count once.

A strict parser refuses whole pictures for a header nobody needs (``X-Echo set JSON: …``, a line without a colon, Content-Length sent
twice). Here a head is put in order before such a parser sees it, and says how long its body is (RFC 9112 §6.3), so that bytes behind
the body are known for what they are. What is truly contradictory, such as two different lengths, is left for the parser to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Longest head that is read: Chromium's limit; curl's is 300 kB.
MAX_HEAD_BYTES = 256 * 1024
#: The HTTP/2 connection preface of a server is a SETTINGS frame on stream 0 (RFC 9113 §3.4): length, type 4, flags, stream.
_SETTINGS_FRAME = re.compile(rb"[\x00-\xff]{3}\x04[\x00\x01]\x00\x00\x00\x00", re.DOTALL)

_END = re.compile(rb"\n\r?\n")
_CLEAN = re.compile(rb"HTTP/1\.[01] [0-9]{3}[^\r\n\x00]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*\r\n)*\r\n")
_FRAMING = re.compile(rb"\n(?:content-length|transfer-encoding):", re.IGNORECASE)
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_STATUS_LINE = re.compile(rb"(HTTP/[0-9](?:\.[0-9])?|ICY)[ \t]+([0-9]{3}.*)", re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(rb"\+?([0-9]{1,18})")
_BEGINS = (b"HTTP/", b"ICY ")


class Head(NamedTuple):
    """A head in order, and what follows it."""

    data: bytes
    length: int | None
    """Bytes of its body; None where chunks or the end of the connection say so. 0 for an interim answer."""
    is_interim: bool
    """Whether the answer proper is still to come (1xx, but for 101)."""
    is_doubtful: bool = False
    """Whether it says in two ways where its body ends: nothing more is to be read from its connection (RFC 9112 §6.1)."""


def find_head_end(data: bytes | bytearray, start: int = 0) -> int:
    """Where the body begins; -1 while the head is not whole. ``start``: as far as was searched before."""
    match = _END.search(data, max(0, start - 3))
    return -1 if match is None else match.end()


def is_head(data: bytes | bytearray) -> bool:
    """Whether what has come so far may be the beginning of an answer in HTTP/1."""
    begin = bytes(data[:5])
    return any(begin[: len(name)] == name[: len(begin)] for name in _BEGINS)


def is_http2(data: bytes | bytearray) -> bool:
    """Whether it is how a server begins that speaks HTTP/2 alone."""
    return _SETTINGS_FRAME.match(data) is not None


def mend_head(head: bytes) -> Head:
    """Put a whole head, its empty line included, in order."""
    status = head[9:12]
    if _CLEAN.fullmatch(head):
        framing = len(_FRAMING.findall(head))
        match = _LENGTH.search(head) if framing == 1 else None
        if framing == 0 or match is not None:
            return _make_head(head, status, None if match is None else int(match[1]))
    status_line, *lines = _unfold(head)
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        return Head(head, None, is_interim=False)
    pairs = [pair for line in lines if (pair := _read_line(line)) is not None]
    is_doubtful = {name.lower() for name, _ in pairs} >= {b"transfer-encoding", b"content-length"}
    length = _settle_framing(pairs)
    version = match[1] if match[1] in (b"HTTP/1.0", b"HTTP/1.1") else b"HTTP/1.0" if match[1] == b"ICY" else b"HTTP/1.1"
    data = b"".join([version, b" ", match[2], b"\r\n", *(b"%b: %b\r\n" % pair for pair in pairs), b"\r\n"])
    return _make_head(data, match[2][:3], length)._replace(is_doubtful=is_doubtful)


def _make_head(data: bytes, status: bytes, length: int | None) -> Head:
    is_interim = status[:1] == b"1" and status != b"101"
    return Head(data, 0 if is_interim or status in (b"204", b"304") else length, is_interim)


def _unfold(head: bytes) -> Iterator[bytes]:
    """The lines of a head without their ends; a line that begins with a blank continues the one before (obs-fold)."""
    kept: bytes | None = None
    for line in head.rstrip(b"\r\n").split(b"\n"):
        text = line.rstrip(b"\r")
        if kept is not None and text[:1] in (b" ", b"\t"):
            kept += b" " + text.strip()
            continue
        if kept is not None:
            yield kept
        kept = text
    if kept is not None:
        yield kept


def _read_line(line: bytes) -> tuple[bytes, bytes] | None:
    name, colon, value = line.partition(b":")
    name = name.rstrip(b" \t")
    return (name, value.strip(b" \t")) if colon and _TOKEN.fullmatch(name) else None


def _settle_framing(pairs: list[tuple[bytes, bytes]]) -> int | None:
    """Leave at most one header that says where the body ends; the length it says.

    Transfer-Encoding comes before Content-Length (RFC 9112 §6.3). Compressed in transfer is read like compressed content. Lengths that
    contradict each other, or are none, stay as they are: the parser refuses them.
    """
    codings = _take_out(pairs, b"transfer-encoding")
    lengths = _take_out(pairs, b"content-length")
    names = [name.strip().lower() for value in codings for name in value.split(b",")]
    names = [name for name in names if name not in (b"", b"identity")]
    compressions = [name for name in names if name != b"chunked"]
    if compressions:
        already = _take_out(pairs, b"content-encoding")
        pairs.append((b"Content-Encoding", b", ".join([*already, *compressions])))
    if b"chunked" in names:
        pairs.append((b"Transfer-Encoding", b"chunked"))
    if names:
        return None
    parts = [part.strip() for value in lengths for part in value.split(b",")]
    numbers = {int(match[1]) for part in parts if (match := _DIGITS.fullmatch(part)) is not None}
    if len(numbers) == 1 and all(_DIGITS.fullmatch(part) for part in parts):
        (number,) = numbers
        pairs.append((b"Content-Length", b"%d" % number))
        return number
    pairs.extend((b"Content-Length", value) for value in lengths)
    return None


def _take_out(pairs: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """The values of a header, which is no longer there afterwards."""
    values = [value for key, value in pairs if key.lower() == name]
    pairs[:] = [(key, value) for key, value in pairs if key.lower() != name]
    return values
