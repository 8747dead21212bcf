"""The laws of the splits stage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logoingest.config import SplitsConfig
from logoingest.schemas import AnnotationRow, SampleRow, SplitRow
from logoingest.splits import assign_splits

NAMES = ("train", "validation", "test")


def make_samples(rows):
    """Sample rows from (image_id, group_id, classes); each voted for by annotation a-<image_id>."""
    return SampleRow.table(
        {
            "image_id": image,
            "group_id": group,
            "class_id": classes[0],
            "class_ids": sorted(classes),
            "confidence": 1.0,
            "votes": 1,
            "agreement": 1.0,
            "boxes": [],
            "annotation_ids": [f"a-{image}"],
        }
        for image, group, classes in rows
    )


def make_annotations(rows):
    return AnnotationRow.table(
        {
            "annotation_id": f"a-{image}",
            "url": f"http://x/{image}",
            "raw_label": classes[0],
            "status": "submitted",
            "source_file": "f.csv",
            "source_row": number + 1,
        }
        for number, (image, _, classes) in enumerate(rows)
    )


def split(rows, previous=None, **settings_):
    kept, rejected = assign_splits(make_samples(rows), make_annotations(rows), SplitsConfig(**settings_), previous or {})
    assert kept.schema == SplitRow.arrow_schema()
    return {row["image_id"]: row for row in kept.to_pylist()}, rejected.to_pylist()


@st.composite
def datasets(draw, largest=60, multi=False):
    """Rows whose groups are named by their smallest image_id, as the images stage names them."""
    count = draw(st.integers(1, largest))
    numbers = draw(st.lists(st.integers(0, largest // 2), min_size=count, max_size=count))
    groups = {}
    for image, number in enumerate(numbers):
        groups.setdefault(number, []).append(f"i{image:03d}")
    one = st.sampled_from("abcde")
    labels = st.sets(one, min_size=1, max_size=3) if multi else one.map(lambda name: {name})
    rows = []
    for members in groups.values():
        classes = sorted(draw(labels))
        rows += [(image, members[0], classes) for image in members]
    return sorted(rows)


@settings(max_examples=60, deadline=None)
@given(datasets(multi=True))
def test_partition(rows):
    """Every sample is in exactly one split, and the table is sorted."""
    kept, rejected = split(rows)
    assert list(kept) == [image for image, _, _ in rows]
    assert not rejected
    assert {row["split"] for row in kept.values()} <= set(NAMES)


@settings(max_examples=60, deadline=None)
@given(datasets(multi=True))
def test_groups_are_never_divided(rows):
    """No group is in two splits."""
    kept, _ = split(rows)
    places = {}
    for row in kept.values():
        assert places.setdefault(row["group_id"], row["split"]) == row["split"]


@settings(max_examples=60, deadline=None)
@given(datasets(multi=True), st.randoms())
def test_input_order_does_not_matter(rows, random):
    """Shuffled samples give the same table."""
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert split(shuffled)[0] == split(rows)[0]


@settings(max_examples=60, deadline=None)
@given(datasets())
def test_needs_are_met(rows):
    """A class of one group trains, one of two groups also tests, one of three or more is in all three splits."""
    kept, _ = split(rows)
    for name in "abcde":
        groups = {group for _, group, classes in rows if classes == [name]}
        found = {kept[image]["split"] for image, _, classes in rows if classes == [name]}
        assert found == set(("train", "test", "validation")[: min(len(groups), 3)])


@settings(max_examples=60, deadline=None)
@given(datasets(multi=True), st.data())
def test_nothing_moves_when_data_is_added(rows, data):
    """Earlier places are kept whatever is added, and still no group is divided."""
    earlier = data.draw(st.lists(st.sampled_from(rows), unique_by=lambda row: row[0]))
    before, _ = split(sorted(earlier))
    after, rejected = split(rows, {image: row["split"] for image, row in before.items()})
    assert all(after[image]["split"] == row["split"] and after[image]["origin"] == "kept" for image, row in before.items())
    assert len(after) + len(rejected) == len(rows)
    places = {}
    for row in after.values():
        assert places.setdefault(row["group_id"], row["split"]) == row["split"]


def test_bridge_between_splits_is_rejected():
    """A new picture that is near earlier ones of two splits is left out; they keep their places, as groups of their own."""
    rows = [("i1", "i0", ["a"]), ("i2", "i0", ["a"]), ("i0", "i0", ["a"])]
    kept, rejected = split(rows, {"i1": "train", "i2": "test"})
    assert {image: (row["split"], row["group_id"]) for image, row in kept.items()} == {"i1": ("train", "i1"), "i2": ("test", "i2")}
    assert [(row["annotation_id"], row["stage"], row["reason"]) for row in rejected] == [("a-i0", "splits", "group_conflict")]
    assert rejected[0]["detail"] == "near pictures that an earlier release has in test and train"


def test_new_member_joins_its_group():
    """A new duplicate goes where its group already is."""
    kept, _ = split([("i1", "i0", ["a"]), ("i0", "i0", ["a"])], {"i1": "test"})
    assert kept["i0"]["split"] == "test"
    assert kept["i0"]["group_id"] == "i0"


def test_small_classes_are_left_out():
    """A class under min_class_images is rejected with its count, and what that makes too small as well."""
    rows = [(f"i{n}", f"i{n}", ["a"]) for n in range(4)] + [("j1", "j1", ["b", "c"]), ("j2", "j2", ["c"]), ("k", "k", ["a", "b"])]
    kept, rejected = split(rows, min_class_images=3)
    assert sorted(kept) == ["i0", "i1", "i2", "i3"]
    assert {row["annotation_id"]: row["detail"] for row in rejected} == {
        "a-j1": "b has 2 pictures, fewer than 3",
        "a-j2": "c has 2 pictures, fewer than 3",
        "a-k": "b has 2 pictures, fewer than 3",
    }


def test_share_zero_gets_nothing():
    """A split with share 0 stays empty."""
    kept, _ = split([(f"i{n:02d}", f"i{n:02d}", ["a"]) for n in range(40)], train=0.8, validation=0.0, test=0.2)
    counts = [[row["split"] for row in kept.values()].count(name) for name in NAMES]
    assert counts == [32, 0, 8]


def test_shares_are_met_per_class():
    """Each class of a hundred pictures is divided 70 : 15 : 15."""
    kept, _ = split([(f"{name}{n:03d}", f"{name}{n:03d}", [name]) for name in "ab" for n in range(100)])
    for name in "ab":
        places = [row["split"] for image, row in kept.items() if image.startswith(name)]
        assert [places.count(split_) for split_ in NAMES] == [70, 15, 15]


def test_seed_changes_places():
    """Another seed gives another split."""
    rows = [(f"i{n:03d}", f"i{n:03d}", ["a"]) for n in range(50)]
    assert split(rows, seed=1)[0] != split(rows)[0]


def test_unknown_earlier_split():
    """Earlier places in a split that does not exist are our error."""
    with pytest.raises(ValueError, match="dev"):
        split([("i0", "i0", ["a"])], {"i0": "dev"})


def test_empty():
    """No samples, no splits."""
    kept, rejected = assign_splits(SampleRow.empty_table(), AnnotationRow.empty_table(), SplitsConfig(), {})
    assert kept.num_rows == rejected.num_rows == 0
