"""Batches: the pipeline's decisions, a row an answer, in any format, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import UsageError
from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.matching.label_batch import (
    BATCH_SCHEMA,
    CLASS_SEPARATOR,
    check_target,
    decide_batch,
    read_batch,
    write_batch,
    write_csv,
)
from logoingest.strangers.escaping import guard_cell, unguard_cell

MAP = ClassMap.from_toml(
    '[[affixes]]\nsuffix = "-teilsichtbar"\nattributes = { truncated = true }\n'
    '[classes.nike]\nname = "Nike"\naliases = ["=nike"]\n[classes.starbucks]\nname = "Starbucks"\n[classes.out]\nname = "Outcast"\n'
    '[output]\ndrop = ["out"]\n'
)
ANSWERS = st.one_of(
    st.sampled_from(["Nike", "starbukcs", "nike / starbucks", "none", "", "outcast", "nike-teilsichtbar", "=nike", "'=1", "xyz"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@given(st.lists(ANSWERS, max_size=12))
def test_a_batch_is_normalise_label_row_by_row(answers):
    """One row an answer, in order, each as the answer alone would be decided."""
    rows = decide_batch(answers, MAP).table().to_pylist()
    assert [row["raw_label"] for row in rows] == answers
    for row in rows:
        decision = normalise_label(row["raw_label"], MAP)
        assert row["class_id"] == (CLASS_SEPARATOR.join(decision.class_ids) or None)
        assert all(row[name] == getattr(decision, name) for name in BATCH_SCHEMA.names if name != "class_id")


@given(st.lists(ANSWERS, max_size=8))
def test_csv_gives_back_what_was_written_and_runs_nothing(answers):
    """Read with the guards off, every cell is as it was; as it stands, none begins like a formula."""
    batch = decide_batch(answers, MAP)
    stream = io.StringIO(newline="")
    write_csv(batch, stream)
    written = [
        {name: value if value is None or isinstance(value, str) else str(value) for name, value in row.items()}
        for row in batch.table().to_pylist()
    ]
    assert list(read_batch(io.StringIO(stream.getvalue(), newline=""))) == written
    cells = [cell for row in csv.reader(io.StringIO(stream.getvalue(), newline="")) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


@given(st.text(alphabet="'=+-@\t\nab＝", max_size=6))
def test_a_guard_can_always_be_taken_off(text):
    """Also where the text began with an apostrophe itself."""
    assert unguard_cell(guard_cell(text)) == text


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".CSV"])
def test_a_batch_is_written_by_its_suffix(suffix, tmp_path):
    """Exactly these columns, in every format; equal bytes when written again; nothing is left beside it."""
    batch = decide_batch(["Nike", "a\tb", "nike, starbucks", 'say "hi"\nthere'], MAP)
    target = tmp_path / f"out{suffix}"
    write_batch(batch, target)
    first = target.read_bytes()
    write_batch(batch, target)
    assert target.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [target.name]
    if suffix == ".parquet":
        assert pq.read_table(target).to_pylist() == batch.table().to_pylist()
        return
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(read_batch(stream, "\t" if suffix == ".tsv" else ","))
    assert list(rows[0]) == BATCH_SCHEMA.names
    assert [row["raw_label"] for row in rows] == ["Nike", "a\tb", "nike, starbucks", 'say "hi"\nthere']


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """What cannot be written is told; what was there stays."""
    (tmp_path / "out.xlsx").write_text("old")
    for target in (tmp_path / "out.xlsx", tmp_path / "none/out.csv", tmp_path):
        with pytest.raises(UsageError):
            check_target(target)
        with pytest.raises(UsageError):
            write_batch(decide_batch(["x"], MAP), target)
    assert (tmp_path / "out.xlsx").read_text() == "old"


def test_counts_are_of_answers_not_of_distinct_ones():
    """The most frequent decision first."""
    assert decide_batch(["Nike", "nike", "Nike", "none", "none", "zzz"], MAP).count_decisions() == {
        "accepted": 3,
        "ignored": 2,
        "unknown": 1,
    }


def test_half_a_surrogate_pair_does_not_stop_a_batch():
    """Broken JSON has them; they become U+FFFD."""
    assert "\ufffd" in decide_batch(["nike\ud800"], MAP).table().to_pylist()[0]["raw_label"]
