"""The train stage from a release folder to a verdict: probe, feeds, training, controls, files, in that order."""

from __future__ import annotations

import importlib.util
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

from logoingest import __version__
from logoingest.config import TrainConfig
from logoingest.errors import GateError, Problem
from logoingest.training.checks.controls import (
    extract_features,
    make_head_job,
    measure_one_batch,
    measure_start_loss,
    name_zero_input_class,
    score_shuffled_labels,
)
from logoingest.training.checks.leaks import find_leaks
from logoingest.training.checks.verdict import (
    Check,
    Verdict,
    check_beats,
    check_leaks,
    check_one_batch,
    check_shuffled,
    check_start_loss,
)
from logoingest.training.classification.figures import draw_figures
from logoingest.training.data.feeds import CACHE_BYTES, Feed, PictureFeed, count_cache_bytes, make_feed, name_feeds
from logoingest.training.data.pictures import SPLITS, Release, read_release
from logoingest.training.loop.fitting import Epoch, Job, choose_device, fit, predict, prefers_channels_last, seed_everything
from logoingest.training.loop.memory import keep_freed_memory
from logoingest.training.loop.scores import find_largest_share, find_majority, score_split
from logoingest.training.models.artifact import save_artifact
from logoingest.training.models.network import build_learner

logger = logging.getLogger("logoingest")

Tell = Callable[[str, dict[str, Any]], None]

#: Changed views of every picture whose features are kept when only the head learns.
FROZEN_VIEWS = 4
#: Leaks named in metrics.json, at most.
NAMED_LEAKS = 200


