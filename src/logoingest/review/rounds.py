"""The review's side of a workspace: what is undecided in it, pictures to look at, rulings into the class map, the journal."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.labels import ClassMap
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.class_map.writing import write_document
from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.labels.crowd.deciding import RULE
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.touched import AnswerKeys
from logoingest.labels.text.quoting import shorten
from logoingest.pictures.thumbnails import draw_thumbnail
from logoingest.pipeline.crowd.findings import ask_crowd
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages.labels import LABELS, normalise_answers
from logoingest.pipeline.staleness import explain_staleness
from logoingest.plain_json import Json
from logoingest.review.map_editing import OVERRIDES, MapEdit, ReadMap, describe_decision, plan_edit, write_spelling
from logoingest.review.rulings import Ruling, Undoing
from logoingest.review.sheets.contradiction_sheet import ContradictionReading, read_contradictions
from logoingest.review.sheets.sheet import AGAINST, read_sheet_rows
from logoingest.review.suggestions import Cluster, GatheredLabels, cluster_open_labels, gather_open_labels
from logoingest.schemas import Decision, Stage
from logoingest.workspace.rows import pick_rows

THUMBNAIL_SIDE_PX = 160
"""Longer side of the pictures beside an exported sheet."""

_PREVIEWED_LABELS = 100_000
_DECIDED_AT_ONCE = 1_000
#: Who said what of which picture.
_SAID = ("raw_label", "worker_id", "url")


class Review(NamedTuple):
    """What is undecided in a workspace."""

    clusters: Sequence[Cluster]
    clusters_in_all: int
    open_labels: GatheredLabels
    labels: pa.Table
    class_map: ClassMap
    note: str
    """How the figures came about, where that needs saying."""
    contradictions: Sequence[Contradiction] = ()
    """What the crowd says against the map; none where only the answers are wanted."""


class SideEffect(NamedTuple):
    """An answer nobody ruled on that a map edit decides otherwise than before."""

    raw_label: str
    before: str
    after: str
    is_reversal: bool
    """It had a class, and has another one now, or none."""
    cause: str | None
    """The spelling that matches it now, or comes nearest."""


class Applied(NamedTuple):
    """What came of a set of rulings."""

    edit: MapEdit
    is_written: bool
    side_effects: Sequence[SideEffect]


def gather_review(run: Run, *, apart: Collection[str] = (), min_answers: int = 1, limit: int | None = None) -> Review:
    """What is undecided, clustered. Where the class map changed since the labels stage ran, the answers are decided anew.

    Args:
        run: its workspace is only read.
        apart: raw labels that are taken out of their cluster.
        min_answers: clusters with fewer answers are left out.
        limit: at most as many clusters; 0 where only the answers are wanted.

    Raises:
        UsageError: the labels stage has not run.
    """
    workspace = run.workspace
    manifest = workspace.read_manifest()
    if Stage.LABELS not in manifest.stages or not workspace.has_table("labels"):
        raise UsageError(
            Problem(workspace.url, "the labels stage has not run here", "first: logoingest run CONFIG --until normalise")
        )
    why = explain_staleness(run, LABELS, manifest)
    annotations = workspace.read_table("annotations", _SAID if why is None else None)
    if why is None:
        labels, decisions = workspace.read_table("labels"), workspace.read_table("decisions", ["decision"])
    else:
        labels, decisions, _ = normalise_answers(run, annotations).normalised
    found = gather_open_labels(annotations, labels, decisions, run.class_map, _list_pictured(run))
    crowd = None if limit == 0 else ask_crowd(run, annotations, labels)
    clusters, in_all = cluster_open_labels(
        found.labels,
        run.class_map,
        crowd=crowd and crowd.evidence,
        apart=apart,
        suspects=_list_suspects(run),
        min_answers=min_answers,
        limit=limit,
    )
    note = "" if why is None else f"the labels stage is stale ({why}): its answers were decided anew for this"
    against = () if crowd is None else crowd.contradictions
    return Review(clusters, in_all, found, labels, run.class_map, note, against)


def read_contradiction_sheet(run: Run, review: Review, data: bytes, name: str) -> ContradictionReading:
    """What a sheet rules on what the crowd says against the map; the crowd is asked only where the sheet has such rows.

    Raises:
        UsageError: a row cannot be meant.
    """
    has_rows = any(row.read("row") == AGAINST for row in read_sheet_rows(data, name))
    against = review.contradictions
    if has_rows and not against:
        against = ask_crowd(run, run.workspace.read_table("annotations", _SAID), review.labels).contradictions
    return read_contradictions(data, name, against, review.class_map)


def draw_examples(run: Run, urls: Iterable[str], folder: Path) -> dict[str, Path]:
    """URL → thumbnail, for what is fetched and can be drawn; files are named by the picture's sha256.

    Raises:
        WorkspaceError: the folder cannot be written.
    """
    workspace = run.workspace
    if not workspace.has_table("images"):
        return {}
    images = workspace.read_table("images", ["image_id", "urls", "shard", "shard_row"])
    flat = pa.table({"row": pc.list_parent_indices(images.column("urls")), "url": pc.list_flatten(images.column("urls"))})
    wanted = flat.filter(pc.is_in(flat.column("url"), value_set=pa.array(sorted(set(urls)), pa.string())))
    places: dict[str, list[tuple[int, str]]] = {}
    rows = images.select(["image_id", "shard", "shard_row"]).take(wanted.column("row")).to_pylist()
    names: dict[str, str] = {}
    for url, row in zip(wanted.column("url").to_pylist(), rows, strict=True):
        names[url] = row["image_id"]
        places.setdefault(row["shard"], []).append((row["shard_row"], row["image_id"]))
    drawn = _draw_files(run, places, folder)
    return {url: drawn[name] for url, name in names.items() if name in drawn}


def apply_rulings(
    run: Run, review: Review, rulings: Sequence[Ruling], signature: Signature, undoing: Undoing | None = None
) -> Applied:
    """Write rulings into the class map the config names; nothing is written when all was decided so before.

    An alias that would draw answers away from the class they have is written so that it counts only as the whole answer.

    Raises:
        ClassMapError: a ruling would not decide as it says; all of them at once, and nothing is written.
    """
    planned = plan_rulings(run, review, rulings, signature, undoing)
    if planned.edit.changes:
        write_document(planned.edit.path, planned.edit.document)
    return planned._replace(is_written=bool(planned.edit.changes))


def plan_rulings(
    run: Run,
    review: Review,
    rulings: Sequence[Ruling],
    signature: Signature,
    undoing: Undoing | None = None,
    *,
    planned: MapEdit | None = None,
    keys: AnswerKeys | None = None,
    check: Callable[[], None] = lambda: None,
) -> Applied:
    """What ``apply_rulings`` would write, and what would come of it; nothing is written.

    Args:
        run: of the workspace.
        review: what is open in it.
        rulings: at most one an answer.
        signature: stands beside each entry.
        undoing: what is taken back before.
        planned: what ``preview_rulings`` said of them, where that is known.
        keys: of ``list_known_answers``, where they are kept: only answers that the rulings touch are decided again.
        check: called now and then, and may raise.

    Raises:
        ClassMapError: a ruling would not decide as it says; all of them at once.
    """
    path = run.config.class_map_path
    exact: set[str] = set()
    annotations = _read_overridden(run, rulings)
    while True:
        edit = planned or plan_edit(path, rulings, annotations, signature, exact, undoing=undoing, known=review.class_map)
        planned = None
        effects = list_side_effects(review, edit, keys, check) if edit.changes else []
        causes = {effect.cause for effect in effects if effect.is_reversal and effect.cause is not None} - exact
        if not causes & {write_spelling(ruling.raw_label) for ruling in edit.settled}:
            return Applied(edit, is_written=False, side_effects=effects)
        exact |= causes


def preview_rulings(run: Run, rulings: Sequence[Ruling], undoing: Undoing | None = None, *, read: ReadMap | None = None) -> MapEdit:
    """What ``apply_rulings`` would change in the map, without what would come of it; ``read`` is the map's file, if that is known.

    Raises:
        ClassMapError: a ruling would not decide as it says; all of them at once.
    """
    path = run.config.class_map_path
    told = (path, rulings, _read_overridden(run, rulings), Signature("", None))
    return plan_edit(*told, undoing=undoing, known=run.class_map, read=read)


def _read_overridden(run: Run, rulings: Sequence[Ruling]) -> pa.Table:
    """The annotations that rulings are about as such; of all others the answer's text is enough."""
    labels = [ruling.raw_label for ruling in rulings if ruling.meaning.action in OVERRIDES]
    return pick_rows(run.workspace, "annotations", "raw_label", labels)


