"""What stands written on a picture against what was answered about it: a sign for the review, never a decision.

A text names a class when a spelling of the class map is matched exactly, folded as answers are (no fuzzy match, no transliteration):
the whole piece of text, or up to four words in a row of it; three letters at least. Inside a longer text a word that people know
only *may* name a class ("mini" in "mini market"). A conflict is a picture on which exactly one class is named, none of those settled,
and no other class may be named there. Two classes on a picture, or the settled one beside another, are none: shops and team shirts
carry many names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.text.fold import fold
from logoingest.labels.text.known_names import is_known_name
from logoingest.schemas import Decision, TextConflictRow

#: A reader less sure of a text than this is not believed.
MIN_SCORE = 0.8
MIN_LETTERS = 3
_MAX_WORDS = 4
_MAX_WORDS_OF_TEXT = 24
_INEXACT = {"fuzzy", "several", "transliteration"}
_WORD = re.compile(r"[^\W_]+(?:[&'’\-][^\W_]+)*")


def find_named_classes(texts: Sequence[str], class_map: ClassMap) -> list[dict[str, bool]]:
    """For each text, class → whether it surely names it; else it only may."""
    parts = [_list_parts(text) for text in texts]
    distinct = sorted({part for listed in parts for part in listed})
    decided = dict(zip(distinct, decide_labels(distinct, class_map), strict=True))
    found: list[dict[str, bool]] = []
    for listed in parts:
        named: dict[str, bool] = {}
        for part, is_sure in listed.items():
            decision = decided[part]
            if decision.decision == Decision.ACCEPTED and decision.rule not in _INEXACT and decision.class_id is not None:
                named[decision.class_id] = named.get(decision.class_id, False) or is_sure
        found.append(named)
    return found


def find_text_conflicts(samples: pa.Table, texts: pa.Table, images: pa.Table, class_map: ClassMap) -> pa.Table:
    """``TextConflictRow``, sorted by image_id.

    Args:
        samples: ``SampleRow``.
        texts: ``TextRow``; pictures without a row, or without a sample, have no conflict.
        images: ``ImageRow``, for the URLs.
        class_map: whose spellings are looked for.
    """
    read = {row["image_id"]: row for row in texts.to_pylist()}
    distinct = sorted({text for row in read.values() for text, _ in _list_believed(row)})
    named = dict(zip(distinct, find_named_classes(distinct, class_map), strict=True))
    kept = samples.select(["image_id", "class_ids", "confidence", "votes"])
    rows = []
    for sample in kept.filter(pc.is_in(kept.column("image_id"), value_set=texts.column("image_id"))).to_pylist():
        written: dict[str, tuple[bool, float, str]] = {}
        for text, score in _list_believed(read[sample["image_id"]]):
            for class_id, is_sure in named[text].items():
                written[class_id] = max(written.get(class_id, (False, 0.0, "")), (is_sure, score, text))
        if len(written) == 1 and not written.keys() & set(sample["class_ids"]):
            [(class_id, (is_sure, score, text))] = written.items()
            if not is_sure:
                continue
            rows.append({**sample, "written": class_id, "text": text, "score": score})
    urls = dict(zip(images.column("image_id").to_pylist(), pc.list_element(images.column("urls"), 0).to_pylist(), strict=True))
    return TextConflictRow.table(sorted(({**row, "url": urls[row["image_id"]]} for row in rows), key=lambda row: row["image_id"]))


def _list_believed(row: dict[str, list[str]]) -> Iterator[tuple[str, float]]:
    for text, score in zip(row["texts"], row["scores"], strict=True):
        if float(score) >= MIN_SCORE:
            yield text, float(score)


def _list_parts(text: str) -> dict[str, bool]:
    """The whole text, and its runs of up to four words → whether it is more than a common word inside a longer text."""
    words = _WORD.findall(text)[:_MAX_WORDS_OF_TEXT]
    parts = {text.strip(): True} if _has_letters(text) else {}
    for length in range(min(_MAX_WORDS, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            part = " ".join(words[start : start + length])
            if _has_letters(part):
                parts.setdefault(part, len(words) == length or not is_known_name(fold(part).ascii.replace(" ", "")))
    return parts


def _has_letters(text: str) -> bool:
    return sum(character.isalnum() for character in text) >= MIN_LETTERS
