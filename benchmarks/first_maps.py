"""First class maps: how many classes of a set are found, split in two, merged into one, made up, and what a person is left to do.

Closed sets are CSV files of a label column; each of their labels is a class. The others are open: a batch of Mechanical Turk with a
gold file (for scoring alone), and simulated crowds (``crowd_simulation.py``). A true class is one that three answers mean. A class of
the map is *made up* when no true class is what half of its answers mean, *merged* when a second one is what a fifth mean, *split* is
every further class of the map for one true class. *Decisions*: a ruling for each spelling that names a true class, was given twice and
is not decided, and for each class that is made up, split or merged. *Wrong*: answers accepted as another class than their writer meant.

    python benchmarks/first_maps.py [--closed FOLDER] [--batch mturk_results.csv --gold gold.csv] [--brands nsi_dev.csv] [--seeds 3]
        [--without-pictures]
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from crowd_simulation import Answer, load_brands, load_languages, load_territories, simulate_crowd
from logoingest.labels import ClassMap
from logoingest.labels.first_maps import draft
from logoingest.labels.matching.match import decide_labels

CLOSED = ("yesno", "truefalse", "digits", "letters", "sizes", "vehicles", "clothes", "fooddrink", "xray")
ENOUGH = 3


class Score(NamedTuple):
    true: int
    found: int
    made_up: int
    split: int
    merged: int
    decisions: int
    lines: int
    decided: float
    wrong: float
    seconds: float


def make_map(answers: Sequence[Answer], *, with_pictures: bool) -> str:
    """The text of the first map; without pictures where this version knows none."""
    counts = sorted(Counter(answer.raw for answer in answers).items(), key=lambda item: (-item[1], item[0]))
    if not hasattr(draft, "draft_first_map"):
        return draft.draft_class_map(counts, "set")
    if not with_pictures:
        return draft.draft_first_map(counts, "set").text
    said = pa.table(
        {
            "url": [answer.url for answer in answers],
            "worker_id": [answer.worker for answer in answers],
            "raw_label": [answer.raw for answer in answers],
        }
    )
    return draft.draft_first_map(counts, "set", said).text


class Meanings(NamedTuple):
    """What the answers of a set mean."""

    given: Counter[str]
    """Answer → how often."""
    meant: Mapping[str, Counter[str]]
    """Answer → class → how often it was meant."""
    true: set[str]
    """Classes that enough answers mean."""
    usual: Mapping[str, str]
    """Answer → the class that most who gave it meant."""


def read_meanings(answers: Sequence[Answer]) -> Meanings:
    """What the answers mean."""
    given = Counter(answer.raw for answer in answers)
    meant: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        if answer.meant is not None:
            meant[answer.raw][answer.meant] += 1
    true = {name for name, count in sum(meant.values(), Counter[str]()).items() if count >= ENOUGH}
    usual = {raw: one[0] for raw, counts in meant.items() if 2 * (one := counts.most_common(1)[0])[1] > given[raw]}
    return Meanings(given, meant, true, usual)


def score_map(answers: Sequence[Answer], *, with_pictures: bool) -> Score:
    """Make the map and hold it against what the writers meant."""
    start = time.process_time()
    text = make_map(answers, with_pictures=with_pictures)
    seconds = time.process_time() - start
    class_map = ClassMap.from_toml(text)
    meanings = read_meanings(answers)
    raws = sorted(meanings.given)
    owners = {
        raw: one.class_ids[0] for raw, one in zip(raws, decide_labels(raws, class_map), strict=True) if len(one.class_ids) == 1
    }
    names, made_up, merged = _name_classes(class_map, meanings, owners)
    split = sum(len(ids) - 1 for ids in names.values())
    of_class = {class_id: name for name, ids in names.items() for class_id in ids}
    given, usual = meanings.given, meanings.usual
    left = [raw for raw, name in usual.items() if name in meanings.true and given[raw] > 1 and raw not in owners]
    naming = sum(given[raw] for raw in usual)
    right = sum(given[raw] for raw, name in usual.items() if of_class.get(owners.get(raw, "")) == name)
    wrong = sum(given[raw] for raw, name in usual.items() if raw in owners and of_class.get(owners[raw]) != name)
    aliases = sum(spelling.is_alias for spelling in class_map.spellings)
    decisions = len(left) + made_up + split + merged
    true = len(meanings.true)
    return Score(true, len(names), made_up, split, merged, decisions, aliases, right / naming, wrong / naming, seconds)


def _name_classes(class_map: ClassMap, meanings: Meanings, owners: Mapping[str, str]) -> tuple[dict[str, list[str]], int, int]:
    """True class → the map's classes for it; how many of the map's are made up, and how many are two."""
    inside: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for raw, owner in owners.items():
        counts = meanings.meant.get(raw, Counter())
        inside[owner].update({**counts, "": meanings.given[raw] - counts.total()})
    names: defaultdict[str, list[str]] = defaultdict(list)
    made_up = merged = 0
    for class_id in class_map.class_ids:
        ranked = [(name, count) for name, count in inside[class_id].most_common() if name in meanings.true]
        if not ranked or 2 * ranked[0][1] < inside[class_id].total():
            made_up += 1
            continue
        names[ranked[0][0]].append(class_id)
        merged += len(ranked) > 1 and 5 * ranked[1][1] >= inside[class_id].total()
    return names, made_up, merged


def read_closed(path: Path) -> list[Answer]:
    """The answers of a closed set; each means itself."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Answer(row["image_url"], row["worker_id"], row["label"], row["label"]) for row in csv.DictReader(file)]


def read_batch(path: Path, gold: Path) -> list[Answer]:
    """A batch; what an answer means is the gold class of its pictures, where half of the answers of a kind have the same."""
    with gold.open(encoding="utf-8", newline="") as file:
        labels = {row["file"]: row["label"] for row in csv.DictReader(file)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["Input.image_url"], row["WorkerId"], row["Answer.brand"]) for row in csv.DictReader(file)]
    seen: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for url, _, raw in rows:
        seen[raw.strip().lower()][labels.get(url.rpartition("/")[2])] += 1
    usual: dict[str, str | None] = {}
    for key, counts in seen.items():
        known = Counter({name: count for name, count in counts.items() if name not in {None, "none", "no-logo"}})
        best = known.most_common(1)
        usual[key] = best[0][0] if best and 2 * best[0][1] > known.total() and 3 * best[0][1] >= counts.total() else None
    return [Answer(url, worker, raw, usual[raw.strip().lower()]) for url, worker, raw in rows]


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--closed", type=Path)
    parser.add_argument("--batch", type=Path)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--brands", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--votes", type=int, default=3)
    parser.add_argument("--spammers", type=float, default=0.15)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--without-pictures", action="store_true")
    options = parser.parse_args()
    sets = {} if options.closed is None else {name: read_closed(options.closed / f"{name}.csv") for name in CLOSED}
    if options.batch is not None:
        sets["batch"] = read_batch(options.batch, options.gold)
    domains = [load_territories(), load_languages()] + ([load_brands(options.brands)] if options.brands else [])
    for domain in domains:
        for seed in range(options.seeds):
            made = simulate_crowd(domain, pictures=options.pictures, votes=options.votes, spammers=options.spammers, seed=seed)
            sets[f"{domain.name} {seed}"] = list(made.answers)
    print("| set | classes true | found | made up | split | merged | decisions | aliases | decided | wrong | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, answers in sets.items():
        one = score_map(answers, with_pictures=not options.without_pictures)
        figures = " | ".join(map(str, one[:7]))
        print(f"| {name} | {figures} | {one.decided:.3f} | {one.wrong:.4f} | {one.seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
