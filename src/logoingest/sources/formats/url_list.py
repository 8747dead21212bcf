"""A plain list: one URL a line, perhaps with a label after it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from logoingest.config import SourceConfig
from logoingest.sources.cells.columns import IMAGE_ENDING, complete_url
from logoingest.sources.cells.files import LineReader, LineTooLongError, SourceFile, open_lines
from logoingest.sources.cells.records import Record, refuse_record

_AFTER_ENDING = re.compile(rf"(\S*?{IMAGE_ENDING.pattern.partition('(?=')[0]}(?:\?[^,;\s]*)?)\s*[,;](.*)", re.IGNORECASE)


class ListedUrl(NamedTuple):
    """One line of a list."""

    url: str
    label: str


def read_urls(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a list of URLs; ``source_row`` is the line. Empty lines and lines that begin with # are no records.

    Raises:
        SourceError: there is no record in it, or it cannot be read.
    """
    records = sound = 0
    with open_lines(file) as lines:
        while True:
            try:
                line = next(lines)
            except StopIteration:
                break
            except LineTooLongError as error:
                records += 1
                yield refuse_record(lines.number, str(error))
                continue
            if not is_comment(line):
                records += 1
                sound += 1
                url, label = divide_line(line, source.delimiter)
                yield Record(lines.number, complete_url(url, source.url_prefix), label)
    if records and not sound:
        raise file.fault("has no line that can be read: all are too long", "one URL a line")
    if not records:
        raise file.fault("lists no URLs", "one URL a line; lines that begin with # are comments")


def is_comment(line: str) -> bool:
    """Whether a line is empty or a comment."""
    text = line.strip()
    return not text or text.startswith("#")


def divide_line(line: str, delimiter: str | None = None) -> ListedUrl:
    """URL and label of a line.

    The label is what follows a tab; else a comma or semicolon after an image file's ending (``…/a.jpg,label``, perhaps in quotes);
    else white space. A comma elsewhere may be part of the URL: set ``delimiter = ","`` where it is not.
    """
    text = line.rstrip("\r\n").lstrip()
    if delimiter or "\t" in text:
        before, _, after = text.partition(delimiter or "\t")
        return ListedUrl(before.strip(), _unquote(after) if delimiter else after)
    if match := _AFTER_ENDING.fullmatch(text):
        return ListedUrl(match.group(1), _unquote(match.group(2)))
    url, *label = text.split(maxsplit=1)
    if label and IMAGE_ENDING.search(label[0]) and not IMAGE_ENDING.search(url):
        return ListedUrl(text.strip(), "")  # a URL with a space in it
    return ListedUrl(url, label[0] if label else "")


def _unquote(label: str) -> str:
    text = label.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return label


def guess_delimiter(lines: LineReader) -> str | None:
    """The comma or semicolon that every one of the first lines has exactly one of and that no label was found without."""
    sample = [line.strip() for line, _ in zip(lines.readable(), range(200), strict=False) if not is_comment(line)]
    for delimiter in ",;":
        if sample and all(line.count(delimiter) == 1 for line in sample) and not any("\t" in line for line in sample):
            return delimiter
    return None
