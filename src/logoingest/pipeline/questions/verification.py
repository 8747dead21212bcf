"""Is the release sound? Reopened as its readers would, and held against what the workspace wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from logoingest.errors import GateError
from logoingest.pipeline.ledger import check_law, collect_ledger
from logoingest.pipeline.session import Run
from logoingest.schemas import Stage
from logoingest.workspace import FileRecord, hash_file

if TYPE_CHECKING:
    from logoingest.release import Violation


def verify(run: Run, deep: bool = True, others: Mapping[str, str] | None = None) -> list[Violation]:
    """Reopen the release as its readers would and check every law; the workspace's own ledger and hashes too.

    Args:
        run: the workspace, lease not needed.
        deep: also decode every picture and reopen with other libraries.
        others: further datasets to look for leaks to, beside those of ``images.against``: name → path or URL.
    """
    from logoingest.pipeline.against import list_others, make_leak_check
    from logoingest.release import Violation, verify_release

    wanted = {**list_others(run.config), **(others or {})}
    check = make_leak_check(wanted, run.config.images.max_pixels, deep, run.workspace, _list_apart(run))
    with run.workspace.local_copy("release") as folder:
        violations = list(verify_release(folder, deep=deep, find_leaks=check))
        record = run.workspace.read_manifest().stages.get(Stage.RELEASE)
        for name, output in sorted(({} if record is None else record.outputs).items()):
            if _hash_output(run, folder, name) != output:
                violations.append(Violation("files_as_recorded", name, "differs from what this workspace wrote"))
    ledger = collect_ledger(run.workspace)
    try:
        check_law(ledger)
    except GateError as error:
        violations += [Violation("conservation", "tables", problem.what) for problem in error.problems]
    groups = run.workspace.read_table("splits", ["group_id", "split"]).group_by("group_id").aggregate([("split", "count_distinct")])
    crossing = pc.sum(pc.greater(groups.column("split_count_distinct"), 1)).as_py() or 0
    if crossing:
        violations.append(Violation("groups_undivided", "tables/splits.parquet", f"{crossing} groups cross splits"))
    return violations


def _list_apart(run: Run) -> list[tuple[str, str]]:
    """Pictures that a person ruled not to be the same."""
    from logoingest.samples.group_rulings import map_pairs, read_group_rulings

    path = run.config.resolve(run.config.samples.rulings)
    ruled = map_pairs(read_group_rulings(path, run.class_map)) if path.exists() else {}
    return [pair for pair, is_same in ruled.items() if not is_same]


def _hash_output(run: Run, folder: Path, name: str) -> FileRecord | None:
    """What an output of the release stage holds now: a file of the release, here in ``folder``, or a table of the workspace."""
    inside = name.removeprefix("release/")
    if inside != name:
        return hash_file(folder / inside) if (folder / inside).is_file() else None
    if not run.workspace.exists(name):
        return None
    return run.workspace.hash_file(name)
