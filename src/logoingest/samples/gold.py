"""Gold questions: pictures whose right class is known, from a table of the user's or from the sources themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import SamplesConfig
from logoingest.errors import ConfigError, Problem
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.named_files import explain_unreadable
from logoingest.schemas import GOLD, GROUND_TRUTH, Decision

_ID_COLUMN = "source_id"
_MOST_PROBLEMS = 20
_EXPECTED = "samples.gold names a UTF-8 CSV file of gold questions"
_UNREAD = "?"  # no class id: they are letters, digits and _


class _Question(NamedTuple):
    line: int
    key: str
    label: str


def read_gold(path: Path, config: SamplesConfig, class_map: ClassMap, annotations: pa.Table) -> dict[str, str | None]:
    """The right class of each gold picture: URL → class id, None where the picture shows none.

    Args:
        path: a CSV file with a header (tab-separated where its name ends in .tsv). Rows whose class cell is empty are no gold.
        config: names the columns. Without its URL column, a column ``source_id`` names one answer about the picture instead.
        class_map: reads the class cells as it reads answers; a class id means itself.
        annotations: ``AnnotationRow``, to find the URL of a ``source_id``; gold about nothing that is there, or of a class that
            the map drops, is left out.

    Raises:
        ConfigError: the file or a column is not there, a class cell can't be read, or one picture has two classes; all at once.
    """
    by_id, questions = _read_questions(path, config)
    labels = sorted({question.label for question in questions} - set(class_map.class_ids))
    read: dict[str, str | None] = {class_id: class_id for class_id in class_map.class_ids}
    dropped: set[str] = set()
    unread: set[str] = set()
    for label, decision in zip(labels, decide_labels(labels, class_map), strict=True):
        if decision.decision == Decision.IGNORED or (decision.decision == Decision.ACCEPTED and len(decision.class_ids) == 1):
            read[label] = decision.class_ids[0] if decision.class_ids else None
        else:
            (dropped if decision.decision == Decision.DROPPED else unread).add(label)
    urls = _find_urls(annotations, by_id)
    gold: dict[str, tuple[_Question, str | None]] = {}
    problems = []
    for question in questions:
        where = f"{path.name}: line {question.line}"
        if question.label in unread:
            problems.append(
                Problem(where, f"{question.label[:60]!r} is no class", "give a class id or a label the class map reads")
            )
        elif question.label not in dropped and (url := urls.get(question.key)) is not None:
            first, class_id = gold.setdefault(url, (question, read[question.label]))
            if class_id != read[question.label]:
                problems.append(
                    Problem(where, f"another class for the picture of line {first.line}", "a picture has one right class")
                )
    if problems:
        raise ConfigError(problems[:_MOST_PROBLEMS])
    return {url: class_id for url, (_, class_id) in gold.items()}


def find_given_gold(annotations: pa.Table) -> pa.Table:
    """The annotations with which their source gives a right answer: ``gold`` among the attributes, or ``ground_truth``."""
    marks = [pc.match_substring(annotations.column("attributes"), mark) for mark in (f'"{GOLD}": "', f'"{GROUND_TRUTH}": true')]
    return annotations.filter(pc.fill_null(pc.or_(*marks), False))


def read_given_gold(annotations: pa.Table, decisions: pa.Table, class_map: ClassMap) -> dict[str, str | None]:
    """The right class of each picture that a source itself gives one for: URL → class id, None where it shows none.

    Either the text under ``gold`` among an annotation's attributes (a test question's right answer), which the class map reads, or the
    answer of an annotation with ``ground_truth`` (an expert's). What the map does not read, names several classes or differs for one
    picture is no gold: the source is not the user's own table, so it is passed over.

    Args:
        annotations: ``AnnotationRow``.
        decisions: a row an annotation: annotation_id, decision, class_ids.
        class_map: reads the texts.
    """
    rows = find_given_gold(annotations).select(["annotation_id", "url", "attributes"]).to_pylist()
    told = [(row, json.loads(row["attributes"])) for row in rows]
    texts = {row["url"]: set[str]() for row in rows}
    for row, attributes in told:
        if isinstance(text := attributes.get(GOLD), str):
            texts[row["url"]].add(text)
    labels = sorted(set().union(*texts.values()))
    read = dict(zip(labels, map(_name_class, decide_labels(labels, class_map)), strict=True))
    found = {url: {read[text] for text in said} for url, said in texts.items()}
    experts = {row["annotation_id"]: row["url"] for row, attributes in told if attributes.get(GROUND_TRUTH) is True}
    chosen = pc.is_in(decisions.column("annotation_id"), value_set=pa.array(list(experts), pa.string()))
    for row in decisions.filter(chosen).select(["annotation_id", "decision", "class_ids"]).to_pylist():
        found[experts[row["annotation_id"]]].add(_name_class(_Decision(row["decision"], row["class_ids"])))
    return {url: next(iter(classes)) or None for url, classes in found.items() if len(classes) == 1 and _UNREAD not in classes}


class _Decision(NamedTuple):
    decision: str
    class_ids: Sequence[str]


def _name_class(decision: _Decision | LabelDecision) -> str:
    """The one class that was decided on, "" where there is none, ``_UNREAD`` otherwise."""
    if decision.decision == Decision.IGNORED:
        return ""
    return decision.class_ids[0] if decision.decision == Decision.ACCEPTED and len(decision.class_ids) == 1 else _UNREAD


def _read_questions(path: Path, config: SamplesConfig) -> tuple[bool, list[_Question]]:
    """(whether the keys are source ids, the questions)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            columns = list(rows.fieldnames or ())
            by_id = config.gold_url_column not in columns and _ID_COLUMN in columns
            key = _ID_COLUMN if by_id else config.gold_url_column
            missing = [name for name in (key, config.gold_class_column) if name not in columns]
            if missing:
                hint = f"name it: samples.gold_url_column, samples.gold_class_column; it has {', '.join(columns)[:200]}"
                raise ConfigError([Problem(path.name, f'has no column "{name}"', hint) for name in missing])
            return by_id, list(_iterate_questions(rows, key, config.gold_class_column))
    except csv.Error as error:
        raise ConfigError(Problem(str(path), f"cannot be read ({error})", _EXPECTED)) from None
    except (OSError, ValueError) as error:
        raise ConfigError(explain_unreadable(path, error, _EXPECTED)) from None


def _iterate_questions(rows: csv.DictReader[str], key: str, class_column: str) -> Iterator[_Question]:
    for row in rows:
        name, label = (row[key] or "").strip(), (row[class_column] or "").strip()
        if name and label:
            yield _Question(rows.line_num, name, label)


def _find_urls(annotations: pa.Table, by_id: bool) -> Mapping[str, str]:
    """Key → URL of the annotations it speaks of."""
    urls = annotations.column("url").to_pylist()
    if not by_id:
        return {url: url for url in urls if url is not None}
    ids = annotations.column(_ID_COLUMN).to_pylist()
    return {source_id: url for source_id, url in zip(ids, urls, strict=True) if source_id is not None}
