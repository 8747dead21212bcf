"""Every worker as the votes show them, and which ones look like spammers, with the reason.

Suspicion is meant for a person to look at, so it is slow: nobody with fewer than ten votes (or twenty answers) is suspected, and
shares are judged by the far end of their 95 % interval (Wilson 1927, https://doi.org/10.2307/2276774).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.consensus.votes import Floats, Indices, is_among
from logoingest.labels.text.words import EMPTY_TALK
from logoingest.samples.answers import NO_GOLD, Annotations, AnswerKind, Answers, sign_sayings
from logoingest.samples.copies import find_copies
from logoingest.samples.verdicts import Verdicts
from logoingest.schemas import WorkerRow
from logoingest.wording import cut_text

if TYPE_CHECKING:
    import pandas as pd

_MIN_VOTES = 10
_MIN_ANSWERS = 20
#: Agreement surely below this share of the usual worker's is suspect.
_LOW_AGREEMENT = 0.6
#: So many answers that match nothing, of so few kinds, are suspect: people who misspell do it differently every time.
_UNMATCHED_SHARE = 0.3
_FEW_KINDS = 4
#: A word that matches nothing and that so many workers give is no habit of one: the map lacks it.
_MANY_GIVERS = 3
_FEW_KINDS_SHARE = 0.8
#: A median time below this share of the usual worker's is suspect, unless the votes show that the fast worker is good.
_FAST = 0.2
_GOOD_AGREEMENT = 0.8
_SHOWN_LENGTH = 20


class _Likeness(NamedTuple):
    """A row a worker: whose answers hers are like, -1 for nobody's."""

    worker: Indices
    shared: Indices
    expected: Floats
    common: Indices


def describe_workers(annotations: Annotations, answers: Answers, verdicts: Verdicts, gold: Indices) -> pa.Table:
    """The ``WorkerRow`` table, sorted by worker_id; answers without a worker have no row.

    ``agreement`` is over votes on pictures where a class or "no label" won; ``skill`` is null under majority and for those
    without a vote. ``gold`` is each picture's right class (``answers.place_gold``).
    """
    count = len(annotations.worker_names)
    known = annotations.worker >= 0

    def tell(rows: npt.NDArray[np.bool_]) -> Indices:
        return np.bincount(annotations.worker[rows & known], minlength=count)

    given = tell(np.ones(len(annotations.worker), bool))
    votes, judged, agreed = _count_agreement(annotations, answers, verdicts, count)
    asked, answered = _count_gold(annotations, answers, gold, count)
    likeness = _find_likeness(annotations, answers, verdicts, count)
    skill, skill_low, skill_high = (
        _place_skill(verdicts, found, count)
        for found in (verdicts.votes.skill, verdicts.votes.skill_low, verdicts.votes.skill_high)
    )
    seconds = _measure_seconds(annotations, count)
    with np.errstate(invalid="ignore"):
        agreement = np.round(agreed / judged, 6)
        gold_accuracy = np.round(answered / asked, 6)
    unread = _count_unread(annotations)
    reasons = _suspect(unread, given, judged, agreed, seconds)
    _suspect_gold(reasons, asked, answered)
    _suspect_likeness(reasons, likeness, annotations.worker_names, unread)
    names = pa.array(annotations.worker_names, pa.string())
    columns = {
        "worker_id": names,
        "annotations": pa.array(given, pa.int64()),
        "votes": pa.array(votes, pa.int64()),
        "no_label": pa.array(tell(annotations.kind == AnswerKind.NO_LABEL), pa.int64()),
        "unmatched": pa.array(tell(annotations.kind == AnswerKind.UNREAD), pa.int64()),
        "agreement": pa.array(agreement, pa.float64(), from_pandas=True),
        "skill": skill,
        "skill_low": skill_low,
        "skill_high": skill_high,
        "gold": pa.array(asked, pa.int64()),
        "gold_accuracy": pa.array(gold_accuracy, pa.float64(), from_pandas=True),
        "like": names.take(pa.array(np.maximum(likeness.worker, 0), pa.int64(), mask=likeness.worker < 0)),
        "like_answers": pa.array(likeness.shared, pa.int64()),
        "median_work_time_s": pa.array(seconds, pa.float64(), from_pandas=True),
        "suspect": pa.array(["; ".join(found) or None for found in reasons], pa.string()),
    }
    schema = WorkerRow.arrow_schema()
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _count_agreement(
    annotations: Annotations, answers: Answers, verdicts: Verdicts, count: int
) -> tuple[Indices, Indices, Indices]:
    """A worker's votes, those on pictures that are settled (as a class or as none), and those of them that won."""
    naming = (answers.kind == AnswerKind.NAMED) & (answers.worker >= 0)
    decided = (verdicts.is_settled | verdicts.is_no_label) & ~verdicts.is_tied
    judged = naming & decided[answers.picture]
    size = max(len(annotations.class_ids), 1)
    said = answers.picture[answers.named_answer] * size + answers.named_class
    right = np.zeros(len(answers.picture), bool)
    right[answers.named_answer[is_among(said, verdicts.class_picture * size + verdicts.class_number)]] = True

    def tell(rows: npt.NDArray[np.bool_]) -> Indices:
        return np.bincount(answers.worker[rows], minlength=count)

    return tell(naming), tell(judged), tell(judged & right)


