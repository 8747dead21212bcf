"""Samples, images and splits → released rows, in order, without the pictures themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import LogoingestError, Problem
from logoingest.release.form.features import SEVERAL, ReleaseRow
from logoingest.release.writing.spool import StoredPicture

#: Pillow's format → file name extension inside the release; anything else is its own name in lower case.
EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "JPEG2000": "jp2",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "TIFF": "tiff",
    "AVIF": "avif",
}


def select_classes(classes: Sequence[tuple[str, str]], samples: pa.Table, splits: pa.Table) -> list[tuple[str, str]]:
    """The classes (class_id, display name) that occur in what is released, boxes included, in the order of ``classes``.

    Raises:
        LogoingestError: a released picture has a class that ``classes`` does not know.
    """
    released = samples.filter(pc.is_in(samples.column("image_id"), value_set=splits.column("image_id")))
    boxed = pc.struct_field(_flatten(released.column("boxes")), "class_id")
    occurring = {*pc.unique(_flatten(released.column("class_ids"))).to_pylist(), *pc.unique(boxed).to_pylist()}
    unknown = sorted(str(class_id) for class_id in occurring - {class_id for class_id, _ in classes})
    if unknown:
        what = f"released pictures have classes that the class map does not know: {', '.join(unknown[:10])}"
        raise LogoingestError(Problem("release", what, "run the labels stage again"))
    return [(class_id, name) for class_id, name in classes if class_id in occurring]


def join_rows(
    samples: pa.Table, images: pa.Table, splits: pa.Table, class_ids: Sequence[str], split_names: Sequence[str]
) -> pa.Table:
    """The rows to release, in the order of ``split_names`` and image_id.

    Args:
        samples: ``SampleRow``; those without a split are left out.
        images: ``ImageRow``; further pictures are left out.
        splits: ``SplitRow``; each names a sample and an image.
        class_ids: the class of each label index.
        split_names: the splits there are.

    Returns:
        The columns of ``ReleaseRow`` but ``image``, and beside them split, path, shard, shard_row and byte_count.

    Raises:
        LogoingestError: the tables do not fit together.
    """
    splits = splits.select(["image_id", "group_id", "split"]).combine_chunks()
    rank = pc.index_in(splits.column("split"), value_set=pa.array(split_names, pa.string()))
    if rank.null_count:
        raise LogoingestError(Problem("splits", f"knows other splits than {', '.join(split_names)}", "run the splits stage again"))
    splits = splits.append_column("rank", rank).sort_by([("rank", "ascending"), ("image_id", "ascending")])
    ids = splits.column("image_id")
    if len(pc.unique(ids)) != len(ids):
        raise LogoingestError(Problem("splits", "names a picture twice", "run the splits stage again"))
    sample = samples.take(_find(ids, samples, "samples"))
    image = images.take(_find(ids, images, "images"))
    columns = {
        "label": _index_labels(sample, class_ids),
        "image_id": ids,
        "url": pc.list_element(image.column("urls"), 0),
        "urls": image.column("urls"),
        "group_id": splits.column("group_id"),
        **{name: sample.column(name) for name in ("confidence", "votes", "class_ids", "annotation_ids")},
        **{name: image.column(name) for name in ("width", "height")},
        "stored_sha256": pa.nulls(len(ids), pa.string()),
        "boxes": _index_boxes(sample.column("boxes"), class_ids),
    }
    schema = pa.schema([pa.field(field.name, field.type) for field in ReleaseRow.arrow_schema() if field.name != "image"])
    rows = pa.Table.from_arrays([columns[name] for name in schema.names], names=schema.names).cast(schema)
    for name, column in (
        ("split", splits.column("split")),
        ("path", _name_paths(image)),
        *((name, image.column(name)) for name in ("shard", "shard_row", "byte_count")),
    ):
        rows = rows.append_column(name, column)
    return rows.combine_chunks()


def place_stored(rows: pa.Table, stored: Mapping[int, StoredPicture]) -> pa.Table:
    """``join_rows``'s table with what is known of the pictures that are not stored as fetched: hash, size, path; boxes scaled."""
    if not stored:
        return rows
    sizes = {name: rows.column(name).to_numpy().copy() for name in ("width", "height")}
    digests: list[str | None] = [None] * rows.num_rows
    paths = rows.column("path").to_pylist()
    scales = np.ones((rows.num_rows, 2))
    for index, picture in stored.items():
        scales[index] = picture.width / sizes["width"][index], picture.height / sizes["height"][index]
        sizes["width"][index], sizes["height"][index] = picture.width, picture.height
        digests[index] = picture.sha256
        paths[index] = f"{paths[index][:64]}.{name_extension(picture.format)}"
    columns = {
        **{name: pa.array(values) for name, values in sizes.items()},
        "stored_sha256": pa.array(digests, pa.string()),
        "path": pa.array(paths, pa.string()),
        "boxes": _scale_boxes(_one_array(rows.column("boxes")), scales),
    }
    for name, column in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    return rows


