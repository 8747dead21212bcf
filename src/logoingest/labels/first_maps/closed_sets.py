"""Whether answers are a closed set: chosen from a list ("yes", "no"), not typed as people like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from logoingest.labels.class_map.map_file import Thresholds
from logoingest.labels.matching.objections import judge_edits
from logoingest.labels.text.fold import Folded, fold
from logoingest.labels.text.known_names import is_known_name
from logoingest.labels.text.plurals import list_other_numbers
from logoingest.labels.text.words import CANNOT_TELL, GENERIC_WORDS

_MAX_STRAY = 0.02
"""Share of answers that may be said once, or written otherwise than most write them."""
_FEW = 20
_MANY = 300
"""So many answers, each repeated as it was written, were not typed."""
_SAID_EACH = 5
"""Of few answers that are typed ("Yes", "YES"), each is said so often on average."""
COMMON_RATIO = 3
"""A spelling is so many times as common as its slips."""


def is_closed_set(counted: Sequence[tuple[str, int]]) -> bool:
    """Whether the answers come from a list: hardly one is said only once or written in another way than the others write it.

    Typed answers are one too, where they are few, each is frequent, and none looks like a slip of another.

    Args:
        counted: distinct values and how often each was said.
    """
    spelled: defaultdict[str, list[int]] = defaultdict(list)
    for value, count in counted:
        text = fold(value).text
        if text not in CANNOT_TELL:
            spelled[text].append(count)
    totals = {text: sum(counts) for text, counts in spelled.items()}
    total = sum(totals.values())
    single = sum(count for count in totals.values() if count == 1)
    if len(totals) < 2 or single > _MAX_STRAY * total:
        return False
    respelled = sum(sum(counts) - max(counts) for counts in spelled.values())
    is_typed = respelled > _MAX_STRAY * total
    if is_typed and (len(totals) > _FEW or total < _SAID_EACH * len(totals)):
        return False
    if any(other in totals for text in totals for other in list_other_numbers(text)):  # "Robin" and "robins": no list offers both
        return False
    return len(totals) > _MANY or not _has_slip({fold(text): count for text, count in totals.items()})


def _has_slip(counts: dict[Folded, int]) -> bool:
    """One of the answers looks like another, much more common one, misspelt."""
    thresholds = Thresholds()
    latin = [(text, count) for text, count in counts.items() if text.is_latin and text.joined and not _is_known(text)]
    return any(
        COMMON_RATIO * count <= common_count
        and find_slip_objection(text.joined, common.joined, common.ascii.split(), thresholds) is None
        for text, count in latin
        for common, common_count in counts.items()
        if common.is_latin and common.joined
    )


def _is_known(text: Folded) -> bool:
    return all(is_known_name(word) for word in text.ascii.split())


def find_slip_objection(key: str, other: str, words: Sequence[str], thresholds: Thresholds) -> str | None:
    """Why a spelling cannot be a slip for a more common one, of which ``words`` are the words."""
    if [char for char in key if char.isdigit()] != [char for char in other if char.isdigit()]:
        return "the digits differ"
    return judge_edits(key, other, words, GENERIC_WORDS, thresholds)