@dataclass
class Session:
    """One baseline while it is made."""

    release: Release
    config: TrainConfig
    tell: Tell
    timings_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and say that it begins."""
        self.tell(name, {"done": 0})
        started = time.perf_counter()
        yield
        self.timings_s[name] = round(time.perf_counter() - started, 3)

    def count(self, name: str) -> Callable[[int, int], None]:
        """A counter that tells how far a phase is."""
        return lambda done, total: self.tell(name, {"done": done, "total": total})


def run_baseline(release_dir: Path, config: TrainConfig, out_dir: Path, base_dir: Path, on_progress: Tell | None) -> Verdict:
    """See ``logoingest.training.train_baseline``."""
    tell: Tell = on_progress or (lambda _phase, _facts: None)
    started = time.perf_counter()
    session = Session(read_release(release_dir), config, tell)
    check_release(session.release)
    use = describe_use(session.release)
    device = choose_device(config.device)
    class_count = len(session.release.class_names)
    with seed_everything(config.seed):
        learner = build_learner(config, class_count, base_dir)
    channels_last = prefers_channels_last(learner.network, device)
    learner.network.to(device)
    if channels_last:
        learner.network.to(memory_format=torch.channels_last)
    out_dir.mkdir(parents=True, exist_ok=True)

    with session.phase("leaks"):
        leaks = find_leaks(session.release.splits, config.workers, session.count("leaks"))
    with session.phase("pictures"):
        pictures = make_feeds(session, device)
        job = Job(learner.network, learner, config, device, class_count, channels_last)
        job, feeds = prepare_features(job, pictures)
    with keep_freed_memory():
        checks, history, metrics = learn_and_check(session, job, feeds)
    checks.append(check_leaks(len(leaks)))
    verdict = Verdict(tuple(checks))
    with session.phase("write"):
        metrics |= {
            "splits": use,
            "pictures_held": name_feeds(list(pictures.values())),
            "leaks": {"count": len(leaks), "pairs": [asdict(leak) for leak in leaks[:NAMED_LEAKS]]},
            "verdict": verdict.to_dict(),
            "config": config.model_dump(mode="json"),
            "versions": {"logoingest": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
            "device": device.type,
        }
        save_artifact(learner.network, session.release.class_names, config, out_dir)
        draw_figures(metrics, out_dir)
        write_events(history, metrics, out_dir)
    metrics["timings_s"] = {**session.timings_s, "total": round(time.perf_counter() - started, 3)}
    _write_json(out_dir / "metrics.json", metrics)
    _write_json(out_dir / "verdict.json", verdict.to_dict())
    tell("done", {"done": 1, "total": 1, "passed": verdict.passed})
    return verdict


def check_release(release: Release) -> None:
    """See to it that there is something to learn.

    Raises:
        GateError: fewer than two classes in train, or nothing in test.
    """
    problems = []
    train, test = release.splits["train"], release.splits["test"]
    classes = len(np.unique(train.label))
    if classes < 2:
        hint = "a baseline needs two classes; look at samples and splits"
        problems.append(Problem("train", f"{len(train):,} single-class pictures of {classes} classes", hint))
    if not len(test):
        others = f"; {', '.join(release.unread)} cannot stand in for it" if release.unread else ""
        hint = f"a baseline is scored on test alone{others}: give splits.test a share or fixed pictures"
        problems.append(Problem("test", "no single-class pictures", hint))
    if problems:
        raise GateError(problems)


def describe_use(release: Release) -> dict[str, Any]:
    """Which split is used for what; says so in the log where validation is missing or a split is left alone."""
    chosen = "validation" if len(release.splits["validation"]) else None
    if chosen is None:
        logger.warning("no validation pictures: every epoch is run and the last weights are kept; test is not looked at for that")
    if release.unread:
        logger.info("not looked at by the baseline: %s", ", ".join(release.unread))
    return {"learned": "train", "stopped_by": chosen, "scored": "test", "not_read": list(release.unread)}


def make_feeds(session: Session, device: torch.device) -> dict[str, PictureFeed]:
    """A feed per split; train is changed at random, and what fits into memory is decoded once."""
    config, feeds = session.config, {}
    budget = CACHE_BYTES
    for name in SPLITS:
        augment = config.augment if name == "train" else "none"
        feed = make_feed(
            session.release.splits[name],
            config,
            device,
            augment,
            budget=budget,
            on_progress=session.count(f"pictures of {name}"),
        )
        budget -= count_cache_bytes(feed) if feed.cache is not None else 0
        feeds[name] = feed
    return feeds


def prepare_features(job: Job, pictures: dict[str, PictureFeed]) -> tuple[Job, dict[str, Feed]]:
    """With a frozen backbone the network runs over every picture once, and all trainings run on what it said."""
    feeds: dict[str, Feed] = dict(pictures)
    if not job.learner.frozen:
        return job, feeds
    views = 1 if job.config.augment == "none" else 1 + min(FROZEN_VIEWS, job.config.epochs)
    made = {name: extract_features(job, feed, views if name == "train" else 1) for name, feed in pictures.items()}
    features = {name: feed for name, feed in made.items() if feed is not None}
    if len(features) < len(made):
        return job, feeds
    return make_head_job(job, job.learner), {**features}


def learn_and_check(session: Session, job: Job, feeds: dict[str, Feed]) -> tuple[list[Check], list[Epoch], dict[str, Any]]:
    """Train, score, run the controls: (checks so far, epochs, metrics so far)."""
    release, config, train, test = session.release, session.config, feeds["train"], feeds["test"]
    count = len(release.class_names)
    with session.phase("start"):
        start_loss = measure_start_loss(job, train)
        memorised, memorise_steps = measure_one_batch(job, train)
    controls: dict[str, Any] = {"start_loss": start_loss, "one_batch": {"accuracy": memorised, "steps": memorise_steps}}
    zero_class, shuffled = None, (0, 0)
    if config.controls:
        with session.phase("controls"):
            zero_class = name_zero_input_class(job, train)
            shuffled = score_shuffled_labels(job, train, test)
    with session.phase("fit"):
        history = fit(job, train, feeds["validation"], on_epoch=lambda epoch: _tell_epoch(session, epoch))
    with session.phase("score"):
        predictions = {name: predict(job, feeds[name]) for name in ("validation", "test")}
    scores = {name: score_split(found, feeds[name].labels, count) for name, found in predictions.items()}
    counts = (predictions["test"].count_correct(test.labels), len(test.labels))
    majority, majority_share = find_majority(train.labels, test.labels, count)
    nothing = "the labels say nothing about the pictures: wrong labels, too few pictures a class, or too little training"
    checks = [
        check_start_loss(start_loss, count),
        check_one_batch(memorised),
        check_beats("beats the majority class", counts, majority_share, config.min_margin, nothing),
    ]
    if zero_class is not None:
        zero_share = float((test.labels == zero_class).mean())
        blind = "the model learns how frequent the classes are, not what they look like"
        checks += [
            check_beats("beats a model that sees nothing", counts, zero_share, config.min_margin, blind),
            check_shuffled(*shuffled, find_largest_share(test.labels)),
        ]
        controls |= {
            "zero_input": {"class": zero_class, "top1": zero_share},
            "shuffled_labels": {"correct": shuffled[0], "images": shuffled[1], "largest_class": find_largest_share(test.labels)},
        }
    metrics = {
        "class_names": list(release.class_names),
        "images": {name: len(feed.labels) for name, feed in feeds.items()},
        "epochs": [_clean(asdict(epoch)) for epoch in history],
        **scores,
        "majority": {"class": majority, "top1": majority_share},
        "controls": controls,
    }
    return checks, history, _clean(metrics)


def _tell_epoch(session: Session, epoch: Epoch) -> None:
    session.tell("fit", {"done": epoch.epoch, "total": session.config.epochs, **asdict(epoch)})


def write_events(history: list[Epoch], metrics: dict[str, Any], out_dir: Path) -> None:
    """TensorBoard events in ``out_dir/tensorboard``, where TensorBoard is installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(out_dir / "tensorboard")) as writer:
        for epoch in history:
            for name, value in asdict(epoch).items():
                if name != "epoch" and value is not None:
                    writer.add_scalar(name.replace("_", "/", 1), value, epoch.epoch)
        writer.add_scalar("test/top1", metrics["test"]["top1"], len(history))


def _clean(value: Any) -> Any:
    """JSON knows no NaN: what is not finite becomes null; floats keep six digits."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
