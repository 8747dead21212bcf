"""Reading a body within its bounds: size before and after content decoding, and whether it came whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from logoingest.fetch.http.codings import CodingError, Decoder, make_decoder
from logoingest.fetch.rules.policy import FetchFault
from logoingest.schemas import Reason


class BodyFaultError(Exception):
    """The body cannot be used; carries the verdict. Never leaves the package."""

    def __init__(self, verdict: FetchFault) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


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
    too_large = BodyFaultError(FetchFault(Reason.TOO_LARGE, f"more than fetch.max_bytes = {max_bytes} bytes"))
    if declared_length and declared_length.isascii() and declared_length.isdigit() and int(declared_length[:18]) > max_bytes:
        raise too_large
    pieces: list[bytes] = []
    received = size = 0
    try:
        decoder = make_decoder(coding, max_bytes)
        async for chunk in chunks:
            received += len(chunk)
            for piece in _decode(decoder, chunk):
                size += len(piece)
                if max(size, received) > max_bytes:
                    raise too_large
                pieces.append(piece)
            if received > max_bytes:
                raise too_large
        if decoder is not None and received:
            decoder.finish()
    except CodingError as error:
        raise BodyFaultError(FetchFault(error.reason, error.detail, can_heal=error.reason is Reason.TRUNCATED)) from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _decode(decoder: Decoder | None, chunk: bytes) -> Iterable[bytes]:
    return (chunk,) if decoder is None else decoder.feed(chunk)
