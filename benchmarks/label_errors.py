"""Planted label errors: how far up the ranking brings them, without and with votes, beside cleanlab on the same probabilities.

    python benchmarks/label_errors.py flickrlogos27 --weights mobilenet_v2.pth [--side 224] [--epochs 10] [--noise uniform confusable]
    python benchmarks/label_errors.py --saved found.npz                 # score again what an earlier run saved with --save
    python benchmarks/label_errors.py flickrlogos27 --saved found.npz --texts texts.json     # and with the text on the photos (extra "ocr")

The photos with a brand are labelled by ``gold.csv``, and 10 % of the labels are changed: uniformly, or to one of the three classes that a
linear probe on the weights' frozen features confuses most. Five group-safe folds of the fine-tune judge every photo (``predict_out_of_fold``).
Votes are simulated so that the changed label is what most said: each worker tells the truth with a skill of .95, .9, .8 or .6 and errs
at random; with ``shared`` one half of the wrong pictures fooled everybody alike. What is known of a label is the posterior of its votes
alone. Figures are average precision of the ranking of all photos, the wrong ones being the hits.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.config import TrainConfig
from logoingest.evidence.label_errors import calibrate, combine, find_label_errors, rank_labels, spread_votes, temper_confidence
from logoingest.evidence.probe import probe_out_of_fold
from logoingest.evidence.written import hear_texts
from logoingest.images.alike.duplicates import group_duplicates
from logoingest.images.looking.inspection import inspect_image
from logoingest.images.looking.texts import TextReader
from logoingest.imports.lean import let_threads_sleep
from logoingest.labels import ClassMap
from logoingest.labels.text.fold import fold
from logoingest.release.form.manifest import compute_fingerprint, render_manifest
from logoingest.splits import deal_folds

FOLDS = 5
SHARE = 0.1
SKILLS = (0.95, 0.9, 0.8, 0.6)
Rows = np.ndarray


def read_photos(folder: Path) -> dict[str, Any]:
    """ids, groups, labels, class names and bytes of the photos with a brand, each once."""
    found: dict[str, tuple[str, bytes]] = {}
    with (folder / "gold.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["label"] != "none":
                data = (folder / "images" / row["file"]).read_bytes()
                found.setdefault(hashlib.sha256(data).hexdigest(), (row["label"], data))
    ids = sorted(found)
    facts = [inspect_image(found[name][1]) for name in ids]
    columns = ([fact[key] for fact in facts] for key in ("signature", "pixel_hash"))
    names = sorted({label for label, _ in found.values()})
    labels = np.array([names.index(found[name][0]) for name in ids])
    return {
        "ids": ids,
        "groups": group_duplicates(ids, *columns),
        "labels": labels,
        "names": names,
        "files": [found[name][1] for name in ids],
    }


class Written(NamedTuple):
    """The text on the photos: what ``hear_texts`` asks for beside the model."""

    folds: Rows
    texts: list[list[str]]
    spellings: list[tuple[str, int]]


def read_texts(files: Sequence[bytes], kept: Path) -> list[list[str]]:
    """The text on photos, folded, from the file or read and written to it."""
    names = [hashlib.sha256(data).hexdigest() for data in files]
    if not kept.exists():
        reader = TextReader()
        read = {name: [text for text, _ in reader.read(data)] for name, data in zip(names, files, strict=True)}
        kept.write_text(json.dumps(read), encoding="utf-8")
    read = json.loads(kept.read_text(encoding="utf-8"))
    return [list(dict.fromkeys(fold(text).ascii for text in read[name])) for name in names]


def read_written(photos: Mapping[str, Any], kept: Path) -> Written:
    """The text on the photos, and the spellings of the class map that the example uses."""
    class_map, number = ClassMap.load("logoingest:flickrlogos27"), {name: place for place, name in enumerate(photos["names"])}
    spelled = {(fold(one.text).ascii, class_map.outputs.get(one.class_id)) for one in class_map.spellings}
    return Written(
        deal(photos),
        read_texts(photos["files"], kept),
        sorted((text, number[name]) for text, name in spelled if text and name in number),
    )


def deal(photos: Mapping[str, Any]) -> Rows:
    """The fold of each photo."""
    dealt = deal_folds(photos["groups"], [f"{label:03}" for label in photos["labels"]], FOLDS)
    return np.array([next(number for number, fold in enumerate(dealt) if group in fold) for group in photos["groups"]])


def write_release(folder: Path, photos: Mapping[str, Any], labels: Rows, splits: Mapping[str, Rows] | None = None) -> Path:
    """A release of the photos by the rows of each split; all in train and two of them in test as well where no splits are given."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    (folder / "data").mkdir(parents=True)
    splits = splits or {"train": np.arange(len(labels)), "validation": np.arange(0), "test": np.arange(2)}
    for split, rows in splits.items():
        pictures = [{"bytes": photos["files"][row], "path": f"{row}.jpg"} for row in rows]
        ids, groups = ([photos[key][row] for row in rows] for key in ("ids", "groups"))
        columns = [
            pa.array(pictures, kind),
            pa.array(labels[rows], pa.int64()),
            pa.array(ids, pa.string()),
            pa.array(groups, pa.string()),
        ]
        table = pa.Table.from_arrays(columns, ["image", "label", "image_id", "group_id"])
        pq.write_table(table, folder / f"data/{split}-00000-of-00001.parquet", row_group_size=100)
    files = {
        f"data/{path.name}": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted((folder / "data").iterdir())
    }
    manifest: dict[str, Any] = {
        "format": 1, "name": "planted", "description": "", "licence": "", "source_url": "", "logoingest": "0",
        "classes": [{"id": name, "name": name, "images": {}} for name in photos["names"]],
        "splits": {split: len(rows) for split, rows in splits.items()},
        "multi_class_images": {}, "counts": {}, "rejected": {}, "lineage": {}, "files": files,
    }  # fmt: skip
    manifest["fingerprint"] = compute_fingerprint(manifest)
    (folder / "manifest.json").write_bytes(render_manifest(manifest))
    return folder


