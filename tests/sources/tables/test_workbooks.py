"""Excel workbooks: what cells say, which rows and which sheet are the table, and what hostile ones come to."""

from __future__ import annotations

import csv
import zipfile

import pytest

from builders.places import DATA
from builders.sources import read_all, write_book, write_row
from logoingest.errors import SourceError
from logoingest.pipeline.actions.scaffold import init
from logoingest.sources import guess_source
from logoingest.sources.files import workbooks
from logoingest.sources.files.number_formats import read_format, write_number

FOLDER = DATA / "sources/workbooks"
#: What the cells of cells.xlsx say, from row 2 on.
SAID = (
    "12345", "00007", "1E+21", "0.3", "50%", "-3", "2.5", "TRUE", "None", "NA", "#N/A", "007", "a\rb", "_x0041_",
    "2025-10-09", "2025-10-09T07:30:20", "07:30:20", "36:00:00", "1900-02-28", "3", "1900-01-01", "", "=nike", "nike", "adidas",
)  # fmt: skip


def read_book(name, **keys):
    return read_all(FOLDER, {"path": name, **keys})


GOOD = write_row(1, "image_url", "label") + write_row(2, "http://x.example/1.jpg", "nike")


def test_cells_say_what_a_person_sees():
    """Whole numbers have no point, dates are ISO, zeros and per cents stay; an error is no answer, a text that looks like one is."""
    got = read_book("cells.xlsx")
    assert tuple(label for _, label in got.answers) == SAID
    assert [row["source_row"] for row in got.kept] == list(range(2, len(SAID) + 2))


@pytest.mark.parametrize(
    ("number", "code", "text", "said"),
    [
        (0, None, "12345.0", "12345"),
        (0, None, "1E-3", "0.001"),
        (0, None, "twelve", "twelve"),
        (0, None, "NaN", "NaN"),
        (14, None, "60", "1900-02-28"),
        (14, None, "61", "1900-03-01"),
        (14, None, "45939.5", "2025-10-09T12:00:00"),
        (22, None, "45939", "2025-10-09T00:00:00"),
        (14, None, "-1", "-1"),
        (14, None, "9999999", "9999999"),
        (164, "[$-409]mmmm d, yyyy", "45939", "2025-10-09"),
        (164, "[Red]0.00", "3", "3"),
        (164, '"day" 0', "3", "3"),
        (164, "General", "0.10", "0.1"),
        (164, "0.0%", "0.125", "12.5%"),
        (164, "0000", "-7", "-007"),
    ],
)
def test_a_number_is_written_by_its_format(number, code, text, said):
    """A format is a date's by its letters, not by those in quotes or brackets; what no date can be stays a number."""
    assert write_number(text, read_format(number, {} if code is None else {number: code}), since_1904=False) == said


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("titles.xlsx", [(4, 1, "nike"), (6, 2, "puma"), (7, 3, "")]),
        ("links.xlsx", [(2, 1, "nike"), (3, 2, "puma"), (4, 3, ""), (5, 4, "asics")]),
        ("image_formula.xlsx", [(2, 1, "nike"), (3, 2, "nike")]),
        ("merged.xlsx", [(3, 1, "nike"), (4, 1, "nike"), (5, 1, "nike"), (6, 2, "nike"), (7, 2, "nike")]),
        ("no_header.xlsx", [(1, 1, "nike"), (2, 2, "puma")]),
        ("one_with_pictures.xlsx", [(2, 1, "1"), (3, 2, "2")]),
        ("since_1904.xlsx", [(2, 1, "2025-10-09")]),
    ],
)
def test_rows_are_those_a_person_sees(name, rows):
    """Titles and blank rows are none, a merged picture counts for its rows, a link is where it leads; rows keep the sheet's numbers."""
    got = read_book(name)
    told = [(row["source_row"], row["url"], row["raw_label"]) for row in got.kept]
    assert told == [(number, f"http://x.example/{picture}.jpg", label) for number, picture, label in rows]
    assert not got.rejected


def test_a_merged_header_is_one():
    """A cell over two rows names its column once; one over two columns goes before both."""
    assert guess_source(FOLDER / "merged.xlsx").columns == ("Picture", "Answer Brand", "Answer Sure?", "Worker")


