"""Placeholders on which nobody disagrees: a "photo unavailable" that all workers of one list called the class of that list.

Their answers tell nothing, so their addresses must. A picture, together with those of equal pixels and those whose URLs were
redirected to the same address, is suspected when

- at least ``samples.placeholder_min_urls`` of its URLs were redirected to one address,
- that address, or most of its own, ends in words for "no picture" (``address_words``), or
- at least so many URLs of one host serve it and one person each has answered there: a picture that is really at many places of a list
  is usually asked about more than once, and a list asked about once has nobody to contradict.

A suspicion decides nothing: the picture is left out until somebody rules (``conflicts``).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from logoingest.consensus.votes import Indices
from logoingest.samples.answers import Annotations
from logoingest.samples.stand_ins.address_words import find_hint, find_phrase, may_hold_words
from logoingest.samples.stand_ins.placeholders import (
    Placeholder,
    count_units,
    describe_unit,
    name_host,
    number_values,
    unite_pictures,
)

#: URLs redirected to one address before a word that may mean anything ("default") counts.
MIN_REDIRECTED_OF_HINT = 2
#: What is read of each picture that may be one.
_ADDRESSES = ("urls", "redirect_url", "redirected")
_UNITS_AT_ONCE = 10_000
#: Answers a URL, at most, that count as one each: here and there somebody is asked twice.
MAX_ANSWERS_A_URL = 1.5


class SuspectedPlaceholder(NamedTuple):
    """Pictures that count together and may stand for photos that are gone."""

    image_ids: list[str]
    """Sorted."""
    evidence: str
    """One line for people."""


class Suspicions(NamedTuple):
    """What is suspected, for the table and for the rulings."""

    rows: dict[int, Placeholder]
    """Picture → its unit's figures and evidence."""
    units: list[SuspectedPlaceholder]


def find_suspected(annotations: Annotations, min_urls: int, but: dict[int, Placeholder]) -> Suspicions:
    """Pictures whose addresses say that they stand for others, ``but`` for those that their answers give away; 0 URLs: none."""
    images = annotations.images
    if min_urls == 0 or len(images) == 0:
        return Suspicions({}, [])
    units = unite_pictures([number_values(images, "pixel_hash"), number_values(images, "redirect_url")], len(images))
    counts = count_units(annotations, units)
    candidates = (counts.redirected > 0) | (counts.urls >= min_urls)
    candidates[units[_may_say_so(images)]] = True
    candidates &= counts.named > 0
    candidates[units[sorted(but)]] = False
    order = np.argsort(units, kind="stable")
    starts = np.searchsorted(units[order], np.arange(len(candidates) + 1))
    found = Suspicions({}, [])
    judged = np.flatnonzero(candidates).tolist()
    members_of = [order[starts[unit] : starts[unit + 1]].tolist() for unit in judged]
    for unit, members, rows in zip(judged, members_of, _read_addresses(images, members_of), strict=True):
        evidence = _explain(rows, int(counts.named[unit] + counts.silent[unit]), min_urls)
        if evidence is not None:
            described = describe_unit(annotations, counts, unit, members)
            described = described._replace(evidence=f"{evidence}; {described.evidence}")
            found.rows.update(dict.fromkeys(members, described))
            found.units.append(SuspectedPlaceholder(images.column("image_id").take(members).to_pylist(), described.evidence))
    return found


def _read_addresses(images: pa.Table, members_of: Sequence[list[int]]) -> Iterator[list[dict[str, Any]]]:
    """The addresses of each unit's pictures; read for many units at once, never for all."""
    addresses = images.select([name for name in _ADDRESSES if name in images.column_names]).combine_chunks()
    for start in range(0, len(members_of), _UNITS_AT_ONCE):
        part = members_of[start : start + _UNITS_AT_ONCE]
        rows = iter(addresses.take([member for members in part for member in members]).to_pylist())
        yield from (list(itertools.islice(rows, len(members))) for members in part)


def _may_say_so(images: pa.Table) -> Indices:
    """Pictures with an address that is worth reading."""
    lists = images.column("urls").combine_chunks()
    owners = lists.value_parent_indices().to_numpy()
    of_urls = owners[may_hold_words(lists.flatten())]
    ends = images.column("redirect_url") if "redirect_url" in images.column_names else pa.nulls(len(images), pa.string())
    return np.union1d(of_urls, np.flatnonzero(may_hold_words(ends))).astype(np.intp)


def _explain(rows: Sequence[Mapping[str, Any]], answers: int, min_urls: int) -> str | None:
    urls = [url for row in rows for url in row["urls"]]
    return _explain_redirects(rows, min_urls) or _explain_words(urls) or _explain_host(urls, answers, min_urls)


def _explain_redirects(rows: Sequence[Mapping[str, Any]], min_urls: int) -> str | None:
    ends: Counter[str] = Counter()
    for row in rows:
        if row.get("redirect_url"):
            ends[row["redirect_url"]] += row["redirected"]
    for url, count in sorted(ends.items(), key=lambda end: (-end[1], end[0])):
        words = find_phrase(url) or (find_hint(url) if count >= MIN_REDIRECTED_OF_HINT else None)
        if words:
            return f'redirected to an address that says "{words}" ({url})'
        if count >= min_urls:
            return f"{count} URLs were redirected to one address ({url})"
    return None


def _explain_words(urls: list[str]) -> str | None:
    said = [words for words in map(find_phrase, urls) if words]
    return f'its address says "{said[0]}"' if 2 * len(said) > len(urls) else None


def _explain_host(urls: list[str], answers: int, min_urls: int) -> str | None:
    host, count = max(Counter(map(name_host, urls)).items(), key=lambda entry: (entry[1], entry[0]))
    if count < min_urls or answers > MAX_ANSWERS_A_URL * len(urls):
        return None
    return f"{count} URLs of one host ({host}) serve it, each answered by one person"
