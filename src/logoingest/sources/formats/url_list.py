"""A plain list: one URL a line, perhaps with a label after it."""

from __future__ import annotations

from collections.abc import Iterator

from logoingest.config import SourceConfig
from logoingest.schemas import Reason
from logoingest.sources.cells.columns import complete_url
from logoingest.sources.files.opening import LineTooLongError, SourceFile, open_lines
from logoingest.sources.formats.list_style import ListStyle, divide_line, plan_list
from logoingest.sources.records.tabulating import Record, refuse_record


def read_urls(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a list of URLs; ``source_row`` is the line. Empty lines and lines that begin with # are no records.

    Whether labels stand behind the URLs, and what is between, is decided for the whole list before it is read; ``delimiter`` says it:
    one that the list does not show by itself divides queries too. A line on which that cannot be told, or that names several URLs, is refused.

    Raises:
        SourceError: there is no record in it, or it cannot be read.
    """
    style = inspect_list(file)
    if source.delimiter:
        style = style._replace(separator=source.delimiter, declared=style.separator != source.delimiter)
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
                url, label, fault = divide_line(line, style)
                record = Record(lines.number, complete_url(url, source.url_prefix), label)
                yield record._replace(reason=Reason.INVALID_ROW, detail=fault) if fault else record
    if records and not sound:
        raise file.fault("has no line that can be read: all are too long", "one URL a line")
    if not records:
        raise file.fault("lists no URLs", "one URL a line; lines that begin with # are comments")


def inspect_list(file: SourceFile) -> ListStyle:
    """How the lines of a list are divided, decided over all of them."""
    with open_lines(file) as lines:
        return plan_list(line for line in lines.readable() if not is_comment(line))


def is_comment(line: str) -> bool:
    """Whether a line is empty or a comment."""
    text = line.strip()
    return not text or text.startswith("#")
