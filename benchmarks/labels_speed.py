"""Speed: 50,000 distinct labels against 5,000 spellings, beside rapidfuzz's WRatio; then 5,000,000 rows joined back.

python benchmarks/labels_speed.py [--labels 50000] [--spellings 5000] [--rows 5000000]
"""

from __future__ import annotations

import argparse
import random
import resource
import string
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import tomlkit
from rapidfuzz import fuzz, process

from logoingest.labels import ClassMap, normalise_annotations
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.spelling_index import index_of
from logoingest.schemas import AnnotationRow

SYLLABLES = [first + vowel for first in "bcdfghklmnprstvz" for vowel in "aeiou"]
NOISE = ("{} logo", "logo {}", "marca {}", "{} / {}", "{}!")


def make_names(count: int, rng: random.Random) -> list[str]:
    """Distinct invented names of two to five syllables, one in three of two words."""
    names: dict[str, None] = {}
    while len(names) < count:
        word = "".join(rng.choices(SYLLABLES, k=rng.randint(2, 5))).capitalize()
        names[f"{word} {rng.choice(SYLLABLES)}{rng.choice(SYLLABLES)}".strip() if rng.random() < 1 / 3 else word] = None
    return list(names)


def make_labels(names: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Distinct answers: a fifth names as they are, with case and noise; two fifths typos; two fifths strangers."""
    strangers = make_names(count, rng)
    labels: dict[str, None] = {}
    while len(labels) < count:
        draw, name = rng.random(), rng.choice(names)
        if draw < 0.2:
            name = rng.choice(NOISE).format(name, rng.choice(names))
        elif draw < 0.6:
            place = rng.randrange(len(name))
            name = name[:place] + rng.choice(string.ascii_lowercase) + name[place + rng.randint(0, 1) :]
        else:
            name = rng.choice(strangers)
        labels[name] = None
    return list(labels)


def main() -> None:
    """Print seconds, pairs and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=50_000)
    parser.add_argument("--spellings", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=5_000_000)
    arguments = parser.parse_args()
    rng = random.Random(0)
    names = make_names(arguments.spellings, rng)
    labels = make_labels(names, arguments.labels, rng)
    classes = {f"c{number}": {"name": name} for number, name in enumerate(names)}
    wall = time.perf_counter()
    class_map = ClassMap.from_toml(tomlkit.dumps({"classes": classes}))
    index_of(class_map)
    print(f"map of {len(names):,} classes read and indexed: {time.perf_counter() - wall:.1f} s")

    wall, cpu = time.perf_counter(), time.process_time()
    decisions = decide_labels(labels, class_map)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    accepted = sum(decision.decision == "accepted" for decision in decisions)
    print(f"{len(labels):,} labels decided: {wall:.1f} s wall, {cpu:.1f} s CPU ({accepted:,} accepted)")

    sample = labels[:: max(1, len(labels) // 500)]
    start = time.process_time()
    for label in sample:
        process.extractOne(label, names, scorer=fuzz.WRatio)
    baseline = (time.process_time() - start) * len(labels) / len(sample)
    print(f"extractOne(WRatio): {baseline:.0f} s CPU for as many ({len(sample)} measured): {baseline / cpu:.1f} times as much")

    codes = np.random.default_rng(0).integers(0, len(labels), arguments.rows)
    raw = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(labels)).cast(pa.string())
    schema = AnnotationRow.arrow_schema()
    made = {
        "annotation_id": pa.array(np.arange(arguments.rows)).cast(pa.string()),
        "raw_label": raw,
        "source_row": pa.array(np.arange(arguments.rows)),
    }
    filler = pa.array(["x"], pa.string())
    zeros = pa.array(np.zeros(arguments.rows, np.int32))
    columns = [
        made[field.name]
        if field.name in made
        else filler.take(zeros)
        if field.type == pa.string()
        else pa.nulls(arguments.rows, field.type)
        for field in schema
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    del codes, raw, made, columns, zeros
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    deciding = time.perf_counter()
    decide_labels(labels, class_map)
    deciding = time.perf_counter() - deciding
    before, cpu = time.perf_counter(), time.process_time()
    result = normalise_annotations(table, class_map)
    seconds, cpu = time.perf_counter() - before, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{arguments.rows:,} rows: {seconds:.1f} s wall ({cpu:.1f} s CPU), of which {seconds - deciding:.1f} s beyond deciding")
    print(f"memory: peak {peak:,.0f} MB; {held:,.0f} MB before; the table has {table.nbytes / 1e6:,.0f} MB")
    print(f"{result.rejected.num_rows:,} rows rejected")


if __name__ == "__main__":
    main()
