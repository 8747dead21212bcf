"""What the network said: failures by reason and by host, and where a picture came from another place than its URL."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material, rank_values
from logoingest.report.pages.contents import PageContents

#: Hosts with a row of their own.
MOST_HOSTS = 20
#: RFC 3986, 3.2.2: what stands between user information and port.
_HOST = r"(?i)^[a-z][a-z0-9+.-]*://(?:[^/?#\\@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#\\:]*)"


def gather_fetching(material: Material) -> PageContents:
    """URLs by outcome and reason, by host, and by the way that brought them."""
    downloads = material.downloads
    reasons = pc.coalesce(downloads.column("reason"), downloads.column("image_reason"))
    hosts, host_count = _list_hosts(downloads.column("url"), reasons)
    facts = {
        "reasons": _list_reasons(downloads, reasons),
        "hosts": hosts,
        "host_count": host_count,
        "ways": _list_ways(downloads),
        "urls": downloads.num_rows,
        "usable": reasons.null_count,
    }
    return PageContents(facts)


def _list_reasons(downloads: pa.Table, reasons: pa.ChunkedArray) -> list[dict[str, Any]]:
    """URLs by reason, with an example each; failing pictures count beside failing requests."""
    details = pc.coalesce(downloads.column("detail"), downloads.column("image_detail"))
    failed = pa.table({"reason": reasons, "url": downloads.column("url"), "detail": details}).filter(pc.is_valid(reasons))
    failed = failed.sort_by([("reason", "ascending"), ("url", "ascending")])
    found = []
    for reason, count in rank_values(failed.column("reason")):
        rows = failed.filter(pc.equal(failed.column("reason"), reason))
        told = rows.filter(pc.is_valid(rows.column("detail")))
        example = (told if told.num_rows else rows).slice(0, 1).to_pylist()[0]
        found.append({**example, "urls": count})
    return found


def _list_hosts(urls: pa.ChunkedArray, reasons: pa.ChunkedArray) -> tuple[list[dict[str, Any]], int]:
    """(the hosts of most URLs, how many hosts there are)."""
    hosts = pc.utf8_lower(pc.struct_field(pc.extract_regex(urls, pattern=_HOST), "host"))
    hosts = pc.if_else(pc.equal(pc.fill_null(hosts, ""), ""), "(no host)", hosts)
    table = pa.table({"host": hosts, "reason": reasons, "failed": pc.cast(pc.is_valid(reasons), pa.int64())})
    counted = table.group_by("host").aggregate([([], "count_all"), ("failed", "sum")])
    counted = counted.sort_by([("count_all", "descending"), ("host", "ascending")])
    rows = []
    for row in counted.slice(0, MOST_HOSTS).to_pylist():
        causes = rank_values(table.filter(pc.equal(table.column("host"), row["host"])).column("reason"))
        rows.append({"host": row["host"], "urls": row["count_all"], "failed": row["failed_sum"], "causes": causes[:3]})
    return rows, counted.num_rows


def _list_ways(downloads: pa.Table) -> dict[str, list[tuple[Any, int]]]:
    """What served in place of a dead URL, and what asking again found: (value, URLs) each."""
    return {name: rank_values(downloads.column(name)) for name in ("fallback", "refreshed")}
