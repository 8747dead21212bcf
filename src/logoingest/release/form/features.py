"""The columns of a released row, and how each reader is told about them.

One description, three dialects: the Arrow schema, the ``huggingface`` metadata inside every Parquet file, and ``dataset_info`` in
the card's YAML head. ``label`` must be int64: any other type silently loses the class names in ``datasets``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa

from logoingest.config.sections import PLAIN_SPLITS
from logoingest.release.form.strict_json import read_strict_json
from logoingest.schemas import Column, Row

#: The label of a picture that shows several classes: ``datasets`` reads it as "no label", a loss function refuses it aloud.
SEVERAL = -1

#: The splits of a release that names no others, in order; a release's own stand in its manifest.
SPLITS: Sequence[str] = PLAIN_SPLITS

_KEPT_MEANING = "kept from the source: what its rows about the picture say, distinct and sorted; empty where they say nothing"
_TEXT = pa.string()
_IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", _TEXT)])
_BOX_TYPE = pa.struct(
    [("label", pa.int64()), ("bbox", pa.list_(pa.float64(), 4)), ("truncated", pa.bool_()), ("attributes", _TEXT)]
)


class ReleaseRow(Row):
    """One picture of a split. Rows are in the order of image_id, which is a hash: a shuffled order that never changes."""

    image: Annotated[dict[str, Any], Column(_IMAGE_TYPE, "the picture: its bytes, and the path <image_id>.<format>")]
    label: Annotated[
        int, Column(pa.int64(), "the class, as its index in the class list; -1 when the picture shows several classes")
    ]
    image_id: Annotated[str, Column(_TEXT, "sha256 of the bytes as fetched, hex")]
    url: Annotated[str, Column(_TEXT, "the URL that served the bytes (the first of urls)")]
    urls: Annotated[list[str], Column(pa.list_(_TEXT), "every URL that served these bytes, sorted")]
    group_id: Annotated[str, Column(_TEXT, "the near-duplicate group; a group is never divided between splits")]
    confidence: Annotated[float, Column(pa.float64(), "posterior probability of the settled class, 0 to 1")]
    width: Annotated[int, Column(pa.int32(), "pixels as shown (EXIF orientation applied)")]
    height: Annotated[int, Column(pa.int32(), "pixels as shown (EXIF orientation applied)")]
    votes: Annotated[int, Column(pa.int32(), "answers of people that named a class")]
    class_ids: Annotated[list[str], Column(pa.list_(_TEXT), "every settled class, sorted; one unless label is -1")]
    boxes: Annotated[
        list[dict[str, Any]],
        Column(
            pa.list_(_BOX_TYPE),
            "boxes: label, bbox as [x, y, width, height] in pixels, truncated (null: not said), attributes (JSON: pose, variant …)",
        ),
    ]
    annotation_ids: Annotated[list[str], Column(pa.list_(_TEXT), "the source rows that voted; each is here or among the rejected")]
    stored_sha256: Annotated[
        str | None, Column(_TEXT, "sha256 of the bytes in image where they are not as fetched (normal form); else null")
    ]


#: Columns that cost next to nothing to read: all but the pictures.
LIGHT_COLUMNS: Sequence[str] = tuple(name for name in ReleaseRow.model_fields if name != "image")

#: The Parquet leaf that holds the pictures: uncompressed (compression buys nothing), so that a reader can seek in it.
PICTURE_LEAF = "image.bytes"

#: The other leaves of the Parquet schema.
SMALL_LEAVES: Sequence[str] = (
    "image.path", "label", "image_id", "url", "urls.list.element", "group_id", "confidence", "width", "height", "votes",
    "class_ids.list.element", "boxes.list.element.label", "boxes.list.element.bbox.list.element",
    "boxes.list.element.truncated", "boxes.list.element.attributes", "annotation_ids.list.element", "stored_sha256",
)  # fmt: skip

#: Leaves whose values repeat, so that a dictionary pays.
REPEATING_LEAVES: Sequence[str] = (
    "label", "width", "height", "votes", "class_ids.list.element", "boxes.list.element.label",
    "boxes.list.element.attributes",
)  # fmt: skip


def list_columns(kept: Sequence[str] = ()) -> pa.Schema:
    """The columns of a release, ``kept`` ones of the source last, with their meaning as metadata ``doc``."""
    fields = [pa.field(name, pa.list_(_TEXT), nullable=False, metadata={"doc": _KEPT_MEANING}) for name in kept]
    return pa.schema([*ReleaseRow.arrow_schema(), *fields])


def release_schema(class_ids: Sequence[str], kept: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of a data file, its ``huggingface`` metadata included."""
    fields = [pa.field(field.name, field.type) for field in list_columns(kept)]
    info = {"info": {"features": list_features(class_ids, kept)}}
    return pa.schema(fields, metadata={"huggingface": json.dumps(info, ensure_ascii=True)})


