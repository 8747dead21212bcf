from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.sources import read_all
from logoingest.errors import SourceError

#: A NUL makes a file a binary one; half a surrogate pair cannot be written.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
#: Any answer but those that are read as JSON: they are lists or objects, and documented.
PLAIN = TEXT.filter(lambda text: text.lstrip()[:1] not in {"[", "{"})
URLS = st.sampled_from([f"http://x.example/{number}.jpg" for number in range(4)] + ["", "  "])
ROWS = st.lists(
    st.tuples(URLS, st.one_of(PLAIN, st.sampled_from(["a", "b"])), st.sampled_from(["w1", "w2", ""])), min_size=1, max_size=12
)
KEYS = {"format": "tabular", "url_column": "url", "label_column": "label", "worker_column": "worker"}
FEW = examples(40)


def write_csv(rows, path: Path, **options) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, **options)
    writer.writerow(["url", "label", "worker"])
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode())


def read_files(*files: list, **options):
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(files):
            write_csv(rows, Path(folder, f"{number}.csv"), **options)
        return read_all(Path(folder), *({"path": f"{number}.csv", **KEYS, **options} for number in range(len(files))))


@FEW
@given(ROWS, st.sampled_from([",", ";", "\t"]))
def test_every_row_is_kept_or_rejected_once_and_untouched(rows, delimiter):
    """Rows come back in order, labels as they were typed; rows without a URL are refused, each with its number."""
    got = read_files(rows, delimiter=delimiter)
    back = {row["source_row"]: row for row in got.kept + got.rejected}
    assert len(back) == len(got.ids) == len(rows)
    assert sorted(back) == list(range(1, len(rows) + 1))
    assert [back[number]["raw_label"] for number in sorted(back)] == [label for _, label, _ in rows]
    assert got.reasons == [(number, "missing_url") for number, row in enumerate(rows, 1) if not row[0].strip()]


@pytest.mark.slow
@FEW
@given(ROWS, st.randoms(), st.integers(0, 12))
def test_ids_depend_on_content_alone(rows, random, cut):
    """Neither the order of the rows nor the files they stand in change the ids; equal rows have as many as there are of them."""
    whole = read_files(rows)
    shuffled = random.sample(rows, len(rows))
    cut = min(cut, len(rows) - 1)
    split = read_files(shuffled[cut:], shuffled[:cut]) if cut else read_files(shuffled)
    assert sorted(split.ids) == sorted(whole.ids)

    def name(read):
        return Counter((row["annotation_id"], row["url"], row["raw_label"]) for row in read.kept + read.rejected)

    assert name(split) == name(whole)


@pytest.mark.slow
@FEW
@given(st.lists(st.one_of(TEXT, st.integers(), st.none(), st.booleans(), st.lists(TEXT, max_size=3)), min_size=1, max_size=8))
def test_json_layouts_agree(labels):
    """The same records as JSON lines, as a list and as a pretty list give the same answers."""
    records = [{"url": f"http://x.example/{number}.jpg", "label": label} for number, label in enumerate(labels)]
    texts = ["\n".join(map(json.dumps, records)), json.dumps(records), json.dumps(records, indent=1, ensure_ascii=False)]
    results = []
    for text in texts:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "rows").write_text(text, encoding="utf-8")
            results.append(read_all(Path(folder), {"path": "rows", **KEYS, "worker_column": None}))
    assert results[0].answers == results[1].answers == results[2].answers
    assert sorted(results[0].ids) == sorted(results[1].ids) == sorted(results[2].ids)
    assert {row["url"] for row in results[0].kept} == {record["url"] for record in records}


@FEW
@given(st.binary(max_size=300), st.sampled_from(["mturk", "tabular", "urls", "label_studio", "voc", None]))
def test_any_bytes_are_read_or_refused(data, kind):
    """No content crashes a reader: tables or a SourceError."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows").write_bytes(data)
        try:
            read_all(Path(folder), {"path": "rows", "format": kind})
        except SourceError as error:
            assert error.problems


@FEW
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), TEXT),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "type", "value", "choices", "result", "x", "width", "height", "label", "rectanglelabels"])
                | TEXT,
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_label_studio_task_is_accounted_for(value):
    """Whatever stands where results should be, the annotation ends in kept or rejected."""
    tasks = [
        {"id": 1, "data": {"image": "http://x.example/1.jpg"}, "annotations": [{"id": 1, "result": result}]}
        for result in ([value], value)
    ]
    tasks.append({"id": 3, "data": {"image": value}, "annotations": value})
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows.json").write_text(json.dumps(tasks))
        got = read_all(Path(folder), {"path": "rows.json", "format": "label_studio", "url_column": "image"})
    assert {row["source_row"] for row in got.kept + got.rejected} == {1, 2, 3}
