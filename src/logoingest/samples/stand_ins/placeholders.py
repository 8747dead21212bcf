"""Placeholders: the picture a host serves at many URLs where the photo is gone, told by what was answered at those URLs.

Pictures count together, as one, when their pixels are equal, or when most of their URLs were redirected to the same address; then
near-duplicates count together as well, for hosts that encode or stamp their placeholder anew for each request. The URLs of one, a
redirected one twice, must be at least ``samples.placeholder_min_urls``, and the answers there must agree on nothing:

- no class is named by more than half of the annotations that name one, or
- those that mean "no label" are at least half; and
- near-duplicates that are not equal must besides be called by three classes or more: two that are mixed up are a dispute.

So a popular picture that stands at many URLs and that people agree on is none, however many URLs there are; whether one that they
agree on is a placeholder all the same is for a person to say (``suspected``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.consensus.votes import Indices, count_distinct
from logoingest.samples.answers import Annotations, AnswerKind
from logoingest.schemas import PlaceholderRow
from logoingest.wording import spell_count

#: Classes that near-duplicates must be called by before they count as one placeholder.
MIN_CLASSES_OF_NEAR = 3
_CLASSES_SHOWN = 10
_URLS_SHOWN = 5


class Placeholder(NamedTuple):
    """What gives a picture away; figures are of all pictures that count together with it."""

    evidence: str
    """One line for people."""
    urls: int
    hosts: int
    answers: int
    """Annotations that name a class or mean "no label"."""
    no_label: int
    classes: list[str]
    """The most named first."""


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """Figures a unit: what counts as one picture."""

    urls: Indices
    redirected: Indices
    named: Indices
    silent: Indices
    most: Indices
    """Annotations that name the most named class."""
    kinds: Indices
    """Classes named."""
    cell_unit: Indices
    """A cell is a unit with a class somebody named there, in the order of both."""
    cell_class: Indices
    cell_votes: Indices


def find_placeholders(annotations: Annotations, min_urls: int) -> dict[int, Placeholder]:
    """Picture → what gives it away. Counted over accepted and ignored annotations, whoever wrote them; 0 URLs: none are found."""
    if min_urls == 0 or len(annotations.images) == 0:
        return {}
    images = annotations.images
    equal = [number_values(images, "pixel_hash"), number_values(images, "redirect_url")]
    found: dict[int, Placeholder] = {}
    for links, min_classes in ((equal, 1), ([*equal, number_values(images, "group_id")], MIN_CLASSES_OF_NEAR)):
        units = unite_pictures(links, len(images))
        counts = count_units(annotations, units)
        scattered = (counts.named > 0) & ((2 * counts.most <= counts.named) | (counts.silent >= counts.named))
        judged = scattered & (counts.urls + counts.redirected >= min_urls) & (counts.kinds >= min_classes)
        order = np.argsort(units, kind="stable")
        starts = np.searchsorted(units[order], np.arange(len(judged) + 1))
        for unit in np.flatnonzero(judged).tolist():
            members = order[starts[unit] : starts[unit + 1]].tolist()
            if not all(member in found for member in members):
                described = describe_unit(annotations, counts, unit, members)
                found |= {member: described for member in members if member not in found}
    return found


def tabulate_placeholders(
    annotations: Annotations, found: Mapping[int, Placeholder], suspected: Mapping[int, Placeholder], listed: pa.Table | None
) -> pa.Table:
    """``PlaceholderRow``: those found, those suspected, and those the config lists (``ListedPlaceholderRow``), sorted by image_id."""
    rows = []
    images = annotations.images.select(["image_id", "urls", "shard", "shard_row"])
    for decided, pictures in (("found", found), ("suspected", suspected)):
        for picture, placeholder in pictures.items():
            image = images.slice(picture, 1).to_pylist()[0]
            rows.append({**image, **placeholder._asdict(), "decided": decided, "example_urls": image["urls"][:_URLS_SHOWN]})
    for entry in () if listed is None else listed.to_pylist():
        told = _count_answers(annotations, entry["urls"])
        rows.append({**entry, **told, "decided": "listed", "example_urls": entry["urls"][:_URLS_SHOWN]})
    for row in rows:
        row |= {
            "urls": len(row["urls"]) if isinstance(row["urls"], list) else row["urls"],
            "classes": row["classes"][:_CLASSES_SHOWN],
        }
    return PlaceholderRow.table(sorted(rows, key=lambda row: row["image_id"]))


def number_values(images: pa.Table, column: str) -> Indices:
    """The column's distinct values as numbers; -1 where it is missing, null or empty."""
    if column not in images.column_names:
        return np.full(len(images), -1, np.intp)
    values = images.column(column).combine_chunks()
    known = pc.and_(pc.is_valid(values), pc.fill_null(pc.not_equal(values, ""), fill_value=False))
    coded = pc.if_else(known, values, pa.scalar(None, pa.string())).dictionary_encode().indices
    return np.asarray(coded.fill_null(-1).to_numpy(zero_copy_only=False), np.intp)


