"""A first map from a legend: the answers are codes, and a table says what each means ("3" is Robin)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from logoingest.labels.first_maps.draft_text import DraftClass
from logoingest.labels.first_maps.spellings import SpellingGroup, make_readable
from logoingest.labels.matching.spelling_index import join_key
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import NO_LABEL


def list_legend_classes(
    legend: Mapping[str, str], counted: Sequence[tuple[str, int]]
) -> tuple[list[DraftClass], dict[str, Sequence[str]]]:
    """A class for each meaning with how often its codes were given, and name of a class → its codes.

    Args:
        legend: code → what it means.
        counted: distinct values and how often each was said.
    """
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for code, meaning in legend.items():
        codes[make_readable(meaning)].append(code)
    said: Counter[str] = Counter()
    for value, count in counted:
        said[fold(value).text] += count
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    classes = []
    for meaning, own in codes.items():
        folded = fold(meaning)
        count = sum(said[text] for text in {folded.text, *(fold(code).text for code in own)})
        group = SpellingGroup(join_key(folded) or meaning, folded.ascii.split(), folded.is_latin)
        group.spellings[meaning] = group.answers[meaning] = count
        hint = '; does it mean "no label"? then its codes belong there' if folded.text in silent else ""
        classes.append(DraftClass(meaning, [group], hint))
    return classes, dict(codes)