def list_known_answers(review: Review) -> list[str]:
    """The answers that ``list_side_effects`` looks at."""
    return list(review.labels.column("raw_label").slice(0, _PREVIEWED_LABELS).to_pylist())


def list_side_effects(
    review: Review, edit: MapEdit, keys: AnswerKeys | None = None, check: Callable[[], None] = lambda: None
) -> list[SideEffect]:
    """Other answers of the data that come out otherwise now; those that had a class first. ``keys`` and ``check`` as in ``plan_rulings``."""
    known = {ruling.raw_label for ruling in (*edit.settled, *edit.already)}
    touched = None if keys is None else keys.list_touched(review.class_map, edit.class_map)
    others = [label for label in (list_known_answers(review) if touched is None else touched) if label not in known]
    known_before = _list_settled(review)
    after = []
    for start in range(0, len(others), _DECIDED_AT_ONCE):
        check()
        made = decide_labels(others[start : start + _DECIDED_AT_ONCE], edit.class_map)
        after += [one for one in made if known_before.get(one.raw_label) != (one.decision, one.class_ids)]
    before = decide_labels([one.raw_label for one in after], review.class_map)
    found = [
        SideEffect(
            one.raw_label, describe_decision(one), describe_decision(other), one.decision == Decision.ACCEPTED, other.matched_alias
        )
        for one, other in zip(before, after, strict=True)
        if (one.decision, one.class_ids) != (other.decision, other.class_ids)
    ]
    return sorted(found, key=lambda effect: (not effect.is_reversal, effect.raw_label))


