"""Calibration of the fuzzy thresholds: the figures are those of the matching itself, and the advice follows from them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from logoingest.labels import ClassMap
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.thresholds import calibration as threshold_calibration
from logoingest.labels.thresholds.calibration import calibrate_thresholds
from logoingest.labels.thresholds.grid import AXES
from logoingest.labels.thresholds.mess import KINDS, make_mess

NAMES = [
    "Starbucks",
    "Heineken",
    "Carlsberg",
    "Volkswagen",
    "Crunchies",
    "Crunchips",
    "Nike",
    "Louis Vuitton",
    "Coca-Cola",
    "Kaiserslautern",
]
TOML = "".join(f'[classes.c{number}]\nname = "{name}"\n' for number, name in enumerate(NAMES))
MAP = ClassMap.from_toml(TOML)


def _change(class_map, setting):
    values = dict(zip(AXES, setting.letters, strict=True)) | {"max_edits": setting.max_edits, "evidence": setting.evidence}
    return replace(class_map, thresholds=class_map.thresholds.model_copy(update=values))


@pytest.mark.slow
def test_the_figures_are_those_of_a_map_with_these_thresholds():
    """Settings from all over the grid, decided anew by a map that has each, accept as many labels and as many strangers."""
    labels = sorted({make_mess(kind, name, random.Random(f"{kind}{name}"), ["logo"]) for kind in KINDS for name in NAMES})
    made = calibrate_thresholds(MAP, labels)
    for outcome in [*made.outcomes[::97], made.present, made.recommended]:
        decided = decide_labels(labels, _change(MAP, outcome.setting))
        assert outcome.labels == sum(decision.decision == "accepted" for decision in decided), outcome.setting
        taken = 0
        for number, name in enumerate(NAMES):
            rest = ClassMap.from_toml(TOML.replace(f'[classes.c{number}]\nname = "{name}"\n', ""))
            taken += decide_labels([name], _change(rest, outcome.setting))[0].decision == "accepted"
        assert outcome.strangers == taken, outcome.setting


def test_classes_that_are_alike_cost_precision():
    """Each of the two twins is taken for the other when it is out; without them nobody is."""
    made = calibrate_thresholds(MAP, stranger_share=0.5)
    assert made.present.strangers == 2
    assert made.present.precision < 0.9
    assert made.recommended.strangers == 0
    assert made.recommended.precision >= made.target
    alone = calibrate_thresholds(ClassMap.from_toml(TOML.replace("Crunchips", "Pringles")))
    assert alone.present.strangers == 0


def test_the_map_s_own_setting_is_among_those_tried():
    """Also values the grid does not have, and a map that accepts nothing fuzzily."""
    made = calibrate_thresholds(
        ClassMap.from_toml(f"[thresholds]\none_edit_letters = 9\ntwo_edits_letters = 10\nmax_edits = 2\n{TOML}")
    )
    assert made.present.setting[:3] == (2, 9, 10)
    none = calibrate_thresholds(ClassMap.from_toml(f"[thresholds]\nmax_edits = 0\n{TOML}"))
    assert none.present.setting.max_edits == 0
    assert none.present.recall < none.recommended.recall


def test_a_target_out_of_reach_is_said():
    """The most precise setting is recommended all the same."""
    made = calibrate_thresholds(
        ClassMap.from_toml('[classes.a]\nname = "Crunchips"\n[classes.b]\nname = "Crunchies"\n'), target=1.0, stranger_share=0.9
    )
    assert made.reaches_target == (made.recommended.precision >= 1.0)
    assert made.recommended.precision == max(outcome.precision for outcome in made.outcomes)


def test_the_same_seed_gives_the_same_figures():
    """Another one other answers."""
    assert calibrate_thresholds(MAP, seed=3) == calibrate_thresholds(MAP, seed=3)
    assert calibrate_thresholds(MAP, seed=3) != calibrate_thresholds(MAP, seed=4)


def test_laxer_settings_accept_no_less():
    """Recall and strangers never fall as more is allowed."""
    outcomes = {outcome.setting: outcome for outcome in calibrate_thresholds(MAP).outcomes}
    some = dict(list(outcomes.items())[::13])
    for setting, outcome in some.items():
        for other, further in some.items():
            if other.max_edits >= setting.max_edits and all(one >= two for one, two in zip(setting[1:], other[1:], strict=True)):
                assert further.recall >= outcome.recall
                assert further.strangers >= outcome.strangers


def test_variants_of_one_brand_are_no_strangers():
    """What an affix leads to another class does not count against the thresholds."""
    made = calibrate_thresholds(
        ClassMap.from_toml(f'affixes = [{{ suffix = "-text" }}]\n[classes.x]\nname = "Heineken-text"\n{TOML}')
    )
    assert made.relatives == 1


@pytest.mark.parametrize(
    "text",
    [
        '[classes.a]\nname = "Nike"\n',
        '[classes.a]\nname = "宝马"\n[classes.b]\nname = "7"\n',
        '[classes.a]\n[output]\ndrop = ["a"]\n',
    ],
)
def test_tiny_maps_end(text):
    """One class, nothing Latin, nothing left."""
    made = calibrate_thresholds(ClassMap.from_toml(text))
    assert made.is_rough
    assert 0 <= made.present.precision <= 1


def test_large_maps_are_sampled(monkeypatch):
    """Not more than so many spellings and strangers."""
    monkeypatch.setattr(threshold_calibration, "_MAX_SPELLINGS", 4)
    monkeypatch.setattr(threshold_calibration, "_MAX_STRANGERS", 3)
    made = calibrate_thresholds(MAP)
    assert (made.answers, made.strangers) == (4 * len(KINDS), 3)


@given(
    st.sampled_from(sorted(KINDS)),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    st.integers(0, 99),
)
def test_mess_is_small_and_repeatable(kind, text, seed):
    """A slip is one edit, two slips at most two; the same seed makes the same mess."""
    made = make_mess(kind, text, random.Random(seed), ["logo"])
    assert made == make_mess(kind, text, random.Random(seed), ["logo"])
    if kind not in {"case and punctuation", "noise word"}:
        assert OSA.distance(made, text.lower()) <= (2 if kind != "two slips" else 4)
