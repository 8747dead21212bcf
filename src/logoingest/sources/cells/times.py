"""Times as crowd platforms write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

#: Hours from UTC of the zone names MTurk's exports use, by the requester's place (RFC 5322 §4.3 for the American ones).
_ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
}  # fmt: skip
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
_ZONE = r"(?: ?([A-Za-z]{1,5}|[+-]\d\d:?\d\d))?"
_MONTH_FIRST = re.compile(rf"(?:[A-Za-z]{{3,9}},? )?([A-Za-z]{{3}})[a-z]* (\d{{1,2}}),? {_CLOCK}{_ZONE} (\d{{4}})")
_DAY_FIRST = re.compile(rf"(?:[A-Za-z]{{3,9}},? )?(\d{{1,2}}) ([A-Za-z]{{3}})[a-z]* (\d{{4}}) {_CLOCK}{_ZONE}")
_ISO = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)[T ]{_CLOCK}{_ZONE}")

_AMERICAN = re.compile(rf"(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d\d) {_CLOCK}{_ZONE}")


def parse_time(value: Any) -> datetime | None:
    """A time in UTC, or None when it cannot be told for certain; a time without a zone is taken as UTC.

    Understood: ``Thu Oct 09 07:30:20 UTC 2025`` (also PDT and the like, or no zone), ``2018-04-07 17:27:37 UTC``, ISO 8601, and
    ``Thu, 09 Oct 2025 07:30:20 +0000`` (RFC 5322). Not understood, since they are ambiguous: ``9/1/2018``, unknown zone names.
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    if not isinstance(value, str) or not 10 <= len(value) <= 60:
        return None
    text = " ".join(value.split())
    try:
        if match := _MONTH_FIRST.fullmatch(text):
            name, day, *clock, zone, year = match.groups()
            return _build(int(year), _MONTHS[name.lower()], int(day), clock, zone)
        if match := _ISO.fullmatch(text):
            year, month, day, *clock, zone = match.groups()
            return _build(int(year), int(month), int(day), clock, zone)
        if match := _DAY_FIRST.fullmatch(text):
            day, name, year, *clock, zone = match.groups()
            return _build(int(year), _MONTHS[name.lower()], int(day), clock, zone)
    except (ValueError, KeyError, OverflowError):
        return None
    return None


def parse_american_time(value: Any) -> datetime | None:
    """A time of a source that is known to write the month first, ``2/25/2015 05:24:11`` (or of two digits' year), else as ``parse_time``."""
    match = _AMERICAN.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 60 else None
    if match is None:
        return parse_time(value)
    month, day, year, *clock, zone = match.groups()
    try:
        return _build(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day), clock, zone)
    except (ValueError, KeyError, OverflowError):
        return None


def _build(year: int, month: int, day: int, clock: list[str | None], zone: str | None) -> datetime:
    hour, minute, second, fraction = clock
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    local = datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0), microsecond, tzinfo=UTC)
    if zone is None or zone in {"UTC", "Z"}:
        return local
    return local.replace(tzinfo=timezone(_read_zone(zone))).astimezone(UTC)


def _read_zone(zone: str) -> timedelta:
    if zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return -offset if zone[0] == "-" else offset
    return timedelta(hours=_ZONES[zone.upper()])


def parse_seconds(value: Any) -> float | None:
    """A duration in seconds, or None when it is not a number or negative."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
