"""A page of its own: a picture and those that look like it."""

from __future__ import annotations

from logoingest.config import Config
from logoingest.evidence.similar import Similar
from logoingest.report.environment import load_template
from logoingest.report.material import find_places
from logoingest.report.thumbnails import ThumbnailLimits, make_thumbnails
from logoingest.version import __version__
from logoingest.workspace import Workspace
from logoingest.workspace.downloads import read_downloads

_SIDE_PX = 192
_BUDGET_BYTES = 20_000_000


def render_likeness(workspace: Workspace, config: Config, similar: Similar) -> str:
    """The page as HTML: no script, nothing from outside, every stranger's word escaped.

    Raises:
        WorkspaceError: the list of downloads is damaged.
    """
    shown = [*([similar.picture] if similar.picture else []), *(near.picture for near in similar.neighbours)]
    uses = {picture.image_id: 1 for picture in shown}
    places = find_places(read_downloads(workspace, ["sha256"]), uses)
    limits = ThumbnailLimits(_SIDE_PX, _BUDGET_BYTES, config.images.max_pixels)
    facts = {"name": config.dataset.name, "version": __version__, "similar": similar}
    return load_template("likeness.html").render(**facts, thumbnails=make_thumbnails(workspace, places, uses, limits))
