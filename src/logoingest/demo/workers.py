"""The crowd of the demo: workers of differing skill and language, a few spammers, and the batch file they fill.

The file is what MTurk's requester site lets one download as "batch results": 27 fixed columns, ``Input.*``, ``Answer.*``,
Approve and Reject, everything quoted, CRLF. The last two are for the requester to fill in: the header names them, rows end before.
"""

from __future__ import annotations

import csv
import hashlib
import random
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO

from logoingest.demo.brands import BRAND_BY_ID, BRANDS, NO_LABEL, NOISE_WORDS, Brand

FIXED_COLUMNS: Sequence[str] = (
    "HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime", "MaxAssignments", "RequesterAnnotation",
    "AssignmentDurationInSeconds", "AutoApprovalDelayInSeconds", "Expiration", "NumberOfSimilarHITs", "LifetimeInSeconds",
    "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime", "SubmitTime", "AutoApprovalTime", "ApprovalTime",
    "RejectionTime", "RequesterFeedback", "WorkTimeInSeconds", "LifetimeApprovalRate", "Last30DaysApprovalRate",
    "Last7DaysApprovalRate",
)  # fmt: skip
_WRITTEN_COLUMNS: Sequence[str] = (*FIXED_COLUMNS, "Input.image_url", "Answer.brand")
COLUMNS: Sequence[str] = (*_WRITTEN_COLUMNS, "Approve", "Reject")

VOTES_PER_URL = 5
_START = datetime(2025, 10, 6, 7, 0, tzinfo=UTC)
_LANGUAGES = ("en",) * 12 + ("es",) * 5 + ("de",) * 4 + ("fr",) * 3 + ("pt",) * 3 + ("ru",) * 4 + ("ja",) * 3 + ("it", "zh")
_SPAM = ("good", "yes", "nice logo", "asdf", "ok")
#: Brands that are on nobody's list: what a worker says who mistakes the mark for something of their own street.
_STRANGERS = ("Zorbix", "Café Plumeau", "Tandrefors", "Mirkwell & Sons", "クロツバキ堂", "Пельмаркет", "Hotel Arvenne")


@dataclass(frozen=True)
class Task:
    """One URL as the workers see it: the brands in the picture (none: clutter or a dead link), and how hard they are to see."""

    url: str
    brands: tuple[str, ...]
    hard: bool = False
    dead: bool = False
    """The picture did not load any more."""


@dataclass(frozen=True)
class Worker:
    """Who answers: ``skill`` is the probability of a right answer; ``habit`` is honest, lazy, or a way to spam."""

    worker_id: str
    language: str
    skill: float
    habit: str
    diligence: float


def _make_id(*parts: object, length: int = 30) -> str:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    number, text = int.from_bytes(digest), ""
    while len(text) < length:
        number, rest = divmod(number, 36)
        text += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest]
    return text


def hire_workers(seed: int) -> tuple[Worker, ...]:
    """Forty workers: 34 honest, two lazy, four spammers."""
    rng = random.Random(f"{seed}/workers")
    habits = ["honest"] * 34 + ["lazy"] * 2 + ["spam_word", "spam_random", "spam_same", "spam_random"]
    languages = [*_LANGUAGES, "en", "en", "en", "en"]
    return tuple(
        Worker(
            worker_id="A" + _make_id(seed, "worker", index, length=13),
            language=language,
            skill=rng.triangular(0.72, 0.99, 0.94),
            habit=habit,
            diligence=rng.uniform(0.4, 2.0),
        )
        for index, (habit, language) in enumerate(zip(habits, languages, strict=True))
    )


# ---- what they type --------------------------------------------------------------------------------------------------------


def _strip_accents(text: str) -> str:
    """Latin letters without their marks; other scripts' marks are no ornament (プ is not フ)."""
    if any(letter.isalpha() and letter > "\N{LATIN SMALL LETTER EZH WITH CARON}" for letter in text):
        return text
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return plain.replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L").replace("ı", "i")


def _make_typo(rng: random.Random, text: str) -> str:
    """One slip of the fingers, never in the first letter: doubled, dropped, swapped or a neighbour's."""
    if len(text) < 6:
        return text
    place = rng.randrange(1, len(text) - 1)
    return rng.choice((
        text[:place] + text[place] + text[place:],
        text[:place] + text[place + 1 :],
        text[:place] + text[place + 1] + text[place] + text[place + 2 :],
        text[:place] + rng.choice("aeinrst") + text[place + 1 :],
    ))  # fmt: skip


def _add_noise_word(rng: random.Random, text: str, language: str) -> str:
    word = rng.choice(NOISE_WORDS.get(language, NOISE_WORDS["en"]))
    if language == "en" and rng.random() < 0.3:
        return f"the {text} logo"
    return f"{word} {text}" if rng.random() < 0.35 else f"{text} {word}"


_MESS: Sequence[tuple[float, Callable[[random.Random, str, str], str]]] = (
    (0.16, lambda _, text, __: text.lower()),
    (0.05, lambda _, text, __: text.upper()),
    (0.14, lambda _, text, __: _strip_accents(text)),
    (0.06, lambda rng, text, _: _make_typo(rng, text)),
    (0.008, lambda rng, text, _: _make_typo(rng, _make_typo(rng, text))),
    (0.09, _add_noise_word),
    (0.03, lambda rng, text, _: rng.choice((f" {text}", f"{text} ", f"{text}.", f'"{text}"', f"{text}™", text.replace(" ", "  ")))),
    (0.008, lambda _, text, __: text.encode().decode("cp1252", errors="replace") if text.isascii() is False else text),
    (0.006, lambda _, text, __: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)),
)


