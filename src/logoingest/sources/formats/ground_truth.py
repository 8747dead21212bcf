"""SageMaker Ground Truth's output manifest: a JSON object a line, each a picture, what was answered, and how.

Format: https://docs.aws.amazon.com/sagemaker/latest/dg/sms-data-output.html (image classification, multi-label, bounding boxes). An answer
is what several workers' came to: Ground Truth names none of them here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, read_box, read_each
from logoingest.sources.cells.columns import complete_url, find_missing, guess_label
from logoingest.sources.cells.times import parse_time
from logoingest.sources.files.json_items import read_objects
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_URL_KEY = "source-ref"
_METADATA = "-metadata"
_VERIFICATION = "groundtruth/label-verification"
#: Who answered where Ground Truth's own model did (automated data labelling).
MODEL_WORKER = "model"


def is_ground_truth(members: Mapping[str, Any]) -> bool:
    """Whether the first line's object is one of a manifest; one with an answer that no job wrote (``"class": "cat"``) is a table."""
    others = {name: [value] for name, value in members.items() if name != _URL_KEY}
    is_plain = not any(name.endswith(_METADATA) for name in others) and guess_label(others) is not None
    return _URL_KEY in members and not is_plain


def read_ground_truth(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a manifest; ``source_row`` is the line.

    - url: ``source-ref`` (``url_column``), s3:// as it is.
    - answer: the label attribute ``label_column``; left out, the only one there is beside verifications. Its metadata name it:
      ``class-name``, or ``class-map`` for numbers; several numbers are one answer that names several classes.
    - bbox: each of ``annotations``; an empty list is an empty answer.
    - worker: "model" where ``human-annotated`` is not yes; else null, as the answer is what several people's came to.
    - submitted_at: ``creation-date``. source_id: the job and the picture. attributes: confidence.

    A line without an answer, or one that failed, is a rejected row; so are segmentations and other tasks.

    Raises:
        SourceError: it is no manifest, is an input manifest (nothing was answered), or several labels may be meant.
    """
    table = inspect_table(file)
    url_key = source.url_column or _URL_KEY
    label = _choose_label(file, table, url_key, source)
    names = list(dict.fromkeys([url_key, label, f"{label}{_METADATA}", *list_carried(source).values()]))
    for number, values, fault in iterate_rows(file, table, names, ()):
        if fault:
            yield refuse_record(number, fault)
            continue
        url, value, metadata = values[:3]
        whole = Record(number, url if url is None or isinstance(url, str) else str(url))
        whole = whole._replace(url=complete_url(whole.url, source.url_prefix) if whole.url else whole.url)
        whole = carry_cells(whole, dict(zip(names, values, strict=True)), source)
        yield from _read_line(whole, value, metadata)


def _choose_label(file: SourceFile, table: Table, url_key: str, source: SourceConfig) -> str:
    wanted = source.label_column
    labels = [name for name in table.columns if f"{name}{_METADATA}" in table.columns]
    problems = find_missing(file.name, {"url_column": url_key, **list_carried(source)}, table.columns)
    if labels:
        problems += find_missing(file.name, {"label_column": wanted}, labels)
    if problems:
        raise SourceError(problems)
    if wanted and labels:
        return wanted
    possible = [name for name in labels if _find_type(table.sample[f"{name}{_METADATA}"]) != _VERIFICATION]
    if not possible:
        hint = "an input manifest lists what is to be asked: name the job's output, manifests/output/output.manifest"
        raise file.fault("has no label with metadata", hint)
    if len(possible) > 1:
        raise file.fault("has the labels of several jobs", f"name one: label_column = … of {', '.join(possible)[:300]}")
    return possible[0]


def _find_type(metadata: Sequence[Any]) -> str:
    return next((str(item.get("type")) for item in metadata if isinstance(item, dict)), "")


def _read_line(whole: Record, value: Any, metadata: Any) -> Iterator[Record]:
    if not isinstance(metadata, dict):
        yield whole._replace(reason=Reason.INVALID_ROW, detail="nobody has answered: there are no metadata")
        return
    by_people = str(metadata.get("human-annotated", "yes")).lower() in {"yes", "true"}
    whole = whole._replace(worker_id=None if by_people else MODEL_WORKER, submitted_at=parse_time(metadata.get("creation-date")))
    try:
        answers, faults = _read_answers(value, metadata)
    except AnswerError as error:
        yield whole._replace(reason=Reason.INVALID_ROW, detail=str(error))
        return
    job = metadata.get("job-name")
    identifier = f"{job}/{whole.url}" if isinstance(job, str) else None
    yield from make_records(whole, answers, identifier, faults)


def _read_answers(value: Any, metadata: Mapping[str, Any]) -> tuple[list[Answer], list[str]]:
    """What a line says, and why boxes of it are not read."""
    if failure := metadata.get("failure-reason"):
        raise AnswerError(f"the job failed: {failure}")
    names = metadata.get("class-map")
    classes = names if isinstance(names, dict) else {}
    if isinstance(value, dict) and isinstance(value.get("annotations"), list):
        return _read_boxes(value, metadata, classes)
    if isinstance(value, list):
        sure = metadata.get("confidence-map")
        confidences = sure if isinstance(sure, dict) else {}
        numbers = [describe_scalar(item) for item in value]
        named = [Answer(_name_class(number, classes), None, _note(confidences.get(number))) for number in numbers]
        return named or [Answer("")], []
    if value is None or isinstance(value, dict):
        raise AnswerError(f"a label of the type {str(metadata.get('type') or 'unknown')[:60]} is not read")
    name = metadata.get("class-name")
    label = name if isinstance(name, str) else _name_class(describe_scalar(value), classes)
    return [Answer(label, None, _note(metadata.get("confidence")))], []


def _read_boxes(
    value: Mapping[str, Any], metadata: Mapping[str, Any], classes: Mapping[str, Any]
) -> tuple[list[Answer], list[str]]:
    drawn = value["annotations"]
    known = [item.get("confidence") for item in read_objects(metadata.get("objects"))]
    confidences = known if len(known) == len(drawn) else [None] * len(drawn)
    answers, faults = read_each(zip(drawn, confidences, strict=True), lambda pair: _read_box(pair[0], pair[1], classes))
    return answers if drawn else [Answer("")], faults


def _read_box(item: Any, confidence: Any, classes: Mapping[str, Any]) -> Answer:
    if not isinstance(item, dict):
        raise AnswerError("a box is no object")
    label = _name_class(describe_scalar(item.get("class_id")), classes)
    return Answer(label, read_box({side: item.get(side) for side in ("left", "top", "width", "height")}), _note(confidence))


def _name_class(number: str, classes: Mapping[str, Any]) -> str:
    name = classes.get(number)
    if not isinstance(name, str):
        raise AnswerError(f"class {number[:40]} is not in the class-map")
    return name


def _note(confidence: Any) -> Mapping[str, Any] | None:
    return {"confidence": confidence} if isinstance(confidence, str) else None
