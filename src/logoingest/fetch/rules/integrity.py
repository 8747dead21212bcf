"""Whether a body is what its sender, or the source of its URL, says it is. No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

#: Headers that may carry a digest of the body; a response without any of them costs nothing.
DIGEST_HEADERS = ("content-digest", "repr-digest", "digest", "content-md5")
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}
_SHOWN_DIGITS = 16
_MEMBER = re.compile(r"^\s*([A-Za-z0-9-]+)=:?([A-Za-z0-9+/=]+):?\s*$")


def find_digest_fault(headers: Mapping[str, str], body: bytes, coding: str | None) -> str | None:
    """What is wrong with a body by the digests sent with it; None when they agree, or say nothing that is understood.

    Args:
        headers: of the response, by lower-case name. ``Content-Digest`` and ``Repr-Digest`` (RFC 9530), ``Digest`` (RFC 3230) and
            ``Content-MD5`` (RFC 1864) are looked at. An ETag is opaque by RFC 9110 §8.8.3 and proves nothing.
        body: the whole body, content-decoded.
        coding: the Content-Encoding; digests of coded bodies are over the coded bytes, which are gone, and are not compared.
    """
    if coding and coding.strip().lower() not in ("", "identity", "none", "binary"):
        return None
    for name in DIGEST_HEADERS:
        text = headers.get(name)
        for algorithm, declared in _list_digests(name, text) if text else ():
            if hashlib.new(algorithm, body, usedforsecurity=False).digest() != declared:
                return f"the body is not the one its {name} header speaks of"
    return None


def write_expected(hashes: Sequence[str]) -> str | None:
    """Expected hashes as column ``expected`` of ``downloads`` holds them; null for none."""
    return " ".join(hashes) or None


def find_hash_fault(expected: Sequence[str], body: bytes) -> str | None:
    """Why a body is not the one that a source expects (``sha256:…``, ``md5:…``, hex), all of them; None when it is."""
    for text in expected:
        algorithm, _, wanted = text.partition(":")
        others = [other for other in expected if other != text and other.startswith(f"{algorithm}:")]
        if others:
            return f"its source rows expect different hashes: {', '.join(_shorten(hash_) for hash_ in (text, *others))}"
        found = hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()
        if found != wanted:
            return f"the source expects {_shorten(text)}, these {len(body):,} bytes have {found[:_SHOWN_DIGITS]}…"
    return None


def _shorten(text: str) -> str:
    algorithm, _, digits = text.partition(":")
    return f"{algorithm} {digits[:_SHOWN_DIGITS]}…"


def _list_digests(name: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Yields (hashlib's name, digest) of every member that is understood."""
    members = [f"md5={text.strip()}"] if name == "content-md5" else text.split(",")[:8]
    for member in members:
        found = _MEMBER.match(member)
        algorithm = _ALGORITHMS.get(found[1].lower()) if found else None
        if found is None or algorithm is None:
            continue
        try:
            digest = base64.b64decode(found[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size:
            yield algorithm, digest
