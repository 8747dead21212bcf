"""Folds by the laws of the splits."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import UsageError
from logoingest.splits import deal_folds

pictures = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40)), min_size=12, max_size=80)


def count_groups(groups, classes, fold):
    """Class → its groups in the fold."""
    return Counter(name for group, name in {(group, name) for group, name in zip(groups, classes, strict=True) if group in fold})


@pytest.mark.slow
@given(pictures, st.integers(2, 5), st.integers(0, 2))
def test_every_class_has_a_group_in_as_many_folds_as_it_has_groups(rows, count, seed):
    """Groups of one class each: every group is in one fold, and a class of at least as many groups as folds is in all of them."""
    groups = [f"{name}-{group}" for name, group in rows]
    classes = [str(name) for name, _ in rows]
    if len(set(groups)) < count:
        return
    folds = deal_folds(groups, classes, count, seed)
    assert sorted(name for fold in folds for name in fold) == sorted(set(groups))
    owned = count_groups(groups, classes, set(groups))
    for name, owns in owned.items():
        assert sum(count_groups(groups, classes, fold)[name] > 0 for fold in folds) == min(count, owns)


def test_singletons_do_not_pile_up_in_one_fold():
    """250 classes of one picture each, as Logos in the Wild has them, are dealt out evenly."""
    names = [f"c{number:03}" for number in range(250)]
    assert sorted(map(len, deal_folds(names, names, 5))) == [50] * 5


def test_the_order_of_the_pictures_changes_nothing_and_the_seed_does():
    groups, classes = [f"g{number}" for number in range(60)], [str(number % 3) for number in range(60)]
    folds = deal_folds(groups, classes, 4)
    assert folds == deal_folds(groups[::-1], classes[::-1], 4)
    assert folds != deal_folds(groups, classes, 4, seed=1)


def test_fewer_groups_than_folds_is_said():
    with pytest.raises(UsageError, match="no more than there are groups"):
        deal_folds(["a", "b"], ["x", "x"], 3)
