"""``web``: the review pages, served to a browser on this machine."""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from typing import Any, NamedTuple

from logoingest.cli.arguments import add_command, load_options, name_person
from logoingest.errors import Problem, UsageError
from logoingest.plain_json import to_json

_NEEDS = ("starlette", "uvicorn")


class OfferedLink(NamedTuple):
    """A link that lets one browser in; a line each."""

    link: str


def add_web_command(commands: Any) -> None:
    """Add the command to the parser."""
    web = add_command(
        commands, "web", _command_web, "the review in a browser: a queue of every doubt, one key a decision; ends with Ctrl-C"
    )
    web.add_argument("--port", type=_read_port, default=0, metavar="PORT", help="of this machine (default: one that is free)")
    web.add_argument("--read-only", action="store_true", help="show everything, change nothing")
    web.add_argument("--by", default=None, metavar="NAME", help="who decides (default: the user's name)")
    web.add_argument("--address", default="127.0.0.1", metavar="IP", help="what to bind (default: 127.0.0.1, this machine alone)")
    web.add_argument(
        "--behind",
        default=None,
        metavar="URL",
        help="the address of a proxy that people come through, for example https://review.example.org",
    )


def _read_port(text: str) -> int:
    if not text.isdecimal() or int(text[:6]) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)


def _command_web(options: argparse.Namespace) -> int:
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise UsageError(Problem("web", f"needs {' and '.join(missing)}", "pip install 'logoingest[web]'"))
    from logoingest.web.serving import Serving, serve

    def announce(link: str) -> None:
        print(json.dumps(to_json(OfferedLink(link))) if options.json else f"open once: {link}", flush=True)

    command = [str(options.config), *(word for one in options.overrides for word in ("--set", one))]
    serving = Serving(name_person(options.by), options.port, options.read_only, command, options.address, options.behind)
    serve(load_options(options), serving, announce)
    return 0
