"""The suspects of a workspace as they stand today, and the witnesses that were heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.evidence.suspects import PictureKnowledge, keep_open
from logoingest.pipeline.session import Run
from logoingest.schemas import Decision, Reason, SuspectRow
from logoingest.workspace import Workspace
from logoingest.workspace.rows import pick_rows

#: The table.
SUSPECTS = "suspects"
#: Why a picture was refused that a model may settle.
UNDECIDED = (Reason.TIE, Reason.LOW_CONFIDENCE)


def read_open_suspects(run: Run, image_id: str | None = None) -> pa.Table:
    """``SuspectRow`` of what nobody has ruled on and no later run has changed, of one picture or all; empty where none were looked for."""
    workspace, columns = run.workspace, ["image_id", "class_id"]
    if not (workspace.has_table(SUSPECTS) and workspace.has_table("samples")):
        return SuspectRow.empty_table()
    if image_id is None:
        suspects, samples = workspace.read_table(SUSPECTS), workspace.read_table("samples", columns)
    else:
        suspects = pick_rows(workspace, SUSPECTS, "image_id", [image_id])
        if not suspects.num_rows:
            return SuspectRow.empty_table()
        samples = pick_rows(workspace, "samples", "image_id", [image_id], columns)
    return keep_open(suspects.cast(SuspectRow.arrow_schema()), samples, list_ruled(run))


def list_ruled(run: Run) -> set[str]:
    """The pictures that a person gave a class or left out."""
    from logoingest.samples.group_rulings import list_settled, read_group_rulings

    return list_settled(read_group_rulings(run.config.resolve(run.config.samples.rulings), run.class_map))


def gather_knowledge(run: Run) -> PictureKnowledge:
    """Votes, groups and classes of every picture of ``images``, and the text on it where it is read."""
    read = run.workspace.read_table
    samples, images = read("samples", ["image_id", "class_id", "confidence"]), read("images", ["image_id", "group_id"])
    settled = samples.filter(pc.is_valid(samples.column("class_id")))
    return PictureKnowledge(
        _pair(samples, "image_id", "confidence"),
        count_votes(run),
        _pair(images, "image_id", "group_id"),
        _pair(settled, "image_id", "class_id"),
        texts := gather_texts(run),
        _list_spellings(run) if texts else (),
    )


def gather_texts(run: Run) -> Mapping[str, list[str]]:
    """image_id → what was read on it, folded, each text once; none where ``images.ocr`` is off. Folded once as long as the table is the same."""
    if not run.config.images.ocr or not run.workspace.has_table("texts"):
        return {}
    return _fold_table(run.workspace.url, run.workspace.hash_file("tables/texts.parquet").sha256)


@lru_cache(maxsize=1)
def _fold_table(url: str, _sha256: str) -> Mapping[str, list[str]]:
    read = _pair(Workspace(url).read_table("texts", ["image_id", "texts"]), "image_id", "texts")
    return {image_id: fold_texts(texts) for image_id, texts in read.items()}


def fold_texts(texts: Sequence[str]) -> list[str]:
    """As answers are folded, each once."""
    from logoingest.labels.text.fold import fold

    return list(dict.fromkeys(fold(text).ascii for text in texts))


def _list_spellings(run: Run) -> list[tuple[str, str]]:
    """(folded spelling, the class that comes out), sorted."""
    outputs = run.class_map.outputs
    named = {(outputs.get(one.class_id), *fold_texts([one.text])) for one in run.class_map.spellings}
    return sorted((text, class_id) for class_id, text in named if text and class_id)


def count_votes(run: Run) -> dict[str, dict[str, int]]:
    """Picture → class → people who named it, each person once."""
    read = run.workspace.read_table
    images, decisions = read("images", ["image_id", "urls"]), read("decisions", ["annotation_id", "decision", "class_ids"])
    annotations = read("annotations", ["annotation_id", "url", "worker_id"])
    owner = images.column("image_id").take(pc.list_parent_indices(images.column("urls")))
    picture = dict(zip(pc.list_flatten(images.column("urls")).to_pylist(), owner.to_pylist(), strict=True))
    decisions = decisions.filter(pc.equal(decisions.column("decision"), Decision.ACCEPTED.value))
    named = _pair(decisions, "annotation_id", "class_ids")
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    columns = (annotations.column(name).to_pylist() for name in ("annotation_id", "url", "worker_id"))
    for annotation_id, url, worker in zip(*columns, strict=True):
        for class_id in named.get(annotation_id, ()) if url in picture else ():
            people[picture[url], class_id].add(worker or annotation_id)
    votes: dict[str, dict[str, int]] = defaultdict(dict)
    for (image_id, class_id), voters in people.items():
        votes[image_id][class_id] = len(voters)
    return votes


def list_undecided(run: Run) -> list[str]:
    """Pictures that were refused because their answers contradict each other, sorted."""
    rejected = run.workspace.read_table("samples_rejected", ["url", "reason"])
    rejected = rejected.filter(pc.is_in(rejected.column("reason"), value_set=pa.array([one.value for one in UNDECIDED])))
    images = run.workspace.read_table("images", ["image_id", "urls"])
    owner = images.column("image_id").take(pc.list_parent_indices(images.column("urls")))
    there = pc.is_in(pc.list_flatten(images.column("urls")), value_set=rejected.column("url").combine_chunks())
    found = set(owner.filter(there).to_pylist())
    return sorted(found - set(run.workspace.read_table("samples", ["image_id"]).column(0).to_pylist()))


def _pair(table: pa.Table, key: str, value: str) -> dict[str, Any]:
    return dict(zip(table.column(key).to_pylist(), table.column(value).to_pylist(), strict=True))
