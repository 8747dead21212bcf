"""Whatever was written is taken back exactly, and what others wrote meanwhile stays; where that cannot be, nothing is changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.reviews import MAP
from logoingest.config import Config, load_config
from logoingest.errors import LogoingestError, UsageError
from logoingest.images.placeholders import add_listed
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.class_map.writing import add_alias, load_document, write_document
from logoingest.pipeline.session import Run
from logoingest.review.session import SessionStep
from logoingest.review.written import list_writes, record_write, take_back
from logoingest.samples.group_rulings import GroupDecision, GroupRuling, add_group_rulings

CONFIG = """
[dataset]
name = "small"
workspace = "work"
[[sources]]
path = "answers.csv"
url_column = "url"
label_column = "brand"
[labels]
class_map = "map.toml"
[images]
placeholders = "placeholders.txt"
"""
ADA = Signature("Ada", date(2026, 11, 30))


def make_dataset(folder: Path) -> Config:
    (folder / "answers.csv").write_text("url,brand\nhttp://p.test/1.jpg,puma\n")
    (folder / "dataset.toml").write_text(CONFIG)
    (folder / "map.toml").write_text(MAP, encoding="utf-8")
    for name in ("rulings.toml", "placeholders.txt"):
        (folder / name).unlink(missing_ok=True)
    for record in (folder / "work/review/written").glob("*"):
        record.unlink()
    return load_config(folder / "dataset.toml")


def read_files(folder: Path) -> list[bytes | None]:
    paths = (folder / name for name in ("map.toml", "rulings.toml", "placeholders.txt"))
    return [path.read_bytes() if path.exists() else None for path in paths]


def write(config: Config, kind: str, number: int, by: str = "Ada") -> None:
    """A write of some kind."""
    with record_write(Run(config), by, "gallery", f"{kind} {number}") as steps:
        if kind == "alias":
            document = load_document(config.class_map_path)
            add_alias(document, ("puma", "bmw", "mercedes")[number % 3], f"made up {number}", by=by, on=ADA.on)
            write_document(config.class_map_path, document)
            steps.append(SessionStep(rulings=(("x", "class: puma"),)))
        elif kind == "ruling":
            ruling = GroupRuling((f"{number:064x}",), GroupDecision.DROP)
            add_group_rulings(config.resolve(config.samples.rulings), [ruling], ADA)
        else:
            add_listed(config.resolve(config.images.placeholders), [f"{number:064x}"], "marked")


WRITES = st.lists(st.tuples(st.sampled_from(["alias", "ruling", "placeholder"]), st.integers(0, 6)), min_size=1, max_size=6)


@given(WRITES)
@examples(25)
def test_the_last_first_everything_is_as_it_was(tmp_path_factory, writes):
    """Byte for byte, file by file, also after a restart."""
    folder = tmp_path_factory.mktemp("last")
    config = make_dataset(folder)
    states = [read_files(folder)]
    for kind, number in writes:
        write(config, kind, number)
        if read_files(folder) != states[-1]:
            states.append(read_files(folder))
    assert len(list_writes(Run(config))) == len(states) - 1
    for state in reversed(states[:-1]):
        take_back(Run(config), list_writes(Run(config))[0])
        assert read_files(folder) == state
    assert list_writes(Run(config)) == []


@given(WRITES, st.randoms(use_true_random=False))
@examples(25)
def test_in_any_order_what_others_wrote_stays(tmp_path_factory, writes, random):
    """A write that is taken back leaves what there is without it, in any order; or it is refused and changes nothing."""
    folder = tmp_path_factory.mktemp("any")
    config = make_dataset(folder)
    for kind, number in writes:
        write(config, kind, number)
    waiting = list(list_writes(Run(config)))
    random.shuffle(waiting)
    for one in waiting:
        before = read_files(folder)
        try:
            take_back(Run(config), one)
        except LogoingestError:
            assert read_files(folder) == before
            continue
        kept = {
            line
            for left in list_writes(Run(config))
            for change in left.changes
            for hunk in change.hunks
            for line in hunk.after
            if "made up" in line
        }
        text = b"".join(content or b"" for content in read_files(folder)).decode()
        assert all(line in text for line in kept)


def test_what_was_changed_by_hand_since_is_not_touched(tmp_path):
    """The fault says where and what to do; what was added elsewhere by hand stays when it is taken back."""
    config = make_dataset(tmp_path)
    write(config, "alias", 1)
    path = tmp_path / "map.toml"
    left = path.read_text()
    path.write_text(left.replace("made up 1", "mine"))
    [one] = list_writes(Run(config))
    with pytest.raises(UsageError, match="was changed since"):
        take_back(Run(config), one)
    path.write_text("# on top\n" + left)
    take_back(Run(config), one)
    assert path.read_text() == "# on top\n" + MAP


def test_damaged_records_are_passed_over_and_name_no_file(tmp_path):
    """A workspace may come from strangers: a record that names another file is none of ours."""
    config = make_dataset(tmp_path)
    write(config, "ruling", 1)
    folder = tmp_path / "work/review/written"
    [record] = folder.iterdir()
    (folder / "00000002.json").write_text("{")
    (folder / "00000003.json").write_text(record.read_text().replace('"rulings"', '"/etc/passwd"'))
    (folder / "x.json").write_text(record.read_text())
    stranger, own = list_writes(Run(config))
    with pytest.raises(UsageError, match="config"):
        take_back(Run(config), stranger)
    take_back(Run(config), own)
    assert not (tmp_path / "rulings.toml").exists()
