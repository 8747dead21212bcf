"""Answers, a class map with comments, and a review of them, for the tests of suggest and review."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import strategies as st

from logoingest.labels import ClassMap, normalise_annotations
from logoingest.labels.class_map.entries import Signature
from logoingest.review.suggestions import GatheredLabels, cluster_open_labels, gather_open_labels
from logoingest.schemas import AnnotationRow

ADA = Signature("ada", date(2025, 10, 9))

MAP = """\
# What people wrote, and what they meant.

separators = ["/", ","]  # strongest first
noise_words = ["logo", "the"]

# Answers that say: there is none.
no_label = [
    "none",  # English
    "",
]

[classes.puma]  # the cat
name = "Puma"
aliases = ["pumma"]

# Cars come last.
[classes.citroen]
name = "Citroën"
aliases.de = ["Zitrön"]

[classes.bmw]
name = "BMW"

[classes.mercedes]
name = "Mercedes-Benz"
aliases = [{text = "merc", exact = true}]
"""

#: Labels from every corner: plain words, other scripts, what spreadsheets, terminals and TOML take for their own.
HOSTILE = [
    '=HYPERLINK("http://x.test","click")', "+1+1", "-2", "@SUM(A1)", "\t=1", "a\x1b[2J\x1b[Hb", "a\u202eb", "Ni\u200bke", "\ud800", "'", '"', "'''",
    '"""', "\\", "a\\nb", "a\nb", "a\r\nb", "[classes.x]", "x = 1", "# no", "null", "true", "007", "1e5", "12:30", "", " ", "\x00", "…", "ß", "İ", "ﬁ",
    "🐆", "アディダス", "可口可乐", "شعار", "e" + "\u0301" * 40, "<script>", "a;b", "a,b", "a|b", "x" * 600, "-", "skip", "noise", "1", "new: x", "\ufeff", "Ⅷ",
]  # fmt: skip

labels = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12), st.text(alphabet="abcdeoumrp -'", min_size=1, max_size=9))
#: Those that a table can hold: half a character is none.
stored_labels = labels.filter(lambda text: "\ud800" not in text)


def annotate(*answers: str | tuple[str, str]) -> pa.Table:
    """An annotation an answer: a label, or a label and its worker; each about a URL of its own."""
    rows = []
    for number, answer in enumerate(answers):
        label, worker = answer if isinstance(answer, tuple) else (answer, f"w{number}")
        rows.append(
            {
                "annotation_id": f"{number:032x}", "url": f"http://pictures.test/{number}.jpg", "raw_label": label, "worker_id": worker,
                "status": "submitted", "source_file": "a.csv", "source_row": number + 1,
            }
        )  # fmt: skip
    return AnnotationRow.table(rows)


def write_map(folder: Path, text: str = MAP) -> Path:
    """A class-map file."""
    file = folder / "map.toml"
    file.write_text(text, encoding="utf-8")
    return file


def find_open(annotations: pa.Table, class_map: ClassMap) -> GatheredLabels:
    """What the map leaves undecided."""
    made = normalise_annotations(annotations, class_map)
    return gather_open_labels(annotations, made.labels, made.decisions, class_map)


def find_clusters(annotations: pa.Table, class_map: ClassMap, **choice):
    """The clusters of what the map leaves undecided."""
    return cluster_open_labels(find_open(annotations, class_map).labels, class_map, **choice)[0]
