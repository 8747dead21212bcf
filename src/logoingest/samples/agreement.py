"""How far annotators agree beyond chance: Krippendorff's alpha for nominal answers.

K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), https://repository.upenn.edu/asc_papers/43
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.schemas import AgreementRow

CHANCE_ALPHA = 0.1
"""Below it people agree no better than chance; real tasks of doubtful worth have been measured from .13 on."""
TENTATIVE_ALPHA = 0.667
"""Below it not even tentative conclusions are drawn (Krippendorff, Content Analysis, 2004, p. 241)."""

_FEW_ANSWERS = 20
_FEW_GOLD = 20
_CONFIDENT = 0.7

Integers = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


def compute_alpha(items: Integers, workers: Integers, classes: Integers) -> float:
    """Krippendorff's alpha over nominal answers; missing answers are simply not there.

    Args:
        items: what was answered about, one entry an answer. Items with a single answer can't be paired and are left out, as the
            paper says.
        workers: who answered. Only their number matters; a worker who answers an item twice counts as two answers.
        classes: the class it was put into.

    Returns:
        1 for perfect agreement, 0 for what chance gives, below 0 for systematic disagreement; NaN where nothing can be
        paired. When all pairable answers are of one class there is nothing to disagree about, and alpha is 1.
    """
    total, named, matching = _count_coincidences(items, workers, classes)
    if total == 0:
        return float("nan")
    expected = total**2 - np.square(named).sum()
    if expected == 0:
        return 1.0
    return float(1 - (total - 1) * (total - matching.sum()) / expected)


def compute_class_alphas(items: Integers, workers: Integers, classes: Integers) -> dict[int, float]:
    """Alpha of each class against all others put together: which classes people can't tell apart.

    Args:
        items: as for ``compute_alpha``.
        workers: as for ``compute_alpha``.
        classes: as for ``compute_alpha``.

    Returns:
        class → alpha, for the classes named in an item with at least two answers.
    """
    total, named, matching = _count_coincidences(items, workers, classes)
    if total == 0:
        return {}
    found = np.unique(classes)
    alphas = {}
    for class_, count, same in zip(found, named, matching, strict=True):
        if count:
            expected = count * (total - count)
            alphas[int(class_)] = float(1 - (total - 1) * (count - same) / expected) if expected else 1.0
    return alphas


def tabulate_agreement(items: Integers, workers: Integers, classes: Integers, names: Sequence[str]) -> pa.Table:
    """The ``AgreementRow`` table: alpha over all answers, then "no label" and each class against all other answers.

    Args:
        items: as for ``compute_alpha``.
        workers: as for ``compute_alpha``.
        classes: numbers of ``names``; the number after the last is "no label".
        names: the classes' names, sorted.
    """
    _, item, answers = np.unique(items, return_inverse=True, return_counts=True)
    paired = answers[item] > 1
    cells = np.unique(item[paired].astype(np.int64) * (len(names) + 1) + classes[paired])
    given = np.bincount(classes[paired], minlength=len(names) + 1)
    shown = np.bincount(cells % (len(names) + 1), minlength=len(names) + 1)
    alphas = compute_class_alphas(items, workers, classes)
    rows = [_describe("all", None, int(paired.sum()), int((answers > 1).sum()), compute_alpha(items, workers, classes))]
    for number in sorted(alphas, key=lambda number: (number < len(names), number)):
        scope, name = ("class", names[number]) if number < len(names) else ("no_label", None)
        rows.append(_describe(scope, name, int(given[number]), int(shown[number]), alphas[number]))
    return AgreementRow.table(rows)


def find_doubt(agreement: pa.Table, confidence: pa.ChunkedArray, gold: int) -> str | None:
    """Why the classes, or their confidence, must not be believed as they are; None when nothing in the votes says so.

    Errors that many people share (a face that half the crowd calls neutral) show in no vote: two tasks with equal agreement may be
    83 and 64 % right. So low agreement is said wherever no gold questions measure what it means.

    Args:
        agreement: ``AgreementRow``s.
        confidence: of the settled samples.
        gold: answers about pictures whose class is known.
    """
    overall = next((row for row in agreement.to_pylist() if row["scope"] == "all"), None)
    if overall is None or overall["alpha"] is None or overall["answers"] < _FEW_ANSWERS:
        return None
    alpha, mean = overall["alpha"], pc.mean(confidence).as_py()
    measured = f"alpha {alpha:.2f} over {overall['answers']:,} answers about {overall['pictures']:,} pictures"
    if alpha < CHANCE_ALPHA:
        return f"people agree no better than chance ({measured}): the classes are guesses, whatever their confidence"
    if alpha < TENTATIVE_ALPHA and gold < _FEW_GOLD and mean is not None and mean >= _CONFIDENT:
        return (
            f"people agree little ({measured}; {TENTATIVE_ALPHA} is the least for tentative conclusions), yet confidence is "
            f"{mean:.2f} on average: what many get wrong alike shows in no vote; measure it with gold questions"
        )
    return None


def _describe(scope: str, class_id: str | None, answers: int, pictures: int, alpha: float) -> dict[str, object]:
    known = None if np.isnan(alpha) else round(alpha, 6)
    return {"scope": scope, "class_id": class_id, "answers": answers, "pictures": pictures, "alpha": known}


def _count_coincidences(items: Integers, workers: Integers, classes: Integers) -> tuple[float, Floats, Floats]:
    """The coincidence matrix's total, its margins and its diagonal (classes in the order of ``np.unique``)."""
    if not len(items) == len(workers) == len(classes):
        raise ValueError(f"{len(items)} items, {len(workers)} workers and {len(classes)} classes are not one entry an answer")
    _, item = np.unique(items, return_inverse=True)
    found, class_ = np.unique(classes, return_inverse=True)
    answers = np.bincount(item)
    cells, counts = np.unique(item.astype(np.int64) * max(len(found), 1) + class_, return_counts=True)
    cell_answers = answers[cells // len(found)] if len(found) else np.zeros(0, np.int64)
    pairable = cell_answers > 1
    cells, counts, cell_answers = cells[pairable], counts[pairable], cell_answers[pairable]
    of_class = cells % len(found) if len(found) else cells
    named = np.bincount(of_class, weights=counts, minlength=len(found)).astype(np.float64)
    same = counts * (counts - 1) / np.maximum(cell_answers - 1, 1)
    matching = np.bincount(of_class, weights=same, minlength=len(found)).astype(np.float64)
    return float(counts.sum()), named, matching
