"""What a table says of an answer besides the answer: the verdict on it, when it was sent, how long it took.

Columns are known by their usual names (MTurk's API, Label Studio's CSV and JSON-MIN, Open Images) and by what stands in them; the
config may name them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.config import SourceConfig
from logoingest.schemas import Reason
from logoingest.sources.cells.columns import Sample, fold_name, index_names
from logoingest.sources.cells.times import parse_seconds, parse_time
from logoingest.sources.records.tabulating import Record

_STATUSES: Mapping[str, str] = {
    "submitted": "submitted", "approved": "approved", "accepted": "approved", "approve": "approved", "accept": "approved",
    "rejected": "rejected", "reject": "rejected",
}  # fmt: skip
_STATUS_NAMES = ("assignmentstatus", "reviewstatus", "status", "verdict")
_TIME_NAMES = ("submittime", "submittedat", "submitted", "createdat", "annotatedat", "answeredat", "timestamp")
_START_NAMES = ("accepttime", "acceptedat", "startedat", "started")
_WORK_NAMES = ("worktimeinseconds", "worktimes", "worktime", "leadtime", "durations", "durationseconds")


class Facts(NamedTuple):
    """The columns that tell status, time of sending, time of starting and seconds of work; None where there is none.

    ``denial`` is Open Images' Confidence: 0 says that the class is *not* in the picture.
    """

    status: str | None = None
    time: str | None = None
    start: str | None = None
    work_time: str | None = None
    denial: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns there are, in order."""
        return [name for name in self if name is not None]


def find_facts(sample: Sample, source: SourceConfig) -> Facts:
    """The columns of a table that tell facts: those the config names, else those whose name and content fit."""
    taken = {source.url_column, source.label_column, source.worker_column, source.id_column, source.bbox_column}
    free = {name: values for name, values in sample.items() if name not in taken}
    folded = {fold_name(name) for name in sample}
    return Facts(
        status=source.status_column or _find(free, _STATUS_NAMES, lambda value: str(value).strip().lower() in _STATUSES),
        time=source.time_column or _find(free, _TIME_NAMES, lambda value: parse_time(value) is not None),
        start=_find(free, _START_NAMES, lambda value: parse_time(value) is not None),
        work_time=source.work_time_column or _find(free, _WORK_NAMES, lambda value: parse_seconds(value) is not None),
        denial=_find(free, ("confidence",), lambda value: parse_seconds(value) is not None)
        if {"imageid", "labelname"} <= folded
        else None,
    )


def _find(sample: Sample, names: Sequence[str], fits: Callable[[Any], bool]) -> str | None:
    """The first column of these names whose filled cells all fit."""
    by_name = index_names(sample)
    for wanted in names:
        name = by_name.get(wanted)
        filled = [value for value in sample[name] if value not in (None, "")] if name else []
        if filled and all(map(fits, filled)):
            return name
    return None


def read_facts(record: Record, facts: Facts, row: Mapping[str, Any]) -> Record:
    """The record with what the row says of it; a rejected one is refused, as is a denial."""
    status = _STATUSES.get(str(row.get(facts.status or "") or "").strip().lower(), "submitted")
    sent = parse_time(row.get(facts.time or ""))
    work = parse_seconds(row.get(facts.work_time or ""))
    if work is None and sent is not None and (began := parse_time(row.get(facts.start or ""))) is not None and began <= sent:
        work = (sent - began).total_seconds()
    record = record._replace(status=status, submitted_at=sent, work_time_s=work)
    if status == "rejected":
        return record._replace(reason=Reason.ASSIGNMENT_REJECTED, detail="rejected in review")
    if facts.denial and parse_seconds(row.get(facts.denial)) == 0:
        return record._replace(reason=Reason.INVALID_ROW, detail="says that the class is not in the picture (Confidence 0)")
    return record
