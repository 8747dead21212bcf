"""What the commands share: the options each of them has, the config they name, JSON on stdout."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from logoingest.errors import suggest_name
from logoingest.plain_json import to_json

if TYPE_CHECKING:
    from logoingest.config import Config


class CommandParser(argparse.ArgumentParser):
    """argparse's, with "did you mean" where a command, an option or a choice is not known; the command itself says so."""

    group_words: Sequence[str] = ()
    """Commands that are typed behind this one's word: ``splits explain``."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does; what no command knows is told by the one it was said to, which knows its own options."""
        given = list(sys.argv[1:] if args is None else args)
        options, unknown = super().parse_known_args(given, namespace)
        if unknown:
            self._refuse_unknown(unknown, given)
        return options, unknown

    def _refuse_unknown(self, unknown: Sequence[str], given: Sequence[str]) -> NoReturn:
        first = unknown[0].partition("=")[0]
        known = [name for action in self._actions for name in action.option_strings]
        near = suggest_name(first, known) if first.startswith("-") else suggest_name(given[0], self.group_words)
        self.error("; ".join(filter(None, (f"unrecognized arguments: {' '.join(unknown)}", near))))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = suggest_name(str(value), map(str, action.choices or ()))
            error.message = "; ".join(filter(None, (error.message, near)))
            raise


def add_command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int], text: str, config: bool = True
) -> CommandParser:
    """A parser for one command, with ``--json``, ``--quiet`` and ``--verbose``; with ``config``, a dataset.toml and ``--set`` too."""
    parser: CommandParser = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
    parser.set_defaults(command=command)
    if config:
        parser.add_argument("config", type=Path, metavar="dataset.toml")
        parser.add_argument(
            "--set", action="append", default=[], dest="overrides", metavar="SECTION.KEY=VALUE", help="override a key"
        )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="no progress, only warnings")
    loudness.add_argument("--verbose", action="store_true", help="more log lines")
    return parser


def join_group_word(arguments: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """``splits explain …`` → ``splits-explain …``. A config that bears a command's name is meant by ``splits ./explain``.

    Args:
        arguments: of the command line.
        groups: the first word of a group that is a command itself, with what may stand behind it.
    """
    grouped = len(arguments) > 1 and arguments[1] in groups.get(arguments[0], ())
    return [f"{arguments[0]}-{arguments[1]}", *arguments[2:]] if grouped else list(arguments)


def load_options(options: argparse.Namespace) -> Config:
    """The config a command line names, with its overrides.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    from logoingest.config import load_config
    from logoingest.imports.lean import hold_pandas_back

    hold_pandas_back()
    return load_config(options.config, options.overrides)


def name_person(given: str | None) -> str:
    """Who decides: the name that was given, else the user's; "" for a container's nameless user."""
    if given is not None:
        return " ".join(given.split())
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def print_json(answer: object) -> int:
    """Print a typed answer as JSON and return exit code 0."""
    print(json.dumps(to_json(answer), indent=1, ensure_ascii=False))
    return 0
