"""Which words count in a first map: answers that mean "no label", and what stands beside many names.

The built-in noise words are those of a task about logos, and count only there. In any other, noise words are what the pictures show
to change nothing: where one wrote "flag of Kenya", the others write "Kenya" as often as where one wrote "Kenya", for many names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from logoingest.labels.first_maps.languages import tell_language
from logoingest.labels.first_maps.merging import join_spellings
from logoingest.labels.first_maps.shared_pictures import Company, Indices, Sayings, measure_company
from logoingest.labels.first_maps.spellings import SpellingGroup
from logoingest.labels.text.fold import fold
from logoingest.labels.text.noise import NoisePhrases
from logoingest.labels.text.words import CANNOT_TELL, LOGO_ROOTS, NO_LABEL, NOISE_WORDS

FEW_ANSWERS = 20
"""From so few, "none" is no class, if others are."""
_LOGO_SHARE = 0.005
"""Share of answers with a logo word from which the task is one about logos."""
_MIN_NAMES = 3
"""Names that a noise word stands beside."""
_MIN_RATIO = 0.6
_MAX_PHRASE = 3


def leave_silent(counted: Sequence[tuple[str, int]], *, is_closed: bool) -> list[tuple[str, int]]:
    """The values without those that mean "no label": of a closed set only what says nothing in any task."""
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    known = [(value, count, fold(value)) for value, count in counted]
    said = [(value, count) for value, count, folded in known if folded.text not in silent and folded.plain not in silent]
    if is_closed and (sum(count for _, count in counted) >= FEW_ANSWERS or len(said) < 2):
        return [(value, count) for value, count, folded in known if folded.text not in CANNOT_TELL]
    return said


def is_about_logos(naming: Sequence[tuple[str, int]]) -> bool:
    """Enough answers are a logo word, or have one at an end ("logo nike", "Nike 标志")."""
    phrases = [fold(word).text for words in NOISE_WORDS.values() for word in words if any(root in word for root in LOGO_ROOTS)]
    noise, alone = NoisePhrases.build(phrases), set(phrases)
    found = [count for value, count in naming if (folded := fold(value)).plain in alone or noise.strip(folded)]
    return len(found) > 1 and sum(found) >= _LOGO_SHARE * sum(count for _, count in naming)


def list_noise_by_letters(groups: Sequence[SpellingGroup]) -> dict[str, list[str]]:
    """The built-in noise words that stand beside at least two answers, per language, where nothing is known of pictures."""
    beside = {word for (word, _), pairs in _list_phrases(groups).items() if len(pairs) > 1}
    found = {language: [word for word in words if word in beside] for language, words in NOISE_WORDS.items()}
    return {language: words for language, words in found.items() if words}


def list_noise_by_pictures(groups: Sequence[SpellingGroup], sayings: Sayings) -> dict[str, list[str]]:
    """The words that change nothing beside many names and, as answers, tell nothing of pictures; per language where the script tells it.

    Args:
        groups: spellings with every word they were written with; their places are the numbers in ``sayings``.
        sayings: who said what of which picture.
    """
    phrases = _list_phrases(groups)
    owner = join_spellings(groups, sayings).owner
    with_words = sorted({longer for pairs in phrases.values() for longer, _ in pairs})
    owner[with_words] = with_words
    company = measure_company(sayings, owner)
    telling = company.silence < 0
    names_something = {group.key for group, place in zip(groups, owner, strict=True) if telling[place]}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for (phrase, _), pairs in sorted(phrases.items()):
        if phrase.replace(" ", "") in names_something:
            continue  # people agree on it as an answer of its own: a tag beside other tags
        longer, names = (np.array(column) for column in zip(*pairs, strict=True))
        if len(set(names.tolist())) >= _MIN_NAMES and _change_nothing(longer, owner[names], company):
            found[tell_language(phrase)].append(phrase)
    return {language: sorted(set(texts)) for language, texts in found.items()}


def _change_nothing(longer: Indices, names: Indices, company: Company) -> bool:
    """Where one wrote the names with a word more, the others say the names nearly as often as where one wrote these."""
    shared = float(np.asarray(company.shared[longer, names]).sum())
    expected = float((company.answers[longer] * company.own[names] / np.maximum(company.answers[names], 1)).sum())
    is_rarer = company.answers[sorted(set(longer.tolist()))].sum() < company.answers[sorted(set(names.tolist()))].sum()
    return bool(is_rarer and shared > 1 and shared >= _MIN_RATIO * expected and company.own[longer].sum() <= shared)


def _list_phrases(groups: Sequence[SpellingGroup]) -> dict[tuple[str, bool], list[tuple[int, int]]]:
    """(one to three words, whether they stand in front) → places of the answer with them and of the answer without, if it is one."""
    places = {group.key: place for place, group in enumerate(groups)}
    found: defaultdict[tuple[str, bool], list[tuple[int, int]]] = defaultdict(list)
    for place, group in enumerate(groups):
        for length in range(1, min(_MAX_PHRASE, len(group.words) - 1) + 1):
            for phrase, rest, is_first in (
                (group.words[:length], group.words[length:], True),
                (group.words[-length:], group.words[:-length], False),
            ):
                if (other := places.get("".join(rest))) is not None:
                    found[" ".join(phrase), is_first].append((place, other))
    return found