def unite_pictures(links: Iterable[Indices], pictures: int) -> Indices:
    """The unit of each picture: pictures that share a number in any of ``links`` are in the same one."""
    from scipy.sparse import coo_array  # 25 MB that the earlier stages, fetch above all, do without
    from scipy.sparse.csgraph import connected_components

    first, second, nodes = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], pictures
    for numbers in links:
        linked = np.flatnonzero(numbers >= 0)
        first.append(linked)
        second.append(numbers[linked] + nodes)
        nodes += int(numbers.max(initial=-1)) + 1
    ends = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(nodes, nodes))
    _, parts = connected_components(graph, directed=False)
    _, units = np.unique(parts[:pictures], return_inverse=True)
    return np.asarray(units, np.intp)


def count_units(annotations: Annotations, units: Indices) -> UnitCounts:
    """The figures of units of pictures."""
    number = int(units.max()) + 1
    images = annotations.images
    lengths = pc.fill_null(pc.list_value_length(images.column("urls")), 0).to_numpy()
    redirected = (
        images.column("redirected").fill_null(0).to_numpy()
        if "redirected" in images.column_names
        else np.zeros(len(images), np.intp)
    )
    unit = np.append(units, -1)[annotations.picture]  # -1, no picture, takes the last
    here = unit >= 0
    size = max(len(annotations.class_ids), 1)
    row = annotations.named_row[here[annotations.named_row]]
    cells, votes = count_distinct(unit[row] * size + annotations.named_class[here[annotations.named_row]])
    most = np.zeros(number, np.intp)
    np.maximum.at(most, cells // size, votes)
    return UnitCounts(
        urls=np.bincount(units, weights=lengths, minlength=number).astype(np.intp),
        redirected=np.bincount(units, weights=redirected, minlength=number).astype(np.intp),
        named=np.bincount(unit[here & (annotations.kind == AnswerKind.NAMED)], minlength=number),
        silent=np.bincount(unit[here & (annotations.kind == AnswerKind.NO_LABEL)], minlength=number),
        most=most,
        kinds=np.bincount(cells // size, minlength=number),
        cell_unit=cells // size,
        cell_class=cells % size,
        cell_votes=votes,
    )


def describe_unit(annotations: Annotations, counts: UnitCounts, unit: int, members: list[int]) -> Placeholder:
    """A unit's figures, and as evidence what they say."""
    urls = [url for entry in annotations.images.column("urls").take(pa.array(members)).to_pylist() for url in entry]
    hosts = _count_hosts(urls)
    start, stop = np.searchsorted(counts.cell_unit, [unit, unit + 1])
    numbers, votes = counts.cell_class[start:stop], counts.cell_votes[start:stop]
    order = np.lexsort((numbers, -votes))
    named, silent, kinds = int(counts.named[unit]), int(counts.silent[unit]), int(counts.kinds[unit])
    parts = [f"same picture at {spell_count(len(urls), 'URL', 'URLs')}"]
    if len(members) > 1:
        parts[0] += f", in {len(members)} files"
    parts.append(f"{spell_count(kinds, 'class', 'classes')} named")
    if silent:
        parts.append(f"'no label' {silent} of {silent + named} times")
    if counts.redirected[unit]:
        parts.append(f"{counts.redirected[unit]} URLs redirected to one address")
    classes = [annotations.class_ids[number] for number in numbers[order].tolist()]
    return Placeholder(", ".join(parts), len(urls), hosts, named + silent, silent, classes)


def _count_answers(annotations: Annotations, urls: list[str]) -> dict[str, Any]:
    """The figures of a picture that is not among the images: by its URLs."""
    rows = pc.indices_nonzero(pc.is_in(annotations.table.column("url"), value_set=pa.array(urls, pa.string()))).to_numpy()
    kinds = Counter(annotations.kind[rows].tolist())
    named = annotations.named_class[np.isin(annotations.named_row, rows)]
    numbers, votes = count_distinct(named)
    order = np.lexsort((numbers, -votes))
    return {
        "hosts": _count_hosts(urls),
        "answers": kinds[AnswerKind.NAMED] + kinds[AnswerKind.NO_LABEL],
        "no_label": kinds[AnswerKind.NO_LABEL],
        "classes": [annotations.class_ids[number] for number in numbers[order].tolist()],
    }


def _count_hosts(urls: Iterable[str]) -> int:
    return len({name_host(url) for url in urls})


def name_host(url: str) -> str:
    """The host of an address; empty where none can be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
