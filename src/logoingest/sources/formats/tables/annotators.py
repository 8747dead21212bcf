"""Tables with a column an annotator: ``url, annotator_1, annotator_2 …``; each cell is what that person answered."""

from __future__ import annotations

import re

from logoingest.sources.cells.columns import LABEL_WORDS, NEVER_LABEL, WORKER_WORDS, Sample, has_scheme, split_words

_NUMBERED = re.compile(r"(?P<stem>.*?)[\s_.-]*(?P<mark>\d{1,4}|(?<![A-Za-z])[A-Za-z])(?:[\s_.-]*(?P<what>[A-Za-z]+))?$")


def find_annotators(sample: Sample) -> tuple[str, ...]:
    """The columns of a family of annotators, two at least: names of a worker's word with a number or letter (``annotator_1``, ``rater B``).

    A word for answers may follow (``annotator_1_label``). Where answers of the same numbers stand beside them (``worker_1, label_1``)
    they hold who answered, and are none.
    """
    families: dict[tuple[str, str], dict[str, str]] = {}
    for name, values in sample.items():
        if (match := _NUMBERED.fullmatch(name)) and not any(map(_is_reference, values)):
            families.setdefault((match["stem"].lower(), (match["what"] or "").lower()), {})[match["mark"]] = name
    possible = [family for (stem, what), family in families.items() if _tells_answers(stem, what)]
    largest = max(possible, key=len, default={})
    beside = [family for (stem, what), family in families.items() if split_words(f"{stem} {what}") & LABEL_WORDS.keys()]
    paired = any(family is not largest and family.keys() >= largest.keys() for family in beside)
    return tuple(largest.values()) if len(largest) > 1 and not paired else ()


def _tells_answers(stem: str, what: str) -> bool:
    words = split_words(stem)
    return bool(words & WORKER_WORDS.keys()) and not words & NEVER_LABEL and (not what or what in LABEL_WORDS)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and has_scheme(value)
