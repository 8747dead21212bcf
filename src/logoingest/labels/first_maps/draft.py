"""A first class map from the answers themselves, for a person to go over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow as pa
import tomlkit

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.first_maps.closed_sets import is_closed_set
from logoingest.labels.first_maps.crowd_words import CrowdProposal, join_by_crowd, propose_by_crowd
from logoingest.labels.first_maps.draft_classes import MAX_CLASSES, list_by_letters, list_by_pictures, list_closed_classes
from logoingest.labels.first_maps.draft_text import DraftClass, DraftWords, add_comments, list_ids, write_map
from logoingest.labels.first_maps.legends import list_legend_classes
from logoingest.labels.first_maps.minimal_aliases import choose_aliases
from logoingest.labels.first_maps.shared_pictures import Sayings, list_sayings, measure_company
from logoingest.labels.first_maps.spellings import SpellingGroup, count_values, group_spellings, make_readable, read_values
from logoingest.labels.first_maps.word_choice import is_about_logos, leave_silent, list_noise_by_letters, list_noise_by_pictures
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.text.noise import NoisePhrases
from logoingest.plain_json import HIDDEN
from logoingest.schemas import Decision

_ENOUGH = 50
"""Answers on pictures that others spoke of, from which agreement would show."""
_CHANCE = (
    "these classes: people who saw the same picture agree no better than by chance, so nothing but the letters speaks for them"
)

_CODES = (
    "these classes, which are numbers or codes: where a table says what they mean, `init --legend FILE` names the classes by it"
)


class FirstMap(NamedTuple):
    """A first class map, and what was found on the way."""

    text: Annotated[str, HIDDEN]
    """The TOML file."""
    classes: Sequence[tuple[str, int]]
    """Name of a class, and answers that name it; most common first."""
    is_closed: bool
    """The answers are a closed set, taken whole."""
    no_label: Sequence[tuple[str, int]]
    """Answers taken for "there is none" or "I cannot tell", and how often they were given; most common first."""
    noise_words: Sequence[str]
    """Words that stand beside many names in these answers."""
    built_in: Sequence[str]
    """The built-in lists that count."""
    undecided: Sequence[tuple[str, int]]
    """Answers that a person should decide; most common first."""
    proposals: Sequence[CrowdProposal]
    """Of those, the ones of whose pictures others' answers name a class; most common first."""
    doubts: Sequence[str]
    """What a person should look at first, a sentence each."""


def draft_class_map(labels_with_counts: Sequence[tuple[str, int]], name: str) -> str:
    """The text of ``draft_first_map`` where nothing is known of pictures and workers."""
    return draft_first_map(labels_with_counts, name).text


def draft_first_map(
    labels_with_counts: Sequence[tuple[str, int]], name: str, said: pa.Table | None = None, legend: Mapping[str, str] | None = None
) -> FirstMap:
    """A commented class map: what ``init`` writes.

    A closed set ("yes", "no") is taken whole. Else answers are grouped by their key (case, accents, punctuation, spaces and noise
    words aside); groups are joined by what people say of the same pictures, and by letters (``merging``), without pictures by an edit
    distance that needs one spelling to be three times as common as the other. The most frequent spelling is the class's name, and a
    line is written only for what the map does not decide by itself. What is rare, or what nobody agrees on, is listed in comments.
    The text parses whatever the answers hold, and does not depend on their order.

    Args:
        labels_with_counts: distinct raw answers and how often each was given.
        name: what the map is for, for its first comment.
        said: who said it of which picture, columns url, worker_id, raw_label; the answers are those of ``labels_with_counts``.
        legend: what answers that are codes mean; then the classes are its meanings, and the codes their aliases.
    """
    values = read_values(answer for answer, _ in labels_with_counts)
    counted = count_values(labels_with_counts, values)
    if legend:
        classes, codes = list_legend_classes(legend, counted)
        words = DraftWords(False, ["no_label"], {})
        return _describe(classes, words, counted, name, (write_map(classes, codes, words, name), None))
    is_closed = is_closed_set(counted)
    naming = leave_silent(counted, is_closed=is_closed)
    words = DraftWords(True, ["no_label"], {}) if is_closed else _choose_words(naming, values, said)
    noise = NoisePhrases.build(words.list_noise())
    groups = _group(naming, noise, is_closed=is_closed)
    sayings = None if said is None else list_sayings(said, values, _number(groups))
    is_telling = sayings is not None and _is_telling(sayings, len(groups))
    doubts = [_CHANCE] if sayings is not None and not is_telling and len(sayings.picture) >= _ENOUGH else []
    if is_closed:
        classes = list_closed_classes(groups, sayings)
    elif sayings is not None and is_telling:
        classes, doubts = list_by_pictures(groups, sayings, noise)
    else:
        classes = list_by_letters(groups, noise)
    classes = classes[:MAX_CLASSES]
    document, class_map = _write(classes, words, name)
    if said is not None and classes and is_telling and not is_closed:
        classes = join_by_crowd(classes, groups, said, class_map)
        document, _ = _write(classes, words, name)
    if is_closed and classes and all(any(map(str.isdigit, one.name)) for one in classes):
        doubts = [*doubts, _CODES]
    made = _describe(classes, words, counted, name, (document, said if is_telling else None))
    return made._replace(doubts=[*doubts, *made.doubts])