def spell_brand(rng: random.Random, brand: Brand, language: str) -> str:
    """A brand as somebody types it."""
    known = language in brand.aliases and rng.random() < 0.7
    text = rng.choice(brand.spellings(language)) if known else brand.name
    for share, mess in _MESS:
        if rng.random() < share:
            text = mess(rng, text, language)
    return text


def _say_nothing(rng: random.Random, language: str) -> str:
    return rng.choice((*NO_LABEL.get(language, NO_LABEL["en"]), *NO_LABEL["en"][:2], *NO_LABEL["any"]))


def _spam(rng: random.Random, habit: str) -> str:
    if habit == "spam_word":
        return rng.choice(_SPAM)
    return BRANDS[3].name if habit == "spam_same" else rng.choice(BRANDS).name


def _mistake(rng: random.Random, brands: tuple[str, ...], language: str) -> str:
    """A wrong answer: nothing, a look-alike (two brands further on in the list), a stranger, or two brands at once."""
    draw = rng.random()
    if draw < 0.45 or not brands:
        return _say_nothing(rng, language)
    right = BRAND_BY_ID[brands[0]]
    wrong = BRANDS[(BRANDS.index(right) + rng.choice((2, 5))) % len(BRANDS)]
    if draw < 0.8:
        return spell_brand(rng, wrong, language)
    if draw < 0.9:
        return rng.choice(_STRANGERS)
    return f"{right.name}{rng.choice((' / ', ', ', '/'))}{wrong.name}"


def answer_task(rng: random.Random, worker: Worker, task: Task) -> str:
    """What a worker types into the field."""
    if worker.habit.startswith("spam"):
        return _spam(rng, worker.habit)
    if task.dead or (worker.habit == "lazy" and rng.random() < 0.5):
        return _say_nothing(rng, worker.language)
    if rng.random() > worker.skill * (0.72 if task.hard else 1.0):
        return _mistake(rng, task.brands, worker.language)
    if not task.brands:
        return _say_nothing(rng, worker.language)
    names = [spell_brand(rng, BRAND_BY_ID[brand], worker.language) for brand in task.brands]
    return rng.choice((" / ", ", ", " + ", "/")).join(names)


# ---- the batch file --------------------------------------------------------------------------------------------------------


def _format_time(moment: datetime) -> str:
    return moment.strftime("%a %b %d %H:%M:%S UTC %Y")


def _fill_row(rng: random.Random, worker: Worker, task: Task, hit: Mapping[str, str], seed: int) -> dict[str, str]:
    accepted = _START + timedelta(seconds=rng.randrange(40_000))
    seconds = rng.randint(2, 5) if worker.habit.startswith("spam") else int(rng.triangular(6, 90, 18))
    submitted = accepted + timedelta(seconds=seconds)
    verdict = accepted + timedelta(days=1, seconds=rng.randrange(3600))
    refused = rng.random() < (0.4 if worker.habit.startswith("spam") else 0.008)
    return {
        **hit,
        "AssignmentId": "3" + _make_id(seed, hit["HITId"], worker.worker_id, length=29),
        "WorkerId": worker.worker_id,
        "AssignmentStatus": "Rejected" if refused else "Approved",
        "AcceptTime": _format_time(accepted),
        "SubmitTime": _format_time(submitted),
        "AutoApprovalTime": _format_time(submitted + timedelta(days=3)),
        "ApprovalTime": "" if refused else _format_time(verdict),
        "RejectionTime": _format_time(verdict) if refused else "",
        "RequesterFeedback": "Please look at the picture." if refused else "",
        "WorkTimeInSeconds": str(seconds),
        "LifetimeApprovalRate": "97% (235/242)",
        "Last30DaysApprovalRate": "97% (235/242)",
        "Last7DaysApprovalRate": "0% (0/0)",
        "Input.image_url": task.url,
        "Answer.brand": answer_task(rng, worker, task),
    }


def _open_hit(index: int, seed: int) -> dict[str, str]:
    return {
        "HITId": "3" + _make_id(seed, "hit", index, length=29),
        "HITTypeId": "3" + _make_id(seed, "type", length=29),
        "Title": "Name the brand whose logo you see",
        "Description": "Type the name of the brand, as you would write it",
        "Keywords": "image, logo, brand",
        "Reward": "$0.03",
        "CreationTime": _format_time(_START),
        "MaxAssignments": str(VOTES_PER_URL),
        "RequesterAnnotation": f"BatchId:{4_100_000 + seed};",
        "AssignmentDurationInSeconds": "600",
        "AutoApprovalDelayInSeconds": "259200",
        "Expiration": _format_time(_START + timedelta(days=7)),
    }


def _pick_workers(rng: random.Random, workers: Sequence[Worker]) -> list[Worker]:
    """Different workers for one HIT; the diligent come more often (Efraimidis and Spirakis, 2006)."""
    keys = [(rng.random() ** (1 / worker.diligence), index) for index, worker in enumerate(workers)]
    return [workers[index] for _, index in sorted(keys, reverse=True)[:VOTES_PER_URL]]


def iterate_assignments(tasks: Iterable[Task], seed: int) -> Iterator[dict[str, str]]:
    """Every assignment as a row of the batch file (missing columns are empty), HIT by HIT in the order of tasks."""
    workers = hire_workers(seed)
    for index, task in enumerate(tasks):
        rng = random.Random(f"{seed}/answers/{task.url}")
        hit = _open_hit(index, seed)
        for worker in _pick_workers(rng, workers):
            yield _fill_row(rng, worker, task, hit, seed)


def format_batch(tasks: Iterable[Task], seed: int) -> bytes:
    """The whole batch file, UTF-8."""
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([row.get(name, "") for name in _WRITTEN_COLUMNS] for row in iterate_assignments(tasks, seed))
    return text.getvalue().encode()
