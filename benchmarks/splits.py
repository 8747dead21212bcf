"""Splits: leaks, missing classes and movement, beside the usual ways.

    python benchmarks/splits.py [--litw litw/boxes_2019.csv] [--million]

1. 5,000 images of 200 Zipf classes with duplicate groups, then 11 % more; in three splits and, ours alone, in five.
2. With ``--litw``, the Logos in the Wild boxes as multi-label images, then with 11 % more; iterative-stratification is a
   benchmark-only dependency and left out when it isn't installed. An integer program (HiGHS, by scipy) proves how many classes must
   miss a split whatever one does, when every class is to have a picture in train, and when none need to.
3. With ``--million``, wall and CPU seconds and memory for 1,000,000 images of 1,000 Zipf classes, once of one class each, once a
   third of them of two or three classes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import SplitsConfig
from logoingest.schemas import AnnotationRow
from logoingest.splits import assign_splits

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
FIVE = {"train": 0.6, "validation": 0.1, "test": 0.15, "calibration": 0.1, "hold_out": 0.05}
Places = list[str]


def make_images(count: int, seed: int, classes: int = 200) -> tuple[list[str], list[str], list[list[str]]]:
    """Ids, groups (a tenth of the images belong to one of two to four) and Zipf classes; one class a group."""
    random = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, classes + 1) ** 1.1
    ids: list[str] = []
    groups: list[str] = []
    labels: list[list[str]] = []
    while len(ids) < count:
        size = int(random.integers(2, 5)) if random.random() < 0.04 else 1
        label = f"class{random.choice(classes, p=weights / weights.sum()):03d}"
        names = [f"{random.integers(1 << 62):016x}" for _ in range(size)]
        ids += names
        groups += [min(names)] * size
        labels += [[label]] * size
    return ids, groups, labels


def split_ours(
    ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[list[str]],
    previous: dict[str, str] | None = None,
    shares: Mapping[str, float] = SHARES,
) -> Places:
    none = pa.array([[]] * len(ids), pa.list_(pa.string()))
    columns = {"image_id": ids, "group_id": groups, "class_ids": pa.array(labels, pa.list_(pa.string())), "annotation_ids": none}
    kept, _ = assign_splits(pa.table(columns), AnnotationRow.empty_table(), SplitsConfig(shares=dict(shares)), previous or {})
    found = pc.index_in(pa.array(ids, pa.string()), value_set=kept.column("image_id").combine_chunks())
    return list(kept.column("split").take(found).to_pylist())


def split_train_test(ids: Sequence[str], _groups: Sequence[str], _labels: Sequence[list[str]]) -> Places:
    from sklearn.model_selection import train_test_split

    train, rest = train_test_split(np.arange(len(ids)), test_size=0.3, random_state=0)
    validation, test = train_test_split(rest, test_size=0.5, random_state=0)
    return _name_rows(len(ids), {"train": train, "validation": validation, "test": test})


def split_group_k_fold(ids: Sequence[str], groups: Sequence[str], labels: Sequence[list[str]]) -> Places:
    import warnings

    from sklearn.model_selection import StratifiedGroupKFold

    warnings.simplefilter("ignore")
    first = [names[0] for names in labels]
    folds = StratifiedGroupKFold(n_splits=7, shuffle=True, random_state=0).split(np.zeros(len(ids)), first, groups)
    parts = [rows for _, rows in folds]
    return _name_rows(len(ids), {"train": np.concatenate(parts[2:]), "validation": parts[0], "test": parts[1]})


def split_iteratively(ids: Sequence[str], _groups: Sequence[str], labels: Sequence[list[str]]) -> Places:
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    names = sorted({name for inside in labels for name in inside})
    number = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(ids), len(names)), np.int8)
    for row, inside in enumerate(labels):
        matrix[row, [number[name] for name in inside]] = 1
    train, rest = next(MultilabelStratifiedShuffleSplit(1, test_size=0.3, random_state=0).split(matrix, matrix))
    halves = next(MultilabelStratifiedShuffleSplit(1, test_size=0.5, random_state=0).split(matrix[rest], matrix[rest]))
    return _name_rows(len(ids), {"train": train, "validation": rest[halves[0]], "test": rest[halves[1]]})


def _name_rows(count: int, parts: dict[str, np.ndarray]) -> Places:
    places = np.empty(count, object)
    for name, rows in parts.items():
        places[rows] = name
    return list(places)


def describe(groups: Sequence[str], labels: Sequence[list[str]], places: Places, shares: Mapping[str, float] = SHARES) -> str:
    """Leaks, missing splits and how far shares are off (classes with 20 or more groups, and overall)."""
    of_group, of_class = defaultdict(set), defaultdict(lambda: defaultdict(set))
    pictures: dict[str, Counter[str]] = defaultdict(Counter)
    for group, names, place in zip(groups, labels, places, strict=True):
        of_group[group].add(place)
        for name in names:
            of_class[name][place].add(group)
            pictures[name][place] += 1
    sizes = {name: len(set().union(*inside.values())) for name, inside in of_class.items()}
    large = [name for name, size in sizes.items() if size >= len(shares)]
    errors = [
        abs(pictures[name][split] / pictures[name].total() - share)
        for name in pictures
        if sizes[name] >= 20
        for split, share in shares.items()
    ]
    overall = Counter(places)
    off = max(abs(overall[split] / len(places) - share) for split, share in shares.items())
    missing = sum(len(of_class[name]) < len(shares) for name in large)
    trainless = sum("train" not in inside for inside in of_class.values())
    leaks = sum(len(inside) > 1 for inside in of_group.values())
    error = f"class share error mean {np.mean(errors):.3f}, max {np.max(errors):.3f}, overall {off:.3f}"
    return (
        f"{leaks} groups across, {missing}/{len(large)} classes with >= {len(shares)} groups missing a split, "
        f"{trainless} without train, {error}"
    )


def compare(count: int) -> None:
    ids, groups, labels = make_images(count, 0)
    more = make_images(round(count * 0.11), 1)
    more_ids, more_groups, more_labels = ids + more[0], groups + more[1], labels + more[2]
    ways: dict[str, Callable[[Sequence[str], Sequence[str], Sequence[list[str]]], Places]] = {
        "train_test_split": split_train_test,
        "StratifiedGroupKFold": split_group_k_fold,
        "logoingest": split_ours,
    }
    for name, way in ways.items():
        before = way(ids, groups, labels)
        previous = dict(zip(ids, before, strict=True))
        after = (
            split_ours(more_ids, more_groups, more_labels, previous)
            if way is split_ours
            else way(more_ids, more_groups, more_labels)
        )
        moved = sum(was != now for was, now in zip(before, after[: len(ids)], strict=True)) / len(ids)
        print(f"{name:22}: {describe(groups, labels, before)}; {moved:.0%} moved after +11 %")
        if way is split_ours:
            print(f"{'  after +11 %':22}: {describe(more_groups, more_labels, after)}")
    five = split_five(ids, groups, labels)
    print(f"{'  in five splits':22}: {describe(groups, labels, five, FIVE)}")
    after = split_five(more_ids, more_groups, more_labels, dict(zip(ids, five, strict=True)))
    moved = sum(was != now for was, now in zip(five, after[: len(ids)], strict=True)) / len(ids)
    print(f"{'  in five, +11 %':22}: {describe(more_groups, more_labels, after, FIVE)}; {moved:.0%} moved")


def split_five(
    ids: Sequence[str], groups: Sequence[str], labels: Sequence[list[str]], previous: dict[str, str] | None = None
) -> Places:
    return split_ours(ids, groups, labels, previous, FIVE)


def read_boxes(path: str) -> tuple[list[str], list[list[str]]]:
    """Pictures and their classes; no file says which pictures are alike, so each is a group."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        classes[f"{row['folder(google query)']}/{row['img']}"].add(row["clean_label"])
    ids = sorted(classes)
    return ids, [sorted(classes[name]) for name in ids]


