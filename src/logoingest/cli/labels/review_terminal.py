"""The review at a terminal: shows a cluster or a picture, reads a key (or, where stdin is no terminal, a line), tells the session.

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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TextIO, TypeVar

from logoingest.labels.text.quoting import shorten
from logoingest.review.candidates import CANDIDATES
from logoingest.review.picture_session import PictureSession, run_picture_command
from logoingest.review.session import Session, SessionStep, run_command
from logoingest.review.sheets.conflict_sheet import name_conflict
from logoingest.review.suggestions import Cluster, describe_advice
from logoingest.schemas import Decision
from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

_SHOWN_MEMBERS = 12
_ENTER, _ERASE, _ESCAPE, _END = "\r\n", "\x7f\x08", "\x1b", "\x04"


class Reviewed(Protocol):
    """A review under way, of whatever."""

    @property
    def steps(self) -> tuple[SessionStep, ...]:
        """Made so far."""
        ...

    @property
    def message(self) -> str:
        """What the last command came to."""
        ...

    @property
    def is_finished(self) -> bool:
        """After q."""
        ...


ReviewedT = TypeVar("ReviewedT", bound=Reviewed)


@dataclass(frozen=True)
class Desk(Generic[ReviewedT]):
    """How one kind of review is shown and told."""

    keys: str
    """What is shown before a key is read."""
    prompts: Mapping[str, str]
    """Keys that need a text, and what asks for it."""
    run: Callable[[ReviewedT, str], ReviewedT]
    """A session and a command give the next session."""
    show: Callable[[ReviewedT, Style], None]
    """Prints where the session stands."""


def review_at_terminal(desk: Desk[ReviewedT], session: ReviewedT, save: Callable[[ReviewedT], None]) -> ReviewedT:
    """Run commands from stdin until q, or its end.

    Args:
        desk: of the kind of review.
        session: where to start.
        save: told after each command that decided something or took it back.
    """
    commands = _read_keys if sys.stdin.isatty() and sys.stdout.isatty() else _read_lines
    style = Style(sys.stdout)
    _say(session.message)
    with commands(desk) as ask:
        while not session.is_finished:
            desk.show(session, style)
            command = ask(session)
            before = session.steps
            session = desk.run(session, "q" if command is None else command)
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


def _show_cluster(session: Session, style: Style) -> None:
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
        print(f"       {escape_text(url)}")


def _show_picture(session: PictureSession, style: Style) -> None:
    conflict = session.current
    if conflict is None:
        print(style.bold("Nothing is left to decide.") + " q writes the decisions, u takes the last one back.")
        return
    print()
    print(style.bold(f"{len(session.queue)} left · {escape_text(name_conflict(conflict))}"))
    print(f"  {escape_text(conflict.detail)}")
    names = session.finder.class_map.names
    votes = dict(zip(conflict.class_ids, conflict.votes, strict=True))
    for number, class_id in enumerate(conflict.class_ids[:CANDIDATES], 1):
        said = spell_count(votes[class_id], "answer")
        own = ", its label" if class_id == conflict.label else ""
        print(f"  {number}    {style.bold(escape_text(names.get(class_id, class_id)))}  {said}{own}")
    own_pictures = len(conflict.image_ids)
    for place, url in enumerate(conflict.urls):
        print(f"       {'near it: ' if own_pictures == 1 and place else ''}{escape_text(url)}")


def describe_cluster(cluster: Cluster) -> str:
    """``12 answers, 3 spellings, 4 workers, 11 URLs``."""
    counts = {"answer": cluster.answers, "spelling": len(cluster.members), "worker": len(cluster.workers), "URL": len(cluster.urls)}
    return ", ".join(spell_count(number, noun) for noun, number in counts.items())


def _say(message: str) -> None:
    if message:
        print(message, flush=True)


@contextlib.contextmanager
def _read_lines(_desk: Desk[ReviewedT]) -> Iterator[Callable[[ReviewedT], str | None]]:
    """Commands from a pipe or a file, one a line; the end of it is the end of the session."""

    def ask(_session: ReviewedT) -> str | None:
        sys.stdout.flush()
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    yield ask


@contextlib.contextmanager
def _read_keys(desk: Desk[ReviewedT]) -> Iterator[Callable[[ReviewedT], str | None]]:
    """Commands from a terminal, key by key; the terminal is left as it was."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield _Keyboard(descriptor, desk).ask
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _Keyboard(Generic[ReviewedT]):
    """Keys of a terminal in cbreak mode: Ctrl-C still interrupts."""

    def __init__(self, descriptor: int, desk: Desk[ReviewedT]) -> None:
        self._descriptor, self._desk = descriptor, desk
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def ask(self, session: ReviewedT) -> str | None:
        """One command; None at the end of the input."""
        print(f"[{self._desk.keys}] ", end="", flush=True)
        key = self._read()
        if key in {"", _END}:
            print()
            return None
        print(escape_text(key) if key not in _ENTER else "")
        if key == _ESCAPE:
            self._swallow()
            return ""
        if key not in self._desk.prompts:
            return "" if key in _ENTER else key
        text = self._prompt(self._desk.prompts[key], session if key == "/" else None)
        return "" if text is None else f"{key.lower()} {text}"

    def _prompt(self, prompt: str, session: ReviewedT | None) -> str | None:
        """A line of text; None when Esc is pressed. With a session, its search runs with every letter."""
        typed = ""
        while True:
            found = "" if session is None or not typed else "   → " + self._desk.run(session, f"/ {typed}").message
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


ANSWERS = Desk(
    "1-9 n = / w i d o x s a u q ?",
    {
        "n": "new class: ",
        "o": "override, only these annotations (a class, or drop): ",
        "x": "number of the spelling to take out: ",
        "/": "search: ",
        "=": "class: ",
        "a": "accept first candidates from score: ",
        "W": "noise word: ",
    },
    run_command,
    _show_cluster,
)
"""Answers that nobody has decided."""
PICTURES = Desk("1-9 = / k b m n d s u q ?", {"/": "search: ", "=": "class: "}, run_picture_command, _show_picture)
"""Suspects, sets of pictures that contradict each other, and copies."""