def _list_settled(review: Review) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Answer → decision and classes, where the table says what this class map makes of it by itself."""
    labels = review.labels
    is_own = pc.and_(pc.equal(labels.column("map_hash"), review.class_map.hash), pc.not_equal(labels.column("rule"), RULE))
    own = labels.select(["raw_label", "decision", "class_ids"]).filter(is_own)
    texts, decisions, classes = (column.to_pylist() for column in own.columns)
    return {text: (decision, tuple(listed)) for text, decision, listed in zip(texts, decisions, classes, strict=True)}


class JournalEntries(NamedTuple):
    """What a person decided in a session that is not finished."""

    by: str
    """"" in a journal of an earlier version."""
    steps: Sequence[Mapping[str, object]]
    """Each with ``at``, when it was made (UTC, ISO 8601)."""


def read_journals(run: Run) -> list[JournalEntries]:
    """Everybody's unfinished sessions; those that are damaged are left out."""
    workspace = run.workspace
    if not workspace.exists("review"):
        return []
    workspace.filesystem.invalidate_cache(workspace.path("review"))
    names = sorted(os.path.basename(str(path)) for path in workspace.filesystem.ls(workspace.path("review"), detail=False))
    found = []
    for name in (name for name in names if name.endswith(".json")):
        with contextlib.suppress(WorkspaceError):
            found.append(_read_entries(workspace.path(name), workspace.read_bytes(f"review/{name}")))
    return found


def _read_entries(path: str, data: bytes) -> JournalEntries:
    try:
        document = json.loads(data)
        return JournalEntries(str(document.get("by", "")), [dict(step) for step in document["steps"]])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(Problem(path, f"is damaged ({error})", "remove it")) from None


