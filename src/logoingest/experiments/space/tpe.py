"""Suggestions by Optuna's tree-structured Parzen estimator (J. Bergstra et al., NeurIPS 2011), in waves.

The study is made anew for every wave, from all trials in their order and a seed of the wave's own: what is suggested depends on
nothing else, not on who ended first, nor on how often the sweep was broken off.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.config.sweep_section import Knob, KnobRange, SweepConfig
from logoingest.errors import Problem, UsageError
from logoingest.experiments.space.knobs import Settings
from logoingest.experiments.space.samplers import Known


def suggest_by_tpe(sweep: SweepConfig, known: Sequence[Known], count: int) -> list[Settings]:
    """See ``suggest_settings``; the trials of one wave know of each other, so that they do not crowd."""
    check_optuna()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=(sweep.seed + len(known)) % 2**32, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space = {name: _describe_knob(knob) for name, knob in sweep.space.items()}
    study.add_trials([trial for one in known if (trial := _make_trial(one, space)) is not None])
    asked = [study.ask(space) for _ in range(count)]
    return [{name: _round(trial.params[name], sweep.space[name]) for name in space} for trial in asked]


def check_optuna() -> None:
    """See to it that Optuna is there.

    Raises:
        UsageError: it is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UsageError(Problem("sweep.sampler", "tpe needs Optuna", "install it: pip install 'logoingest[sweep]'"))


def _describe_knob(knob: Knob) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(knob, KnobRange):
        return CategoricalDistribution(list(dict.fromkeys(knob)))
    if isinstance(knob.low, int) and isinstance(knob.high, int):
        return IntDistribution(knob.low, knob.high, log=knob.log)
    return FloatDistribution(float(knob.low), float(knob.high), log=knob.log)


def _make_trial(one: Known, space: Mapping[str, Any]) -> Any:
    """FAIL, PRUNED (known by what it had reached) or COMPLETE; None for settings outside the space, as the first trial's may be."""
    import optuna

    states = optuna.trial.TrialState
    outcome: dict[str, Any]
    if one.score is None:
        outcome = {"state": states.FAIL}
    elif one.pruned:
        outcome = {"state": states.PRUNED, "intermediate_values": {1: one.score}}
    else:
        outcome = {"value": one.score}
    try:
        return optuna.trial.create_trial(params=dict(one.settings), distributions=dict(space), **outcome)
    except ValueError:
        return None


def _round(value: Any, knob: Knob) -> Any:
    return float(f"{value:.6g}") if isinstance(knob, KnobRange) and isinstance(value, float) else value
