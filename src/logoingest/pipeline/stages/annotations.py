"""Source files → annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.pipeline.spec import TAKEDOWNS_FILE, StageOutput, StageSpec, write_tables
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run
    from logoingest.workspace import Manifest

#: The file that every later stage reads.
ANNOTATIONS_FILE = "tables/annotations.parquet"
#: The count of annotations with which their source gives a right answer.
GIVEN_GOLD = "given_gold"


def make_annotations(run: Run) -> StageOutput:
    """Read the sources."""
    import pyarrow.compute as pc

    from logoingest.pipeline.retention.tombstones import read_tombstones, refuse_rows
    from logoingest.samples import find_given_gold
    from logoingest.sources import read_annotations

    kept, rejected = read_annotations(run.config.sources, run.config.base_dir)
    kept, rejected = refuse_rows(kept, rejected, read_tombstones(run.workspace))
    counts = {"annotations": kept.num_rows, "rejected": rejected.num_rows, "urls": len(pc.unique(kept.column("url")))}
    counts |= {GIVEN_GOLD: given} if (given := find_given_gold(kept).num_rows) else {}
    return StageOutput(write_tables(run.workspace, {"annotations": kept, "annotations_rejected": rejected}), counts)


def _hash_sources(run: Run, _manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_source

    hashes = {source.path: hash_source(run.config.resolve(source.path)) for source in run.config.sources}
    if run.workspace.exists(TAKEDOWNS_FILE):
        hashes[TAKEDOWNS_FILE] = run.workspace.hash_file(TAKEDOWNS_FILE).sha256
    return hashes


ANNOTATIONS = StageSpec(
    name=Stage.ANNOTATIONS,
    version=3,
    needs=(),
    reads={},
    make=make_annotations,
    help="read the source files",
    settings=lambda config: [source.model_dump(mode="json") for source in config.sources],
    further_inputs=_hash_sources,
)
