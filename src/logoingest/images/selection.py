"""The ``images`` stage: distinct usable pictures, with flags and groups; and what failed to become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from logoingest.config import ImagesConfig
from logoingest.errors import ConfigError, LogoingestError, Problem, suggest_name
from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.ruled import NOTHING_RULED, RuledPairs
from logoingest.images.alike.signatures import stack_signatures
from logoingest.images.distinct import find_distinct, list_in_parts
from logoingest.images.grouping import PartnerFinder, SignatureReader, group_equal_pictures, group_pictures
from logoingest.images.looking.inspection import explain_obstacle
from logoingest.images.looking.quality import FLAGS, describe_flag, raise_flags
from logoingest.images.placeholders import find_listed, read_listed
from logoingest.refusals import Refusal, reject_annotations
from logoingest.schemas import ImageRow, Outcome, Reason, Stage, StageResult


class Selection(NamedTuple):
    """What the stage makes of the downloads."""

    images: StageResult
    copies: pa.Table
    """``CopyRow`` of the pictures kept; empty where near-duplicates are not looked for."""
    unsearched: Unsearched
    """What bounds left out of the search for copies."""


def select_images(
    downloads: pa.Table, annotations: pa.Table, config: ImagesConfig, listed: Mapping[str, str] | None = None
) -> StageResult:
    """The images of ``select_with_copies`` alone."""
    return select_with_copies(downloads, annotations, config, listed).images


def select_with_copies(
    downloads: pa.Table,
    annotations: pa.Table,
    config: ImagesConfig,
    listed: Mapping[str, str] | None = None,
    read_signatures: SignatureReader | None = None,
    *,
    ruled: RuledPairs = NOTHING_RULED,
    find_partners: PartnerFinder | None = None,
) -> Selection:
    """Make ``images`` of the downloads, and ``copies``.

    Args:
        downloads: ``DownloadRow`` without ``bytes`` (``distinct.USED_COLUMNS`` are asked for), and ``shard`` (string) and ``shard_row``
            (int32), where the bytes are.
        annotations: ``AnnotationRow``; url and what ``RejectedRow`` has of it are asked for.
        config: what is refused, and whether near-duplicates are grouped.
        listed: hashes of known placeholders and where they are listed (``placeholders.read_listed``); those of
            ``config.placeholder_sha256`` when left out.
        read_signatures: gives the signatures of some pictures, which are most of the bytes; when left out, ``downloads`` has them.
        ruled: what people said of pictures that show the same, or do not.
        find_partners: see ``group_pictures``.

    Returns:
        kept: ``ImageRow``, one per distinct file, sorted by image_id.
        rejected: ``RejectedRow`` sorted by annotation_id: stage ``fetch`` where the URL failed (the download's reason) or was never
        fetched (``cancelled``); stage ``images`` where the body is no usable picture, or the config refuses it.
        copies: ``CopyRow``: why pictures are in one group.
        unsearched: what bounds left out of that search.

    Raises:
        ConfigError: ``images.reject_flags`` names a flag that does not exist.
        LogoingestError: a download says ok, but what its picture is was never found out.
    """
    _check_flags(config.reject_flags)
    listed = read_listed(config.placeholder_sha256, None) if listed is None else listed
    failed = _explain_failures(downloads, annotations)
    kept, refused = _judge_pictures(find_distinct(downloads), config, listed)
    rejected = pa.concat_tables(
        [
            reject_annotations(annotations, failed, Stage.FETCH, on="url"),
            reject_annotations(annotations, refused, Stage.IMAGES, on="url"),
        ]
    )
    read = read_signatures or (lambda pictures: _take_signatures(downloads, pictures))
    near = config.near_duplicates
    grouping = group_pictures(kept, read, ruled, find_partners) if near else group_equal_pictures(kept, read, ruled)
    images = StageResult(_make_rows(kept, grouping.groups), rejected.sort_by("annotation_id"))
    return Selection(images, grouping.copies, grouping.unsearched)


def _check_flags(names: Iterable[str]) -> None:
    problems = []
    for name in names:
        if name not in FLAGS:
            hint = suggest_name(name, FLAGS, f"known: {', '.join(FLAGS)}")
            problems.append(Problem("dataset.toml: images.reject_flags", f'there is no flag "{name}"', hint))
    if problems:
        raise ConfigError(problems)


def _explain_failures(downloads: pa.Table, annotations: pa.Table) -> dict[str, Refusal]:
    """URL → why there are no bytes."""
    failed = downloads.filter(pc.not_equal(downloads.column("outcome"), Outcome.OK)).select(["url", "reason", "detail"])
    refusals = {row["url"]: Refusal(Reason(row["reason"]), row["detail"]) for row in failed.to_pylist()}
    urls = pc.unique(annotations.column("url"))
    missing = urls.filter(pc.invert(pc.is_in(urls, value_set=downloads.column("url").combine_chunks())))
    never = Refusal(Reason.CANCELLED, "never fetched: run fetch again")
    return refusals | dict.fromkeys(missing.to_pylist(), never)


def _judge_pictures(pictures: pa.Table, config: ImagesConfig, listed: Mapping[str, str]) -> tuple[pa.Table, dict[str, Refusal]]:
    """The pictures that are usable, with their ``flags``, and URL → why another is not."""
    refused: dict[str, Refusal] = {}
    usable: list[bool] = []
    flags = [pa.array([], pa.list_(pa.string()))]
    for rows in list_in_parts(pictures):
        raised = []
        for picture in rows:
            refusal = _judge_picture(picture, config, listed)
            usable.append(refusal is None)
            if refusal is None:
                raised.append(raise_flags(picture))
            else:
                refused.update(dict.fromkeys(picture["urls"], refusal))
        flags.append(pa.array(raised, pa.list_(pa.string())))
    kept = pictures.filter(pa.array(usable, pa.bool_()))
    return kept.append_column("flags", pa.chunked_array(flags)), refused


def _judge_picture(picture: Mapping[str, Any], config: ImagesConfig, listed: Mapping[str, str]) -> Refusal | None:
    where = find_listed(picture, listed)
    if where is not None:
        return Refusal(Reason.PLACEHOLDER, where)
    fault = picture["original_fault"]
    if fault is not None and config.store == "original":
        reason, _, detail = fault.partition(": ")
        return Refusal(Reason(reason), explain_obstacle(Refusal(Reason(reason), detail)))
    if fault is None and picture["image_reason"] is not None:
        return Refusal(Reason(picture["image_reason"]), picture["image_detail"])
    width, height = picture["width"], picture["height"]
    if width is None or picture["hash"] is None:
        raise LogoingestError(Problem(picture["url"], "was downloaded, but never looked at", "run fetch again"))
    if width * height > config.max_pixels:
        return Refusal(Reason.BOMB, f"{width} x {height} pixels are more than images.max_pixels = {config.max_pixels:,}")
    if min(width, height) < config.min_side_px:
        return Refusal(Reason.TOO_SMALL, f"{width} x {height} pixels: images.min_side_px = {config.min_side_px}")
    if picture["damaged"] and config.reject_damaged:
        return Refusal(Reason.DAMAGED, f"{fault or picture['image_detail']} (images.reject_damaged)")
    raised = [name for name in raise_flags(picture) if name in config.reject_flags] if config.reject_flags else []
    if raised:
        return Refusal(Reason.LOW_QUALITY, "; ".join(describe_flag(name, picture) for name in raised) + " (images.reject_flags)")
    return None


def _take_signatures(downloads: pa.Table, pictures: pa.Table) -> NDArray[np.uint8]:
    return stack_signatures(downloads.column("signature").take(pictures.column("row")))


def _make_rows(pictures: pa.Table, groups: Sequence[str]) -> pa.Table:
    """``ImageRow``."""
    schema = ImageRow.arrow_schema()
    given = {"image_id": pictures.column("sha256"), "group_id": pa.array(groups, pa.string())}
    columns = [given[name] if name in given else pictures.column(name) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema).combine_chunks()
