"""The text on pictures that became samples: read once a picture, kept in ``tables/texts.parquet``, and held against the answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.pipeline.session import Run
from logoingest.schemas import Stage, TextConflictRow, TextRow
from logoingest.workspace.rows import pick_rows

if TYPE_CHECKING:
    from logoingest.images.looking.texts import TextReader

TEXTS = "texts"
TEXT_CONFLICTS = "text_conflicts"
#: Pictures read before what was read is written, so that a stopped run goes on where it was.
_BATCH = 200

logger = logging.getLogger("logoingest")


def read_texts(run: Run, image_ids: pa.ChunkedArray, images: pa.Table) -> pa.Table:
    """``TextRow`` of these pictures, sorted by image_id; those read before by the same reader are not read again.

    Raises:
        UsageError: the extra "ocr" is not installed.
    """
    from logoingest.images.looking.texts import TextReader, name_reader

    reader, name = TextReader(), name_reader()
    known = run.workspace.read_table(TEXTS) if run.workspace.has_table(TEXTS) else TextRow.empty_table()
    known = known.filter(pc.and_(pc.equal(known.column("reader"), name), pc.is_in(known.column("image_id"), value_set=image_ids)))
    wanted = images.filter(pc.is_in(images.column("image_id"), value_set=image_ids)).select(["image_id", "shard", "shard_row"])
    wanted = wanted.filter(pc.invert(pc.is_in(wanted.column("image_id"), value_set=known.column("image_id"))))
    wanted = wanted.sort_by([("shard", "ascending"), ("shard_row", "ascending")])
    for start in range(0, len(wanted), _BATCH):
        run.progress(Stage.SAMPLES, start, len(wanted), "reading text")
        rows = [{**entry, "reader": name, **_read_one(run, reader, entry)} for entry in wanted.slice(start, _BATCH).to_pylist()]
        known = pa.concat_tables([known, TextRow.table(rows)])
        run.workspace.write_table(TEXTS, known.sort_by("image_id"))
    return known.sort_by("image_id").combine_chunks()


def read_asked(run: Run, asked: str | bytes) -> list[str]:
    """The text on one picture that ``texts`` does not know: of ``images`` by its image_id, or its bytes.

    Raises:
        UsageError: the extra "ocr" is not installed.
    """
    from logoingest.images.looking.texts import TextReader

    if isinstance(asked, bytes):
        return [piece.text for piece in TextReader().read(asked)]
    places = pick_rows(run.workspace, "images", "image_id", [asked], ["image_id", "shard", "shard_row"]).to_pylist()
    return _read_one(run, TextReader(), places[0])["texts"] if places else []


def _read_one(run: Run, reader: TextReader, entry: Mapping[str, Any]) -> dict[str, Any]:
    [data] = run.workspace.read_shard_bytes(entry["shard"], [entry["shard_row"]])
    try:
        found = [] if data is None else reader.read(data)
    except ValueError as error:
        logger.warning("picture %s: its text cannot be read (%s)", entry["image_id"], error)
        found = []
    return {"texts": [piece.text for piece in found], "scores": [piece.score for piece in found]}


def read_text_conflicts(run: Run) -> pa.Table:
    """``TextConflictRow``, the least sure samples first; none where ``images.ocr`` is off or the samples stage has not run."""
    if not run.config.images.ocr or not run.workspace.has_table(TEXT_CONFLICTS):
        return TextConflictRow.empty_table()
    return run.workspace.read_table(TEXT_CONFLICTS).sort_by([("confidence", "ascending"), ("image_id", "ascending")])
