"""Release → baseline and its verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from logoingest.errors import GateError, LogoingestError, Problem
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.stages.release import RELEASE_MANIFEST
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run
    from logoingest.workspace import Manifest

VERDICT_FILE = "baseline/verdict.json"
#: Files that may be made anew of the same network (``logoingest safeguard``) without its training being out of date.
SAFEGUARD_FILE = "baseline/safeguard.json"
_REMADE = {SAFEGUARD_FILE, "baseline/references.parquet"}
#: Where a training stands that was broken off.
CHECKPOINT_FILE = "baseline.checkpoint"


def make_baseline(run: Run) -> StageOutput:
    """Train the baseline and judge it."""
    from logoingest.fetch.rules.settings import FetchSettings
    from logoingest.pipeline.no_class_pictures import read_no_class_pictures
    from logoingest.pipeline.training_runs import keep_record
    from logoingest.training import check_installation, train_baseline

    check_installation()
    from logoingest.training.models.web import reach_web
    from logoingest.workspace import hash_file

    train = run.config.train
    checkpoint = Path(run.workspace.path(CHECKPOINT_FILE)) if run.workspace.is_local else None
    web = reach_web(FetchSettings.from_config(run.config.fetch, run.config.base_dir, os.environ))
    with web, run.workspace.local_copy("release") as release, run.workspace.unfinished_folder("baseline") as folder:
        verdict = train_baseline(
            release,
            train,
            folder,
            run.config.base_dir,
            lambda phase, facts: run.progress(Stage.TRAIN, int(facts.get("done", 0)), facts.get("total"), phase),
            strangers=read_no_class_pictures(run),
            checkpoint=checkpoint,
        )
        made = {f"baseline/{file.name}": file for file in folder.iterdir() if file.is_file()}
        outputs = {name: hash_file(file) for name, file in made.items() if name not in _REMADE}
        keep_record(run.workspace, folder, train.keep_runs)
        run.workspace.replace_folder("baseline", folder)
    passed = sum(check.passed for check in verdict.checks)
    return StageOutput(outputs, {"checks": len(verdict.checks), "passed": passed})


def _hash_files(run: Run, _manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_source
    from logoingest.training.named_code import find_code_file

    train, found = run.config.train, {}
    if train.weights_file is not None:
        found["weights"] = hash_source(run.config.resolve(train.weights_file))
    for name, named in (("the recipe's code", train.recipe), ("the model's code", train.model)):
        code = find_code_file(named, run.config.base_dir)
        found |= {name: hash_source(code)} if code is not None else {}
    return found


def _check_torch(run: Run) -> None:
    from logoingest.pipeline.staleness import explain_staleness

    if explain_staleness(run, TRAIN, run.workspace.read_manifest()) is not None:
        from logoingest.training import check_installation

        check_installation()


def _find_failed_checks(run: Run) -> LogoingestError | None:
    if Stage.TRAIN not in run.workspace.read_manifest().stages:  # left out: the release's own gate says why
        return None
    checks = json.loads(run.workspace.read_bytes(VERDICT_FILE))["checks"]
    problems = [
        Problem(
            "baseline verdict",
            f"{check['name']}: {check['figure']:.4g}, should be {check['comparison']} {check['threshold']:.4g}",
            check["meaning"],
        )
        for check in checks
        if not check["passed"]
    ]
    return GateError(problems) if problems else None


TRAIN = StageSpec(
    name=Stage.TRAIN,
    version=3,
    needs=(Stage.RELEASE,),
    reads={RELEASE_MANIFEST: Stage.RELEASE},
    make=make_baseline,
    help="train the baseline and judge it",
    settings=lambda config: config.train.model_dump(mode="json", exclude={"device", "workers", "log", "keep_runs"}),
    further_inputs=_hash_files,
    is_wanted=lambda config: config.train.enabled,
    check_extras=_check_torch,
    find_fault=_find_failed_checks,
    trusts=(Stage.RELEASE,),
)
