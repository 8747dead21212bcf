"""From what people typed to classes: an answer -> a class.

text/       folding, noise words, other scripts        lint/        what is wrong or doubtful in a map
class_map/  its form, its meaning, writing it          growing/     maps from pairs, aliases from packs
matching/   exact, nearest, evidence; the stage        thresholds/  what each setting would accept
crowd/      who wrote what of the same pictures        first_maps/  a first map from the answers themselves
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily
from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.matching.explanation import CandidateView, Explanation, explain_label
from logoingest.labels.matching.label_table import DECISION_SCHEMA, NormalisedLabels, normalise_annotations, normalise_labels
from logoingest.labels.matching.match import LabelDecision, normalise_label
from logoingest.labels.text.fold import Folded, FoldingStep, fold, fold_and_explain

if TYPE_CHECKING:
    from logoingest.labels.first_maps.draft import FirstMap, draft_class_map, draft_first_map

__all__ = [
    "DECISION_SCHEMA",
    "CandidateView",
    "ClassMap",
    "Explanation",
    "FirstMap",
    "Folded",
    "FoldingStep",
    "LabelDecision",
    "NormalisedLabels",
    "Spelling",
    "draft_class_map",
    "draft_first_map",
    "explain_label",
    "fold",
    "fold_and_explain",
    "normalise_annotations",
    "normalise_label",
    "normalise_labels",
]

__getattr__ = load_lazily(__name__, {"first_maps.draft": ("FirstMap", "draft_class_map", "draft_first_map")})  # brings SciPy along
