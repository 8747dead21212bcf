"""``labels calibrate``: what each setting of a map's fuzzy thresholds would accept, rightly and wrongly, told by the map itself.

Answers are simulated from the map's own spellings (``threshold_mess``). Strangers are made by taking a class out: what it is called
must then not be accepted as any other class by a fuzzy match. (What exact rules still find, as an affix does with the variants of
one brand, is no stranger.) The matching itself decides; nothing is modelled. (The votes' confidence is
``calibration``'s.)

An answer so many edits away is accepted if it has the letters that many edits need, and the evidence: the two don't touch each
other, nor do answers a different number of edits away. So the matching runs once per value of each threshold, with the others wide
open, and what any setting of all of them accepts follows from that. (Only an answer that names several brands, with another number
of slips in each, counts as not accepted.)
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.spelling_index import share_index
from logoingest.labels.text.fold import fold
from logoingest.labels.thresholds.grid import AXES, Grid, Place, Setting, rank_laxness
from logoingest.labels.thresholds.mess import KINDS, make_mess
from logoingest.schemas import Decision

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap, Spelling

STRANGER_SHARE = 0.2
"""Share of the answers that mean no class of the map, for the expected precision."""

_SHUT = 100
_MAX_SPELLINGS = 400
_MAX_STRANGERS = 1000
_FOLD_SHARE = 25
_MIN_KEY = 2
_FEW_TRIALS = 300
_WORTH_RECALL = 0.02
_WORTH_PRECISION = 0.005
_Z = 1.96

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of one setting."""

    setting: Setting
    precision: float
    """Share of the accepted answers that are right, with ``stranger_share`` of all answers being strangers; 0 to 1."""
    recall: float
    """Share of the messy answers that are accepted rightly, every kind counting alike; 0 to 1."""
    recall_by_kind: Mapping[str, float]
    wrong: int
    """Messy answers accepted as another class."""
    strangers: int
    """Strangers accepted as a class."""
    labels: int | None
    """Distinct answers of the label file that are accepted."""


@dataclass(frozen=True, slots=True)
class ThresholdCalibration:
    """Every setting's outcome, and which to take."""

    outcomes: Sequence[Expectation]
    """From strict to lenient."""
    present: Expectation
    """As the map has it."""
    recommended: Expectation
    target: float
    answers: int
    """Messy answers simulated."""
    strangers: int
    """Strangers asked about."""
    classes_out: int
    """Classes they are made of."""
    relatives: int
    """Spellings of those classes that exact rules still find elsewhere: left out, since no threshold changes them."""
    wrong_exactly: int
    """Messy answers that exact rules take for another class, whatever the thresholds."""
    stranger_share: float
    seed: int

    @property
    def reaches_target(self) -> bool:
        """Some setting is expected to be as precise as wanted."""
        return self.recommended.precision >= self.target

    @property
    def is_rough(self) -> bool:
        """So few strangers were to be had that their share is little more than a guess."""
        return self.strangers < _FEW_TRIALS

    def bound_strangers(self, outcome: Expectation) -> float:
        """Upper end of the 95 % interval (Wilson, 1927) of the share of strangers accepted, 0 to 1."""
        return _bound_share(outcome.strangers, self.strangers)

    def list_front(self) -> list[Expectation]:
        """The settings that no other beats in both precision and recall, by falling recall."""
        front: list[Expectation] = []
        for outcome in sorted(self.outcomes, key=lambda known: (-known.recall, -known.precision, rank_laxness(known.setting))):
            if not front or outcome.precision > front[-1].precision:
                front.append(outcome)
        return front


@dataclass(frozen=True)
class _Trials:
    """Per run, which answers are accepted rightly, and at all."""

    right: Mapping[Place, Bools]
    taken: Mapping[Place, Bools]
    size: int

    def unite(self, setting: Setting, table: Mapping[Place, Bools]) -> Bools:
        """Which answers a setting accepts (rightly, or at all)."""
        found = table[Place(0, "none", 0)].copy()
        for edits in range(1, setting.max_edits + 1):
            letters = table[Place(edits, "letters", setting.letters[edits - 1])]
            found |= letters & table[Place(edits, "evidence", setting.evidence)]
        return found


