"""Reading a body within its bounds: size before and after content decoding, and whether it came whole."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from logoingest.fetch.policy import Verdict
from logoingest.schemas import Reason

#: IANA's registry of HTTP content codings (RFC 9110 §16.6), less ``identity``.
_CODINGS = frozenset(
    {
        "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip", "zstd",
    }
)  # fmt: skip


class BodyFaultError(Exception):
    """The body cannot be used; carries the verdict. Never leaves the package."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


async def read_body(chunks: AsyncIterator[bytes], declared_length: str | None, coding: str | None, max_bytes: int) -> bytes:
    """The whole body, content-decoded.

    Args:
        chunks: the body as it comes in.
        declared_length: the Content-Length header, if any; too large a one is refused before reading.
        coding: the Content-Encoding header, if any.
        max_bytes: most bytes allowed, on the wire and decoded.

    Raises:
        BodyFaultError: too large, truncated, or coded in a way that is not understood.
    """
    too_large = Verdict(Reason.TOO_LARGE, f"more than fetch.max_bytes = {max_bytes} bytes")
    if declared_length and declared_length.isascii() and declared_length.isdigit() and int(declared_length[:18]) > max_bytes:
        raise BodyFaultError(too_large)
    decoder = _make_decoder(coding)
    pieces: list[bytes] = []
    received = size = 0
    async for chunk in chunks:
        received += len(chunk)
        for piece in (chunk,) if decoder is None else decoder.feed(chunk):
            size += len(piece)
            if max(size, received) > max_bytes:
                raise BodyFaultError(too_large)
            pieces.append(piece)
        if received > max_bytes:
            raise BodyFaultError(too_large)
    if decoder is not None and received:
        decoder.finish()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _make_decoder(coding: str | None) -> _Decoder | None:
    """None for a body as it is: without coding, or with what is none (``utf-8``, ``aws-chunked``), which browsers ignore, too."""
    names = [name for name in ((coding or "").lower().replace(" ", "").split(",")) if name in _CODINGS]
    if not names:
        return None
    if names in (["gzip"], ["x-gzip"], ["deflate"]):
        return _Inflater(names[0])
    raise BodyFaultError(Verdict(Reason.PROTOCOL, f"the content encoding {', '.join(names[:3])} was not asked for"))


class _Inflater:
    """gzip and deflate in steps of bounded size, so that a small bomb never becomes a large piece of memory."""

    STEP = 1 << 18

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._engine = zlib.decompressobj(31 if coding != "deflate" else 15)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._engine.eof:
                if self._coding == "deflate" or not data.strip(b"\0"):
                    return  # padding after the end
                self._engine = zlib.decompressobj(31)  # gzip allows several members
            try:
                piece = self._engine.decompress(data, self.STEP)
            except zlib.error:
                if self._coding == "deflate" and not self._begun:
                    self._begun = True
                    self._engine = zlib.decompressobj(-15)  # some servers leave the zlib wrapper out
                    continue
                raise BodyFaultError(Verdict(Reason.PROTOCOL, f"the body is not {self._coding} as it says")) from None
            self._begun = True
            if piece:
                yield piece
            data = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
        while not self._engine.eof and (piece := self._engine.decompress(b"", self.STEP)):
            yield piece

    def finish(self) -> None:
        if not self._engine.eof:
            raise BodyFaultError(Verdict(Reason.TRUNCATED, f"the {self._coding} stream ends early", can_heal=True))
