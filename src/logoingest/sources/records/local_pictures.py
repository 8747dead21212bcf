"""Pictures that a source names by paths or ``file:`` URLs: they become URLs of ``sources.local_root``, or rejected rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from logoingest.files.local import FileNameError, LocalRoot, is_file_url, write_file_url
from logoingest.schemas import Reason
from logoingest.sources.records.tabulating import Record

#: What is a URL already: another scheme (of two letters at least: C:\ is a drive), or ``//host``.
_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:|//)")
_UNASKED = "names a file of this machine, and this source has no local_root"


def locate_pictures(records: Iterable[Record], root: LocalRoot | None, *, elsewhere: bool) -> Iterator[Record]:
    """The records with the URLs of their files; a record whose file lies outside the folder is refused (``invalid_row``).

    Args:
        records: of one source.
        root: its folder; without one the records stay as they are.
        elsewhere: whether another source has a folder: then a file that a source without one names is refused here, as nobody could
            tell it from the other's.
    """
    for record in records:
        yield _locate(record, root, elsewhere) if root or elsewhere else record


def _locate(record: Record, root: LocalRoot | None, elsewhere: bool) -> Record:
    url = record.url
    if not isinstance(url, str) or not url.strip() or (_URL.match(url) and not is_file_url(url)):
        return record
    if root is None:
        return _refuse(record, _UNASKED) if elsewhere and is_file_url(url) else record
    try:
        return record._replace(url=write_file_url(url, root))
    except FileNameError as error:
        return _refuse(record, str(error))


def _refuse(record: Record, why: str) -> Record:
    return record if record.reason else record._replace(reason=Reason.INVALID_ROW, detail=why)
