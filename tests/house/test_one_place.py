"""One place for one thing: what every part of the package needs stands in one file, and nobody writes it again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

import logoingest
from builders.places import DATA

SOURCES = Path(logoingest.__file__).parent


class Thing(NamedTuple):
    """Something that exists once: by what its code is known, and where it is to be had."""

    name: str
    mark: str
    use: str
    files: int = 1
    """Files that may bear the mark."""


THINGS = [Thing(**thing) for thing in tomllib.loads((DATA / "one_place.toml").read_text())["things"]]


def find_marked(folder: Path, mark: str) -> list[str]:
    """The files whose code bears a mark."""
    pattern = re.compile(mark, re.MULTILINE)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if pattern.search(path.read_text("utf-8")))


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_no_second_place_does_the_same_thing(thing: Thing) -> None:
    """Whoever needs it again uses what is there; the message says what that is."""
    found = find_marked(SOURCES, thing.mark)
    assert len(found) == thing.files, f"{thing.name}: use {thing.use} ({', '.join(found)})"


COPIES = {
    "a guarded CSV cell": 'def _disarm(cell):\n    return f"\'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell\n',
    "the first line of an error": "line = str(error).splitlines()[0][:120]\n",
    "the sha256 of a file": 'hashlib.file_digest(file, "sha256").hexdigest()\n',
    "the sha256 of a workspace's file": "hashlib.sha256(run.workspace.read_bytes(name)).hexdigest()\n",
    "text on one line, what cannot be seen left out": '"".join(c if c.isprintable() else " " for c in text)\n',
    "a long text cut": 'shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"\n',
    "text for a console": r'shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)',
    "a table on the console": 'table = Table(box=None, pad_edge=False, header_style="bold")\n',
    "a console of so many characters": "Console(width=None if sys.stdout.isatty() else 140, highlight=False)\n",
    "all shards as one table": 'table = table.append_column("shard", pa.array([name] * table.num_rows, pa.string()))\n',
    "the splits that need no name": 'SPLITS = ("train", "validation", "test")\n',
    "the defaults of the fetch": 'archive_url: str = "https://archive.org/wayback/available"\n',
    "what is decided on an answer": 'accepted = pc.equal(decisions.column("decision"), "accepted")\n',
    "what became of a URL": 'arrived = row["outcome"] == "ok"\n',
    "a counted plural": 'f"{count} {one if count == 1 else many}"\n',
}


@pytest.mark.parametrize(("name", "code"), COPIES.items())
def test_a_second_place_is_noticed(name: str, code: str, tmp_path: Path) -> None:
    """The copies that were folded would be found again."""
    (tmp_path / "copy.py").write_text(code)
    mark = next(thing.mark for thing in THINGS if thing.name == name)
    assert find_marked(tmp_path, mark) == ["copy.py"]
