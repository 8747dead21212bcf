"""Cross-script answers before and after ``labels enrich``: one half of a pack's non-Latin spellings teaches, the other asks.

The map knows every brand of name-suggestion-index by its canonical name alone. Of each brand's spellings with letters of
another script, distinct after folding, every second one in the order of a hash goes into a CSV pack, which
``logoingest labels enrich`` adds to the map; the others are asked, against both maps. Rows marked ambiguous are left out.

    python benchmarks/labels_enrich.py brand_aliases/nsi_dev.csv [--proposals]

recall: answers accepted as the right class; precision: accepted ones that are right; top 1, top 3: of all answers, accepted
rightly or with the right class among the first one or three proposals.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from logoingest.cli.main import main as run_logoingest
from logoingest.labels import ClassMap, fold
from logoingest.labels.matching.match import decide_labels
from logoingest.review.proposals import propose_classes
from logoingest.schemas import Decision

SCRIPTS = {"CJK": "Han", "HIRAGANA": "kana", "KATAKANA": "kana", "KATAKANA-HIRAGANA": "kana"}
FEWEST = 10


class Question(NamedTuple):
    """A spelling, the class it means, its script."""

    raw: str
    canonical: str
    script: str


class Score(NamedTuple):
    """Of all questions of a script: how many were accepted, rightly so, and right as first or among three proposals."""

    questions: int
    accepted: int
    right: int
    first: int
    third: int


def name_script(text: str) -> str | None:
    """The commonest script among letters that are not Latin; None where all are."""
    letters = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
    counts = Counter(
        SCRIPTS.get(word, word.capitalize()) for word in letters if word not in {"LATIN", "FULLWIDTH", "MODIFIER", "?"}
    )
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


def load_halves(path: Path) -> tuple[list[str], list[Question], list[Question]]:
    """Canonical names, the half that teaches, the half that asks."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ambiguous"] == "0"]
    spellings: defaultdict[str, dict[str, Question]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: (row["canonical"], row["raw"])):
        script = name_script(row["raw"])
        if script and fold(row["raw"]).text != fold(row["canonical"]).text:
            spellings[row["canonical"]].setdefault(fold(row["raw"]).text, Question(row["raw"], row["canonical"], script))
    taught: list[Question] = []
    asked: list[Question] = []
    for canonical, group in sorted(spellings.items()):
        ordered = sorted(group.values(), key=lambda one: hashlib.sha256(one.raw.encode()).digest())
        first = hashlib.sha256(canonical.encode()).digest()[0] % 2  # a lone spelling teaches or asks, by hash too
        taught += ordered[first::2]
        asked += ordered[1 - first :: 2]
    return sorted({row["canonical"] for row in rows}), taught, asked


def write_table(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("raw", "canonical"))
        writer.writerows(rows)


def score(questions: Sequence[Question], class_map: ClassMap, names: dict[str, str], *, with_proposals: bool) -> dict[str, Score]:
    """Script → score; ``names`` brings a canonical name to its class."""
    decisions = decide_labels([one.raw for one in questions], class_map)
    open_places = [place for place, decision in enumerate(decisions) if decision.decision != Decision.ACCEPTED]
    proposed: dict[int, list[str]] = {}
    if with_proposals:
        found = propose_classes([questions[place].raw for place in open_places], class_map)
        proposed = {place: [one.class_id for one in best] for place, best in zip(open_places, found, strict=True)}
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for place, (one, decision) in enumerate(zip(questions, decisions, strict=True)):
        wanted = names[one.canonical]
        accepted = decision.decision == Decision.ACCEPTED
        right = accepted and decision.class_ids == (wanted,)
        best = proposed.get(place, [])
        values = (1, accepted, right, right or best[:1] == [wanted], right or wanted in best[:3])
        for script in (one.script, "all"):
            counts[script] = [old + int(new) for old, new in zip(counts[script], values, strict=True)]
    return {script: Score(*numbers) for script, numbers in counts.items()}


def show(before: dict[str, Score], after: dict[str, Score], *, with_proposals: bool) -> None:
    heads = ("script", "asked", "recall", "precision", *(("top 1", "top 3") if with_proposals else ()))
    head = [*heads, *(f"{name}, enriched" for name in heads[2:])]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    rare = [script for script in after if script != "all" and after[script].questions < FEWEST]
    for script in sorted(after, key=lambda name: (name == "all", -after[name].questions, name)):
        if script not in rare:
            cells = [script, f"{after[script].questions:,}"]
            for one in (before[script], after[script]):
                cells += [
                    f"{one.right / one.questions:.3f} ({one.right:,})",
                    f"{one.right / one.accepted:.3f}" if one.accepted else "–",
                ]
                cells += [f"{one.first / one.questions:.3f}", f"{one.third / one.questions:.3f}"] if with_proposals else []
            print(f"| {' | '.join(cells)} |")
    print(f"scripts with fewer than {FEWEST} answers are in the last line only: {', '.join(sorted(rare)) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path, metavar="nsi_dev.csv")
    parser.add_argument("--proposals", action="store_true", help="score the proposals too (slower)")
    options = parser.parse_args()
    canonicals, taught, asked = load_halves(options.pairs)
    with tempfile.TemporaryDirectory() as folder:
        names_file, pack, class_map = (Path(folder) / name for name in ("names.csv", "pack.csv", "map.toml"))
        write_table(names_file, [(name, name) for name in canonicals])
        write_table(pack, [(one.raw, one.canonical) for one in taught])
        assert run_logoingest(["labels", "new", str(names_file), str(class_map), "--quiet"]) == 0
        before = ClassMap.load(class_map)
        assert run_logoingest(["labels", "enrich", str(class_map), "--from", str(pack), "--quiet"]) == 0
        after = ClassMap.load(class_map)
    ids = {fold(class_id).text: class_id for class_id in before.names}
    names = {name: ids[fold(name).text] for name in canonicals}
    learnt = {one.canonical for one in taught}
    print(f"\n{len(names):,} names, {len(before.names):,} classes; {len(taught):,} spellings taught, {len(asked):,} asked")
    for title, questions in (
        ("every answer of the asking half", asked),
        ("of brands that the other half has a spelling of", [one for one in asked if one.canonical in learnt]),
    ):
        print(f"\n{title}:\n")
        scores = [score(questions, one, names, with_proposals=options.proposals) for one in (before, after)]
        show(*scores, with_proposals=options.proposals)


if __name__ == "__main__":
    main()