def compare_boxes(path: str) -> None:
    ids, labels = read_boxes(path)
    print(f"{len(ids)} images, {len({name for inside in labels for name in inside})} classes")
    for name, way in {
        "train_test_split": split_train_test,
        "StratifiedGroupKFold": split_group_k_fold,
        "iterative-stratification": split_iteratively,
        "logoingest": split_ours,
    }.items():
        started = time.process_time()
        try:
            places = way(ids, ids, labels)
            print(f"{name:24}: {describe(ids, labels, places)}; {time.process_time() - started:.1f} s of CPU")
        except ImportError as error:
            print(f"{name:24}: left out ({error})")
    started = time.process_time()
    five = split_five(ids, ids, labels)
    spent = time.process_time() - started
    print(f"{'  in five splits':24}: {describe(ids, labels, five, FIVE)}; {spent:.1f} s of CPU")
    part = [row for row, name in enumerate(ids) if hashlib.sha256(name.encode()).digest()[0] < 231]  # 90 %, the rest comes later
    first = [ids[row] for row in part]
    previous = dict(zip(first, split_ours(first, first, [labels[row] for row in part]), strict=True))
    after = split_ours(ids, ids, labels, previous)
    moved = sum(previous.get(name, now) != now for name, now in zip(ids, after, strict=True)) / len(first)
    more = len(ids) / len(first) - 1
    print(f"{f'  after +{more:.0%}':24}: {describe(ids, labels, after)}; {moved:.0%} moved")
    for shares in (SHARES, FIVE):
        for train in (True, False):
            missed, without = solve_exactly(labels, len(shares), train)
            first_rule = "every class in train first" if train else "train no dearer than the others"
            print(f"least possible, {len(shares)} splits, {first_rule}: {missed} classes miss a split, {without} without train")


