"""Where a config's trials run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logoingest.config import Config
from logoingest.experiments.running.forks import CAN_FORK, ForkingRunner
from logoingest.experiments.running.processes import ProcessRunner, TrialRunner
from logoingest.experiments.running.ray_tasks import open_ray_runner


@contextmanager
def open_runner(config: Config) -> Iterator[TrialRunner]:
    """Where a config's trials run: here, forked from one process where the system allows it, or on a cluster.

    Weights are asked for as ``[fetch]`` says; trials are told by their environment, so that a proxy's password is in no file.
    """
    from logoingest.fetch.rules.settings import FetchSettings
    from logoingest.training.models.web import write_environment

    environment = write_environment(FetchSettings.from_config(config.fetch, config.base_dir, os.environ))
    if config.sweep.executor == "ray":
        with open_ray_runner(config.sweep.ray_address, config.sweep.gpus, environment) as runner:
            yield runner
        return
    if not CAN_FORK:
        yield ProcessRunner(environment)
        return
    with ForkingRunner(list_preloaded(config.train.recipe, config.base_dir), environment) as forking:
        yield forking


def list_preloaded(recipe: str, base_dir: Path) -> list[str]:
    """What each trial would load: our own modules, and torch where a recipe of one's own speaks of it; that recipe itself it loads."""
    from logoingest.training.running import BUILT_IN, load_recipe

    own = "logoingest.experiments.trials.work"
    if recipe in BUILT_IN:
        return [own, BUILT_IN[recipe].partition(":")[0]]
    module = sys.modules.get(type(load_recipe(recipe, base_dir)).__module__)
    return [own, "torch", "torchvision"] if hasattr(module, "torch") or hasattr(module, "nn") else [own]
