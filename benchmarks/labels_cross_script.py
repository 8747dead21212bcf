"""Cross-script: how often the right class is proposed for a name in another script, where the map knows no alias at all.

Classes are name-suggestion-index's brands, known by their canonical name only; queries are the raw names whose letters are
not all Latin, of the brands whose canonical name is. Two pools: 1,000 classes drawn per seed as in labels_open_set.py with
the queries that belong to them, and all classes at once, which is harder. A hash of the canonical name cuts the queries in
halves: "developed on" was looked at while the method was made, "held out" was not. At last the engine decides every query:
what it accepts must be a class's own name or its exact, unique transliteration.

    python benchmarks/labels_cross_script.py brand_aliases/nsi_dev.csv [--seeds 5]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tomlkit
from rapidfuzz import fuzz, process
from unidecode import unidecode

from labels_open_set import CLASSES, load_names
from logoingest.labels import ClassMap, fold
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.text.romanisation import romanise_japanese
from logoingest.review.proposals import propose_classes

LIMIT = 3
RARE = 20
HALVES = ("developed on", "held out")


class Query(NamedTuple):
    raw: str
    name: str
    script: str

    @property
    def half(self) -> str:
        return HALVES[hashlib.sha256(f"cross{self.name}".encode()).digest()[0] % 2]


Proposer = Callable[[Sequence[str], Sequence[str]], list[list[str]]]


def load_queries(path: Path, names: Sequence[str]) -> list[Query]:
    """Unambiguous names that are not Latin, of canonical names that are."""
    known = {name for name in names if fold(name).is_latin}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ambiguous"] == "0" and row["canonical"] in known]
    return [Query(row["raw"], row["canonical"], row["script"]) for row in rows if not fold(row["raw"]).is_latin]


def make_map(names: Sequence[str]) -> ClassMap:
    """Every name a class, without an alias."""
    document = tomlkit.document()
    table = tomlkit.table()
    for number, name in enumerate(names):
        table.add(f"c{number:05}", tomlkit.item({"name": name}))
    document.add("classes", table)
    return ClassMap.from_toml(tomlkit.dumps(document))


def propose_here(labels: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """This project's."""
    return [
        [names[int(proposal.class_id[1:])] for proposal in found] for found in propose_classes(labels, make_map(names), limit=LIMIT)
    ]


def make_scorer(scorer: Callable[..., float]) -> Proposer:
    """rapidfuzz on lower-case ASCII."""

    def propose(labels: Sequence[str], names: Sequence[str]) -> list[list[str]]:
        ours, theirs = ([unidecode(text).lower() for text in side] for side in (labels, names))
        scores = process.cdist(ours, theirs, scorer=scorer, dtype=np.float32)
        return [[names[place] for place in np.argsort(-row, kind="stable")[:LIMIT]] for row in scores]

    return propose


PROPOSERS: dict[str, Proposer] = {
    "logoingest": propose_here,
    "unidecode + ratio": make_scorer(fuzz.ratio),
    "unidecode + WRatio": make_scorer(fuzz.WRatio),
}


def rank_queries(proposer: Proposer, queries: Sequence[Query], names: Sequence[str]) -> tuple[np.ndarray, float]:
    """Place of the right class among the proposals (``LIMIT`` where it is none of them), and CPU seconds."""
    begun = time.process_time()
    found = proposer([query.raw for query in queries], names)
    seconds = time.process_time() - begun
    places = [made.index(query.name) if query.name in made else LIMIT for made, query in zip(found, queries, strict=True)]
    return np.array(places), seconds


def show(places: np.ndarray) -> str:
    """Share first, share in the top three."""
    return f"{np.mean(places < 1):.3f} / {np.mean(places < LIMIT):.3f}" if len(places) else "-"


def run_subsets(queries: Sequence[Query], names: Sequence[str], seeds: int) -> None:
    """1,000 classes per seed: mean and worst."""
    print(f"\n{CLASSES} classes, {seeds} seeds: right class first / in the top {LIMIT}, mean (worst)")
    print(f"{'':<20}{'all':>32}" + "".join(f"{half:>32}" for half in HALVES) + f"{'CPU s a seed':>14}")
    for title, proposer in PROPOSERS.items():
        runs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        spent = []
        for seed in range(seeds):
            drawn = sorted(random.Random(seed).sample(list(names), CLASSES))
            chosen = [query for query in queries if query.name in set(drawn)]
            places, seconds = rank_queries(proposer, chosen, drawn)
            spent.append(seconds)
            for half in ("all", *HALVES):
                own = np.array([half in ("all", query.half) for query in chosen])
                runs[half].append((float(np.mean(places[own] < 1)), float(np.mean(places[own] < LIMIT))))
        cells = []
        for half in ("all", *HALVES):
            first, three = zip(*runs[half], strict=True)
            cells.append(f"{np.mean(first):.3f} ({min(first):.3f}) / {np.mean(three):.3f} ({min(three):.3f})")
        print(f"{title:<20}" + "".join(f"{cell:>32}" for cell in cells) + f"{np.mean(spent):>14.1f}")


def run_all(queries: Sequence[Query], names: Sequence[str]) -> None:
    """All classes at once, with a table by script."""
    places = {title: rank_queries(proposer, queries, names) for title, proposer in PROPOSERS.items()}
    counts = Counter(query.script.split("+")[0] for query in queries)
    scripts = {script: script if count >= RARE else "others" for script, count in counts.items()}
    groups: dict[str, list[bool]] = {"all": [True] * len(queries)}
    groups |= {half: [query.half == half for query in queries] for half in HALVES}
    order = [script for script, count in counts.most_common() if count >= RARE]
    for group in (*order, "others"):
        groups[group] = [scripts[query.script.split("+")[0]] == group for query in queries]
    print(f"\nall {len(names)} classes: right class first / in the top {LIMIT}")
    print(f"{'':<16}{'queries':>8}" + "".join(f"{title:>22}" for title in PROPOSERS))
    for group, own in groups.items():
        cells = [show(found[np.array(own)]) for found, _ in places.values()]
        print(f"{group:<16}{sum(own):>8}" + "".join(f"{cell:>22}" for cell in cells))
    print(f"{'CPU seconds':<24}" + "".join(f"{seconds:>22.1f}" for _, seconds in places.values()))


def run_decisions(queries: Sequence[Query], names: Sequence[str]) -> None:
    """What the engine accepts of the queries, by rule; each acceptance that is wrong, or by another rule than it should be."""
    class_map = make_map(names)
    decisions = decide_labels([query.raw for query in queries], class_map)
    accepted = [(query, made) for query, made in zip(queries, decisions, strict=True) if made.decision == "accepted"]
    rules = Counter(made.rule for _, made in accepted)
    print(f"\ndecided: {dict(Counter(made.decision for made in decisions))}; accepted by rule: {dict(rules.most_common())}")
    for query, made in accepted:
        taken = ", ".join(names[int(class_id[1:])] for class_id in made.class_ids)
        if taken != query.name or made.rule not in {"name", "transliteration"}:
            print(f"  {query.raw!r} is {query.name!r}, accepted as {taken!r} ({made.rule}, {made.matched_alias!r})")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    names = load_names(arguments.path)
    queries = load_queries(arguments.path, names)
    japanese = "with" if romanise_japanese("銀座") is not None else "without"
    print(f"{len(names)} names, {len(queries)} names in another script; {japanese} the extra [ja]")
    run_subsets(queries, names, arguments.seeds)
    run_all(queries, names)
    run_decisions(queries, names)


if __name__ == "__main__":
    main()
