"""What the crowd says against a class map: planted faults found, and false alarms on what is right.

Simulated crowds (``crowd_simulation``) answer about 60 classes; the map holds their English names and half of their other names as
aliases. Planted, a run: spellings declared for another class (wrong alias); a misspelling of one class that workers write for another,
and the matcher takes (false friend); a class of which one name is a class of its own (split); two classes under one (merged); a word
for everything as an alias (umbrella). Beside them, which must come to nothing: a spammer's pet word, two colluders' word for one class, a
picture shown twenty times. Found: share of the planted faults that are told with the right class. False alarms: share of the right
spellings in the map, of three pictures or more, that anything is said against; with the faults and, "clean", without.

    python benchmarks/crowd_contradictions.py [--seeds 3] [--first-seed 0] [--pictures 3000] [--votes 4]
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import tomlkit

from crowd_simulation import Crowd, Domain, load_languages, load_territories, simulate_crowd
from logoingest.labels import ClassMap
from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind, hear_crowd
from logoingest.labels.crowd.evidence import CrowdEvidence, Meaning, number_answers
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.text.fold import fold

PET, COLLUDED, COPIED = "wunderbarium", "blorptastic", "copycatville"
_EACH = {"alias": 4, "friend": 2, "split": 2, "merged": 2}


class Fault(NamedTuple):
    """A planted fault, and how it is told."""

    kind: str
    said: frozenset[ContradictionKind]
    about: str
    """A spelling of it."""
    classes: frozenset[str]
    """The classes it is about, as the map names them."""


class Planted(NamedTuple):
    """A map and a crowd with faults."""

    class_map: ClassMap
    rows: list[tuple[str, str, str]]
    faults: list[Fault]
    groups: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0, help="fresh ones, on which nothing was tuned")
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--votes", type=int, default=4)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong_aliases = 0
    for domain in (load_territories(), load_languages()):
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            spammers = (0.05, 0.15, 0.3)[seed % 3]
            crowd = simulate_crowd(domain, pictures=options.pictures, votes=options.votes, spammers=spammers, seed=seed)
            for name, count in (("clean", False), ("faults", True)):
                made = plant(crowd, seed, with_faults=count)
                started = time.perf_counter()
                told, evidence = ask(made)
                elapsed = time.perf_counter() - started
                hits = [fault for fault in made.faults if any(is_told(fault, one) for one in told)]
                false, judged = count_alarms(told, made, evidence, crowd)
                found.update(fault.kind for fault in hits)
                planted.update(fault.kind for fault in made.faults)
                alarms[name] += false
                right[name] += judged
                wrong_aliases += sum(is_named(evidence, word) for word in (PET, COLLUDED, COPIED))
                missed = [(fault.kind, fault.about) for fault in made.faults if fault not in hits]
                print(
                    f"{domain.name:12} seed {seed} spam {spammers:.2f} {name:7} found {len(hits)}/{len(made.faults)}"
                    f" false {false}/{judged} {elapsed:.1f} s missed {missed}"
                )
    print()
    for kind in planted:
        print(f"{kind:10} found {found[kind]}/{planted[kind]}")
    print(f"all        found {sum(found.values()) / sum(planted.values()):.3f}")
    for name in right:
        print(f"false alarms, {name}: {alarms[name]}/{right[name]} = {alarms[name] / right[name]:.4f}")
    print(f"pet, colluders' and copied words named: {wrong_aliases}")


def plant(crowd: Crowd, seed: int, *, with_faults: bool) -> Planted:
    """A map of names and aliases, and the crowd's answers, with faults in them or without."""
    rng = random.Random(f"faults {seed}")
    aliases = _choose_aliases(crowd.domain, rng)
    rows = [(answer.url, answer.worker, answer.raw) for answer in crowd.answers]
    counts = Counter(answer.raw for answer in crowd.answers)
    written: defaultdict[str, list[str]] = defaultdict(list)
    for raw, meant in crowd.meanings.items():
        if counts[raw] >= 8:
            written[meant].append(raw)
    often = Counter(crowd.truth.values())
    classes = [name for name, count in often.most_common() if count >= 25 and len(written[name]) >= 3]
    rng.shuffle(classes)
    hosts = [name for name in aliases if name not in classes]
    owners = Counter(
        text.casefold() for names in crowd.domain.spellings.values() for text in {t for ts in names.values() for t in ts}
    )
    faults: list[Fault] = []
    extra: dict[str, list[str]] = {}
    if with_faults:
        for _ in range(_EACH["alias"] if len(classes) > 12 else 2):
            name, other = classes.pop(), rng.choice(hosts)
            texts = [
                t
                for t in sorted(written[name])
                if t.casefold() != name.casefold() and owners[t.casefold()] == 1 and not t.isascii()
            ]
            if texts:
                aliases[name] = [t for t in aliases[name] if t.casefold() != texts[0].casefold()]
                aliases[other] = [*aliases[other], texts[0]]
                faults.append(
                    Fault("alias", frozenset({ContradictionKind.ALIAS, ContradictionKind.TWO}), texts[0], frozenset({name}))
                )
        for _ in range(_EACH["friend"]):
            name, other = classes.pop(), classes.pop()
            word = f"{other[:-1]}{other[-2]}{other[-1]}"
            foreign = {t for t in written[name] if not t.isascii()}
            made = decide_labels([word], ClassMap.from_toml(_write_map(aliases)))[0]
            if not foreign or made.class_id != other:
                continue  # the matcher does not take it
            aliases[name] = [t for t in aliases[name] if t not in foreign]
            rows = [(url, worker, word if raw in foreign else raw) for url, worker, raw in rows]
            faults.append(Fault("friend", frozenset({ContradictionKind.MATCH, ContradictionKind.TWO}), word, frozenset({name})))
        for _ in range(_EACH["split"]):
            name = classes.pop()
            texts = [
                t
                for t in sorted(written[name], key=lambda t: (-counts[t], t))
                if fold(t).ascii.replace(" ", "") != fold(name).ascii.replace(" ", "")
                and not t.isascii()
                and owners[t.casefold()] == 1
                and counts[t] >= 10
            ]
            if texts:
                aliases[name] = [t for t in aliases[name] if t.casefold() != texts[0].casefold()]
                extra[f"{texts[0]} II"] = [texts[0]]
                faults.append(
                    Fault(
                        "split",
                        frozenset({ContradictionKind.ONE, ContradictionKind.ALIAS}),
                        texts[0],
                        frozenset({name, f"{texts[0]} II"}),
                    )
                )
        for _ in range(_EACH["merged"]):
            name, other = classes.pop(), classes.pop()
            aliases[other] = [*aliases[other], name, *aliases.pop(name)]
            faults.append(Fault("merged", frozenset({ContradictionKind.TWO}), name, frozenset({other})))
        word = crowd.domain.umbrella[0]
        aliases[hosts[0]] = [*aliases[hosts[0]], word]
        rows = [(url, worker, word if rng.random() < 0.03 else raw) for url, worker, raw in rows]
        faults.append(Fault("umbrella", frozenset({ContradictionKind.UMBRELLA}), word, frozenset({hosts[0]})))
    groups = _plant_adversaries(rows, crowd, rng)
    return Planted(ClassMap.from_toml(_write_map({**aliases, **extra})), rows, faults, groups)


