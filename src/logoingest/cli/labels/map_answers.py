"""What the class-map commands answer on ``--json``, where it is not what the library gives as it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from logoingest.labels.class_map.word_lists import WordList
from logoingest.labels.first_maps.draft import FirstMap
from logoingest.labels.growing.alias_judgement import Doubt, NewAlias
from logoingest.labels.matching.explanation import CandidateView, Explanation
from logoingest.labels.matching.match import LabelDecision
from logoingest.labels.text.fold import FoldingStep
from logoingest.labels.thresholds.calibration import Expectation, ThresholdCalibration
from logoingest.schemas import Decision


class ExplainedDecision(NamedTuple):
    """What the class map makes of an answer, with its attributes read."""

    raw_label: str
    decision: Decision
    rule: str
    map_hash: str
    class_ids: Sequence[str]
    matched_alias: str | None
    score: float | None
    runner_up: str | None
    margin: float | None
    attributes: Mapping[str, Any]
    """What the answer says beside its class."""
    note: str
    """Why it is not accepted, in one line."""
    class_id: str | None
    """The class, when the answer names exactly one."""


class ExplainedLabel(NamedTuple):
    """A decision with everything that led to it."""

    decision: ExplainedDecision
    steps: Sequence[FoldingStep]
    keys: Mapping[str, str]
    """The folded text and the keys made from it."""
    candidates: Sequence[CandidateView]
    values: Sequence[LabelDecision]
    """Of an answer of several values, what each comes to by itself."""


def describe_explanation(explanation: Explanation) -> ExplainedLabel:
    """``labels explain``."""
    facts = asdict(explanation.decision)
    facts["attributes"] = json.loads(facts["attributes"] or "{}")
    decision = ExplainedDecision(**facts, class_id=explanation.decision.class_id)
    return ExplainedLabel(decision, explanation.steps, explanation.keys, explanation.candidates, explanation.values)


class CountedWords(NamedTuple):
    """Words of one language that count, and where they come from."""

    key: str
    """noise_words or no_label."""
    language: str
    words: Sequence[str]
    file: str | None
    """The map that lists them; None for a built-in list."""
    built_in: bool


def describe_words(lists: Iterable[WordList]) -> list[CountedWords]:
    """``labels words``."""
    return [CountedWords(*one, built_in=one.file is None) for one in lists]


class DecidedFile(NamedTuple):
    """What ``labels apply`` did with a file of answers."""

    rows: int
    distinct: int
    column: str
    """That holds the answers."""
    decisions: Mapping[str, int]
    """``Decision`` → rows."""
    unreadable: int
    """Rows that count as empty answers."""
    first_fault: str | None
    """What is wrong with the first of them."""
    target: str


class SettingForecast(NamedTuple):
    """What to expect of one setting of the thresholds."""

    max_edits: int
    one_edit_letters: int
    two_edits_letters: int
    three_edits_letters: int
    evidence: float
    precision: float
    """0 to 1."""
    recall: float
    """0 to 1."""
    recall_by_kind: Mapping[str, float]
    """Kind of mess → recall."""
    wrong: int
    """Messy answers accepted as another class."""
    strangers_accepted: int
    labels_accepted: int | None
    """Of the answers given with --labels; None without."""


class Calibration(NamedTuple):
    """Expected precision and recall of every setting, and which to take."""

    target_precision: float
    reaches_target: bool
    answers: int
    """Messy ones, simulated."""
    strangers: int
    """Asked about."""
    classes_taken_out: int
    """Of which the strangers are made."""
    relatives_left_out: int
    wrong_exactly: int
    """Taken for another class by exact rules, whatever the thresholds."""
    stranger_share: float
    seed: int
    is_rough: bool
    """So few strangers were to be had that their share is little more than a guess."""
    present: SettingForecast
    recommended: SettingForecast
    settings: Sequence[SettingForecast]
    """From strict to lenient."""


def describe_calibration(made: ThresholdCalibration) -> Calibration:
    """``labels calibrate``."""
    return Calibration(
        target_precision=made.target,
        reaches_target=made.reaches_target,
        answers=made.answers,
        strangers=made.strangers,
        classes_taken_out=made.classes_out,
        relatives_left_out=made.relatives,
        wrong_exactly=made.wrong_exactly,
        stranger_share=made.stranger_share,
        seed=made.seed,
        is_rough=made.is_rough,
        present=_forecast(made.present),
        recommended=_forecast(made.recommended),
        settings=[_forecast(outcome) for outcome in made.outcomes],
    )


def _forecast(outcome: Expectation) -> SettingForecast:
    return SettingForecast(
        *outcome.setting,
        precision=round(outcome.precision, 5),
        recall=round(outcome.recall, 5),
        recall_by_kind={kind: round(value, 4) for kind, value in outcome.recall_by_kind.items()},
        wrong=outcome.wrong,
        strangers_accepted=outcome.strangers,
        labels_accepted=outcome.labels,
    )


class DraftedMap(NamedTuple):
    """What ``labels draft`` wrote."""

    class_map: str
    labels: int
    """Distinct answers."""
    first_map: FirstMap


class MergedName(NamedTuple):
    """A canonical name that is written like a class's."""

    name: str
    class_id: str


class RefusedName(NamedTuple):
    """A canonical name that can be no class."""

    name: str
    why: str


class NewMap(NamedTuple):
    """What ``labels new`` wrote."""

    map: str
    rows: int
    bad_rows: int
    classes: int
    aliases: int
    need_no_alias: int
    """Spellings that match anyway."""
    ambiguous: Sequence[Doubt]
    """Not in the map."""
    merged: Sequence[MergedName]
    refused: Sequence[RefusedName]


class EnrichedMap(NamedTuple):
    """What a pack added to a class map."""

    map: str
    pack: str
    format: str
    written: bool
    added: Sequence[NewAlias]
    per_language: Mapping[str, int]
    per_class: Mapping[str, int]
    already_known: int
    matched_classes: Mapping[str, str]
    """Class → the pack's key of its brand."""
    ambiguous: Sequence[Doubt]
    """Not added."""
    unmatched_entries: int
    """Brands of the pack that are no class of the map."""


def count_names(names: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
