"""The crowd layer: ``<map>.crowd.toml`` beside the class map, written by the labels stage where ``labels.crowd = "accept"``.

It is a class-map file, so that it may be read, copied into the map, or included by it; each line says what stood for it. Lines that
newer answers contradict are kept under ``[[withdrawn]]``, and decide nothing. Equal lines give equal bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tomlkit

from logoingest.errors import ClassMapError
from logoingest.labels.class_map.map_file import AliasForm, CrowdForm, read_form
from logoingest.labels.matching.label_table import NormalisedLabels

#: Who decided, in the layer.
BY = "crowd"
_SUFFIX = ".crowd.toml"
_HEAD = """\
# Written by logoingest (labels.crowd = "accept"): what workers' answers about the same pictures tell of words that the class map
# does not know. Written anew by every run of the labels stage; a line of the class map itself always wins over one here.
# To undo a line, declare its word in the class map: as another class, as no_label, or apart from the class by distinct_from.
"""


class CrowdLine(NamedTuple):
    """A word that the crowd gave a class, and what stood for it."""

    text: str
    class_id: str
    """As declared in the class map."""
    probability: float
    """That it names the class, 0 to 1."""
    pictures: int
    workers: int
    settled: int
    """Pictures that others settled as the class."""
    next_class_id: str = ""
    next_settled: int = 0
    on: dt.date | None = None
    """When it was first written."""
    why: str = ""
    """Why it is withdrawn; empty where it is applied."""
    withdrawn_on: dt.date | None = None


class CrowdDecisions(NamedTuple):
    """What the labels stage made of the annotations with the crowd's help."""

    normalised: NormalisedLabels
    lines: Sequence[CrowdLine] = ()
    """The layer from now on, withdrawn lines too."""
    withdrawn: Sequence[CrowdLine] = ()
    """Lines that were applied until now."""


def place_layer(class_map: Path) -> Path:
    """Where the layer of a class map lies: ``brands.toml`` → ``brands.crowd.toml``."""
    return class_map.with_name(class_map.name.removesuffix(".toml") + _SUFFIX)


def read_layer(data: bytes, name: str) -> list[CrowdLine]:
    """The lines of a layer, applied and withdrawn; lines without evidence (a person's) are left to whoever includes the file.

    Raises:
        ClassMapError: it is no sound class-map file; all faults at once.
    """
    try:
        form, problems = read_form(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise ClassMapError(f"{name}: is not UTF-8 ({error})", "take the file away: the labels stage writes it anew") from None
    if form is None:
        raise ClassMapError(problems)
    applied = [
        _read_line(alias, alias.evidence, class_id)
        for class_id, entry in form.classes.items()
        for aliases in entry.aliases.values()
        for alias in aliases
        if alias.evidence is not None
    ]
    gone = [
        _read_line(line, line.evidence, line.class_id)._replace(why=line.why, withdrawn_on=line.withdrawn_on)
        for line in form.withdrawn
        if line.evidence is not None
    ]
    return [*applied, *gone]


def _read_line(alias: AliasForm, evidence: CrowdForm, class_id: str) -> CrowdLine:
    return CrowdLine(
        text=alias.text,
        class_id=class_id,
        probability=evidence.probability,
        pictures=evidence.pictures,
        workers=evidence.workers,
        settled=evidence.settled,
        next_class_id=evidence.next,
        next_settled=evidence.next_settled,
        on=alias.on,
    )


def write_layer(lines: Sequence[CrowdLine]) -> bytes:
    """A layer as its file holds it: by class, the best founded lines first; ``read_layer`` gives the lines back."""
    document = tomlkit.document()
    classes = tomlkit.table(is_super_table=True)
    for class_id in sorted({line.class_id for line in lines if not line.why}):
        aliases = tomlkit.array().multiline(multiline=True)
        for line in sorted((line for line in lines if not line.why and line.class_id == class_id), key=_order):
            aliases.append(_make_entry(line))
        table = tomlkit.table()
        table.append("aliases", aliases)
        classes.append(class_id, table)
    if len(classes):
        document.append("classes", classes)
    gone = tomlkit.aot()
    for line in sorted((line for line in lines if line.why), key=lambda line: (line.class_id, *_order(line))):
        table = tomlkit.table()
        for key, value in _make_entry(line).items():
            table.append(key, value)
        table.append("class", line.class_id)
        table.append("why", line.why)
        if line.withdrawn_on is not None:
            table.append("withdrawn_on", line.withdrawn_on)
        gone.append(table)
    if len(gone):
        document.append("withdrawn", gone)
    return f"{_HEAD}\n{tomlkit.dumps(document)}".encode()


def _order(line: CrowdLine) -> tuple[int, str]:
    return -line.pictures, line.text


def _make_entry(line: CrowdLine) -> tomlkit.items.InlineTable:
    entry, evidence = tomlkit.inline_table(), tomlkit.inline_table()
    evidence.append("probability", line.probability)
    evidence.append("pictures", line.pictures)
    evidence.append("workers", line.workers)
    evidence.append("settled", line.settled)
    if line.next_settled:
        evidence.append("next", line.next_class_id)
        evidence.append("next_settled", line.next_settled)
    entry.append("text", line.text)
    entry.append("exact", True)
    entry.append("by", BY)
    if line.on is not None:
        entry.append("on", line.on)
    entry.append("evidence", evidence)
    return entry
