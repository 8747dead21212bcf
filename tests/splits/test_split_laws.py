"""The laws of the splits stage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.splits import NAMES, datasets, split
from logoingest.config import SplitsConfig
from logoingest.errors import UsageError
from logoingest.schemas import AnnotationRow, SampleRow
from logoingest.splits import assign_splits

FIVE = {"train": 0.5, "validation": 0.1, "test": 0.2, "calibration": 0.1, "hold_out": 0.1}
SERVED = ("train", "test", "validation", "calibration", "hold_out")


@examples(60)
@given(datasets(multi=True))
def test_partition(rows):
    """Every sample is in exactly one split, and the table is sorted."""
    kept, rejected = split(rows)
    assert list(kept) == [image for image, _, _ in rows]
    assert not rejected
    assert {row["split"] for row in kept.values()} <= set(NAMES)


@examples(60)
@given(datasets(multi=True))
def test_groups_are_never_divided(rows):
    """No group is in two splits."""
    kept, _ = split(rows)
    places = {}
    for row in kept.values():
        assert places.setdefault(row["group_id"], row["split"]) == row["split"]


@examples(60)
@given(datasets(multi=True), st.randoms())
def test_input_order_does_not_matter(rows, random):
    """Shuffled samples give the same table."""
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert split(shuffled)[0] == split(rows)[0]


@examples(60)
@given(datasets())
def test_needs_are_met(rows):
    """A class of one group trains, one of two groups also tests, one of three or more is in all three splits."""
    kept, _ = split(rows)
    for name in "abcde":
        groups = {group for _, group, classes in rows if classes == [name]}
        found = {kept[image]["split"] for image, _, classes in rows if classes == [name]}
        assert found == set(("train", "test", "validation")[: min(len(groups), 3)])


@pytest.mark.slow
@examples(60)
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
        "a-j1": "b has 2 pictures, fewer than splits.min_class_images = 3",
        "a-j2": "c has 2 pictures, fewer than splits.min_class_images = 3",
        "a-k": "b has 2 pictures, fewer than splits.min_class_images = 3",
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
    """Earlier places in a split that the config lacks are an error that says how to keep it."""
    with pytest.raises(UsageError, match=r"'dev'.*dev = 0"):
        split([("i0", "i0", ["a"])], {"i0": "dev"})


def test_empty():
    """No samples, no splits."""
    kept, rejected = assign_splits(SampleRow.empty_table(), AnnotationRow.empty_table(), SplitsConfig(), {})
    assert kept.num_rows == rejected.num_rows == 0


@pytest.mark.slow
@examples(30)
@given(datasets(multi=True), st.randoms(), st.data())
def test_named_splits_keep_every_law(rows, random, data):
    """Five splits, some pictures placed before and some fixed: whole groups, nothing moved, fixed pictures where they should be,
    and the same table from shuffled input."""
    before, _ = split(data.draw(st.lists(st.sampled_from(rows), unique_by=lambda row: row[0])), shares=FIVE)
    previous = {image: row["split"] for image, row in before.items()}
    settled = {group for image, group, _ in rows if image in previous}
    free = sorted({group for _, group, _ in rows} - settled)
    given_ = data.draw(st.dictionaries(st.sampled_from(free), st.sampled_from(sorted(FIVE)))) if free else {}
    after, rejected = split(rows, previous, given_, shares=FIVE)
    assert len(after) + len(rejected) == len(rows)
    assert all(after[image]["split"] == place and after[image]["origin"] == "kept" for image, place in previous.items())
    assert all(after[image]["split"] == place and after[image]["origin"] == "fixed" for image, place in given_.items())
    places = {}
    for row in after.values():
        assert places.setdefault(row["group_id"], row["split"]) == row["split"]
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert split(shuffled, previous, given_, shares=FIVE) == (after, rejected)


@examples(40)
@given(datasets(), st.integers(1, 3))
def test_classes_are_served_in_order(rows, least):
    """Train, test, validation, then the others as the config lists them; ``min_per_split`` groups each where there are enough."""
    kept, _ = split(rows, shares=FIVE, min_per_split=least)
    for name in "abcde":
        groups = {group for _, group, classes in rows if classes == [name]}
        found = {place: set() for place in SERVED}
        for image, group, classes in rows:
            if classes == [name]:
                found[kept[image]["split"]].add(group)
        for number, place in enumerate(SERVED):
            assert len(found[place]) >= min(least, (len(groups) + len(SERVED) - 1 - number) // len(SERVED))


def test_a_closed_split_gets_what_is_fixed_and_near_to_it():
    """Share 0 and fixed pictures: a test set that never grows but by copies of its own pictures; the rest is shared out as told."""
    rows = [(f"i{n:03d}", f"i{n:03d}", ["a"]) for n in range(120)] + [("j1", "i000", ["a"])]
    fixed = {f"i{n:03d}": "test" for n in range(20)}
    kept, _ = split(rows, fixed=fixed, train=0.8, validation=0.2, test=0.0)
    places = [row["split"] for row in kept.values()]
    assert [places.count(name) for name in NAMES] == [80, 20, 21]
    assert (kept["j1"]["split"], kept["j1"]["origin"]) == ("test", "joined")


def test_an_overfull_split_leaves_the_others_their_proportion():
    """Earlier releases put half of everything into test: what is left is divided 70 : 15 between the other two."""
    rows = [(f"i{n:03d}", f"i{n:03d}", ["a"]) for n in range(200)]
    kept, _ = split(rows, {f"i{n:03d}": "test" for n in range(115)})
    places = [row["split"] for row in kept.values()]
    assert [places.count(name) for name in NAMES] == [70, 15, 115]


@pytest.mark.parametrize(
    ("previous", "fixed", "words"),
    [
        ({"i0": "train"}, {"i0": "test"}, "an earlier release has it in train"),
        ({"i0": "train"}, {"i1": "test"}, "an earlier release has a near-duplicate of it in train"),
        ({}, {"i0": "test", "i1": "train"}, "its near-duplicate i0 to test"),
        ({}, {"i0": "dev"}, "splits.fixed names 'dev'"),
    ],
)
def test_a_fixed_picture_never_moves_a_released_one(previous, fixed, words):
    """What contradicts an earlier release, or itself, is an error that says so."""
    with pytest.raises(UsageError, match=words):
        split([("i0", "i0", ["a"]), ("i1", "i0", ["a"])], previous, fixed)


def test_all_contradictions_are_named_at_once():
    """Nobody fixes a fixed set one error at a time; of very many the first twenty are shown and the rest counted."""
    rows = [(f"i{n:02d}", f"i{n:02d}", ["a"]) for n in range(30)]
    with pytest.raises(UsageError) as caught:
        split(rows, {image: "train" for image, _, _ in rows}, {image: "test" for image, _, _ in rows})
    assert len(caught.value.problems) == 21
    assert "and 10 more" in str(caught.value)


def test_a_fixed_picture_that_agrees_is_kept():
    """The same place by both accounts is no contradiction."""
    kept, _ = split([("i0", "i0", ["a"])], {"i0": "test"}, {"i0": "test"})
    assert (kept["i0"]["split"], kept["i0"]["origin"]) == ("test", "kept")


def test_fixed_pictures_that_are_not_there_are_passed_over():
    """The caller counts them; they decide nothing."""
    assert split([("i0", "i0", ["a"])], fixed={"gone": "test"}) == split([("i0", "i0", ["a"])])