def _place_skill(verdicts: Verdicts, found: Floats, count: int) -> pa.Array:
    """A figure of each worker who voted, null for the others."""
    placed = np.full(count + 1, np.nan)
    placed[verdicts.votes.workers + 1] = found
    return pa.array(np.round(placed[1:], 6), pa.float64(), from_pandas=True)


def _count_gold(annotations: Annotations, answers: Answers, gold: Indices, count: int) -> tuple[Indices, Indices]:
    """A worker's readable answers about gold pictures, and how many are right: exactly that class and no other, or none."""
    none = len(annotations.class_ids)
    truth = gold[answers.picture]
    named = np.bincount(answers.named_answer, minlength=len(answers.picture))
    hits = answers.named_answer[truth[answers.named_answer] == answers.named_class]
    right = (answers.kind == AnswerKind.NO_LABEL) & (truth == none)
    right[hits[named[hits] == 1]] = True
    asked = (truth != NO_GOLD) & (answers.kind != AnswerKind.UNREAD) & (answers.worker >= 0)
    return (
        np.bincount(answers.worker[asked], minlength=count),
        np.bincount(answers.worker[asked & right], minlength=count),
    )


def _find_likeness(annotations: Annotations, answers: Answers, verdicts: Verdicts, count: int) -> _Likeness:
    """The most telling pair of each worker."""
    picture, worker, saying = _list_sayings(annotations, answers)
    settled = np.full(len(annotations.images), -1, np.intp)
    settled[verdicts.class_picture] = verdicts.class_number + 1
    settled[np.bincount(verdicts.class_picture, minlength=len(settled)) > 1] = -1
    settled[verdicts.is_no_label] = 0
    settled[verdicts.is_tied] = -1
    found = find_copies(picture, worker, saying, settled[picture])
    nobody = np.full(count, -1, np.intp)
    likeness = _Likeness(nobody, np.zeros(count, np.intp), np.zeros(count), np.zeros(count, np.intp))
    for one, other, shared, expected, common in zip(*(column.tolist() for column in found), strict=True):
        for this, that in ((one, other), (other, one)):
            if likeness.worker[this] < 0:
                likeness.worker[this], likeness.shared[this] = that, shared
                likeness.expected[this], likeness.common[this] = expected, common
    return likeness


def _list_sayings(annotations: Annotations, answers: Answers) -> tuple[Indices, Indices, Indices]:
    """(picture, worker, saying) of each known worker's answers that are one annotation without a box.

    A saying is as in ``answers.sign_sayings``; what could not be read is told apart by its text, letter case aside.
    """
    import pandas as pd

    rows = np.flatnonzero(answers.counted & (annotations.worker >= 0))
    boxed = pc.is_valid(annotations.table.column("bbox")).to_numpy()
    place = annotations.picture[rows] * (len(annotations.worker_names) + 1) + annotations.worker[rows]
    alone = ~pd.Series(place).duplicated(keep=False).to_numpy() & ~boxed[rows]
    rows = rows[alone]
    saying = sign_sayings(annotations)[rows]
    unread = np.flatnonzero(annotations.kind[rows] == AnswerKind.UNREAD)
    labels = annotations.table.column("raw_label").take(pa.array(rows[unread], pa.int64()))
    codes = pd.factorize(pc.utf8_lower(pc.utf8_trim_whitespace(labels)).to_pandas(), sort=True)[0]
    saying[unread] = int(saying.max(initial=0)) + 1 + codes
    return annotations.picture[rows], annotations.worker[rows], saying


def _suspect_gold(reasons: list[list[str]], asked: Indices, answered: Indices) -> None:
    """Add those who surely get far fewer gold questions right than is usual."""
    often = asked >= _MIN_VOTES
    usual = float(np.median(answered[often] / asked[often])) if often.any() else 0.0
    _, highest = bound_share(answered, asked)
    for worker in np.flatnonzero(often & (highest < _LOW_AGREEMENT * usual)).tolist():
        reasons[worker].append(f"{answered[worker]} of {asked[worker]} gold questions right, usual is {usual:.0%}")


def _suspect_likeness(reasons: list[list[str]], likeness: _Likeness, names: list[str], unread: pd.DataFrame) -> None:
    """Add those whose odd answers are somebody else's, and what the map lacks where that explains it."""
    for worker in np.flatnonzero(likeness.worker >= 0).tolist():
        shared, chance = likeness.shared[worker], likeness.expected[worker]
        other = _show(names[likeness.worker[worker]])
        missing = _name_missing(unread.loc[unread["worker"] == worker].head(_FEW_KINDS), int(shared))
        reasons[worker].append(f"{shared} odd answers are {other}'s too, chance gives {chance:.1f}{missing}")


