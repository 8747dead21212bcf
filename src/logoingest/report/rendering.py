"""The page: every section's facts, thumbnails and plots put into one template, with everything escaped by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from logoingest.config import Config
from logoingest.report.environment import load_script, load_template, write_policy
from logoingest.report.material import Material, find_places, read_material
from logoingest.report.pages.changes import gather_changes
from logoingest.report.pages.contents import PageContents
from logoingest.report.pages.crowd import gather_crowd
from logoingest.report.pages.duplicates import gather_duplicates
from logoingest.report.pages.fetch import gather_fetching
from logoingest.report.pages.labels import gather_labels
from logoingest.report.pages.models.baseline import gather_baseline
from logoingest.report.pages.models.model_view import gather_model_view
from logoingest.report.pages.models.safeguards import gather_safeguards
from logoingest.report.pages.models.sweep import gather_sweep
from logoingest.report.pages.overview import gather_overview
from logoingest.report.pages.pictures import gather_pictures
from logoingest.report.pages.placeholders import gather_placeholders
from logoingest.report.pages.quality import gather_quality
from logoingest.report.pages.splits import gather_splits
from logoingest.report.pages.workers import gather_workers
from logoingest.report.thumbnails import ThumbnailLimits, choose_pictures, make_thumbnails
from logoingest.version import __version__
from logoingest.workspace import Workspace

#: The page is never longer, whatever the dataset's size.
MOST_BYTES = 5_000_000
_GATHERERS: Sequence[Callable[[Material], PageContents]] = (
    gather_overview, gather_fetching, gather_splits, gather_labels, gather_crowd, gather_workers, gather_duplicates, gather_placeholders,
    gather_changes, gather_quality, gather_model_view, gather_baseline, gather_sweep, gather_safeguards,
)  # fmt: skip


def render_report(workspace: Workspace, config: Config, rejected: pa.Table) -> str:
    """The whole ``report.html`` of a workspace, at most ``MOST_BYTES`` in UTF-8.

    Thumbnails get what the words leave free: the page is rendered with empty ones first, then with as many as fit.

    Args:
        workspace: with the tables of the route up to the release; the baseline's folder is shown where there is one, and so are
            the tables placeholders, conflicts and against.
        config: the dataset's config; ``report`` says how many thumbnails and how large.
        rejected: the ledger's ``RejectedRow`` table, one row a source row.

    Raises:
        WorkspaceError: a table is missing or damaged.
    """
    material = read_material(workspace, config, rejected)
    sections = [gather(material) for gather in _GATHERERS]
    sections.append(gather_pictures(material, list_evidence(sections)))
    facts: dict[str, Any] = {"name": config.dataset.name, "description": config.dataset.description, "version": __version__}
    facts["script"], facts["policy"] = load_script()[0], write_policy()
    facts["side"] = config.report.thumbnail_side_px
    for section in sections:
        facts |= section.facts
    facts["notices"] = sorted((notice for section in sections for notice in section.notices), key=lambda notice: not notice.grave)
    facts["evidence"] = set(list_evidence(sections))
    wishes, spare = [section.wanted for section in sections], [section.spare for section in sections]
    places = find_places(material.downloads, chain.from_iterable(chain.from_iterable([*wishes, *spare])))
    wanted = choose_pictures(wishes, spare, places, config.report.thumbnails)
    template, trial = load_template("report.html"), _Trial(wanted)
    room = MOST_BYTES - len(template.render(**facts, thumbnails=trial).encode())
    limits = ThumbnailLimits(config.report.thumbnail_side_px, min(config.report.thumbnail_bytes, room), config.images.max_pixels)
    return template.render(**facts, thumbnails=make_thumbnails(workspace, places, trial.uses, limits))


def list_evidence(sections: Iterable[PageContents]) -> list[str]:
    """The pictures that the sections want, sorted."""
    return sorted({image_id for section in sections for bundle in section.wanted for image_id in bundle})


class _Trial:
    """Stands for the thumbnails while the page is measured: each is empty, and how often each would be shown is counted."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self.uses = dict.fromkeys(wanted, 0)

    def __contains__(self, image_id: str) -> bool:
        return image_id in self.uses

    def __getitem__(self, image_id: str) -> str:
        self.uses[image_id] += 1
        return ""