def solve_exactly(labels: Sequence[list[str]], splits: int, train_first: bool) -> tuple[int, int]:
    """The fewest classes of at least ``splits`` pictures that miss a split, by integer programming: (so many, classes without train).

    A variable for each picture in each split and one for each need left unmet, that is a class and a split it has enough pictures
    for. An unmet need costs 100, of a class of fewer pictures than splits 1, in train 10,000 if ``train_first``.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    members: dict[str, list[int]] = defaultdict(list)
    for row, names in enumerate(labels):
        for name in names:
            members[name].append(row)
    needs = [(name, split) for name in sorted(members) for split in range(min(splits, len(members[name])))]
    large = {name for name, rows in members.items() if len(rows) >= splits}
    pictures, variables = len(labels), len(labels) * splits
    cells = [(row, row * splits + split) for row in range(pictures) for split in range(splits)]
    cells += [(pictures + number, row * splits + split) for number, (name, split) in enumerate(needs) for row in members[name]]
    cells += [(pictures + number, variables + number) for number in range(len(needs))]
    rows, columns = zip(*cells, strict=True)
    matrix = coo_matrix((np.ones(len(cells)), (rows, columns)), shape=(pictures + len(needs), variables + len(needs))).tocsr()
    most = np.concatenate([np.ones(pictures), np.full(len(needs), np.inf)])
    costs = [10_000 if train_first and not split else 100 if name in large else 1 for name, split in needs]
    cost = np.concatenate([np.zeros(variables), costs])
    found = milp(cost, constraints=LinearConstraint(matrix, 1, most), integrality=np.ones(len(cost)), bounds=Bounds(0, 1))
    if found.status != 0:
        raise RuntimeError(found.message)
    unmet = [needs[index] for index in np.flatnonzero(found.x[variables:] > 0.5)]
    return len({name for name, _ in unmet} & large), sum(not split for _, split in unmet)


def measure_million(several: bool) -> None:
    ids, groups, labels = make_images(1_000_000, 2, classes=1_000)
    if several:
        random = np.random.default_rng(3)
        of_group = {group: list(inside) for group, inside in zip(groups, labels, strict=True)}
        for group, first in of_group.items():
            if random.random() < 1 / 3:
                more = {f"class{number:03d}" for number in random.integers(0, 1_000, int(random.integers(1, 3)))}
                of_group[group] = sorted({*first, *more})
        labels = [of_group[group] for group in groups]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, used = time.perf_counter(), time.process_time()
    places = split_ours(ids, groups, labels)
    wall, spent = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kind = "a third of several classes" if several else "of one class each"
    print(
        f"{len(places):,} images {kind}: {wall:.1f} s, {spent:.1f} s of CPU, peak {peak / 1e6:.2f} GB ({before / 1e6:.2f} before)"
    )
    print("  " + describe(groups, labels, places))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litw", metavar="PATH", help="boxes_2019.csv of Logos in the Wild")
    parser.add_argument("--million", action="store_true", help="measure time and memory for 1,000,000 images")
    options = parser.parse_args()
    compare(5_000)
    if options.litw:
        compare_boxes(options.litw)
    if options.million:
        measure_million(several=False)
        measure_million(several=True)


if __name__ == "__main__":
    main()
