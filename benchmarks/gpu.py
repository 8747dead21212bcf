"""Pictures a second and top-1 of a training on a GPU, beside torchvision's reference recipe and timm's ``train.py`` on the same export.

    python benchmarks/gpu.py WORKSPACE/release [--model resnet50] [--side 224] [--epochs 10] [--timm-train PATH/train.py]
    python benchmarks/gpu.py --device cpu --tiny            # a drawn release, a small network, two epochs: does it run at all

The release is exported once as image folders, which the other two read. torchvision's reference (references/classification: SGD with
momentum, step schedule, RandomResizedCrop and flips, float32, a DataLoader) is run as a plain loop over torchvision alone; timm's
``train.py`` comes with its repository, not with its package, and is run where ``--timm-train`` names it. Everything learns from scratch,
for as many epochs, and is scored on test once. Figures are of the training loop alone: the first epoch, in which kernels are chosen and
files are read for the first time, is left out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image, ImageDraw
from torch import nn

from logoingest.config import TrainConfig
from logoingest.imports.lean import let_threads_sleep
from logoingest.release.reading.loader import open_folder
from logoingest.training.classification.preparation import prepare
from logoingest.training.classification.training import train
from logoingest.training.data.pictures import open_pictures
from logoingest.training.data.splits import read_splits


def draw_release(folder: Path) -> Path:
    """A tiny release of coloured squares on noise."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from builders.drawn_releases import encode, write_release

    def draw(label: int, seed: int) -> bytes:
        noise = np.random.default_rng(seed).integers(90, 255, (40, 40, 3), dtype=np.uint8)
        picture = Image.fromarray(noise)
        ImageDraw.Draw(picture).rectangle((8, 8, 30, 30), fill=("red", "blue")[label])
        return encode(picture)

    splits = {
        name: [(draw(row % 2, 100 * part + row), row % 2) for row in range(24)]
        for part, name in enumerate(("train", "validation", "test"))
    }
    return write_release(folder, splits, ("red", "blue"), groups=True)


def export_folders(release: Path, folder: Path) -> None:
    """train/CLASS/n.jpg, validation/…, test/…: what an ImageFolder reads; classes are numbered, so that their order stays."""
    for name, split in read_splits(open_folder(release)).splits.items():
        with open_pictures(split) as reader:
            for place in range(len(split)):
                path = folder / name / f"{split.label[place]:04}" / f"{place}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(reader.read(int(split.row[place])))


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_ours(release: Path, config: TrainConfig) -> tuple[float, float]:
    """(pictures a second after the first epoch, top-1 on test)."""
    prepared = prepare(open_folder(release), config)
    ended: list[float] = []
    trained = train(prepared, config, scored=("test",), on_epoch=lambda _: ended.append(time.perf_counter()))
    count = len(prepared.splits["train"]) * (len(ended) - 1)
    return count / (ended[-1] - ended[0]), trained.predictions["test"].count_correct() / len(prepared.splits["test"])


def iterate_batches(
    folder: Path, side: int, size: int, workers: int, *, learn: bool
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """torchvision's reference presets for training and evaluation."""
    from torchvision.transforms import v2

    plain = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    steps = (
        [v2.RandomResizedCrop(side, antialias=True), v2.RandomHorizontalFlip()]
        if learn
        else [v2.Resize((side, side), antialias=True)]
    )
    data = torchvision.datasets.ImageFolder(str(folder), v2.Compose([*steps, *plain]))
    options = {"batch_size": size, "shuffle": learn, "num_workers": workers, "pin_memory": torch.cuda.is_available()}
    yield from torch.utils.data.DataLoader(data, **options)


def measure_torchvision(folder: Path, config: TrainConfig, classes: int, device: torch.device) -> tuple[float, float]:
    """(pictures a second after the first epoch, top-1 on test) of the reference recipe."""
    torch.manual_seed(config.seed)
    network = torchvision.models.get_model(config.model, weights=None, num_classes=classes).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1 * config.batch_size / 256, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=max(1, config.epochs // 3), gamma=0.1)
    batch, side, workers = config.batch_size, config.image_side_px, config.workers
    seen, started = 0, time.perf_counter()
    for epoch in range(config.epochs):
        network.train()
        for pictures, labels in iterate_batches(folder / "train", side, batch, workers, learn=True):
            loss = nn.functional.cross_entropy(network(pictures.to(device, non_blocking=True)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
        schedule.step()
        if epoch == 0:
            synchronise(device)
            seen, started = 0, time.perf_counter()
    synchronise(device)
    rate = seen / (time.perf_counter() - started)
    right = total = 0
    with torch.no_grad():
        for pictures, labels in iterate_batches(folder / "test", side, batch, workers, learn=False):
            right += int((network.eval()(pictures.to(device)).argmax(dim=1).cpu() == labels).sum())
            total += len(labels)
    return rate, right / total


def measure_timm(script: Path, folder: Path, config: TrainConfig, classes: int, device: torch.device) -> tuple[float, float]:
    """(pictures a second as its last log line says, best top-1 on test) of timm's ``train.py`` with its defaults and AMP in bf16."""
    command = [
        sys.executable, str(script), str(folder), "--train-split", "train", "--val-split", "test", "--model", config.model,
        "--num-classes", str(classes), "--img-size", str(config.image_side_px), "-b", str(config.batch_size), "--epochs", str(config.epochs),
        "-j", str(config.workers), "--amp", "--amp-dtype", "bfloat16", "--channels-last", "--device", device.type, "--output", str(folder / "timm"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = done.stdout + done.stderr
    rates = [float(rate) for rate in re.findall(r"\(\s*([\d.]+)/s\)", said)]
    summary = next((folder / "timm").rglob("summary.csv")).read_text().splitlines()
    place = summary[0].split(",").index("eval_top1")
    return rates[-1], max(float(line.split(",")[place]) for line in summary[1:]) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("release", type=Path, nargs="?")
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--timm-train", type=Path, help="train.py of timm's repository")
    parser.add_argument("--tiny", action="store_true", help="a drawn release and a small network")
    given = parser.parse_args()
    let_threads_sleep()
    workers = min(16, os.cpu_count() or 1)
    config = TrainConfig(
        model=given.model,
        image_side_px=given.side,
        epochs=given.epochs,
        batch_size=given.batch_size,
        device=given.device,
        workers=workers,
    )
    device = torch.device(given.device)
    with tempfile.TemporaryDirectory() as work:
        release = given.release
        if given.tiny:
            release = draw_release(Path(work) / "release")
            config = config.model_copy(
                update={"model": "shufflenet_v2_x0_5", "image_side_px": 32, "epochs": 2, "batch_size": 8, "workers": 0}
            )
        if release is None:
            parser.error("name a release, or --tiny")
        export_folders(release, Path(work) / "folders")
        classes = len(open_folder(release).class_ids)
        ways = {
            "logoingest": lambda: measure_ours(release, config),
            "torchvision's reference": lambda: measure_torchvision(Path(work) / "folders", config, classes, device),
        }
        if given.timm_train:
            ways["timm's train.py"] = lambda: measure_timm(given.timm_train, Path(work) / "folders", config, classes, device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
        print(
            f"{name}, torch {torch.__version__}, {config.model}, {config.image_side_px} px, batches of {config.batch_size}, {config.epochs} epochs\n"
        )
        print(f"| {'':<24} | pictures/s | top-1 on test |\n|{'-' * 26}|-----------:|--------------:|")
        for label, run in ways.items():
            rate, top1 = run()
            print(f"| {label:<24} | {rate:10,.0f} | {top1:13.3f} |", flush=True)


if __name__ == "__main__":
    main()
