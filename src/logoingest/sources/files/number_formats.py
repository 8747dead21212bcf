"""Numbers of a workbook's cells as a person sees them: whole numbers without a point, dates in ISO, per cents, leading zeros.

Formats: ECMA-376, part 1, §18.8.30 (numFmt; the ids that every workbook knows) and §18.17.4.1 (dates as days since 1900, or 1904).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a number format makes of a number."""

    GENERAL = "general"
    PERCENT = "percent"
    ZEROS = "zeros"
    DATE = "date"
    TIME = "time"
    ELAPSED = "elapsed"


class NumberFormat(NamedTuple):
    """A number format: its kind, and of leading zeros the digits."""

    kind: Kind
    digits: int = 0


GENERAL = NumberFormat(Kind.GENERAL)
#: What every workbook knows by number: §18.8.30, 27–36 and 50–58 in East Asian ones.
_KNOWN: Mapping[int, NumberFormat] = {
    **dict.fromkeys((9, 10), NumberFormat(Kind.PERCENT)),
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 59)), NumberFormat(Kind.DATE)),
    **dict.fromkeys((18, 19, 20, 21, 22, 32, 33, 34, 35, 45, 47), NumberFormat(Kind.TIME)),
    46: NumberFormat(Kind.ELAPSED),
}
_NO_SIGNS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_LAST_DAY = 2_958_466
#: Whole numbers below it are exact.
_EXACT = 1e16


def read_format(number: int, codes: Mapping[int, str]) -> NumberFormat:
    """The format of this number, whose code the workbook may give (``yyyy-mm-dd``)."""
    code = codes.get(number)
    return _KNOWN.get(number, GENERAL) if code is None else _read_code(code)


def _read_code(code: str) -> NumberFormat:
    signs = _NO_SIGNS.sub("", code).split(";")[0].strip().lower()
    if "general" in signs:
        return GENERAL
    if "[" in signs:
        return NumberFormat(Kind.ELAPSED)
    if re.search("[hs]", signs):
        return NumberFormat(Kind.TIME)
    if re.search("[ymd]", signs):
        return NumberFormat(Kind.DATE)
    if "%" in signs:
        return NumberFormat(Kind.PERCENT)
    return NumberFormat(Kind.ZEROS, len(signs)) if re.fullmatch("00+", signs) else GENERAL


def write_number(text: str, form: NumberFormat, *, since_1904: bool) -> str:
    """A number as the file has it, as a person sees it; what is no number stays as it is."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    if form.kind is Kind.ELAPSED:
        seconds = round(number * 86_400)
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if form.kind in (Kind.DATE, Kind.TIME) and 0 <= number + 1462 * since_1904 < _LAST_DAY:
        return _write_date(number, has_clock=form.kind is Kind.TIME, since_1904=since_1904)
    if form.kind is Kind.PERCENT:
        return f"{_write_plain(number * 100)}%"
    return _write_plain(number).zfill(form.digits)


def _write_plain(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else f"{number:.15G}"


def _write_date(days: float, *, has_clock: bool, since_1904: bool) -> str:
    if days < 1 and has_clock:
        return (dt.datetime(1900, 1, 1) + _round(days)).time().isoformat()  # noqa: DTZ001
    # 1900 counts a 29 February that never was: day 60
    first = dt.datetime(1904, 1, 1) if since_1904 else dt.datetime(1899, 12, 30 if days >= 60 else 31)  # noqa: DTZ001
    moment = first + _round(days)
    return moment.isoformat() if has_clock or not float(days).is_integer() else moment.date().isoformat()


def _round(days: float) -> dt.timedelta:
    """Days to the nearest millisecond, which is what they hold."""
    return dt.timedelta(milliseconds=round(days * 86_400_000))
