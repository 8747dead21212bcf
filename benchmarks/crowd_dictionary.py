"""The crowd as dictionary: what answers about the same pictures teach, on maps of canonical names only, and what planted words do.

Three domains: logos (flickrlogos27's answers as they are), countries (workers' spellings from CLDR, by babel) and brands (spellings
from name-suggestion-index). The two latter crowds are simulated: workers of differing skill with a language each, 5 to 30 % spammers,
look-alikes, typos, noise words, classes of very different frequency, and a few classes that the map lacks. The engine's own
tables take no part in making them. Every spelling's right class is known, so every decision can be judged.

    python benchmarks/crowd_dictionary.py FLICKRLOGOS27 nsi_dev.csv [--seeds 5] [--first-seed 0] [--sets logos,countries] [--plans 3:.05,5:.3] [--quick]

FLICKRLOGOS27 is the folder with mturk_results.csv and gold.csv. A line a set: answers that a class could be given and the map alone leaves open;
the share of them that the crowd decides, and how many wrongly; the same for answers in other scripts on three pictures or more, and the share of those that two people or more wrote of the right pictures;
calibration error, over words in five bins of probability, weighted by answers; pictures released and how many of them right, by the map
alone and with the crowd. Then the planted: words that must not become an alias; classes that two names split, and two under one alias:
words decided wrongly beside them, how many are told as contradictions, and what is told without being so.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import tomlkit
from babel import Locale

from logoingest.config.sections import SamplesConfig
from logoingest.labels import ClassMap, NormalisedLabels, normalise_annotations
from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind, hear_crowd
from logoingest.labels.crowd.deciding import RULE, normalise_with_crowd
from logoingest.labels.crowd.evidence import NO_LABEL, CrowdEvidence, gather_evidence, number_answers
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.matching.spelling_index import index_of
from logoingest.samples import settle_samples

CONFIDENCE = 0.995
TODAY = dt.date(2026, 1, 1)
LANGUAGES = ("es", "ru", "ja", "zh", "ar", "ko", "el", "hi", "he", "th")
NOISE = ("good", "nice", "asdf", "ok", "pic", "very nice picture", "i like it", "xx", "image", "lol")
BINS = (0.02, 0.5, 0.9, 0.99, 0.999, 1.01)
NOTHING = ""
"""The right class of a word that names none."""


class Crowd(NamedTuple):
    """Answers, with everything that is right about them."""

    rows: list[tuple[str, str, str]]
    """(url, worker, answer)."""
    meanings: dict[str, str]
    """Answer → its class; ``NOTHING`` for a word that names none."""
    pictures: dict[str, str]
    """URL → its class."""
    names: dict[str, str]
    """Class → the name that the map knows."""


class Plan(NamedTuple):
    """How a crowd is drawn."""

    votes: int
    spammers: float
    pictures: int = 6000
    workers: int = 60
    foreign: float = 0.5
    """Workers who write another language than the map's …"""
    habit: float = 0.7
    """… and how often they do."""
    planted: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("flickrlogos27", type=Path)
    parser.add_argument("brands", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help="fresh ones, on which nothing was tuned")
    parser.add_argument("--sets", default="logos,countries,brands,planted", help="of these, those to run")
    parser.add_argument("--plans", default="3:.05,3:.3,5:.05,5:.3", help="votes:spammers, comma between")
    parser.add_argument("--quick", action="store_true", help="3 votes and 20 %% spammers only")
    options = parser.parse_args()
    domains: dict[str, Callable[[], dict[str, list[str]]]] = {
        "countries": list_countries,
        "brands": lambda: list_brands(options.brands),
    }
    wanted = set(options.sets.split(","))
    domains = {name: list_words for name, list_words in domains.items() if name in wanted or wanted == {"planted"}}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(HEADER)
    if "logos" in wanted:
        print_scores("logos", [score_crowd(load_logos(options.flickrlogos27))])
    pairs = "3:.2" if options.quick else options.plans
    plans = [(int(votes), float(share)) for votes, share in (pair.split(":") for pair in pairs.split(","))]
    for domain, list_words in domains.items():
        words = list_words()
        for votes, spammers in plans if domain in wanted else ():
            scores = [score_crowd(draw_crowd(words, Plan(votes, spammers), seed)) for seed in seeds]
            print_scores(f"{domain}, {votes} votes, {spammers:.0%} spam", scores)
    if "planted" in wanted:
        print_planted(domains, seeds)


