"""A few rows of a large table, read row group by row group."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logoingest.errors import WorkspaceError
from logoingest.workspace import Workspace
from logoingest.workspace.rows import count_rows, find_rows, pick_rows, read_rows

WORDS = st.one_of(st.none(), st.sampled_from(["", "a", "é", "\U0001f600", "\uffff", "zz" * 40]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(WORDS, max_size=40),
    group=st.integers(1, 9),
    wanted=st.sets(st.sampled_from(["", "a", "é", "\U0001f600", "\uffff", "none"])),
)
def test_rows_are_those_of_the_whole_table_filtered(tmp_path, words, group, wanted):
    """Whatever the row groups and their statistics, words of every plane and nulls among them."""
    workspace = Workspace(tmp_path)
    table = pa.table({"word": pa.array(words, pa.string()), "at": pa.array(range(len(words)), pa.int64())})
    (tmp_path / "tables").mkdir(exist_ok=True)
    pq.write_table(table, tmp_path / "tables/words.parquet", row_group_size=group)
    expected = table.filter(pc.is_in(table.column("word"), value_set=pa.array(sorted(wanted), pa.string())))
    assert pick_rows(workspace, "words", "word", wanted).to_pylist() == expected.to_pylist()
    assert find_rows(workspace, "words", "word", wanted) == expected.column("at").to_pylist()
    assert pick_rows(workspace, "words", "word", wanted, ["at"]).column_names == ["at"]
    assert count_rows(workspace, "words") == len(words)


def test_rows_that_are_not_there_are_left_out(tmp_path):
    """A table may have become shorter meanwhile."""
    workspace = Workspace(tmp_path)
    workspace.write_table("words", pa.table({"word": ["a", "b", "c"]}))
    assert read_rows(workspace, "words", [0, 2, 7]).to_pylist() == [{"word": "a"}, {"word": "c"}]
    assert read_rows(workspace, "words", [], ["word"]).to_pylist() == []


def test_a_missing_or_damaged_table_is_named(tmp_path):
    """With what to do."""
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="is not there"):
        pick_rows(workspace, "words", "word", ["a"])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/words.parquet").write_bytes(b"PAR1 and nothing more PAR1")
    with pytest.raises(WorkspaceError, match="is damaged"):
        pick_rows(workspace, "words", "word", ["a"])


def test_a_file_that_took_anothers_name_is_read_as_it_is(tmp_path):
    """Whatever was read of the one before, of as many bytes."""
    workspace = Workspace(tmp_path)
    for words in (["a", "b"], ["c", "d"], ["c"]):
        workspace.write_table("words", pa.table({"word": words}))
        assert workspace.read_table("words").column("word").to_pylist() == words
        assert read_rows(workspace, "words", [0]).to_pylist() == [{"word": words[0]}]


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(tmp_path):
    """It was opened before: its own footer counts."""
    workspace = Workspace(tmp_path)
    workspace.write_table("words", pa.table({"word": ["a", "b"]}))
    with workspace.open_parquet("tables/words.parquet") as opened:
        workspace.write_table("words", pa.table({"word": ["longer than before"] * 1_000}))
        assert opened.read().column("word").to_pylist() == ["a", "b"]
    assert count_rows(workspace, "words") == 1_000