def list_features(class_ids: Sequence[str], kept: Sequence[str] = ()) -> dict[str, Any]:
    """The features as every ``datasets`` from 2 on reads them from Parquet metadata: column → typed mapping.

    Lists are JSON lists of one item, as ``datasets`` 2 and 3 write them and later ones still read; its own ``List`` (4 and later) is
    an error to those before. A list of fixed length is a ``Sequence``, which all of them know; not one of mappings, which it turns
    inside out.
    """
    fields = {field.name: field.type for field in list_columns(kept)}
    features = {name: _describe_type(kind) for name, kind in fields.items()}
    class_label = {"names": list(class_ids), "_type": "ClassLabel"}
    bbox = {"feature": _value("float64"), "length": 4, "_type": "Sequence"}
    boxes = {"label": class_label, "bbox": bbox, "truncated": _value("bool"), "attributes": _value("string")}
    return {**features, "image": {"_type": "Image"}, "label": class_label, "boxes": [boxes]}


def list_card_features(class_ids: Sequence[str], kept: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The same as a dataset card's ``dataset_info.features`` writes them."""
    boxes = [
        {"name": "label", "dtype": _name_classes(class_ids)},
        {"name": "bbox", "sequence": "float64", "length": 4},  # "list" takes no length before datasets 4
        {"name": "truncated", "dtype": "bool"},
        {"name": "attributes", "dtype": "string"},
    ]
    described: dict[str, dict[str, Any]] = {
        "image": {"dtype": "image"},
        "label": {"dtype": _name_classes(class_ids)},  # a mapping of its own: PyYAML writes a shared one as an alias
        "boxes": {"list": boxes},
    }
    columns = list_columns(kept)
    for field in columns:
        if field.name not in described:
            described[field.name] = (
                {"list": str(field.type.value_type)} if pa.types.is_list(field.type) else {"dtype": _name_type(field.type)}
            )
    return [{"name": name, **described[name]} for name in columns.names]


def read_feature_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any] | None:
    """The features of a file's schema metadata, as ``list_features`` writes them; releases of before had ``List``.

    None when there are none or they cannot be understood.
    """
    try:
        features = _name_lists(read_strict_json((metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, TypeError, ValueError):
        return None
    return features if isinstance(features, dict) else None


def _name_classes(class_ids: Sequence[str]) -> dict[str, Any]:
    return {"class_label": {"names": {str(index): name for index, name in enumerate(class_ids)}}}


def _describe_type(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return [_describe_type(kind.value_type)]
    return _value(_name_type(kind))


def _name_type(kind: pa.DataType) -> str:
    return "float64" if kind == pa.float64() else str(kind)


def _value(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def _name_lists(feature: Any) -> Any:
    """Features whose lists are written as ``datasets`` 4 and later write them, in our own form."""
    if isinstance(feature, list):
        return [_name_lists(item) for item in feature]
    if not isinstance(feature, dict):
        return feature
    named = {key: _name_lists(value) for key, value in feature.items()}
    if named.get("_type") != "List":
        return named
    return {**named, "_type": "Sequence"} if "length" in named else [named.get("feature")]
