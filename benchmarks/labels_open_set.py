"""Open set: how often labels are matched rightly, wrongly, or strangers are taken in, beside what people use today.

1,000 classes (a third of a shorter list) are drawn from a list of names and known by their canonical name only. Queries: their
own names with other punctuation, spacing and case; with a noise word; with one typo; with two; and up to 4,000 names that are
not in the map. A list is a CSV file with a column ``canonical`` (rows with ``ambiguous`` other than 0 are left out), or plain
text, a name a line. A CSV is run on three pools: all names; the half the letter table was measured on ("seen"); the other
("held out").

    python benchmarks/labels_open_set.py brand_aliases/nsi_dev.csv [LIST ...] [--seeds 5] [--only logoingest]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tomlkit
from rapidfuzz import fuzz, process
from unidecode import unidecode

from logoingest.labels import ClassMap, fold
from logoingest.labels.matching.match import decide_labels

CLASSES = 1000
STRANGERS = 4000
NOISE = (
    "{} logo",
    "logo {}",
    "{} brand",
    "the {} logo",
    "logo of {}",
    "{} sign",
    "marca {}",
    "{} symbol",
    "{} text",
    "logotipo de {}",
)
KINDS = ("punctuation", "noise word", "1 typo", "2 typos", "strangers")

Matcher = Callable[[Sequence[str]], list[int | None]]


def load_names(path: Path) -> list[str]:
    """Distinct unambiguous names; those that differ in signs, case or accents alone are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            listed = {row["canonical"] for row in csv.DictReader(file) if row.get("ambiguous", "0") == "0"}
        else:
            listed = {line.strip() for line in file}
    names = sorted(listed)
    keys = {name: re.sub("[^a-z0-9]", "", unidecode(fold(name).text).lower()) for name in names}
    counts = Counter(keys.values())
    return [name for name in names if keys[name] and counts[keys[name]] == 1]


def is_seen(name: str) -> bool:
    """The half of the names the letter pairs were measured on."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def disturb(name: str, rng: random.Random) -> str:
    """Other punctuation, spacing or case."""
    kind = rng.randrange(6)
    if kind == 0:
        return name.upper()
    if kind == 1:
        return name.lower()
    if kind == 2:
        return name.replace(" ", "-")
    if kind == 3:
        return name.replace(" ", "")
    if kind == 4:
        return f" {name}{rng.choice('.!?')} "
    return re.sub(r"[^\w\s&+]", "", name) or name


def add_typo(name: str, rng: random.Random) -> str:
    """One insertion, deletion, substitution or swap of neighbours, anywhere."""
    while True:
        place, letter = rng.randrange(len(name)), rng.choice(string.ascii_lowercase)
        kind = rng.randrange(4)
        made = (
            name[:place] + letter + name[place:],
            name[:place] + name[place + 1 :],
            name[:place] + letter + name[place + 1 :],
            name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :],
        )[kind]
        if made.strip() and made != name:
            return made


def make_queries(classes: Sequence[str], strangers: Sequence[str], rng: random.Random) -> dict[str, list[tuple[str, int | None]]]:
    """Kind → (query, class or None)."""
    numbered = list(enumerate(classes))
    return {
        "punctuation": [(disturb(name, rng), number) for number, name in numbered],
        "noise word": [(rng.choice(NOISE).format(name), number) for number, name in numbered],
        "1 typo": [(add_typo(name.lower(), rng), number) for number, name in numbered],
        "2 typos": [(add_typo(add_typo(name.lower(), rng), rng), number) for number, name in numbered],
        "strangers": [(name, None) for name in strangers],
    }


def make_engine(classes: Sequence[str]) -> Matcher:
    """This project's."""
    document = tomlkit.document()
    table = tomlkit.table()
    for number, name in enumerate(classes):
        table.add(f"c{number:04}", tomlkit.item({"name": name}))
    document.add("classes", table)
    class_map = ClassMap.from_toml(tomlkit.dumps(document))
    return lambda queries: [
        int(decision.class_id[1:]) if decision.class_id else None for decision in decide_labels(queries, class_map)
    ]


