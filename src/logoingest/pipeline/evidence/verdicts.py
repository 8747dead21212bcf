"""What the workspace's baseline answers about one picture: its class, or that it is none of ours."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import UsageError
from logoingest.evidence.safeguards.answers import Prediction
from logoingest.pipeline.evidence.embeddings import BASELINE
from logoingest.pipeline.session import Run
from logoingest.schemas import Outcome

logger = logging.getLogger("logoingest")

#: What a baseline needs to say more than a class.
_FILES = ("baseline/model.json", "baseline/model.safetensors", "baseline/safeguard.json")


def ask_baseline(run: Run, downloads: pa.Table, splits: Sequence[str]) -> Prediction | None:
    """Its answer about the first picture of a URL that opens.

    Args:
        run: of the workspace.
        downloads: the rows of the URL, with shard and shard_row.
        splits: that the picture is in.

    Returns:
        None where no picture opens, the baseline has learned from it, there is no baseline with a safeguard, or torch is missing.

    Raises:
        WorkspaceError: the shard is damaged.
    """
    opens = downloads.filter(
        pc.and_(pc.equal(downloads.column("outcome"), Outcome.OK.value), pc.is_null(downloads.column("image_reason")))
    )
    if not opens.num_rows or "train" in splits or not all(run.workspace.exists(file) for file in _FILES):
        return None
    row = opens.select(["url", "shard", "shard_row"]).slice(0, 1).to_pylist()[0]
    (body,) = run.workspace.read_shard_bytes(row["shard"], [row["shard_row"]])
    if body is None:
        return None
    try:
        return _predict(run, body)._replace(file=row["url"])
    except UsageError as error:
        logger.warning("the baseline was not asked: %s", error)
        return None


def _predict(run: Run, body: bytes) -> Prediction:
    from logoingest.training import check_installation

    check_installation()
    from logoingest.training.classification.baseline import open_baseline
    from logoingest.training.models.artifact import AllowedCode

    code = AllowedCode.of(run.config.train, run.config.base_dir)
    with run.workspace.local_copy(BASELINE) as folder:
        return open_baseline(Path(folder), code).predict([body])[0]
