"""Entries of packs of brand names: one brand each, how it is called and how it is spelled, per language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.text.fold import fold

_QID = re.compile(r"Q[1-9][0-9]{0,15}")
_PRIMARY = re.compile(r"[a-z]{2,3}")
_SUBTAG = re.compile(r"[A-Za-z0-9]{2,8}")
_REGION = re.compile(r"[a-z]{2}|[0-9]{3}", re.IGNORECASE)
_NO_LANGUAGE = frozenset({"mul", "mis", "und", "zxx"})


class PackName(NamedTuple):
    """A spelling and its language code (``any`` when the pack does not say)."""

    text: str
    language: str = ANY_LANGUAGE


class PackEntry(NamedTuple):
    """One brand of a pack, or a part of what the pack says about it; entries with one key are about one brand."""

    key: str
    """Its Wikidata id, or its name in the pack."""
    wikidata: str | None
    titles: tuple[str, ...]
    """What it is called; a class of that name is this brand, if no other entry is called so."""
    names: tuple[PackName, ...]
    """Its spellings, the titles among them."""
    source: str
    nicknames: tuple[str, ...] = ()
    """What it is called as well; asked only where no entry has the title."""
    doubtful: tuple[tuple[PackName, str], ...] = ()
    """Spellings that should not be taken over, and why."""
    is_by_id: bool = False
    """Joined by Wikidata id only."""


class Pair(NamedTuple):
    """A row of a table of spellings."""

    raw: str
    canonical: str
    language: str = ANY_LANGUAGE
    wikidata: str = ""


def clean_name(text: str) -> str:
    """A spelling as it goes into a map: one line, composed, without characters nobody sees."""
    shown = (" " if char.isspace() else char for char in unicodedata.normalize("NFC", text))
    return " ".join("".join(char for char in shown if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}).split())


@lru_cache(maxsize=4096)
def clean_language(code: str) -> str:
    """A language code without its region (``zh-TW`` → ``zh``, ``zh-Hant`` stays); ``any`` for what is none."""
    first, *rest = code.strip().replace("_", "-").split("-")
    if not _PRIMARY.fullmatch(first.lower()) or first.lower() in _NO_LANGUAGE:
        return ANY_LANGUAGE
    kept = [first.lower()]
    for part in rest:
        if not _SUBTAG.fullmatch(part):
            break
        if not _REGION.fullmatch(part):
            kept.append(part)
    return "-".join(kept)


def find_qid(value: object) -> str | None:
    """The Wikidata id a value is: ``Q312``, or an address that ends so."""
    text = value.strip().rpartition("/")[2] if isinstance(value, str) else ""
    return text if _QID.fullmatch(text) else None


def read_pair(pair: Pair, name: str) -> PackEntry | None:
    """A row as an entry; None without a canonical name. ``name`` is the table's."""
    canonical, raw = clean_name(pair.canonical), clean_name(pair.raw)
    if not canonical:
        return None
    qid = find_qid(pair.wikidata)
    names = (PackName(canonical), *((PackName(raw, clean_language(pair.language)),) if raw else ()))
    doubtful: tuple[tuple[PackName, str], ...] = ()
    if fold(pair.raw).is_reversed:
        names, doubtful = names[:1], ((names[-1], "carries a character that reverses the writing direction"),)
    return PackEntry(qid or canonical, qid, (canonical,), names, name, doubtful=doubtful)