# Words


def list_countries() -> dict[str, list[str]]:
    """English names of CLDR's territories → their names in other languages."""
    english = Locale("en").territories
    codes = sorted(
        code for code in english if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}
    )
    others = [Locale(language).territories for language in LANGUAGES]
    return {english[code]: [names.get(code, "") for names in others] for code in codes}


def list_brands(path: Path) -> dict[str, list[str]]:
    """Latin brands of name-suggestion-index with at least one name in another script → such names, by script."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in csv.DictReader(path.open(encoding="utf-8")):
        if row["ambiguous"] == "0" and find_script(row["canonical"]) == "LATIN" and len(row["canonical"]) > 2:
            found[row["canonical"]].setdefault(find_script(row["raw"]), row["raw"])
    scripts = sorted({script for names in found.values() for script in names} - {"LATIN"})
    kept = {name: [names.get(script, "") for script in scripts] for name, names in sorted(found.items()) if len(names) > 1}
    owners = Counter(text for names in kept.values() for text in names if text)
    return {name: [text if owners[text] == 1 else "" for text in names] for name, names in kept.items()}


def find_script(text: str) -> str:
    """The script of the first letter that is not Latin, in Unicode's word for it."""
    for char in text:
        if char.isalpha() and not (name := unicodedata.name(char, "")).startswith(("LATIN", "FEMININE", "MASCULINE", "MODIFIER")):
            return name.split()[0].replace("KATAKANA-HIRAGANA", "KATAKANA").replace("HIRAGANA", "KATAKANA").replace("CJK", "HAN")
    return "LATIN"


# Crowds


def draw_crowd(words: dict[str, list[str]], plan: Plan, seed: int) -> Crowd:
    random = np.random.default_rng(seed)
    names = sorted(words)
    chosen = [names[place] for place in sorted(random.choice(len(names), min(len(names), 66), replace=False).tolist())]
    kinds = [f"c{place:02d}" for place in range(len(chosen))]
    mapped = len(kinds) - 6  # the map lacks the last ones
    frequency = random.permutation(1 / np.arange(3, len(kinds) + 3) ** 0.7)
    alike = random.integers(0, len(kinds), (len(kinds), 2))
    crowd = Crowd([], {}, {}, dict(zip(kinds[:mapped], chosen[:mapped], strict=True)))
    people = list(draw_people(plan, len(next(iter(words.values()))), random))
    for picture, kind in enumerate(random.choice(len(kinds), plan.pictures, p=frequency / frequency.sum()).tolist()):
        url = f"https://pictures.test/{picture:05d}.jpg"
        crowd.pictures[url] = kinds[kind] if kind < mapped else NOTHING
        for person in random.choice(len(people), plan.votes, replace=False).tolist():
            skill, language, is_spammer = people[person]
            said = kind
            if random.random() > skill:
                said = int(random.choice(alike[kind]) if random.random() < 0.5 and not is_spammer else random.integers(len(kinds)))
            if (is_spammer and random.random() < 0.6) or random.random() < 0.01:
                text, meaning = NOISE[int(len(NOISE) * random.random() ** 2)], NOTHING
            else:
                foreign = words[chosen[said]][language] if language >= 0 and random.random() < plan.habit else ""
                text, meaning = foreign or chosen[said], kinds[said] if said < mapped else NOTHING
                if len(text) > 4 and random.random() < 0.03:
                    place = 1 + int(random.integers(len(text) - 2))
                    text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            crowd.rows.append((url, f"w{person:03d}", text))
            crowd.meanings.setdefault(text, meaning)
    return plant_words(crowd, random) if plan.planted else crowd


def draw_people(plan: Plan, languages: int, random: np.random.Generator) -> Iterator[tuple[float, int, bool]]:
    """Yields (skill, language or -1, whether a spammer) of each worker."""
    for person in range(plan.workers):
        is_spammer = person < plan.spammers * plan.workers
        skill = random.uniform(0.0, 0.2) if is_spammer else np.clip(random.normal(0.9, 0.06), 0.6, 0.99)
        yield float(skill), int(random.integers(languages)) if random.random() < plan.foreign else -1, is_spammer


