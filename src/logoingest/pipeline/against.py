"""Our pictures against other datasets: an earlier release, a public dataset. Their fingerprints are made once and kept.

Fingerprints lie in ``fingerprints/<hash>.parquet`` of the workspace, named by the hash of the content they were made of: a piece of
a dataset (a Parquet file, or some hundred image files) that has not changed is hashed, but not decoded again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.config import Config
from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.files.parquet import choose_parquet_options
from logoingest.images.alike.against import OURS_SCHEMA, Comparison, Found, Ours, Theirs, find_saved_again
from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.elsewhere import PRINT_SCHEMA, Piece, fingerprint_piece, hash_listing, hash_piece, list_pieces
from logoingest.images.alike.neighbours import Fingerprints
from logoingest.images.alike.signatures import gather_signatures
from logoingest.pipeline.session import Run
from logoingest.plain_json import JsonName, Rows
from logoingest.refusals import Refusal, reject_annotations
from logoingest.release import Release, Violation
from logoingest.schemas import AgainstRow, Likeness, Reason, Stage, StageResult
from logoingest.workers import Workers
from logoingest.workspace import Workspace
from logoingest.workspace.downloads import iterate_column

#: The table of what is alike, and the folder of others' fingerprints.
AGAINST = "against"
FINGERPRINTS = "fingerprints"
#: Rows of fingerprints that are compared at once.
_ROWS_AT_ONCE = 8_192

#: Told how many pieces of another dataset are done, of how many, and its name.
Teller = Callable[[int, int, str], None]


class Other(NamedTuple):
    """What came of one other dataset."""

    name: str
    pictures: int
    unusable: int
    pairs: int
    alike: int
    """Our pictures that are in a pair."""
    leaks: int
    """Our pictures that leak."""
    unsearched: Unsearched
    """What bounds left out of the search for copies."""


class Against(NamedTuple):
    """What came of all of them."""

    compared: Annotated[int, JsonName("pictures")]
    """Our pictures."""
    pairs: Annotated[pa.Table, Rows(AgainstRow)]
    """Dataset by dataset."""
    others: list[Other]


def list_others(config: Config) -> dict[str, str]:
    """The datasets that ``images.against`` names: name → path or URL."""
    return {path: path if "://" in path else str(config.resolve(path)) for path in config.images.against}


def hash_others(config: Config) -> str:
    """Hash of the listings of ``list_others``; "" where one of them cannot be read, which the images stage will say."""
    try:
        return hash_listing(list(list_others(config).values()))
    except UsageError:
        return ""


def compare_datasets(run: Run, others: Mapping[str, str]) -> Against:
    """Compare the workspace's usable pictures with other datasets and write ``tables/against.parquet``.

    Args:
        run: must hold the lease.
        others: name → local path or URL, see ``images.alike.elsewhere.list_pieces``.

    Raises:
        UsageError: the images stage has not run, or another dataset cannot be read.
    """
    if not others:
        raise UsageError(
            Problem("duplicates", "nothing to compare with", "name it: --against PATH, or images.against in dataset.toml")
        )
    if not run.workspace.has_table("images"):
        raise UsageError(
            Problem(run.workspace.url, "the images stage has not run here", "first: logoingest run CONFIG --until images")
        )
    images = run.workspace.read_table("images", ["image_id", "pixel_hash", "shard", "shard_row"])
    found = _compare(_gather_ours(run.workspace, images), others, run.workspace, run.config.images.max_pixels, _tell(run))
    run.workspace.write_table(AGAINST, found.pairs)
    return found


def find_shared_pictures(
    release: Release, others: Mapping[str, str], workspace: Workspace, max_pixels: int, apart: Collection[tuple[str, str]] = ()
) -> list[Violation]:
    """Two laws on the release's pictures themselves, whatever its tables say of them.

    ``splits_apart``: no picture is in two splits, saved again, but for two that a person ruled not to be the same (``apart``, the
    smaller image_id first); ``apart_from_others``: none is in one split of the release and in
    another of the datasets named.

    Raises:
        UsageError: another dataset cannot be read.
    """
    pieces = list_pieces(str(release.path)) if any(release.splits.values()) else []
    parts = (_name_ours(part) for part in _iterate_prints(workspace, pieces, max_pixels))
    ours = Ours.gather(parts)
    violations = _describe_saved_again(ours, _rename_pairs(workspace, pieces, max_pixels, apart))
    if others:
        found = _compare(ours, others, workspace, max_pixels)
        violations += [violation for other in found.others if (violation := _describe_leaks(other, found.pairs)) is not None]
    return violations


def make_leak_check(
    others: Mapping[str, str],
    max_pixels: int,
    deep: bool,
    workspace: Workspace | None = None,
    apart: Collection[tuple[str, str]] = (),
) -> Callable[[Release], list[Violation]] | None:
    """``find_shared_pictures`` for ``verify_release``; None where that is quick and names nothing.

    Without a workspace no fingerprint is kept.

    A dataset that cannot be read raises here already.
    """
    if not others and not deep:
        return None
    for path in others.values():
        list_pieces(path)

    def check(release: Release) -> list[Violation]:
        if workspace is not None:
            return find_shared_pictures(release, others, workspace, max_pixels, apart)
        with tempfile.TemporaryDirectory(prefix="logoingest-") as folder:
            return find_shared_pictures(release, others, Workspace(folder), max_pixels, apart)

    return check


def refuse_known(run: Run, images: StageResult, annotations: pa.Table) -> StageResult:
    """Take the pictures out of the ``images`` stage's result that are alike with any of the datasets ``images.against`` names.

    Raises:
        UsageError: another dataset cannot be read.
    """
    ours = _gather_ours(run.workspace, images.kept)
    pairs = _compare(ours, list_others(run.config), run.workspace, run.config.images.max_pixels, _tell(run)).pairs
    known = {pair["image_id"]: f"{pair['other']}: {_describe_pair(pair)}" for pair in reversed(pairs.to_pylist())}
    is_known = pc.is_in(images.kept.column("image_id"), value_set=pa.array(known, pa.string()))
    gone = images.kept.filter(is_known).select(["image_id", "urls"]).to_pylist()
    refusals = {url: Refusal(Reason.KNOWN_ELSEWHERE, known[row["image_id"]]) for row in gone for url in row["urls"]}
    rejected = pa.concat_tables([images.rejected, reject_annotations(annotations, refusals, Stage.IMAGES, on="url")])
    return StageResult(images.kept.filter(pc.invert(is_known)), rejected.sort_by("annotation_id"))


def _compare(
    ours: Ours, others: Mapping[str, str], workspace: Workspace, max_pixels: int, tell: Teller = lambda *_: None
) -> Against:
    comparison = Comparison(ours)
    found = {
        name: comparison.compare(name, _iterate_theirs(workspace, path, max_pixels, lambda done, total: tell(done, total, name)))  # noqa: B023  # used within the turn
        for name, path in others.items()
    }
    pairs = pa.concat_tables([AgainstRow.empty_table(), *(one.pairs for one in found.values())])
    return Against(ours.table.num_rows, pairs, [_count_pairs(name, one) for name, one in found.items()])


def _count_pairs(name: str, found: Found) -> Other:
    leaks = found.pairs.filter(found.pairs.column("leak"))
    alike, leaking = (len(pc.unique(table.column("image_id"))) for table in (found.pairs, leaks))
    return Other(name, found.pictures, found.unusable, found.pairs.num_rows, alike, leaking, found.unsearched)


def _gather_ours(workspace: Workspace, images: pa.Table) -> Ours:
    """The fingerprints of ``images`` and, as far as it is known, the split of each."""
    splits: dict[str, str] = {}
    if workspace.has_table("splits"):
        table = workspace.read_table("splits", ["image_id", "split"])
        splits = dict(zip(table.column("image_id").to_pylist(), table.column("split").to_pylist(), strict=True))
    ids = images.column("image_id")
    split = pa.array([splits.get(image_id) for image_id in ids.to_pylist()], pa.string())
    table = pa.table({"image_id": ids, "split": split, "pixel_hash": images.column("pixel_hash")})
    return Ours(table, Fingerprints.make(gather_signatures(images, iterate_column(workspace, "signature"))))


def _iterate_theirs(workspace: Workspace, path: str, max_pixels: int, tell: Callable[[int, int], None]) -> Iterator[Theirs]:
    pieces = list_pieces(path)
    yield from _iterate_prints(workspace, pieces, max_pixels, lambda number: tell(number, len(pieces)))
    tell(len(pieces), len(pieces))


def _iterate_prints(
    workspace: Workspace, pieces: Sequence[Piece], max_pixels: int, tell: Callable[[int], None] = lambda _: None
) -> Iterator[Theirs]:
    """The fingerprints of pieces, made first where the workspace has none, some thousand rows at a time."""
    with Workers(sum(piece.rows for piece in pieces)) as workers:
        for number, piece in enumerate(pieces):
            tell(number)
            name = f"{FINGERPRINTS}/{hash_piece(piece, max_pixels)}.parquet"
            if not workspace.exists(name):
                _write_prints(workspace, name, fingerprint_piece(piece, max_pixels, workers))
            yield from _read_prints(workspace, name, piece)


def _read_prints(workspace: Workspace, name: str, piece: Piece) -> Iterator[Theirs]:
    start = 0
    try:
        with workspace.filesystem.open(workspace.path(name), "rb") as file:
            parquet = pq.ParquetFile(file)
            for index in range(parquet.num_row_groups):  # iter_batches would keep what it has read
                prints = parquet.read_row_group(index)
                rows = range(start, start + prints.num_rows)
                yield Theirs(prints, [piece.name_row(row) for row in rows], [piece.guess_split(row) for row in rows])
                start += prints.num_rows
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(Problem(workspace.path(name), f"is damaged ({error})", "remove it and run again")) from error


def _write_prints(workspace: Workspace, name: str, prints: Iterable[pa.RecordBatch]) -> None:
    file = workspace.start_file(name)
    try:
        with file.explain_errors(), pq.ParquetWriter(file.path, PRINT_SCHEMA, **choose_parquet_options(PRINT_SCHEMA)) as writer:
            waiting: list[pa.RecordBatch] = []
            for batch in prints:
                waiting.append(batch)
                if sum(part.num_rows for part in waiting) >= _ROWS_AT_ONCE:
                    writer.write_table(pa.Table.from_batches(waiting))
                    waiting = []
            writer.write_table(pa.Table.from_batches(waiting, PRINT_SCHEMA))
        file.publish()
    finally:
        file.discard()


def _name_ours(part: Theirs) -> pa.Table:
    """A release's own pictures as ``OURS_SCHEMA``; those that do not decode break another law."""
    columns = {"image_id": part.prints.column("sha256"), "split": pa.array(part.splits, pa.string())}
    columns |= {name: part.prints.column(name) for name in ("pixel_hash", "signature")}
    table = pa.table([columns[name] for name in OURS_SCHEMA.names], schema=OURS_SCHEMA)
    return table.filter(pc.is_valid(table.column("signature")))


