"""Who answers like somebody else where it can't be chance: the same odd answers to the same pictures.

That two people agree on "Nike" says nothing. That both say "Reebok" to the same twelve pictures of Nike says that one saw the
other's answers, or that both are one person. An answer is *odd* where it is not what the picture was settled as. For each odd
answer of one worker, the chance that another one gives it too is the larger of two shares, each held towards what the crowd says
about pictures of that class: how many of the others said it about this picture (it may be hard), and how often that worker says
it about other pictures of the same class (the worker may confuse the two, or write a script the class map lacks).

The number of equal odd answers is set against the sum of those chances, times how far the crowd as a whole exceeds them, by
Poisson's tail; Bonferroni over all pairs. This says that two workers' answers are not independent, not who copied whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from logoingest.consensus.votes import Floats, Indices

if TYPE_CHECKING:
    import pandas as pd

#: Fewer equal odd answers are no ground for suspicion …
_MIN_SHARED = 5
#: … nor is a smaller share of the odd answers one of the two gave where the other answered as well …
_MIN_SHARE = 0.5
#: … nor a larger chance that any pair of the whole crowd came to it honestly.
_CHANCE = 0.001
#: Pictures with more answers than this are not looked at; nor are more pairs (the ones with most in common are).
_MOST_ANSWERS = 60
_MOST_PAIRS = 2_000
#: How far the crowd exceeds chance is measured on about this many pairs of answers.
_SAMPLE_ROWS = 200_000


class Copies(NamedTuple):
    """Pairs of workers whose answers are not independent; the least probable first."""

    one: Indices
    other: Indices
    """Larger than ``one``."""
    shared: Indices
    """Equal odd answers."""
    expected: Floats
    """How many chance would give."""
    common: Indices
    """Odd answers of the one with more of them, on pictures both answered."""


def find_copies(pictures: Indices, workers: Indices, sayings: Indices, settled: Indices) -> Copies:
    """Find the pairs.

    Args:
        pictures: the picture of each answer; a worker answers a picture once.
        workers: who answered, 0 and up.
        sayings: what was said, as a number; equal for equal sayings.
        settled: the saying the answer's picture was settled as; negative where it was not.
    """
    import pandas as pd

    nothing = np.zeros(0, np.intp)
    if np.count_nonzero((settled >= 0) & (sayings != settled)) < 2 * _MIN_SHARED:
        return Copies(nothing, nothing, nothing, np.zeros(0), nothing)
    table = pd.DataFrame({"picture": pictures, "worker": workers, "saying": sayings, "settled": settled})
    table = table[table["settled"] >= 0].sort_values(["picture", "worker"], kind="stable")
    table = table.assign(answers=table.groupby("picture")["worker"].transform("size"))
    table = table[table["answers"].between(2, _MOST_ANSWERS)]
    odd = table[table["saying"] != table["settled"]]
    candidates = _find_candidates(odd)
    if candidates.empty:
        return Copies(nothing, nothing, nothing, np.zeros(0), nothing)
    sample = odd[pd.factorize(odd["picture"])[0] % max(1, -(-int(odd["answers"].sum()) // _SAMPLE_ROWS)) == 0]
    usual = _pair_up(table, sample)
    excess = max(1.0, float(usual["equal"].sum() / usual["chance"].sum()))
    near = odd[odd["worker"].isin(candidates["worker"])]
    pairs = _pair_up(table, near, candidates)
    return _judge(pairs, len(pd.unique(table["worker"])), excess)


def _find_candidates(odd: pd.DataFrame) -> pd.DataFrame:
    """(worker, worker_of_other), both ways round, of those with enough equal odd answers."""
    equal = odd[["picture", "saying", "worker"]]
    equal = equal.merge(equal, on=["picture", "saying"], suffixes=("", "_of_other"))
    counts = equal[equal["worker"] != equal["worker_of_other"]].groupby(["worker", "worker_of_other"]).size()
    counts = counts[counts >= _MIN_SHARED].sort_values(ascending=False, kind="stable").head(_MOST_PAIRS)
    return counts.index.to_frame(index=False)


def _pair_up(table: pd.DataFrame, odd: pd.DataFrame, wanted: pd.DataFrame | None = None) -> pd.DataFrame:
    """Odd answers, each beside everybody else's about its picture: whether they are equal, and how likely that was."""
    pairs = odd.merge(table[["picture", "worker", "saying"]], on="picture", suffixes=("", "_of_other"))
    pairs = pairs[pairs["worker"] != pairs["worker_of_other"]]
    if wanted is not None:
        pairs = pairs.merge(wanted, on=["worker", "worker_of_other"])
    equal = np.asarray(pairs["saying"] == pairs["saying_of_other"], np.intp)
    return pairs.assign(equal=equal, chance=_foretell(table, pairs, equal))


