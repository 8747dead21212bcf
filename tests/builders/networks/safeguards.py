"""A safeguard without a network: pictures whose scores and distances are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from logoingest.evidence.safeguards.files import Safeguard, write_safeguard
from logoingest.evidence.safeguards.references import Shares, Witnessed, make_references
from logoingest.evidence.safeguards.rule import NO_CLASS, Asked, Goals, learn_rule
from logoingest.evidence.safeguards.study import Study, study_rule

CLASS_IDS = ("acme", "bolt", "<b>&cog", "swallower")
MODEL_HASH = "a" * 64


class MadeSafeguard(NamedTuple):
    folder: Path
    safeguard: Safeguard
    study: Study


def make_asked(seed: int, ours: int = 160, strangers: int = 40) -> Asked:
    """Three classes that are mostly seen, and one that is named for whatever is not: no prediction of it is right."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([rng.integers(0, 3, ours), np.full(strangers, NO_CLASS)])
    scores = rng.normal(size=(ours + strangers, 4))
    scores[np.arange(ours), labels[:ours]] += 2.5
    scores[rng.random(ours + strangers) < 0.15, 3] += 9
    return Asked(scores * 2, rng.gamma(4.0, 0.05, ours + strangers) + np.where(labels == NO_CLASS, 0.2, 0.0), labels)


def make_safeguard_folder(folder: Path) -> MadeSafeguard:
    """Learned from drawn pictures, checked on others, and written."""
    asked, goals = make_asked(1), Goals()
    rng = np.random.default_rng(0)
    made = make_references(
        tuple("abcdef"), Witnessed(rng.normal(size=(6, 8)) + 1, rng.normal(size=(6, 3)), rng.normal(size=(6, 4))), MODEL_HASH
    )
    references = replace(made, shares=Shares(0.25, 0.5, 0.25))
    safeguard = Safeguard(CLASS_IDS, goals, learn_rule(asked, goals), references)
    groups = [str(row) for row in range(len(asked.labels))]
    study = study_rule(safeguard.rule, goals, asked, make_asked(2), groups=groups, class_ids=CLASS_IDS)
    write_safeguard(safeguard, study, folder)
    return MadeSafeguard(folder, safeguard, study)
