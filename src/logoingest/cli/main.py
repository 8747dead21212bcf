"""The command line: parse, call, print, exit code. No logic of its own; heavy modules are imported by the command that needs them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from logoingest.cli.arguments import CommandParser, add_command, join_group_word, load_options, print_json
from logoingest.cli.completion import add_completion_command
from logoingest.cli.evidence import add_evidence_commands
from logoingest.cli.examples import add_example_command
from logoingest.cli.labels import add_label_commands
from logoingest.cli.predicting import add_prediction_commands
from logoingest.cli.releases import RELEASE_COMMANDS, add_release_commands, drop_group_word
from logoingest.cli.releases.duplicates import AGAINST_HELP
from logoingest.cli.retention import add_retention_commands
from logoingest.cli.serving import add_web_command
from logoingest.cli.splits import SPLIT_COMMANDS, add_split_commands
from logoingest.cli.sweeps import SWEEP_COMMANDS, add_sweep_commands
from logoingest.cli.trainings import add_training_commands
from logoingest.errors import LogoingestError, UsageError, find_exit_code
from logoingest.files.stores import list_store_errors
from logoingest.imports.compiler import hold_compiler_back
from logoingest.imports.lean import let_threads_sleep, take_pages_as_needed
from logoingest.pipeline.stages import list_stages
from logoingest.version import __version__

if TYPE_CHECKING:
    from logoingest.pipeline import StageSpec

#: What stands behind a stage's command in ``--help`` where a group of commands shares its word.
_GROUP_HINTS = {
    "splits": "or 'splits explain': why a picture is where it is",
    "release": f"or 'release' before one of: {', '.join(RELEASE_COMMANDS)}",
}
#: Commands that are the first word of others, too.
_GROUPS = {"splits": SPLIT_COMMANDS, "sweep": SWEEP_COMMANDS}
#: Options of ``init``: the key of a source each sets.
_SOURCE_OPTIONS = (
    ("url_column", "COLUMN", "the column of the pictures' URLs (found when left out, as are the others)"),
    ("label_column", "COLUMN", "the column of the answers"),
    ("worker_column", "COLUMN", "the column of who answered"),
    ("id_column", "COLUMN", "the column of the source's own id of an answer"),
    ("format", "FORMAT", "mturk, tabular, urls, label_studio, voc, coco …"),
    ("delimiter", "CHARACTER", "what is between two cells, or between a URL and its label"),
    ("sheet", "NAME", "the sheet of an Excel workbook"),
    ("encoding", "ENCODING", "of a file that is not UTF-8, for example cp1252"),
    ("url_prefix", "PREFIX", "what stands before file names and ids that are no URLs"),
)
_EPILOG = """\
exit codes:
  0  all well
  1  a fault of ours
  2  usage, config, class map, source file or workspace: the message says what to do
  3  a gate failed: baseline verdict, too few images, a broken law
  4  done, but more URLs failed than dataset.max_failed_share
  5  another run has taken the workspace over (this one was paused, or cut off from its disk): nothing more was written
  6  the disk is full, nearly full, or the workspace has used up retention.max_workspace_bytes: what is done is kept
  130, 143  stopped by Ctrl-C or SIGTERM (129: the terminal was closed); what is done is kept
