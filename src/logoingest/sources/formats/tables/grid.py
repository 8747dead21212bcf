"""Tables with a column a picture, as forms export them: each row is a person, each cell what he said of the picture its column names.

The URL stands in the column's name, or in the survey's question (``Which brand? [https://…/1.jpg]``, Qualtrics' ``<img src=…>``); a file
name is completed as any other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.sources.cells.columns import IMAGE_ENDING, has_scheme, is_beside_label, list_namesakes
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.tables.rows import Table

_URL = re.compile(r"https?://[^\s\"'<>\[\]]+", re.IGNORECASE)


def find_pictures(table: Table) -> dict[str, str]:
    """Column → the picture it asks about, but for columns of how sure somebody was, or of a comment, where another asks about the same; none
    where a column's cells hold pictures, or a single name names one.
    """
    found = {name: picture for name, picture in name_pictures(table, table.columns).items() if picture}
    if any(map(_hold_pictures, table.sample.values())):
        return {}
    titles = {name: title for title, name in table.entitle(found).items()}
    pictures = list(found.values())
    found = {
        name: picture
        for name, picture in found.items()
        if pictures.count(picture) == 1 or not is_beside_label(titles[name].replace(picture, " "))
    }
    return found if len(found) > 1 else {}


def name_pictures(table: Table, columns: Sequence[str]) -> dict[str, str]:
    """Column → the URL or file name in its name or question; empty where there is none."""
    return {name: _find_picture(_cut_number(title, table.columns)) for title, name in table.entitle(columns).items()}


def check_pictures(file: SourceFile, pictures: Mapping[str, str]) -> None:
    """See that every column has a picture of its own.

    Raises:
        SourceError: a column names none, or several name the same.
    """
    if nameless := [name for name, picture in pictures.items() if not picture]:
        raise file.fault(
            f'has a column "{nameless[0][:80]}" that names no picture (picture_columns)', "its name holds a URL or a file's name"
        )
    names = list(pictures.values())
    if twice := next((name for name in names if names.count(name) > 1), ""):
        same = " or ".join(f'"{column}"' for column, picture in pictures.items() if picture == twice)
        raise file.fault(f"asks more than once about a picture: {same[:300]}", "name the columns that count: picture_columns = […]")


def _find_picture(title: str) -> str:
    if found := _URL.search(html.unescape(title) if "<" in title else title):
        url = found.group().rstrip(".,;:")
        return url.rstrip(")") if "(" not in url else url
    last = re.split(r"[?:\[]", title)[-1].strip(" ][)(\t\n")
    return last if IMAGE_ENDING.search(last) else ""


def _cut_number(title: str, columns: Sequence[str]) -> str:
    """A title without the number that tells columns of one name apart."""
    base = title.rpartition(":")[0]
    return base if list_namesakes(base, columns) else title


def _hold_pictures(values: Sequence[Any]) -> bool:
    texts = [text for value in values if (text := str(value or "").strip())]
    return bool(texts) and 2 * sum(has_scheme(text) or IMAGE_ENDING.search(text) is not None for text in texts) > len(texts)
