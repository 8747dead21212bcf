"""What the crowd's evidence costs: a million answers to a thousand classes, from annotations to what is proposed and what is said against the map.

Simulated: 3 votes a picture, 2,000 workers of skill .6 to .98, three other names a class of which the map knows one, typos, noise
words, 15 % spammers, and faults in the map (aliases of the wrong class, a class split in two, an umbrella word), so that nothing is skipped for
want of doubts. CPU and wall seconds of each step, and the peak of the process.

    python benchmarks/crowd_speed.py [--answers 1000000] [--classes 1000] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa
import tomlkit

from logoingest.labels import ClassMap
from logoingest.labels.crowd.contradictions import hear_crowd
from logoingest.labels.crowd.evidence import number_answers
from logoingest.labels.crowd.tables import tabulate_contradictions, tabulate_words
from logoingest.labels.matching.label_table import encode_labels
from logoingest.labels.matching.match import decide_labels

Made = TypeVar("Made")
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
_NOISE = ["good", "nice", "asdf", "ok", "thing"]
_VOTES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=1_000)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    options = parser.parse_args()
    annotations, class_map = draw(options.answers, options.classes)
    print(f"{annotations.num_rows:,} answers, {options.classes:,} classes; before: {measure_peak():,.0f} MB")
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    _, distinct = encode_labels(annotations.column("raw_label"))
    decisions = timed("labels stage (not counted)", lambda: decide_labels(distinct, class_map))
    counted = time.perf_counter(), time.process_time()
    reading = timed("number answers", lambda: number_answers(annotations, class_map, decisions=decisions))
    evidence, found = timed("words, and against the map", lambda: hear_crowd(reading, class_map, open_only=True))
    timed("as tables", lambda: (tabulate_words(evidence), tabulate_contradictions(found)))
    wall, cpu = time.perf_counter() - counted[0], time.process_time() - counted[1]
    profile.disable()
    print(f"whole route: {wall:.1f} s wall, {cpu:.1f} CPU s, peak {measure_peak():,.0f} MB", end="; ")
    print(f"{len(evidence.spellings):,} spellings, {len(found):,} contradictions")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def timed(name: str, make: Callable[[], Made]) -> Made:
    wall, cpu = time.perf_counter(), time.process_time()
    made = make()
    print(f"  {name:28} {time.perf_counter() - wall:6.1f} s wall {time.process_time() - cpu:6.1f} CPU s", flush=True)
    return made


def measure_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def draw(answers: int, classes: int) -> tuple[pa.Table, ClassMap]:
    random = np.random.default_rng(0)
    pictures, workers = answers // _VOTES, 2_000
    words = draw_words(random, 4 * classes)
    names, others = words[:classes], [words[classes * k : classes * (k + 1)] for k in (1, 2, 3)]
    share = 1 / np.arange(1, classes + 1) ** 0.7
    truth = np.repeat(random.choice(classes, pictures, p=share / share.sum()), _VOTES)
    worker = random.integers(0, workers, len(truth))
    skill, spammer = random.uniform(0.6, 0.98, workers), random.random(workers) < 0.15
    wrong = (random.random(len(truth)) > skill[worker]) | spammer[worker]
    said = np.where(wrong, random.choice(classes, len(truth), p=share / share.sum()), truth)
    table = np.array([names, *others, [f"{name[:-2]}{name[-1]}{name[-2]}" for name in names]])
    habit = random.integers(0, 3, workers)
    form = np.where(random.random(len(truth)) < 0.5, 0, 1 + habit[worker])
    form = np.where(random.random(len(truth)) < 0.03, 4, form)
    label = table[form, said]
    noisy = random.random(len(truth)) < 0.05
    label = np.where(noisy, random.choice(_NOISE, len(truth)), label)
    label = np.where(random.random(len(truth)) < 0.01, "umbrella", label)
    single = random.random(len(truth)) < 0.03
    label[single] = [f"{text} {place}" for place, text in enumerate(label[single])]
    url = np.repeat([f"https://pictures.example/{place}.jpg" for place in range(pictures)], _VOTES)
    annotations = pa.table(
        {"url": url, "worker_id": np.char.add("w", worker.astype(str)), "raw_label": pa.array(label.tolist(), pa.string())}
    )
    aliases = {name: [others[0][place]] for place, name in enumerate(names)}
    for place in range(0, classes - 1, 50):
        aliases[names[place]].append(others[1][place + 1])
    aliases[names[-1]].append("umbrella")
    extra = {others[2][place]: {} for place in range(3, classes, 100)}
    made = {name: {"aliases": {"any": texts}} for name, texts in aliases.items()}
    return annotations, ClassMap.from_toml(tomlkit.dumps({"classes": {**made, **extra}}))


def draw_words(random: np.random.Generator, count: int) -> list[str]:
    """Distinct words of four to six syllables."""
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(random.choice(_SYLLABLES, random.integers(4, 7)))] = None
    return list(words)


if __name__ == "__main__":
    main()
