"""Which pictures there are: the distinct files among the downloads, with every address that served each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import LogoingestError, Problem
from logoingest.schemas import FACT_COLUMNS, Outcome

#: The columns of ``DownloadRow`` that are asked for, without the signatures: these are most of the bytes.
USED_COLUMNS = (
    "url",
    "final_url",
    "outcome",
    "reason",
    "detail",
    "sha256",
    "byte_count",
    *(name for name in FACT_COLUMNS if name != "signature"),
)
_ROWS_AT_ONCE = 4_096
_KEPT = (*(name for name in USED_COLUMNS if name not in {"outcome", "reason", "detail"}), "shard", "shard_row")


def find_distinct(downloads: pa.Table) -> pa.Table:
    """One row a file (sha256), sorted by it: that of its first URL, with all URLs and where most of them were redirected to.

    Args:
        downloads: ``DownloadRow`` (``USED_COLUMNS``) with shard and shard_row.

    Returns:
        their columns but for what tells of failures, and ``urls`` (sorted), ``redirect_url`` and ``redirected`` as in ``ImageRow``,
        and ``row`` (int64), the row of ``downloads``.

    Raises:
        LogoingestError: a download says ok, but has no sha256.
    """
    rows = np.flatnonzero(pc.equal(downloads.column("outcome"), Outcome.OK).to_numpy())
    keys = downloads.select(["sha256", "url"]).take(pa.array(rows, pa.int64()))
    _check_hashed(keys)
    order = pc.sort_indices(keys, [("sha256", "ascending"), ("url", "ascending")])
    keys, rows = keys.take(order).combine_chunks(), rows[order.to_numpy()]
    borders = _find_borders(keys.column("sha256"))
    first = pa.array(rows[borders[:-1]], pa.int64())
    urls = pa.ListArray.from_arrays(pa.array(borders, pa.int32()), keys.column("url").combine_chunks())
    pictures = downloads.select(_KEPT).take(first).append_column("urls", urls)
    for name, column in _find_ends(downloads, rows, borders).items():
        pictures = pictures.append_column(name, column)
    return pictures.append_column("row", first).combine_chunks()


def list_in_parts(pictures: pa.Table) -> Iterator[list[dict[str, Any]]]:
    """The rows as plain values, some at a time: as Python objects they are ten times as large."""
    for start in range(0, pictures.num_rows, _ROWS_AT_ONCE):
        yield pictures.slice(start, _ROWS_AT_ONCE).to_pylist()


def simplify_address(url: str) -> str:
    """A URL without what redirects change for no reason of the picture's: scheme, www., a last slash, the fragment."""
    return url.partition("#")[0].rpartition("://")[2].removeprefix("www.").rstrip("/").lower()


def _check_hashed(keys: pa.Table) -> None:
    if keys.column("sha256").null_count:
        url = pc.min(keys.filter(pc.is_null(keys.column("sha256"))).column("url")).as_py()
        raise LogoingestError(Problem(url, "was downloaded, but has no sha256", "run fetch again"))


def _find_borders(keys: pa.ChunkedArray) -> np.ndarray:
    """Where equal keys begin, and the end; keys are sorted."""
    if not len(keys):
        return np.zeros(1, np.int64)
    fresh = pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy()
    return np.concatenate([[0], np.flatnonzero(fresh) + 1, [len(keys)]])


def _find_ends(downloads: pa.Table, rows: np.ndarray, borders: np.ndarray) -> dict[str, pa.Array]:
    """The columns redirect_url and redirected of the pictures whose rows lie between the borders."""
    count = len(borders) - 1
    urls: list[str | None] = [None] * count
    counts: list[int | None] = [None] * count
    for picture, ends in groupby(_iterate_redirects(downloads, rows, borders), key=lambda pair: pair[0]):
        number, url = min((-number, url) for url, number in Counter(url for _, url in ends).items())
        urls[picture], counts[picture] = url, -number
    return {"redirect_url": pa.array(urls, pa.string()), "redirected": pa.array(counts, pa.int32())}


def _iterate_redirects(downloads: pa.Table, rows: np.ndarray, borders: np.ndarray) -> Iterator[tuple[int, str]]:
    """(Number of the picture, final_url) of the rows that were redirected somewhere else, in order."""
    both = downloads.select(["url", "final_url"])
    moved = pc.fill_null(pc.not_equal(both.column("url"), both.column("final_url")), fill_value=False).to_numpy()
    places = np.flatnonzero(moved[rows])
    pictures = np.searchsorted(borders, places, side="right") - 1
    asked, ends = (both.column(name).take(pa.array(rows[places], pa.int64())) for name in ("url", "final_url"))
    for picture, url, end in zip(pictures.tolist(), asked, ends, strict=True):
        if end.as_py() and simplify_address(end.as_py()) != simplify_address(url.as_py()):
            yield picture, end.as_py()