def _choose_words(naming: Sequence[tuple[str, int]], values: Mapping[str, Sequence[str]], said: pa.Table | None) -> DraftWords:
    """The built-in lists that count, and the noise words that these answers show."""
    words = DraftWords(False, ["noise_words", "no_label"] if is_about_logos(naming) else ["no_label"], {})
    groups = _group(naming, NoisePhrases.build(words.list_noise()), is_closed=False)
    if said is not None:
        sayings = list_sayings(said, values, _number(groups))
        if _is_telling(sayings, len(groups)):
            return words._replace(noise_words=list_noise_by_pictures(groups, sayings))
    return words._replace(noise_words=list_noise_by_letters(groups))


def _group(naming: Sequence[tuple[str, int]], noise: NoisePhrases, *, is_closed: bool) -> list[SpellingGroup]:
    groups, _ = group_spellings(naming, noise, is_closed=is_closed)
    return sorted(groups, key=lambda one: (-one.count, one.key))


def _number(groups: Sequence[SpellingGroup]) -> dict[str, int]:
    """Value → the place of its group."""
    return {value: place for place, group in enumerate(groups) for value in group.answers}


def _is_telling(sayings: Sayings, groups: int) -> bool:
    return bool(len(sayings.picture)) and measure_company(sayings, np.arange(groups)).is_telling


def _write(classes: Sequence[DraftClass], words: DraftWords, name: str) -> tuple[tomlkit.TOMLDocument, ClassMap]:
    """The file with the fewest lines, and the map it is."""
    bare = write_map(classes, {}, words, name)
    ids = list_ids(classes)
    chosen = choose_aliases(ClassMap.from_toml(tomlkit.dumps(bare), name), {ids[one.name]: one.groups for one in classes})
    document = write_map(classes, {one.name: chosen.get(ids[one.name], ()) for one in classes}, words, name)
    return document, ClassMap.from_toml(tomlkit.dumps(document), name)


def _describe(
    classes: Sequence[DraftClass],
    words: DraftWords,
    counted: Sequence[tuple[str, int]],
    name: str,
    found: tuple[tomlkit.TOMLDocument, pa.Table | None],
) -> FirstMap:
    """The map's text, with what it makes of the answers as comments; ``found`` are the map and what tells of pictures."""
    document, said = found
    made = ClassMap.from_toml(tomlkit.dumps(document), name)
    decided: dict[Decision, Counter[str]] = {decision: Counter() for decision in Decision}
    for (value, count), decision in zip(counted, decide_labels([value for value, _ in counted], made), strict=True):
        decided[decision.decision][make_readable(value)] += count
    ignored = _rank(decided[Decision.IGNORED])
    undecided = _rank(decided[Decision.REVIEW] + decided[Decision.UNKNOWN])
    if not classes:
        document.add(tomlkit.comment("No answer was common enough to be a class: put your own in place of the example."))
    add_comments(document, 'Taken for "no label" (times given, answer): is one of them a label here, make it a class.', ignored)
    proposals = propose_by_crowd(undecided, said, made) if said is not None and undecided else []
    told = {one.text for one in proposals}
    head = "Not decided yet, but of their pictures others name a class (times given, answer: class). Aliases of it?"
    add_comments(document, head, [(f"{one.text}: {made.name(one.class_id)}; {one.words}", one.answers) for one in proposals])
    head = "Not decided yet (times given, answer). Make them aliases, classes, or no_label answers, or leave them out."
    add_comments(document, head, [(answer, count) for answer, count in undecided if answer not in told])
    return FirstMap(
        text=tomlkit.dumps(document),
        classes=sorted(((one.name, one.count) for one in classes), key=lambda item: (-item[1], item[0])),
        is_closed=words.is_closed,
        no_label=ignored,
        noise_words=sorted({word for texts in words.noise_words.values() for word in texts}),
        built_in=words.built_in,
        undecided=undecided,
        proposals=proposals,
        doubts=[f"{one.name} ({one.count:,}){one.hint.replace(';', ':', 1)}" for one in classes if one.hint],
    )


def _rank(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
