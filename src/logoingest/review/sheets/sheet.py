"""The review as a spreadsheet: CSV out, CSV or a workbook back in, whatever the spreadsheet did to it in between.

One row a spelling, and above the spellings of a cluster one row for the whole: what is written there holds for each spelling
below it that has nothing of its own. The columns a spreadsheet cannot spoil decide which answer a row is about (label_id), not
the text, of which a spreadsheet may make a number, a date or a formula.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.labels.text.quoting import shorten
from logoingest.review.candidates import CANDIDATES
from logoingest.review.rulings import FORMS, ClassFinder, Ruling, list_made, read_meaning
from logoingest.review.suggestions import Cluster, OpenLabel, describe_advice, make_label_id
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.files.sheet_rows import iterate_sheet
from logoingest.sources.files.workbooks import open_workbook
from logoingest.strangers.escaping import escape_text, guard_cell, unguard_cell
from logoingest.wording import cut_text

COLUMNS = (
    "cluster", "row", "label_id", "label", "answers", "workers", "urls", *(f"candidate_{number}" for number in range(1, CANDIDATES + 1)),
    "why", "warning", "example_1", "example_2", "example_3", "decision", "comment",
)  # fmt: skip
"""Of an exported sheet. Read back are cluster, row, label_id (or label), candidate_1 to _9 and decision."""

_MAX_BYTES = 256_000_000
_MAX_CELL = 100_000
_MAX_ROWS = 1_048_576
_MAX_SHOWN = 200
_WHOLE = "cluster"
_ONE = "label"
AGAINST = "against"
"""The kind of row that is about what the crowd says against the class map: see ``contradiction_sheet``."""
CONFLICT = "conflict"
"""The kind of row that is about contradicting pictures: see ``conflict_sheet``."""
_ENCODINGS = (("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"))


class SheetReading(NamedTuple):
    """What a filled-in sheet says."""

    rulings: Sequence[Ruling]
    gone: Sequence[str]
    """Rows with a decision whose answer the data does not have any more; a line each."""
    empty: int
    """Answers left open."""


class SheetRow(NamedTuple):
    """A row of a sheet: ``review.csv: row 7``, and its cells by column."""

    where: str
    cells: Mapping[str, str]

    def read(self, column: str) -> str:
        """The cell without white space around it; empty where there is none."""
        return self.cells.get(column, "").strip()


def write_sheet(
    clusters: Sequence[Cluster],
    show_example: Callable[[str], str] = str,
    further: Iterable[Mapping[str, str | int]] = (),
    decided: Mapping[str, str] = {},
) -> bytes:
    """A sheet to fill in: UTF-8 with a byte order mark, CRLF, no cell that a spreadsheet takes for a formula.

    Args:
        clusters: the rows, in order.
        show_example: URL → what is shown for it (a thumbnail's path, or the URL itself).
        further: rows of another kind to stand below (``conflict_sheet.render_conflicts``).
        decided: ``label_id`` → what is decided of the row already.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in chain(chain.from_iterable(_render_cluster(cluster, show_example) for cluster in clusters), further):
        writer.writerow({**row, "decision": decided.get(str(row["label_id"]), "")})
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "backslashreplace")


def read_sheet(data: bytes, name: str, labels: Sequence[str], finder: ClassFinder) -> SheetReading:
    """The rulings of a filled-in sheet.

    Args:
        data: the file, in the encoding and with the delimiter a spreadsheet gave it.
        name: the file's, for messages.
        labels: the distinct answers of the data.
        finder: the classes there are.

    Raises:
        UsageError: anything in it cannot be meant; all faults at once.
    """
    rows = [row for row in read_sheet_rows(data, name) if row.read("row") not in {AGAINST, CONFLICT}]
    by_id = {make_label_id(label): label for label in labels}
    by_text = {text: label for label in labels for text in (show(label), guard_cell(show(label)))} | {
        label: label for label in labels
    }
    made = list_made(row.read("decision") for row in rows)
    wholes, problems = _gather_wholes(rows)
    found: dict[str, Ruling] = {}
    used: set[str] = set()
    gone: list[str] = []
    empty = 0
    for row in rows:
        if row.read("row") == _WHOLE:
            continue
        source = row if row.read("decision") else wholes.get(row.read("cluster"), row)
        used.add(row.read("cluster"))
        meaning = read_meaning(source.read("decision"), list_candidates(source), finder, made)
        label = by_id.get(row.read("label_id")) if row.read("label_id") else by_text.get(row.cells.get("label", ""))
        if isinstance(meaning, Problem):
            problems.append(Problem(source.where, meaning.what, meaning.hint))
        elif meaning is None:
            empty += 1
        elif label is None:
            gone.append(f"{row.where}: {shorten(row.read('label'))} is not among the answers of the data any more")
        else:
            _add_ruling(found, Ruling(label, meaning, row.where), problems)
    orphans = [row for cluster, row in wholes.items() if cluster not in used]
    problems += [
        Problem(row.where, "decides a cluster of which no label row is in the sheet", "keep the rows below it") for row in orphans
    ]
    if problems:
        raise UsageError(list(dict.fromkeys(problems)))
    return SheetReading(list(found.values()), gone, empty)