"""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a terminal that was closed, taken like Ctrl-C; its number is the argument."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    let_threads_sleep()
    take_pages_as_needed()
    hold_compiler_back()
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(join_group_word(drop_group_word(given), _GROUPS))
    _start_logging(options)
    previous = {number: signal.getsignal(number) for number in _list_endings()}
    for number in previous:
        signal.signal(number, _raise_terminated)
    try:
        return int(options.command(options))
    except LogoingestError as error:
        return _print_problems(error)
    except KeyboardInterrupt as stop:
        kept = "; ".join(["what is done is kept", *getattr(stop, "__notes__", ())])
        with contextlib.suppress(OSError):  # the terminal is gone
            print(f"logoingest: stopped; {kept}. Go on with: {shlex.join(['logoingest', *given])}", file=sys.stderr)
        return find_exit_code(stop)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except list_store_errors() as error:
        from logoingest.workspace.pending_file import explain_system_error

        if (refusal := explain_system_error(error)) is None:
            raise
        return _print_problems(refusal)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _print_problems(error: LogoingestError) -> int:
    """What is wrong, a line each; returns the exit code."""
    for problem in error.problems:
        print(f"logoingest: {problem}", file=sys.stderr)
    return find_exit_code(error)


def _list_endings() -> list[signal.Signals]:
    """The signals that end a run as Ctrl-C does; SIGHUP not where it is ignored (nohup)."""
    endings = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        endings.append(signal.SIGHUP)
    return endings


def _raise_terminated(number: int, _frame: object) -> None:
    raise _Terminated(number)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = CommandParser(
        prog="logoingest",
        description="From a list of image URLs with crowd answers to a train-ready, leak-free dataset.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"logoingest {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    init = add_command(
        commands, "init", _command_init, "look at source files and write dataset.toml and a first class map", config=False
    )
    init.add_argument("folder", type=Path, metavar="FOLDER")
    init.add_argument(
        "--from", dest="sources", type=Path, action="append", required=True, metavar="FILE",
        help="a file with URLs and answers, a folder of them, or a quoted pattern (repeatable)",
    )  # fmt: skip
    init.add_argument(
        "--prefect", type=Path, nargs="?", const=True, metavar="PROJECT",
        help="also write prefect.yaml and flows.py, in FOLDER or in a folder above it, or add the dataset to that prefect.yaml",
    )  # fmt: skip
    init.add_argument(
        "--legend", type=Path, metavar="FILE", help="a table of codes and what they mean, where people answered with codes"
    )
    for key, metavar, text in _SOURCE_OPTIONS:
        init.add_argument(f"--{key.replace('_', '-')}", metavar=metavar, help=text)

    words = [str(spec.word) for spec in list_stages()]
    plan = add_command(commands, "plan", _command_plan, "say what would run and why; touches nothing")
    plan.add_argument("--until", choices=words, type=_read_stage, metavar="STAGE")

    run = add_command(commands, "run", _command_run, "run the whole route; fresh stages are skipped")
    run.add_argument("--until", choices=words, type=_read_stage, metavar="STAGE", help=f"the last stage: {', '.join(words)}")
    run.add_argument(
        "--from", dest="start", choices=words, type=_read_stage, metavar="STAGE", help="run this stage and all after it anew"
    )

    stages = {}
    for spec in list_stages():
        text = "; ".join(filter(None, (spec.help, _GROUP_HINTS.get(spec.word))))
        stages[spec.word] = add_command(commands, str(spec.word), _command_stage, text)
        stages[spec.word].set_defaults(stage=spec)
    fetch, only = stages["fetch"], "with --refresh: only this host and its subdomains (repeatable)"
    fetch.set_defaults(command=_command_fetch)
    fetch.add_argument("--refresh", action="store_true", help="ask again for what was fetched: is it changed, is it gone?")
    fetch.add_argument("--host", action="append", default=[], metavar="HOST", help=only)

    status = add_command(commands, "status", _command_status, "where every row is: kept and rejected by reason, per stage")
    status.add_argument(
        "--history", action="store_true", help="the runs instead: when, what changed, what was released, how each ended"
    )

    retry = add_command(commands, "retry", _command_retry, "fetch again what failed, and only that")
    retry.add_argument("--reason", action="append", default=[], metavar="REASON", help="e.g. timeout, http_5xx, dns (repeatable)")
    retry.add_argument("--host", action="append", default=[], metavar="HOST", help="only this host and its subdomains (repeatable)")
    retry.add_argument("--status", action="append", default=[], type=int, metavar="CODE", help="only this HTTP status (repeatable)")

    verify = add_command(
        commands, "verify", _command_verify, "reopen the release (config, config@v2 or release folder) and check every law"
    )
    verify.add_argument("--quick", action="store_true", help="do not decode the pictures or reopen with other libraries")
    verify.add_argument("--against", action="append", default=[], metavar="OTHER", help=f"look for leaks to it: {AGAINST_HELP}")

    explain = add_command(commands, "explain", _command_explain, "the audit trail of one thing through every stage")
    which = explain.add_mutually_exclusive_group(required=True)
    which.add_argument("--url", metavar="URL")
    which.add_argument("--label", metavar="RAW")
    which.add_argument("--row", type=int, metavar="N", help="source row, from 1, the header not counted")

    labels = commands.add_parser(
        "labels", help="class maps: check, explain, apply, grow and review them", description="Class-map tools."
    )
    add_label_commands(labels.add_subparsers(title="commands", metavar="COMMAND", required=True))

    add_release_commands(commands)
    add_split_commands(commands)
    add_retention_commands(commands)
    add_evidence_commands(commands)
    add_prediction_commands(commands)
    add_training_commands(commands)
    add_web_command(commands)
    add_example_command(commands)
    add_sweep_commands(commands)

    demo = add_command(commands, "demo", _command_demo, "the whole route on an embedded site, no network", config=False)
    demo.add_argument("--workspace", type=Path, default=Path("demo"), metavar="DIR", help="where to make it (default: demo)")
    demo.add_argument("--no-baseline", action="store_true", help="stop before training")
    add_completion_command(commands, parser, _GROUPS)
    for word, inner in {**_GROUPS, "release": RELEASE_COMMANDS}.items():
        commands.choices[word].group_words = inner
    return parser


def _start_logging(options: argparse.Namespace) -> None:
    level = logging.WARNING if options.quiet else logging.DEBUG if options.verbose else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("logoingest")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _read_stage(text: str) -> str:
    """What the command line calls a stage that is given by this word, or by its name in the tables (``labels``)."""
    return next((str(spec.word) for spec in list_stages() if spec.name == text), text)


def _command_init(options: argparse.Namespace) -> int:
    from logoingest.cli.scaffolding import describe_scaffold, print_scaffold
    from logoingest.pipeline import init

    given = {key: getattr(options, key) for key, *_ in _SOURCE_OPTIONS}
    prefect = options.folder if options.prefect is True else options.prefect
    made = init(options.folder, options.sources, given, prefect=prefect, legend=options.legend)
    if options.json:
        return print_json(describe_scaffold(made))
    print_scaffold(made)
    return 0


def _command_plan(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_plan
    from logoingest.pipeline import Run, plan

    found = plan(Run(load_options(options)), _name_stage(options.until))
    if options.json:
        return print_json(found)
    print_plan(found)
    return 0


def _name_stage(word: str | None) -> str | None:
    """The stage that a word of the command line means."""
    return None if word is None else next(spec.name for spec in list_stages() if spec.word == word)


def _command_run(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_outcomes, show_progress
    from logoingest.pipeline import run

    config = load_options(options)
    with show_progress(options.quiet) as progress:
        outcomes = run(config, _name_stage(options.until), _name_stage(options.start), progress)
    if options.json:
        return print_json(outcomes)
    print_outcomes(config, outcomes)
    return 0


def _command_stage(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_outcomes, show_progress
    from logoingest.pipeline import check_extras, check_gates, open_run, record_run, run_stage

    config = load_options(options)
    stage: StageSpec = options.stage
    with show_progress(options.quiet) as progress, open_run(config, progress) as opened, record_run(opened, stage.word):
        check_extras(opened, [stage.name])
        outcome = run_stage(opened, stage.name, forced=not stage.has_own_memory)
        check_gates(opened, [stage.name])
    if options.json:
        return print_json(outcome)
    print_outcomes(config, [outcome])
    return 0


def _command_fetch(options: argparse.Namespace) -> int:
    if options.refresh:
        return _refresh(options)
    if options.host:
        raise UsageError("--host goes with --refresh", "retry --host … tries again what failed there")
    return _command_stage(options)


def _refresh(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_refresh, show_progress
    from logoingest.pipeline import open_run, record_run, refresh

    with (
        show_progress(options.quiet) as progress,
        open_run(load_options(options), progress) as opened,
        record_run(opened, "refresh"),
    ):
        counts = refresh(opened, options.host)
    if options.json:
        return print_json(counts)
    print_refresh(counts, options.config)
    return 0


def _command_status(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_history, print_status
    from logoingest.pipeline import Run, read_history, summarise_status

    run = Run(load_options(options))
    if options.history:
        history = read_history(run.workspace)
        if options.json:
            return print_json(history)
        print_history(history)
        return 0
    status = summarise_status(run)
    if options.json:
        return print_json(status)
    print_status(status)
    return 0


def _command_retry(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.pipeline import open_run, record_run, retry

    with show_progress(options.quiet) as progress, open_run(load_options(options), progress) as opened, record_run(opened, "retry"):
        counts = retry(opened, options.reason, options.host, options.status)
    if options.json:
        return print_json(counts)
    print(f"tried {counts.tried:,} URLs again: {counts.healed:,} healed, {counts.still_failing:,} still failing")
    if counts.healed:
        print(f"Take them into the release with: logoingest run {options.config}")
    return 0


def _command_verify(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_violations
    from logoingest.cli.releases.finding import find_others, find_release, names_version
    from logoingest.pipeline import Run, verify, verify_folder

    named = str(options.config)
    with find_others(options.against) as others:
        if options.config.is_dir():  # itself, not what it may point to
            violations = verify_folder(options.config, not options.quick, others)
        elif names_version(named):
            with find_release(named) as folder:
                violations = verify_folder(folder, not options.quick, others)
        else:
            violations = verify(Run(load_options(options)), not options.quick, others)
    if options.json:
        print_json(violations)
    else:
        print_violations(violations)
    return 3 if violations else 0


def _command_explain(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_trail
    from logoingest.pipeline import LabelTrail, RowTrail, Run, UrlTrail, explain_label_of, explain_row, explain_url

    run = Run(load_options(options))
    if not run.workspace.has_table("annotations"):
        raise UsageError(f"{run.workspace.url}: nothing was run yet", f"start with: logoingest run {options.config}")
    trail: UrlTrail | LabelTrail | RowTrail
    if options.url is not None:
        trail = explain_url(run, options.url, ask=True)
    elif options.label is not None:
        trail = explain_label_of(run, options.label)
    else:
        trail = explain_row(run, options.row)
    if options.json:
        return print_json(trail)
    print_trail(trail)
    return 0


def _command_demo(options: argparse.Namespace) -> int:
    from logoingest.cli.console import print_demo, show_progress
    from logoingest.demo import run_demo

    with show_progress(options.quiet) as progress:
        result = run_demo(options.workspace, baseline=not options.no_baseline, progress=progress)
    if options.json:
        return print_json(result)
    print_demo(result)
    return 0
