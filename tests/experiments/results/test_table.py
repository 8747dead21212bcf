"""What a training came to, as a sweep tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logoingest.experiments.results.table import EndedTrial, make_candidate
from logoingest.experiments.trials.work import read_pictures


def end(folder, figure, marks):
    """A training that came to ``figure`` on validation, and how each picture came out."""
    table = pa.table(
        {"image_id": [f"{number:04}" for number in range(len(marks))], "score": marks, "split": ["validation"] * len(marks)}
    )
    pq.write_table(table, folder / "pictures.parquet")
    assert read_pictures(folder).num_rows == len(marks)
    order = SimpleNamespace(of_trial=0, settings={})
    return EndedTrial(order, SimpleNamespace(figures={"validation.map50": figure, "validation.top1": figure}), folder, 1)


@pytest.mark.parametrize(
    ("figure", "marks", "bounded"),
    [
        (0.75, [1.0, 1.0, 1.0, 0.0], True),
        (1.0, [1.0] * 4, True),
        (0.31, [1.0, 1.0, 1.0, 0.0], False),
        (0.75, [1.0, 1.0, 0.9, 0.1], False),
        (0.0, [0.0] * 4, False),
    ],
)
def test_only_a_share_of_pictures_has_a_binomial_interval(tmp_path, figure, marks, bounded):
    """A mean of marks has one; an average precision has none, of a detector that found nothing neither."""
    made = make_candidate([end(tmp_path, figure, marks)], "validation", "validation.top1")
    assert (made.low is not None) is (made.high is not None) is bounded
    assert made.score == figure