def make_scorer(scorer: Callable[..., float], threshold: float) -> Callable[[Sequence[str]], Matcher]:
    """rapidfuzz with a threshold, on lower-case ASCII."""

    def make(classes: Sequence[str]) -> Matcher:
        keys = [unidecode(name).lower() for name in classes]

        def match(queries: Sequence[str]) -> list[int | None]:
            scores = process.cdist(
                [unidecode(query).lower() for query in queries], keys, scorer=scorer, dtype=np.float32, workers=-1
            )
            best = scores.argmax(axis=1)
            return [int(place) if scores[row, place] >= threshold else None for row, place in enumerate(best)]

        return match

    return make


def make_fingerprint(classes: Sequence[str]) -> Matcher:
    """OpenRefine's key: ASCII, no punctuation, distinct words in order of the alphabet."""

    def key(text: str) -> str:
        return " ".join(sorted(set(re.sub(r"[^\w\s]", "", unidecode(text).lower().strip()).split())))

    table = {key(name): number for number, name in enumerate(classes)}
    return lambda queries: [table.get(key(query)) for query in queries]


POLICIES: dict[str, Callable[[Sequence[str]], Matcher]] = {
    "logoingest": make_engine,
    "WRatio >= 90": make_scorer(fuzz.WRatio, 90),
    "ratio >= 85": make_scorer(fuzz.ratio, 85),
    "fingerprint": make_fingerprint,
}


def score(matcher: Matcher, queries: dict[str, list[tuple[str, int | None]]]) -> dict[str, float]:
    """Recall per kind, share of strangers taken in, precision over everything that was accepted."""
    right = accepted = 0
    figures: dict[str, float] = {}
    for kind, pairs in queries.items():
        found = matcher([query for query, _ in pairs])
        hits = sum(made is not None and made == truth for made, (_, truth) in zip(found, pairs, strict=True))
        taken = sum(made is not None for made in found)
        right, accepted = right + hits, accepted + taken
        figures[kind] = (taken if kind == "strangers" else hits) / len(pairs)
    return {"precision": right / accepted if accepted else 1.0, **figures}


def run_pool(title: str, pool: Sequence[str], seeds: int, policies: Sequence[str]) -> None:
    """Print a table for one pool of names: mean and worst of the seeds."""
    results: dict[str, list[dict[str, float]]] = {policy: [] for policy in policies}
    count = min(CLASSES, len(pool) // 3)
    strangers = min(STRANGERS, len(pool) - count)
    for seed in range(seeds):
        rng = random.Random(seed)
        drawn = rng.sample(list(pool), count + strangers)
        queries = make_queries(drawn[:count], drawn[count:], rng)
        for policy in policies:
            results[policy].append(score(POLICIES[policy](drawn[:count]), queries))
    print(f"\n{title}: {len(pool)} names, {count} classes, {strangers} strangers, {seeds} seeds, mean (worst)")
    print(f"{'policy':<14}" + "".join(f"{column:>20}" for column in ("precision", *KINDS)))
    for policy, runs in results.items():
        cells = []
        for column in ("precision", *KINDS):
            values = [run[column] for run in runs]
            worst = max(values) if column == "strangers" else min(values)
            cells.append(f"{np.mean(values):.4f} ({worst:.4f})")
        print(f"{policy:<14}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    """Run every pool of every list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=list(POLICIES), help="this policy alone")
    arguments = parser.parse_args()
    policies = [arguments.only] if arguments.only else list(POLICIES)
    for path in arguments.lists:
        names = load_names(path)
        run_pool(f"{path.stem}, all", names, arguments.seeds, policies)
        if path.suffix == ".csv":
            run_pool(f"{path.stem}, seen", [name for name in names if is_seen(name)], arguments.seeds, policies)
            run_pool(f"{path.stem}, held out", [name for name in names if not is_seen(name)], arguments.seeds, policies)


if __name__ == "__main__":
    main()
