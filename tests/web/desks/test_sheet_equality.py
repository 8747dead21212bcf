"""Whatever a person decides on the page, the exported session applied as a sheet gives the same class map, byte for byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import HOSTILE, MAP
from builders.web.served_pages import PICTURES, add_pictures, write_dataset
from logoingest.cli.main import main
from logoingest.config import Config, load_config
from logoingest.errors import LogoingestError, UsageError
from logoingest.web.desks.gathering import GatheredDecisions
from logoingest.web.desks.queue import Queue
from logoingest.web.desks.queue_lines import QueueChoice
from logoingest.web.desks.written import WrittenDesk
from logoingest.web.indexes.pictures import IndexedPictures
from logoingest.workspace import Workspace

_COMMANDS = st.sampled_from(
    [
        "1",
        "2",
        "n Fanta",
        "n Asdf",
        "= puma",
        "class: bmw",
        "w",
        "w logos",
        "i",
        "d",
        "o puma",
        "o drop",
        "not: mercedes",
        "s",
        "x 2",
        "u",
        "both",
        "same",
        "not same",
        "new: =1+1",
    ]
)
pytestmark = pytest.mark.slow  # every session is decided twice
STEPS = st.lists(st.tuples(st.integers(0, 30), _COMMANDS), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with answers of every kind, and its gathered decisions."""
    folder = tmp_path_factory.mktemp("origin")
    plain = ["pmua", "PMUA", "puam", "fanta", "Fanta", "asdf", "asdf", "bwm x", "mersedes bens", "Citroen DS"]
    labels = plain + [label for label in HOSTILE if label.isprintable() and "\x00" not in label]
    config = write_dataset(folder, [(label, f"w{number % 5}") for number, label in enumerate(labels)])
    add_pictures(config, PICTURES, ["puma", "citroen", "puma", "puma"])
    return folder


class Held(GatheredDecisions):
    """Decisions that stay as they were gathered: each session begins with the map as it was."""

    def renew(self) -> None:
        """Nothing: what a session wrote is undone by the test."""


@pytest.fixture(scope="module")
def held(origin: Path) -> Held:
    made = Held(load_config(origin / "dataset.toml"))
    made.start()
    made.wait(60)
    return made


def reset(origin: Path) -> Config:
    (origin / "map.toml").write_text(MAP, encoding="utf-8")
    (origin / "rulings.toml").unlink(missing_ok=True)
    shutil.rmtree(origin / "work/review", ignore_errors=True)
    return load_config(origin / "dataset.toml")


def play(queue: Queue, steps: list[tuple[int, str]], by: str) -> None:
    """Decide as a person would: what cannot be meant is told and changes nothing."""
    for number, command in steps:
        lines = queue.list_open(by, QueueChoice()).decisions
        try:
            if command == "u":
                queue.undo(by)
            elif lines:
                queue.decide(by, lines[number % len(lines)].key, command)
        except LogoingestError:
            continue


@given(steps=STEPS)
@examples(20)
def test_the_exported_session_gives_the_same_map(origin: Path, held: Held, steps: list[tuple[int, str]]) -> None:
    """And the same rulings on pictures; what could not be written is in neither."""
    config = reset(origin)
    queue = Queue(config, held, IndexedPictures(Workspace(config.workspace_url)), WrittenDesk(config, held))
    play(queue, steps, "Ada")
    sheet = queue.export("Ada")
    try:
        applied = queue.write("Ada")
    except UsageError as error:
        assert "nothing is decided" in str(error)
        return
    written = (origin / "map.toml").read_bytes(), _read(origin / "rulings.toml")
    if applied.problems:
        return
    reset(origin)
    (origin / "review.csv").write_bytes(sheet)
    code = main(["labels", "review", str(origin / "dataset.toml"), "--apply", str(origin / "review.csv"), "--by", "Ada", "--quiet"])
    assert code == 0
    assert ((origin / "map.toml").read_bytes(), _read(origin / "rulings.toml")) == written


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
