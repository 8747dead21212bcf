"""What changed since the release before this one: added, removed, relabelled; moved, which must be none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from logoingest.errors import LogoingestError
from logoingest.release import open_release
from logoingest.release.keeping.comparison import Placed, ReleaseDiff, compare_releases, count_transitions
from logoingest.release.keeping.versions import RELEASE_FOLDER, locate_versions
from logoingest.report.material import Material, index_rows
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.wording import spell_count

_MOST_RELABELLED = 20
_MOST_ROWS = 30


def gather_changes(material: Material) -> PageContents:
    """The difference between ``release/`` and the last release that was kept before it."""
    workspace = material.workspace
    try:
        versions = locate_versions(workspace)
        earlier = [(entry.version, entry.folder) for entry in versions[:-1] if entry.folder is not None]
        facts = {"version": versions[-1].version if versions else None, "before": earlier[-1][0] if earlier else None}
        if not earlier:
            return PageContents({"changes": {**facts, "kind": "gone" if len(versions) > 1 else "first"}})
        if not workspace.is_local:  # comparing would copy both releases, pictures and all
            return PageContents({"changes": {**facts, "kind": "remote"}})
        folders = (workspace.local_path(earlier[-1][1]), workspace.local_path(RELEASE_FOLDER))
        diff = compare_releases(*map(open_release, folders))
    except LogoingestError as error:  # an earlier release that somebody broke must not cost today's report
        return PageContents({"changes": {"kind": "broken", "why": str(error)}})
    relabelled = _list_relabelled(material, diff)
    notices = []
    if diff.moved:
        notices.append(
            Notice(f"{spell_count(len(diff.moved), 'picture', 'pictures')} changed split since v{facts['before']}", "changes")
        )
    if diff.relabelled:
        notices.append(
            Notice(
                f"{spell_count(len(diff.relabelled), 'picture', 'pictures')} changed class since v{facts['before']}",
                "changes",
                grave=False,
            )
        )
    told = {"changes": {**facts, "kind": "diff", **_describe(diff), "relabelled": relabelled}}
    return PageContents(told, [[row["image_id"]] for row in relabelled], notices)


def _describe(diff: ReleaseDiff) -> dict[str, Any]:
    changed = sorted(diff.counts, key=lambda change: -abs(change.after - change.before))
    return {
        "figures": {
            "same": diff.same, "added": len(diff.added), "removed": len(diff.removed), "relabelled": len(diff.relabelled),
            "moved": len(diff.moved),
        },
        "empty": diff.is_empty,
        "moved": [move._asdict() for move in diff.moved[:_MOST_ROWS]],
        "added": _count_placed(diff.added),
        "removed": _count_placed(diff.removed),
        "transitions": count_transitions(diff)[:_MOST_ROWS],
        "classes_added": diff.classes_added[:_MOST_ROWS],
        "classes_removed": diff.classes_removed[:_MOST_ROWS],
        "renamed": [change._asdict() for change in diff.classes_renamed[:_MOST_ROWS]],
        "renumbered": diff.labels_renumbered,
        "splits": diff.splits,
        "counts": [change._asdict() for change in changed[:_MOST_ROWS]],
        "counts_left_out": max(0, len(changed) - _MOST_ROWS),
    }  # fmt: skip


def _count_placed(placed: Iterable[Placed]) -> list[tuple[str, int]]:
    """The classes of most of these pictures; one of several classes counts for each."""
    found = Counter(class_id for picture in placed for class_id in picture.class_ids)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ROWS]


def _list_relabelled(material: Material, diff: ReleaseDiff) -> list[dict[str, Any]]:
    """A few of each kind of change, the kinds in turns, so that a frequent one does not hide the others."""
    rank: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    ordered = []
    for change in diff.relabelled:
        rank[change.before, change.after] += 1
        ordered.append((rank[change.before, change.after], change))
    chosen = [change for _, change in sorted(ordered, key=lambda entry: (entry[0], entry[1].image_id))[:_MOST_RELABELLED]]
    images = index_rows(material.images.select(["image_id", "urls"]), [change.image_id for change in chosen])
    return [{**change._asdict(), "urls": images.get(change.image_id, {}).get("urls", [])[:1]} for change in chosen]
