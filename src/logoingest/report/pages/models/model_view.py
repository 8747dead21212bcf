"""What a network sees: labels that look wrong, the pictures in a plane, and of every class the typical and the odd ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import UsageError
from logoingest.evidence.embedding_files import choose_model, read_embeddings
from logoingest.evidence.landscape import ClassLooks, describe_looks, project
from logoingest.evidence.suspects import LABEL, SETTLED, keep_open
from logoingest.evidence.vectors import Vectors, read_vectors
from logoingest.report.material import Material, read_optional
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.report.plots import MARKERS, draw_map
from logoingest.wording import spell_count

_MOST_SUSPECTS = 40
_MOST_CLASSES = 60
_MOST_OUTLIERS = 24


class _Seen(NamedTuple):
    plot: Any
    legend: Sequence[Mapping[str, Any]]
    looks: Sequence[ClassLooks]
    model: str


def gather_model_view(material: Material) -> PageContents:
    """The table ``suspects`` as far as it is open, and the embeddings of ``evidence.backbone``; each may be missing."""
    suspects = _list_open(material)
    kinds = suspects.column("kind").to_pylist() if suspects is not None else []
    rows = suspects.slice(0, _MOST_SUSPECTS).to_pylist() if suspects is not None else []
    seen = _look(material)
    looks = seen.looks[:_MOST_CLASSES] if seen else []
    outliers = [(one.class_id, image_id) for one in looks for image_id in one.outliers][:_MOST_OUTLIERS]
    facts = {
        "suspects": rows,
        "found": None if suspects is None else _spell_found(kinds.count(LABEL), kinds.count(SETTLED)),
        "left_out": max(0, len(kinds) - _MOST_SUSPECTS),
        "seen": seen,
        "looks": looks,
        "looks_left_out": max(0, len(seen.looks) - _MOST_CLASSES) if seen else 0,
        "outliers": outliers,
    }
    wanted = [[row["image_id"], *row["neighbours"]] for row in rows]
    wanted += [[image_id for _, image_id in outliers]] if outliers else []
    spare = [[*one.same[:2], *one.unlike[:2]] for one in looks]
    notices = []
    if kinds:
        text = f"{spell_count(len(kinds), 'picture')} whose label looks wrong, or that could be settled"
        notices.append(Notice(text, "model-view", grave=False))
    return PageContents({"model_view": facts}, wanted, notices, spare)


def _spell_found(labels: int, settled: int) -> str:
    wrong = spell_count(labels, "settled label looks wrong", "settled labels look wrong")
    return f"{wrong}, {spell_count(settled, 'refused picture looks decided', 'refused pictures look decided')}"


def _list_open(material: Material) -> pa.Table | None:
    table = read_optional(material.workspace, "suspects")
    if table is None:
        return None
    from logoingest.labels import ClassMap
    from logoingest.samples.group_rulings import list_settled, read_group_rulings

    config = material.config
    rulings = read_group_rulings(config.resolve(config.samples.rulings), ClassMap.load(config.class_map_path))
    return keep_open(table, material.samples.select(["image_id", "class_id"]).combine_chunks(), list_settled(rulings))


def _look(material: Material) -> _Seen | None:
    try:
        model = choose_model(material.workspace, material.config.evidence.backbone)
        vectors = read_vectors(read_embeddings(material.workspace, model))
    except UsageError:  # nobody has embedded yet
        return None
    samples = material.samples.filter(pc.is_valid(material.samples.column("class_id")))
    settled = _pair(samples, "image_id", "class_id")
    looks = describe_looks(vectors, settled, _pair(material.images, "image_id", "group_id"))
    shown = vectors.select([image_id for image_id in vectors.image_ids if image_id in settled])
    if len(shown) < 3:
        return None
    plot, legend = _draw(shown, settled, material.config.evidence.map)
    return _Seen(plot, legend, looks, model.name)


def _draw(vectors: Vectors, settled: Mapping[str, str], method: str) -> tuple[Any, list[dict[str, Any]]]:
    """The plane, and for each class its number, mark and colour; no stranger's word stands in the plot."""
    classes = sorted({settled[image_id] for image_id in vectors.image_ids})
    number = {name: place for place, name in enumerate(classes)}
    of_class = np.array([number[settled[image_id]] for image_id in vectors.image_ids], np.int64)
    plot = draw_map(project(vectors, method), of_class, "model-view-map")
    legend = [
        {"number": place + 1, "class_id": name, "colour": place % 8, "mark": MARKERS[place // 8 % len(MARKERS)][1]}
        for name, place in number.items()
    ]
    return plot, legend


def _pair(table: pa.Table, key: str, value: str) -> dict[str, str]:
    return dict(zip(table.column(key).to_pylist(), table.column(value).to_pylist(), strict=True))
