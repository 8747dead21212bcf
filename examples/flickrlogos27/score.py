"""Scoring only: what the route made of the photos, against the truth it never saw.

    python examples/flickrlogos27/score.py WORKSPACE gold.csv

WORKSPACE is a workspace (``tables/samples.parquet`` and ``tables/images.parquet`` are read) or a release folder
(``data/*.parquet``). gold.csv has the columns file and label; the label "none" is a photo without any of the brands.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq

NONE = "none"


class Score(NamedTuple):
    """Counts of photos, and the wrong ones as (file, truth, given)."""

    branded: int
    branded_classed: int
    branded_right: int
    plain: int
    plain_classed: int
    wrong: list[tuple[str, str, str]]


def read_gold(file: Path) -> dict[str, str]:
    """File name → true class id, or "none"."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        return {row["file"]: row["label"] for row in csv.DictReader(lines)}


def name_file(url: str) -> str:
    """The last segment of a URL's path: the photo's file name."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def read_workspace(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(file, class ids) of every URL of every sample of a workspace."""
    samples = pq.read_table(folder / "tables" / "samples.parquet", columns=["image_id", "class_ids"]).to_pylist()
    images = pq.read_table(folder / "tables" / "images.parquet", columns=["image_id", "urls"]).to_pylist()
    urls = {image["image_id"]: image["urls"] for image in images}
    for sample in samples:
        for url in urls[sample["image_id"]]:
            yield name_file(url), tuple(sample["class_ids"])


def read_release(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(file, class ids) of every URL of every row of a release."""
    for file in sorted((folder / "data").glob("*.parquet")):
        table = pq.read_table(file, columns=["urls", "label"])
        names = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["label"]["names"]
        for row in table.to_pylist():
            for url in row["urls"]:
                yield name_file(url), (names[row["label"]],)


def score_answers(answers: Iterable[tuple[str, tuple[str, ...]]], gold: Mapping[str, str]) -> Score:
    """Compare; a photo with several classes is right when the true one is the only one."""
    given = {file: class_ids for file, class_ids in answers if file in gold and class_ids}
    branded = {file for file, label in gold.items() if label != NONE}
    right = {file for file in branded if given.get(file) == (gold[file],)}
    wrong = sorted((file, gold[file], " + ".join(given[file])) for file in given if file not in right)
    classed = branded & given.keys()
    return Score(len(branded), len(classed), len(right), len(gold) - len(branded), len(given) - len(classed), wrong)


def _format_share(part: int, whole: int) -> str:
    return f"{part:5} of {whole:5}  {part / whole:7.2%}" if whole else f"{part:5} of {whole:5}"


def main() -> int:
    """Parse, score, print."""
    parser = argparse.ArgumentParser(description="Score a workspace or a release against the true classes.")
    parser.add_argument("made", type=Path, help="a workspace or a release folder")
    parser.add_argument("gold", type=Path, help="gold.csv: file, label")
    options = parser.parse_args()
    is_workspace = (options.made / "tables" / "samples.parquet").is_file()
    if not is_workspace and not any((options.made / "data").glob("*.parquet")):
        print(f"{options.made} is neither a workspace nor a release", file=sys.stderr)
        return 2
    answers = read_workspace(options.made) if is_workspace else read_release(options.made)
    score = score_answers(answers, read_gold(options.gold))
    print(f"photos with a brand that got a class   {_format_share(score.branded_classed, score.branded)}")
    print(f"  of those, the right one              {_format_share(score.branded_right, score.branded_classed)}")
    print(f"photos of no brand that got a class    {_format_share(score.plain_classed, score.plain)}")
    for file, truth, given in score.wrong:
        print(f"wrong  {file}  is {truth}, got {given}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
