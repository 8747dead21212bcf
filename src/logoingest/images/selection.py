"""The ``images`` stage: distinct usable pictures, with flags and groups; and what failed to become one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import ImagesConfig
from logoingest.errors import ConfigError, LogoingestError, Problem, suggest_name
from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.duplicates import Grouping, group_copies, group_equal
from logoingest.images.looking.inspection import explain_obstacle
from logoingest.images.looking.quality import FLAGS, describe_flag, raise_flags
from logoingest.images.placeholders import find_listed, read_listed
from logoingest.refusals import Refusal, reject_annotations
from logoingest.schemas import FACT_COLUMNS, CopyRow, ImageRow, Outcome, Reason, Stage, StageResult

_USED = ("url", "final_url", "sha256", "byte_count", *FACT_COLUMNS, "shard", "shard_row")


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
    downloads: pa.Table, annotations: pa.Table, config: ImagesConfig, listed: Mapping[str, str] | None = None
) -> Selection:
    """Make ``images`` of the downloads, and ``copies``.

    Args:
        downloads: ``DownloadRow`` without ``bytes``, and ``shard`` (string) and ``shard_row`` (int32), where the bytes are.
        annotations: ``AnnotationRow``.
        config: what is refused, and whether near-duplicates are grouped.
        listed: hashes of known placeholders and where they are listed (``placeholders.read_listed``); those of
            ``config.placeholder_sha256`` when left out.

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
    pictures = find_distinct(downloads)
    refused: dict[str, Refusal] = {}
    kept: list[dict[str, Any]] = []
    for picture in pictures:
        refusal = _judge_picture(picture, config, listed)
        if refusal is None:
            kept.append(picture)
        else:
            refused.update(dict.fromkeys(picture["urls"], refusal))
    rejected = pa.concat_tables(
        [
            reject_annotations(annotations, failed, Stage.FETCH, on="url"),
            reject_annotations(annotations, refused, Stage.IMAGES, on="url"),
        ]
    )
    images, grouping = _make_rows(kept, config)
    return Selection(StageResult(images, rejected.sort_by("annotation_id")), grouping.copies, grouping.unsearched)


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


def find_distinct(downloads: pa.Table) -> list[dict[str, Any]]:
    """One row a file (sha256), sorted by it: that of its first URL, with all URLs and where most of them were redirected to.

    Raises:
        LogoingestError: a download says ok, but has no sha256.
    """
    arrived = downloads.filter(pc.equal(downloads.column("outcome"), Outcome.OK)).select(_USED).sort_by("url")
    urls: dict[str, list[str]] = defaultdict(list)
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[str, int] = {}
    columns = (arrived.column(name).to_pylist() for name in ("sha256", "url", "final_url"))
    for row, (sha256, url, final_url) in enumerate(zip(*columns, strict=True)):
        if sha256 is None:
            raise LogoingestError(Problem(url, "was downloaded, but has no sha256", "run fetch again"))
        urls[sha256].append(url)
        if final_url and simplify_address(final_url) != simplify_address(url):
            ends[sha256][final_url] += 1
        first.setdefault(sha256, row)
    order = sorted(first)
    rows: list[dict[str, Any]] = arrived.take(pa.array([first[sha256] for sha256 in order], pa.int64())).to_pylist()
    return [row | {"urls": urls[sha256], **_name_end(ends.get(sha256))} for sha256, row in zip(order, rows, strict=True)]


def simplify_address(url: str) -> str:
    """A URL without what redirects change for no reason of the picture's: scheme, www., a last slash, the fragment."""
    return url.partition("#")[0].rpartition("://")[2].removeprefix("www.").rstrip("/").lower()


def _name_end(ends: Counter[str] | None) -> dict[str, Any]:
    if not ends:
        return {"redirect_url": None, "redirected": None}
    count, url = min((-count, url) for url, count in ends.items())
    return {"redirect_url": url, "redirected": -count}


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


def _make_rows(pictures: Sequence[Mapping[str, Any]], config: ImagesConfig) -> tuple[pa.Table, Grouping]:
    ids = [picture["sha256"] for picture in pictures]
    pixel_hashes = [picture["pixel_hash"] for picture in pictures]
    if config.near_duplicates:
        grouping = group_copies(ids, [picture["signature"] for picture in pictures], pixel_hashes)
    else:
        grouping = Grouping(group_equal(ids, pixel_hashes), CopyRow.empty_table())
    images = ImageRow.table(
        {**picture, "image_id": image_id, "group_id": group, "flags": raise_flags(picture)}
        for picture, image_id, group in zip(pictures, ids, grouping.groups, strict=True)
    )
    return images, grouping
