"""The law of the footers' statistics: a reader that filters by them skips nothing that is there."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.release.laws.violations import Law, Violation

#: The columns people filter by.
FILTERED = ("label", "image_id", "group_id", "url", "confidence", "width", "height", "votes")


def check_statistics(footer: pq.FileMetaData, table: pa.Table, name: str) -> Iterator[Violation]:
    """Least and greatest value and the count of nulls, as each row group states them, are those of its rows."""
    start = 0
    for index in range(footer.num_row_groups):
        group = footer.row_group(index)
        rows = table.slice(start, group.num_rows)
        start += group.num_rows
        stated = {group.column(number).path_in_schema: group.column(number).statistics for number in range(group.num_columns)}
        wrong = [column for column in FILTERED if not _are_true(stated.get(column), rows.column(column))]
        if wrong:
            yield Violation(
                Law.STATISTICS, name, f"row group {index} states other bounds than its rows have for {', '.join(wrong)}"
            )


def _are_true(statistics: pq.Statistics | None, values: pa.ChunkedArray) -> bool:
    if statistics is None:
        return True
    if statistics.has_null_count and statistics.null_count != values.null_count:
        return False
    if not statistics.has_min_max:
        return True
    bounds = pc.min_max(values).as_py()
    return bool(bounds["min"] is None or (statistics.min <= bounds["min"] and bounds["max"] <= statistics.max))
