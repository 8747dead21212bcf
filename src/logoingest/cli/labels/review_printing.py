"""What the review commands say: undecided answers with their candidates, and what a round of decisions changed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.crowd.contradictions import Contradiction
    from logoingest.review import Applied, AppliedGroups, Review

_SHOWN_SPELLINGS = 12
_SHOWN_CHANGES = 60
_SHOWN_EFFECTS = 20


def print_suggestions(review: Review, options: argparse.Namespace) -> None:
    """The clusters with candidates and lines for the map, and how many there are."""
    from logoingest.cli.labels.review_terminal import describe_cluster
    from logoingest.labels.text.quoting import shorten
    from logoingest.review.map_lines import propose_lines
    from logoingest.review.suggestions import describe_advice

    if review.note:
        print(f"({escape_text(review.note)})\n")
    for cluster, lines in zip(review.clusters, propose_lines(review.clusters, review.class_map), strict=True):
        print(f"{cluster.cluster_id}  {describe_cluster(cluster)}")
        if cluster.warning:
            print(f"  ! {cluster.warning}")
        if advice := describe_advice(cluster):
            print(f"  ~ {escape_text(advice)}")
        spellings = [
            f"{shorten(member.raw_label)}{f' ×{member.answers:,}' if member.answers > 1 else ''}" for member in cluster.members
        ]
        more = f" … and {len(spellings) - _SHOWN_SPELLINGS:,} more" if len(spellings) > _SHOWN_SPELLINGS else ""
        print(f"  {'  '.join(spellings[:_SHOWN_SPELLINGS])}{more}")
        for number, candidate in enumerate(cluster.candidates, 1):
            print(f"  {number} {escape_text(candidate.name)}  {candidate.score:.2f}  {escape_text(candidate.reason)}")
        for line in lines.splitlines():
            print(f"      {escape_text(line)}")
        print()
    print_contradictions(review.contradictions)
    print_summary(review, options)


def print_contradictions(contradictions: Sequence[Contradiction]) -> None:
    """What the crowd says against the class map, the most answers first."""
    if contradictions:
        print(f"against the class map, by what others called the same pictures: {spell_count(len(contradictions), 'doubt')}")
    _print_some([line for one in contradictions for line in _describe_contradiction(one)], _SHOWN_CHANGES)
    if contradictions:
        print()


def _describe_contradiction(one: Contradiction) -> list[str]:
    from logoingest.labels.text.quoting import shorten

    is_called = f" is {escape_text(one.declared)} ({one.rule})" if one.rule else f", of {escape_text(one.declared)}"
    seems = f", and seems to be {escape_text(one.class_id)}" if one.class_id else ""
    example = [f"      {escape_text(one.urls[0])}"] if one.urls else []
    return [
        f"  ! {one.kind}: {shorten(one.text)}{is_called}{seems} ({one.probability:.2f})",
        f"      {escape_text(one.words)}",
        *example,
    ]


def print_summary(review: Review, options: argparse.Namespace) -> None:
    """How much is undecided, and how to decide it."""
    found = review.open_labels
    sizes = f"{spell_count(sum(label.answers for label in found.labels), 'answer')} of {spell_count(len(found.labels), 'spelling')}"
    shown = f", the first {len(review.clusters):,} shown" if len(review.clusters) < review.clusters_in_all else ""
    print(f"undecided: {sizes}; {spell_count(review.clusters_in_all, 'cluster')}{shown}")
    if found.noise_labels:
        sizes = f"{spell_count(found.noise_answers, 'answer')} of {spell_count(found.noise_labels, 'spelling')}"
        print(f"left out: {sizes} made of noise words, which name nothing")
    if review.clusters:
        print(f"decide: logoingest labels review {options.config}, or with --export review.csv")


def print_groups(groups: AppliedGroups, options: argparse.Namespace) -> None:
    """What a round ruled on contradicting pictures."""
    reading = groups.reading
    if not (groups.written or reading.already or reading.late or reading.gone or reading.empty):
        return
    print(f"{spell_count(len(groups.written), 'set')} of contradicting pictures ruled on, {reading.already:,} ruled so before")
    _print_some([f"  + {len(ruling.images):,} pictures: {escape_text(str(ruling))}" for ruling in groups.written], _SHOWN_CHANGES)
    if reading.late:
        print(
            f"too late: {spell_count(len(reading.late), 'ruling')} on what was ruled otherwise before; edit {escape_text(str(groups.path))}"
        )
    _print_some([f"  ! {escape_text(line)}" for line in (*reading.late, *reading.gone)], _SHOWN_CHANGES)
    if reading.empty:
        print(f"left open: {spell_count(reading.empty, 'set')} of pictures")
    if groups.written:
        print(f"wrote {escape_text(str(groups.path))}\ntake it into the dataset with: logoingest run {options.config}")


def print_applied(applied: Applied, options: argparse.Namespace) -> None:
    """What a round changed in the class map, and what that changed beside."""
    from logoingest.labels.text.quoting import shorten
    from logoingest.review import describe_effect

    edit = applied.edit
    print(f"{spell_count(len(edit.settled), 'spelling')} decided, {len(edit.already):,} decided so before")
    _print_some([f"  + {escape_text(change)}" for change in edit.changes], _SHOWN_CHANGES)
    if edit.overruled:
        print(
            f"too late: {spell_count(len(edit.overruled), 'decision')} on what the class map declares otherwise by now; nothing is written there"
        )
        lines = [
            f'  ! {late.ruling.where}: {shorten(late.ruling.raw_label)} as "{escape_text(str(late.ruling.meaning))}" is {escape_text(late.by)}'
            for late in edit.overruled
        ]
        _print_some(lines, _SHOWN_CHANGES)
    if applied.side_effects:
        lost = sum(effect.is_reversal for effect in applied.side_effects)
        warning = f"; {lost:,} of them had a class before" if lost else ""
        print(f"side effects: {spell_count(len(applied.side_effects), 'spelling')} decided otherwise than before{warning}")
        _print_some(
            [f"  {'!' if effect.is_reversal else '~'} {describe_effect(effect)}" for effect in applied.side_effects], _SHOWN_EFFECTS
        )
    if applied.is_written:
        print(f"wrote {escape_text(str(edit.path))}\ntake it into the dataset with: logoingest run {options.config}")
    else:
        print(f"nothing to write: {escape_text(str(edit.path))} is as it was")


def _print_some(lines: Sequence[str], most: int) -> None:
    for line in lines[:most]:
        print(line)
    if len(lines) > most:
        print(f"  … and {len(lines) - most:,} more")
