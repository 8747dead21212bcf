"""A model's safeguard on disk, beside its weights: ``safeguard.json``, and the reference pictures' vectors as ``references.parquet``.

Both are bounded, hold no code, and name the network that they are of; a model can be used without them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from logoingest.errors import Problem, UsageError, quote_first_line
from logoingest.evidence.safeguards.references import References, Shares, divide_joined
from logoingest.evidence.safeguards.rule import NEIGHBOURS, AcceptanceRule, Goals
from logoingest.evidence.safeguards.study import Study
from logoingest.evidence.vectors import read_vectors, tabulate_embeddings
from logoingest.files.parquet import write_parquet
from logoingest.files.whole import read_bounded, replace_file
from logoingest.plain_json import to_json
from logoingest.schemas import EmbeddingRow
from logoingest.workspace import hash_file

SAFEGUARD_FILE = "safeguard.json"
REFERENCES_FILE = "references.parquet"
#: Reference pictures of a class, and of all classes together, at most.
MOST_OF_A_CLASS = 200
MOST_REFERENCES = 20_000
_MOST_JSON_BYTES = 64_000_000
_MOST_PARQUET_BYTES = 500_000_000
_FORMAT = 2
_HINT = 'make one with "logoingest safeguard MODEL RELEASE", or train again'

_Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Safeguard:
    """When a model's predictions are believed."""

    class_ids: tuple[str, ...]
    goals: Goals
    rule: AcceptanceRule
    references: References
    """Their ``model_hash`` is the network's."""


class _Stored(BaseModel):
    """What is read of safeguard.json again; what was stated and measured is for people."""

    model_config = ConfigDict(frozen=True, strict=True)
    format: int
    model_hash: str
    class_ids: list[str]
    ours_kept: _Share
    precision: _Share
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    farthest: Annotated[float, Field(allow_inf_nan=False)]
    thresholds: list[_Share | None]
    centre: list[Annotated[float, Field(allow_inf_nan=False)]]
    lower_width: Annotated[int, Field(ge=0)]
    strongest: Annotated[float, Field(allow_inf_nan=False)]
    shares: tuple[_Share, _Share, _Share]
    references_sha256: str


def write_safeguard(safeguard: Safeguard, study: Study, folder: Path) -> None:
    """Write both files into a model's folder."""
    rule, held = safeguard.rule, safeguard.references
    references = held.join()
    with replace_file(folder / REFERENCES_FILE) as path:
        write_parquet(tabulate_embeddings(references.image_ids, references.matrix, references.model_hash), path)
    stored = _Stored(
        format=_FORMAT,
        model_hash=references.model_hash,
        class_ids=list(safeguard.class_ids),
        ours_kept=safeguard.goals.ours_kept,
        precision=safeguard.goals.precision,
        temperature=rule.temperature,
        farthest=rule.farthest,
        thresholds=[float(value) if np.isfinite(value) else None for value in rule.thresholds],
        centre=held.centre.tolist(),
        lower_width=0 if held.lower is None else held.lower.matrix.shape[1],
        strongest=held.strongest,
        shares=held.shares,
        references_sha256=hash_file(folder / REFERENCES_FILE).sha256,
    )
    content = {**stored.model_dump(), "neighbours": NEIGHBOURS, "references": len(references), "study": to_json(study)}
    with replace_file(folder / SAFEGUARD_FILE) as path:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_safeguard(folder: Path, model_hash: str, class_ids: Sequence[str]) -> Safeguard:
    """The safeguard of a model.

    Args:
        folder: the model's.
        model_hash: of the network that lies there.
        class_ids: of its classes.

    Raises:
        UsageError: there is none, it is damaged, or of another network.
    """
    stored = _read_stored(folder / SAFEGUARD_FILE)
    where = str(folder / SAFEGUARD_FILE)
    if stored.format != _FORMAT:
        raise UsageError(Problem(where, f"is of form {stored.format}, this logoingest knows {_FORMAT}", "upgrade, or make it anew"))
    if stored.class_ids != list(class_ids) or len(stored.thresholds) != len(class_ids):
        raise UsageError(Problem(where, "is of a model of other classes", _HINT))
    if stored.model_hash != model_hash:
        raise UsageError(Problem(where, "is of another model than the one beside it", _HINT))
    references = _read_references(folder / REFERENCES_FILE, stored)
    thresholds = np.array([np.inf if value is None else value for value in stored.thresholds], np.float64)
    rule = AcceptanceRule(stored.temperature, stored.farthest, thresholds)
    return Safeguard(tuple(class_ids), Goals(stored.ours_kept, stored.precision), rule, references)


def _read_stored(path: Path) -> _Stored:
    try:
        return _Stored.model_validate_json(read_bounded(path, _MOST_JSON_BYTES))
    except FileNotFoundError:
        what = "is not there: the model says a class for every picture, whatever it shows"
        raise UsageError(Problem(str(path), what, _HINT)) from None
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "missing":  # as in a file of another form
            raise UsageError(Problem(str(path), f"lacks {first['loc'][0]}: an earlier logoingest made it", _HINT)) from None
        what = f"is damaged: {'.'.join(map(str, first['loc'])) or 'content'}: {first['msg']}"
        raise UsageError(Problem(str(path), what, _HINT)) from None
    except (OSError, ValueError) as error:
        raise UsageError(Problem(str(path), f"cannot be read ({error})", _HINT)) from error


def _read_references(path: Path, stored: _Stored) -> References:
    try:
        if path.stat().st_size > _MOST_PARQUET_BYTES or pq.ParquetFile(path).metadata.num_rows > MOST_REFERENCES:
            raise UsageError(Problem(str(path), f"holds more than {MOST_REFERENCES:,} vectors", _HINT))
        if hash_file(path).sha256 != stored.references_sha256:
            raise UsageError(Problem(str(path), f"is not the file that {SAFEGUARD_FILE} was made with", _HINT))
        joined = read_vectors(pq.read_table(path).cast(EmbeddingRow.arrow_schema()))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise UsageError(Problem(str(path), f"cannot be read ({quote_first_line(error)})", _HINT)) from error
    if joined.matrix.shape[1] != stored.lower_width + len(stored.centre) or not stored.centre:
        what = f"has vectors of {joined.matrix.shape[1]} numbers, not {len(stored.centre)} and {stored.lower_width} of them lower"
        raise UsageError(Problem(str(path), what, _HINT))
    centre = np.array(stored.centre, np.float32)
    return divide_joined(joined, centre, stored.lower_width, stored.strongest, Shares(*stored.shares))
