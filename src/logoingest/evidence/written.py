"""What stands written on the pictures, as a witness of its own: naive Bayes on letter sequences, out of fold, and as loud as it deserves.

Letters survive a reader's slips ("Gogle", "unicefic") and a logo's other words ("bier", "leap ahead"). A sequence speaks for a class as
often as pictures of the other folds with it are labelled so, and spellings of the class map count as pictures; what it says is brought
back to the shares of the classes by a prior (A. McCallum, K. Nigam, "A comparison of event models for naive Bayes text classification",
1998). A picture's sequences are averaged, weighed by their information, since those of one word are no independent witnesses.

How loud the text is, one exponent says, under which the labels are likeliest beside the model (G. Hinton, "Products of experts", 1999).
It is silent unless that gain is well beyond chance, and where nothing is written nothing changes.

Two pictures' texts are as like as the cosine of their sequences, the rarer the more (K. Spärck Jones, "A statistical interpretation of
term specificity", 1972). How much that counts beside the cosine of what a network sees, the settled pictures say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.evidence.calibration import find_exponent, soften
from logoingest.evidence.label_errors import Bools, Floats, Rows, choose_doubted, take_logs

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Letters of a sequence.
_LENGTHS = (3, 4)
#: Pictures that the classes' shares count for beside those with a sequence.
_PRIOR = 8.0
#: Standard errors by which the text must make the labels likelier to be heard.
_BEYOND_CHANCE = 3.0
#: What likeness of texts may count beside that of the pictures; settled pictures that are asked about, and among how many.
_WEIGHTS = (0.25, 0.5, 1.0, 2.0)
_ASKED, _AMONG = 300, 3_000


class Heard(NamedTuple):
    """Model and text together."""

    shares: Floats
    """(n, classes)"""
    loudness: float
    """The exponent of the text; 0 where it is not heard."""
    speaks_for: Rows
    """(n,) the class that the text alone makes likelier than the others; -1 where it says nothing."""


def hear_texts(  # noqa: PLR0917  # a judge, and what is written
    shares: Floats,
    labels: Rows,
    folds: Rows,
    taught: Bools,
    texts: Sequence[Collection[str]],
    spellings: Sequence[tuple[str, int]],
) -> Heard:
    """Join what the model says of pictures and what is written on them. What both doubt in a first round teaches nothing in a second.

    Args:
        shares: (n, classes) the model's, calibrated, out of fold.
        labels: (n,) class index.
        folds: (n,) fold of each picture; -1 for those in none, which teach nothing and learn from all.
        taught: (n,) pictures that the model can have named.
        texts: of each picture what was read on it, folded.
        spellings: (folded text, class index), known beforehand.
    """
    rows, everyone = _list_sequences([*texts, *([text] for text, _ in spellings)]), folds >= 0
    heard = Heard(shares, 0.0, np.full(len(labels), -1, np.int64))
    if not rows.nnz:
        return heard
    classes = np.array([number for _, number in spellings], np.int64)
    learned = everyone
    for _ in range(2):
        said = _ask_folds(rows, labels, folds, learned, classes, shares.shape[1])
        heard = _join(shares, labels, said, everyone & taught)
        learned = everyone.copy()
        learned[everyone & taught] = ~choose_doubted(heard.shares[everyone & taught], labels[everyone & taught])
    return heard


def _list_sequences(texts: Sequence[Collection[str]]) -> csr_matrix:
    """(texts, sequences) of 1 where it stands; the columns are all that stand anywhere."""
    from scipy.sparse import csr_matrix

    joined = ["".join(f"\0 {piece} " for piece in pieces) + "\0" for pieces in texts]
    data = np.frombuffer("".join(joined).encode("ascii", "replace"), np.uint8)
    alphabet = np.unique(data)  # the end of a piece first, as nought
    letters = np.searchsorted(alphabet, data)
    owner = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in joined])
    rows, codes = [], []
    for size in _LENGTHS:
        windows = [letters[at : max(len(letters) - size + 1 + at, 0)] for at in range(size)]
        inside = np.flatnonzero(np.logical_and.reduce(windows))  # of one piece
        codes.append(sum(window[inside] * len(alphabet) ** at for at, window in enumerate(windows)))
        rows.append(owner[inside])
    code = np.concatenate(codes)
    stands = np.zeros(max(len(alphabet), 1) ** max(_LENGTHS), np.bool_)
    stands[code] = True
    found = csr_matrix(
        (np.ones(len(code)), (np.concatenate(rows), (np.cumsum(stands, dtype=np.int32) - 1)[code])),
        shape=(len(texts), max(int(stands.sum()), 1)),
    )
    found.data[:] = 1.0
    return found


def _ask_folds(  # noqa: PLR0917  # what is judged, and what is learned from
    rows: csr_matrix, labels: Rows, folds: Rows, learned: Bools, spelled: Rows, count: int
) -> Floats:
    """(n, classes): how much likelier the text makes each class, as logarithms; all nought where it says nothing."""
    said = np.zeros((len(labels), count))
    priors = (np.bincount(labels[learned], minlength=count) + 1) / (learned.sum() + count)
    for fold in np.unique(folds).tolist():
        held_out, teaching = np.flatnonzero(folds == fold), np.flatnonzero(learned & (folds != fold))
        places = np.concatenate([teaching, np.arange(len(labels), rows.shape[0])])
        said[held_out] = _learn_and_say(rows[places], np.concatenate([labels[teaching], spelled]), rows[held_out], priors)
    return said


def _learn_and_say(teaching: csr_matrix, labels: Rows, asked: csr_matrix, priors: Floats) -> Floats:
    from scipy.sparse import csr_matrix

    places = (np.arange(len(labels)), labels)
    counts = (teaching.T @ csr_matrix((np.ones(len(labels)), places), shape=(len(labels), len(priors)))).tocsr()
    totals = np.asarray(counts.sum(axis=1)).ravel()
    prior = priors[counts.indices]
    ratios = np.log1p(counts.data / (_PRIOR * prior))  # over what every class without the sequence has
    owner = np.repeat(np.arange(len(totals)), np.diff(counts.indptr))
    shares = (counts.data + _PRIOR * prior) / (totals[owner] + _PRIOR)
    base = np.log(_PRIOR / (totals + _PRIOR))  # a class's share of the posterior over its prior where it never has the sequence
    information = np.maximum(np.bincount(owner, shares * ratios, len(totals)) + base, 0.0)
    weighed = asked.multiply(information[None, :]).tocsr()
    all_told = np.asarray(weighed.sum(axis=1)).ravel()
    spoken = weighed @ csr_matrix((ratios, counts.indices, counts.indptr), shape=counts.shape)
    return np.asarray(spoken.toarray() / np.maximum(all_told, 1e-9)[:, None], np.float64)


def _join(shares: Floats, labels: Rows, said: Floats, trusted: Bools) -> Heard:
    """The product of model and text."""
    spread = np.ptp(said, axis=1) > 0
    speaks_for = np.where(spread, said.argmax(axis=1), -1).astype(np.int64)
    judging = np.flatnonzero(spread & trusted)
    logs = take_logs(shares)
    if not len(judging):
        return Heard(shares, 0.0, speaks_for)
    loudness, gain = find_exponent(logs[judging], said[judging], labels[judging])
    if gain.sum() <= _BEYOND_CHANCE * np.sqrt((gain**2).sum()):
        return Heard(shares, 0.0, speaks_for)
    joined = np.array(shares)
    joined[spread] = soften(logs[spread] + loudness * said[spread])
    return Heard(joined, loudness, speaks_for)


def compare_texts(texts: Sequence[Collection[str]], asked: Sequence[int]) -> Floats:
    """(asked, n): how like the texts on some pictures are to those on all, 0 to 1; 0 where nothing is written.

    Args:
        texts: of each picture what was read on it, folded.
        asked: places of the pictures that are asked about.
    """
    from scipy.sparse import diags

    rows = _list_sequences(texts)
    rarity = np.log((len(texts) + 1) / (np.asarray(rows.sum(axis=0)).ravel() + 1))
    rows = rows.multiply(rarity[None, :]).tocsr()
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scaled = (diags(1 / np.maximum(lengths, 1e-9)) @ rows).tocsr()
    return np.asarray((scaled[np.asarray(asked, np.int64)] @ scaled.T).toarray(), np.float64)


def weigh_likeness(
    matrix: npt.NDArray[np.floating], classes: Rows, groups: Rows, texts: Sequence[Collection[str]], fit: Bools
) -> float:
    """How much the likeness of texts counts beside the cosine: what brings pictures of a class nearest to each other, or 0.

    Args:
        matrix: (n, width) settled pictures, each row of length 1.
        classes: (n,) class of each.
        groups: (n,) group of each; pictures of one are not compared.
        texts: of each picture.
        fit: (n,) pictures that may be asked about: the network did not learn from them, and they are not kept for the test.
    """
    among = np.unique(np.linspace(0, len(classes) - 1, _AMONG).astype(np.int64)) if len(classes) else np.zeros(0, np.int64)
    read = [place for place, row in enumerate(among.tolist()) if texts[row] and fit[row]]
    asked = np.array(read, np.int64)[np.unique(np.linspace(0, len(read) - 1, _ASKED).astype(np.int64))] if read else among[:0]
    own = classes[among] == classes[among[asked]][:, None]
    apart = groups[among] != groups[among[asked]][:, None]
    useful = (own & apart).any(axis=1)
    asked, own, apart = asked[useful], own[useful], apart[useful]
    if not len(asked):
        return 0.0
    seen, written = matrix[among[asked]] @ matrix[among].T, compare_texts([texts[row] for row in among.tolist()], asked.tolist())
    bare = _measure_precision(np.where(apart, seen, -2.0), own & apart)
    gains = [_measure_precision(np.where(apart, seen + weight * written, -2.0), own & apart) - bare for weight in _WEIGHTS]
    gain, weight = max(zip(gains, _WEIGHTS, strict=True), key=lambda pair: float(pair[0].sum()))
    return weight if gain.sum() > _BEYOND_CHANCE * np.sqrt((gain**2).sum()) else 0.0


def _measure_precision(likeness: Floats, hits: Bools) -> Floats:
    """(n,) average precision of each row's ranking."""
    ranked = np.take_along_axis(hits, np.argsort(-likeness, axis=1, kind="stable"), axis=1)
    precision = np.cumsum(ranked, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * ranked).sum(axis=1) / ranked.sum(axis=1), np.float64)
