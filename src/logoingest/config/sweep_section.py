"""[sweep]: many trainings over one release, and the space of settings they are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, NonNegativeFloat, PositiveInt, ValidationError, model_validator

from logoingest.config.toml_table import Section
from logoingest.errors import suggest_name

#: A value of a setting.
Setting: TypeAlias = bool | int | float | str
#: Settings of the training that no sweep changes, and why.
_FIXED = {
    "enabled": "a sweep trains anyway",
    "recipe": "a sweep is of one recipe",
    "seed": "repeats are what tries other seeds",
    "device": "all trials of a sweep run on the same kind of device",
    "log": "it changes no figure",
    "workers": "it changes no figure",
}


class KnobRange(Section):
    """Numbers from ``low`` to ``high``, both included; whole ones where both are whole."""

    low: int | float
    high: int | float
    log: bool = False
    """Spread evenly over the orders of magnitude."""
    points: Annotated[int, Field(ge=2, le=100)] = 3
    """With sampler = "grid" or "one_at_a_time": as many values, evenly spread."""

    @model_validator(mode="after")
    def _rises(self) -> KnobRange:
        if not self.low < self.high:
            raise ValueError(f"low = {self.low:g} is not below high = {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low:g}, but log = true needs numbers above 0")
        return self


Knob: TypeAlias = Annotated[tuple[Setting, ...], Field(min_length=1, max_length=1000)] | KnobRange


class SweepConfig(Section):
    """Many trainings over the release: what is tried, how it is compared (docs/sweeps.md)."""

    trials: PositiveInt = 24
    """Trials at most, the config as it stands (always the first) among them; the finalists' repeats come on top."""
    minutes: NonNegativeFloat = 0
    """No trial begins later; 0 sets no limit. How far a sweep comes then depends on the machine."""
    sampler: Literal["random", "grid", "tpe", "one_at_a_time"] = "random"
    """grid: every combination; tpe: by what was good so far (extra "sweep"); one_at_a_time: one setting changed, all others as they are."""
    metric: str = ""
    """What is best, as in "validation.top1" (never of test); left out, the recipe's first on validation."""
    folds: Annotated[int, Field(ge=0, le=50)] = 0
    """Score a trial on so many folds of train and validation, cut by the laws of the splits; 0 uses the release's validation."""
    finalists: PositiveInt = 3
    """Of the best trials, how many are trained again with further seeds, and on all of train."""
    repeats: PositiveInt = 3
    """Seeds of each finalist."""
    prune: Literal["none", "halving", "wilcoxon"] = "none"
    """halving: at a quarter and at half of its epochs a trial must be in the better half so far; wilcoxon: stop between folds (needs five)."""
    subset: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of train's groups that trials learn from, stratified; finalists learn from all."""
    screen: dict[str, Setting] = {}
    """Settings of [train] that make trials cheap, as in {image_side_px = 96, epochs = 4}; finalists are trained without them."""
    parallel: Literal["auto"] | PositiveInt = "auto"
    """Trials at once; "auto" measures how many pay (docs/sweeps.md)."""
    threads: PositiveInt = 1
    """Threads of a trial on a CPU. Another number rounds otherwise, so it is no matter of the machine."""
    wave: PositiveInt = 8
    """With tpe or prune: trials that are asked for at once; what they show counts for the next ones."""
    seed: int = 0
    """Of the suggestions, the folds and the subset."""
    executor: Literal["local", "ray"] = "local"
    """Where trials run: processes of this machine, or tasks of a Ray cluster (extra "ray")."""
    ray_address: str = ""
    """Of the cluster's head, host:port; left out, what RAY_ADDRESS says, else a cluster of this machine alone."""
    gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
    """With executor = "ray": GPUs of a trial, a fraction where several share one."""
    space: dict[str, Knob] = {}
    """Setting of [train] → a list of values, or {low = 1e-4, high = 1e-2, log = true}. "recipe_options.x" is x in that table."""

    @model_validator(mode="after")
    def _agree(self) -> SweepConfig:
        if self.folds == 1:
            raise ValueError("folds = 1: ask for 0 (the release's validation) or at least 2")
        if self.prune == "wilcoxon" and self.folds < 5:
            raise ValueError(f'prune = "wilcoxon" compares four folds and more, and folds = {self.folds}: set it to 5 or more')
        if self.metric.startswith("test."):
            raise ValueError("metric is of test, which is opened once, for the winner: choose by validation")
        return self

    @property
    def is_screening(self) -> bool:
        """Whether trials are trained on less than the finalists are."""
        return self.subset < 1 or bool(self.screen)


def apply_settings(train: Mapping[str, Any], settings: Mapping[str, Setting]) -> dict[str, Any]:
    """A [train] table with some settings changed; a dotted name leads into a table in it."""
    changed = dict(train)
    for name, value in settings.items():
        head, _, rest = name.partition(".")
        changed[head] = apply_settings(changed.get(head) or {}, {rest: value}) if rest else value
    return changed


def find_sweep_faults(sweep: SweepConfig, train: Section) -> Iterator[str]:
    """What in a sweep cannot be meant: settings that do not exist, are not to be swept or are swept twice, values that [train] refuses."""
    for name, knob in sweep.space.items():
        yield from (f"space.{name}: {fault}" for fault in _find_setting_faults(train, name, _list_corners(knob)))
    for name, value in sweep.screen.items():
        yield from (f"screen.{name}: {fault}" for fault in _find_setting_faults(train, name, (value,)))
        if name in sweep.space:
            yield f"screen.{name}: it is in space too, and a trial cannot have both"


def _find_setting_faults(train: Section, name: str, values: Iterable[Setting]) -> Iterator[str]:
    plain, known = train.model_dump(), [name for name in type(train).model_fields if name not in _FIXED]
    head, _, rest = name.partition(".")
    if head in _FIXED:
        yield _FIXED[head]
    elif head not in known or (rest and not isinstance(plain[head], dict)):
        yield f"there is no train.{name}; {suggest_name(head, known, 'it is one of ' + ', '.join(known))}"
    else:
        yield from (fault for value in values if (fault := _find_fault(train, plain, name, value)))


def _list_corners(knob: Knob) -> tuple[Setting, ...]:
    return (knob.low, knob.high) if isinstance(knob, KnobRange) else knob


def _find_fault(train: Section, plain: Mapping[str, Any], name: str, value: Setting) -> str | None:
    try:
        type(train).model_validate(apply_settings(plain, {name: value}))
    except ValidationError as error:
        return f"{value!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
    return None
