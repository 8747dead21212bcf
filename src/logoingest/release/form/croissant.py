"""``croissant.json``: the release described for machines (Croissant 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

The data files are named with their hashes; a record has the columns of ``ReleaseRow`` and its split. Boxes are a repeated field with
a field below it for each thing said of a box; a box's place is four numbers, since mlcroissant's reader of ``cr:BoundingBox`` takes no
lists of Parquet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from logoingest.release.form.citation import name_build, render_citation
from logoingest.release.form.features import list_columns
from logoingest.release.form.manifest import DATA_FOLDER

_PARQUET = "application/x-parquet"
_FILES = "data-files"
_BOX_MEANINGS = {
    "label": "the class of the box, as its index in the class list",
    "bbox": "[x, y, width, height] in pixels of the upright picture",
    "truncated": "whether the thing goes on outside the box; null: not said",
    "attributes": "what else is said of the box, in JSON",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def render_croissant(facts: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> str:
    """``croissant.json`` of a release.

    Args:
        facts: the manifest without ``files`` and ``fingerprint``.
        files: name → sha256 and bytes of the files written so far.
    """
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts["name"],
        "description": facts["description"] or "Pictures with a class each, settled from the answers of several people.",
        "license": facts["licence"],
        "version": name_build(facts, files),
        **({"datePublished": facts["date"]} if facts.get("date") else {}),
        "citeAs": render_citation(facts),
        "keywords": ["logos", "image classification"],
        "distribution": [
            *(_describe_file(name, record) for name, record in sorted(files.items()) if _is_data(name)),
            _describe_file_set(),
        ],
        "recordSet": [_describe_classes(facts), _describe_records(facts["splits"], facts.get("kept_columns", ()))],
    }
    if facts["source_url"]:
        document["isBasedOn"] = facts["source_url"]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _is_data(name: str) -> bool:
    return name.startswith(f"{DATA_FOLDER}/")


def _describe_file(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name.removeprefix(f"{DATA_FOLDER}/"),
        "contentUrl": name,
        "contentSize": f"{record['bytes']} B",
        "encodingFormat": _PARQUET,
        "sha256": record["sha256"],
    }


def _describe_file_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _FILES,
        "name": _FILES,
        "encodingFormat": _PARQUET,
        "includes": f"{DATA_FOLDER}/*.parquet",
    }


def _describe_classes(facts: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {"classes/label": index, "classes/class_id": entry["id"], "classes/name": entry["name"]}
        for index, entry in enumerate(facts["classes"])
    ]
    kinds = (("label", "sc:Integer"), ("class_id", "sc:Text"), ("name", "sc:Text"))
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/label"},
        "field": [{"@type": "cr:Field", "@id": f"classes/{name}", "name": name, "dataType": kind} for name, kind in kinds],
        "data": rows,
    }


def _describe_records(splits: Iterable[str], kept: Sequence[str]) -> dict[str, Any]:
    split = _describe_field("split", "the split, by the name of the file", "sc:Text", {"fileProperty": "fullpath"})
    split["source"]["transform"] = {"regex": rf".*{DATA_FOLDER}/({'|'.join(map(re.escape, splits))})-\d+-of-\d+\.parquet$"}
    fields = [_describe_column(field) for field in list_columns(kept)]
    return {"@type": "cr:RecordSet", "@id": "pictures", "name": "pictures", "field": [split, *fields]}


def _describe_boxes(field: pa.Field) -> dict[str, Any]:
    """Boxes as a field with fields below it; each is a list as long as there are boxes."""
    below = []
    for part in field.type.value_type:
        described = _describe_field(f"boxes/{part.name}", _BOX_MEANINGS[part.name], _name_type(part.type), {"column": field.name})
        described["source"]["transform"] = {"jsonPath": part.name}
        below.append({**described, "name": part.name, "repeated": True})
    meaning = field.metadata[b"doc"].decode()
    return {
        "@type": "cr:Field",
        "@id": "pictures/boxes",
        "name": "boxes",
        "description": meaning,
        "repeated": True,
        "subField": below,
    }


def _describe_column(field: pa.Field) -> dict[str, Any]:
    if field.name == "boxes":
        return _describe_boxes(field)
    kind = "sc:ImageObject" if field.name == "image" else _name_type(field.type)
    described = _describe_field(field.name, field.metadata[b"doc"].decode(), kind, {"column": field.name})
    if field.name == "image":
        described["source"]["transform"] = {"jsonPath": "bytes"}
    if pa.types.is_list(field.type):
        described["repeated"] = True
    return described


def _describe_field(name: str, meaning: str, kind: str, extract: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"pictures/{quote(name, safe='/')}",
        "name": name,
        "description": meaning,
        "dataType": kind,
        "source": {"fileSet": {"@id": _FILES}, "extract": extract},
    }


def _name_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return _name_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