def _measure_seconds(annotations: Annotations, count: int) -> Floats:
    """A worker's median work time, NaN where no time is known."""
    import pandas as pd

    times = annotations.table.column("work_time_s").to_numpy()
    medians = pd.Series(times).groupby(annotations.worker).median()
    return medians.reindex(range(count)).to_numpy(np.float64)


def _suspect(unread: pd.DataFrame, given: Indices, judged: Indices, agreed: Indices, seconds: Floats) -> list[list[str]]:
    """Why each worker is suspect; empty lists for nearly all."""
    reasons: list[list[str]] = [[] for _ in given]
    often = judged >= _MIN_VOTES
    usual = float(np.median(agreed[often] / judged[often])) if often.any() else 0.0
    _, highest = bound_share(agreed, judged)
    for worker in np.flatnonzero(often & (highest < _LOW_AGREEMENT * usual)).tolist():
        share = agreed[worker] / judged[worker]
        reasons[worker].append(f"agrees {share:.0%} over {judged[worker]} votes, usual is {usual:.0%}")
    for worker, words in _find_stock_answers(unread, given).items():
        reasons[worker].append(words)
    timed = (given >= _MIN_ANSWERS) & ~np.isnan(seconds)
    usual_time = float(np.median(seconds[timed])) if timed.any() else 0.0
    good = often & (agreed >= _GOOD_AGREEMENT * usual * judged)
    for worker in np.flatnonzero(timed & ~good & (np.nan_to_num(seconds, nan=np.inf) < _FAST * usual_time)).tolist():
        reasons[worker].append(f"median {seconds[worker]:g} s an answer, usual is {usual_time:g} s")
    return reasons


def _count_unread(annotations: Annotations) -> pd.DataFrame:
    """(worker, label, times, givers) of the answers that match nothing, a worker's most frequent first.

    ``givers`` are the workers who say it where another says it, too; nobody where it names nothing ("good").
    """
    import pandas as pd

    unread = np.flatnonzero((annotations.kind == AnswerKind.UNREAD) & (annotations.worker >= 0))
    labels = pc.utf8_lower(pc.utf8_trim_whitespace(annotations.table.column("raw_label").take(pa.array(unread, pa.int64()))))
    said = pd.DataFrame({"worker": annotations.worker[unread], "label": labels.to_pandas(), "picture": annotations.picture[unread]})
    counts = (
        said.value_counts(["worker", "label"])
        .reset_index(name="times")
        .sort_values(["worker", "times", "label"], ascending=[True, False, True], kind="stable")
    )
    together = said.loc[said.groupby(["picture", "label"])["worker"].transform("nunique") > 1]
    givers = together.groupby("label")["worker"].nunique()
    counts["givers"] = counts["label"].map(givers.drop(labels=list(EMPTY_TALK), errors="ignore")).fillna(0).astype(int)
    return counts


def _find_stock_answers(counts: pd.DataFrame, given: Indices) -> dict[int, str]:
    """Workers who give the same few answers that match nothing again and again → which ones and how often."""
    total = counts.groupby("worker")["times"].sum()
    stock = counts.groupby("worker").head(_FEW_KINDS).groupby("worker")["times"].sum()
    lowest, _ = bound_share(total.to_numpy(), given[total.index.to_numpy()])
    is_stock = (total >= _MIN_ANSWERS) & (lowest >= _UNMATCHED_SHARE) & (stock >= _FEW_KINDS_SHARE * total)
    found = {}
    for worker in total.index[is_stock].tolist():
        words = counts.loc[counts["worker"] == worker].head(_FEW_KINDS)
        shown = ", ".join(f"'{_show(word)}'" for word in words["label"])
        reason = f"answers {shown} {stock[worker] / given[worker]:.0%} of {given[worker]} times"
        found[int(worker)] = reason + _name_missing(words, int(stock[worker]))
    return found


def _name_missing(words: pd.DataFrame, times: int) -> str:
    """That the map lacks what a worker says, where words that others say as well make up half of so many answers; else nothing."""
    lacking = words.loc[words["givers"] >= _MANY_GIVERS]
    if 2 * int(lacking["times"].sum()) < times or lacking.empty:
        return ""
    shown = ", ".join(f"'{_show(word)}'" for word in lacking["label"])
    return f" (the map may lack a class for {shown}: {int(lacking['givers'].max()) - 1} other workers say so)"


def _show(text: str) -> str:
    """A stranger's text, short and without anything that could move a cursor."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return cut_text(shown, _SHOWN_LENGTH)


def bound_share(hits: Indices, tries: Indices) -> tuple[Floats, Floats]:
    """Wilson's 95 % interval of a share, element by element; (0, 1) where nothing was tried."""
    tries = np.asarray(tries, np.float64)
    share = np.asarray(hits, np.float64) / np.maximum(tries, 1)
    square = 1.96**2
    middle = (share * tries + square / 2) / (tries + square)
    spread = 1.96 * np.sqrt(share * (1 - share) * tries + square / 4) / (tries + square)
    return np.where(tries > 0, middle - spread, 0.0), np.where(tries > 0, middle + spread, 1.0)
