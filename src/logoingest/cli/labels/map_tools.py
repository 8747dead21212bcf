"""``labels`` commands — lint, explain, words, apply, calibrate: what a class map is and does."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, print_json
from logoingest.errors import ClassMapError, Problem, UsageError
from logoingest.plain_json import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logoingest.cli.labels.label_files import LabelColumn
    from logoingest.labels.crowd.contradictions import Contradiction
    from logoingest.labels.matching.label_batch import LabelBatch

_STDIO = "-"


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
    lint = add_command(
        commands, "lint", _command_lint, "check a class map: what is wrong, doubtful or unused, and where", config=False
    )
    _add_map(lint)
    _add_labels(lint, "answers, to see which aliases and classes they never use")
    lint.add_argument(
        "--dataset",
        type=Path,
        metavar="CONFIG",
        help="a dataset.toml: what the answers in its workspace never use, and what they contradict about the same pictures",
    )

    explain = add_command(commands, "explain", _command_explain, "why an answer comes out as it does", config=False)
    _add_map(explain)
    explain.add_argument("label", metavar="RAW", help="the answer as typed; - reads it from stdin")

    words = add_command(
        commands,
        "words",
        _command_words,
        'the noise words and "no label" answers that count, and where each list is from',
        config=False,
    )
    _add_map(words)

    apply = add_command(commands, "apply", _command_apply, "decide every answer of a file", config=False)
    _add_map(apply)
    apply.add_argument("source", metavar="IN", help="CSV, TSV, JSON lines or Parquet; - is stdin")
    apply.add_argument("target", metavar="OUT", help="CSV, TSV or Parquet by its suffix; - is CSV on stdout")
    _add_column(apply)

    calibrate = add_command(
        commands,
        "calibrate",
        _command_calibrate,
        "expected precision and recall per threshold setting, simulated from the map",
        config=False,
    )
    _add_map(calibrate)
    _add_labels(calibrate, "answers, to see how many of them each setting accepts")
    calibrate.add_argument(
        "--precision", type=_read_share, default=0.995, metavar="P", help="what the recommended setting shall reach (default: .995)"
    )
    calibrate.add_argument(
        "--stranger-share",
        type=_read_share,
        default=None,
        metavar="S",
        help="answers that mean no class of the map, 0 to 1 (default: .2)",
    )
    calibrate.add_argument("--seed", type=int, default=0, metavar="N", help="of the simulation (default: 0)")


def _add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("map", type=Path, metavar="MAP", help="a class map (TOML)")


def _add_labels(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--labels", metavar="FILE", help=f"a CSV, TSV, JSON lines or Parquet file of {text}; - is stdin")
    _add_column(parser)


def _add_column(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--column", metavar="NAME", help="the column of the answers (default: raw, raw_label, label, or a guess)")
    parser.add_argument("--encoding", default="utf-8", metavar="NAME", help="of a text file (default: utf-8)")


def _read_share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _command_lint(options: argparse.Namespace) -> int:
    from logoingest.cli.labels.map_printing import print_lint
    from logoingest.labels.lint.rules import lint_class_map

    raw_labels, contradictions = _ask_dataset(options) if options.dataset else (_read_labels(options), ())
    report = lint_class_map(options.map, raw_labels, contradictions)
    if options.json:
        print_json(report)
    else:
        print_lint(report, every=options.verbose, notes=not options.quiet)
    return 2 if report.has_errors else 0


def _ask_dataset(options: argparse.Namespace) -> tuple[list[str], Sequence[Contradiction]]:
    """(the distinct answers of ``--dataset``, what its crowd says against the map; nothing where the map cannot be read)."""
    from logoingest.config import load_config
    from logoingest.labels import ClassMap
    from logoingest.pipeline import Run
    from logoingest.pipeline.crowd.findings import ask_crowd, read_crowd_answers

    if options.labels is not None:
        raise UsageError(Problem("--dataset", "and --labels exclude each other", "the dataset's answers are in its workspace"))
    run = Run(load_config(options.dataset))
    answers = read_crowd_answers(run)
    try:
        against = ask_crowd(run, answers, class_map=ClassMap.load(options.map)).contradictions
    except ClassMapError:  # lint says itself, and better, what is wrong
        against = ()
    return [text or "" for text in answers.column("raw_label").unique().to_pylist()], against


def _command_explain(options: argparse.Namespace) -> int:
    from logoingest.cli.labels.map_printing import print_explanation
    from logoingest.labels import ClassMap, explain_label

    raw = sys.stdin.read().removesuffix("\n") if options.label == _STDIO else options.label
    explanation = explain_label(raw, ClassMap.load(options.map))
    if options.json:
        from logoingest.cli.labels.map_answers import describe_explanation

        return print_json(describe_explanation(explanation))
    print_explanation(explanation)
    return 0


def _command_words(options: argparse.Namespace) -> int:
    from logoingest.cli.labels.map_printing import print_words
    from logoingest.labels import ClassMap

    class_map = ClassMap.load(options.map)
    if options.json:
        from logoingest.cli.labels.map_answers import describe_words

        return print_json(describe_words(class_map.word_lists))
    print_words(class_map.word_lists)
    return 0


def _command_apply(options: argparse.Namespace) -> int:
    from logoingest.cli.labels.label_files import open_labels
    from logoingest.labels import ClassMap
    from logoingest.labels.matching.label_batch import check_target, decide_batch, write_batch, write_csv

    to_stdout = options.target == _STDIO
    if not to_stdout:
        check_target(Path(options.target))
    class_map = ClassMap.load(options.map)
    with open_labels(options.source, options.column, options.encoding) as column:
        batch = decide_batch(column, class_map)
    if to_stdout:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        write_csv(batch, sys.stdout)
        sys.stdout.flush()
    else:
        write_batch(batch, Path(options.target))
    _tell_batch(options, column, batch, to_stdout)
    return 0


def _tell_batch(options: argparse.Namespace, column: LabelColumn, batch: LabelBatch, to_stdout: bool) -> None:
    from logoingest.cli.labels.map_answers import DecidedFile
    from logoingest.cli.labels.map_printing import print_batch

    facts = DecidedFile(
        rows=len(batch.rows),
        distinct=batch.labels.num_rows,
        column=column.name,
        decisions=batch.count_decisions(),
        unreadable=len(column.faults),
        first_fault=column.faults[0] if column.faults else None,
        target=options.target,
    )
    if options.json:
        print(json.dumps(to_json(facts), ensure_ascii=False), file=sys.stderr if to_stdout else sys.stdout)
    elif not (options.quiet and not column.faults):
        print_batch(facts, stderr=to_stdout)


def _command_calibrate(options: argparse.Namespace) -> int:
    from logoingest.cli.labels.map_printing import print_calibration
    from logoingest.labels import ClassMap
    from logoingest.labels.thresholds.calibration import STRANGER_SHARE, calibrate_thresholds

    class_map = ClassMap.load(options.map)
    share = STRANGER_SHARE if options.stranger_share is None else options.stranger_share
    made = calibrate_thresholds(class_map, _read_labels(options) or (), options.precision, share, options.seed)
    if options.json:
        from logoingest.cli.labels.map_answers import describe_calibration

        return print_json(describe_calibration(made))
    print_calibration(made)
    return 0


def _read_labels(options: argparse.Namespace) -> list[str] | None:
    """The distinct answers of ``--labels``; None where it is not given."""
    from logoingest.cli.labels.label_files import open_labels

    if options.labels is None:
        return None
    with open_labels(options.labels, options.column, options.encoding) as column:
        return list(dict.fromkeys(column))