def test_links_stand_beside_their_texts():
    """A linked picture has a column with its URL, an answer that links somewhere stays an answer."""
    guess = guess_source(FOLDER / "links.xlsx")
    assert (guess.url_column, guess.label_column, guess.worker_column) == ("photo link", "label", "annotator")


def test_of_several_sheets_one_is_named(tmp_path):
    """A source says which of several sheets with pictures it is; init takes the first that can be seen, and says so."""
    with pytest.raises(SourceError, match=r'has 2 sheets with pictures; .*sheet = "Batch 1" or sheet = "Batch 2"'):
        read_book("sheets.xlsx")
    assert read_book("sheets.xlsx", sheet="Batch 2").answers == [("http://x.example/2.jpg", "brand 2")]
    assert read_book("sheets.xlsx", sheet="Old").answers == [("http://x.example/9.jpg", "old")]
    with pytest.raises(SourceError, match=r'no sheet "Batch 3"; did you mean "Batch [12]"'):
        read_book("sheets.xlsx", sheet="Batch 3")
    guess = guess_source(FOLDER / "sheets.xlsx")
    assert guess.sheet == "Batch 1"
    assert any('"Batch 2", "Old" hold pictures' in note for note in guess.notes)
    init(tmp_path, [FOLDER / "sheets.xlsx"], {"sheet": "Batch 2"})
    assert 'sheet = "Batch 2"' in (tmp_path / "dataset.toml").read_text()


def test_a_workbook_gives_what_its_csv_gives(tmp_path):
    """The same rows in a workbook and in a CSV are the same answers, under the same ids."""
    rows = [("image_url", "label"), ("http://x.example/1.jpg", "addidas "), ("http://x.example/2.jpg", "no sé")]
    sheet = "".join(write_row(number, *row) for number, row in enumerate(rows, 1))
    write_book(tmp_path / "a.xlsx", sheet)
    (tmp_path / "a.csv").write_text("".join(f"{url},{label}\n" for url, label in rows))
    assert read_all(tmp_path, {"path": "a.xlsx"}).ids == read_all(tmp_path, {"path": "a.csv"}).ids


@pytest.mark.parametrize(
    "name",
    ["several_images.csv", "options.csv", "crowdflower/full.csv", "toloka/results.tsv", "zooniverse/classifications.csv",
     "forms/qualtrics.csv", "forms/qualtrics_loop.csv", "forms/surveymonkey.csv", "forms/google_forms.csv", "forms/excel_merged.csv", "tabular/wide.csv"],
)  # fmt: skip
def test_every_kind_of_table_may_be_a_workbook(tmp_path, name):
    """Platforms' results, surveys and merged headers are the same answers, and the same rows are refused."""
    path = DATA / "sources" / name
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=guess_source(path).delimiter or ","))
    write_book(tmp_path / "a.xlsx", "".join(write_row(number, *row) for number, row in enumerate(rows, 1)))
    book, table = read_all(tmp_path, {"path": "a.xlsx"}), read_all(path.parent, {"path": path.name})
    assert [row["annotation_id"] for row in book.kept] == [row["annotation_id"] for row in table.kept]
    assert [row["reason"] for row in book.rejected] == [row["reason"] for row in table.rejected]


def test_init_takes_a_workbook_and_a_legend_of_another(tmp_path):
    """Answers that are codes are named by a workbook that says what they mean."""
    made = init(tmp_path, [FOLDER / "one_with_pictures.xlsx"], legend=FOLDER / "codes.xlsx")
    assert 'name = "nike"' in made.class_map.read_text()


