"""What was taken down, so that it never comes back: ``<workspace>/takedowns.json``.

A URL stands there by the hash of the request it leads to, a picture by the hashes of its bytes and of its pixels: from the list nobody
learns where something lay. A host stands there by its name. Every stage that meets a URL or a body asks here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from logoingest.errors import Problem, WorkspaceError
from logoingest.fetch import Inspect
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.pipeline.spec import TAKEDOWNS_FILE
from logoingest.refusals import Refusal, reject_annotations
from logoingest.schemas import Reason, RejectedRow, Stage
from logoingest.workspace import Workspace

_HOST = r"^[^\s/?#@\\]{1,253}$"


class Tombstone(BaseModel):
    """One thing that was taken down: when (UTC, ISO 8601), by whom and why, as far as that was said."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["url", "host", "picture"]
    value: Annotated[str, Field(pattern=_HOST)]
    """A URL: sha256 of the request; a host: its name, subdomains count; a picture: sha256 of its bytes, or its pixel hash."""
    at: str
    by: str | None = None
    why: str | None = None


class _TombstoneList(BaseModel):
    format: Literal[1] = 1
    takedowns: tuple[Tombstone, ...] = ()


class Tombstones:
    """Everything that was taken down, to be asked by what is met."""

    def __init__(self, listed: Iterable[Tombstone] = ()) -> None:
        self.listed = tuple(sorted(set(listed), key=lambda stone: (stone.at, stone.kind, stone.value)))
        kinds: dict[str, dict[str, Tombstone]] = {"url": {}, "host": {}, "picture": {}}
        for stone in self.listed:
            kinds[stone.kind].setdefault(stone.value, stone)
        self._urls, self._hosts, self._pictures = kinds.values()

    def __bool__(self) -> bool:
        return bool(self.listed)

    def find(self, url: str) -> Tombstone | None:
        """The tombstone of a URL or of its host; how the URL is spelled does not matter."""
        if not self._urls and not self._hosts:
            return None
        found = parse_target(url)
        if (stone := self._urls.get(_hash_request(found, url))) is not None or not isinstance(found, Target):
            return stone
        labels = found.host.split(".")
        names = (".".join(labels[start:]) for start in range(len(labels)))
        return next((self._hosts[name] for name in names if name in self._hosts), None)

    @property
    def pictures(self) -> frozenset[str]:
        """Hashes of bytes and of pixels."""
        return frozenset(self._pictures)

    def add(self, more: Iterable[Tombstone]) -> Tombstones:
        """These and others; what is listed already stays as it is."""
        known = {(stone.kind, stone.value) for stone in self.listed}
        return Tombstones([*self.listed, *(stone for stone in more if (stone.kind, stone.value) not in known)])


def hash_url(url: str) -> str:
    """sha256 of the request that a URL leads to: host, port, path and query; http and https are one."""
    return _hash_request(parse_target(url), url)


def _hash_request(found: object, url: str) -> str:
    text = found.url.partition("://")[2] if isinstance(found, Target) else url
    return hashlib.sha256(text.encode()).hexdigest()


def read_tombstones(workspace: Workspace) -> Tombstones:
    """The list of a workspace; an empty one where nothing was taken down.

    Raises:
        WorkspaceError: it is damaged. Nothing may go on then: what must not come back could.
    """
    if not workspace.exists(TAKEDOWNS_FILE):
        return Tombstones()
    try:
        return Tombstones(_TombstoneList.model_validate_json(workspace.read_bytes(TAKEDOWNS_FILE)).takedowns)
    except ValidationError as error:
        what = f"is damaged ({error.errors()[0]['msg']})"
        raise WorkspaceError(
            Problem(workspace.path(TAKEDOWNS_FILE), what, "restore it: what was taken down stands there")
        ) from None


def write_tombstones(workspace: Workspace, tombstones: Tombstones) -> None:
    """Replace the list of a workspace."""
    document = _TombstoneList(takedowns=tombstones.listed).model_dump()
    workspace.write_bytes(TAKEDOWNS_FILE, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def refuse_rows(kept: pa.Table, rejected: pa.Table, tombstones: Tombstones) -> tuple[pa.Table, pa.Table]:
    """Annotations and refused source rows without what was taken down: its rows are refused, and their URLs are not repeated.

    Args:
        kept: ``annotations``; alternative URLs that were taken down are left out of the others' rows.
        rejected: ``RejectedRow`` rows of the sources.
        tombstones: what was taken down.
    """
    if not tombstones:
        return kept, rejected
    taken = find_taken(kept.column("url"), tombstones)
    refusals = {url: Refusal(Reason.TAKEN_DOWN, f"on {stone.at[:10]}") for url, stone in taken.items()}
    mine = _forget_urls(reject_annotations(kept, refusals, Stage.ANNOTATIONS, on="url"))
    others = _forget_urls(rejected, find_taken(rejected.column("url"), tombstones))
    is_kept = pc.invert(pc.is_in(kept.column("url"), value_set=pa.array(list(taken), pa.string())))
    return _drop_alternatives(kept.filter(is_kept), tombstones), pa.concat_tables([others, mine])


def find_taken(urls: pa.ChunkedArray, tombstones: Tombstones) -> dict[str, Tombstone]:
    """Those of the URLs (strings, nulls left out) that were taken down."""
    found = ((url, tombstones.find(url)) for url in pc.drop_null(pc.unique(urls)).to_pylist())
    return {url: stone for url, stone in found if stone is not None}


def _forget_urls(rejected: pa.Table, urls: Iterable[str] | None = None) -> pa.Table:
    """Refused rows without their URLs, all or these."""
    column = rejected.column("url")
    is_told = pa.scalar(True) if urls is None else pc.is_in(column, value_set=pa.array(list(urls), pa.string()))
    blank = pc.if_else(is_told, pa.scalar(None, pa.string()), column)
    place = RejectedRow.arrow_schema().get_field_index("url")
    return rejected.set_column(place, rejected.schema.field(place), blank)


def _drop_alternatives(kept: pa.Table, tombstones: Tombstones) -> pa.Table:
    column = kept.column("alternative_urls")
    if column.null_count == len(column):
        return kept
    taken = find_taken(pa.chunked_array([chunk.flatten() for chunk in column.chunks], pa.string()), tombstones)
    if not taken:
        return kept
    left = [None if urls is None else [url for url in urls if url not in taken] or None for urls in column.to_pylist()]
    place = kept.schema.get_field_index("alternative_urls")
    return kept.set_column(place, kept.schema.field(place), pa.array(left, kept.schema.field(place).type))


def guard_inspection(inspect: Inspect, tombstones: Tombstones) -> Inspect:
    """``inspect``, but for bodies that were taken down: they are ``taken_down``, under whatever URL they come again."""
    pictures = tombstones.pictures
    return partial(_inspect_guarded, inspect, pictures) if pictures else inspect


def _inspect_guarded(inspect: Callable[[bytes], Mapping[str, Any]], pictures: frozenset[str], body: bytes) -> Mapping[str, Any]:
    if hashlib.sha256(body).hexdigest() in pictures:
        return _REFUSED
    facts = inspect(body)
    return _REFUSED if facts.get("pixel_hash") in pictures else facts


_REFUSED: Mapping[str, Any] = {"image_reason": Reason.TAKEN_DOWN.value, "image_detail": "this picture was taken down"}
