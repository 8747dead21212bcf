"""A first class map from the answers themselves, for a person to go over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import tomlkit

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.growing.closed_sets import is_closed_set
from logoingest.labels.growing.draft_text import DraftClass, add_classes, add_comments, write_head
from logoingest.labels.growing.minimal_aliases import choose_aliases
from logoingest.labels.growing.slips import find_slips, hint_at_others
from logoingest.labels.growing.spellings import (
    SpellingGroup,
    count_distinct_rests,
    count_values,
    group_spellings,
    make_readable,
    read_values,
)
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.spelling_index import join_key
from logoingest.labels.text.fold import fold
from logoingest.labels.text.noise import NoisePhrases
from logoingest.labels.text.words import CANNOT_TELL, EMPTY_TALK, LOGO_ROOTS, NO_LABEL, NOISE_WORDS, SEPARATORS
from logoingest.plain_json import HIDDEN
from logoingest.schemas import Decision

_MAX_CLASSES = 10_000
_FEW_ANSWERS = 20
"""From so few, "none" is no class, if others are."""
_LOGO_SHARE = 0.005
"""Share of answers with a logo word from which the task is one about logos."""


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
    doubts: Sequence[str]
    """What a person should look at first, a sentence each."""


def draft_class_map(labels_with_counts: Sequence[tuple[str, int]], name: str) -> str:
    """The text of ``draft_first_map`` where nothing is known of pictures and workers."""
    return draft_first_map(labels_with_counts, name).text


def draft_first_map(labels_with_counts: Sequence[tuple[str, int]], name: str) -> FirstMap:
    """A commented class map: what ``init`` writes.

    A closed set ("yes", "no") is taken whole. Else answers are grouped by their key (case, accents, punctuation, spaces and noise
    words aside), then by an edit distance that needs one spelling to be three times as common as the other; the most frequent
    spelling is the class's name, and a line is written only for what the map does not decide by itself. What is rare, or in another
    script than most answers, is listed in comments. The text parses whatever the answers hold, and does not depend on their order.

    Args:
        labels_with_counts: distinct raw answers and how often each was given.
        name: what the map is for, for its first comment.
    """
    values = read_values(answer for answer, _ in labels_with_counts)
    counted = count_values(labels_with_counts, values)
    is_closed = is_closed_set(counted)
    naming = _leave_silent(counted, is_closed=is_closed)
    built_in, noise_words = _choose_words(naming, is_closed=is_closed)
    noise = NoisePhrases.build([fold(word).text for words in noise_words.values() for word in words])
    groups, _ = group_spellings(naming, noise, is_closed=is_closed)
    groups = sorted((one for one in groups if is_closed or _may_name(one, noise)), key=lambda one: (-one.count, one.key))
    classes = _list_closed_classes(groups) if is_closed else _list_classes(groups)
    own_words = {} if "noise_words" in built_in else noise_words
    return _finish(classes[:_MAX_CLASSES], counted, name, is_closed=is_closed, built_in=built_in, noise_words=own_words)


def _leave_silent(counted: Sequence[tuple[str, int]], *, is_closed: bool) -> list[tuple[str, int]]:
    """The values without those that mean "no label": of a closed set only what says nothing in any task."""
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    known = [(value, count, fold(value)) for value, count in counted]
    said = [(value, count) for value, count, folded in known if folded.text not in silent and folded.plain not in silent]
    if is_closed and (sum(count for _, count in counted) >= _FEW_ANSWERS or len(said) < 2):
        return [(value, count) for value, count, folded in known if folded.text not in CANNOT_TELL]
    return said


def _choose_words(naming: Sequence[tuple[str, int]], *, is_closed: bool) -> tuple[list[str], Mapping[str, Sequence[str]]]:
    """The built-in lists that count, and the noise words: all built-in ones where the task is about logos, else those that these
    answers show beside several names; none in a closed set.
    """
    if is_closed:
        return ["no_label"], {}
    if _is_about_logos(naming):
        return ["noise_words", "no_label"], NOISE_WORDS
    groups, _ = group_spellings(naming, NoisePhrases.build(()), is_closed=False)
    beside = {word for word, rests in count_distinct_rests(groups).items() if len(rests) > 1}
    found = {language: [word for word in words if word in beside] for language, words in NOISE_WORDS.items()}
    return ["no_label"], {language: words for language, words in found.items() if words}


def _is_about_logos(naming: Sequence[tuple[str, int]]) -> bool:
    """Enough answers are a logo word, or have one at an end ("logo nike", "Nike 标志")."""
    phrases = [fold(word).text for words in NOISE_WORDS.values() for word in words if any(root in word for root in LOGO_ROOTS)]
    noise, alone = NoisePhrases.build(phrases), set(phrases)
    found = [count for value, count in naming if (folded := fold(value)).plain in alone or noise.strip(folded)]
    return len(found) > 1 and sum(found) >= _LOGO_SHARE * sum(count for _, count in naming)


def _may_name(group: SpellingGroup, noise: NoisePhrases) -> bool:
    """Neither talk nor a noise word, and more than a letter."""
    plain = fold(group.name).plain
    is_noise = f"{plain} " in noise.by_first.get(plain.partition(" ")[0], ())
    return len(group.key) > 1 and bool(plain) and plain not in EMPTY_TALK and not is_noise


def _list_closed_classes(groups: Sequence[SpellingGroup]) -> list[DraftClass]:
    """Every answer a class; of many answers not one that was given once, if it is no code."""
    enough = 2 if sum(group.count for group in groups) >= _FEW_ANSWERS else 1
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    kept = [one for one in groups if one.count >= enough or any(char.isdigit() for char in one.key)]
    return [
        DraftClass(one.name, [one], '; elsewhere it would mean "no label"' if fold(one.name).text in silent else "") for one in kept
    ]


def _list_classes(groups: Sequence[SpellingGroup]) -> list[DraftClass]:
    """What is common enough, each with its slips."""
    seeds = _choose_seeds(groups)
    slips = find_slips(seeds)
    kept = [seed for seed in seeds if seed.key not in slips]
    hints = hint_at_others(kept)
    return [
        DraftClass(
            seed.name,
            [seed, *(other for other in seeds if slips.get(other.key) == seed.key)],
            f"; {hints[seed.key]}" if seed.key in hints else "",
        )
        for seed in kept
    ]


def choose_min_count(total: int) -> int:
    """Answers that make a class, of so many in all."""
    return 3 if total >= 200 else 2 if total >= 30 else 1


def _choose_seeds(groups: Sequence[SpellingGroup]) -> list[SpellingGroup]:
    """Groups common enough to be a class, most common first; other scripts only where Latin is not what most wrote in."""
    total = sum(group.count for group in groups)
    enough = choose_min_count(total)
    is_mostly_latin = 2 * sum(group.count for group in groups if group.is_latin) >= total
    seeds = [group for group in groups if group.count >= enough and (group.is_latin or not is_mostly_latin)]
    counts = {group.key: group.count for group in seeds}
    return [group for group in seeds if not _names_several(group, counts)][:_MAX_CLASSES]


def _names_several(group: SpellingGroup, counts: Mapping[str, int]) -> bool:
    """Every part between separators is a more common answer itself ("nike / puma")."""
    text = fold(group.name).text
    for separator in SEPARATORS:
        keys = [join_key(fold(part)) for part in text.split(separator)]
        if len(keys) > 1 and all(counts.get(key, 0) > group.count for key in keys):
            return True
    return False


def _finish(
    classes: Sequence[DraftClass],
    counted: Sequence[tuple[str, int]],
    name: str,
    *,
    is_closed: bool,
    built_in: Sequence[str],
    noise_words: Mapping[str, Sequence[str]],
) -> FirstMap:
    """The map's text, and what it makes of the answers."""
    bare = _write(classes, {}, name, is_closed=is_closed, built_in=built_in, noise_words=noise_words)
    ids = {one.name: class_id for class_id, one in add_classes(tomlkit.document(), classes, {}).items()}
    members = {ids[one.name]: one.groups for one in classes}
    chosen = choose_aliases(ClassMap.from_toml(tomlkit.dumps(bare), name), members)
    aliases = {one.name: chosen.get(ids[one.name], ()) for one in classes}
    document = _write(classes, aliases, name, is_closed=is_closed, built_in=built_in, noise_words=noise_words)
    made = ClassMap.from_toml(tomlkit.dumps(document), name)
    decided: dict[Decision, Counter[str]] = {decision: Counter() for decision in Decision}
    for (value, count), decision in zip(counted, decide_labels([value for value, _ in counted], made), strict=True):
        decided[decision.decision][make_readable(value)] += count
    ignored = _rank(decided[Decision.IGNORED])
    undecided = _rank(decided[Decision.REVIEW] + decided[Decision.UNKNOWN])
    if not classes:
        document.add(tomlkit.comment("No answer was common enough to be a class: put your own in place of the example."))
    add_comments(document, 'Taken for "no label" (times given, answer): is one of them a label here, make it a class.', ignored)
    head = "Not decided yet (times given, answer). Make them aliases, classes, or no_label answers, or leave them out."
    add_comments(document, head, undecided)
    return FirstMap(
        text=tomlkit.dumps(document),
        classes=sorted(((one.name, one.count) for one in classes), key=lambda item: (-item[1], item[0])),
        is_closed=is_closed,
        no_label=ignored,
        noise_words=sorted({word for words in noise_words.values() for word in words}),
        built_in=built_in,
        undecided=undecided,
        doubts=[f"{one.name} ({one.count:,}){one.hint.replace(';', ':', 1)}" for one in classes if one.hint],
    )


def _write(
    classes: Sequence[DraftClass],
    aliases: Mapping[str, Sequence[str]],
    name: str,
    *,
    is_closed: bool,
    built_in: Sequence[str],
    noise_words: Mapping[str, Sequence[str]],
) -> tomlkit.TOMLDocument:
    document = write_head(name, is_closed=is_closed, built_in=built_in, noise_words=noise_words)
    add_classes(document, classes, aliases)
    return document


def _rank(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
