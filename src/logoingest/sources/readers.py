"""The formats and their readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from logoingest.config import SourceConfig
from logoingest.files.local import LocalRoot
from logoingest.sources.files.opening import SourceFile, check_encoding, check_file
from logoingest.sources.formats.coco import read_coco
from logoingest.sources.formats.crowdflower import read_crowdflower
from logoingest.sources.formats.cvat import read_cvat
from logoingest.sources.formats.ground_truth import read_ground_truth
from logoingest.sources.formats.label_studio import read_label_studio
from logoingest.sources.formats.labelbox import read_labelbox
from logoingest.sources.formats.mturk import read_mturk
from logoingest.sources.formats.prodigy import read_prodigy
from logoingest.sources.formats.tabular import read_tabular
from logoingest.sources.formats.toloka import read_toloka
from logoingest.sources.formats.url_list import read_urls
from logoingest.sources.formats.via import read_via
from logoingest.sources.formats.voc import read_voc
from logoingest.sources.formats.zooniverse import read_zooniverse
from logoingest.sources.records.carried import refuse_carried
from logoingest.sources.records.local_pictures import locate_pictures
from logoingest.sources.records.tabulating import Chunk, Record, tabulate_records

_READERS: Mapping[str, Callable[[SourceFile, SourceConfig], Iterator[Record]]] = MappingProxyType(
    {
        "mturk": read_mturk,
        "tabular": read_tabular,
        "urls": read_urls,
        "label_studio": read_label_studio,
        "voc": read_voc,
        "cvat": read_cvat,
        "coco": read_coco,
        "ground_truth": read_ground_truth,
        "labelbox": read_labelbox,
        "via": read_via,
        "crowdflower": read_crowdflower,
        "toloka": read_toloka,
        "zooniverse": read_zooniverse,
        "prodigy": read_prodigy,
    }
)

#: Names of the formats.
FORMATS = tuple(_READERS)
_WITH_COLUMNS = frozenset({"mturk", "tabular", "label_studio", "crowdflower", "toloka", "ground_truth", "zooniverse", "prodigy"})


def read_chunks(
    file: SourceFile, source: SourceConfig, root: LocalRoot | None = None, *, elsewhere: bool = False
) -> Iterator[Chunk]:
    """A source's records as checked tables; ``source.format`` says how it is read, ``root`` is its folder of pictures.

    Raises:
        SourceError: the source cannot be read.
    """
    assert source.format is not None
    check_encoding(file)
    if source.format not in _WITH_COLUMNS:
        refuse_carried(file, source)
    if source.format != "voc":
        check_file(file)
    records = locate_pictures(_READERS[source.format](file, source), root, elsewhere=elsewhere)
    yield from tabulate_records(_name_source(source.path), records)


def _name_source(path: str) -> str:
    """What tables call a source: its path as the config gives it; of an absolute one the name alone, which is the same everywhere."""
    return Path(path).name if Path(path).expanduser().is_absolute() else path
