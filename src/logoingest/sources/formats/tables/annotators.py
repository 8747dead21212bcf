"""Tables with a column an annotator: ``url, annotator_1, annotator_2 …``; each cell is what that person answered."""

from __future__ import annotations

import re

from logoingest.sources.cells.columns import NEVER_LABEL, WORKER_WORDS, Sample, has_scheme, split_words

_NUMBERED = re.compile(r"(?P<stem>.*?)[\s_.-]*(?P<mark>\d{1,4}|(?<![A-Za-z])[A-Za-z])$")


def find_annotators(sample: Sample) -> tuple[str, ...]:
    """The columns of a family of annotators: names of a worker's word that differ in a number or letter at their end, two at least."""
    families: dict[str, list[str]] = {}
    for name, values in sample.items():
        match = _NUMBERED.fullmatch(name)
        words = split_words(match["stem"]) if match else frozenset()
        if match and words & WORKER_WORDS.keys() and not words & NEVER_LABEL and not any(map(_is_reference, values)):
            families.setdefault(match["stem"].lower(), []).append(name)
    largest: list[str] = max(families.values(), key=len, default=[])
    return tuple(largest) if len(largest) > 1 else ()


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and has_scheme(value)
