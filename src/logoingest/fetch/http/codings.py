"""Content codings undone in steps of bounded size, so that a small bomb never becomes a large piece of memory.

gzip and deflate always; Brotli (RFC 7932) and Zstandard (RFC 8878) with the extra ``codings``. None is asked for: pictures are compressed
already, and ``Accept-Encoding: identity`` says so. Some hosts send them all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from logoingest.schemas import Reason

#: IANA's registry of HTTP content codings (RFC 9110 §16.6), less ``identity``. Anything else is none (``utf-8``, ``aws-chunked``), and
#: ignored as browsers do.
CODINGS = frozenset(
    {
        "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip", "zstd",
    }
)  # fmt: skip
#: Codings on top of each other that are undone at most; curl allows five.
MAX_LAYERS = 5

_STEP = 1 << 18
#: A Zstandard frame may ask for this much memory at most (RFC 9659).
_MAX_WINDOW = 8 << 20
#: Input given to Zstandard at once: a block of four bytes can stand for 128 KiB.
_ZSTD_PIECE = 64


class CodingError(Exception):
    """The body is not coded as it says, or in a way that cannot be read. Never leaves the package."""

    def __init__(self, detail: str, reason: Reason = Reason.PROTOCOL) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason
        """``protocol``, ``truncated`` where it merely ends early, ``too_large`` where it grows beyond measure."""


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What more of the coded body gives, in pieces of bounded size."""

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            CodingError: the body ends early.
        """


def make_decoder(coding: str | None, max_bytes: int) -> Decoder | None:
    """What undoes a Content-Encoding; None for a body as it is.

    Args:
        coding: the header.
        max_bytes: what lies between two layers may not be more; what comes out in the end is the caller's to measure.

    Raises:
        CodingError: it cannot be undone here.
    """
    names = [name for name in ((coding or "").lower().replace(" ", "").split(",")) if name in CODINGS]
    if len(names) > MAX_LAYERS:
        raise CodingError(f"more than {MAX_LAYERS} content encodings on top of each other")
    decoders = [_make_one(name) for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _Layers(decoders, max_bytes) if decoders else None


def _make_one(name: str) -> Decoder:
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflater(name)
    if name in ("br", "zstd"):
        try:
            return _Unbrotli() if name == "br" else _Unzstd()
        except ImportError:
            hint = 'pip install "logoingest[codings]" reads it'
            raise CodingError(f"the content encoding {name} was not asked for; {hint}") from None
    raise CodingError(f"the content encoding {name} was not asked for")


class _Layers:
    def __init__(self, decoders: Sequence[Decoder], max_bytes: int) -> None:
        self._decoders = decoders
        self._max_bytes = max_bytes
        self._sizes = [0] * len(decoders)

    def feed(self, data: bytes) -> Iterator[bytes]:
        return self._pass_on(data, 0)

    def _pass_on(self, data: bytes, layer: int) -> Iterator[bytes]:
        if layer == len(self._decoders):
            yield data
            return
        self._sizes[layer] += len(data)
        if self._sizes[layer] > self._max_bytes:
            raise CodingError(f"more than fetch.max_bytes = {self._max_bytes} bytes", Reason.TOO_LARGE)
        for piece in self._decoders[layer].feed(data):
            yield from self._pass_on(piece, layer + 1)

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()


class _Inflater:
    """gzip and deflate."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._engine = zlib.decompressobj(31 if coding != "deflate" else 15)
        self._begun = self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._engine.eof:
                if self._is_over or self._coding == "deflate" or not data.startswith(b"\x1f"):
                    self._is_over = True
                    return  # padding, or what else a host puts behind the end
                self._engine = zlib.decompressobj(31)  # gzip allows several members
            try:
                piece = self._engine.decompress(data, _STEP)
            except zlib.error:
                if self._coding == "deflate" and not self._begun:
                    self._begun = True
                    self._engine = zlib.decompressobj(-15)  # some servers leave the zlib wrapper out
                    continue
                raise CodingError(f"the body is not {self._coding} as it says") from None
            self._begun = True
            if piece:
                yield piece
            data = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
        while not self._engine.eof and (piece := self._engine.decompress(b"", _STEP)):
            yield piece

    def finish(self) -> None:
        if not self._engine.eof:
            raise CodingError(f"the {self._coding} stream ends early", Reason.TRUNCATED)


class _Unbrotli:
    def __init__(self) -> None:
        import brotli

        self._engine: Any = brotli.Decompressor()
        self._error: type[Exception] = brotli.error

    def feed(self, data: bytes) -> Iterator[bytes]:
        while not self._engine.is_finished():
            try:
                piece = self._engine.process(data, output_buffer_limit=_STEP)
            except self._error:
                raise CodingError("the body is not br as it says") from None
            data = b""
            if piece:
                yield piece
            if self._engine.can_accept_more_data():
                return

    def finish(self) -> None:
        if not self._engine.is_finished():
            raise CodingError("the br stream ends early", Reason.TRUNCATED)


class _Unzstd:
    def __init__(self) -> None:
        import zstandard

        self._codec: Any = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        self._error: type[Exception] = zstandard.ZstdError
        self._engine: Any = self._codec.decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        left = memoryview(data)
        while left:
            if self._engine.eof:
                self._engine = self._codec.decompressobj()  # several frames
            piece, left = left[:_ZSTD_PIECE], left[_ZSTD_PIECE:]
            try:
                decoded = self._engine.decompress(piece)
            except self._error:
                raise CodingError("the body is not zstd as it says") from None
            if self._engine.eof and self._engine.unused_data:
                left = memoryview(self._engine.unused_data + bytes(left))
            if decoded:
                yield decoded

    def finish(self) -> None:
        if not self._engine.eof:
            raise CodingError("the zstd stream ends early", Reason.TRUNCATED)
