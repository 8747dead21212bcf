"""The tables of what a person should look at: what is in doubt, why, and what could be done about it."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from logoingest.schemas.rows import Column, Row

_TEXT = pa.string()
_TEXTS = pa.list_(_TEXT)


class ContradictionRow(Row):
    """What the crowd says against the class map: a spelling of the wrong class, a word for everything, two classes that are one …"""

    contradiction_id: Annotated[
        str, Column(_TEXT, "K and ten hex digits, of what it is about; the review's sheet knows it by that")
    ]
    kind: Annotated[
        str,
        Column(_TEXT, "wrong alias, false friend, two meanings, umbrella word, one class (two are one), two classes (one is two)"),
    ]
    text: Annotated[str, Column(_TEXT, "the most frequent answer that it is about")]
    raw_labels: Annotated[list[str], Column(_TEXTS, "the answers it is about, the most frequent first, 50 at most")]
    declared: Annotated[str, Column(_TEXT, "the class they have; 'no label' where they mean none")]
    class_id: Annotated[str | None, Column(_TEXT, "the class they seem to be; null where it is none of the map's")]
    rule: Annotated[str, Column(_TEXT, "the rule that gave them their class; empty of whole classes")]
    answers: Annotated[int, Column(pa.int64(), "how often they were given")]
    pictures: Annotated[int, Column(pa.int64(), "pictures they were given of; copies count once")]
    workers: Annotated[int, Column(pa.int64(), "people who gave them; all without a name are one")]
    probability: Annotated[float, Column(pa.float64(), "that it is so, 0 to 1")]
    words: Annotated[str, Column(_TEXT, "what was seen, one line for people")]
    proposal: Annotated[str, Column(_TEXT, "what could be done about it, one line for people")]
    urls: Annotated[list[str], Column(_TEXTS, "some of the pictures, 5 at most")]


class CrowdWordRow(Row):
    """A word that the class map leaves undecided, and what others called the pictures it was written of."""

    text: Annotated[str, Column(_TEXT, "its most frequent answer, as typed")]
    raw_labels: Annotated[
        list[str], Column(_TEXTS, "its answers, the most frequent first: equal but for case, punctuation, noise words")
    ]
    answers: Annotated[int, Column(pa.int64(), "how often they were given")]
    meaning: Annotated[
        str,
        Column(
            _TEXT,
            "names (its class), spread (it stands beside all), several, stranger (a class the map lacks), little (too few to tell)",
        ),
    ]
    class_id: Annotated[str, Column(_TEXT, "the class it most probably names; 'no label' where others say that there is none")]
    probability: Annotated[float, Column(pa.float64(), "that it names that class, 0 to 1")]
    settled: Annotated[int, Column(pa.int64(), "pictures of it that others settled as that class")]
    next_class_id: Annotated[str | None, Column(_TEXT, "the next best class; null where there is none")]
    next_settled: Annotated[int, Column(pa.int64(), "pictures of it that others settled so")]
    pictures: Annotated[int, Column(pa.int64(), "pictures it was written of; copies count once")]
    workers: Annotated[int, Column(pa.int64(), "people who wrote it; all without a name are one")]
    words: Annotated[str, Column(_TEXT, "the same in one line for people")]
    urls: Annotated[list[str], Column(_TEXTS, "some of the pictures, those settled as the class first, 5 at most")]


class TextConflictRow(Row):
    """A picture on which another class is written than its answers say: somebody should look."""

    image_id: Annotated[str, Column(_TEXT, "as in samples")]
    class_ids: Annotated[list[str], Column(_TEXTS, "what the answers settled")]
    written: Annotated[str, Column(_TEXT, "the one class that stands on the picture")]
    text: Annotated[str, Column(_TEXT, "the text that says so, as read")]
    score: Annotated[float, Column(pa.float32(), "how sure the reader is of it, 0 to 1")]
    confidence: Annotated[float, Column(pa.float64(), "as in samples")]
    votes: Annotated[int, Column(pa.int32(), "as in samples")]
    url: Annotated[str, Column(_TEXT, "the first URL of the picture")]


class ConflictRow(Row):
    """Pictures whose settled classes, or what is seen in them, contradict each other; nobody has ruled on them yet."""

    kind: Annotated[
        str,
        Column(
            _TEXT,
            "identical (equal pixels, settled differently), near (near-duplicates), placeholder (may stand for photos that are gone)",
        ),
    ]
    group_id: Annotated[str, Column(_TEXT, "as in images")]
    image_ids: Annotated[list[str], Column(_TEXTS, "the pictures, sorted")]
    class_ids: Annotated[list[str], Column(_TEXTS, "the contending classes, most votes first")]
    votes: Annotated[list[int], Column(pa.list_(pa.int64()), "answers for each of class_ids, over all the pictures")]
    detail: Annotated[str, Column(_TEXT, "one line for people")]


class SuspectRow(Row):
    """One thing that a model sees and a person should look at."""

    rank: Annotated[int, Column(pa.int32(), "from 1, the most doubtful first, over each kind")]
    kind: Annotated[str, Column(_TEXT, "label (a settled class that looks wrong), settled (a refused picture that looks decided)")]
    image_id: Annotated[str, Column(_TEXT, "as in downloads")]
    split: Annotated[str | None, Column(_TEXT, "where it is; null for a refused picture")]
    class_id: Annotated[str | None, Column(_TEXT, "what it is settled as; null for a refused picture")]
    proposal: Annotated[str, Column(_TEXT, "what the model says it is")]
    score: Annotated[
        float, Column(pa.float64(), "how probably the proposal is right and the label is not, by all witnesses, 0 to 1")
    ]
    margin: Annotated[float, Column(pa.float64(), "normalised margin: probability of the label minus the best other one, -1 to 1")]
    votes: Annotated[str, Column(_TEXT, "what people answered, as in 'nike 2 : puma 1'; empty where it is not known")]
    neighbours: Annotated[list[str], Column(_TEXTS, "image_ids of the three nearest pictures of other groups, nearest first")]
    neighbour_classes: Annotated[list[str], Column(_TEXTS, "what they are settled as; empty text for a refused one")]
    detail: Annotated[str, Column(_TEXT, "one line for people")]
