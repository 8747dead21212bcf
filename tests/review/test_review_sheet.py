"""The sheet: out safely, back in from whatever a spreadsheet made of it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import HOSTILE, MAP, annotate, find_clusters, labels
from builders.sources import write_book, write_row
from logoingest.errors import UsageError
from logoingest.labels import ClassMap
from logoingest.review.rulings import Action, ClassFinder, RuledMeaning
from logoingest.review.sheets.sheet import COLUMNS, read_sheet, write_sheet
from logoingest.review.suggestions import make_label_id

CLASS_MAP = ClassMap.from_toml(MAP)
FINDER = ClassFinder(CLASS_MAP)
ANSWERS = ["pmua", "puam", "punna", "bwm", "asdf"]
PUMA = RuledMeaning(Action.CLASS, "puma")


def export(*answers):
    return write_sheet(find_clusters(annotate(*answers), CLASS_MAP))


def fill(data, decide, delimiter=",", encoding="utf-8-sig", line_end="\r\n"):
    """What a spreadsheet saves after a person filled in the column: ``decide`` says what goes in a row."""
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, delimiter=delimiter, lineterminator=line_end)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "decision": decide(row) or ""})
    return buffer.getvalue().encode(encoding, "replace")


def read(data, answers=ANSWERS):
    return read_sheet(data, "review.csv", list(answers), FINDER)


def decide_by_label(**decisions):
    return lambda row: decisions.get(row["label"].replace(" ", "_"))


def test_a_sheet_opens_in_a_spreadsheet():
    """A byte order mark, the documented columns, an empty decision in every row."""
    data = export(*ANSWERS)
    assert data.startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert {row["label"] for row in rows if row["row"] == "label"} == set(ANSWERS)
    assert {row["decision"] for row in rows} == {""}
    assert all(row["candidate_1"] in CLASS_MAP.names for row in rows if row["candidate_1"])


def test_a_decision_on_a_cluster_holds_for_its_rows_but_for_those_that_say_otherwise():
    """skip leaves a row open."""
    cluster = find_clusters(annotate("fanta", "FANTA", "fantta"), CLASS_MAP)
    assert len(cluster) == 1
    data = fill(
        write_sheet(cluster),
        lambda row: "puma" if row["row"] == "cluster" else {"fantta": "skip", "FANTA": "drop"}.get(row["label"]),
    )
    reading = read(data, ["fanta", "FANTA", "fantta"])
    assert {ruling.raw_label: ruling.meaning for ruling in reading.rulings} == {"fanta": PUMA, "FANTA": RuledMeaning(Action.DROP)}
    assert reading.empty == 1


@pytest.mark.parametrize(
    ("delimiter", "encoding", "line_end"),
    [(",", "utf-8-sig", "\r\n"), (";", "utf-8", "\n"), ("\t", "utf-16", "\r\n"), (";", "cp1252", "\r\n"), (",", "utf-8", "\r")],
)
def test_the_way_back_takes_what_spreadsheets_write(delimiter, encoding, line_end):
    """Semicolons, tabs, UTF-16, Windows code pages: the label ids carry the answers, not the text."""
    answers = ["アディダス?", "=1+1", "pmua"]
    data = fill(export(*answers), lambda row: "Citroën", delimiter, encoding, line_end)
    assert {ruling.raw_label: ruling.meaning.target for ruling in read(data, answers).rulings} == dict.fromkeys(answers, "citroen")


def test_the_way_back_takes_a_workbook():
    """Whoever saves the sheet as .xlsx need not save it anew: rows are told by the numbers a person sees, blank ones count."""
    rows = ["label_id", "label", "decision"], [make_label_id("pmua"), "pmua", "puma"], [make_label_id("bwm"), "bwm", "pumaa"]
    book = io.BytesIO()
    write_book(book, write_row(1, *rows[0]) + write_row(2, *rows[1]) + write_row(4, *rows[2]))
    with pytest.raises(UsageError, match=r"review\.csv: row 4: .*did you mean \"Puma\""):
        read(book.getvalue())
    book = io.BytesIO()
    write_book(book, write_row(1, *rows[0]) + write_row(2, *rows[1]))
    assert [(ruling.raw_label, ruling.meaning.target) for ruling in read(book.getvalue(), ["pmua"]).rulings] == [("pmua", "puma")]
    with pytest.raises(UsageError, match="is no Excel workbook that can be read"):
        read(book.getvalue()[:500])


def test_a_sep_line_and_other_columns_and_an_other_order_do_no_harm():
    """As do empty lines, and a text spoiled by the spreadsheet."""
    data = f"sep=;\r\ncomment;Decision;LABEL_ID;label\r\nhm;1.;;\r\n\r\n;puma;{make_label_id('007')};7\r\n".replace(
        "hm;1.;;\r\n", ""
    )
    assert [ruling.raw_label for ruling in read(data.encode(), ["007", "7"]).rulings] == ["007"]


def test_a_sheet_made_by_hand_needs_only_label_and_decision():
    """The text decides where there is no label_id."""
    reading = read(b"label,decision\npmua,puma\n=1+1,drop\n gone ,puma\n", ["pmua", "=1+1"])
    assert {ruling.raw_label: ruling.meaning.action for ruling in reading.rulings} == {"pmua": "class", "=1+1": "drop"}
    assert len(reading.gone) == 1


def test_all_faults_of_a_sheet_come_together_with_their_rows():
    """An unknown class, a missing candidate, an answer decided twice, a cluster without rows."""
    first = make_label_id("pmua")
    data = f"cluster,row,label_id,label,decision\nC1,label,{first},pmua,pumaa\nC1,label,{make_label_id('bwm')},bwm,2\nC2,label,{make_label_id('asdf')},asdf,drop\nC3,label,{make_label_id('asdf')},asdf,ignore\nC9,cluster,,x,puma\n"
    with pytest.raises(UsageError) as caught:
        read(data.encode())
    places = {problem.where for problem in caught.value.problems}
    assert places == {f"review.csv: row {number}" for number in (2, 3, 5, 6)}
    assert 'did you mean "Puma"' in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,2\n", b"decision\nx\n", b"label,decision,decision\n", b"\x00\x01\x02", b"label_id;decision\n" + b'"' * 300_001],
)
def test_what_is_no_sheet_is_refused(data):
    """With what it has instead."""
    with pytest.raises(UsageError):
        read(data)


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), labels), min_size=1, max_size=8, unique=True).filter(lambda answers: all(char < "\ud800" or char > "\udfff" for label in answers for char in label)))  # fmt: skip
@examples(40)
def test_any_answers_go_out_harmless_and_come_back_whole(answers):
    """No cell that starts a formula, none that moves a cursor; every undecided answer gets its decision back."""
    clusters = find_clusters(annotate(*answers), CLASS_MAP)
    data = write_sheet(clusters)
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) and cell.isprintable() for cell in row)
    reading = read(fill(data, lambda row: "puma" if row["row"] == "label" else None), answers)
    assert {ruling.raw_label for ruling in reading.rulings} == {
        member.raw_label for cluster in clusters for member in cluster.members
    }