def plant_words(crowd: Crowd, random: np.random.Generator) -> Crowd:
    """Words that must never become an alias, written beside the crowd's."""
    urls = list(crowd.pictures)
    kinds = Counter(crowd.pictures.values())
    common = [kind for kind, _ in kinds.most_common() if kind != NOTHING][:3]
    of_kind = {kind: [url for url in urls if crowd.pictures[url] == kind] for kind in common}
    add = crowd.rows.append
    for url in random.choice(urls, 120, replace=False).tolist():
        add((url, "spammer", "pet word of a spammer"))
        add((url, "one", "blorp"))
        add((url, "two", "blorp"))
    for url in of_kind[common[0]][:40]:
        add((url, "one", "zworg"))
        add((url, "two", "zworg"))
        add((url, "spammer", "snib"))
    for place, url in enumerate(random.choice(urls, 200, replace=False).tolist()):
        add((url, f"w{place % 40:03d}", "thingy"))
    for copy in range(20):
        for person in range(3):
            add((of_kind[common[1]][0], f"w{person + 3 * copy % 30:03d}", "the one with the tree"))
    for place, url in enumerate([*of_kind[common[1]][:30], *of_kind[common[2]][:30]]):
        add((url, f"w{place % 30:03d}", "flim"))
    words = ("pet word of a spammer", "blorp", "zworg", "snib", "thingy", "the one with the tree", "flim")
    crowd.meanings.update(dict.fromkeys(words, NOTHING))
    return crowd


def load_logos(folder: Path) -> Crowd:
    """flickrlogos27's answers; a word's class is the one most of its answers' pictures have, where it is half of them and more."""
    gold = {row["file"]: row["label"] for row in csv.DictReader((folder / "gold.csv").open(encoding="utf-8"))}
    rows = [
        (row["Input.image_url"], row["WorkerId"], row["Answer.brand"])
        for row in csv.DictReader((folder / "mturk_results.csv").open(encoding="utf-8"))
    ]
    names = {label.lower(): label for label in sorted(set(gold.values())) if label.lower() not in {"none", ""}}
    pictures = {url: gold.get(url.rpartition("/")[2], "").lower() for url, _, _ in rows}
    pictures = {url: kind if kind in names else NOTHING for url, kind in pictures.items()}
    index = index_of(ClassMap.from_toml("[classes.x]"))
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for url, _, text in rows:
        if url.rpartition("/")[2] in gold:
            seen[make_key(text, index)][pictures[url]] += 1
    meanings = {}
    for text in {text for _, _, text in rows}:
        found = seen[make_key(text, index)]
        (kind, count), *_ = found.most_common(1) or [(NOTHING, 0)]
        meanings[text] = kind if count > 0.5 * found.total() else NOTHING
    return Crowd(rows, meanings, pictures, names)


# Scores


class Score(NamedTuple):
    nameable: int
    decided: int
    wrong: int
    other_script: int
    other_script_decided: int
    reachable: int
    """Answers in other scripts that two people or more who look at the pictures wrote, of three pictures or more."""
    calibration: float
    released: tuple[int, int]
    """By the map alone, with the crowd."""
    right: tuple[int, int]
    seconds: float


HEADER = f"{'':34} {'open':>7} {'decided':>8} {'wrong':>6} {'precision':>9} {'scripts':>8} {'reachable':>9} {'calibr.':>8} {'released':>15} {'right':>15} {'s':>5}"


def make_map(crowd: Crowd) -> ClassMap:
    document = {"classes": {kind: {"name": name} for kind, name in crowd.names.items()}}
    return ClassMap.from_toml(tomlkit.dumps(document))


def make_annotations(crowd: Crowd) -> pa.Table:
    count = len(crowd.rows)
    url, worker, label = (pa.array(list(column), pa.string()) for column in zip(*crowd.rows, strict=True))
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "annotation_id": pa.array([f"a{place:07d}" for place in range(count)]),
            "source_id": nothing,
            "url": url,
            "raw_label": label,
            "worker_id": worker,
            "work_time_s": pa.nulls(count, pa.float64()),
            "submitted_at": pa.nulls(count, pa.timestamp("us", "UTC")),
            "bbox": pa.nulls(count, pa.list_(pa.float64())),
            "attributes": nothing,
            "source_file": pa.array(["crowd.csv"] * count),
            "source_row": pa.array(range(count), pa.int64()),
        }
    )


