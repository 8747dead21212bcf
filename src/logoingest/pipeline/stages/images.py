"""Download shards → images, of the URLs that the sources list today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.pipeline.spec import StageOutput, StageSpec, write_tables
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.pipeline.stages.fetch import DOWNLOADS
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logoingest.config import Config
    from logoingest.images.grouping import PartnerFinder
    from logoingest.pipeline.session import Run
    from logoingest.samples.group_rulings import GroupRuling
    from logoingest.workspace import Manifest

IMAGES_FILE = "tables/images.parquet"
COPIES_FILE = "tables/copies.parquet"
LISTED_FILE = "tables/placeholders_listed.parquet"


def make_images(run: Run) -> StageOutput:
    """Judge and de-duplicate the pictures."""
    import pyarrow.compute as pc

    from logoingest.images.alike.bounds import count_unsearched
    from logoingest.images.alike.ruled import RuledPairs
    from logoingest.images.alike.signatures import gather_signatures
    from logoingest.images.distinct import USED_COLUMNS, find_distinct
    from logoingest.images.placeholders import tabulate_listed
    from logoingest.images.selection import select_with_copies
    from logoingest.refusals import SOURCE_COLUMNS
    from logoingest.samples.group_rulings import map_pairs
    from logoingest.schemas import ListedPlaceholderRow
    from logoingest.workspace.downloads import iterate_column, read_downloads

    annotations = run.workspace.read_table("annotations", SOURCE_COLUMNS)
    downloads, listed = read_downloads(run.workspace, USED_COLUMNS), load_listed(run)
    downloads = downloads.filter(pc.is_in(downloads.column("url"), value_set=pc.unique(annotations.column("url"))))
    placeholders = tabulate_listed(find_distinct(downloads), listed) if listed else ListedPlaceholderRow.empty_table()
    selected, copies, unsearched = select_with_copies(
        downloads,
        annotations,
        run.config.images,
        listed,
        lambda pictures: gather_signatures(pictures, iterate_column(run.workspace, "signature")),
        ruled=RuledPairs.sort(map_pairs(load_rulings(run))),
        find_partners=_make_partner_finder(run) if run.config.dataset.partitions > 1 else None,
    )
    kept, rejected = selected
    if _refuses_known(run.config):
        from logoingest.pipeline.against import refuse_known

        kept, rejected = refuse_known(run, selected, annotations)
    counts = {
        "images": kept.num_rows,
        "groups": len(pc.unique(kept.column("group_id"))),
        "copies": copies.num_rows,
        "rejected": rejected.num_rows,
        **count_unsearched(unsearched),
    }
    tables = {"images": kept, "images_rejected": rejected, "placeholders_listed": placeholders, "copies": copies}
    return StageOutput(write_tables(run.workspace, tables), counts)


def _make_partner_finder(run: Run) -> PartnerFinder:
    """Finds near pictures partition by partition, where the fetch is done, too: on this machine, or on a Ray cluster."""
    from logoingest.images.partitions.joining import PartitionPair, Touched, find_partners, search_here
    from logoingest.images.partitions.on_ray import search_on_ray

    def search(pairs: Sequence[PartitionPair]) -> Iterator[Touched]:
        fetch = run.config.fetch
        found = search_on_ray(pairs, fetch.ray_address) if fetch.executor == "ray" else search_here(pairs)
        for done, touched in enumerate(found, start=1):
            run.progress(Stage.IMAGES, done, len(pairs), "pairs of partitions searched for near pictures")
            yield touched

    return lambda pictures: find_partners(pictures, run.config.dataset.partitions, run.workspace.url, search)


def load_rulings(run: Run) -> list[GroupRuling]:
    """What people ruled on pictures, by ``samples.rulings``.

    Raises:
        ConfigError: the file is wrong.
    """
    from logoingest.samples.group_rulings import read_group_rulings

    return read_group_rulings(run.config.resolve(run.config.samples.rulings), run.class_map)


def load_listed(run: Run) -> dict[str, str]:
    """Hash → where it is listed, of the placeholders that ``images.placeholder_sha256`` and ``images.placeholders`` name.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    from logoingest.images.placeholders import read_listed

    images = run.config.images
    return read_listed(images.placeholder_sha256, run.config.resolve(images.placeholders) if images.placeholders else None)


def _refuses_known(config: Config) -> bool:
    return bool(config.images.against) and config.images.against_policy == "reject"


def _list_further_inputs(run: Run, _manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_source, hash_value
    from logoingest.samples.group_rulings import map_pairs

    inputs = {}
    if pairs := map_pairs(load_rulings(run)):  # not the whole file: what is ruled on labels changes no group
        inputs["samples.rulings on copies"] = hash_value(sorted(pairs.items()))
    if run.config.images.placeholders:
        inputs["images.placeholders"] = hash_source(run.config.resolve(run.config.images.placeholders))
    if _refuses_known(run.config):
        from logoingest.pipeline.against import hash_others

        inputs["images.against"] = hash_others(run.config)
    return inputs


IMAGES = StageSpec(
    name=Stage.IMAGES,
    version=11,
    needs=(Stage.ANNOTATIONS, Stage.LABELS, Stage.FETCH),
    reads={ANNOTATIONS_FILE: Stage.ANNOTATIONS, DOWNLOADS: Stage.FETCH},
    make=make_images,
    help="judge and de-duplicate the pictures",
    settings=lambda config: config.images.model_dump(mode="json", exclude={"max_side_px", "ocr"}),  # store decides what is usable
    further_inputs=_list_further_inputs,
)
