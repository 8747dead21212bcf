"""Which files are meant by a file, a folder or a pattern, and what each of them is."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.errors import Problem, SourceError
from logoingest.sources.detect import SourceGuess, guess_source

#: Endings of files that a folder is searched for; gzipped ones too.
_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".manifest", ".parquet", ".pq", ".xlsx", ".xlsm")
_PATTERN_SIGNS = frozenset("*?[")


class _Named(NamedTuple):
    """A source that was named, or that was found in a folder that was: then it may turn out to be none."""

    path: Path
    found: bool


def guess_sources(named: Sequence[Path], given: Mapping[str, Any]) -> tuple[dict[Path, SourceGuess], list[str]]:
    """What every source seems to be, in the order they were named (a folder's and a pattern's by name), each once.

    A folder or a pattern of XML files is one source; any other one stands for its tables and lists. A file of a folder that is no
    source is left out as long as others are.

    Returns:
        the guesses by path, and the files that were left out, each with the reason.

    Raises:
        SourceError: a file that was named cannot be read; nothing is there; none of a folder's files can be read.
    """
    guesses: dict[Path, SourceGuess] = {}
    problems: list[Problem] = []
    doubtful: list[Problem] = []
    for path, found in dict.fromkeys(item for name in named for item in _expand(name)):
        if path in guesses:
            continue
        try:
            guesses[path] = guess_source(path, given)
        except SourceError as error:
            (doubtful if found else problems).extend(error.problems)
    if problems or not guesses:
        raise SourceError(problems or doubtful)
    return guesses, [f"{problem.where}: {problem.what}" for problem in doubtful]


def _expand(path: Path) -> Iterable[_Named]:
    if path.is_dir():
        return _list_folder(path)
    if not path.exists() and _PATTERN_SIGNS & set(str(path)):
        return _list_matches(path)
    return [_Named(path, found=False)]


def _list_folder(folder: Path) -> list[_Named]:
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "~$"))
    )  # ~$: what Excel has open
    tables = [path for path in files if path.name.lower().removesuffix(".gz").endswith(_ENDINGS)]
    if not tables or any(path.suffix.lower() == ".xml" for path in files):
        return [_Named(folder, found=False)]
    return [_Named(path, found=True) for path in tables]


def _list_matches(pattern: Path) -> list[_Named]:
    files = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True)) if Path(name).is_file()]
    if not files:
        raise SourceError(Problem(str(pattern), "matches no file", "quote the pattern, so that the shell leaves it alone"))
    if all(path.suffix.lower() == ".xml" for path in files):
        return [_Named(pattern, found=False)]
    return [_Named(path, found=False) for path in files]