class Journal:
    """The decisions of a person's unfinished session in a workspace, each written as it is made."""

    def __init__(self, run: Run, by: str) -> None:
        self._workspace = run.workspace
        self._by = by
        self._name = f"review/{hashlib.sha256(by.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}.json"
        self._written: bytes | None = None
        self._dated: Sequence[Mapping[str, object]] = ()

    def load(self) -> Sequence[Mapping[str, object]]:
        """The steps of the session that was not finished; none where there is nothing to resume.

        Raises:
            WorkspaceError: the journal is damaged.
        """
        if not self._workspace.exists(self._name):
            return []
        self._written = self._workspace.read_bytes(self._name)
        self._dated = _read_entries(self._workspace.path(self._name), self._written).steps
        return self._dated

    def save(self, steps: Sequence[Json]) -> None:
        """Write the steps made so far, each with the time it was first written.

        Raises:
            WorkspaceError: another session of the same person writes here too.
        """
        there = self._workspace.read_bytes(self._name) if self._workspace.exists(self._name) else None
        if there != self._written:
            raise WorkspaceError(
                Problem(
                    self._workspace.path(self._name),
                    "another review session writes here too",
                    "go on in one of the two, or use --by",
                )
            )
        dated = self._date(steps)
        written = json.dumps({"format": 1, "by": self._by, "steps": dated}, indent=0).encode()
        self._workspace.write_bytes(self._name, written)
        self._written, self._dated = written, dated

    def replace(self, steps: Sequence[Json]) -> None:
        """Keep these steps alone: the other decisions are written elsewhere by now. Without any the journal goes."""
        if steps:
            self.save(steps)
        else:
            self.clear()

    def _date(self, steps: Sequence[Json]) -> list[dict[str, object]]:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        dated: list[dict[str, object]] = []
        for step, known in zip_longest(steps, self._dated[: len(steps)], fillvalue=None):
            at = known["at"] if known is not None and _is_step(known, step) else now
            dated.append({**(step if isinstance(step, dict) else {}), "at": at})
        return dated

    def clear(self) -> None:
        """Forget the session: its decisions are in the class map."""
        self._workspace.remove(self._name)
        self._written, self._dated = None, ()


def _is_step(dated: Mapping[str, object], step: Json) -> bool:
    return "at" in dated and {name: value for name, value in dated.items() if name != "at"} == step


def describe_effect(effect: SideEffect) -> str:
    """``"nikee" unknown → Nike (fuzzy "nike")``."""
    return f"{shorten(effect.raw_label)} {effect.before} → {effect.after}"


def _list_pictured(run: Run) -> pa.ChunkedArray | None:
    has_images = run.workspace.has_table("images")
    return pc.list_flatten(run.workspace.read_table("images", ["urls"]).column("urls")) if has_images else None


def _list_suspects(run: Run) -> set[str]:
    if not run.workspace.has_table("workers"):
        return set()
    workers = run.workspace.read_table("workers", ["worker_id", "suspect"])
    return set(workers.filter(pc.is_valid(workers.column("suspect"))).column("worker_id").to_pylist())


def _draw_files(run: Run, places: Mapping[str, Sequence[tuple[int, str]]], folder: Path) -> dict[str, Path]:
    drawn: dict[str, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for shard, wanted in sorted(places.items()):
            bodies = run.workspace.read_shard_bytes(shard, [row for row, _ in wanted])
            for (_, image_id), body in zip(wanted, bodies, strict=True):
                picture = None if body is None else draw_thumbnail(body, THUMBNAIL_SIDE_PX)
                if picture is not None:
                    drawn[image_id] = folder / f"{image_id[:16]}.jpg"
                    drawn[image_id].write_bytes(picture)
    except OSError as error:
        raise WorkspaceError(Problem(os.fspath(folder), f"cannot be written ({error.strerror or error})")) from None
    return drawn
