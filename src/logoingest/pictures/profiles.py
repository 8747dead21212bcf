"""What an embedded ICC colour profile says it is: its colour space and its name, read without a colour-management library.

Layout by ICC.1:2022, sections 7.2 (header), 7.3 (tag table), 10.15 (``mluc``); ICC.1:2001-04, 6.5.17 (``desc``). The bytes come from
strangers: everything is bounded, nothing is raised.
"""

from __future__ import annotations

import struct

from logoingest.strangers.escaping import flatten_text

#: Longest description that is kept, in characters.
MAX_CHARS = 80
_MAX_TAGS = 100
_HEADER_BYTES = 128


def describe_profile(profile: bytes) -> str:
    """``RGB: sRGB IEC61966-2.1``: the colour space, and the description where there is one; ``damaged`` when it is no profile."""
    if len(profile) < _HEADER_BYTES or profile[36:40] != b"acsp":
        return "damaged"
    space = flatten_text(read_space(profile))[:MAX_CHARS]
    try:
        name = flatten_text(_read_description(profile))[:MAX_CHARS]
    except (struct.error, UnicodeDecodeError):
        name = ""
    return f"{space}: {name}" if name else space


def read_space(profile: bytes) -> str:
    """The colour space of the data the profile is for: ``RGB``, ``GRAY``, ``CMYK``, ``Lab`` …"""
    return profile[16:20].decode("latin-1").strip()


def _read_description(profile: bytes) -> str:
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    for index in range(min(count, _MAX_TAGS)):
        name, offset, size = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * index)
        if name == b"desc":
            return _read_text(profile[offset : offset + size])
    return ""


def _read_text(tag: bytes) -> str:
    if tag[:4] == b"desc":
        (length,) = struct.unpack_from(">I", tag, 8)
        return tag[12 : 12 + min(length, 4 * MAX_CHARS)].decode("latin-1")
    if tag[:4] == b"mluc":
        length, offset = struct.unpack_from(">II", tag, 20)  # of the first language
        return tag[offset : offset + min(length, 8 * MAX_CHARS) // 2 * 2].decode("utf-16-be", "replace")
    return ""