def calibrate_thresholds(
    class_map: ClassMap,
    raw_labels: Sequence[str] = (),
    target: float = 0.995,
    stranger_share: float = STRANGER_SHARE,
    seed: int = 0,
) -> ThresholdCalibration:
    """Simulate answers to a map and say what each setting of its fuzzy thresholds would make of them.

    Of a large map at most 400 spellings are made messy, and 1,000 classes taken out; it is always matched against the whole map.
    The same map, labels and seed give the same figures.

    Args:
        class_map: the map.
        raw_labels: answers of a label file; each setting tells how many distinct ones it accepts.
        target: precision the recommended setting shall have, 0 to 1.
        stranger_share: share of strangers among the answers that precision is reckoned for, 0 to 1.
        seed: of the simulation.
    """
    rng = random.Random(seed)
    grid = Grid.build(class_map.thresholds)
    own = grid.read(class_map.thresholds)
    texts, wanted, kinds = _simulate(class_map, rng)
    messy = _run(class_map, texts, wanted, grid)
    strangers, classes_out, relatives = _run_strangers(class_map, grid, rng)
    labels = _run(class_map, sorted(set(raw_labels)), [None] * len(set(raw_labels)), grid) if raw_labels else None
    outcomes = [
        _judge(setting, messy, kinds, strangers, labels, stranger_share=stranger_share) for setting in grid.list_settings(own)
    ]
    present = next(outcome for outcome in outcomes if outcome.setting == own)
    return ThresholdCalibration(
        outcomes=outcomes, present=present, recommended=_recommend(outcomes, present, target), target=target, answers=messy.size,
        strangers=strangers.size, classes_out=classes_out, relatives=relatives, wrong_exactly=min(outcome.wrong for outcome in outcomes),
        stranger_share=stranger_share, seed=seed,
    )  # fmt: skip


def _choose_spellings(class_map: ClassMap, rng: random.Random) -> list[Spelling]:
    """Every class's name first, then aliases, until there are enough."""
    usable = [spelling for spelling in class_map.spellings if not spelling.is_exact and len(_make_key(spelling.text)) >= _MIN_KEY]
    names = [spelling for spelling in usable if not spelling.is_alias and class_map.outputs[spelling.class_id] is not None]
    aliases = [spelling for spelling in usable if spelling.is_alias and class_map.outputs[spelling.class_id] is not None]
    rng.shuffle(names)
    rng.shuffle(aliases)
    return [*names, *aliases][:_MAX_SPELLINGS]


def _make_key(text: str) -> str:
    folded = fold(text)
    return folded.joined if folded.is_latin else folded.plain.replace(" ", "")


def _simulate(class_map: ClassMap, rng: random.Random) -> tuple[list[str], list[str | None], list[str]]:
    """(answers, the class each means, its kind of mess)."""
    noise = [word for word in class_map.noise_words if fold(word).plain]
    latin = [word for word in noise if fold(word).is_latin]
    texts: list[str] = []
    wanted: list[str | None] = []
    kinds: list[str] = []
    for spelling in _choose_spellings(class_map, rng):
        words = latin if fold(spelling.text).is_latin else noise
        for kind in KINDS:
            texts.append(make_mess(kind, spelling.text, rng, words))
            wanted.append(class_map.outputs[spelling.class_id])
            kinds.append(kind)
    return texts, wanted, kinds


def _run(class_map: ClassMap, texts: Sequence[str], wanted: Sequence[str | None], grid: Grid) -> _Trials:
    """Decide the answers in every run. From the lenient end on: what a value refuses, a stricter one refuses too."""
    right: dict[Place, Bools] = {}
    taken: dict[Place, Bools] = {}
    start = Place(0, "none", 0)
    right[start], taken[start] = _decide(_set(class_map, start, grid), texts, wanted, range(len(texts)))
    undecided = np.flatnonzero(~taken[start]).tolist()
    lenient: dict[int, list[int]] = {}
    still: dict[tuple[int, str], list[int]] = {}
    for place in grid.list_places()[1:]:
        asked = still.get(place[:2], lenient.get(place.edits, undecided))
        right[place], taken[place] = _decide(_set(class_map, place, grid), texts, wanted, asked)
        still[place[:2]] = np.flatnonzero(taken[place]).tolist()
        lenient.setdefault(place.edits, still[place[:2]])
    return _Trials(right, taken, len(texts))


def _decide(class_map: ClassMap, texts: Sequence[str], wanted: Sequence[str | None], places: Sequence[int]) -> tuple[Bools, Bools]:
    right, taken = np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    for place, decision in zip(places, decide_labels([texts[place] for place in places], class_map), strict=True):
        taken[place] = decision.decision == Decision.ACCEPTED
        right[place] = taken[place] and decision.class_ids == (wanted[place],)
    return right, taken


def _set(class_map: ClassMap, place: Place, grid: Grid) -> ClassMap:
    """The map with a run's thresholds. The lookup tables don't depend on them, so they are shared."""
    values: dict[str, float] = {"max_edits": place.edits, "evidence": grid.evidence[0], **dict.fromkeys(AXES, _SHUT)}
    if place.edits:
        values[list(AXES)[place.edits - 1]] = grid.letters[place.edits - 1][0]
    if place.threshold == "letters":
        values[list(AXES)[place.edits - 1]] = place.value
    elif place.threshold == "evidence":
        values["evidence"] = place.value
    made = replace(class_map, thresholds=class_map.thresholds.model_copy(update=values))
    share_index(class_map, made)
    return made


