"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from logoingest.files.whole import replace_file


def test_the_file_appears_with_what_was_written(tmp_path: Path) -> None:
    """The name is taken at the end of the block, not before."""
    path = tmp_path / "map.toml"
    with replace_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.toml"]


def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """Half a file never takes the name."""
    path = tmp_path / "map.toml"
    path.write_text("old")
    with pytest.raises(RuntimeError), replace_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.toml"]


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    """A private file stays private, a shared one shared."""
    path = tmp_path / "map.toml"
    path.write_text("old")
    path.chmod(mode)
    with replace_file(path) as temporary:
        temporary.write_text("new")
    assert path.stat().st_mode & 0o777 == mode
