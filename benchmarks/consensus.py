"""Consensus on real tasks with gold answers and on simulated ones: accuracy, time and calibration error.

    python benchmarks/consensus.py [--data FOLDER] [--seeds N] [--simulated-items N] [--mace-restarts N] [--fast]

Ours (majority, one_coin) beside crowd-kit's MACE and Dawid-Skene, where crowd-kit can be imported; it is needed for nothing else.

Calibration error is the expected calibration error of Guo et al. (ICML 2017, https://arxiv.org/abs/1706.04599): fifteen bins of
equal width, the gaps between mean confidence and accuracy weighted by items. On few items even a perfect confidence shows some:
"noise" is what confidences of the same values, right exactly that often, show on average (and in 19 of 20 cases at most).

Gold answers are used for scoring, and in the line "with gold" as a user's gold questions: of 100 items drawn (half of them where
there are fewer than 200) the right class is given, and the error is measured on the others, mean of ten draws. "at best" is what
the same procedure shows in a world where its confidence has exactly the right form: less can't be had of so much gold.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.consensus.confidence import fit_gold
from logoingest.consensus.one_coin import settle_votes
from logoingest.samples.agreement import compute_alpha

Array = npt.NDArray[Any]
GOLD_SETS = ("dogs4", "ducks", "face_sentiment", "product_match")
#: classes, votes an item, share of spammers
SIMULATIONS = ((30, 3, 0.2), (300, 3, 0.2), (1000, 3, 0.2), (100, 5, 0.1))


class Task(NamedTuple):
    """Votes and the truth, item by item (items are 0 to n - 1)."""

    name: str
    items: Array
    workers: Array
    classes: Array
    n_classes: int
    truth: Array


def read_gold_sets(folder: Path) -> Iterator[Task]:
    for name in GOLD_SETS:
        with (folder / "crowd" / "gold" / f"{name}_answers_with_gold.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        items, workers = (np.unique([row[key] for row in rows], return_inverse=True)[1] for key in ("item", "worker"))
        classes, gold = (np.array([int(row[key]) for row in rows]) for key in ("answer", "gold"))
        truth = np.zeros(items.max() + 1, int)
        truth[items] = gold
        yield Task(name, items, workers, classes, int(max(classes.max(), gold.max())) + 1, truth)


def simulate_task(n_classes: int, votes: int, spammers: float, n_items: int, seed: int) -> Task:
    """Zipf classes in pairs that are mixed up (7 errors of 10); workers of about 0.8; spammers answer as the classes are common."""
    random = np.random.default_rng([seed, n_classes, votes])
    n_workers = max(20, n_items * votes // 100)
    skill = random.beta(8, 2, n_workers)
    is_spammer = random.random(n_workers) < spammers
    share = 1 / np.arange(1, n_classes + 1)
    share /= share.sum()
    truth = random.choice(n_classes, n_items, p=share)
    items = np.repeat(np.arange(n_items), votes)
    workers = np.concatenate([random.choice(n_workers, votes, replace=False) for _ in range(n_items)])
    twin = np.minimum(truth ^ 1, n_classes - 1)[items]
    wrong = np.where(random.random(len(items)) < 0.7, twin, random.integers(0, n_classes, len(items)))
    honest = np.where(random.random(len(items)) < skill[workers], truth[items], wrong)
    answers = np.where(is_spammer[workers], random.choice(n_classes, len(items), p=share), honest)
    return Task(f"{n_classes} classes, {votes} votes, seed {seed}", items, workers, answers, n_classes, truth)


def measure_calibration_error(confidence: Array, right: Array, bins: int = 15) -> float:
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == k].mean() - right[place == k].mean()) * (place == k).mean() for k in np.unique(place)]
    return float(sum(gaps))


def measure_noise(confidence: Array, draws: int = 200) -> tuple[float, float]:
    """(mean, 95th percentile) of the error that a perfect confidence of these values shows on so few items."""
    random = np.random.default_rng(0)
    errors = [measure_calibration_error(confidence, random.random(len(confidence)) < confidence) for _ in range(draws)]
    return float(np.mean(errors)), float(np.percentile(errors, 95))


class WithGold(NamedTuple):
    """Means over draws of gold."""

    questions: int
    accuracy: float
    error: float
    noise: float
    at_best: float


def measure_with_gold(task: Task, draws: int = 10) -> WithGold:
    random = np.random.default_rng(0)
    items = np.arange(len(task.truth))
    plain = settle_votes(*task[1:5])
    form = fit_gold(items, plain.classes, plain.confidence, items, task.truth)  # the form right, the world made to it
    count = min(100, len(items) // 2)
    rows = []
    for _ in range(draws):
        known = random.choice(len(items), count, replace=False)
        rest = np.setdiff1d(items, known)
        settled = settle_votes(*task[1:5], gold_items=known, gold_classes=task.truth[known])
        right, confidence = (settled.classes == task.truth)[rest], settled.confidence[rest]
        drawn = random.random(len(items)) < form
        best = fit_gold(items, items * 0, plain.confidence, known, np.where(drawn, 0, 1)[known])[rest]
        rows.append(
            (
                right.mean(),
                measure_calibration_error(confidence, right),
                measure_noise(confidence, 20)[0],
                measure_calibration_error(best, drawn[rest]),
            )
        )
    return WithGold(count, *(float(column) for column in np.mean(rows, axis=0)))


def time_call(call: Callable[[], Any], repeats: int = 3) -> tuple[Any, float]:
    """The answer and the least CPU time, seconds."""
    best, answer = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        answer = call()
        best = min(best, time.process_time() - start)
    return answer, best


def load_rivals(task: Task, restarts: int) -> dict[str, Callable[[], Array]]:
    if importlib.util.find_spec("crowdkit") is None:
        return {}
    import pandas as pd
    from crowdkit.aggregation import MACE, DawidSkene

    votes = pd.DataFrame({"task": task.items, "worker": task.workers, "label": task.classes})
    order = range(len(task.truth))
    rivals = {"MACE": lambda: MACE(n_restarts=restarts, random_state=0).fit_predict(votes).reindex(order).to_numpy()}
    if task.n_classes <= 300:  # Dawid-Skene keeps a classes x classes matrix a worker
        rivals["Dawid-Skene"] = lambda: DawidSkene(n_iter=100).fit_predict(votes).reindex(order).to_numpy()
    return rivals


def report_task(task: Task, restarts: int) -> None:
    alpha = compute_alpha(task.items, task.workers, task.classes)
    print(f"\n{task.name}: {len(task.truth)} items, {len(task.items)} votes, {task.n_classes} classes, alpha {alpha:.3f}")
    own = 0.0
    for method in ("majority", "one_coin"):
        settled, own = time_call(lambda method=method: settle_votes(*task[1:5], method=method))
        print(f"  {method:12s} accuracy {(settled.classes == task.truth).mean():.4f}  {own:8.3f} CPU s", flush=True)
    for name, call in (load_rivals(task, restarts) if restarts else {}).items():
        try:
            winners, seconds = time_call(call, 1)
        except Exception as error:  # noqa: BLE001 - a rival that falls is a result
            print(f"  {name:12s} falls: {type(error).__name__}: {str(error)[:80]}")
        else:
            times = f"one_coin takes {own / seconds:.2%} of it"
            print(f"  {name:12s} accuracy {(winners == task.truth).mean():.4f}  {seconds:8.3f} CPU s, {times}", flush=True)
    report_calibration(task)


def report_calibration(task: Task) -> None:
    settled, raw = settle_votes(*task[1:5]), settle_votes(*task[1:5], calibrate=False)
    right = settled.classes == task.truth
    mean, most = measure_noise(settled.confidence)
    share = settle_votes(*task[1:5], method="majority")
    print(
        f"  calibration  error {measure_calibration_error(settled.confidence, right):.3f}"
        f" (noise {mean:.3f}, at most {most:.3f}); EM's own {measure_calibration_error(raw.confidence, right):.3f},"
        f" majority's share {measure_calibration_error(share.confidence, share.classes == task.truth):.3f};"
        f" mean confidence {settled.confidence.mean():.3f}, correlation {settled.correlation:g}"
    )
    gold = measure_with_gold(task)
    print(
        f"  with gold    error {gold.error:.3f} (noise {gold.noise:.3f}, at best {gold.at_best:.3f});"
        f" accuracy on the others {gold.accuracy:.4f}, {gold.questions} questions",
        flush=True,
    )


def report_speed() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 1000, 200_000)
    items = np.repeat(np.arange(len(truth)), 5)
    workers = random.integers(0, 5_000, len(items))
    classes = np.where(random.random(len(items)) < 0.8, truth[items], random.integers(0, 1000, len(items)))
    order = random.permutation(len(items))
    start = time.perf_counter()
    settled, seconds = time_call(lambda: settle_votes(items[order], workers[order], classes[order], 1000), 1)
    wall = time.perf_counter() - start
    print(f"\n1,000,000 votes x 1,000 classes: {seconds:.2f} CPU s, {wall:.2f} s; accuracy {(settled.classes == truth).mean():.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LOGOINGEST_SHARED_DATA", beside)))
    parser.add_argument("--seeds", type=int, default=1, help="simulated sets of each kind")
    parser.add_argument("--simulated-items", type=int, default=2000)
    parser.add_argument("--mace-restarts", type=int, default=10, help="crowd-kit's own is 10: minutes each from 300 classes on")
    parser.add_argument("--fast", action="store_true", help="leave out crowd-kit")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="crowdkit")
    if not options.fast and importlib.util.find_spec("crowdkit") is None:
        print("crowd-kit is not installed here: MACE and Dawid-Skene are left out")
    restarts = 0 if options.fast else max(1, options.mace_restarts)
    if options.data.is_dir():
        for task in read_gold_sets(options.data):
            report_task(task, restarts)
    else:
        print(f"{options.data} is not there: the gold sets are left out")
    for n_classes, votes, spammers in SIMULATIONS:
        for seed in range(options.seeds):
            report_task(simulate_task(n_classes, votes, spammers, options.simulated_items, seed), restarts)
    report_speed()


if __name__ == "__main__":
    main()