def plant_errors(labels: Rows, kind: str, confused: Rows, seed: int) -> Rows:
    """The labels with a tenth of them changed; ``confused``: each class's others, the most confused first."""
    rng = np.random.default_rng(seed)
    changed = labels.copy()
    for row in rng.permutation(len(labels))[: round(SHARE * len(labels))] if kind != "clean" else ():
        others = confused[labels[row]][: 3 if kind == "confusable" else len(confused) - 1]
        changed[row] = rng.choice(others)
    return changed


def judge(photos: Mapping[str, Any], config: TrainConfig, kinds: Sequence[str], seed: int) -> dict[str, Rows]:
    """Truth, and for each kind of noise the labels and what the folds say."""
    from logoingest.release.reading.loader import open_folder
    from logoingest.training.classification.folds import predict_out_of_fold
    from logoingest.training.classification.preparation import prepare
    from logoingest.training.data.splits import cut_folds
    from logoingest.training.loop.encoders import load_encoder

    truth, count = photos["labels"], len(photos["names"])
    encoder = load_encoder(config.model, config.weights, config.image_side_px, Path())
    frozen = encoder.encode(photos["files"]).embeddings
    folds = deal(photos)
    clean = probe_out_of_fold(frozen, truth, folds, count, frozen[:0]).probabilities
    confusion = np.stack([clean[truth == number].mean(axis=0) for number in range(count)])
    np.fill_diagonal(confusion, -1)
    confused = np.argsort(-confusion, axis=1)[:, :-1]
    saved: dict[str, Rows] = {"truth": truth}
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(open_folder(write_release(Path(folder) / "release", photos, truth)), config, folds=True)
        assert prepared.pool is not None
        order = [prepared.pool.split.image_id.index(name) for name in photos["ids"]]
        for kind in kinds:
            labels = plant_errors(truth, kind, confused, seed)
            split = dataclasses.replace(prepared.pool.split, label=labels[np.argsort(order)])
            noisy = dataclasses.replace(prepared, pool=dataclasses.replace(prepared.pool, split=split))
            started = time.process_time()
            cut = cut_folds({"train": split, "validation": prepared.pictures["validation"].split}, FOLDS)
            found = predict_out_of_fold(noisy, config, cut)
            saved |= {f"labels_{kind}": labels, f"folds_{kind}": found.probabilities[order]}
            saved[f"probe_{kind}"] = probe_out_of_fold(frozen, labels, folds, count, frozen[:0]).probabilities
            print(f"{kind}: trained in {time.process_time() - started:,.0f} CPU s", flush=True)
    return saved


def draw_votes(truth: Rows, labels: Rows, count: int, *, workers: int, shared: float, seed: int) -> list[dict[int, int]]:
    """Votes of which most are for the label, whatever the truth."""
    rng = np.random.default_rng(seed)
    votes = []
    for right, label in zip(truth.tolist(), labels.tolist(), strict=True):
        while True:
            seen = label if right != label and rng.random() < shared else right
            answers = [seen if rng.random() < rng.choice(SKILLS) else _err(rng, right, label, count) for _ in range(workers)]
            counted = np.bincount(answers, minlength=count)
            if counted[label] > np.delete(counted, label).max():
                break
        votes.append({number: int(counted[number]) for number in np.flatnonzero(counted).tolist()})
    return votes


