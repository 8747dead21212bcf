"""The review at a terminal: shows a cluster, reads a key (or, where stdin is no terminal, a line), tells the session.

On a terminal single keys are read as they are typed; a key that needs a text opens a prompt, and the search shows what it
finds with every letter. Everything strangers typed is escaped before it is shown.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TextIO

from logoingest.labels.text.quoting import shorten
from logoingest.review.session import Session, run_command
from logoingest.review.suggestions import Cluster, describe_advice
from logoingest.schemas import Decision
from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

_PROMPTS = {
    "n": "new class: ",
    "o": "override, only these annotations (a class, or drop): ",
    "x": "number of the spelling to take out: ",
    "/": "search: ",
    "=": "class: ",
    "a": "accept first candidates from score: ",
    "W": "noise word: ",
}
_SHOWN_MEMBERS = 12
_ENTER, _ERASE, _ESCAPE, _END = "\r\n", "\x7f\x08", "\x1b", "\x04"


def review_at_terminal(session: Session, save: Callable[[Session], None], show_example: Callable[[str], str]) -> Session:
    """Run commands from stdin until q, or its end.

    Args:
        session: where to start.
        save: told after each command that decided something or took it back.
        show_example: URL → what is shown for it.
    """
    commands = _read_keys if sys.stdin.isatty() and sys.stdout.isatty() else _read_lines
    style = Style(sys.stdout)
    _say(session.message)
    with commands() as ask:
        while not session.is_finished:
            _show_position(session, style, show_example)
            command = ask(session)
            before = session.steps
            session = replace(session, is_finished=True) if command is None else run_command(session, command)
            _say(session.message)
            if session.steps != before:
                save(session)
    return session


class Style:
    """Bold, where that is wanted: on a terminal, unless NO_COLOR is set."""

    def __init__(self, stream: TextIO) -> None:
        self._is_on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._is_on else text


def _show_position(session: Session, style: Style, show_example: Callable[[str], str]) -> None:
    cluster = session.current
    if cluster is None:
        print(style.bold("Nothing is left to decide.") + " q writes the decisions, u takes the last one back.")
        return
    left = len(session.queue)
    print()
    print(style.bold(f"{left} left · {describe_cluster(cluster)}"))
    if cluster.warning:
        print(f"  ! {cluster.warning}")
    if advice := describe_advice(cluster):
        print(f"  ~ {escape_text(advice)}")
    for number, member in enumerate(cluster.members[:_SHOWN_MEMBERS], 1):
        near = f", near {shorten(member.near_spelling)}" if member.near_spelling and member.decision == Decision.REVIEW else ""
        print(f"  x{number:<3} {shorten(member.raw_label)}  {member.answers:,} × ({member.decision}: {member.rule}{near})")
    if len(cluster.members) > _SHOWN_MEMBERS:
        print(f"       and {len(cluster.members) - _SHOWN_MEMBERS} more")
    for number, candidate in enumerate(cluster.candidates, 1):
        name = style.bold(escape_text(candidate.name))
        print(f"  {number}    {name}  {candidate.score:.2f}  {escape_text(candidate.reason)}")
    if not cluster.candidates:
        print("  no class of the map is near")
    for url in cluster.examples:
        print(f"       {escape_text(show_example(url))}")


def describe_cluster(cluster: Cluster) -> str:
    """``12 answers, 3 spellings, 4 workers, 11 URLs``."""
    counts = {"answer": cluster.answers, "spelling": len(cluster.members), "worker": len(cluster.workers), "URL": len(cluster.urls)}
    return ", ".join(spell_count(number, noun) for noun, number in counts.items())


def _say(message: str) -> None:
    if message:
        print(message, flush=True)


@contextlib.contextmanager
def _read_lines() -> Iterator[Callable[[Session], str | None]]:
    """Commands from a pipe or a file, one a line; the end of it is the end of the session."""

    def ask(_session: Session) -> str | None:
        sys.stdout.flush()
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    yield ask


@contextlib.contextmanager
def _read_keys() -> Iterator[Callable[[Session], str | None]]:
    """Commands from a terminal, key by key; the terminal is left as it was."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield _Keyboard(descriptor).ask
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _Keyboard:
    """Keys of a terminal in cbreak mode: Ctrl-C still interrupts."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def ask(self, session: Session) -> str | None:
        """One command; None at the end of the input."""
        print("[1-3 n = / w i d o x s a u q ?] ", end="", flush=True)
        key = self._read()
        if key in {"", _END}:
            print()
            return None
        print(escape_text(key) if key not in _ENTER else "")
        if key == _ESCAPE:
            self._swallow()
            return ""
        if key not in _PROMPTS:
            return "" if key in _ENTER else key
        text = self._prompt(_PROMPTS[key], session if key == "/" else None)
        return "" if text is None else f"{key.lower()} {text}"

    def _prompt(self, prompt: str, session: Session | None) -> str | None:
        """A line of text; None when Esc is pressed. With a session, its search runs with every letter."""
        typed = ""
        while True:
            found = "" if session is None or not typed else "   → " + run_command(session, f"/ {typed}").message
            self._redraw(f"{prompt}{typed}", found)
            key = self._read()
            if key in {"", _END} or key in _ENTER:
                print()
                return typed
            if key == _ESCAPE:
                self._swallow()
                print()
                return None
            typed = typed[:-1] if key in _ERASE else typed + key if key.isprintable() else typed

    def _redraw(self, text: str, found: str) -> None:
        """One line, never longer than the terminal is wide; the cursor stands behind what was typed."""
        width = max(20, os.get_terminal_size(sys.stdout.fileno()).columns - 1)
        shown = text[-width:]
        tail = found[: width - len(shown)]
        back = f"\x1b[{len(tail)}D" if tail else ""
        print(f"\r\x1b[K{shown}{tail}{back}", end="", flush=True)

    def _read(self) -> str:
        while True:
            data = os.read(self._descriptor, 1)
            if not data:
                return ""
            if text := self._decoder.decode(data):
                return text

    def _swallow(self) -> None:
        """What a cursor key sends behind its escape character."""
        import select

        while select.select([self._descriptor], [], [], 0.02)[0] and os.read(self._descriptor, 1):
            pass
