"""What a file is: its format, encoding and columns, guessed from its content; what ``init`` proposes."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError
from logoingest.sources.cells.columns import is_certainty
from logoingest.sources.cells.doubts import describe_doubts, describe_lack
from logoingest.sources.cells.others import settle_other
from logoingest.sources.files.opening import SourceFile, check_file, guess_encoding, is_workbook, open_lines, read_head
from logoingest.sources.formats import crowdflower, prodigy, toloka, zooniverse
from logoingest.sources.formats.label_studio import find_url_key
from logoingest.sources.formats.mturk import ID_COLUMN, WORKER_COLUMN
from logoingest.sources.formats.tables.mturk_layout import plan_layout, says_something
from logoingest.sources.formats.tabular import guess_table_roles, settle_columns
from logoingest.sources.formats.url_list import inspect_list
from logoingest.sources.readers import read_chunks
from logoingest.sources.recognition import guess_format
from logoingest.sources.records.division import divide_records
from logoingest.sources.tables.reading import inspect_table
from logoingest.sources.tables.rows import Table
from logoingest.sources.tables.sheets import list_picture_sheets
from logoingest.wording import spell_count

_TOP_LABELS = 50
#: Columns of one kind that a note is made for.
_TOLD_COLUMNS = 3
#: File, what is known of the source, its table, the keys a person gave, notes to add to → config keys.
_Guess = Callable[[SourceFile, SourceConfig, Table, Mapping[str, Any], list[str]], dict[str, Any]]


class SourceGuess(BaseModel):
    """What a file seems to be. The first are the config's keys, up to ``rows``: a source that is set so can be read."""

    model_config = ConfigDict(frozen=True)

    format: str
    encoding: str = "utf-8"
    sheet: str | None = None
    delimiter: str | None = None
    url_column: str | None = None
    label_column: str | None = None
    worker_column: str | None = None
    bbox_column: str | None = None
    id_column: str | None = None
    bbox_columns: tuple[str, ...] = ()
    annotator_columns: tuple[str, ...] = ()
    picture_columns: tuple[str, ...] = ()
    option_columns: tuple[str, ...] = ()
    other_column: str | None = None
    rows: int = 0
    """Annotations the file gives, refused ones included."""
    columns: tuple[str, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()
    """The most frequent raw labels with their counts, at most 50; the whole number is ``distinct_labels``."""
    distinct_labels: int = 0
    notes: tuple[str, ...] = ()
    """What a person should know or check, a sentence each."""


def guess_source(path: Path, given: Mapping[str, Any] | None = None) -> SourceGuess:
    """Guess format, encoding and columns, and read the file so.

    Args:
        path: the file, folder or pattern.
        given: keys of the config that are known (``url_column``, ``label_column``, ``format``, ``delimiter`` …): what is not, is guessed.

    Raises:
        SourceError: the file is missing, empty, binary, or nothing in it looks like image URLs.
    """
    given = _check_given(path, given or {})
    file, notes = _settle_sheet(*_settle_encoding(SourceFile(path, str(path), given.get("encoding", "utf-8"), given.get("sheet"))))
    kind = given.get("format") or guess_format(file)
    known = SourceConfig.model_validate(
        {**given, "path": str(path), "encoding": file.encoding, "format": kind, "sheet": file.sheet}
    )
    keys: dict[str, Any] = {"format": kind, "sheet": file.sheet}
    columns: tuple[str, ...] = ()
    if kind in _TABLES:
        table = inspect_table(file, known.delimiter)
        columns = table.columns
        keys |= _TABLES[kind](file, known, table, given, notes)
        notes += _describe_certainty(table, keys, known)
        keys["delimiter"] = None if table.delimiter == "," else table.delimiter
    elif kind == "urls":
        style = inspect_list(file)
        keys["delimiter"] = style.separator or None
        notes += style.notes if known.delimiter is None else []
    elif kind == "label_studio":
        keys["url_column"] = find_url_key(file, known)
    keys |= {key: value for key, value in given.items() if key in SourceGuess.model_fields and key != "encoding"}
    source = known.model_copy(update=keys)
    kept, rejected = divide_records(deque(read_chunks(file, source)))
    counts = sorted(((item["values"], item["counts"]) for item in pc.value_counts(kept.column("raw_label")).to_pylist()), key=_rank)
    notes[:0] = [*_describe(source, kept, rejected.num_rows, len(counts)), *_describe_attributes(source, kept, counts)]
    return SourceGuess(
        **keys,
        encoding=file.encoding,
        rows=kept.num_rows + rejected.num_rows,
        columns=columns,
        labels=tuple(counts[:_TOP_LABELS]),
        distinct_labels=len(counts),
        notes=tuple(notes),
    )


def _describe_attributes(source: SourceConfig, kept: pa.Table, counts: list[tuple[str, int]]) -> list[str]:
    """A sentence for the attribute of CVAT's shapes that tells them apart where all of them have one label ("object")."""
    if source.format != "cvat" or source.label_column is not None or len(counts) != 1:
        return []
    values: dict[str, set[str]] = {}
    for text in pc.unique(kept.column("attributes")).drop_null().to_pylist():
        for name, value in json.loads(text).items():
            values.setdefault(name, set()).add(str(value))
    found, said = max(values.items(), key=lambda item: len(item[1]), default=("", set()))
    several = f"All answers are {counts[0][0]}; its attribute {found} says {len(said):,} different things: is that the answer? Say so: --label-column."
    return [several] if len(said) > 1 else []


def _describe_certainty(table: Table, keys: Mapping[str, Any], known: SourceConfig) -> list[str]:
    """A sentence for a column that seems to say how sure people were, and is not used."""
    taken = {known.certainty_column, *(name for name in keys.values() if isinstance(name, str))}
    found = [name for title, name in table.entitle(table.columns).items() if is_certainty(title) and name not in taken]
    said = [(name, [str(value) for value in table.sample[name] if value not in (None, "")]) for name in found]
    return [
        f"{name} seems to say how sure people were ({', '.join(said for said, _ in Counter(values).most_common(4))}), and is not used: "
        "certainty_column with unsure or unsure_below keeps guesses from voting."
        for name, values in said[:_TOLD_COLUMNS]
        if values and known.certainty_column is None
    ]


def _check_given(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that are set; a tab may be written as a backslash and t, or as the word.

    Raises:
        SourceError: a value is none the key can have.
    """
    found = {key: value for key, value in given.items() if value is not None}
    if "delimiter" in found:
        found["delimiter"] = {"\\t": "\t", "tab": "\t"}.get(found["delimiter"], found["delimiter"])
    try:
        SourceConfig.model_validate({**found, "path": str(path)})
    except ValidationError as error:
        raise SourceError([Problem(f"--{fault['loc'][0]}".replace("_", "-"), fault["msg"]) for fault in error.errors()]) from None
    return found


def _rank(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _settle_encoding(file: SourceFile) -> tuple[SourceFile, list[str]]:
    """The file with an encoding that decodes it, and a note when that is not UTF-8; one that is declared stays."""
    if not file.path.is_file() or file.encoding != "utf-8":
        return file, []
    check_file(file)
    head = read_head(file)
    if head.startswith(b"PAR1") or is_workbook(file, head):
        return file, []
    found = guess_encoding(head)
    try:
        with open_lines(file._replace(encoding=found)) as lines:
            while lines.read_piece(1 << 20):
                pass
    except SourceError:
        if "\x00" in head.decode("latin-1"):
            raise
        found = _find_late_encoding(file)
    if found == "utf-8":
        return file, []
    return file._replace(encoding=found), [f"The file is not UTF-8; it is read as {found}. Check some accented answers."]


def _settle_sheet(file: SourceFile, notes: list[str]) -> tuple[SourceFile, list[str]]:
    """The file with the sheet that is read: of several with pictures the first, and a note."""
    if file.sheet is not None or not file.path.is_file() or not is_workbook(file, read_head(file)):
        return file, notes
    first, *others = [*list_picture_sheets(file), None]
    more = [f'"{name}"' for name in others if name]
    if more:
        notes.append(f'Read is the sheet "{first}"; {", ".join(more)} hold pictures, too: name a source for each, with its sheet.')
    return file._replace(sheet=first), notes


def _find_late_encoding(file: SourceFile) -> str:
    """The encoding of a file whose first bytes did not give it away: the first that decodes all of it."""
    for encoding in ("utf-8", "cp1252"):
        try:
            with open_lines(file._replace(encoding=encoding)) as lines:
                while lines.read_piece(1 << 20):
                    pass
        except SourceError:
            continue
        return encoding
    return "latin-1"


def _guess_mturk(file: SourceFile, known: SourceConfig, table: Table, given: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    layout = plan_layout(file, known, table)
    found = {"url_column": layout.url_base, "label_column": layout.label_base}
    answers = {
        name.removeprefix("Answer."): values
        for name, values in table.sample.items()
        if name.startswith("Answer.")
        and (name == layout.label_base or not name.startswith(layout.label_base))
        and any(map(says_something, values))
    }
    notes += describe_doubts({"label_column": layout.label_base.removeprefix("Answer.")}, given, answers)
    names = {"worker_column": WORKER_COLUMN, "id_column": ID_COLUMN}
    return found | {key: name for key, name in names.items() if name in table.columns}


def _guess_tabular(
    file: SourceFile, known: SourceConfig, table: Table, given: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    settled = settle_columns(file, known, table)
    families = {key: getattr(settled, key) for key in ("bbox_columns", "annotator_columns", "option_columns", "picture_columns")}
    other = settled.other_column
    apart = {*(name for names in families.values() for name in names), other}
    free = {name: values for name, values in table.sample.items() if name not in apart}
    named = {value for value in given.values() if isinstance(value, str)}
    found = {
        f"{role}_column": name
        for role, name in guess_table_roles(table, {name: free[name] for name in free if name not in named})._asdict().items()
    }
    found |= {key: getattr(settled, key) for key in ("url_column", "label_column")}
    found |= {key: getattr(settled, key) or found[key] for key in ("worker_column", "id_column")}
    found |= {key: value for key, value in given.items() if key in found}
    if settled.label_column is None and not (settled.annotator_columns or settled.option_columns or settled.picture_columns):
        notes.append(describe_lack({name: values for name, values in free.items() if name not in found.values()}))
    notes += describe_doubts(found, given, free)
    if table.titles:
        notes.append(f"Lines above the header, which are no rows: {table.titles}.")
    if found["id_column"] and len(set(map(str, free[found["id_column"]]))) < len(free[found["id_column"]]):
        notes.append(
            f"{found['id_column']} repeats: rows that agree in it, URL and worker count once. Is it a picture's id? Leave it out."
        )
    if table.header_rows:
        notes.append(f"Rows after the header that belong to it, and are refused: {table.header_rows}.")
    if table.columns[:1] == ("column_1",):
        notes.append("The first row holds a picture, so there is no header: the columns are called column_1, column_2 and so on.")
    return found | families | {"other_column": _tell_other(settled.label_column, other, notes)}


def _tell_other(label: str | None, other: str | None, notes: list[str]) -> str | None:
    if other:
        notes.append(f'Where {label} says "other", or nothing, the answer is what {other} holds.')
    return other


def _guess_platform(choose: Callable[[SourceFile, SourceConfig, Table], tuple[str, str]]) -> _Guess:
    def guess(file: SourceFile, known: SourceConfig, table: Table, given: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
        url, label = choose(file, known, table)
        kind = label[: label.find(":") + 1]  # OUTPUT: of Toloka
        answers = {
            name: values
            for name, values in table.sample.items()
            if name == label or (name.startswith(kind) and not name.startswith("_") and not name.endswith(("_gold", ":confidence")))
        }
        other = settle_other(known, label, table.columns).other_column
        if len(answers) > 1:
            notes += describe_doubts({"label_column": label}, given, {name: answers[name] for name in answers if name != other})
        return {"url_column": url, "label_column": label, "other_column": _tell_other(label, other, notes)}

    return guess


def _guess_zooniverse(file: SourceFile, known: SourceConfig, table: Table, *_: Any) -> dict[str, Any]:
    url, task = zooniverse.choose_zooniverse_columns(file, known, table)
    return {"url_column": url, "label_column": task}


def _guess_prodigy(file: SourceFile, known: SourceConfig, table: Table, *_: Any) -> dict[str, Any]:
    return {"url_column": prodigy.choose_picture_key(file, known, table)}


#: How the columns of the formats that are tables are found.
_TABLES: Mapping[str, _Guess] = {
    "mturk": _guess_mturk,
    "tabular": _guess_tabular,
    "crowdflower": _guess_platform(crowdflower.choose_crowdflower_columns),
    "toloka": _guess_platform(toloka.choose_toloka_columns),
    "zooniverse": _guess_zooniverse,
    "prodigy": _guess_prodigy,
}


def _describe(source: SourceConfig, kept: pa.Table, rejected: int, labels: int) -> list[str]:
    columns = {
        "pictures": source.url_column,
        "answers": source.label_column,
        "workers": source.worker_column,
        "boxes": source.bbox_column or ", ".join(source.bbox_columns),
    }
    if source.picture_columns:
        columns["pictures"] = (
            f"the names of {spell_count(len(source.picture_columns), 'column')} ({', '.join(source.picture_columns[:2])[:160]} …)"
        )
    if source.annotator_columns:
        columns["answers"] = f"one column an annotator ({', '.join(source.annotator_columns[:5])} …)"
    elif source.option_columns:
        columns["answers"] = f"{len(source.option_columns)} columns that are ticked ({', '.join(source.option_columns[:5])} …)"
    found = ", ".join(f"{what} from {name}" for what, name in columns.items() if name)
    sheet = f', sheet "{source.sheet}"' if source.sheet is not None else ""
    notes = [f"Read as {source.format}{sheet}{': ' + found if found else ''}."]
    notes.append(f"{spell_count(kept.num_rows, 'annotation')} with {spell_count(labels, 'distinct label')}; {rejected:,} refused.")
    web = pc.sum(pc.match_substring_regex(kept.column("url"), r"^(?i:https?:)?//")).as_py() or 0
    absolute = pc.sum(pc.match_substring_regex(kept.column("url"), r"^([A-Za-z][A-Za-z0-9+.-]+:|//)")).as_py() or 0
    if 2 * (absolute - web) > kept.num_rows:
        first = kept.column("url")[0].as_py()
        notes.append(
            f"Only http and https are fetched, and most URLs are others ({first[:60]}): give web addresses, or local_root."
        )
    if 2 * absolute < kept.num_rows:
        notes.append(
            "The pictures' URLs are mere file names: set url_prefix to where they can be fetched, or local_root to the folder they lie in."
        )
    return notes