def score_crowd(crowd: Crowd) -> Score:
    class_map, annotations = make_map(crowd), make_annotations(crowd)
    alone = normalise_annotations(annotations, class_map)
    started = time.process_time()
    made = normalise_with_crowd(annotations, class_map, (), CONFIDENCE, TODAY)
    seconds = time.process_time() - started
    times = Counter(text for _, _, text in crowd.rows)
    by_map = {row["raw_label"]: row["decision"] for row in alone.labels.to_pylist()}
    nameable = {text for text in times if by_map[text] in {"review", "unknown"} and crowd.meanings[text] != NOTHING}
    taught = {row["raw_label"]: row["class_id"] for row in made.normalised.labels.to_pylist() if row["rule"] == RULE}
    evidence = gather_evidence(annotations, class_map)
    foreign = {
        text
        for text in nameable
        if find_script(text) != "LATIN" and (found := evidence.find(text)) is not None and found.pictures >= 3
    }
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for url, worker, text in crowd.rows:
        if text in foreign and crowd.pictures[url] == crowd.meanings[text]:
            writers[text].add(worker)
    before, after = (settle(crowd, annotations, each) for each in (alone, made.normalised))
    return Score(
        nameable=sum(times[text] for text in nameable),
        decided=sum(times[text] for text in taught),
        wrong=sum(times[text] for text, kind in taught.items() if crowd.meanings[text] != kind),
        other_script=sum(times[text] for text in foreign),
        other_script_decided=sum(times[text] for text in foreign if text in taught),
        reachable=sum(times[text] for text in foreign if len(writers[text]) >= 2),
        calibration=measure_calibration(crowd, evidence),
        released=(before[0], after[0]),
        right=(before[1], after[1]),
        seconds=seconds,
    )


def settle(crowd: Crowd, annotations: pa.Table, normalised: NormalisedLabels) -> tuple[int, int]:
    """(pictures released, right ones among them)."""
    urls = sorted(crowd.pictures)
    ids = [f"{place:064x}" for place in range(len(urls))]
    side = pa.array([500] * len(urls), pa.int32())
    images = pa.table(
        {
            "image_id": ids,
            "group_id": ids,
            "urls": [[url] for url in urls],
            "width": side,
            "height": side,
            "shard": ids,
            "shard_row": side,
        }
    )
    samples = settle_samples(annotations, normalised.decisions, images, SamplesConfig()).samples
    right = [
        crowd.pictures[urls[int(row["image_id"], 16)]] == row["class_id"]
        for row in samples.select(["image_id", "class_id"]).to_pylist()
    ]
    return len(right), sum(right)


def measure_calibration(crowd: Crowd, evidence: CrowdEvidence) -> float:
    """Mean distance between what is said and what is so, over words that people wrote often enough to be judged."""
    told = [
        (spelling.probability, crowd.meanings[spelling.text] == spelling.class_id, spelling.answers)
        for spelling in evidence.spellings
        if spelling.is_open
        and spelling.class_id != NO_LABEL
        and spelling.workers >= 2
        and spelling.pictures >= 2
        and spelling.probability >= BINS[0]
    ]
    probability, right, weight = (np.array(column, np.float64) for column in zip(*told, strict=True))
    place = np.digitize(probability, BINS)
    gaps = [abs(float(((probability - right) * weight)[place == bin_].sum())) for bin_ in range(1, len(BINS))]
    return sum(gaps) / float(weight.sum())


def print_scores(title: str, scores: Sequence[Score]) -> None:
    total = Score(*(np.sum([score[place] for score in scores], axis=0) for place in range(len(Score._fields))))
    shares = [f"{right / released:.4f}" for right, released in zip(total.right, total.released, strict=True)]
    print(
        f"{title:34} {total.nameable:>7} {total.decided / max(total.nameable, 1):>8.3f} {total.wrong:>6} "
        f"{1 - total.wrong / max(total.decided, 1):>9.4f} {total.other_script_decided / max(total.other_script, 1):>8.3f} "
        f"{total.reachable / max(total.other_script, 1):>9.3f} "
        f"{total.calibration / len(scores):>8.4f} {' > '.join(map(str, total.released)):>15} {' > '.join(shares):>15} {total.seconds / len(scores):>5.1f}",
        flush=True,
    )


class Faults(NamedTuple):
    """Planted in a map of canonical names: classes that two names split, and classes that one hides."""

    names: dict[str, list[str]]
    """Class → its name and aliases, as the map has them."""
    split: list[frozenset[str]]
    """Two classes of the map that are one."""
    merged: list[str]
    """A class of the map whose alias is another class."""
    comes_out: dict[str, frozenset[str]]
    """Right class → what may come out of the map for it."""


