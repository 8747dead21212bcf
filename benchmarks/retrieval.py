"""Look-alikes: whether the nearest photos show the same brand, by ImageNet's features, by those of a baseline, by any network.

    python benchmarks/retrieval.py flickrlogos27 --backbone mobilenet_v2 --weights mobilenet_v2.pth
    python benchmarks/retrieval.py flickrlogos27 --backbone workspace/baseline

Queries are the photos with a brand of the split ``query`` of ``gold.csv``, searched among those of ``train`` by exact cosine: P@1 is the
share whose nearest photo shows their brand, mAP the mean average precision over all of train. With ``--texts`` the text on the photos
counts as well, as much as train says (``weigh_likeness``), or, of a baseline, what ``strangers.py`` kept of it for validation.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from label_errors import read_texts
from logoingest.evidence import Vectors, centre_vectors, find_nearest, scale_vectors
from logoingest.evidence.written import compare_texts, weigh_likeness
from logoingest.imports.lean import let_threads_sleep
from strangers import read_photos


def read_split(folder: Path, split: str) -> tuple[list[bytes], list[str]]:
    """(files, brands) of the photos with a brand."""
    with (folder / "gold.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split and row["label"] != "none"]
    return [(folder / "images" / row["file"]).read_bytes() for row in rows], [row["label"] for row in rows]


def main() -> None:
    let_threads_sleep()
    from logoingest.training.loop.encoders import load_baseline_encoder, load_encoder
    from logoingest.training.models.artifact import AllowedCode

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="flickrlogos27: images/ and gold.csv")
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--code", type=Path, help="a baseline of one's own network: the folder of its module, which is imported")
    parser.add_argument("--texts", type=Path, help='count the text too, which is read once and kept in this file (extra "ocr")')
    arguments = parser.parse_args()
    if arguments.code:
        encoder = load_baseline_encoder(Path(arguments.backbone), code=AllowedCode(None, arguments.code))
    else:
        encoder = load_encoder(arguments.backbone, arguments.weights, arguments.side, Path.cwd())
    started = time.process_time()
    files, brands = read_split(arguments.folder, "train")
    queries, wanted = read_split(arguments.folder, "query")
    matrix = scale_vectors(encoder.encode(files).embeddings)
    among = centre_vectors(Vectors(tuple(map(str, range(len(files)))), matrix, encoder.model_hash))
    beside = None
    if arguments.texts:
        texts = read_texts([*files, *queries], arguments.texts)
        classes = np.unique(brands, return_inverse=True)[1]
        held = {data for data, _ in read_photos(arguments.folder).splits["validation"]} if encoder.facts.class_ids else set(files)
        fit = np.array([data in held for data in files])
        weight = weigh_likeness(among.matrix, classes, np.arange(len(files)), texts[: len(files)], fit)
        print(f"the likeness of texts counts {weight:g}")
        parts = [compare_texts([texts[row], *texts[: len(files)]], [0])[:, 1:] for row in range(len(files), len(texts))]
        beside = weight * np.concatenate(parts)
    found = find_nearest(among, among.aim(encoder.encode(queries).embeddings), len(files), beside)
    hits = np.array(brands)[found.rows] == np.array(wanted)[:, None]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    mean = (precision * hits).sum(axis=1) / hits.sum(axis=1)
    print(f"{encoder.facts.name}, {encoder.side_px} px: {len(queries)} queries among {len(files)}")
    print(f"P@1 {hits[:, 0].mean():.3f}  mAP {mean.mean():.3f}  {time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main()
