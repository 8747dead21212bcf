"""Which guessed columns are doubtful, why, and which others could be meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.sources.cells.columns import Sample, list_possible_labels, score_label, score_url, score_worker

#: A runner-up with this share of the best score could be meant as well.
_CLOSE = 0.6
#: A score that no name gives which says what the column is.
_WEAK = 4.0
_SHOWN = 4


class _Role(NamedTuple):
    what: str
    option: str
    score: Callable[[str, Sequence[Any]], float]


_ROLES: Mapping[str, _Role] = {
    "url_column": _Role("pictures", "--url-column", score_url),
    "label_column": _Role("answers", "--label-column", score_label),
    "worker_column": _Role("workers", "--worker-column", score_worker),
}


def describe_doubts(chosen: Mapping[str, str | None], given: Mapping[str, Any], sample: Sample) -> list[str]:
    """A sentence for every guessed column (config key → name) that another could be as well, or that does not look its part.

    Args:
        chosen: what each key was settled to.
        given: the keys that a person has set: of these there is no doubt.
        sample: the columns to choose among.
    """
    notes = []
    for key, role in _ROLES.items():
        name = chosen.get(key)
        if key in given or name is None or name not in sample:
            continue
        others = _list_others(name, role, {other: sample[other] for other in sample if other not in chosen.values()}, sample[name])
        why = _describe_label(name, sample[name]) if key == "label_column" else ""
        if others or why:
            meant = f"; {', '.join(others)} could be meant as well" if others else ""
            notes.append(
                f"Doubtful: the {role.what} are read from {name}{f', {why}' if why else ''}{meant}. Say which: {role.option}."
            )
    return notes


def describe_lack(sample: Sample) -> str:
    """The sentence for a table in which no column looks like the answer."""
    possible = list_possible_labels(sample)[:_SHOWN]
    meant = f" Is it {' or '.join(possible)}?" if possible else ""
    return f"No column looks like the answer: labels are read as empty.{meant} Say which: --label-column, or label_column here."


def _list_others(name: str, role: _Role, others: Sample, values: Sequence[Any]) -> list[str]:
    best = role.score(name, values)
    scores = {other: role.score(other, cells) for other, cells in others.items()}
    close = [other for other, score in scores.items() if score > 0 and score >= _CLOSE * best]
    if not close and best < _WEAK and role.score is score_label:
        close = list_possible_labels(others)
    return sorted(close, key=lambda other: -scores[other])[:_SHOWN]


def _describe_label(name: str, values: Sequence[Any]) -> str:
    """Why a column hardly looks like answers; empty when it does."""
    texts = [str(value) for value in values if value is not None and str(value).strip()]
    if score_label(name, values) < _WEAK:
        return "whose name does not say so"
    if not texts:
        return "which is empty in the first rows"
    if len(texts) > 20 and len(set(texts)) == 1:
        return "which says the same in all of the first rows"
    if len(texts) > 20 and sum(map(len, texts)) > 60 * len(texts) and texts[0].lstrip()[:1] not in {"[", "{"}:
        return "which holds long texts"
    return ""
