"""Simulated crowds for the benchmarks of class maps: workers of many languages and of differing skill write what they see.

Domains are lists of classes with their spellings per language: territories, languages (CLDR through babel, a dependency of the
benchmarks alone) and brands (name-suggestion-index, a CSV file named on the command line); never a list of the engine's own.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LANGUAGES = ("en", "de", "es", "pl", "ru", "uk", "el", "ja", "zh", "ko", "ar", "he", "hi", "th", "ka")
_TALK = ("good", "nice", "asdf", "ok", "nike", "very good", "yes")
_CANNOT_TELL = {"en": "I don't know", "de": "weiß nicht", "es": "no sé", "ru": "не знаю", "ja": "わからない", "zh": "不知道"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Domain(NamedTuple):
    """Classes and how they are written."""

    name: str
    spellings: Mapping[str, Mapping[str, Sequence[str]]]
    """Class → language → spellings, the usual one first."""
    umbrella: Sequence[str]
    """Words that are said of any class."""
    noise: Sequence[str]
    """What is written beside a name; {} is the name."""


class Answer(NamedTuple):
    """One worker's answer about one picture."""

    url: str
    worker: str
    raw: str
    meant: str | None
    """The class that the worker wrote down; None where they named none."""


class Crowd(NamedTuple):
    """A simulated batch."""

    domain: Domain
    answers: Sequence[Answer]
    truth: Mapping[str, str]
    """URL → class."""

    @property
    def meanings(self) -> dict[str, str]:
        """Answer → the one class that those who gave it meant, where it was one."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for answer in self.answers:
            if answer.meant is not None:
                found[answer.raw].add(answer.meant)
        return {raw: next(iter(meant)) for raw, meant in found.items() if len(meant) == 1}


def load_territories(most: int = 60) -> Domain:
    """The territories of CLDR with the longest lists of differing names, countries alone."""
    names = _read_cldr("territories")
    kept = [
        code
        for code in sorted(names)
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
    ]
    chosen = random.Random(11).sample(kept, most)
    return Domain(
        "territories",
        _by_english_name(names, chosen),
        ("country", "flag", "country name"),
        ("flag of {}", "{} flag", "the flag of {}"),
    )


def load_languages(most: int = 60) -> Domain:
    """Languages of CLDR, of those that every one of ``LANGUAGES`` has a name for."""
    names = _read_cldr("languages")
    kept = [code for code in sorted(names) if len(code) <= 3 and len(names[code]) == len(LANGUAGES)]
    chosen = random.Random(12).sample(kept, most)
    return Domain(
        "languages", _by_english_name(names, chosen), ("language", "text", "writing"), ("{} language", "the {} language", "{} text")
    )


def load_brands(path: Path, most: int = 60) -> Domain:
    """Brands of name-suggestion-index that are written in at least three scripts, or in as many ways."""
    spellings: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    scripts: defaultdict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["ambiguous"] == "0" and row["raw"] and "category" in row:
                language = row["lang"] or ("en" if row["script"] == "Latin" else row["script"].lower())
                spellings[row["canonical"]][language].append(row["raw"])
                scripts[row["canonical"]].add(row["script"])
    rich = sorted(name for name in spellings if len(scripts[name]) > 1 and sum(map(len, spellings[name].values())) > 2)
    chosen = random.Random(13).sample(rich, most)
    own = {name: {"en": [name], **{code: list(dict.fromkeys(texts)) for code, texts in spellings[name].items()}} for name in chosen}
    return Domain("brands", own, ("shop", "store", "brand"), ("{} logo", "logo {}", "{} shop"))


def _read_cldr(kind: str) -> dict[str, dict[str, str]]:
    """Code → language → name."""
    from babel import Locale

    names: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for language in LANGUAGES:
        for code, name in getattr(Locale(language), kind).items():
            names[code][language] = name
    return names


def _by_english_name(names: Mapping[str, Mapping[str, str]], codes: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    return {names[code]["en"]: {language: [name] for language, name in names[code].items()} for code in codes}


def simulate_crowd(
    domain: Domain,
    *,
    pictures: int = 2000,
    votes: int = 3,
    workers: int = 80,
    spammers: float = 0.15,
    seed: int = 0,
    foreign: float = 0.5,
) -> Crowd:
    """Workers answer about pictures; classes are Zipf distributed, each has one that it is mistaken for.

    Args:
        domain: what can be seen.
        pictures: how many.
        votes: answers to each.
        workers: how many.
        spammers: share of the workers that look at nothing: half of them have a pet word, the others write any name or talk.
        seed: of everything.
        foreign: share of the workers that write in another language than English.
    """
    rng = random.Random(f"{domain.name} {seed}")
    classes = rng.sample(sorted(domain.spellings), len(domain.spellings))
    weights = [1 / (place + 3) ** 0.8 for place in range(len(classes))]
    mistaken = {one: rng.choice([other for other in classes if other != one]) for one in classes}
    languages = sorted({language for names in domain.spellings.values() for language in names} - {"en"})
    people = [
        (f"w{number:03}", rng.choice(languages) if rng.random() < foreign else "en", rng.betavariate(18, 2))
        for number in range(workers)
    ]
    spam = {
        name: rng.choice([*_TALK, *domain.umbrella]) if rng.random() < 0.5 else ""
        for name, _, _ in people[: round(spammers * workers)]
    }
    answers, truth = [], {}
    for number in range(pictures):
        url = f"https://pictures.example/{domain.name}/{number}.jpg"
        truth[url] = rng.choices(classes, weights)[0]
        for name, language, skill in rng.sample(people, votes):
            if name in spam:
                raw, meant = spam[name] or rng.choice([*_TALK, *domain.umbrella, "any name"]), None
                if raw == "any name":
                    meant = rng.choice(classes)
                    raw = meant
            else:
                shown = truth[url]
                if rng.random() > skill:
                    shown = "" if rng.random() < 0.3 else mistaken[shown] if rng.random() < 0.6 else rng.choice(classes)
                raw, meant = _write(rng, domain, shown, language) if shown else (_CANNOT_TELL.get(language, "I don't know"), None)
            answers.append(Answer(url, name, raw, meant))
    return Crowd(domain, rng.sample(answers, len(answers)), truth)


def _write(rng: random.Random, domain: Domain, seen: str, language: str) -> tuple[str, str | None]:
    """How somebody writes a class, and the class; now and then a word for all of them."""
    if rng.random() < 0.01:
        return rng.choice(domain.umbrella), None
    names = domain.spellings[seen]
    texts = names.get(language if rng.random() < 0.85 else "en") or names["en"]
    text = texts[0] if rng.random() < 0.7 else rng.choice(texts)
    if rng.random() < 0.5:
        text = text.lower()
    if rng.random() < 0.06:
        text = _misspell(rng, text)
    return (rng.choice(domain.noise).format(text) if rng.random() < 0.05 else text), seen


def _misspell(rng: random.Random, text: str) -> str:
    """A letter swapped with its neighbour, left out, doubled or replaced."""
    if len(text) < 4:
        return text
    place = rng.randrange(1, len(text) - 1)
    made = (
        text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :],
        text[:place] + text[place + 1 :],
        text[:place] + text[place] + text[place:],
        text[:place] + rng.choice(_LETTERS) + text[place + 1 :],
    )
    return rng.choice(made)