def _rename_pairs(
    workspace: Workspace, pieces: Sequence[Piece], max_pixels: int, pairs: Collection[tuple[str, str]]
) -> set[frozenset[str]]:
    """Pairs of image_ids as pairs of the sha256 that the release's files have: a picture may have been saved anew."""
    wanted = {image_id for pair in pairs for image_id in pair}
    renamed: dict[str, str] = {}
    for piece in pieces if wanted else ():
        prints = (part.prints.column("sha256").to_pylist() for part in _iterate_prints(workspace, [piece], max_pixels))
        sha256 = [value for part in prints for value in part]
        with piece.filesystem.open(piece.paths[0], "rb") as file:
            ids = pq.read_table(file, columns=["image_id"]).column("image_id").to_pylist()
        renamed.update((image_id, value) for image_id, value in zip(ids, sha256, strict=True) if image_id in wanted and value)
    return {frozenset((renamed[one], renamed[other])) for one, other in pairs if one in renamed and other in renamed}


def _describe_saved_again(ours: Ours, apart: Collection[frozenset[str]]) -> list[Violation]:
    ids = ours.table.column("image_id").to_pylist()
    pairs = [pair for pair in find_saved_again(ours) if frozenset(ids[row] for row in pair) not in apart]
    if not pairs:
        return []
    one, other = (ours.table.slice(row, 1).select(["image_id", "split"]).to_pylist()[0] for row in pairs[0])
    example = f"{one['image_id']} ({one['split']}) and {other['image_id']} ({other['split']})"
    return [
        Violation(
            "splits_apart",
            "data",
            f"{len(pairs):,} pictures are in two splits, saved again, turned or cropped; for example {example}",
        )
    ]


