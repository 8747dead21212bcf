"""What a training said of every picture, as a table; and its worst mistakes, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from matplotlib.figure import Figure

from logoingest.files.parquet import write_parquet
from logoingest.release.reading.loader import Release
from logoingest.training.classification.training import Trained
from logoingest.training.data.pictures import decode_row, decode_square, open_pictures
from logoingest.training.data.splits import Rows, read_split
from logoingest.training.loop.prediction import Predictions
from logoingest.training.plotting import quiet_fonts, save_figure, shorten_name

PREDICTIONS_FILE = "predictions.parquet"
MISTAKES_FILE = "mistakes.jpg"
#: Pictures on the page of mistakes, and in one row of it.
SHOWN = 24
_COLUMNS = 6
_SIDE_PX = 112


class Mistake(NamedTuple):
    """A picture of test that was taken for something else."""

    image_id: str
    true: int
    said: int
    probability: float
    """Of what was said."""
    loss: float
    """Of what it is, in nats."""


def tabulate_predictions(trained: Trained) -> pa.Table:
    """One row a picture of the scored splits: image_id, split, class, the five likeliest classes and their probabilities.

    Columns: image_id, split, class_id (what it is), predicted (the likeliest class), right, probability (of what it is), loss (nats),
    top (class ids, likeliest first), top_probabilities.
    """
    names = np.array(trained.class_ids, dtype=object)
    parts = [_tabulate_split(name, trained.image_ids[name], found, names) for name, found in trained.predictions.items()]
    return pa.concat_tables(parts)


def _tabulate_split(split: str, image_ids: object, found: Predictions, names: npt.NDArray[np.object_]) -> pa.Table:
    rows = np.arange(len(found.labels))
    top = np.take_along_axis(found.probabilities, found.top, axis=1) if len(rows) else np.zeros((0, found.top.shape[1]), np.float32)
    return pa.table(
        {
            "image_id": pa.array(image_ids, pa.string()),
            "split": pa.array([split] * len(rows), pa.string()),
            "class_id": pa.array(names[found.labels].tolist(), pa.string()),
            "predicted": pa.array(names[found.top[:, 0]].tolist(), pa.string()),
            "right": pa.array(found.top[:, 0] == found.labels),
            "probability": pa.array(found.probabilities[rows, found.labels], pa.float32()),
            "loss": pa.array(found.loss.astype(np.float32), pa.float32()),
            "top": pa.array([names[row].tolist() for row in found.top], pa.list_(pa.string())),
            "top_probabilities": pa.array([row.tolist() for row in top], pa.list_(pa.float32())),
        }
    )


def write_predictions(trained: Trained, path: Path) -> None:
    """Write ``predictions.parquet``."""
    write_parquet(tabulate_predictions(trained), path)


def find_mistakes(trained: Trained, most: int = SHOWN) -> list[Mistake]:
    """The pictures of test whose class got least, worst first; with several of a group, as they come."""
    found = trained.predictions["test"]
    wrong: Rows = np.flatnonzero(found.top[:, 0] != found.labels) if len(found.labels) else np.zeros(0, np.int64)
    worst = wrong[np.argsort(-found.loss[wrong], kind="stable")][:most].tolist()
    return [
        Mistake(
            trained.image_ids["test"][row],
            int(found.labels[row]),
            int(found.top[row, 0]),
            float(found.probabilities[row, found.top[row, 0]]),
            float(found.loss[row]),
        )
        for row in worst
    ]


def draw_mistakes(release: Release, trained: Trained, path: Path) -> None:
    """A page of the worst mistakes: the picture, what it is, what was said and how sure. No file where there is none."""
    mistakes = find_mistakes(trained) if "test" in trained.predictions else []
    if not mistakes:
        return
    split = read_split(release, "test")
    places = {image_id: place for place, image_id in enumerate(split.image_id)}
    names = [shorten_name(name) for name in trained.class_ids]
    rows = -(-len(mistakes) // _COLUMNS)
    with quiet_fonts(), open_pictures(split) as reader:
        figure = Figure(figsize=(1.7 * _COLUMNS, 2.1 * rows + 0.4), layout="constrained")
        figure.suptitle("what it is → what was said, and how sure", fontsize=9)
        for axes, mistake in zip(figure.subplots(rows, _COLUMNS, squeeze=False).flat, mistakes, strict=False):
            place = places[mistake.image_id]
            data = reader.read(int(split.row[place]))
            axes.imshow(decode_row(split, place, data, lambda found: decode_square(found, _SIDE_PX)))
            axes.set_title(f"{names[mistake.true]}\n→ {names[mistake.said]} {mistake.probability:.2f}", fontsize=7)
        for axes in figure.axes:
            axes.axis("off")
        save_figure(figure, path)
