"""Packs of brand names made by others, as entries: one brand each, how it is called and how it is spelled, per language.

    nsi           name-suggestion-index: ``nsi.json``, or files of its ``data/brands`` (BSD-3)
    wikidata      an entity (Special:EntityData), many, one per line, or a dump (gzip and bzip2 too) (CC0)
    simple-icons  ``simple-icons.json`` (CC0)
    names         names per language, JSON or TOML: {"Germany": {"de": "Deutschland", "ja": ["ドイツ"]}}
    csv           pairs (raw, canonical[, lang]), given as rows: a table is read by the caller
    cldr          Unicode's names of territories, languages, scripts and currencies, from the package babel (``cldr_names``)

A file is strangers' text: whatever it holds, reading it costs bounded memory and ends in entries or in one message.
"""

from __future__ import annotations

import bz2
import gzip
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.labels.growing.pack_entries import PackEntry, Pair, read_pair
from logoingest.labels.growing.pack_forms import FORMS, guess_form, is_entity, read_entity
from logoingest.named_files import explain_missing, explain_unreadable

FORMATS = ("nsi", "wikidata", "simple-icons", "names", "csv")
MAX_FILE_BYTES = 128 << 20
"""Of a file that is one JSON value."""
MAX_LINE_BYTES = 32 << 20
"""Of one line of a dump."""

_HEAD_BYTES = 1 << 16
_EXPECTED = "a pack is one of those in docs/growing-maps.md"


class Pack(NamedTuple):
    """A pack that can be gone through again and again."""

    format: str
    name: str
    """For messages."""
    iterate: Callable[[], Iterable[PackEntry]]
    is_closed: bool = True
    """Its entries are brands, and each spelling of another brand speaks against taking it. Wikidata describes everything that
    has a name, so there only what another entry is called does."""


def open_pack(path: Path, pack_format: str | None = None) -> Pack:
    """A JSON pack: a file, or a folder of JSON files.

    Args:
        path: of nsi, wikidata or simple-icons form; tables are read by ``make_table_pack``.
        pack_format: one of ``FORMATS``; found out when left out.

    Raises:
        UsageError: it cannot be read, is not JSON, or is of no known form.
    """
    files = _list_files(path)
    head = _read_head(files[0])
    if pack_format in {None, "wikidata"} and len(files) == 1 and _has_entity_lines(head):
        return Pack("wikidata", path.name, lambda: _iterate_entity_lines(path), is_closed=False)
    entries: list[PackEntry] = []
    formats: list[str] = []
    for file in files:
        value = _read_value(file)
        found = pack_format or guess_form(value)
        if found is None or found == "csv":
            hint = (
                "name-suggestion-index, Wikidata entities, simple-icons, names per language, or a table of raw and canonical names"
            )
            raise UsageError(Problem(str(file), "is no pack of a known form", f"known: {hint}; say which with --pack-format"))
        entries += FORMS[found](value, file)
        formats.append(found)
    if not entries:
        raise UsageError(Problem(str(path), "names no brand", f"it was read as {formats[0]}"))
    return Pack(formats[0], path.name, lambda: entries, is_closed=formats[0] != "wikidata")


def is_entity_file(path: Path) -> bool:
    """One Wikidata entity a line."""
    return _has_entity_lines(_read_head(path))


def make_table_pack(pairs: Iterable[Pair], name: str) -> Pack:
    """A pack of pairs; ``name`` is the file's, and each alias's source."""
    entries = [entry for pair in pairs if (entry := read_pair(pair, name)) is not None]
    return Pack("csv", name, lambda: entries)


def _list_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(path.rglob("*.json"))
        if not files:
            raise UsageError(Problem(str(path), "is a folder without JSON files"))
        return files
    if not path.exists():
        raise UsageError(Problem(str(path), *explain_missing(path, _EXPECTED)))
    return [path]


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked; faults of reading become a UsageError."""
    try:
        with path.open("rb") as raw:
            magic = raw.peek(3)[:3]
            if magic[:2] == b"\x1f\x8b":
                with gzip.open(raw) as unpacked:
                    yield unpacked  # type: ignore[misc]
            elif magic == b"BZh":
                with bz2.open(raw) as unpacked_bz2:
                    yield unpacked_bz2
            else:
                yield raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(Problem(str(path), f"cannot be read ({error})", _EXPECTED)) from None
    except OSError as error:
        raise UsageError(explain_unreadable(path, error, _EXPECTED)) from None


def _read_head(path: Path) -> bytes:
    with _open(path) as stream:
        head = stream.read(_HEAD_BYTES)
    if not head.strip():
        raise UsageError(Problem(str(path), "is empty"))
    return head


def _read_value(path: Path) -> Any:
    with _open(path) as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        hint = "a Wikidata dump of any length can be read with one entity a line"
        raise UsageError(Problem(str(path), f"is longer than {MAX_FILE_BYTES >> 20} MiB and not one entity a line", hint))
    try:
        text = data.decode("utf-8-sig")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except UnicodeDecodeError as error:
        raise UsageError(explain_unreadable(path, error, _EXPECTED)) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(Problem(str(path), f"is not valid TOML: {error}")) from None
    except json.JSONDecodeError as error:
        raise UsageError(Problem(str(path), f"is not valid JSON: {error.msg} (line {error.lineno})")) from None
    except (RecursionError, ValueError):  # an integer of too many digits is a ValueError
        raise UsageError(Problem(str(path), "is not valid JSON: nested too deeply, or a number too long")) from None


def _has_entity_lines(head: bytes) -> bool:
    """One entity a line: JSON lines, or a dump's array."""
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n")
    if lines[0].strip() == b"[" and len(lines) > 1:
        lines = lines[1:]
    line = lines[0].strip().rstrip(b",")
    if len(lines) == 1 and len(head) == _HEAD_BYTES:  # the first line is longer than the head
        return (
            line.startswith(b"{")
            and re.match(rb'\{"(type"\s*:\s*"item"|id"\s*:\s*"Q|pageid"\s*:\s*\d+,.{0,400}"id"\s*:\s*"Q)', line) is not None
        )
    try:
        return is_entity(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _iterate_entity_lines(path: Path) -> Iterator[PackEntry]:
    with _open(path) as stream:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES):
            number += 1
            text = line.removeprefix(b"\xef\xbb\xbf").strip().rstrip(b",")
            if text in {b"", b"[", b"]"}:
                continue
            try:
                entity = json.loads(text)
            except (ValueError, RecursionError):
                what = f"is longer than {MAX_LINE_BYTES >> 20} MiB" if len(line) >= MAX_LINE_BYTES else "is no JSON object"
                raise UsageError(Problem(f"{path}: line {number}", what, "was the file cut short?")) from None
            if not isinstance(entity, dict):
                raise UsageError(Problem(f"{path}: line {number}", "is no Wikidata entity"))
            yield from read_entity(entity)