def test_what_no_column_is_above_is_not_read(tmp_path):
    """A note beside the table moves nothing: the row counts."""
    write_book(
        tmp_path / "a.xlsx", write_row(1, "image_url", "label") + write_row(2, "http://x.example/1.jpg", "nike", "", "sure?")
    )
    assert read_all(tmp_path, {"path": "a.xlsx"}).answers == [("http://x.example/1.jpg", "nike")]


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (GOOD + '<row r="3"><c r="XFE3"><v>1</v></c></row>', "names a cell that no sheet has"),
        (GOOD + '<row r="3"><c r="A3" t="s"><v>7</v></c></row>', r"names a text that it does not hold \(row 3\)"),
        (GOOD + '<row r="3"><c r="A3"><v>1</v>', "is not valid XML"),
        (GOOD + f'<row r="3">{write_row(3, "x" * (9 << 20), "x" * (9 << 20))}</row>', "has a row larger than 16 MiB"),
        ("", 'holds nothing in its sheet "S"'),
        (write_row(1, "image_url", "label"), "has a header but no rows"),
    ],
)
def test_a_broken_workbook_is_told(tmp_path, sheet, message):
    """What no workbook holds is refused in one message, never guessed."""
    write_book(tmp_path / "a.xlsx", sheet)
    with pytest.raises(SourceError, match=message):
        read_all(tmp_path, {"path": "a.xlsx", "url_column": "image_url"})


def test_two_cells_far_apart_cost_nothing(tmp_path):
    """A sheet is read row by row: the corner of the largest one makes no rectangle."""
    write_book(tmp_path / "a.xlsx", GOOD + '<row r="1048576"><c r="A1048576"><v>1</v></c><c r="XFD1048576"><v>2</v></c></row>')
    assert read_all(tmp_path, {"path": "a.xlsx"}).answers[0] == ("http://x.example/1.jpg", "nike")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """A part that declares more than may be read is refused before a byte of it is; one that lies is damaged."""
    monkeypatch.setattr(workbooks, "MAX_STRING_BYTES", 1 << 20)
    write_book(tmp_path / "a.xlsx", GOOD, strings=f"<si><t>{'x' * (2 << 20)}</t></si>")
    with pytest.raises(SourceError, match=r"has a part larger than 1 MiB: xl/t\.xml"):
        read_all(tmp_path, {"path": "a.xlsx"})
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        size = archive.getinfo("xl/t.xml").file_size.to_bytes(4, "little")
    data = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(data.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(SourceError, match="is no Excel workbook that can be read"):
        read_all(tmp_path, {"path": "a.xlsx"})


@pytest.mark.parametrize(("place", "value"), [(6, 84), (10, 99), (46, 200)], ids=["version", "compression", "name"])
def test_a_zip_that_cannot_be_opened_is_told(tmp_path, place, value):
    """What the zip's own table says wrong is one message as well."""
    write_book(tmp_path / "a.xlsx", GOOD)
    data = bytearray((tmp_path / "a.xlsx").read_bytes())
    data[data.index(b"PK\x01\x02") + place] = value
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(SourceError, match=r"damaged|that can be read"):
        read_all(tmp_path, {"path": "a.xlsx"})


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "a.xlsx",
            b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "is a workbook with a password; save it",
        ),
        ("a.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "is an old Excel or Word file; save the sheet as .xlsx"),
        ("a.xls", b"<html><table>", "is a web page .* under an Excel file's name; if it shows a table, open it in Excel"),
    ],
)
def test_what_is_no_workbook_of_today_is_named(tmp_path, name, data, message):
    """Old files, those with a password and pages under an Excel name say how to get one that can be read."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=message):
        read_all(tmp_path, {"path": name})


def test_formulas_without_results_are_told():
    """A workbook that a program wrote and nobody opened has formulas and no values: its answers are not taken for empty."""
    with pytest.raises(SourceError, match="formulas that nobody ever calculated; open it in Excel"):
        read_book("never_calculated.xlsx")


def test_a_csv_by_an_excel_name_is_a_csv(tmp_path):
    """Content tells what a file is; a sheet of one that has none is an error."""
    (tmp_path / "a.xlsx").write_text("image_url,label\nhttp://x.example/1.jpg,nike\n")
    assert read_all(tmp_path, {"path": "a.xlsx"}).answers == [("http://x.example/1.jpg", "nike")]
    with pytest.raises(SourceError, match="is no Excel workbook, so it has no sheets; leave out sheet"):
        read_all(tmp_path, {"path": "a.xlsx", "sheet": "S"})