def _choose_aliases(domain: Domain, rng: random.Random) -> dict[str, list[str]]:
    """Class → half of its other names, those that are one class's alone."""
    texts = Counter(text.casefold() for names in domain.spellings.values() for text in {t for ts in names.values() for t in ts})
    aliases = {}
    for name, names in sorted(domain.spellings.items()):
        other = sorted({t for ts in names.values() for t in ts if texts[t.casefold()] == 1 and t.casefold() != name.casefold()})
        aliases[name] = list({t.casefold(): t for t in other if rng.random() < 0.5}.values())
    return aliases


def _plant_adversaries(rows: list[tuple[str, str, str]], crowd: Crowd, rng: random.Random) -> dict[str, str]:
    """A pet word on every seventh picture, two colluders' word for one class, a word of two on one picture shown twenty times."""
    urls = sorted(crowd.truth)
    rows += [(url, "pet", PET) for url in urls[::7]]
    target = Counter(crowd.truth.values()).most_common(1)[0][0]
    shown = [url for url in urls if crowd.truth[url] == target]
    rows += [(url, worker, COLLUDED) for url in rng.sample(shown, min(12, len(shown))) for worker in ("c1", "c2")]
    groups = {url: url for url in urls}
    for copy in range(20):
        url = f"https://pictures.example/copy/{copy}.jpg"
        groups[url] = "copies"
        rows += [(url, "w900", COPIED), (url, "w901", COPIED), (url, "w902", target), (url, "w903", target)]
    return groups


