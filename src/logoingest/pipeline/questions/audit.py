"""The audit trail of one URL, one label or one source row through every stage."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.evidence.safeguards.answers import Prediction
from logoingest.labels import Explanation, explain_label
from logoingest.labels.crowd.contradictions import Contradiction, CrowdFindings
from logoingest.labels.crowd.deciding import RULE
from logoingest.labels.crowd.evidence import SpellingEvidence
from logoingest.labels.crowd.testimony import CrowdTestimony, describe_evidence
from logoingest.labels.text.quoting import shorten
from logoingest.pipeline.crowd.findings import ask_crowd
from logoingest.pipeline.downloading import find_shards
from logoingest.pipeline.evidence.suspects import read_open_suspects
from logoingest.pipeline.evidence.verdicts import ask_baseline
from logoingest.pipeline.ledger import find_rejected
from logoingest.pipeline.retention.tombstones import read_tombstones
from logoingest.pipeline.session import Run
from logoingest.plain_json import Rows
from logoingest.schemas import (
    AnnotationRow,
    CopyRow,
    Decision,
    DownloadRow,
    ImageRow,
    LabelRow,
    PredictionRow,
    RejectedRow,
    Row,
    SampleRow,
    SplitRow,
    SuspectRow,
)
from logoingest.workspace.downloads import read_download, read_downloads
from logoingest.workspace.rows import find_rows, pick_rows, read_rows

#: Columns for machines.
_HEAVY = ("hash", "signature", "probabilities")
_MOST_URLS = 10
_ROWS_AT_ONCE = 64


class DecidedAnnotation(NamedTuple):
    """What the class map made of one annotation."""

    annotation_id: str
    decision: Decision
    class_ids: Sequence[str]
    """None unless it was accepted."""
    rule: str
    attributes: str | None
    """What the answer says beside its class, as JSON."""


class UrlTrail(NamedTuple):
    """What every stage says of a URL: the rows of the tables; without ``hash``, ``signature`` and ``probabilities``."""

    url: str
    annotations: Annotated[pa.Table, Rows(AnnotationRow)]
    downloads: Annotated[pa.Table, Rows(DownloadRow, are_whole=False)]
    images: Annotated[pa.Table, Rows(ImageRow, are_whole=False)]
    copies: Annotated[pa.Table, Rows(CopyRow)]
    """Pictures that show the same, in any guise, each with the evidence."""
    samples: Annotated[pa.Table, Rows(SampleRow, are_whole=False)]
    splits: Annotated[pa.Table, Rows(SplitRow, are_whole=False)]
    predictions: Annotated[pa.Table, Rows(PredictionRow, are_whole=False)]
    """What models say it is that never learned from it."""
    suspects: Annotated[pa.Table, Rows(SuspectRow)]
    """What is open about the picture: its label looks wrong, or it could be settled."""
    baseline: Prediction | None
    """What the trained baseline answers about it: accepted, abstain or stranger. Null where it was not asked, has learned from the
    picture, or has no safeguard."""
    decisions: Sequence[DecidedAnnotation]
    rejected: Annotated[pa.Table, Rows(RejectedRow)]


class RowTrail(NamedTuple):
    """What every stage says of a source row."""

    row: int
    """Its number, from 1, the header not counted."""
    annotations: Sequence[AnnotationRow | RejectedRow]
    """One for each source that has such a row; rejected where it could not be read."""
    decisions: Sequence[DecidedAnnotation]
    rejected: Annotated[pa.Table, Rows(RejectedRow)]
    urls: Sequence[UrlTrail]
    """The trail of each URL of the row."""


class PictureCalls(NamedTuple):
    """A picture, and what the others called it."""

    url: str
    others: Mapping[str, int]
    """Class, or the answer where none is decided → answers, the most frequent first; of people who did not write the label there."""


class LabelTestimony(NamedTuple):
    """What others called the pictures that a label was written of."""

    is_decided_by_crowd: bool
    """The crowd, not the class map, gave it its class (``labels.crowd = "accept"``)."""
    says: CrowdTestimony
    pictures: Sequence[PictureCalls]
    """Some of its pictures, those that speak for the class first."""
    contradiction: Contradiction | None
    """What the crowd says against the class that the map gives it."""


class LabelTrail(NamedTuple):
    """How the class map decides a raw label, and what became of the annotations that carry it."""

    label: str
    explanation: Explanation
    """Step by step."""
    annotations: int
    rejected: Mapping[str, int]
    """"stage: reason" → annotations."""
    urls: Sequence[str]
    """The first ten."""
    crowd: LabelTestimony | None
    """What others called its pictures; null where nobody said anything."""


class UrlPlaces(NamedTuple):
    """Where a URL is in the tables, as somebody knows who has an index of them."""

    rows: Sequence[int]
    """Of ``annotations``: all of its answers are among them; ascending."""
    shard: str
    """Of its picture: most often its own, too."""
    shard_row: int
    rows_of: Mapping[str, int | None]
    """``images``, ``samples``, ``splits`` → its picture's row; None where it has none there."""