def _run_strangers(class_map: ClassMap, grid: Grid, rng: random.Random) -> tuple[_Trials, int, int]:
    """Classes are taken out a few at a time (one at a time in a small map).

    Returns:
        What became of their spellings, how many classes, and how many spellings were left out.
    """
    by_output: defaultdict[str, list[str]] = defaultdict(list)
    for class_id, output in class_map.outputs.items():
        if output is not None:
            by_output[output].append(class_id)
    outputs = sorted(by_output)
    rng.shuffle(outputs)
    outputs = outputs[:_MAX_STRANGERS] if len(by_output) > 1 else []
    size = max(1, len(by_output) // _FOLD_SHARE)
    runs = []
    for start in range(0, len(outputs), size):
        gone = {class_id for output in outputs[start : start + size] for class_id in by_output[output]}
        texts = [spelling.text for spelling in class_map.spellings if spelling.class_id in gone]
        runs.append(_run(_take_out(class_map, gone), texts, [None] * len(texts), grid))
    joined = _join(runs, grid)
    strange = ~joined.taken[Place(0, "none", 0)]
    taken = {place: found[strange] for place, found in joined.taken.items()}
    kept = _Trials({place: np.zeros_like(found) for place, found in taken.items()}, taken, int(strange.sum()))
    return kept, len(outputs), joined.size - kept.size


def _join(runs: Sequence[_Trials], grid: Grid) -> _Trials:
    places = grid.list_places()
    empty = np.zeros(0, bool)
    taken = {place: np.concatenate([empty, *(run.taken[place] for run in runs)]) for place in places}
    return _Trials(taken, taken, sum(run.size for run in runs))


def _take_out(class_map: ClassMap, gone: set[str]) -> ClassMap:
    """The map as if these classes had never been thought of."""
    return replace(
        class_map,
        names={class_id: name for class_id, name in class_map.names.items() if class_id not in gone},
        spellings=tuple(spelling for spelling in class_map.spellings if spelling.class_id not in gone),
        distinct_from=tuple(pair for pair in class_map.distinct_from if gone.isdisjoint(pair)),
        overrides={},
        outputs={class_id: output for class_id, output in class_map.outputs.items() if class_id not in gone},
        parts={one: other for one, other in class_map.parts.items() if one not in gone and other not in gone},
    )


def _judge(
    setting: Setting, messy: _Trials, kinds: Sequence[str], strangers: _Trials, labels: _Trials | None, *, stranger_share: float
) -> Expectation:
    right, taken = messy.unite(setting, messy.right), messy.unite(setting, messy.taken)
    kind = np.array(kinds)
    by_kind = {name: float(right[kind == name].mean()) if len(right) else 0.0 for name in KINDS}
    recall = sum(by_kind.values()) / len(by_kind)
    wrong = int((taken & ~right).sum())
    accepted = strangers.unite(setting, strangers.taken)
    known = (1 - stranger_share) * recall
    false = (1 - stranger_share) * wrong / max(messy.size, 1) + stranger_share * int(accepted.sum()) / max(strangers.size, 1)
    return Expectation(
        setting=setting, precision=known / (known + false) if known + false else 1.0, recall=recall, recall_by_kind=by_kind,
        wrong=wrong, strangers=int(accepted.sum()), labels=None if labels is None else int(labels.unite(setting, labels.taken).sum()),
    )  # fmt: skip


def _recommend(outcomes: Sequence[Expectation], present: Expectation, target: float) -> Expectation:
    """Most recall among those precise enough, else the most precise. The present one stays unless another is worth the change."""
    enough = [outcome for outcome in outcomes if outcome.precision >= target]
    if not enough:
        best = min(outcomes, key=lambda known: (-known.precision, -known.recall, rank_laxness(known.setting)))
        return best if best.precision - present.precision >= _WORTH_PRECISION else present
    best = min(enough, key=lambda known: (-known.recall, -known.precision, rank_laxness(known.setting)))
    is_enough = present.precision >= target and best.recall - present.recall < _WORTH_RECALL
    return present if is_enough else best


def _bound_share(count: int, size: int) -> float:
    if not size:
        return 1.0
    share = count / size
    middle = share + _Z**2 / (2 * size)
    spread = _Z * float(np.sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2)))
    return min(1.0, (middle + spread) / (1 + _Z**2 / size))
