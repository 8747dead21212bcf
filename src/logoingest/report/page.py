"""The page: facts, thumbnails and plots put into one template, with everything escaped by it."""

from __future__ import annotations

import base64
from functools import cache
from itertools import chain, zip_longest
from typing import Any

import jinja2
import pyarrow as pa

from logoingest import __version__
from logoingest.config import Config
from logoingest.report.facts import gather_facts
from logoingest.report.thumbnails import make_thumbnails
from logoingest.workspace import Workspace

#: Plots of the baseline, with what each shows.
_PLOTS = {
    "curves.png": "loss and accuracy by epoch",
    "confusion.png": "confusion on the test split",
    "per_class_recall.png": "recall by class on the test split",
}
_MOST_PLOT_BYTES = 600_000


def render_report(workspace: Workspace, config: Config, rejected: pa.Table) -> str:
    """The whole ``report.html`` of a workspace, under 5 MB whatever the dataset's size.

    Args:
        workspace: with the tables of the route up to the release; the baseline's folder is shown where there is one.
        config: the dataset's config; ``report`` says how many thumbnails and how large.
        rejected: the ledger's ``RejectedRow`` table, one row a source row.
    """
    facts = gather_facts(workspace, config, rejected)
    wanted = list(_choose_pictures(facts))[: config.report.thumbnails]
    images = workspace.read_table("images", ["image_id", "shard", "shard_row"])
    thumbnails = make_thumbnails(workspace, images, wanted, config.report.thumbnail_side_px)
    plots = {name: uri for name in _PLOTS if (uri := _embed_plot(workspace, f"baseline/{name}")) is not None}
    return _load_template().render(
        **facts, thumbnails=thumbnails, plots=[(_PLOTS[name], uri) for name, uri in plots.items()], version=__version__
    )


def _choose_pictures(facts: dict[str, Any]) -> chain[str]:
    """Image ids in the order they deserve a thumbnail: some duplicates, some doubtful ones, then every class in turn."""
    duplicates = [member["image_id"] for group in facts["duplicates"]["near"][:8] for member in group[:4]]
    doubtful = [row["image_id"] for row in facts["doubtful"][:16]]
    turns = zip_longest(*([image["image_id"] for image in entry["images"]] for entry in facts["gallery"]))
    gallery = [image_id for turn in turns for image_id in turn if image_id is not None]
    return chain(duplicates, doubtful, gallery)


def _embed_plot(workspace: Workspace, name: str) -> str | None:
    size = workspace.size(name)
    if size is None or size > _MOST_PLOT_BYTES:
        return None
    return "data:image/png;base64," + base64.b64encode(workspace.read_bytes(name)).decode()


@cache
def _load_template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("logoingest.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["visible"] = make_visible
    return environment.get_template("report.html")


def make_visible(text: str, most: int = 160) -> str:
    """A stranger's text for people: control and direction characters shown as escapes, long text cut."""
    shown = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text[:most])
    return shown + ("…" if len(text) > most else "") if shown else "(empty)"
