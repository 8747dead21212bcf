"""When a trial is given up: rules that are worked out before a wave begins, and followed by each trial's own process.

A rule looks at the trials of earlier waves alone. So a trial is pruned or not whatever runs beside it, and a sweep that was broken
off prunes what it would have pruned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from logoingest.experiments.trials.orders import PruningRule, TrialResult, TrialState

#: Shares of the epochs at which a trial must be in the better half (successive halving: K. Jamieson, A. Talwalkar, AISTATS 2016).
RUNGS = (0.25, 0.5)
#: Trials whose scores at a rung make a rule.
_FEWEST = 3
#: Folds that are run before a trial can be given up, and the chance of giving up one that is as good.
_FEWEST_FOLDS = 4
_LEVEL = 0.1


class PrunedTrial(Exception):  # noqa: N818  an ending, not an error
    """The trial is given up; the argument says why."""


def make_pruning_rule(kind: Literal["none", "halving", "wilcoxon"], earlier: Sequence[TrialResult], sign: int) -> PruningRule:
    """The rule for the trials of the next wave.

    Args:
        kind: as ``sweep.prune``.
        earlier: the trials of all earlier waves.
        sign: 1 where a higher metric is better, else -1.
    """
    if kind == "halving":
        reached = {rung: [score for one in earlier if (score := _find_score_at(one, rung, sign)) is not None] for rung in RUNGS}
        return PruningRule(
            least={str(rung): float(np.median(scores)) for rung, scores in reached.items() if len(scores) >= _FEWEST}
        )
    complete = [one for one in earlier if one.state is TrialState.COMPLETE and one.fold_scores]
    if kind == "wilcoxon" and complete:
        best = max(complete, key=lambda one: sign * (one.score or 0.0))
        return PruningRule(rival=[sign * score for score in best.fold_scores])
    return PruningRule()


def find_rung_epoch(rung: float, epochs: int) -> int:
    """The epoch after which a rung is looked at."""
    return max(1, math.ceil(rung * epochs))


def _find_score_at(one: TrialResult, rung: float, sign: int) -> float | None:
    epochs = int(one.config.get("epochs", 0)) or len(one.curve)
    place = find_rung_epoch(rung, epochs) - 1
    value = one.curve[place] if place < len(one.curve) else None
    return None if value is None or not math.isfinite(value) else sign * value


def check_rungs(rule: PruningRule, epoch: int, epochs: int, score: float | None) -> None:
    """Look at a rung after an epoch; ``score`` is such that higher is better.

    Raises:
        PrunedTrial: the trial is not in the better half.
    """
    for rung, least in rule.least.items():
        if epoch == find_rung_epoch(float(rung), epochs) and (score is None or not score >= least):
            shown = "no figure" if score is None else f"{abs(score):.4g}"
            raise PrunedTrial(
                f"pruned after epoch {epoch} of {epochs}: {shown}, the better half of earlier trials had {abs(least):.4g}"
            )


def check_folds(rule: PruningRule, scores: Sequence[float]) -> None:
    """Look at the folds so far; scores are such that higher is better (F. Wilcoxon, 1945; as in Optuna's WilcoxonPruner).

    Raises:
        PrunedTrial: the trial is worse than the best one on the same folds, and not by chance.
    """
    rival = rule.rival[: len(scores)]
    if len(rival) < max(_FEWEST_FOLDS, len(scores)) or np.mean(scores) >= np.mean(rival):
        return
    from scipy.stats import wilcoxon

    chance = float(wilcoxon(np.subtract(scores, rival), alternative="less", zero_method="zsplit").pvalue)
    if chance <= _LEVEL:
        raise PrunedTrial(f"pruned after fold {len(scores)}: worse than the best trial on the same folds (p = {chance:.3f})")
