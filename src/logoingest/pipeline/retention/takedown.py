"""Takedown: a picture goes from everything the dataset holds, and never comes back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.pipeline.retention.remaking import make_again
from logoingest.pipeline.retention.shards import Chosen, choose_rows, remove_rows
from logoingest.pipeline.retention.tombstones import (
    Tombstone,
    Tombstones,
    find_taken,
    hash_url,
    read_tombstones,
    write_tombstones,
)
from logoingest.pipeline.session import Run
from logoingest.release.keeping.publishing import push_release
from logoingest.release.keeping.withdrawing import IsTaken, holds_taken, names_taken, withdraw_from_target, withdraw_releases
from logoingest.schemas import Stage

#: What a training left: its weights, worst mistakes and references were made of the pictures.
_TRAINED = ("baseline", "baseline.unfinished")
#: Records of earlier trainings show their worst mistakes and list every picture, whichever release these were of.
_RECORDS = ("runs", "baseline.checkpoint")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")


class Takedown(NamedTuple):
    """What is to be taken down: URLs however spelled, hosts with their subdomains, pictures by their image_id."""

    urls: Sequence[str] = ()
    hosts: Sequence[str] = ()
    image_ids: Sequence[str] = ()
    copies: bool = False
    """Whether the copies of these pictures, cut, turned or saved again, go with them."""
    why: str | None = None
    by: str | None = None


class TakenDown(NamedTuple):
    """What a takedown took, or would take."""

    urls: int
    """Of the sources' URLs, those that are refused from now on because of it."""
    pictures: int
    """Distinct pictures (image_id) that were there."""
    bytes: int
    """Of their bodies in the downloads."""
    releases: Sequence[str]
    """Earlier releases that held one of them and are gone: folders of the workspace, and of the targets."""
    trained: bool
    """Whether a baseline had learned from them and is gone; train again."""
    unmatched: Sequence[str] = ()
    """What was named, as it was given, and matches nothing here: misspelled, or gone before; it is on the list all the same."""


def take_down(run: Run, takedown: Takedown, targets: Sequence[str] = (), *, dry_run: bool = False) -> TakenDown:
    """Take pictures out of everything this dataset holds, and see to it that they never come back.

    The bytes go from the downloads, from every table, the release and the report, which are made again without them; earlier releases
    that hold them are removed whole, since a release is never edited, here and at the ``targets``, after the new one was pushed there. A
    URL's picture goes with it, wherever else it came from. ``takedowns.json`` keeps hashes only. Nothing is asked of the network.
    Killed at any moment, it is finished by doing it again.

    Args:
        run: a run that holds the workspace.
        takedown: what is meant. An empty one only sees to it that everything on the list is gone.
        targets: places that releases were pushed to.
        dry_run: say what would go, and change nothing.

    Raises:
        UsageError: what should be a host or an image_id is none.
        GateError: the new release cannot be pushed; earlier ones are still there.
    """
    named = _name_all(takedown)
    chosen, tombstones = _find_everything(run, read_tombstones(run.workspace).add(named.values()), takedown)
    listed = find_taken(run.workspace.read_table("annotations", ["url"]).column("url"), tombstones)
    is_taken = partial(_is_taken, tombstones, tombstones.pictures)
    has_trained = run.workspace.exists("baseline") and holds_taken(run.workspace, "release", is_taken)
    pictures = {value for entry in chosen for value in entry.facts.column("sha256").to_pylist() if value in tombstones.pictures}
    unmatched = _list_unmatched(
        named, [*listed, *(url for entry in chosen for url in entry.facts.column("url").to_pylist())], pictures
    )
    found = TakenDown(len(listed), len(pictures), sum(entry.byte_count for entry in chosen), (), has_trained, unmatched)
    if dry_run:
        return found
    write_tombstones(run.workspace, tombstones)
    remove_rows(run, chosen)
    for record in _RECORDS if pictures else ():
        run.workspace.remove(record)
    if has_trained:
        _forget_training(run)
    make_again(run)
    _remove_holding(run, is_taken)
    gone = withdraw_releases(run.workspace, is_taken)
    for target in targets:
        gone += _withdraw(run, target, is_taken)
    return found._replace(releases=gone)


def _is_taken(tombstones: Tombstones, pictures: frozenset[str], kind: str, value: str) -> bool:
    return value in pictures if kind == "picture" else tombstones.find(value) is not None


