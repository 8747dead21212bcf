"""Excel workbooks (xlsx, xlsm) from strangers, read as a stream: one row at a time, in bounded memory.

Formats: ECMA-376, part 1, §18 (SpreadsheetML), part 2 (packages). No library reads them here: openpyxl fails on files whose styles or
filters it does not like, and calamine makes a sheet's whole rectangle at once: a workbook of 2 kB with two cells far apart ends the process
(https://github.com/tafia/calamine/issues/693).
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.etree.ElementTree as ET  # only the tree; what parses is files.markup
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from logoingest.sources.files.markup import MAX_ELEMENT_CHARS, MarkupError, iterate_elements, parse_tree
from logoingest.sources.files.number_formats import GENERAL, NumberFormat, read_format
from logoingest.sources.files.opening import SourceFile

#: Bytes of a workbook's texts and of one of its sheets, unpacked, at most.
MAX_STRING_BYTES = 256 << 20
MAX_SHEET_BYTES = 2 << 30
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class Sheet(NamedTuple):
    """A sheet that may hold a table: its name, where it lies in the package, whether a person sees it."""

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True)
class Workbook:
    """An open workbook: its sheets in order, and what cells refer to."""

    sheets: Sequence[Sheet]
    strings: Sequence[str]
    formats: Sequence[NumberFormat]
    since_1904: bool
    package: _Package

    def find_format(self, style: str | None) -> NumberFormat:
        """The number format of a cell's style."""
        place = int(style) if style and style.isdecimal() else 0
        return self.formats[place] if place < len(self.formats) else GENERAL

    @contextmanager
    def open_sheet(self, sheet: Sheet) -> Iterator[IO[bytes]]:
        """A sheet's XML."""
        with self.package.open(sheet.part, MAX_SHEET_BYTES) as stream:
            yield stream

    def read_targets(self, sheet: Sheet) -> Mapping[str, str]:
        """Where a sheet's links lead, by their ids."""
        return {link.id: link.target for link in self.package.read_links(sheet.part) if link.kind == "hyperlink"}


class _Link(NamedTuple):
    """One part's relationship to another, or to something outside."""

    id: str
    kind: str
    target: str


@dataclass
class _Package:
    """A zip of parts; nothing is read from it beyond what the zip itself declares."""

    archive: zipfile.ZipFile
    parts: dict[str, zipfile.ZipInfo] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = {info.filename.replace("\\", "/").lower(): info for info in self.archive.infolist()}

    @contextmanager
    def open(self, part: str, most: int) -> Iterator[IO[bytes]]:
        info = self.parts.get(part.lower())
        if info is None:
            raise MarkupError(f"lacks its part {part[:80]}")
        if info.flag_bits & 1:
            raise MarkupError("has a password")
        if info.file_size > most:
            raise MarkupError(f"has a part larger than {most >> 20} MiB: {part[:80]}")
        try:
            stream = self.archive.open(info)
        except (OSError, UnicodeError, NotImplementedError) as error:
            raise MarkupError(f"is damaged ({error})") from None
        with stream:
            yield stream

    def read_tree(self, part: str) -> ET.Element:
        with self.open(part, MAX_ELEMENT_CHARS) as stream:
            return parse_tree(stream.read())

    def read_links(self, part: str) -> list[_Link]:
        """What a part is related to; parts of the package by their whole path."""
        folder, name = posixpath.split(part)
        place = posixpath.join(folder, "_rels", f"{name}.rels")
        if place.lower() not in self.parts:
            return []
        found = []
        for link in self.read_tree(place):
            target, kind = link.get("Target", ""), link.get("Type", "").rpartition("/")[2]
            if link.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")
            found.append(_Link(link.get("Id", ""), kind, target))
        return found


@contextmanager
def open_workbook(file: SourceFile, data: bytes | None = None) -> Iterator[Workbook]:
    """A workbook's sheets, texts and formats; of ``data``, where it is not the file that is read.

    Raises:
        SourceError: it is damaged, binary (xlsb), has a password or is larger than may be read; also while its sheets are read.
    """
    try:
        with zipfile.ZipFile(file.path if data is None else io.BytesIO(data)) as archive:
            yield _read_workbook(_Package(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, MarkupError) as error:
        raise file.fault(
            f"is no Excel workbook that can be read: it {_explain(error)}", "open it and save it as .xlsx anew"
        ) from None


def _explain(error: Exception) -> str:
    return str(error) if isinstance(error, MarkupError) else f"is damaged ({error})"


def _read_workbook(package: _Package) -> Workbook:
    part = next((link.target for link in package.read_links("") if link.kind == "officeDocument"), "xl/workbook.xml")
    if part.lower().endswith(".bin"):
        raise MarkupError("is a binary one (xlsb)")
    root = package.read_tree(part)
    links = package.read_links(part)
    tables = {link.id: link.target for link in links if link.kind == "worksheet"}
    places = {link.kind: link.target for link in links}
    sheets = []
    for sheet in root.iterfind("sheets/sheet"):
        target = next((tables[value] for name, value in sheet.attrib.items() if name.endswith(":id") and value in tables), None)
        if target is not None:
            sheets.append(Sheet(sheet.get("name", ""), target, sheet.get("state", "visible") != "visible"))
    properties = root.find("workbookPr")
    return Workbook(
        sheets,
        _read_strings(package, places.get("sharedStrings")),
        _read_formats(package, places.get("styles")),
        properties is not None and properties.get("date1904") in {"1", "true"},
        package,
    )


def _read_strings(package: _Package, part: str | None) -> list[str]:
    """The texts that cells name by number, without the readings (furigana) beside them."""
    if part is None or part.lower() not in package.parts:
        return []
    with package.open(part, MAX_STRING_BYTES) as stream:
        items = iterate_elements(stream)
        next(items, None)
        return [unescape_text("".join(_list_texts(item))) for item in items if item.tag == "si"]


def _list_texts(item: ET.Element) -> Iterator[str]:
    for part in item:
        run = part.find("t") if part.tag == "r" else part
        if run is not None and run.tag == "t":
            yield trim_text(run.text or "", run.attrib)


def trim_text(text: str, attributes: Mapping[str, str]) -> str:
    """The text of an element ``t``, whose outer white space counts only where it says so."""
    return text if attributes.get("xml:space") == "preserve" else text.strip()


def unescape_text(text: str) -> str:
    """A text with the characters that XML cannot hold: ``_x000D_`` is a carriage return."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _read_formats(package: _Package, part: str | None) -> list[NumberFormat]:
    """The number format of every style a cell can have."""
    if part is None or part.lower() not in package.parts:
        return []
    root = package.read_tree(part)
    codes = {_read_id(form): form.get("formatCode", "") for form in root.iterfind("numFmts/numFmt")}
    return [read_format(_read_id(style), codes) for style in root.iterfind("cellXfs/xf")]


def _read_id(element: ET.Element) -> int:
    text = element.get("numFmtId", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0
