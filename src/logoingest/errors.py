"""The error tree: what went wrong, where, and what to do next.

The data's fault is a value (a row of ``rejected.parquet`` with a ``Reason``); only what stops the work is raised.

    LogoingestError            exit 1   a fault of ours, or of the machine under us
     ├─ UsageError             exit 2   what was asked for cannot be meant
     │   ├─ ConfigError                 dataset.toml, an override or an environment variable is wrong
     │   ├─ SourceError                 a source file is missing, empty, unreadable or lacks a column
     │   ├─ ClassMapError               a class map is wrong
     │   └─ WorkspaceError              the workspace is in use, read-only, or not a workspace
     │       ├─ LeaseLostError  exit 5   another run has taken the workspace over; nothing more was written
     │       └─ OutOfSpaceError exit 6   the disk or the workspace's budget is used up; what is done is kept
     ├─ GateError              exit 3   the work is done and the result must not be used
     └─ TooManyFailuresError   exit 4   the work is done, more failed than ``max_failed_share`` allows
"""

from __future__ import annotations

import difflib
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is (``dataset.toml: fetch.timeout_s``), what it is, what to do about it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.hint}" if self.hint else text


def suggest_name(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint for a name that does not exist: the nearest that does, else ``otherwise``."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else otherwise


def quote_first_line(error: BaseException, most: int = 200) -> str:
    """What somebody else's error says, in one line of ``most`` characters; its type's name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]


class LogoingestError(Exception):
    """Anything logoingest raises on purpose; carries one or more problems and an exit code."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: str | Problem | Iterable[Problem], hint: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem("", problems, hint)
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: Sequence[Problem] = tuple(found)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def find_exit_code(error: BaseException) -> int:
    """What the command line ends with after an exception: ours by its type, what a signal raised by 128 and the signal's number."""
    if isinstance(error, LogoingestError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        number = error.args[0] if error.args and isinstance(error.args[0], int) else signal.SIGINT
        return 128 + int(number)
    return 1 if isinstance(error, Exception) else 128 + int(signal.SIGTERM)


class UsageError(LogoingestError):
    """What was asked for cannot be meant: fix the command or a file and run again."""

    exit_code = 2


class ConfigError(UsageError):
    """``dataset.toml``, a ``--set`` override or a ``LOGOINGEST_*`` variable is wrong."""


class SourceError(UsageError):
    """A source file is missing, empty, unreadable, or lacks the columns it was said to have."""


class ClassMapError(UsageError):
    """A class map cannot be used as it is."""


class WorkspaceError(UsageError):
    """The workspace is in use by another run, read-only, or not a workspace."""


class LeaseLostError(WorkspaceError):
    """Another run has taken the workspace over meanwhile: this one has stopped, before it wrote anything more."""

    exit_code = 5


class OutOfSpaceError(WorkspaceError):
    """The disk is full, nearly full, or the workspace has used up its budget: this has stopped in time, and what is done is kept."""

    exit_code = 6


class GateError(LogoingestError):
    """The result must not be used as it is: a law is broken, a gate is not met, the baseline verdict failed."""

    exit_code = 3


class TooManyFailuresError(LogoingestError):
    """The run is complete, but a larger share of it failed than ``dataset.max_failed_share`` allows."""

    exit_code = 4
