"""What people's answers about the same pictures tell: against the class map, of words that it does not know, and what was decided so."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import ClassMapError
from logoingest.labels.crowd.layer import CrowdLine, read_layer
from logoingest.report.material import Material, read_optional
from logoingest.report.pages.contents import MOST_ROWS, Notice, PageContents
from logoingest.wording import spell_count

#: The tables of the samples stage, and the labels stage's copy of the crowd layer.
_AGAINST, _WORDS, _LAYER = "contradictions", "crowd_words", "crowd.toml"
_TELLING = ("names", "spread", "stranger")


def gather_crowd(material: Material) -> PageContents:
    """Contradictions, words that the crowd names, and the layer's lines; in a workspace of an older version there are none."""
    against = read_optional(material.workspace, _AGAINST)
    words = read_optional(material.workspace, _WORDS)
    count = 0 if against is None else against.num_rows
    notices = []
    if count:
        text = f"the crowd contradicts the class map in {spell_count(count, 'place')}"
        notices.append(Notice(text, "crowd", grave=False))
    facts = {
        "against": [] if against is None else against.slice(0, MOST_ROWS).to_pylist(),
        "against_left_out": max(0, count - MOST_ROWS),
        "is_asked": against is not None,
        **_list_words(words),
        **_list_lines(material),
        "decides": material.config.labels.crowd == "accept",
        "confidence": material.config.labels.crowd_confidence,
    }
    return PageContents({"crowd": facts}, notices=notices)


def _list_words(words: pa.Table | None) -> dict[str, Any]:
    """What is undecided and the crowd tells something of: names of a class first, the most frequent first."""
    if words is None:
        return {"words": [], "words_left_out": 0}
    telling = words.filter(pc.is_in(words.column("meaning"), value_set=pa.array(_TELLING)))
    ordered = telling.append_column("names", pc.not_equal(telling.column("meaning"), "names").cast(pa.int8()))
    ordered = ordered.sort_by([("names", "ascending"), ("answers", "descending"), ("text", "ascending")])
    return {"words": ordered.slice(0, MOST_ROWS).to_pylist(), "words_left_out": max(0, telling.num_rows - MOST_ROWS)}


def _list_lines(material: Material) -> dict[str, Any]:
    """The layer's lines, applied and withdrawn."""
    lines = sorted(_read_layer(material), key=lambda line: (bool(line.why), -line.pictures, line.class_id, line.text))
    rows = [line._asdict() for line in lines[:MOST_ROWS]]
    withdrawn = sum(bool(line.why) for line in lines)
    return {
        "lines": rows,
        "lines_left_out": max(0, len(lines) - MOST_ROWS),
        "applied": len(lines) - withdrawn,
        "withdrawn": withdrawn,
    }


def _read_layer(material: Material) -> list[CrowdLine]:
    workspace = material.workspace
    if material.config.labels.crowd != "accept" or not workspace.exists(_LAYER):
        return []
    try:
        return read_layer(workspace.read_bytes(_LAYER), _LAYER)
    except ClassMapError:  # whoever edits the layer is told by the labels stage; a page shows what there is
        return []