def explain_url(run: Run, url: str, *, ask: bool = False, places: UrlPlaces | None = None) -> UrlTrail:
    """What every stage says of a URL.

    Args:
        run: of the workspace.
        url: as the source has it.
        ask: the trained baseline, too: torch is loaded, and it takes seconds.
        places: where it is, where somebody knows; else it is looked for.

    Raises:
        UsageError: no annotation has this URL, or it was taken down.
    """
    return _explain_url(run, _AnswerReader(run), url, ask=ask, places=places)


def _explain_url(run: Run, answers: _AnswerReader, url: str, *, ask: bool, places: UrlPlaces | None) -> UrlTrail:
    numbers, annotations = answers.find("url", url, None if places is None else places.rows)
    rejected = find_rejected(run.workspace, "url", url, lambda: annotations.column("annotation_id"))
    if not annotations.num_rows and not rejected.num_rows:
        stone = read_tombstones(run.workspace).find(url)
        if stone is not None:
            told = f"was taken down on {stone.at[:10]}" + (f": {stone.why}" if stone.why else "")
            raise UsageError(Problem(f"--url {url}", told, "nothing is kept of it; its source rows are refused as taken_down"))
        raise UsageError(Problem(f"--url {url}", "no source row has this URL", "give it exactly as the source does"))
    downloads = _find_downloads(run, url, places)
    image_id = next((found for found in downloads.column("sha256").to_pylist() if found), "")
    splits = _pick_picture(run, "splits", SplitRow, image_id, places)
    return UrlTrail(
        url,
        annotations,
        _lighten(downloads),
        _lighten(_pick_picture(run, "images", ImageRow, image_id, places)),
        pa.concat_tables([_pick(run, "copies", CopyRow, name, image_id) for name in ("image_id", "other_id")]),
        _lighten(_pick_picture(run, "samples", SampleRow, image_id, places)),
        _lighten(splits),
        _lighten(_pick(run, "predictions", PredictionRow, "image_id", image_id)),
        read_open_suspects(run, image_id),
        ask_baseline(run, downloads, splits.column("split").to_pylist()) if ask else None,
        answers.list_decisions(annotations.column("annotation_id").to_pylist(), numbers),
        rejected,
    )


def explain_row(
    run: Run, number: int, source_file: str | None = None, locate: Callable[[str], UrlPlaces | None] = lambda _url: None
) -> RowTrail:
    """What every stage says of a source row (1-based, header not counted); of all sources when ``source_file`` is left out.

    Args:
        run: of the workspace.
        number: the row's.
        source_file: its file.
        locate: URL → ``places`` of ``explain_url``.

    Raises:
        UsageError: there is no such row.
    """
    answers = _AnswerReader(run)
    numbers, annotations = answers.find("source_row", number)
    unread = _pick(run, "annotations_rejected", RejectedRow, "source_row", number)
    rows: list[AnnotationRow | RejectedRow] = [
        model.model_construct(**row)
        for model, table in ((AnnotationRow, annotations), (RejectedRow, unread))
        for row in table.to_pylist()
        if source_file is None or row["source_file"] == source_file
    ]
    if not rows:
        raise UsageError(Problem(f"--row {number}", "there is no such source row", "rows count from 1, without the header"))
    ids = [row.annotation_id for row in rows]
    rejected = find_rejected(run.workspace, "source_row", number, lambda: annotations.column("annotation_id"))
    return RowTrail(
        number,
        rows,
        answers.list_decisions(ids, numbers),
        rejected.filter(pc.is_in(rejected.column("annotation_id"), value_set=pa.array(ids))),
        [_explain_url(run, answers, url, ask=False, places=locate(url)) for url in dict.fromkeys(row.url for row in rows) if url],
    )


