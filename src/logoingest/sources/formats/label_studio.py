"""Label Studio's JSON export: tasks, each with the annotations of several people.

Format: https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import GROUND_TRUTH, Reason
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, join_choices, read_answers, read_box, read_number
from logoingest.sources.cells.boxes import place_shares
from logoingest.sources.cells.columns import complete_url, find_missing, guess_roles, is_beside_label, list_urls
from logoingest.sources.cells.times import parse_seconds, parse_time
from logoingest.sources.files.json_items import iterate_items
from logoingest.sources.files.opening import SourceFile, open_lines
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, number_id, refuse_record

_SAMPLE_TASKS = 200
#: Result types whose value names labels, and the key it names them under.
_LABEL_KEYS = {
    "choices": "choices", "textarea": "text", "rectanglelabels": "rectanglelabels", "labels": "labels", "taxonomy": "taxonomy",
    "rating": "rating", "number": "number", "datetime": "datetime",
}  # fmt: skip
_RATING_TYPES = frozenset({"rating", "number"})
_BOX_TYPES = frozenset({"rectanglelabels", "rectangle"})
_SILENT_TYPES = frozenset({"relation"})


def read_label_studio(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of an export; ``source_row`` is the number of the task.

    ``url_column`` is a key of the task's data (guessed when left out), ``label_column`` the ``from_name`` of the control whose answers
    count (all when left out). The choices and texts of an annotation are one answer, which may name several things; a rectangle is one
    of its own, comes in percent and leaves in pixels, with the labels of its region. A brush, polygon, ellipse or key point is a rejected row, as is a cancelled annotation and a task that
    nobody answered; an annotation without results is an empty answer. A rectangle whose picture's size is not given waits for
    its picture, in shares of it among the attributes. Predictions, drafts and relations are not read.

    Raises:
        SourceError: it is no export, or a column is not there.
    """
    source = _drop_data_prefix(source)
    key = find_url_key(file, source)
    tasks = 0
    with open_lines(file) as lines:
        for number, task in enumerate(iterate_items(lines), 1):
            tasks += 1
            if isinstance(task, dict) and isinstance(task.get("data"), dict):
                yield from _read_task(task, number, key, source)
            else:
                yield refuse_record(number, "is no Label Studio task: it has no data")
    if not tasks:
        raise file.fault("holds no tasks")


def _drop_data_prefix(source: SourceConfig) -> SourceConfig:
    """Keys that go along may be written as they stand in the task: ``data.licence``."""
    keys = {key: getattr(source, key) for key in ("sha256_column", "md5_column")}
    kept = {name: column.removeprefix("data.") for name, column in source.keep_columns.items()}
    return source.model_copy(
        update={key: name and name.removeprefix("data.") for key, name in keys.items()} | {"keep_columns": kept}
    )


def find_url_key(file: SourceFile, source: SourceConfig) -> str:
    """The key of a task's data that holds the image URL.

    Raises:
        SourceError: no task has data, the named key is not there, or none holds URLs.
    """
    with open_lines(file) as lines:
        tasks = [task for task in islice(iterate_items(lines), _SAMPLE_TASKS) if isinstance(task, dict)]
    found = [task["data"] for task in tasks if isinstance(task.get("data"), dict)]
    if not found:
        hint = (
            'export as "JSON"; JSON-MIN and CSV exports are read with format = "tabular", worker_column = "annotator", '
            'id_column = "annotation_id"'
        )
        raise file.fault("is no Label Studio export: no task has data", hint)
    keys = tuple(dict.fromkeys(key for data in found for key in data))
    problems = find_missing(file.name, {"url_column": source.url_column, **list_carried(source)}, keys)
    controls = list_controls(tasks)
    if controls:
        problems += find_missing(file.name, {"label_column": source.label_column}, controls)
    if problems:
        raise SourceError(problems)
    key = source.url_column or guess_roles({key: [data.get(key) for data in found] for key in keys}).url
    if key is None:
        raise file.fault("has no data that holds image URLs", f"name it: url_column = …; its data has {', '.join(keys)[:300]}")
    return key


