"""Content codings are undone in bounded steps; what ends early, lies or grows beyond measure is a fault."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib

import pytest

from logoingest.fetch.http.codings import CodingError, make_decoder

BODY = bytes(range(256)) * 40
LIMIT = 1_000_000


def compress(coding, data):
    if coding == "br":
        return pytest.importorskip("brotli").compress(data, quality=1)
    if coding == "zstd":
        return pytest.importorskip("zstandard").compress(data)
    return gzip.compress(data, 1) if coding == "gzip" else zlib.compress(data, 1)


def decode(coding, data, step=1000):
    decoder = make_decoder(coding, LIMIT)
    found = b"".join(piece for begin in range(0, len(data), step) for piece in decoder.feed(data[begin : begin + step]))
    decoder.finish()
    return found


@pytest.mark.parametrize("step", [1, 1000, 1 << 20])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_comes_back(coding, step):
    """However it is cut up."""
    assert decode(coding, compress(coding, BODY), step) == BODY


def test_layers_are_undone_from_the_outside():
    """Content-Encoding names them in the order in which they were put on (RFC 9110 §8.4); what is no coding is none."""
    assert decode("deflate, utf-8, gzip", compress("gzip", compress("deflate", BODY))) == BODY
    assert make_decoder("identity, utf-8, aws-chunked", LIMIT) is None
    with pytest.raises(CodingError, match="more than 5"):
        make_decoder(", ".join(["gzip"] * 6), LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_ends_early_is_truncated(coding):
    """It is asked for again."""
    with pytest.raises(CodingError, match=f"the {coding} stream ends early") as caught:
        decode(coding, compress(coding, BODY)[:-20])
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_not_so_coded_is_named(coding):
    """A picture whose header lies."""
    compress(coding, b"")
    with pytest.raises(CodingError, match=f"the body is not {coding} as it says"):
        decode(coding, b"\xff\xd8\xff\xe0" * 100)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stays_small(coding):
    """60 MB of zeros come in pieces, each of a few MB at most, and nothing of it is held."""
    bomb = compress(coding, bytes(60_000_000))
    decoder = make_decoder(coding, LIMIT)
    tracemalloc.start()
    pieces = [len(piece) for piece, _ in zip(decoder.feed(bomb), range(20), strict=False)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(pieces) <= 4 << 20
    assert peak < 24 << 20


def test_a_bomb_between_two_layers_is_stopped():
    """Zeros packed twice: what comes out of the outer layer is measured, too."""
    with pytest.raises(CodingError) as caught:
        decode("deflate, gzip", compress("gzip", zlib.compress(b"x") + bytes(2 * LIMIT)))
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize(("coding", "module"), [("br", "brotli"), ("zstd", "zstandard")])
def test_without_the_extra_the_coding_is_named(monkeypatch, coding, module):
    """And what reads it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CodingError, match=rf'{coding} was not asked for; pip install "logoingest\[codings\]" reads it'):
        make_decoder(coding, LIMIT)


def test_what_follows_a_gzip_stream_is_let_go_but_for_further_members():
    """Zeros, a cache's comment: no part of the body."""
    whole = compress("gzip", BODY)
    for behind in (b"\0\0\0", b"<!-- cache 7 -->", b"\r\n"):
        for step in (1, 1 << 20):
            assert decode("gzip", whole + behind, step) == BODY
    assert decode("gzip", whole + whole) == BODY * 2