def explain_label_of(run: Run, raw_label: str, *, hear: bool = True, rows: Sequence[int] | None = None) -> LabelTrail:
    """How the class map decides a raw label, step by step, and what became of the annotations that carry it.

    Args:
        run: of the workspace.
        raw_label: as typed.
        hear: the crowd, too: every answer of the workspace is looked at.
        rows: of ``annotations`` that carry it, where somebody knows; else they are looked for.
    """
    explanation = explain_label(raw_label, run.class_map)
    if rows is None:
        has_answers = run.workspace.has_table("annotations")
        rows = find_rows(run.workspace, "annotations", "raw_label", [raw_label]) if has_answers else ()
    rejected = find_rejected(run.workspace, "raw_label", raw_label, lambda: _read_answers(run, rows, "annotation_id"))
    reasons = Counter(f"{row['stage']}: {row['reason']}" for row in rejected.select(["stage", "reason"]).to_pylist())
    heard = _hear_crowd(run, raw_label) if hear else None
    return LabelTrail(raw_label, explanation, len(rows), dict(reasons), _list_urls(run, rows), heard)


def _list_urls(run: Run, rows: Sequence[int]) -> list[str]:
    """The first URLs of some answers."""
    urls: dict[str, None] = {}
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        urls |= dict.fromkeys(_read_answers(run, rows[start : start + _ROWS_AT_ONCE], "url").to_pylist())
        if len(urls) >= _MOST_URLS:
            break
    return list(urls)[:_MOST_URLS]


def _read_answers(run: Run, rows: Sequence[int], column: str) -> pa.ChunkedArray:
    return read_rows(run.workspace, "annotations", rows, [column]).column(0) if len(rows) else pa.chunked_array([], pa.string())


def _hear_crowd(run: Run, raw_label: str) -> LabelTestimony | None:
    if not run.workspace.has_table("annotations"):
        return None
    annotations = run.workspace.read_table("annotations", ["raw_label", "url", "worker_id"])
    return hear_label(run, raw_label, ask_crowd(run, annotations, open_only=False))


def hear_label(run: Run, raw_label: str, findings: CrowdFindings) -> LabelTestimony | None:
    """What others called the pictures that a label was written of; None where nobody wrote it. ``findings`` are those of all words."""
    evidence, contradictions = findings
    told = evidence.find(raw_label)
    if told is None:
        return None
    rules = _pick(run, "labels", LabelRow, "raw_label", raw_label).column("rule").to_pylist()
    against = next((one for one in contradictions if raw_label in one.raw_labels), None)
    return LabelTestimony(
        RULE in rules,
        describe_evidence(told),
        _list_calls(run, told),
        against,
    )


def _list_calls(run: Run, told: SpellingEvidence) -> list[PictureCalls]:
    """What people who did not write the spelling of a picture said of it."""
    columns = ["annotation_id", "raw_label", "url", "worker_id"]
    shown = pick_rows(run.workspace, "annotations", "url", told.urls, columns).to_pylist()
    decided = {one.annotation_id: one for one in list_decisions(run, [row["annotation_id"] for row in shown])}
    writers = {(row["url"], row["worker_id"]) for row in shown if row["raw_label"] in set(told.raw_labels)}
    calls: dict[str, Counter[str]] = {url: Counter() for url in told.urls}
    for row in shown:
        if row["raw_label"] not in set(told.raw_labels) and (
            row["worker_id"] is None or (row["url"], row["worker_id"]) not in writers
        ):
            made = decided.get(row["annotation_id"])
            calls[row["url"]][" + ".join(made.class_ids) if made and made.class_ids else shorten(row["raw_label"] or "")] += 1
    return [PictureCalls(url, dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))) for url, found in calls.items()]


