"""From what people typed to classes: folding, the class map, matching, and the votes' consensus."""

from __future__ import annotations

from logoingest.labels.class_map import ClassMap, Spelling
from logoingest.labels.draft import draft_class_map
from logoingest.labels.fold import Folded, FoldingStep, fold, fold_and_explain
from logoingest.labels.gold import find_given_gold, read_given_gold, read_gold
from logoingest.labels.label_table import DECISION_SCHEMA, NormalisedLabels, normalise_annotations, normalise_labels
from logoingest.labels.match import CandidateView, Explanation, LabelDecision, explain_label, normalise_label
from logoingest.labels.samples import settle_samples

__all__ = [
    "DECISION_SCHEMA",
    "CandidateView",
    "ClassMap",
    "Explanation",
    "Folded",
    "FoldingStep",
    "LabelDecision",
    "NormalisedLabels",
    "Spelling",
    "draft_class_map",
    "explain_label",
    "find_given_gold",
    "fold",
    "fold_and_explain",
    "normalise_annotations",
    "normalise_label",
    "normalise_labels",
    "read_given_gold",
    "read_gold",
    "settle_samples",
]
