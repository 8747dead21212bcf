"""``web``: the review pages, served to a browser on this machine."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.cli.arguments import add_command, load_options, name_person
from logoingest.errors import Problem, UsageError
from logoingest.plain_json import to_json
from logoingest.strangers.escaping import escape_text

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
    web.add_argument(
        "--password-file", type=Path, default=None, metavar="FILE", help="who may come in, by name and password instead of links"
    )
    web.add_argument(
        "--set-password",
        default=None,
        metavar="NAME",
        help="ask for this person's password, write it into --password-file, and end",
    )
    web.add_argument("--tls-cert", type=Path, default=None, metavar="PEM", help="speak TLS with this certificate chain …")
    web.add_argument("--tls-key", type=Path, default=None, metavar="PEM", help="… and this key")
    web.add_argument(
        "--name", action="append", default=[], metavar="HOST", help="a host name by which people reach it (repeatable)"
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

    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError(Problem("--tls-cert, --tls-key", "go together", "give both"))
    if options.set_password is not None:
        return _set_password(options)
    tls = None if options.tls_cert is None else (options.tls_cert, options.tls_key)

    def announce(link: str) -> None:
        said = "open" if options.password_file else "open once"
        print(json.dumps(to_json(OfferedLink(link))) if options.json else f"{said}: {link}", flush=True)

    command = [str(options.config), *(word for one in options.overrides for word in ("--set", one))]
    serving = Serving(
        name_person(options.by), options.port, options.read_only, command, options.address, options.behind, options.password_file, tls, options.name
    )  # fmt: skip
    serve(load_options(options), serving, announce)
    return 0


def _set_password(options: argparse.Namespace) -> int:
    from logoingest.web.access.passwords import set_password

    if options.password_file is None:
        raise UsageError(Problem("--set-password", "needs a file to write to", "give --password-file FILE"))
    if sys.stdin.isatty():
        password = getpass.getpass(f"password of {escape_text(options.set_password)}: ")
        if getpass.getpass("once more: ") != password:
            raise UsageError("the two are not equal; nothing was written")
    else:
        password = sys.stdin.readline().rstrip("\n")
    set_password(options.password_file, options.set_password, password)
    print(f"wrote {options.password_file}")
    return 0
