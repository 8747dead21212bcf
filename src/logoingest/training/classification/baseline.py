"""A trained baseline, opened: its network, and what it answers about pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import nn

from logoingest.evidence.safeguards.answers import Acceptance, Prediction
from logoingest.evidence.safeguards.files import Safeguard, read_safeguard
from logoingest.evidence.safeguards.references import Witnessed
from logoingest.evidence.safeguards.rule import NO_CLASS, Asked, Decided
from logoingest.training.data.given import AnyPicture, check_several, name_given, open_given
from logoingest.training.data.pictures import squash_picture
from logoingest.training.loop.encoders import BATCH, Encoder, load_baseline_encoder
from logoingest.training.models.artifact import NO_CODE, AllowedCode, Preprocessing, load_artifact


class _Opened(NamedTuple):
    file: str
    square: npt.NDArray[np.uint8] | None
    reason: str


@dataclass(frozen=True)
class Baseline:
    """A trained baseline; ``network, class_ids, preprocessing = load_baseline(folder)`` takes it apart."""

    folder: Path
    network: nn.Module
    """In eval mode, on the CPU."""
    class_ids: tuple[str, ...]
    preprocessing: Preprocessing
    """From a picture to the network's input."""
    code: AllowedCode = NO_CODE
    """What it may import."""

    def __iter__(self) -> Iterator[Any]:
        return iter((self.network, self.class_ids, self.preprocessing))

    @cached_property
    def _encoder(self) -> Encoder:
        return load_baseline_encoder(self.folder, str(self.folder), code=self.code)

    @cached_property
    def safeguard(self) -> Safeguard:
        """When its predictions are believed.

        Raises:
            UsageError: there is none, or not of this network.
        """
        return read_safeguard(self.folder, self._encoder.model_hash, self.class_ids)

    def predict(self, pictures: Iterable[AnyPicture]) -> list[Prediction]:
        """What it answers about each picture, in their order; each answer depends on its picture alone.

        Args:
            pictures: files, bytes or open pictures; a few at a time are in memory.

        Raises:
            UsageError: the safeguard is missing or not of this network.
        """
        return list(self.iterate_predictions(pictures))

    def iterate_predictions(self, pictures: Iterable[AnyPicture]) -> Iterator[Prediction]:
        """As ``predict``, as soon as a batch is known.

        Raises:
            UsageError: as ``predict``.
        """
        self.safeguard  # noqa: B018  # what is wrong with it is said before a picture is opened
        check_several(pictures, "predict")
        batch: list[_Opened] = []
        for place, picture in enumerate(pictures, 1):
            batch.append(_open(picture, place, self.preprocessing.side_px))
            if len(batch) == BATCH:
                yield from self._answer(batch)
                batch = []
        yield from self._answer(batch)

    def _answer(self, batch: list[_Opened]) -> Iterator[Prediction]:
        squares = [one.square for one in batch if one.square is not None]
        told = iter(self._judge(np.stack(squares)) if squares else ())
        for one in batch:
            if one.square is None:
                yield Prediction(one.file, Acceptance.UNREADABLE, None, None, None, one.reason)
            else:
                yield next(told)._replace(file=one.file)

    def _judge(self, squares: npt.NDArray[np.uint8]) -> Iterator[Prediction]:
        said, safeguard = self._encoder.run(squares), self.safeguard
        assert said.scores is not None
        distance = safeguard.references.measure(Witnessed(said.embeddings, said.lower, said.scores))
        asked = Asked(np.asarray(said.scores, np.float64), distance, np.full(len(squares), NO_CLASS, np.int64))
        decided = safeguard.rule.decide(asked)
        for row in range(len(squares)):
            yield explain_decision(safeguard, decided, distance, row)


def open_baseline(folder: Path, code: AllowedCode = NO_CODE) -> Baseline:
    """Open a baseline's folder; ``code`` as in ``load_artifact``.

    Raises:
        UsageError: a file is missing or damaged, they do not fit together, or they name code that is not allowed.
    """
    return Baseline(folder, *load_artifact(folder, code), code)


def explain_decision(safeguard: Safeguard, decided: Decided, distance: npt.NDArray[np.float64], row: int) -> Prediction:
    """One answer with its reason; the file's name is left empty."""
    index, probability, away = int(decided.class_index[row]), float(decided.probability[row]), float(distance[row])
    class_id, threshold, farthest = safeguard.class_ids[index], float(safeguard.rule.thresholds[index]), safeguard.rule.farthest
    decision, reason = Acceptance.ACCEPTED, ""
    if not decided.is_ours[row]:
        decision = Acceptance.STRANGER
        kept = f"{safeguard.goals.ours_kept:.0%} of ours lie within {farthest:.3f}"
        reason = f"its nearest pictures are {away:.3f} away, {kept}"
    elif not decided.is_accepted[row]:
        decision = Acceptance.ABSTAIN
        asked = f"{threshold:.2f} is asked for it" if np.isfinite(threshold) else "no probability of it was right often enough"
        reason = f"the likeliest class has probability {probability:.2f}; {asked}, to be right in {safeguard.goals.precision:.0%}"
    return Prediction("", decision, class_id, round(probability, 4), round(away, 4), reason)


def _open(picture: AnyPicture, place: int, side_px: int) -> _Opened:
    """The picture as the network takes it, or why it cannot be opened."""
    rgb, reason = open_given(picture, side_px)
    return _Opened(name_given(picture, place), None if rgb is None else squash_picture(rgb, side_px), reason)