def _name_all(takedown: Takedown) -> dict[str, Tombstone]:
    """What was named, as it was given, and its tombstone."""
    problems = [
        Problem(f"--image {value[:80]}", "is no image_id", "64 hex digits: explain --url tells a picture's")
        for value in takedown.image_ids
        if not _IMAGE_ID.fullmatch(value)
    ]
    hosts = {}
    for host in takedown.hosts:
        found = parse_target(f"https://{host}/")
        if isinstance(found, Target) and not found.path.strip("/"):
            hosts[host] = found.host
        else:
            problems.append(Problem(f"--host {host[:80]}", "is no host name", "as in photos.example.org"))
    if problems:
        raise UsageError(problems)
    stones = [
        *_bury("url", [hash_url(url) for url in takedown.urls], takedown),
        *_bury("host", hosts.values(), takedown),
        *_bury("picture", takedown.image_ids, takedown),
    ]
    return dict(zip([*takedown.urls, *hosts, *takedown.image_ids], stones, strict=True))


def _list_unmatched(named: Mapping[str, Tombstone], urls: Iterable[str], pictures: Collection[str]) -> list[str]:
    """Of these, those that none of the URLs and pictures that are taken down goes by."""
    kinds = [Tombstones(stone for stone in named.values() if stone.kind == kind) for kind in ("url", "host")]
    met = {stone for url in urls for kind in kinds if (stone := kind.find(url)) is not None}
    return [given for given, stone in named.items() if stone not in met and stone.value not in pictures]


def _bury(kind: Literal["url", "host", "picture"], values: Iterable[str], takedown: Takedown) -> list[Tombstone]:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return [Tombstone(kind=kind, value=value, at=at, by=takedown.by, why=takedown.why) for value in values]


def _find_everything(run: Run, tombstones: Tombstones, takedown: Takedown) -> tuple[list[Chosen], Tombstones]:
    """The rows of all that is taken down; and with the rest, the pictures that the URLs gave and the URLs that gave the pictures."""
    known = choose_rows(run, partial(_choose, tombstones))
    pictures = _list_pictures(run, known)
    if takedown.copies:
        pictures |= _list_copies(run, pictures)
    tombstones = tombstones.add(_bury("picture", sorted(pictures), takedown))
    chosen = choose_rows(run, partial(_choose, tombstones))
    urls = sorted({url for entry in chosen for url in entry.facts.column("url").to_pylist()})
    served = _bury("url", (hash_url(url) for url in urls if tombstones.find(url) is None), takedown)
    return chosen, tombstones.add([*_bury("picture", sorted(_list_pictures(run, chosen)), takedown), *served])


def _choose(tombstones: Tombstones, facts: pa.Table) -> pa.Array:
    urls = pa.array([tombstones.find(url) is not None for url in facts.column("url").to_pylist()], pa.bool_())
    pictures = pa.array(sorted(tombstones.pictures), pa.string())
    shown = pc.or_(pc.is_in(facts.column("sha256"), pictures), pc.is_in(facts.column("pixel_hash"), pictures))
    return pc.or_(urls, shown)


def _list_pictures(run: Run, chosen: Iterable[Chosen]) -> set[str]:
    """Hashes of the bytes and of the pixels of usable pictures; what a host serves where a photo is gone is nobody's picture."""
    rows = [row for entry in chosen for row in entry.facts.select(["sha256", "pixel_hash", "image_reason"]).to_pylist()]
    table = run.workspace.read_table("placeholders", ["image_id"]) if run.workspace.has_table("placeholders") else None
    placeholders = set() if table is None else set(table.column("image_id").to_pylist())
    usable = [row for row in rows if row["image_reason"] is None and row["sha256"] not in placeholders]
    return {row[name] for row in usable for name in ("sha256", "pixel_hash") if row[name] is not None}


def _list_copies(run: Run, pictures: Collection[str]) -> set[str]:
    """image_ids of all pictures in the groups of these."""
    if not run.workspace.has_table("images"):
        return set()
    images = run.workspace.read_table("images", ["image_id", "group_id"])
    mine = images.filter(pc.is_in(images.column("image_id"), pa.array(sorted(pictures), pa.string())))
    members = images.filter(pc.is_in(images.column("group_id"), pc.unique(mine.column("group_id"))))
    return set(members.column("image_id").to_pylist())


def _forget_training(run: Run) -> None:
    for folder in _TRAINED:
        run.workspace.remove(folder)
    run.workspace.record_stage(Stage.TRAIN, None)


def _remove_holding(run: Run, is_taken: IsTaken) -> None:
    """Files that no stage makes, such as embeddings: they can be had again. What a stage has made anew names hashes at most."""
    workspace = run.workspace
    made = {name for record in workspace.read_manifest().stages.values() for name in record.outputs}
    for folder in ("tables", "embeddings"):
        for path in workspace.filesystem.find(workspace.path(folder)):
            name = str(path).removeprefix(f"{workspace.root}/")
            if name not in made and names_taken(workspace, str(path), is_taken):
                workspace.remove(name)


def _withdraw(run: Run, target: str, is_taken: IsTaken) -> list[str]:
    if run.workspace.exists("release"):
        with run.workspace.local_copy("release") as folder:
            push_release(folder, target)
    return [f"{target.rstrip('/')}/{folder}" for folder in withdraw_from_target(target, is_taken)]