def list_decisions(run: Run, ids: Collection[str], numbers: Sequence[int] = ()) -> list[DecidedAnnotation]:
    """What the class map made of annotations.

    Args:
        run: of the workspace.
        ids: of the annotations.
        numbers: their rows in ``annotations``: ``decisions`` has them in the same ones, unless it is older.
    """
    if not run.workspace.has_table("decisions"):
        return []
    columns, wanted = DecidedAnnotation._fields, set(ids)
    found = [row for row in read_rows(run.workspace, "decisions", numbers, columns).to_pylist() if row["annotation_id"] in wanted]
    if len(found) != len(wanted):
        found = pick_rows(run.workspace, "decisions", "annotation_id", wanted, columns).to_pylist()
    return [DecidedAnnotation(**{**row, "decision": Decision(row["decision"])}) for row in found]


class _AnswerReader:
    """Annotations and what was decided of them, each read once: those of a row are most often those of its URL."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._rows: dict[tuple[int, ...], pa.Table] = {}
        self._decisions: dict[tuple[str, ...], list[DecidedAnnotation]] = {}

    def find(self, column: str, value: object, among: Sequence[int] | None = None) -> tuple[Sequence[int], pa.Table]:
        """The annotations with a value, and their places in the table."""
        workspace = self._run.workspace
        if not workspace.has_table("annotations"):
            return (), AnnotationRow.empty_table()
        if among is not None:
            found = self._read(among)
            is_meant = pc.fill_null(pc.equal(found.column(column), value), fill_value=False)
            if found.num_rows == len(among) and pc.any(is_meant).as_py():  # else the table has changed meanwhile
                return [number for number, is_one in zip(among, is_meant.to_pylist(), strict=True) if is_one], found.filter(
                    is_meant
                )
        numbers = find_rows(workspace, "annotations", column, [value])
        return numbers, self._read(numbers)

    def list_decisions(self, ids: Sequence[str], numbers: Sequence[int]) -> list[DecidedAnnotation]:
        """``list_decisions``."""
        key = tuple(ids)
        if key not in self._decisions:
            self._decisions[key] = list_decisions(self._run, ids, numbers)
        return self._decisions[key]

    def _read(self, numbers: Sequence[int]) -> pa.Table:
        key = tuple(numbers)
        if key not in self._rows:
            self._rows[key] = read_rows(self._run.workspace, "annotations", numbers)
        return self._rows[key]


def _find_downloads(run: Run, url: str, places: UrlPlaces | None) -> pa.Table:
    if places is not None:
        with contextlib.suppress(WorkspaceError):  # fetched anew meanwhile
            found = _filter(read_download(run.workspace, places.shard, places.shard_row), "url", url)
            if found.num_rows:
                return found
    return _filter(read_downloads(run.workspace, shards=find_shards(run, url)), "url", url)


def _pick(run: Run, table: str, model: type[Row], column: str, value: object) -> pa.Table:
    return pick_rows(run.workspace, table, column, [value]) if run.workspace.has_table(table) else model.empty_table()


def _pick_picture(run: Run, table: str, model: type[Row], image_id: str, places: UrlPlaces | None) -> pa.Table:
    """A picture's row of a table, found by ``places`` as long as it is there."""
    if places is not None and table in places.rows_of and run.workspace.has_table(table):
        row = places.rows_of[table]
        light = [name for name in model.arrow_schema().names if name not in _HEAVY]
        found = read_rows(run.workspace, table, [] if row is None else [row], light)
        if found.column("image_id").to_pylist() == ([] if row is None else [image_id]):
            return found
    return _pick(run, table, model, "image_id", image_id)


def _filter(table: pa.Table, column: str, value: object) -> pa.Table:
    return table.filter(pc.equal(table.column(column), value))


def _lighten(table: pa.Table) -> pa.Table:
    return table.drop_columns([name for name in _HEAVY if name in table.column_names])
