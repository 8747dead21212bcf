"""What a diff of two releases says, and that it says nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.cli.main import main
from logoingest.errors import GateError
from logoingest.release import open_release
from logoingest.release.keeping.comparison import compare_releases, count_transitions

CLASSES = ["adidas", "coca-cola", "no"]


@pytest.fixture(scope="module")
def release_of(making, tmp_path_factory):
    """``release_of({3: ("train", ["no"])})``: a release of drawn picture 3 in train as "no"; equal contents are written once."""
    made: dict[str, Path] = {}

    def make(rows, names=()):
        key = repr((sorted(rows.items()), names))
        if key not in made:
            pictures = [making.draw_picture(number, size=(8, 8)) for number in rows]
            splits, classes = [split for split, _ in rows.values()], [list(ids) for _, ids in rows.values()]
            ingredients = making.collect(pictures, classes, splits)
            if names:
                ingredients = replace(ingredients, classes=list(names))
            made[key] = tmp_path_factory.mktemp("diff") / "release"
            ingredients.write(made[key])
        return open_release(made[key])

    return make


rows = st.dictionaries(
    st.integers(0, 9),
    st.tuples(st.sampled_from(["train", "test"]), st.sets(st.sampled_from(CLASSES), min_size=1, max_size=2).map(sorted)),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@given(before=rows, after=rows)
@examples(40)
def test_every_picture_is_told_once(release_of, before, after):
    """The same, added and removed add up; relabelled and moved are what a plain comparison finds."""
    old, new = release_of(before), release_of(after)
    diff = compare_releases(old, new)
    first = {row["image_id"]: row for row in old.to_arrow().to_pylist()}
    second = {row["image_id"]: row for row in new.to_arrow().to_pylist()}
    assert [entry.image_id for entry in diff.added] == sorted(second.keys() - first.keys())
    assert [entry.image_id for entry in diff.removed] == sorted(first.keys() - second.keys())
    shared = sorted(first.keys() & second.keys())
    relabelled = [key for key in shared if set(first[key]["class_ids"]) != set(second[key]["class_ids"])]
    assert [entry.image_id for entry in diff.relabelled] == relabelled
    assert [(set(entry.before), set(entry.after)) for entry in diff.relabelled] == [
        (set(first[key]["class_ids"]), set(second[key]["class_ids"])) for key in relabelled
    ]
    moved = [(key, first[key]["split"], second[key]["split"]) for key in shared if first[key]["split"] != second[key]["split"]]
    assert [tuple(entry) for entry in diff.moved] == moved
    assert diff.same == len(set(shared) - set(relabelled) - {key for key, _, _ in moved})
    assert set(diff.classes_added) == set(new.class_ids) - set(old.class_ids)
    for entry in diff.counts:
        found = [
            sum(entry.class_id in row["class_ids"] and row["split"] == entry.split for row in side.values())
            for side in (first, second)
        ]
        assert found == [entry.before, entry.after]
        assert found[0] != found[1]
    assert sum(entry.after - entry.before for entry in diff.counts) == sum(len(row["class_ids"]) for row in second.values()) - sum(
        len(row["class_ids"]) for row in first.values()
    )
    assert compare_releases(old, old).is_empty
    assert diff.is_empty == (before == after)


def test_class_lists(release_of):
    """Classes that came, went, were renamed, and those whose number changed."""
    before = release_of({0: ("train", ["adidas"]), 1: ("train", ["no"])}, (("adidas", "Adidas"), ("no", "No")))
    after = release_of({0: ("train", ["adidas"]), 1: ("train", ["new"])}, (("new", "New"), ("adidas", "adidas AG")))
    diff = compare_releases(before, after)
    assert (diff.classes_added, diff.classes_removed, diff.labels_renumbered) == (["new"], ["no"], 1)
    assert [tuple(entry) for entry in diff.classes_renamed] == [("adidas", "Adidas", "adidas AG")]
    assert count_transitions(diff) == [(("no",), ("new",), 1)]


def test_diff_command_shows_the_change(release_of, capsys):
    """Relabelled pictures with both classes, counts per split and class; exit 0 when none moved; the same is one line."""
    before = release_of({0: ("train", ["adidas"]), 1: ("train", ["no"]), 2: ("test", ["no"])})
    after = release_of({0: ("train", ["no"]), 1: ("train", ["no"]), 3: ("test", ["no"])})
    assert main(["release", "diff", str(before.path), str(after.path)]) == 0
    shown = capsys.readouterr().out
    assert "1 pictures the same, 1 added, 1 removed, 1 relabelled, 0 moved between splits" in shown
    image_id = compare_releases(before, after).relabelled[0].image_id
    assert image_id in shown
    assert "classes removed: adidas" in shown
    assert main(["diff", str(after.path), str(after.path)]) == 0
    assert capsys.readouterr().out == "the same 3 pictures, classes and splits in both\n"


def test_a_moved_picture_is_a_broken_law(release_of, capsys):
    """Exit 3, with the picture named."""
    before, after = release_of({0: ("train", ["no"]), 1: ("test", ["no"])}), release_of({0: ("test", ["no"]), 1: ("test", ["no"])})
    assert main(["diff", str(before.path), str(after.path)]) == 3
    assert "MOVED" in capsys.readouterr().out
    assert main(["diff", str(before.path), str(after.path), "--json"]) == 3
    assert [entry["before"] for entry in json.loads(capsys.readouterr().out)["moved"]] == ["train"]


def test_hostile_names_are_shown_not_obeyed(release_of, capsys):
    """Terminal escapes and markup in a class name come out as text; long lists end with what is left."""
    name = "\x1b[31m[red]\nX"
    before = release_of({number: ("train", ["adidas"]) for number in range(3)})
    after = release_of({number: ("train", [name]) for number in range(3)}, ((name, name),))
    assert main(["diff", str(before.path), str(after.path), "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"\x1b[31m[red]\nX" in shown
    assert "… and 1 more: --limit 0 shows all" in shown
    assert main(["diff", str(before.path), str(after.path), "--limit", "-1"]) == 2


def test_no_picture_is_read(release_of, monkeypatch):
    """Only light columns are asked of the files."""
    asked = set()
    read = pq.ParquetFile.read

    def watch(self, *args, columns=None, **kwargs):
        asked.update(columns)
        return read(self, *args, columns=columns, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "read", watch)
    compare_releases(release_of({0: ("train", ["no"])}), release_of({1: ("train", ["no"])}))
    assert asked == {"image_id", "class_ids"}


def test_damaged_releases_are_named(making, tmp_path):
    """A picture named twice, a class nobody knows: gate errors with the file."""
    making.ingredients().write(tmp_path / "release")
    release = open_release(tmp_path / "release")
    path = release.files("test")[0]
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), path)
    with pytest.raises(GateError, match="names a picture twice"):
        compare_releases(release, release)
    column = pa.array([["unheard of"]] * table.num_rows, pa.list_(pa.string()))
    pq.write_table(table.set_column(table.schema.get_field_index("class_ids"), "class_ids", column), path)
    with pytest.raises(GateError, match=r"test-00000.*does not know"):
        compare_releases(release, release)
