"""Judge: figures, controls and leaks of a training, weighed into one verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from logoingest.training.checks.controls import (
    measure_one_batch,
    measure_start_loss,
    name_zero_input_class,
    score_shuffled_labels,
)
from logoingest.training.checks.leaks import Leak
from logoingest.training.checks.verdict import (
    Check,
    Verdict,
    check_beats,
    check_finite,
    check_leaks,
    check_one_batch,
    check_shuffled,
    check_start_loss,
)
from logoingest.training.classification.training import Trained, rebuild_untrained
from logoingest.training.loop.phases import Phases
from logoingest.training.loop.scores import find_largest_share, find_majority

_DIVERGED = "the training diverged, so nothing was learnt, whatever the labels say: see the check that it stayed finite"
_NOT_EVEN_TRAIN = (
    "the network has not learnt its own training pictures either: the learning rate is far off, it was trained too little, too much of "
    "it is frozen, or the labels say nothing about the pictures"
)
_NOTHING_LEARNT = "the labels say nothing about the pictures: wrong labels, too few pictures a class, or too little training"
_BLIND = "the model learns how frequent the classes are, not what they look like"


class ZeroInput(NamedTuple):
    """The class that a network names that sees only black, and the share of test that is of it."""

    class_index: int
    share: float


class Shuffled(NamedTuple):
    """Test pictures right after learning permuted labels, of how many."""

    correct: int
    images: int


class Controls(NamedTuple):
    """What small trainings showed whose outcome is known beforehand; the last two are None where the config leaves them out."""

    start_loss: float
    """Of the untrained network, in nats."""
    memorised: float
    """Share of one batch learnt by heart."""
    memorise_steps: int
    zero_input: ZeroInput | None
    shuffled: Shuffled | None


def run_controls(trained: Trained, phases: Phases | None = None) -> Controls:
    """Run the controls on the network as it was before it was trained.

    Args:
        trained: of which the config, the feeds and the seed are taken; it is left as it is.
        phases: told how far it is: start, controls.
    """
    phases = phases or Phases()
    job, train, test = rebuild_untrained(trained), trained.feeds["train"], trained.feeds["test"]
    with phases.phase("start"):
        start_loss = measure_start_loss(job, train)
        memorised, steps = measure_one_batch(job, train)
    if not trained.config.controls:
        return Controls(start_loss, memorised, steps, None, None)
    with phases.phase("controls"):
        index = name_zero_input_class(job, train)
        zero_input = ZeroInput(index, float((test.labels == index).mean()))
        shuffled = Shuffled(*score_shuffled_labels(job, train, test))
    return Controls(start_loss, memorised, steps, zero_input, shuffled)


def judge(trained: Trained, controls: Controls, leaks: Sequence[Leak]) -> Verdict:
    """Whether the training shows that the release can be learnt from. Computes nothing anew, so it costs nothing.

    Args:
        trained: with predictions of test.
        controls: of the same training, or of another one of the same config.
        leaks: of the release.
    """
    count, margin = len(trained.class_ids), trained.config.min_margin
    test = trained.predictions["test"]
    counts = (test.count_correct(), len(test.labels))
    _, majority_share = find_majority(trained.feeds["train"].labels, test.labels, count)
    finite = check_finite([epoch.train_loss for epoch in trained.history], math.log(count), trained.job.config.lr or 0.0)
    checks: list[Check] = [
        check_start_loss(controls.start_loss, count),
        check_one_batch(controls.memorised),
        finite,
        check_beats("beats the majority class", counts, majority_share, margin, explain_unbeaten(trained, finite)),
    ]
    if controls.zero_input is not None:
        blind = _BLIND if finite.passed else _DIVERGED
        checks.append(check_beats("beats a model that sees nothing", counts, controls.zero_input.share, margin, blind))
    if controls.shuffled is not None:
        checks.append(check_shuffled(*controls.shuffled, find_largest_share(test.labels)))
    return Verdict((*checks, check_leaks(len(leaks))))


def explain_unbeaten(trained: Trained, finite: Check) -> str:
    """What it means when test is not beaten: the labels are blamed only where the network learnt what it was shown."""
    if not finite.passed:
        return _DIVERGED
    labels = trained.feeds["train"].labels
    own = trained.history[-1].train_accuracy - find_largest_share(labels)
    return _NOTHING_LEARNT if own >= trained.config.min_margin else _NOT_EVEN_TRAIN