def _foretell(table: pd.DataFrame, pairs: pd.DataFrame, equal: Indices) -> Floats:
    """How likely each other worker is to give the odd answer without copying it."""
    said = _count(table, pairs, ["settled", "saying"], ["settled", "saying"])
    asked = _count(table, pairs, ["settled"], ["settled"])
    own_said = _count(table, pairs, ["worker", "settled", "saying"], ["worker", "settled", "saying"])
    own_asked = _count(table, pairs, ["worker", "settled"], ["worker", "settled"])
    other_said = _count(table, pairs, ["worker", "settled", "saying"], ["worker_of_other", "settled", "saying"])
    other_asked = _count(table, pairs, ["worker", "settled"], ["worker_of_other", "settled"])
    here = _count(table, pairs, ["picture", "saying"], ["picture", "saying"])
    crowd = (said - own_said - other_said + 0.5) / (asked - own_asked - other_asked + 1)
    by_picture = (here - 1 - equal + crowd) / (pairs["answers"].to_numpy() - 1)
    by_habit = (other_said - equal + crowd) / other_asked
    return np.asarray(np.clip(np.maximum(by_picture, by_habit), 1e-6, 1.0), np.float64)


def _count(table: pd.DataFrame, pairs: pd.DataFrame, keys: list[str], columns: list[str]) -> Floats:
    """For each pair, how many answers of the table have these values."""
    counts = table.groupby(keys).size().rename("count").reset_index()
    asked = pairs[columns].set_axis(keys, axis=1)
    return asked.merge(counts, on=keys, how="left")["count"].fillna(0).to_numpy(np.float64)


def _judge(pairs: pd.DataFrame, workers: int, excess: float) -> Copies:
    from scipy.stats import poisson

    directed = pairs.groupby(["worker", "worker_of_other"]).agg(
        shared=("equal", "sum"), expected=("chance", "sum"), common=("equal", "size")
    )
    directed = directed.reset_index()
    first, second = directed["worker"], directed["worker_of_other"]
    directed["one"], directed["other"] = np.minimum(first, second), np.maximum(first, second)
    both = directed.groupby(["one", "other"]).agg(
        shared=("shared", "max"), expected=("expected", "max"), common=("common", "max"), fewest=("common", "min")
    )
    both = both.reset_index()
    chance = poisson.sf(both["shared"] - 1, both["expected"] * excess) * max(workers * (workers - 1) / 2, 1)
    both["chance"] = np.round(np.log(np.maximum(chance, 1e-300)), 6)
    is_alike = (both["shared"] >= _MIN_SHARED) & (both["shared"] >= _MIN_SHARE * both["fewest"]) & (chance < _CHANCE)
    found = both[is_alike].sort_values(["chance", "one", "other"], kind="stable")
    one, other, shared, common = (found[name].to_numpy(np.intp) for name in ("one", "other", "shared", "common"))
    return Copies(one, other, shared, np.round(found["expected"].to_numpy(np.float64) * excess, 6), common)
