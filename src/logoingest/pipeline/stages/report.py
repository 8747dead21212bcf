"""Everything → report.html."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.pipeline.crowd.files import CONTRADICTIONS, CROWD_WORDS, LAYER_FILE
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.stages.fetch import DOWNLOADS
from logoingest.pipeline.stages.images import IMAGES_FILE
from logoingest.pipeline.stages.release import RELEASE_MANIFEST
from logoingest.pipeline.stages.samples import SAMPLES_FILE
from logoingest.pipeline.stages.train import SAFEGUARD_FILE, VERDICT_FILE
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run
    from logoingest.workspace import Manifest

#: Tables that the report shows where they are there, besides the safeguard, whoever made them: a stage, or a command of its own.
_SHOWN_TABLES = ("placeholders", "conflicts", "against", "suspects")


def make_report(run: Run) -> StageOutput:
    """Write the page."""
    from logoingest.pipeline.ledger import collect_ledger
    from logoingest.report import render_report

    page = render_report(run.workspace, run.config, collect_ledger(run.workspace).rejected).encode()
    return StageOutput({"report.html": run.workspace.write_bytes("report.html", page)}, {"kilobytes": len(page) // 1024})


def _hash_shown(run: Run, _manifest: Manifest) -> dict[str, str]:
    from logoingest.evidence.embedding_files import list_models
    from logoingest.pipeline.staleness import hash_made

    shown = [*(f"tables/{name}.parquet" for name in _SHOWN_TABLES), SAFEGUARD_FILE]
    hashes = {name: hash_made(run, name) for name in shown}
    return hashes | {f"embeddings of {model.name}": model.model_hash for model in list_models(run.workspace)}


REPORT = StageSpec(
    name=Stage.REPORT,
    version=5,
    needs=(Stage.RELEASE,),
    reads={
        "tables/labels.parquet": Stage.LABELS,
        DOWNLOADS: Stage.FETCH,
        IMAGES_FILE: Stage.IMAGES,
        SAMPLES_FILE: Stage.SAMPLES,
        "tables/splits.parquet": Stage.SPLITS,
        "tables/workers.parquet": Stage.SAMPLES,
        "tables/agreement.parquet": Stage.SAMPLES,
        f"tables/{CONTRADICTIONS}.parquet": Stage.SAMPLES,
        f"tables/{CROWD_WORDS}.parquet": Stage.SAMPLES,
        LAYER_FILE: Stage.LABELS,
        RELEASE_MANIFEST: Stage.RELEASE,
        VERDICT_FILE: Stage.TRAIN,
    },
    make=make_report,
    help="write report.html",
    settings=lambda config: [
        config.report.model_dump(mode="json"),
        config.evidence.model_dump(mode="json"),
        [config.labels.crowd, config.labels.crowd_confidence],
    ],
    further_inputs=_hash_shown,
)
