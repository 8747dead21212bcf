"""``manifest.json`` of a release: what it holds, of what it was made, and the hash of every file. No times, no machine paths."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from logoingest.config import find_kept_fault
from logoingest.errors import GateError, Problem, UsageError, quote_first_line
from logoingest.files.whole import read_bounded
from logoingest.release.form.strict_json import read_strict_json

#: The form of the manifest and of the files beside it; a reader refuses what is newer than it knows.
#: The folder of the data files inside a release.
DATA_FOLDER = "data"
FORMAT = 1

#: Longer manifests are not read: 100,000 classes take a quarter of it.
MAX_MANIFEST_BYTES = 64 << 20

MANIFEST_NAME = "manifest.json"
CARD_NAME = "README.md"
REJECTED_NAME = "rejected.parquet"
CROISSANT_NAME = "croissant.json"

#: What JSON's readers count exactly (RFC 8259, 6).
_MOST = 2**53

Count = Annotated[int, Field(ge=0, le=_MOST)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReleaseFile(_Part):
    """A file of the release: sha256 (hex), length, and rows when it is Parquet."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Count
    rows: Count | None = None


class ReleasedClass(_Part):
    """A class: its id, which is its name in every label list, its display name, and its single-class pictures per split."""

    id: str
    name: str
    images: dict[str, Count]


class ReleaseManifest(_Part):
    """All of ``manifest.json``."""

    format: Annotated[int, Field(ge=1)]
    name: str
    description: str
    licence: str
    source_url: str
    logoingest: str
    fingerprint: str
    classes: list[ReleasedClass]
    splits: dict[str, Count]
    multi_class_images: dict[str, Count]
    counts: dict[str, Annotated[int, Field(ge=-_MOST, le=_MOST)]]
    rejected: dict[str, dict[str, Count]]
    version: str = ""
    date: str = ""
    """``YYYY-MM-DD``: stated, or the day of the newest answer; empty where neither is known. Earlier releases lack these three."""
    citation: str = ""
    kept_columns: list[str] = []
    """Columns of the source that the release carries, in order; left out where it carries none."""
    lineage: dict[str, Any]
    files: dict[str, ReleaseFile]

    @field_validator("kept_columns")
    @classmethod
    def _check_kept(cls, names: list[str]) -> list[str]:
        fault = find_kept_fault(names)
        if fault or len(set(names)) < len(names):
            raise ValueError(fault or "names a column twice")
        return names

    @property
    def class_ids(self) -> list[str]:
        """The class of each label index."""
        return [entry.id for entry in self.classes]


class StoredForm(NamedTuple):
    """The form the pictures are released in, as the lineage says: ``images.store`` and ``images.max_side_px``."""

    is_rgb: bool
    max_side_px: int

    @classmethod
    def read(cls, lineage: Mapping[str, Any]) -> StoredForm:
        """As fetched, where the lineage says nothing of it or nothing that can be understood."""
        config = lineage.get("config")
        images = config.get("images") if isinstance(config, dict) else None
        if not isinstance(images, dict) or images.get("store") != "rgb":
            return cls(is_rgb=False, max_side_px=0)
        side = images.get("max_side_px")
        return cls(is_rgb=True, max_side_px=side if isinstance(side, int) else 0)

    def describe(self) -> str:
        """A few words for people."""
        limit = f", longer side at most {self.max_side_px:,} px" if self.max_side_px else ""
        return f"8-bit RGB, upright{limit}" if self.is_rgb else "as fetched"


def lies_inside(name: str) -> bool:
    """Whether a file of this name lies in the release's folder: a stranger's manifest may name any."""
    return not (set(name) & set("\\\0:")) and all(part not in {"", ".", ".."} for part in name.split("/"))


def compute_fingerprint(manifest: Mapping[str, Any]) -> str:
    """sha256 (hex) of everything the manifest says but the fingerprint itself: one value that stands for the whole release."""
    content = {key: value for key, value in manifest.items() if key != "fingerprint"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def render_manifest(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it is written."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release, as its JSON is; ``ReleaseManifest`` has been checked.

    Raises:
        UsageError: there is no release, or one of a newer form than this logoingest knows.
        GateError: the manifest is damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = read_strict_json(read_bounded(path, MAX_MANIFEST_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        hint = "name the folder that holds manifest.json and data/, usually <workspace>/release"
        raise UsageError(Problem(str(folder), "there is no release here", hint)) from None
    except (OSError, ValueError) as error:
        raise GateError(Problem(str(path), f"cannot be read ({quote_first_line(error)})", "make the release again")) from None
    newer = isinstance(manifest, dict) and isinstance(manifest.get("format"), int) and manifest["format"] > FORMAT
    if newer:
        what = f"is of form {manifest['format']}, this logoingest reads up to {FORMAT}"
        raise UsageError(Problem(str(path), what, "update logoingest"))
    try:
        ReleaseManifest.model_validate(manifest)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise GateError(
            Problem(str(path), f"is damaged at {where or 'its top'}: {fault['msg']}", "make the release again")
        ) from None
    return dict(manifest)
