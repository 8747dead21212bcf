"""Digests that a host sends along: right ones, wrong ones, and ones that prove nothing."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.fetch.rules.integrity import find_digest_fault

BODY = b"a picture"
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
SHA256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
SHA512 = base64.b64encode(hashlib.sha512(BODY).digest()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"content-md5": MD5},
        {"digest": f"SHA-256={SHA256}"},
        {"digest": f"md5={MD5},sha-256={SHA256}"},
        {"content-digest": f"sha-256=:{SHA256}:, sha-512=:{SHA512}:"},
        {"repr-digest": f"sha-512=:{SHA512}:"},
    ],
)
def test_digests_agree_with_their_body_only(headers):
    """Each form passes for the body it is of, and is named for any other."""
    assert find_digest_fault(headers, BODY, None) is None
    assert find_digest_fault(headers, BODY + b"!", None) == f"the body is not the one its {next(iter(headers))} header speaks of"


def test_one_wrong_digest_among_right_ones_counts():
    """All digests that are understood must agree."""
    assert find_digest_fault({"content-md5": MD5, "digest": f"sha-256={SHA512[:43]}="}, BODY, "identity") is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": '"0123456789abcdef0123456789abcdef"'},
        {"content-md5": "no base64"},
        {"content-md5": MD5[:-6]},
        {"digest": "crc32c=AAAAAA=="},
        {"content-digest": "sha-256=AAAA"},
        {"digest": ","},
    ],
)
def test_what_is_not_understood_proves_nothing(headers):
    """Unknown algorithms, broken base64, wrong lengths and ETags are passed over."""
    assert find_digest_fault(headers, BODY, None) is None


def test_coded_bodies_are_not_compared():
    """A digest is over the coded bytes, which are gone."""
    assert find_digest_fault({"content-md5": MD5}, b"decoded", "gzip") is None


@given(st.sampled_from(["digest", "content-md5", "content-digest"]), st.text(max_size=200), st.binary(max_size=20))
def test_no_header_crashes(name, text, body):
    """Whatever a host writes there."""
    find_digest_fault({name: text}, body, None)