def plant_faults(crowd: Crowd, seed: int) -> Faults:
    """Two classes each of either kind, none of those that planted words are about."""
    random = np.random.default_rng(seed)
    times, kinds = Counter(text for _, _, text in crowd.rows), Counter(crowd.pictures.values())
    about = {kind for kind, _ in kinds.most_common(5)}
    free = [kind for kind in crowd.names if kind not in about and kinds[kind] >= 40]
    random.shuffle(free)
    names = {kind: [name] for kind, name in crowd.names.items()}
    comes_out = {kind: frozenset({kind}) for kind in crowd.names}
    split, merged = [], []
    for kind in list(free):
        others = [text for text, kinds_ in crowd.meanings.items() if kinds_ == kind and find_script(text) != "LATIN"]
        best = max(others, key=lambda text: (times[text], text), default="")
        if len(split) < 2 and times[best] >= 10:
            names[f"{kind}x"], comes_out[kind] = [best], frozenset({kind, f"{kind}x"})
            split.append(comes_out[kind])
            free.remove(kind)
    for kind, hidden in zip(free[:2], free[2:4], strict=True):
        names[kind] += names.pop(hidden)
        comes_out[hidden] = frozenset({kind})
        merged.append(kind)
    return Faults(names, split, merged, comes_out)


def print_planted(domains: dict[str, Callable[[], dict[str, list[str]]]], seeds: range) -> None:
    words = ("pet word of a spammer", "blorp", "zworg", "snib", "thingy", "the one with the tree", "flim")
    wrong, told, false = Counter[str](), Counter[str](), Counter[str]()
    for list_words in domains.values():
        known = list_words()
        for seed in seeds:
            crowd = draw_crowd(known, Plan(3, 0.2, planted=True), seed)
            faults, annotations = plant_faults(crowd, seed), make_annotations(crowd)
            document = {"classes": {kind: {"name": texts[0], "aliases": texts[1:]} for kind, texts in faults.names.items()}}
            for name, class_map in (("clean", make_map(crowd)), ("faults", ClassMap.from_toml(tomlkit.dumps(document)))):
                rows = normalise_with_crowd(annotations, class_map, (), CONFIDENCE, TODAY).normalised.labels.to_pylist()
                taught = {row["raw_label"]: row["class_id"] for row in rows if row["rule"] == RULE}
                wrong.update(word for word in words if word in taught)
                right = {text: faults.comes_out.get(crowd.meanings[text], frozenset()) for text in taught}
                wrong["wrong words"] += sum(
                    crowd.meanings[t] != k if name == "clean" else k not in right[t] for t, k in taught.items()
                )
                wrong["words"] += len(taught)
                count_told(hear_crowd(number_answers(annotations, class_map), class_map).contradictions, faults, name, told, false)
                false[f"of {name}"] += len(faults.names if name == "faults" else crowd.names)
            told["of split"] += len(faults.split)
            told["of merged"] += len(faults.merged)
    print(
        f"\nplanted words that became an alias, of {2 * len(domains) * len(seeds)} crowds:",
        ", ".join(f"{word} {wrong[word]}" for word in words),
    )
    print(f"words decided wrongly: {wrong['wrong words']} of {wrong['words']}")
    for kind in ("split", "merged"):
        print(f"contradictions, {kind} classes: found {told[kind]} of {told[f'of {kind}']}")
    for name in ("clean", "faults"):
        print(f"false alarms, {name}: {false[name]} of {false[f'of {name}']} names")


def count_told(contradictions: Sequence[Contradiction], faults: Faults, name: str, told: Counter[str], false: Counter[str]) -> None:
    """Faults that are told, and what else is told of the map's names."""
    found: set[object] = set()
    for one in contradictions:
        pair = frozenset({one.declared, one.class_id or ""})
        is_split = name == "faults" and pair in faults.split
        is_merged = name == "faults" and one.declared in faults.merged and one.kind is ContradictionKind.TWO
        if is_split or is_merged:
            found.add(pair if is_split else one.declared)
        elif one.rule in {"name", "alias", ""}:
            false[name] += 1
            print("   false:", one.kind, one.text, one.declared, one.class_id, one.words)
    told["split"] += sum(pair in found for pair in faults.split)
    told["merged"] += sum(kind in found for kind in faults.merged)


if __name__ == "__main__":
    main()
