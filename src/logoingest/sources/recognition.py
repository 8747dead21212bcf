"""Which format a file has, told by its content; and formats that are known and not read, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from logoingest.errors import SourceError
from logoingest.sources.cells.columns import has_scheme
from logoingest.sources.files.json_items import iterate_items, peek_members
from logoingest.sources.files.markup import MarkupError, read_root
from logoingest.sources.files.opening import SourceFile, check_file, open_binary, open_lines, read_head
from logoingest.sources.formats import coco, crowdflower, cvat, ground_truth, labelbox, mturk, prodigy, toloka, via, voc, zooniverse
from logoingest.sources.formats.tables.grid import find_pictures
from logoingest.sources.formats.url_list import inspect_list, is_comment
from logoingest.sources.tables.reading import guess_layout, inspect_table

#: What the first object of a JSON file, and the columns of a table, tell a format by; the first that fits.
_OBJECTS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("ground_truth", ground_truth.is_ground_truth),
    ("labelbox", labelbox.is_labelbox),
    ("prodigy", prodigy.is_prodigy),
    ("via", via.is_via),
    ("coco", coco.is_coco),
)
_TABLES: tuple[tuple[str, Callable[[Sequence[str]], bool]], ...] = (
    ("mturk", mturk.is_mturk),
    ("via", via.is_via_table),
    ("crowdflower", crowdflower.is_crowdflower),
    ("toloka", toloka.is_toloka),
    ("zooniverse", zooniverse.is_zooniverse),
)
#: Keys of a JSON object, and of objects in it, that tell a format which is not read → what it is, what to do instead.
_UNREAD_OBJECTS = (
    (
        frozenset({"imagePath", "shapes"}),
        "is a labelme file of one picture",
        "convert the folder with labelme's own labelme2voc or labelme2coco",
    ),
    (frozenset({"Labeled Data", "DataRow ID"}), "is Labelbox's old export", "export anew: the NDJSON of today's exports is read"),
    (frozenset({"project", "view", "file"}), "is a VIA 3 project", "export it as VIA 2 JSON or COCO"),
    (
        frozenset({"schema_ref", "item"}),
        "is V7's Darwin JSON of one item",
        "export the dataset as COCO, or convert it with darwin-py",
    ),
    (
        frozenset({"metadata", "instances", "comments"}),
        "is SuperAnnotate's export",
        "convert it to COCO with superannotate's own sa.export_annotation",
    ),
    (
        frozenset({"externalId", "jsonMetadata", "labels"}),
        "is Kili's raw export",
        "export as COCO, or write a table of URL, answer and author",
    ),
    (frozenset({"categories", "items"}), "is Datumaro's JSON", "convert it to COCO: datum convert -f coco"),
    (
        frozenset({"answers.answerContent"}),
        "is a worker response of Ground Truth: it names no picture",
        "name the job's output manifest, or write a table of URL, answer and worker from manifest and responses",
    ),
    (frozenset({"image_id", "category_id"}), "is a COCO results file: it names no pictures", "name the data set's own file"),
)


def guess_format(file: SourceFile) -> str:
    """The name of a file's format.

    Raises:
        SourceError: the file is missing, empty, binary, or in a format that is known and not read.
    """
    path = file.path
    if path.is_dir() or (not path.exists() and any(sign in str(path) for sign in "*?[")):
        return "voc"
    check_file(file)
    if _looks_like_xml(file):
        return _guess_markup(file)
    layout = guess_layout(file)
    if layout == "json":
        return _guess_list(file)
    if layout == "jsonl":
        return _guess_object(file, peek_members(file))
    if layout == "csv" and _starts_with_url(file):
        return "tabular" if inspect_list(file).is_table or _names_pictures(file) else "urls"
    table = inspect_table(file)
    columns = table.columns
    first = [*columns, *(str(value) for value in table.sample[columns[0]][:1])] if len(columns) == 1 else []
    if strange := next((text for text in first if "://" in text and not has_scheme(text)), None):
        raise file.fault(f"is no list of URLs: its first line is {strange[:100]!r}", "a line begins with its URL")
    return next((name for name, is_one in _TABLES if is_one(columns)), "tabular")


def _looks_like_xml(file: SourceFile) -> bool:
    head = read_head(file)
    utf16 = head.startswith((b"\xff\xfe<\x00", b"\xfe\xff\x00<"))
    return file.path.suffix.lower() == ".xml" or utf16 or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _guess_markup(file: SourceFile) -> str:
    """Voc or cvat, by the root element."""
    try:
        with open_binary(file) as stream:
            root = read_root(stream).tag
    except MarkupError as error:
        with open_lines(file):  # a web page, an archive … is named as such
            raise file.fault(str(error), "XML sources are Pascal VOC's and CVAT's") from None
    kinds = {voc.ROOT: "voc", cvat.ROOT: "cvat"}
    if root not in kinds:
        with open_lines(file):
            pass  # a web page is named as such
        hint = f"Pascal VOC begins with <{voc.ROOT}>, CVAT for images with <{cvat.ROOT}>"
        raise file.fault(f"is XML of another kind: it begins with <{root[:40]}>", hint)
    return kinds[root]


def _guess_list(file: SourceFile) -> str:
    with open_lines(file) as lines:
        first = next(iterate_items(lines), None)
    if not isinstance(first, dict):
        return "tabular"
    if isinstance(first.get("data"), dict) and {"annotations", "completions"} & first.keys():
        return "label_studio"
    return _guess_object(file, first, otherwise="tabular")


def _guess_object(file: SourceFile, members: Mapping[str, Any], otherwise: str = "tabular") -> str:
    for name, is_one in _OBJECTS:
        if is_one(members):
            return name
    inner = {f"{name}.{key}" for name, value in members.items() if isinstance(value, dict) for key in value}
    for keys, what, hint in _UNREAD_OBJECTS:
        if keys <= members.keys() | inner:
            raise file.fault(what, hint)
    return otherwise


def _names_pictures(file: SourceFile) -> bool:
    """Whether the first line's URLs name columns of answers."""
    with suppress(SourceError):
        return bool(find_pictures(inspect_table(file)))
    return False


def _starts_with_url(file: SourceFile) -> bool:
    """Whether the first line that is no comment is a URL, which no header is; a file of comments alone is a list as well."""
    with open_lines(file) as lines:
        line = next((line.strip() for line in lines.readable() if not is_comment(line)), "")
    return not line or has_scheme(line.removeprefix('"'))