def _scale_boxes(boxes: pa.Array, scales: npt.NDArray[np.float64]) -> pa.Array:
    """[x, y, width, height] times the row's (across, down)."""
    flat, parents = pc.list_flatten(boxes), pc.list_parent_indices(boxes).to_numpy(zero_copy_only=False)
    if len(flat) == 0 or (scales == 1).all():
        return boxes
    places = pc.struct_field(flat, "bbox")
    values = pc.list_flatten(places).to_numpy(zero_copy_only=False).reshape(-1, 4) * np.tile(scales[parents], 2)
    scaled = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 4)
    fields = {name: scaled if name == "bbox" else pc.struct_field(flat, name) for name in flat.type.names}
    values = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
    lengths = pc.list_value_length(boxes).to_numpy(zero_copy_only=False)
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), values).cast(boxes.type)


def _find(ids: pa.ChunkedArray, table: pa.Table, name: str) -> pa.Array:
    found = pc.index_in(ids, value_set=table.column("image_id").combine_chunks())
    if found.null_count:
        missing = ids.filter(pc.is_null(found))[0].as_py()
        what = f"lacks {found.null_count} pictures that have a split, for example {missing}"
        raise LogoingestError(Problem(name, what, f"run the {name} stage again"))
    return found


def _index_labels(sample: pa.Table, class_ids: Sequence[str]) -> pa.ChunkedArray:
    """The class's index; ``SEVERAL`` for a picture of several classes: no reader of one label is told half a truth."""
    settled = pc.if_else(pc.equal(pc.list_value_length(sample.column("class_ids")), 1), sample.column("class_id"), None)
    return pc.fill_null(pc.cast(pc.index_in(settled, value_set=pa.array(class_ids, pa.string())), pa.int64()), SEVERAL)


def _index_boxes(boxes: pa.ChunkedArray, class_ids: Sequence[str]) -> pa.Array:
    flat = _flatten(boxes)
    labels = pc.cast(pc.index_in(pc.struct_field(flat, "class_id"), value_set=pa.array(class_ids, pa.string())), pa.int64())
    told = {name: _one_array(pc.struct_field(flat, name)) for name in ("bbox", "truncated", "attributes")}
    values = pa.StructArray.from_arrays([_one_array(labels), *told.values()], names=["label", *told])
    lengths = pc.fill_null(pc.list_value_length(boxes), 0).to_numpy(zero_copy_only=False)
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), values)


def _flatten(lists: pa.ChunkedArray) -> pa.Array:
    return _one_array(pc.list_flatten(lists))


def _one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _name_paths(image: pa.Table) -> pa.Array:
    """``<image_id>.<extension>``: made of a hash and a format of a closed set, never of a label or URL."""
    names = [
        f"{image_id}.{name_extension(kind)}"
        for image_id, kind in zip(image.column("image_id").to_pylist(), image.column("format").to_pylist(), strict=True)
    ]
    return pa.array(names, pa.string())


def name_extension(image_format: str) -> str:
    """The file name extension of a Pillow format; ``bin`` for a name that is not plain letters and digits."""
    plain = image_format.isascii() and image_format.isalnum() and len(image_format) <= 8
    return EXTENSIONS.get(image_format, image_format.lower() if plain else "bin")
