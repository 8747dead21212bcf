"""Splits: leaks, missing classes and movement, beside the usual ways.

    python benchmarks/splits.py [--boxes litw/boxes_2019.csv] [--images 1000000]

1. 5,000 images of 200 Zipf classes with duplicate groups, then 11 % more.
2. With ``--boxes``, the Logos in the Wild boxes as multi-label images; iterative-stratification is a benchmark-only dependency and
   left out when it isn't installed.
3. Time for ``--images`` images.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from logoingest.config import SplitsConfig
from logoingest.schemas import AnnotationRow
from logoingest.splits import assign_splits

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
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
    ids: Sequence[str], groups: Sequence[str], labels: Sequence[list[str]], previous: dict[str, str] | None = None
) -> Places:
    none = pa.array([[]] * len(ids), pa.list_(pa.string()))
    columns = {"image_id": ids, "group_id": groups, "class_ids": pa.array(labels, pa.list_(pa.string())), "annotation_ids": none}
    kept, _ = assign_splits(pa.table(columns), AnnotationRow.empty_table(), SplitsConfig(), previous or {})
    places = dict(zip(kept.column("image_id").to_pylist(), kept.column("split").to_pylist(), strict=True))
    return [places[name] for name in ids]


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


def describe(groups: Sequence[str], labels: Sequence[list[str]], places: Places) -> str:
    """Leaks, missing splits and how far shares are off (classes with 20 or more groups, and overall)."""
    of_group, of_class = defaultdict(set), defaultdict(lambda: defaultdict(set))
    pictures: dict[str, list[str]] = defaultdict(list)
    for group, names, place in zip(groups, labels, places, strict=True):
        of_group[group].add(place)
        for name in names:
            of_class[name][place].add(group)
            pictures[name].append(place)
    sizes = {name: len(set().union(*inside.values())) for name, inside in of_class.items()}
    large = [name for name, size in sizes.items() if size >= 3]
    errors = [
        abs(pictures[name].count(split) / len(pictures[name]) - share)
        for name in pictures
        if sizes[name] >= 20
        for split, share in SHARES.items()
    ]
    overall = max(abs(places.count(split) / len(places) - share) for split, share in SHARES.items())
    missing = sum(len(of_class[name]) < 3 for name in large)
    trainless = sum("train" not in inside for inside in of_class.values())
    leaks = sum(len(inside) > 1 for inside in of_group.values())
    error = f"class share error mean {np.mean(errors):.3f}, max {np.max(errors):.3f}, overall {overall:.3f}"
    return f"{leaks} groups across, {missing}/{len(large)} classes with >= 3 groups missing a split, {trainless} without train, {error}"


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


def compare_boxes(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    classes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        classes[f"{row['folder(google query)']}/{row['img']}"].add(row["clean_label"])
    ids = sorted(classes)
    labels = [sorted(classes[name]) for name in ids]
    print(f"{len(ids)} images, {len({name for inside in labels for name in inside})} classes")
    for name, way in {
        "train_test_split": split_train_test,
        "StratifiedGroupKFold": split_group_k_fold,
        "iterative-stratification": split_iteratively,
        "logoingest": split_ours,
    }.items():
        try:
            print(f"{name:24}: {describe(ids, labels, way(ids, ids, labels))}")
        except ImportError as error:
            print(f"{name:24}: left out ({error})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", help="boxes_2019.csv of Logos in the Wild")
    parser.add_argument("--images", type=int, default=1_000_000)
    options = parser.parse_args()
    compare(5_000)
    if options.boxes:
        compare_boxes(options.boxes)
    data = make_images(options.images, 2, classes=1_000)
    started, used = time.perf_counter(), time.process_time()
    places = split_ours(*data)
    print(f"{len(places):,} images: {time.perf_counter() - started:.1f} s, {time.process_time() - used:.1f} s of CPU")
    print(describe(data[1], data[2], places))


if __name__ == "__main__":
    main()