def list_controls(tasks: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of the labelling controls (``from_name``) these tasks were answered with."""
    annotations = [annotation for task in tasks for annotation in _list_objects(task.get("annotations"))]
    results = [result for annotation in annotations for result in _list_objects(annotation.get("result"))]
    names = (result.get("from_name") for result in results)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _list_objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of what should be a list of them."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _read_task(task: Mapping[str, Any], number: int, key: str, source: SourceConfig) -> Iterator[Record]:
    data = task["data"]
    try:
        url = complete_url(describe_scalar(data.get(key)), source.url_prefix)
        alternatives = list_urls([data.get(name) for name in source.alternative_url_columns])
    except AnswerError as error:
        yield refuse_record(number, f"data.{key}: {error}")
        return
    whole = carry_cells(Record(number, url, alternative_urls=alternatives), data, source)
    annotations = task.get("annotations", task.get("completions"))
    if not isinstance(annotations, list) or not annotations:
        yield whole._replace(reason=Reason.INVALID_ROW, detail="nobody has answered this task")
        return
    for annotation in annotations:
        if isinstance(annotation, dict):
            yield from _read_annotation(annotation, task, whole, source)
        else:
            yield whole._replace(reason=Reason.INVALID_ROW, detail="an annotation is no object")


def _read_annotation(
    annotation: Mapping[str, Any], task: Mapping[str, Any], whole: Record, source: SourceConfig
) -> Iterator[Record]:
    cancelled = annotation.get("was_cancelled") is True
    status = "rejected" if cancelled else _read_review(annotation)
    whole = whole._replace(
        worker_id=_name_worker(annotation.get("completed_by")),
        status=status,
        work_time_s=parse_seconds(annotation.get("lead_time")),
        submitted_at=parse_time(annotation.get("created_at")),
    )
    if status == "rejected":
        why = "cancelled by the annotator" if cancelled else "rejected in review"
        whole = whole._replace(reason=Reason.ASSIGNMENT_REJECTED, detail=why)
    identifier = _join_ids(task.get("id"), annotation.get("id"))
    gold = {GROUND_TRUTH: True} if annotation.get("ground_truth") is True else {}
    answers, faults = _read_results(annotation.get("result"), source.label_column)
    said = [answer._replace(attributes={**(answer.attributes or {}), **gold}) for answer in answers]
    yield from make_records(whole, said, identifier)
    for index, fault in enumerate(faults, len(join_choices(said)) + 1):
        record = whole._replace(source_id=number_id(identifier, index))
        yield record if record.reason else record._replace(reason=Reason.INVALID_ROW, detail=fault)


def _read_review(annotation: Mapping[str, Any]) -> str:
    """Approved or rejected by the last review, else submitted."""
    verdicts = [review.get("accepted") for review in _list_objects(annotation.get("reviews"))]
    if not verdicts or not isinstance(verdicts[-1], bool):
        return "submitted"
    return "approved" if verdicts[-1] else "rejected"


def _name_worker(value: Any) -> str | None:
    """``completed_by`` is an id, or a user with id and e-mail: the id, so that no address gets into the tables."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def _join_ids(*parts: Any) -> str | None:
    texts = [part for part in parts if isinstance(part, str) and part]
    return "-".join(texts) or None


def _read_results(results: Any, label_column: str | None) -> tuple[list[Answer], list[str]]:
    """What an annotation says, region by region, in order, and why regions are not read; an empty answer when there is nothing."""
    if results is not None and not isinstance(results, list):
        return [], ["the result is no list"]
    results = _leave_ratings(results) if label_column is None else results
    regions: dict[str, list[Mapping[str, Any]]] = {}
    answers: list[Answer] = []
    faults: list[str] = []
    for index, result in enumerate(results or []):
        if not isinstance(result, dict):
            faults.append("a result is no object")
        elif str(result.get("type")) not in _SILENT_TYPES:
            identifier = result.get("id")
            regions.setdefault(identifier if isinstance(identifier, str) else f"#{index}", []).append(result)
    for region in regions.values():
        try:
            answers += _read_region(region, label_column)
        except AnswerError as error:
            faults.append(str(error))
    return answers if answers or faults else [Answer("")], faults


def _leave_ratings(results: Any) -> Any:
    """Without what only says something of the answer beside it: stars, a comment, how sure somebody is; all where nothing else is said."""
    found = results if isinstance(results, list) else []
    beside = [result for result in found if isinstance(result, dict) and _is_beside(result)]
    said = [result for result in _list_objects(found) if result not in beside and str(result.get("type")) in _LABEL_KEYS]
    return [result for result in found if result not in beside] if said else results


def _is_beside(result: Mapping[str, Any]) -> bool:
    return str(result.get("type")) in _RATING_TYPES or is_beside_label(str(result.get("from_name")))


def _read_region(region: list[Mapping[str, Any]], label_column: str | None) -> list[Answer]:
    """One answer a region; none where its control does not count.

    Raises:
        AnswerError: a shape or a result that is not read.
    """
    kinds = {str(result.get("type")) for result in region}
    unknown = sorted(kinds - _LABEL_KEYS.keys() - _BOX_TYPES)
    if unknown:
        raise AnswerError(f"a {unknown[0][:40]} region is not read")
    counted = [result for result in region if label_column is None or result.get("from_name") == label_column]
    if not counted:
        return []
    box, attributes = _read_rectangle(region)
    return [Answer(write_choices(label for result in counted for label in _read_labels(result)), box, attributes)]


def _read_labels(result: Mapping[str, Any]) -> list[str]:
    value = result.get("value")
    key = _LABEL_KEYS.get(str(result.get("type")))
    if not isinstance(value, dict):
        raise AnswerError("a result has no value")
    if key is None or value.get(key) is None:
        return []
    named = value[key]
    if key == "taxonomy":  # every choice is a path from the root: the leaf is the answer
        paths = named if isinstance(named, list) else [named]
        named = [path[-1] if isinstance(path, list) and path else path for path in paths]
    return [answer.label for answer in read_answers(named, read_json=False)]


def _read_rectangle(region: list[Mapping[str, Any]]) -> tuple[list[float] | None, dict[str, Any] | None]:
    """The region's box in pixels and what else is known of it."""
    drawn = next((result for result in region if str(result.get("type")) in _BOX_TYPES), None)
    if drawn is None:
        return None, None
    value = drawn.get("value")
    if not isinstance(value, dict):
        raise AnswerError("a result has no value")
    sides = {side: drawn.get(side) for side in ("original_width", "original_height")}
    turn = parse_seconds(value.get("rotation"))
    facts: dict[str, Any] = {"rotation": turn} if turn else {}
    if any(side is None for side in sides.values()):
        shares = [read_number(value.get(side)) / 100 for side in ("x", "y", "width", "height")]
        return None, {**facts, **place_shares(shares, None)[1]}
    return read_box({**value, **sides}), facts or None
