"""How the lines of a list of URLs are divided: whether labels stand behind the URLs, and what is between. Decided for the whole list.

A comma, semicolon or bar may be part of a URL, and in a query often is: a list has labels only where nearly all its lines show it
outside of their queries. White space is part of no URL; a tab or blank behind a picture's ending always ends one.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from logoingest.sources.cells.columns import ENDINGS, IMAGE_ENDING, has_scheme

_MARKS = ",;|"
_NAMES = {",": "comma", ";": "semicolon", "|": "bar", "\t": "tab", " ": "blank"}
_SPECIAL = re.compile(r'[\s,;|&"]')
_WHITE_OR_QUOTE = re.compile(r'[\s"]')
_QUERY = re.compile(r"[?#]")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_NO_LABEL = re.compile(rf"[=%]|^/|{ENDINGS}|\.(?:html?|php|aspx?|jsp)\b", re.IGNORECASE)
_PART_OF_PATH = re.compile(r"\S/\S|^[\d\s.,:;x×_-]*$")
_FURTHER_URL = re.compile(r"[,;|\s]\s*(?:https?|ftp|s3|gs)://", re.IGNORECASE)
#: Lines that must show a label before a list counts as labelled, as a share of all.
_MOST = 0.5


class Certainty(Enum):
    """How plainly a mark divides URL and label."""

    SURE = "behind a picture's ending, quotes or beside a blank"
    LIKELY = "in the path"
    QUERY = "inside the query"


class Cut(NamedTuple):
    """Where a line may be cut: URL, label, and how plainly."""

    url: str
    label: str
    certainty: Certainty


class ListStyle(NamedTuple):
    """How a list is divided."""

    separator: str = ""
    """What stands between URL and label; "" for a list without labels."""
    declared: bool = False
    """Whether a person says so though the list does not show it: then it divides a query as well."""
    unescape: bool = False
    """Whether ``&amp;`` stands for ``&``."""
    labels: frozenset[str] = frozenset()
    """Labels that stand behind the separator outside of queries: inside a query it divides only before one of them."""
    is_table: bool = False
    """Whether every line has the same number of cells, three or more: a table without a header."""
    notes: tuple[str, ...] = ()
    """What was decided, for people."""


class ListedUrl(NamedTuple):
    """One line of a list; ``fault`` is why it cannot be divided."""

    url: str
    label: str
    fault: str = ""


class _Counts:
    """What the lines of a list show."""

    def __init__(self) -> None:
        self.lines = 0
        self.plain = 0
        self.white: Counter[str] = Counter()
        self.cuts: Counter[tuple[str, Certainty, bool]] = Counter()
        self.inside = 0
        self.behind = 0
        self.labels: dict[str, set[str]] = {mark: set() for mark in _MARKS}
        self.escaped = 0
        self.bare = 0
        self.widths: dict[str, set[int]] = {}

    def add(self, text: str) -> None:
        self.lines += 1
        if _SPECIAL.search(text) is None:
            self.plain += 1
            return
        has_white = _WHITE_OR_QUOTE.search(text) is not None
        white = cut_at_white(text, always=True) if has_white else None
        if white is not None:
            self.white["\t" if "\t" in text else " "] += 1
            self.behind += white.certainty is Certainty.SURE
        head = text if has_white else _cut_query(text)
        for mark in _MARKS:
            self._add_cut(text, mark, possible=mark in head)
        self._add_width(text, "\t", white)
        url = white.url if white else text
        plain = url.replace("&amp;", "&")
        self.inside += "," in plain or ";" in plain or "|" in plain
        self.escaped += plain != url
        self.bare += url.count("&") > url.count("&amp;")

    def _add_cut(self, text: str, mark: str, *, possible: bool) -> None:
        """Count where a mark could divide; inside a query it shows nothing."""
        cut = cut_at_mark(text, mark) if possible else None
        self._add_width(text, mark, cut)
        if cut is None:
            return
        like = _looks_like_label(cut)
        self.cuts[mark, cut.certainty, like] += 1
        if like and cut.certainty is not Certainty.QUERY:
            self.labels[mark].add(cut.label)

    def _add_width(self, text: str, mark: str, cut: Cut | None) -> None:
        widths = self.widths.setdefault(mark, set())
        if len(widths) < 2 and 0 not in widths:  # else it is no table already
            widths.add(_count_cells(text, mark, cut.url) if cut else 0)

    def choose(self) -> str:
        if self.white["\t"] >= _MOST * self.lines:
            return "\t"
        labelled = [mark for mark in _MARKS if self._shows_labels(mark)]
        if labelled:
            return max(labelled, key=lambda mark: self.cuts[mark, Certainty.SURE, True] + self.cuts[mark, Certainty.LIKELY, True])
        return " " if self.white.total() >= _MOST * self.lines else ""

    def _shows_labels(self, mark: str) -> bool:
        sure, likely = self.cuts[mark, Certainty.SURE, True], self.cuts[mark, Certainty.LIKELY, True]
        against = sum(self.cuts[mark, certainty, False] for certainty in (Certainty.SURE, Certainty.LIKELY))
        if sure >= _MOST * self.lines:
            return against <= 0.1 * sure
        return sure + likely == self.lines > 0


def plan_list(lines: Iterable[str]) -> ListStyle:
    """Look at all lines (comments and empty ones left out) and decide."""
    counts = _Counts()
    for line in lines:
        counts.add(line.strip())
    separator = counts.choose()
    widths = counts.widths.get(separator, set())
    is_table = len(widths) == 1 and min(widths) > 2 and counts.lines > 2 and not counts.plain
    unescape = counts.escaped >= min(3, counts.lines) and not counts.bare
    return ListStyle(
        separator,
        unescape=unescape,
        labels=frozenset(label for label in counts.labels.get(separator, ()) if not _PART_OF_PATH.search(label)),
        is_table=is_table,
        notes=tuple(_describe(counts, separator, unescape)),
    )


def _describe(counts: _Counts, separator: str, unescape: bool) -> list[str]:
    notes = []
    if separator:
        notes.append(f"A {_NAMES[separator]} divides URL and label; lines without one have no label.")
    else:
        some = f" but for {counts.behind:,}, which have a label behind a blank" if counts.behind else ""
        notes.append(f"The lines have no labels: each is a URL{some}.")
        if counts.inside:
            notes.append(
                f"{counts.inside:,} of {counts.lines:,} URLs hold a comma, semicolon or bar, taken as their part: "
                'if a label follows it, say so (delimiter = ",").'
            )
    if unescape:
        notes.append(f"&amp; is read as & in {counts.escaped:,} URLs: the list writes every & so.")
    elif counts.escaped:
        notes.append(f"&amp; stays as it is written in {counts.escaped:,} URLs: the list does not write every & so.")
    return notes


def _count_cells(text: str, mark: str, url: str) -> int:
    """Cells of a line that is a row of a table; 0 where the URL holds the mark, or a cell begins with a blank, as text behind a comma."""
    try:
        cells = next(csv.reader([text], delimiter=mark, strict=True), [])
    except csv.Error:
        return 0
    return 0 if any(cell[:1] == " " for cell in cells) or cells[:1] != [url] else len(cells)


# -- one line ----------------------------------------------------------------------------------------------------------


def divide_line(line: str, style: ListStyle) -> ListedUrl:
    """URL and label of a line."""
    text = line.rstrip("\r\n").lstrip()
    if not style.separator and _WHITE_OR_QUOTE.search(text) is None:
        cut = None
    else:
        cut = _cut(text, style)
    url, label = (_unquote(text), "") if cut is None else (cut.url, cut.label)
    if cut is not None and cut.certainty is Certainty.QUERY and not style.declared and label not in style.labels:
        why = f"a {_NAMES[style.separator]} inside the query: a label's or the URL's? quote the URL"
        return ListedUrl(url, label, f"{why}: {text}")
    if text.count("://") > 1 and (has_scheme(label) or _FURTHER_URL.search(_cut_query(text))):
        return ListedUrl(url, label, f"names several URLs, one belongs on a line: {text}")
    return ListedUrl(url.replace("&amp;", "&") if style.unescape else url, label)


def _cut(text: str, style: ListStyle) -> Cut | None:
    if style.separator in {"", " ", "\t"}:
        return cut_at_white(text, always=bool(style.separator))
    cut = cut_at_mark(text, style.separator)
    if cut is None or style.declared or cut.certainty is not Certainty.LIKELY or _looks_like_label(cut):
        return cut
    return None


def cut_at_white(text: str, *, always: bool) -> Cut | None:
    """URL and what stands behind the first white space (of a line with a tab, behind that).

    A blank may also be part of a carelessly written path: ``…/my photo.jpg`` is one URL. Unless ``always``, only a picture's ending
    right before the white space ends the URL.
    """
    quoted = _QUOTED.match(text)
    if quoted:
        label = text[quoted.end() :]
        return Cut(_unquote(quoted.group()), _unquote(label), Certainty.SURE) if label[:1].isspace() else None
    url, mark, label = text.partition("\t") if "\t" in text else _partition_blank(text)
    if not mark or (mark != "\t" and IMAGE_ENDING.search(label) and not IMAGE_ENDING.search(url)):
        return None
    sure = IMAGE_ENDING.search(url) is not None and "?" not in url
    return Cut(url.strip(), label, Certainty.SURE if sure else Certainty.LIKELY) if sure or always else None


def _partition_blank(text: str) -> tuple[str, str, str]:
    url, *rest = text.split(maxsplit=1)
    return (url, " ", rest[0]) if rest else (url, "", "")


def cut_at_mark(text: str, mark: str) -> Cut | None:
    """Where a comma, semicolon or bar may divide a line; None where it has none that could."""
    quoted = _QUOTED.match(text)
    if quoted:
        rest = text[quoted.end() :].lstrip(" ")
        return Cut(_unquote(quoted.group()), _unquote(rest[1:]), Certainty.SURE) if rest.startswith(mark) else None
    token = text.split(maxsplit=1)[0]
    place, certainty = _find_in_path(_cut_query(token), mark)
    if place < 0 and mark in token:
        place, certainty = _find_in_query(text, token, mark)
    if place < 0 and text[len(token) :].lstrip().startswith(mark):
        place, certainty = text.index(mark, len(token)), Certainty.SURE
    if place < 0:
        return None
    return Cut(text[:place].strip(), _unquote(text[place + 1 :]), certainty)


def _find_in_path(head: str, mark: str) -> tuple[int, Certainty]:
    """Behind the last picture's ending, else the first of the last segment, else the last."""
    if mark not in head:
        return -1, Certainty.LIKELY
    endings = [match.end() - 1 for match in re.finditer(rf"{ENDINGS}{re.escape(mark)}", head, re.IGNORECASE)]
    if endings:
        return endings[-1], Certainty.SURE
    place = head.find(mark, head.rfind("/"))
    place = place if place >= 0 else head.rfind(mark)
    return place, Certainty.LIKELY if place + 1 < len(head) else Certainty.SURE


def _find_in_query(text: str, token: str, mark: str) -> tuple[int, Certainty]:
    """The mark at the token's very end with a blank behind it; else the query's last."""
    if token.endswith(mark) and len(text) > len(token):
        return len(token) - 1, Certainty.SURE
    return token.rfind(mark), Certainty.QUERY


def _cut_query(text: str) -> str:
    return _QUERY.split(text, maxsplit=1)[0]


def _looks_like_label(cut: Cut) -> bool:
    in_path = cut.certainty is Certainty.LIKELY and _PART_OF_PATH.search(cut.label)
    return not in_path and not _NO_LABEL.search(cut.label)


def _unquote(label: str) -> str:
    text = label.strip()
    return text[1:-1].replace('""', '"') if len(text) >= 2 and text[0] == text[-1] == '"' else text