def _err(rng: np.random.Generator, right: int, label: int, count: int) -> int:
    """On a picture that is mislabelled half of the errors go where the label went: the two do look alike."""
    return label if right != label and rng.random() < 0.5 else int(rng.integers(count))


def measure_confidence(votes: Sequence[Mapping[int, int]], labels: Rows, count: int) -> Rows:
    """The posterior of the label by its votes alone, one skill for all (.8), errors spread evenly over what was named and one more."""
    weight = np.log(0.8 / 0.2 * 4)
    sure = []
    for counted, label in zip(votes, labels.tolist(), strict=True):
        odds = {number: np.exp(weight * times) for number, times in counted.items()}
        sure.append(odds[label] / (sum(odds.values()) + count - len(odds)))
    return np.array(sure)


def find_precision(scores: Rows, hits: Rows) -> float:
    """Average precision of a ranking by score, the highest first."""
    ranked = hits[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def score(saved: Mapping[str, Rows], kind: str, judge_name: str, written: Written | None) -> None:
    labels, shares = saved[f"labels_{kind}"], saved[f"{judge_name}_{kind}"].astype(float)
    fair, _ = calibrate(shares, labels)
    _score(saved["truth"], labels, shares, fair, f"| {kind:<10} | {judge_name:<15}")
    if written:
        heard = hear_texts(fair, labels, written.folds, np.ones(len(labels), bool), written.texts, written.spellings)
        _score(saved["truth"], labels, heard.shares, heard.shares, f"| {kind:<10} | {judge_name} and text")


def _score(truth: Rows, labels: Rows, shares: Rows, fair: Rows, head: str) -> None:
    wrong, count = truth != labels, shares.shape[1]
    right = float((shares.argmax(axis=1) == truth).mean())
    rows = [("normalised margin, no votes", -find_label_errors(shares, labels).margin)]
    try:
        from cleanlab.rank import get_label_quality_scores

        methods = ("normalized_margin", "self_confidence", "confidence_weighted_entropy")
        rows += [(f"cleanlab, {method}", -get_label_quality_scores(labels, shares, method=method)) for method in methods]
    except ImportError:
        print("cleanlab is not installed: left out")
    priors = (np.bincount(labels, minlength=count) + 1) / (len(labels) + count)
    for workers, shared in ((3, 0.0), (5, 0.0), (3, 0.5), (5, 0.5)):
        votes = draw_votes(truth, labels, count, workers=workers, shared=shared, seed=1)
        alone = measure_confidence(votes, labels, count)
        sure = temper_confidence(fair, alone, labels, priors)
        order = rank_labels(combine(fair, spread_votes(sure, labels, votes, count), priors), labels)
        place = np.empty(len(labels))
        place[order] = np.arange(len(labels))
        crowd = f"{workers} votes{', half of the wrong ones fooled all' if shared else ''}"
        rows += [(f"votes alone: {crowd}", -alone), (f"model and votes: {crowd}", -place)]
    for name, scores in rows:
        print(f"{head} {right:.3f} | {name:<60} | {find_precision(scores, wrong):.3f} |", flush=True)


def main() -> None:
    let_threads_sleep()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="flickrlogos27: images/ and gold.csv")
    parser.add_argument("--weights", help="a local state dict of the model")
    parser.add_argument("--model", default="mobilenet_v2", help="of torchvision, or by import path: module:function")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--noise", nargs="+", default=["uniform", "confusable"], choices=["uniform", "confusable", "clean"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--saved", type=Path)
    parser.add_argument(
        "--texts", type=Path, help="score with the text on the photos as well, which is read once and kept in this file"
    )
    arguments = parser.parse_args()
    photos = read_photos(arguments.folder) if arguments.texts or not arguments.saved else {}
    if arguments.saved:
        saved = dict(np.load(arguments.saved))
    else:
        config = TrainConfig(
            model=arguments.model, weights=str(Path(arguments.weights).absolute()), freeze="lower", image_side_px=arguments.side,
            epochs=arguments.epochs, label_smoothing=0.1, augment="light",
        )  # fmt: skip
        saved = judge(photos, config, arguments.noise, arguments.seed)
        if arguments.save:
            np.savez(arguments.save, **saved)
    written = read_written(photos, arguments.texts) if arguments.texts else None
    print("| noise      | judge, right | ranking | average precision |\n|---|---|---|---|")
    for kind in ("uniform", "confusable"):
        for judge_name in ("folds", "probe"):
            if f"{judge_name}_{kind}" in saved:
                score(saved, kind, judge_name, written)


if __name__ == "__main__":
    main()