def _write_map(aliases: dict[str, list[str]]) -> str:
    return tomlkit.dumps({"classes": {name: {"aliases": {"any": texts}} for name, texts in aliases.items()}})


def ask(made: Planted) -> tuple[Sequence[Contradiction], CrowdEvidence]:
    """What the crowd says."""
    annotations = pa.table(dict(zip(("url", "worker_id", "raw_label"), map(list, zip(*made.rows, strict=True)), strict=True)))
    images = pa.table({"group_id": list(made.groups.values()), "urls": [[url] for url in made.groups]})
    reading = number_answers(annotations, made.class_map, images)
    found = hear_crowd(reading, made.class_map)
    return found.contradictions, found.evidence


def is_told(fault: Fault, one: Contradiction) -> bool:
    """A contradiction says what the fault is."""
    if one.kind not in fault.said:
        return False
    named = {one.declared, one.class_id}
    if fault.kind == "split":
        return fault.classes <= named or (fault.about in one.raw_labels and one.class_id in fault.classes)
    about = any(raw.casefold() == fault.about.casefold() for raw in one.raw_labels)
    if fault.kind == "alias":
        return about and (one.class_id in fault.classes or one.kind is ContradictionKind.TWO)
    if fault.kind == "friend":
        return about and (one.class_id in fault.classes or one.kind is ContradictionKind.TWO)
    return one.declared in fault.classes and (fault.kind == "merged" or about)


def count_alarms(told: Sequence[Contradiction], made: Planted, evidence: CrowdEvidence, crowd: Crowd) -> tuple[int, int]:
    """(right spellings that something is said against, right spellings of three pictures or more)."""
    known = {fault.about.casefold() for fault in made.faults}
    touched = {name for fault in made.faults if fault.kind in {"split", "merged"} for name in fault.classes}
    right = {
        spelling.key
        for spelling in evidence.spellings
        if spelling.declared is not None and spelling.pictures >= 3 and spelling.text.casefold() not in known
    }
    false = set()
    for one in told:
        if any(is_told(fault, one) for fault in made.faults) or {one.declared, one.class_id} & touched:
            continue
        if one.text.casefold() in known:
            continue
        if one.kind in {ContradictionKind.MATCH, ContradictionKind.ALIAS} and crowd.meanings.get(one.text) == one.class_id:
            continue  # the matcher took a misspelling for another class, and the crowd knows better
        false.add((one.kind, one.text, one.declared, one.class_id))
        print("   false:", one.kind, repr(one.text), one.declared, "→", one.class_id, one.rule, one.probability, one.words)
    return len(false), len(right)


def is_named(evidence: CrowdEvidence, word: str) -> bool:
    """The crowd gives the word a class, as sure as it accepts."""
    told = evidence.find(word)
    if told is None or told.meaning is not Meaning.NAMES or told.probability < 0.995 or told.workers < 3:
        return False
    print("   named:", told)
    return True


if __name__ == "__main__":
    main()
