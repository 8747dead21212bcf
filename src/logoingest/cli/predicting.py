"""The commands on a trained baseline: predict, safeguard."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, print_json
from logoingest.errors import Problem, UsageError

if TYPE_CHECKING:
    from logoingest.evidence.safeguards.answers import Prediction
    from logoingest.evidence.safeguards.study import Study
    from logoingest.training.detection.data.boxes import FoundBoxes

_MODEL_HELP = "the folder of a trained baseline, a workspace, or a dataset.toml"
_CODE_HELP = "import the code that the model names as its network, and so run it: only of somebody you trust"
#: Pictures of no class that are read, at most.
_MOST_STRANGERS = 5_000


def add_prediction_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    predict = add_command(
        commands,
        "predict",
        _command_predict,
        "what a baseline answers about pictures, and when it is not to be believed; of a detector, its boxes",
        config=False,
    )
    predict.add_argument("model", type=Path, metavar="MODEL", help=_MODEL_HELP)
    predict.add_argument("--allow-code", action="store_true", help=_CODE_HELP)
    predict.add_argument("files", type=Path, nargs="+", metavar="FILES", help="pictures, or folders of them")

    safeguard = add_command(
        commands,
        "safeguard",
        _command_safeguard,
        "learn anew when a baseline is to be believed; the network stays as it is",
        config=False,
    )
    safeguard.add_argument(
        "model", type=Path, metavar="MODEL", help="the folder of a trained baseline; a workspace's own is made by its training"
    )
    safeguard.add_argument("release", metavar="RELEASE", help="the release that it was trained on")
    safeguard.add_argument("--allow-code", action="store_true", help=_CODE_HELP)
    safeguard.add_argument("--strangers", type=Path, metavar="FOLDER", help="pictures of no class: half of them teach, half check")
    for option, default, text in (
        ("--ours-kept", 0.95, "share of our pictures that are not to be taken for strangers"),
        ("--precision", 0.9, "of every class, share of the accepted predictions that are to be right"),
    ):
        safeguard.add_argument(option, type=_read_share, default=default, metavar="SHARE", help=f"{text} (default: {default})")


def _read_share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")


def _command_predict(options: argparse.Namespace) -> int:
    from logoingest.training import is_detector, load_baseline

    with _find_model(options.model) as (folder, code):
        if is_detector(folder):
            return _detect(folder, options, options.allow_code or code)
        answers = load_baseline(folder, options.allow_code or code).predict(_list_files(options.files))
    if options.json:
        return print_json(answers)
    _print_predictions(answers)
    return 0


def _detect(folder: Path, options: argparse.Namespace, code: bool | Path) -> int:
    from logoingest.training import load_detector

    found = load_detector(folder, code).detect(_list_files(options.files))
    if options.json:
        return print_json(found)
    _print_found(found)
    return 0


def _command_safeguard(options: argparse.Namespace) -> int:
    from logoingest.training import make_safeguard

    strangers = _list_files([options.strangers], _MOST_STRANGERS) if options.strangers else []
    if options.model.suffix == ".toml":
        hint = "set train.safeguard_ours_kept and train.safeguard_precision, and run: logoingest train dataset.toml"
        raise UsageError(Problem(str(options.model), "a workspace's safeguard is made by its training", hint))
    made = make_safeguard(
        options.release, options.model, options.ours_kept, options.precision, strangers, allow_code=options.allow_code
    )
    if options.json:
        return print_json(made)
    _print_study(made)
    return 0


@contextlib.contextmanager
def _find_model(named: Path) -> Iterator[tuple[Path, Path | bool]]:
    """(The folder of the baseline that a path names, where its code lies if a config names that code itself)."""
    if named.suffix == ".toml":
        from logoingest.config import load_config
        from logoingest.pipeline import Run
        from logoingest.training import names_own_code

        config = load_config(named)
        with Run(config).workspace.local_copy("baseline") as folder:
            yield Path(folder), config.base_dir if names_own_code(folder, config.train) else False
        return
    yield (named / "baseline" if (named / "baseline" / "model.json").is_file() else named), False


def _list_files(named: Sequence[Path], most: int = 0) -> list[Path]:
    """Files as named; of a folder those in it and below it, by name."""
    listed: list[Path] = []
    for path in named:
        listed += sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    if not listed:
        raise UsageError(Problem(str(named[0]), "holds no files"))
    return listed[:most] if most else listed


def _print_predictions(answers: Sequence[Prediction]) -> None:
    from logoingest.cli.console import clean, open_console, start_table

    console = open_console(soft_wrap=True)
    table = start_table("file", "decision", "class", "probability", "distance", "why", numbers=("probability", "distance"))
    for one in answers:
        figures = ("" if value is None else f"{value:.3f}" for value in (one.probability, one.distance))
        table.add_row(clean(one.file), one.decision.value, clean(one.class_id or ""), *figures, clean(one.reason))
    console.print(table)
    counted = Counter(one.decision.value for one in answers)
    console.print(", ".join(f"{count:,} {decision}" for decision, count in sorted(counted.items())))


def _print_found(found: Sequence[FoundBoxes]) -> None:
    from logoingest.cli.console import clean, open_console, start_table
    from logoingest.wording import spell_count

    console = open_console(soft_wrap=True)
    table = start_table(
        "file", "class", "score", "x", "y", "width", "height", "why", numbers=("score", "x", "y", "width", "height")
    )
    for one in found:
        for box in one.boxes:
            table.add_row(clean(one.file), clean(box.class_id), f"{box.score:.3f}", *(f"{value:.0f}" for value in box.bbox), "")
        if not one.boxes:
            table.add_row(clean(one.file), *("" for _ in range(6)), clean(one.reason or "nothing found"))
    console.print(table)
    boxes, empty = sum(len(one.boxes) for one in found), sum(not one.boxes for one in found)
    console.print(f"{spell_count(boxes, 'box', 'boxes')} in {spell_count(len(found), 'picture')}, {empty:,} without any")


def _print_study(study: Study) -> None:
    from logoingest.cli.console import open_console, start_table

    console = open_console(soft_wrap=True)
    table = start_table("promise", "stated", "expected", "measured", "kept", numbers=("stated", "expected", "measured"))
    for one in study.promises:
        stated, measured = ("" if value is None else f"{value:.3f}" for value in (one.stated, one.measured))
        kept = {None: "", True: "yes", False: "no"}[one.is_kept]
        table.add_row(one.name, stated, f"{one.low:.3f} to {one.high:.3f}", measured, kept)
    console.print(table)
    if study.strangers_accepted is not None:
        tally = study.measured
        console.print(f"pictures of no class: {tally.strangers_accepted:,} of {tally.strangers:,} accepted")
    console.print(f"calibration error {study.calibration_error:.3f}, before {study.calibration_error_before:.3f}")
