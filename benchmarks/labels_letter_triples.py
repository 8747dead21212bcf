"""Measure how usual three letters in a row are in names, and write the table that the fuzzy guard reads.

The lists are plain text, a name a line, or CSV with a column ``canonical``. Of a CSV only the half is read that
``labels_open_set.py`` calls seen, so that the other half can tell how well the table does on names it does not know. The
figures are interpolated over shorter contexts (Witten and Bell, doi:10.1109/18.87000), so that no cell is empty.

    python benchmarks/labels_letter_triples.py LIST ... --out src/logoingest/labels/letter_triples.txt
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from labels_open_set import is_seen, load_names
from logoingest.labels import fold
from logoingest.labels.matching.letter_triples import CONTEXT_LETTERS, NEXT_LETTERS, STEPS_PER_POWER, mark_letters

ZERO = ord("0")
MOST = ord("~") - ZERO


def read_lists(paths: Sequence[Path]) -> list[str]:
    """Every word of every name."""
    words: list[str] = []
    for path in paths:
        names = load_names(path)
        kept = [name for name in names if is_seen(name)] if path.suffix == ".csv" else names
        words += [word for name in kept for word in fold(name).ascii.split()]
    return words


def count_triples(words: Iterable[str]) -> Counter[str]:
    """How often each three letters follow each other; two ``^`` stand before a word, a ``$`` behind it."""
    counts: Counter[str] = Counter()
    for word in words:
        framed = f"^^{mark_letters(word)}$"
        counts.update(framed[place - 2 : place + 1] for place in range(2, len(framed)))
    return counts


def interpolate(counts: Counter[str], context: str, letter: str) -> float:
    """Probability of a letter after one, two or no others."""
    probability = 1 / len(NEXT_LETTERS)
    for length in range(len(context) + 1):
        known = context[len(context) - length :]
        seen = {last: total for last in NEXT_LETTERS if (total := counts[known + last])}
        total = sum(seen.values())
        if not total:
            break
        probability = (seen.get(letter, 0) + len(seen) * probability) / (total + len(seen))
    return probability


def main() -> None:
    """Write the table: a line for each two letters, a character for each third; the code says minus the logarithm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    words = read_lists(arguments.lists)
    triples = count_triples(words)
    counts = triples.copy()
    for triple, count in triples.items():
        counts[triple[1:]] += count
        counts[triple[2:]] += count
    lines = []
    for one in CONTEXT_LETTERS:
        for two in CONTEXT_LETTERS:
            logs = [-math.log10(interpolate(counts, one + two, letter)) for letter in NEXT_LETTERS]
            lines.append("".join(chr(ZERO + min(MOST, round(log * STEPS_PER_POWER))) for log in logs))
    arguments.out.write_text("\n".join(lines) + "\n", "ascii")
    print(f"{len(words):,} words, {sum(triples.values()):,} triples, {len(triples):,} distinct -> {arguments.out}")


if __name__ == "__main__":
    main()
