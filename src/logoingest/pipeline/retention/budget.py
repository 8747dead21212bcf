"""How much a workspace may still take: what ``[retention]`` allows it, and what is to stay free on its disk."""

from __future__ import annotations

import shutil

from logoingest.errors import OutOfSpaceError, Problem
from logoingest.pipeline.session import Run

_HINT = "logoingest prune, fewer release.keep_versions or a larger bound make room; then run again: what is done is kept"


def find_budget_left(run: Run) -> int | None:
    """Bytes that ``retention.max_workspace_bytes`` leaves, negative where it is overdrawn; None where it sets no limit."""
    allowed = run.config.retention.max_workspace_bytes
    return allowed - sum(run.workspace.measure_parts().values()) if allowed else None


def require_budget(run: Run, left: int | None, needed: int, what: str) -> None:
    """Refuse what would take the workspace over its budget; at once where nothing is left.

    Args:
        run: the run.
        left: as ``find_budget_left`` gave it.
        needed: bytes that were written since, or are to be.
        what: of what they are, for the message: ``the fetch``.

    Raises:
        OutOfSpaceError: they are more than is left.
    """
    if left is not None and needed >= left:
        allowed = run.config.retention.max_workspace_bytes
        held = f"it held {(allowed - left) / 1e6:,.0f} MB, {what} adds {needed / 1e6:,.0f} MB"
        what = f"has used up retention.max_workspace_bytes = {allowed:,} ({held})"
        raise OutOfSpaceError(Problem(run.workspace.url, what, _HINT))


def require_room(run: Run, needed: int, what: str) -> None:
    """Refuse what would not fit into the budget, or leave less than ``retention.min_free_bytes`` on the disk of a local workspace.

    What makes room (``Run.is_bounded``) is never refused.

    Raises:
        OutOfSpaceError: it would not.
    """
    if not run.is_bounded:
        return
    require_budget(run, find_budget_left(run), needed, what)
    if not run.workspace.is_local:
        return
    free, least = shutil.disk_usage(run.workspace.root).free, run.config.retention.min_free_bytes
    if free - needed < least:
        held = f"its disk has {free / 1e6:,.0f} MB free, {what} takes about {needed / 1e6:,.0f} MB"
        raise OutOfSpaceError(Problem(run.workspace.url, f"{held}, and retention.min_free_bytes = {least:,} stay free", _HINT))