def _describe_leaks(other: Other, pairs: pa.Table) -> Violation | None:
    if not other.leaks:
        return None
    leaks = pairs.filter(pc.and_(pc.equal(pairs.column("other"), other.name), pairs.column("leak")))
    first = leaks.slice(0, 1).to_pylist()[0]
    what = (
        f"{other.leaks:,} pictures are in another split there than here, or in one that is not told; for example {first['image_id']} "
        f"({first['split']}) is {_describe_pair(first)}"
    )
    return Violation("apart_from_others", other.name, what)


def _describe_pair(pair: Mapping[str, object]) -> str:
    kind = str(pair["kind"]).replace("_", " ")
    how = f"{kind}, {pair['transformation']}, r {pair['correlation']:.3f}" if pair["kind"] == Likeness.NEAR else kind
    return f"{pair['other_name']} ({pair['other_split'] or 'split unknown'}; {how})"


def _tell(run: Run) -> Teller:
    return lambda done, total, name: run.progress(
        Stage.IMAGES, done, total, f"fingerprints of {os.path.basename(name.rstrip('/'))}"
    )


def verify_folder(folder: Path, deep: bool, others: Mapping[str, str]) -> list[Violation]:
    """``release.verify_release`` of a release folder without a workspace, with the law ``apart_from_others`` towards ``others``."""
    from logoingest.config import ImagesConfig
    from logoingest.release import verify_release

    return verify_release(folder, deep, make_leak_check(others, ImagesConfig().max_pixels, deep))
