"""Reading sources in tests, with what holds of every result; the smallest workbooks, written by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from logoingest.config import SourceConfig
from logoingest.schemas import AnnotationRow, RejectedRow
from logoingest.sources import read_annotations

#: How a workbook writes what XML would make another character of.
_ESCAPED = {"\r": "_x000D_"}


class Read(NamedTuple):
    """Both tables as rows."""

    kept: list[dict[str, Any]]
    rejected: list[dict[str, Any]]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """(url, raw_label) of the kept rows."""
        return [(row["url"], row["raw_label"]) for row in self.kept]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """(source_row, reason) of the rejected rows."""
        return [(row["source_row"], row["reason"]) for row in self.rejected]

    @property
    def ids(self) -> list[str]:
        """Every id, kept and rejected."""
        return [row["annotation_id"] for row in self.kept + self.rejected]


def read_all(base: Path, *sources: dict[str, Any]) -> Read:
    """Read sources and check what holds of every result: schemas, unique ids of 32 hex digits, one line of detail."""
    kept, rejected = read_annotations([SourceConfig.model_validate(source) for source in sources], base)
    assert kept.schema.equals(AnnotationRow.arrow_schema())
    assert rejected.schema.equals(RejectedRow.arrow_schema())
    read = Read(kept.to_pylist(), rejected.to_pylist())
    assert len(set(read.ids)) == len(read.ids)
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in read.ids)
    assert all(row["url"] and row["url"] == row["url"].strip() for row in read.kept)
    assert all(len(row["detail"] or "") <= 300 and "\n" not in (row["detail"] or "") for row in read.rejected)
    for row in read.kept:
        AnnotationRow.model_validate(row)
    return read


def write_book(path: Path | io.BytesIO, sheet: str, *, strings: str = "") -> None:
    """A workbook of one sheet, of the XML of its rows and of its texts."""
    spaces = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    related = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packaged = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "xl/workbook.xml": f'<workbook {spaces} xmlns:r="{related}"><sheets><sheet name="S" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packaged}"><Relationship Id="a" Type="{related}/worksheet" Target="s.xml"/>'
        f'<Relationship Id="b" Type="{related}/sharedStrings" Target="t.xml"/></Relationships>',
        "xl/s.xml": f"<worksheet {spaces}><sheetData>{sheet}</sheetData></worksheet>",
        "xl/t.xml": f"<sst {spaces}>{strings}</sst>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def write_row(number: int, *texts: str) -> str:
    """A row of texts; an empty one is no cell."""
    names = [f"{first}{last}" for first in ["", *ascii_uppercase] for last in ascii_uppercase]
    cells = [
        f'<c r="{name}{number}" t="inlineStr"><is><t xml:space="preserve">{escape(text, _ESCAPED)}</t></is></c>'
        for name, text in zip(names, texts, strict=False)
        if text
    ]
    return f'<row r="{number}">{"".join(cells)}</row>'