def _render_cluster(cluster: Cluster, show_example: Callable[[str], str]) -> Iterator[dict[str, str | int]]:
    shared: dict[str, str | int] = {"cluster": cluster.cluster_id}
    shared |= {f"candidate_{number}": guard_cell(one.class_id) for number, one in enumerate(cluster.candidates[:CANDIDATES], 1)}
    why = "; ".join(
        f"{number}: {show(one.name)} {one.score:.2f} ({show(one.reason)})"
        for number, one in enumerate(cluster.candidates[:CANDIDATES], 1)
    )
    doubts = "; ".join(filter(None, (cluster.warning, show(describe_advice(cluster)))))
    shared |= {"why": guard_cell(why), "warning": guard_cell(doubts)}
    if len(cluster.members) > 1:
        spellings = " | ".join(show(member.raw_label) for member in cluster.members)
        facts = {"row": _WHOLE, "label_id": "", "label": guard_cell(spellings[:_MAX_SHOWN])}
        counts = {"answers": cluster.answers, "workers": len(cluster.workers), "urls": len(cluster.urls)}
        yield {**shared, **facts, **counts, **_list_examples(cluster.examples, show_example)}
    for member in cluster.members:
        yield {**shared, **_render_member(member), **_list_examples(member.urls, show_example)}


def _render_member(member: OpenLabel) -> dict[str, str | int]:
    counts = {"answers": member.answers, "workers": len(member.workers), "urls": len(member.urls)}
    return {"row": _ONE, "label_id": member.label_id, "label": guard_cell(show(member.raw_label)), **counts}


def _list_examples(urls: Sequence[str], show_example: Callable[[str], str]) -> dict[str, str]:
    return {f"example_{number}": guard_cell(show(show_example(url), 2_000)) for number, url in enumerate(urls[:3], 1)}


def show(text: str, length: int = _MAX_SHOWN) -> str:
    """Text as a cell shows it: escaped, and cut."""
    return escape_text(cut_text(text, length))


def read_sheet_rows(data: bytes, name: str) -> Iterator[SheetRow]:
    """The rows of a sheet that are not empty.

    Raises:
        UsageError: it is no sheet that can be read.
    """
    if len(data) > _MAX_BYTES:
        raise UsageError(Problem(name, f"is larger than {_MAX_BYTES // 1_000_000} MB", "that is no sheet that export wrote"))
    lines = _list_cells(data, name) if data.startswith(b"PK\x03\x04") else _split_text(_decode(data), name)
    if any(len(cell) > _MAX_CELL for cells in lines for cell in cells):
        raise UsageError(Problem(name, f"has a cell of more than {_MAX_CELL:,} characters", "that is no sheet that export wrote"))
    columns = [cell.strip().lower() for cell in lines[0]] if lines else []
    repeated = [column for column, count in Counter(columns).items() if column and count > 1]
    if "decision" not in columns or not {"label_id", "label"} & set(columns) or repeated:
        what = f"has the column {shorten(repeated[0])} twice" if repeated else "lacks the columns decision and label_id (or label)"
        raise UsageError(Problem(name, what, f"it has: {', '.join(map(shorten, columns[:20])) or 'none'}"))
    for number, cells in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in cells):
            yield SheetRow(f"{name}: row {number}", dict(zip(columns, cells, strict=False)))


def _split_text(text: str, name: str) -> list[list[str]]:
    """The rows of a CSV, by the delimiter of its header."""
    first, _, rest = text.partition("\n")
    if first.strip().strip('"').lower().startswith("sep="):
        text = rest
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UsageError(Problem(name, f"is no CSV file ({error})", "save the sheet as CSV")) from None


def _list_cells(data: bytes, name: str) -> list[list[str]]:
    """The rows of a workbook's first sheet, empty ones as well: a row's number is its place."""
    lines: list[list[str]] = []
    with open_workbook(SourceFile(Path(name), name), data) as book:
        for row in chain.from_iterable(iterate_sheet(book, sheet) for sheet in book.sheets[:1]):
            if row.number > _MAX_ROWS:
                raise UsageError(Problem(name, f"has a row beyond {_MAX_ROWS:,}", "that is no sheet that export wrote"))
            lines += [[] for _ in range(len(lines) + 1, row.number)]
            lines.append(row.cells)
    return lines


def _decode(data: bytes) -> str:
    for encoding, mark in _ENCODINGS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what a spreadsheet's plain "CSV" is in the west; label_id is ASCII


def _gather_wholes(rows: Sequence[SheetRow]) -> tuple[dict[str, SheetRow], list[Problem]]:
    """Cluster → its own row, where something is decided there."""
    wholes: dict[str, list[SheetRow]] = defaultdict(list)
    for row in rows:
        if row.read("row") == _WHOLE and row.read("decision"):
            wholes[row.read("cluster")].append(row)
    problems = [
        Problem(found[1].where, f"the cluster is decided twice, as {shorten(found[0].read('decision'))} in {found[0].where} too")
        for found in wholes.values()
        if len({row.read("decision") for row in found}) > 1
    ]
    return {cluster: found[0] for cluster, found in wholes.items()}, problems


def list_candidates(row: SheetRow) -> list[str]:
    """What 1, 2, 3 … stand for in a row."""
    cells = [unguard_cell(row.cells.get(f"candidate_{number}", "")) for number in range(1, CANDIDATES + 1)]
    return [cell for cell in cells if cell]


def _add_ruling(found: dict[str, Ruling], ruling: Ruling, problems: list[Problem]) -> None:
    earlier = found.setdefault(ruling.raw_label, ruling)
    if earlier.meaning != ruling.meaning:
        what = f'{shorten(ruling.raw_label)} is "{ruling.meaning}" here and "{earlier.meaning}" in {earlier.where}'
        problems.append(Problem(ruling.where, what, f"an answer has one decision ({FORMS})"))
