"""A legend: a table (or a JSON object) that says what the codes mean which people answered with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from logoingest.errors import Problem, SourceError
from logoingest.sources.cells.answers import AnswerError, describe_scalar, parse_json
from logoingest.sources.cells.columns import guess_label, list_possible_labels
from logoingest.sources.files.opening import SourceFile, check_file, open_lines
from logoingest.sources.tables.reading import guess_layout, inspect_table, iterate_rows

_HINT = 'a legend has a column of codes and one of what they mean, or is a JSON object: {"3": "Robin"}'


def read_legend(path: Path, answers: Iterable[str]) -> dict[str, str]:
    """Code → what it means: of the columns that which holds most of the answers, and the likeliest of the others.

    Raises:
        SourceError: the file cannot be read, no column holds the answers, or a code means two things.
    """
    file = SourceFile(path, str(path))
    check_file(file)
    said = {answer.strip().casefold() for answer in answers}
    pairs = _read_object(file) or _read_table(file, said)
    legend: dict[str, str] = {}
    for code, meaning in pairs:
        if legend.setdefault(code, meaning) != meaning:
            raise SourceError(
                Problem(file.name, f'says that "{code}" means {legend[code]} and {meaning}', "leave one of the rows out")
            )
    if not said & {code.casefold() for code in legend}:
        raise SourceError(Problem(file.name, "has no code that anybody answered", _HINT))
    return legend


def _read_object(file: SourceFile) -> list[tuple[str, str]]:
    """The members of a JSON object of plain values; none of anything else."""
    if guess_layout(file) != "jsonl":
        return []
    with open_lines(file) as lines:
        text = "".join(lines)
    try:
        return [(code, describe_scalar(meaning).strip()) for code, meaning in parse_json(text).items()]
    except AnswerError:
        return []


def _read_table(file: SourceFile, said: set[str]) -> list[tuple[str, str]]:
    table = inspect_table(file)
    rows = [
        [str(value or "").strip() for value in values]
        for _, values, fault in iterate_rows(file, table, table.columns, ())
        if not fault
    ]
    if any(name.strip().casefold() in said for name in table.columns):  # no header: its first row is a code, too
        rows.insert(0, [name.strip() for name in table.columns])
    columns = {name: [row[place] for row in rows] for place, name in enumerate(table.columns)}
    shares = {name: len(said & {value.casefold() for value in values}) for name, values in columns.items()}
    code = max(shares, key=lambda name: shares[name])
    others = {name: values for name, values in columns.items() if name != code and any(values)}
    meaning = guess_label(others) or next(iter(list_possible_labels(others)), None)
    if not shares[code] or meaning is None:
        raise SourceError(Problem(file.name, "has no column with the answers and another with what they mean", _HINT))
    return [pair for pair in zip(columns[code], columns[meaning], strict=True) if all(pair)]
