"""A sweep from a config to its results: the settings as they stand, then trials in waves, the finalists, and test once for the winner."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from logoingest.config import Config, TrainConfig
from logoingest.config.sweep_section import Setting, SweepConfig, apply_settings
from logoingest.errors import Problem, UsageError
from logoingest.experiments.results.comparison import SettingsCompared, compare_candidates
from logoingest.experiments.results.summary import SweepSummary, choose_winner, summarise_sweep
from logoingest.experiments.results.table import EndedTrial, list_ended, rank_trials
from logoingest.experiments.results.writing import write_results
from logoingest.experiments.running.coordinator import Coordinator, SweepProgress
from logoingest.experiments.running.folder import SweepFolder
from logoingest.experiments.running.parallelism import ParallelChoice, choose_parallel, read_choice, write_choice
from logoingest.experiments.running.processes import TrialRunner
from logoingest.experiments.running.ray_tasks import RayRunner
from logoingest.experiments.running.runners import open_runner
from logoingest.experiments.space.samplers import Known, read_start, suggest_settings
from logoingest.experiments.space.tpe import check_optuna
from logoingest.experiments.trials.orders import PruningRule, Role, TrialOrder, TrialResult, TrialState
from logoingest.experiments.trials.pruning import make_pruning_rule
from logoingest.files.locks import hold_lock
from logoingest.release.keeping.opening import open_release
from logoingest.training.installation import check_installation
from logoingest.workspace import Workspace

#: The folder of a workspace where its sweeps and the newest results lie.
SWEEP_FOLDER = "sweep"
#: Numbers of finalists begin here, those of test behind them; so a sweep that goes on keeps the numbers of its trials.
FIRST_FINALIST, FIRST_TEST, _MOST_REPEATS = 100_000, 10_000_000, 64
#: Settings of a sweep that change how it runs, not what its trials show: with others it goes on in the same folder.
_FREE_KEYS = ("trials", "minutes", "parallel", "finalists", "repeats", "executor", "ray_address", "gpus")
_FREE_TRAINING_KEYS = {"device", "workers", "enabled", "log"}

Tell = Callable[[SweepProgress], None]


def run_sweep(
    config: Config,
    *,
    trials: int | None = None,
    parallel: int | Literal["auto"] | None = None,
    folder: Path | None = None,
    on_progress: Tell = lambda _progress: None,
    runner: TrialRunner | None = None,
) -> SweepSummary:
    """Run a sweep of the workspace's newest release, or go on with it.

    What lies in its folder is not done again; a sweep that was killed goes on where it was, and comes to the same trials.

    Args:
        config: of the dataset; ``sweep`` says what is tried, ``train`` where it begins.
        trials: in place of ``sweep.trials``.
        parallel: in place of ``sweep.parallel``; "auto" measures anew.
        folder: where sweeps and their results lie; ``<workspace>/sweep`` when left out.
        on_progress: told how far it is, twice a second.
        runner: where trials run, in place of ``sweep.executor``.

    Raises:
        UsageError: there is no release, nothing to vary, the metric is unknown, or another process runs this sweep.
        ConfigError: the settings as they stand cannot be trained.
        LogoingestError: the trial of the settings as they stand failed.
    """
    given = {"trials": trials, "parallel": parallel}
    sweep = SweepConfig.model_validate(
        config.sweep.model_dump() | {name: value for name, value in given.items() if value is not None}
    )
    plan = make_sweep_plan(config, sweep, folder)
    plan.folder.path.mkdir(parents=True, exist_ok=True)
    with hold_lock(plan.folder.path / "lock", wait=False) as is_mine:
        if not is_mine:
            raise UsageError(Problem(str(plan.folder.path), "another process runs this sweep", "wait for it, or end it"))
        with nullcontext(runner) if runner else open_runner(config) as chosen:
            return _Sweep(plan, chosen, on_progress, measures_anew=parallel == "auto").run()


def read_sweep(config: Config, folder: Path | None = None) -> SweepSummary:
    """What has come of a config's sweep so far; runs nothing.

    Raises:
        UsageError: there is no such sweep.
    """
    plan = make_sweep_plan(config, config.sweep, folder)
    trials = read_trials(plan)
    return _summarise(plan, trials, ())


def read_trials(plan: SweepPlan) -> list[EndedTrial]:
    """The trainings of a sweep that have ended.

    Raises:
        UsageError: none has.
    """
    trials = list_ended(plan.folder)
    if not trials:
        where = f"{plan.folder.path}: no trial of this config's sweep has ended"
        raise UsageError(
            Problem("sweep", where, "run it: logoingest sweep dataset.toml (another [train], space or release is another sweep)")
        )
    return trials


def compare_trials(config: Config, one: int, other: int, folder: Path | None = None) -> SettingsCompared:
    """Two trials of a config's sweep against each other, by all their trainings on the same pictures and folds.

    Raises:
        UsageError: there is no such sweep, or one of the trials did not come to its end.
    """
    plan = make_sweep_plan(config, config.sweep, folder)
    trials = read_trials(plan)
    complete = {trial.order.number for trial in rank_trials(trials, plan.sign)}
    missing = [number for number in (one, other) if number not in complete]
    if missing:
        hint = f"complete are {', '.join(map(str, sorted(complete)))}"
        raise UsageError(Problem("sweep compare", f"trial {missing[0]} did not come to its end", hint))
    return compare_candidates(trials, [(one, other)], plan.metric, plan.sign)[0]


class SweepPlan(NamedTuple):
    """What does not change while a sweep runs."""

    sweep: SweepConfig
    train: TrainConfig
    base_dir: Path
    release: Path
    fingerprint: str
    metric: str
    sign: int
    """1 where a higher metric is better, else -1."""
    folder: SweepFolder
    """Of this sweep."""
    results: Path
    """Where its results are written."""


def make_sweep_plan(config: Config, sweep: SweepConfig, folder: Path | None = None) -> SweepPlan:
    """Look up what a sweep needs, and where it lies.

    Raises:
        UsageError: as ``run_sweep``.
    """
    check_installation()
    from logoingest.training.recipe import find_metric
    from logoingest.training.running import load_recipe

    if not sweep.space:
        hint = "[sweep.space] names settings of [train]: lr = { low = 1e-4, high = 1e-2, log = true }"
        raise UsageError(Problem("sweep.space", "nothing to vary", hint))
    if sweep.sampler == "tpe":
        check_optuna()
    recipe = load_recipe(config.train.recipe, config.base_dir)
    name = sweep.metric or f"validation.{recipe.metrics[0].name}"
    sign = 1 if find_metric(recipe, name).higher_is_better else -1
    release = open_release(config)
    results = folder if folder is not None else _find_results(config)
    lying = results / _name_sweep(sweep, config.train, release.fingerprint, name)
    return SweepPlan(
        sweep, config.train, config.base_dir, Path(release.path), release.fingerprint, name, sign, SweepFolder(lying), results
    )


def _find_results(config: Config) -> Path:
    workspace = Workspace(config.workspace_url)
    if not workspace.is_local:
        hint = "its trials share pictures on this machine's disk: pull the release, or give run_sweep a folder"
        raise UsageError(Problem(workspace.url, "a sweep needs a workspace on a local disk", hint))
    return workspace.local_path(SWEEP_FOLDER)


def _name_sweep(sweep: SweepConfig, train: TrainConfig, fingerprint: str, metric: str) -> str:
    """Equal names: what one has tried, the other need not try again."""
    unused = () if sweep.screen else ("screen",)  # sweeps from before there were screens keep their names
    same = {
        "sweep": sweep.model_dump(mode="json", exclude={*_FREE_KEYS, "metric", *unused}),
        "train": train.model_dump(mode="json", exclude=_FREE_TRAINING_KEYS),
        "release": fingerprint,
        "metric": metric,
    }
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:12]


@dataclass
class _Sweep:
    """A sweep under way."""

    plan: SweepPlan
    runner: TrialRunner
    on_progress: Tell
    measures_anew: bool

    def run(self) -> SweepSummary:
        plan, sweep = self.plan, self.plan.sweep
        started = time.time()
        self._team = Coordinator(plan.folder, self.runner, 1, plan.sign, self.on_progress)
        start = order_start(plan)
        self._begin_with(start)
        self._team.parallel = self._find_parallel(start)
        self._team.ends_at = started + 60 * sweep.minutes if sweep.minutes else None
        self._search(start)
        self._team.ends_at = None
        self._repeat_finalists()
        notes = self._open_test()
        summary = _summarise(plan, list_ended(plan.folder), notes)
        write_results(summary, list_ended(plan.folder), plan.train, plan.sweep, plan.results)
        return summary

    def _begin_with(self, start: TrialOrder) -> None:
        """The settings as they stand, alone: what cannot be trained at all is said at once."""
        [result] = self._team.run([start], "first trial")
        if result is None or result.state is not TrialState.COMPLETE:
            why = "it did not end" if result is None else result.reason
            raise UsageError(
                Problem("sweep", f"the trial of the settings as they stand failed: {why}", f"see {find_log(self.plan)}")
            )

    def _find_parallel(self, start: TrialOrder) -> int:
        """As given; on a cluster as many as it has room for; or as measured (once a sweep, unless "auto" is asked for anew)."""
        wanted, path = self.plan.sweep.parallel, self.plan.folder.path / "parallel.json"
        if wanted != "auto":
            write_choice(ParallelChoice(wanted, "given", f"{wanted} at once, as given"), path)
            return wanted
        if isinstance(self.runner, RayRunner):
            places = self.runner.count_places(start.threads)
            write_choice(ParallelChoice(places.trials, places.binds, places.reason), path)
            return places.trials
        known = None if self.measures_anew else read_choice(path)
        if known is not None and known.binds != "given":
            return known.parallel
        tell = partial(self._tell_measuring)
        choice = choose_parallel(start, self.runner, self.plan.folder.path / "probes", self.plan.sweep.trials - 1, tell)
        write_choice(choice, path)
        self.plan.folder.note("parallel", parallel=choice.parallel, reason=choice.reason)
        return choice.parallel

    def _tell_measuring(self, what: str) -> None:
        self.on_progress(SweepProgress("measuring", 0, 0, 1, (), None, None, what))

    def _search(self, start: TrialOrder) -> None:
        """Waves of trials: what a wave is asked depends on the waves before it, and on nothing else."""
        sweep, orders = self.plan.sweep, [start]
        in_waves = sweep.sampler == "tpe" or sweep.prune != "none"
        while len(orders) < sweep.trials:
            results = [self.plan.folder.read_result(order.number) for order in orders]
            if any(result is None for result in results):
                return  # time is up
            count = min(sweep.wave if in_waves else sweep.trials, sweep.trials - len(orders))
            wave = self._ask(orders, [result for result in results if result is not None], count)
            if not wave:
                return
            orders += wave
            self._team.run(wave, "trials")

    def _ask(self, orders: Sequence[TrialOrder], results: Sequence[TrialResult], count: int) -> list[TrialOrder]:
        plan = self.plan
        known = [_show_to_sampler(order, result, plan.sign) for order, result in zip(orders, results, strict=True)]
        rule = make_pruning_rule(plan.sweep.prune, results, plan.sign)
        suggested = suggest_settings(plan.sweep, known, count)
        numbers = range(len(orders), len(orders) + len(suggested))
        wave = [
            make_order(plan, number, Role.TRIAL, number, chosen, pruning=rule)
            for number, chosen in zip(numbers, suggested, strict=True)
        ]
        for order in wave:
            if plan.folder.list_tries(order.number) == []:
                plan.folder.note("asked", trial=order.number, settings=dict(order.settings))
        return wave

    def _repeat_finalists(self) -> None:
        """The best trials with further seeds; after a screening with the first seed too, and the settings as they stand beside them."""
        plan, sweep = self.plan, self.plan.sweep
        ranked = rank_trials(list_ended(plan.folder), plan.sign)
        best = ranked[: sweep.finalists]
        if sweep.is_screening:
            best += [one for one in ranked if one.order.number == 0 and one not in best]
        first = 0 if sweep.is_screening else 1
        repeats = range(first, max(first, min(sweep.repeats, _MOST_REPEATS)))
        orders = [
            make_order(
                plan,
                FIRST_FINALIST + one.order.number * _MOST_REPEATS + repeat,
                Role.FINALIST,
                one.order.number,
                one.order.settings,
                repeat=repeat,
            )
            for one in best
            for repeat in repeats
        ]
        self._team.run(orders, "finalists")

    def _open_test(self) -> list[str]:
        """Train the winner, and the settings as they stand, and look at test: once a sweep, whatever comes later."""
        plan = self.plan
        trials = list_ended(plan.folder)
        winner = choose_winner(trials, plan.sign)
        opened = {one.order.of_trial for one in trials if one.order.role is Role.TEST} - {0}
        if winner is None:
            return []
        if opened and winner not in opened:
            return [
                f"test was opened for trial {opened.pop()} before and is not opened again for trial {winner}: a second look would choose by test"
            ]
        settings = {one.order.number: one.order.settings for one in trials if one.order.role is Role.TRIAL}
        orders = [
            make_order(plan, FIRST_TEST + number, Role.TEST, number, settings[number]) for number in dict.fromkeys((winner, 0))
        ]
        self._team.run(orders, "test")
        return []


def order_start(plan: SweepPlan) -> TrialOrder:
    """The first trial: the settings as they stand."""
    return make_order(plan, 0, Role.TRIAL, 0, read_start(plan.sweep, plan.train.model_dump(mode="json")))


def make_order(
    plan: SweepPlan,
    number: int,
    role: Role,
    of_trial: int,
    settings: Mapping[str, Setting],
    *,
    repeat: int = 0,
    pruning: PruningRule | None = None,
) -> TrialOrder:
    """One training of a sweep."""
    sweep = plan.sweep
    is_test, is_trial = role is Role.TEST, role is Role.TRIAL
    wanted = {**settings, **(sweep.screen if is_trial else {})}
    train = TrainConfig.model_validate(apply_settings(plan.train.model_dump(mode="json"), wanted)).model_dump(mode="json")
    train["seed"] += repeat
    return TrialOrder(
        number=number,
        role=role,
        of_trial=of_trial,
        settings=dict(settings),
        train=train,
        metric=plan.metric,
        release=str(plan.release.absolute()),
        fingerprint=plan.fingerprint,
        base_dir=str(plan.base_dir.absolute()),
        cache_dir=str(plan.results.absolute() / "decoded"),
        folds=0 if is_test else sweep.folds,
        subset=sweep.subset if is_trial else 1.0,
        is_screening=sweep.is_screening and is_trial,
        seed=sweep.seed,
        threads=sweep.threads,
        scored=("validation", "test") if is_test else ("validation",),
        pruning=pruning or PruningRule(),
    )


def find_log(plan: SweepPlan) -> Path:
    """The log of the first trial's last try."""
    tries = plan.folder.list_tries(0)
    return (tries[-1] if tries else plan.folder.path) / "log.txt"


def _show_to_sampler(order: TrialOrder, result: TrialResult, sign: int) -> Known:
    score = None if result.score is None or result.state is TrialState.FAILED else sign * result.score
    return Known(order.settings, score, result.state is TrialState.PRUNED)


def _summarise(plan: SweepPlan, trials: Sequence[EndedTrial], notes: Sequence[str]) -> SweepSummary:
    return summarise_sweep(
        trials,
        plan.sweep,
        metric=plan.metric,
        sign=plan.sign,
        release=plan.fingerprint,
        folder=str(plan.folder.path),
        parallel=read_choice(plan.folder.path / "parallel.json"),
        notes=notes,
    )
