"""Heads are put in order before a strict parser sees them; what contradicts itself is left for it to refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.fetch.rules.heads import find_head_end, is_head, is_http2, mend_head

OK = "HTTP/1.1 200 OK"

# head lines → (head lines as they are handed on, length of the body)
CASES = {
    "in order": ([OK, "A: b", "Content-Length: 7"], [OK, "A: b", "Content-Length: 7"], 7),
    "without any header": ([OK], [OK], None),
    "a blank in a name": ([OK, "X-Echo set JSON: x", "A: b"], [OK, "A: b"], None),
    "no colon": ([OK, "this is no header", "A: b"], [OK, "A: b"], None),
    "no name": ([OK, ": b", "A: b"], [OK, "A: b"], None),
    "a blank before the colon": ([OK, "Content-Length : 7"], [OK, "Content-Length: 7"], 7),
    "a folded line": ([OK, "A: b", "\t c", "Content-Length: 7"], [OK, "A: b c", "Content-Length: 7"], 7),
    "equal lengths": ([OK, "Content-Length: 7", "content-length: 07"], [OK, "Content-Length: 7"], 7),
    "equal lengths in one line": ([OK, "Content-Length: 7, 7"], [OK, "Content-Length: 7"], 7),
    "a length with a sign": ([OK, "Content-Length: +7"], [OK, "Content-Length: 7"], 7),
    "different lengths": ([OK, "Content-Length: 7", "Content-Length: 8"], [OK, "Content-Length: 7", "Content-Length: 8"], None),
    "no length": ([OK, "Content-Length: abc"], [OK, "Content-Length: abc"], None),
    "chunks and a length": ([OK, "Content-Length: 7", "Transfer-Encoding: chunked"], [OK, "Transfer-Encoding: chunked"], None),
    "identity": ([OK, "Transfer-Encoding: identity", "Content-Length: 7"], [OK, "Content-Length: 7"], 7),
    "compressed in transfer": (
        [OK, "Content-Encoding: br", "Transfer-Encoding: gzip, chunked"],
        [OK, "Content-Encoding: br, gzip", "Transfer-Encoding: chunked"],
        None,
    ),
    "a version of its own": (["HTTP/2 200", "Content-Length: 7"], ["HTTP/1.1 200", "Content-Length: 7"], 7),
    "ICY": (["ICY 200 OK", "Content-Length: 7"], ["HTTP/1.0 200 OK", "Content-Length: 7"], 7),
    "no content": (["HTTP/1.1 204 No", "Content-Length: 7"], ["HTTP/1.1 204 No", "Content-Length: 7"], 0),
    "not modified": (["HTTP/1.1 304 No", "Content-Length: 7"], ["HTTP/1.1 304 No", "Content-Length: 7"], 0),
    "no status": (["HTTP/1.1 OK", "A b"], ["HTTP/1.1 OK", "A b"], None),
}


def write(lines, end="\r\n"):
    return (end.join(lines) + 2 * end).encode("latin-1")


@pytest.mark.parametrize("name", CASES)
def test_a_head_is_put_in_order(name):
    """Lines that are no headers go, lengths said twice count once, chunks come before lengths; with bare line feeds, too."""
    lines, mended, length = CASES[name]
    for end in ("\r\n", "\n"):
        head = mend_head(write(lines, end))
        if name != "no status":
            assert head.data == write(mended)
        assert head.length == length


def test_a_head_in_order_is_handed_on_to_the_byte():
    """Nothing is rewritten that needs no mending."""
    head = write([OK, "a:b", "Content-Length:  7 ", "X: \xe9"])
    assert mend_head(head).data is head


def test_interim_answers_have_no_body():
    """100, 102, 103 come before the answer proper; 101 would be it."""
    assert [mend_head(write([f"HTTP/1.1 {status} X"])).is_interim for status in (100, 102, 103, 101, 200)] == [True] * 3 + [
        False
    ] * 2


def test_a_head_that_says_its_length_in_two_ways_is_doubtful():
    """Nothing more is read from such a connection (RFC 9112 §6.1)."""
    assert mend_head(write([OK, "Content-Length: 7", "Transfer-Encoding: chunked"])).is_doubtful
    assert not mend_head(write([OK, "Content-Length: 7", "Content-Length: 7"])).is_doubtful


def test_a_head_ends_at_its_first_empty_line():
    """In any mixture of line ends, found piece by piece."""
    data = b"HTTP/1.1 200 OK\nA: b\r\n\nbody\r\n\r\n"
    assert find_head_end(data) == len(data) - len(b"body\r\n\r\n")
    assert find_head_end(data[:-9]) == -1
    assert find_head_end(data, len(data) - 9) == find_head_end(data)


def test_other_protocols_are_told_by_their_first_bytes():
    """HTTP/2 begins with a SETTINGS frame; anything but HTTP/ and ICY is no head, however little has come."""
    assert is_http2(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03")
    assert not is_http2(b"HTTP/1.1 200 OK")
    assert all(is_head(b"HTTP/1.1 200"[:length]) for length in range(13))
    assert not is_head(b"SSH-2.0")
    assert not is_head(b"\xff\xd8\xff")


@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200",
                b"ICY 1",
                b"\r\n",
                b"\n",
                b"content-length:",
                b"transfer-encoding:",
                b"chunked",
                b"7",
                b",",
                b" ",
                b"a:b",
                b":",
                b"\x00",
            ]
        )
        | st.binary(max_size=4)
    ).map(b"".join)
)
def test_any_bytes_are_a_head_of_some_kind(data):
    """Nothing a stranger sends raises, and what was mended needs no mending."""
    head = mend_head(data + b"\r\n\r\n")
    assert head.length is None or head.length >= 0
    again = mend_head(head.data)
    assert (again.data, again.length) == (head.data, head.length)
