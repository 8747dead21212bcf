"""Judge: a detector's figures, controls and leaks, weighed into one verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from logoingest.training.checks.leaks import Leak
from logoingest.training.checks.verdict import Check, Verdict, check_finite, check_leaks
from logoingest.training.detection.controls import MEMORISED, DetectionControls
from logoingest.training.detection.fitting import DetectionEpoch

#: The loss of the last epoch is at most this share of the untrained detector's.
FALLEN_SHARE = 0.9
#: What a detector that learnt the boxes of other pictures may have more than the box prior, by luck.
SHUFFLED_SLACK = 0.05


def judge_detector(
    history: Sequence[DetectionEpoch],
    controls: DetectionControls,
    map50: float | None,
    settings: tuple[float, float],
    leaks: Sequence[Leak],
) -> Verdict:
    """Whether the training shows that the release's boxes can be learnt from. Computes nothing anew.

    Args:
        history: of the training.
        controls: of the same config.
        map50: on test; None where it has no boxes.
        settings: how far that must be above the box prior, and the learning rate.
        leaks: of the release.
    """
    min_margin, lr = settings
    checks = [
        check_finite([epoch.train_loss for epoch in history], controls.start_loss, lr),
        check_fallen(history, controls.start_loss),
        check_memorised(controls.memorised),
        check_beats_prior(map50, controls.prior_map50, min_margin),
    ]
    if controls.shuffled_map50 is not None:
        checks.append(check_swapped_boxes(controls.shuffled_map50, controls.shuffled_prior_map50 or 0.0))
    return Verdict((*checks, check_leaks(len(leaks))))


def check_fallen(history: Sequence[DetectionEpoch], start: float) -> Check:
    """The last epoch's mean loss against that of the untrained detector."""
    last = history[-1].train_loss if history else math.inf
    bound = FALLEN_SHARE * start
    passed = math.isfinite(last) and math.isfinite(bound) and last <= bound
    meaning = "the detector learnt nothing: the learning rate is far off, everything is frozen, or the epochs are too few"
    return Check("loss falls", passed, _round(last), _round(bound), "at most", meaning)


def check_memorised(map50: float) -> Check:
    """Average precision on a few pictures after learning nothing else."""
    meaning = "boxes do not fit their pictures (another size, another orientation), or too much of the detector is frozen"
    return Check("one batch can be overfitted", map50 >= MEMORISED, _round(map50), MEMORISED, "at least", meaning)


def check_beats_prior(map50: float | None, prior: float, min_margin: float) -> Check:
    """Test mAP against the boxes that train says most often."""
    figure, bound = map50 or 0.0, prior + min_margin
    meaning = "the boxes say nothing about the pictures: wrong boxes, too few pictures a class, or too little training"
    return Check("beats the box prior", figure >= bound, _round(figure), _round(bound), "at least", meaning)


def check_swapped_boxes(map50: float, prior: float) -> Check:
    """Test mAP of a detector that learnt the boxes of other pictures: no more than the prior has."""
    bound = prior + SHUFFLED_SLACK
    meaning = "the boxes leak into the pictures or the scoring: what is measured is not learning"
    return Check("shuffled boxes teach nothing", map50 <= bound, _round(map50), _round(bound), "at most", meaning)


def _round(value: float) -> float:
    """JSON knows no NaN."""
    return round(value, 6) if math.isfinite(value) else 1e9
