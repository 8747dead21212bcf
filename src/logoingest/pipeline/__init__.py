"""The route, its stages, and what is done and asked beside them. Alone reads and writes the tables between stages, times and logs.

Names are loaded when they are first used: a run that finds everything fresh needs few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.pipeline.actions.refreshing import Refreshed, refresh
    from logoingest.pipeline.actions.retrying import Retried, retry
    from logoingest.pipeline.actions.scaffold import init, redraft_class_map
    from logoingest.pipeline.actions.suspecting import Suspected, SuspectsAnswer, suspect
    from logoingest.pipeline.against import Against, compare_datasets, list_others, verify_folder
    from logoingest.pipeline.downloading import fetch_shard, finish_fetch, pending_shards
    from logoingest.pipeline.evidence.embeddings import Embedded, embed, load_embeddings
    from logoingest.pipeline.evidence.suspects import read_open_suspects
    from logoingest.pipeline.gates import check_gates
    from logoingest.pipeline.history.entries import RunEntry, read_history
    from logoingest.pipeline.history.recording import record_run
    from logoingest.pipeline.ledger import collect_ledger
    from logoingest.pipeline.progress import Progress
    from logoingest.pipeline.questions.audit import LabelTrail, RowTrail, UrlTrail, explain_label_of, explain_row, explain_url
    from logoingest.pipeline.questions.planning import Conservation, Plan, Status, plan, summarise_status
    from logoingest.pipeline.questions.similarity import find_similar
    from logoingest.pipeline.questions.split_reasons import SplitExplanation, explain_split
    from logoingest.pipeline.questions.verification import verify
    from logoingest.pipeline.retention.pruning import Pruned, prune
    from logoingest.pipeline.retention.takedown import Takedown, TakenDown, take_down
    from logoingest.pipeline.route import ROUTE, StageOutcome, check_extras, run, run_stage
    from logoingest.pipeline.session import Run, open_run
    from logoingest.pipeline.spec import StageOutput, StageSpec
    from logoingest.pipeline.stages import select_stages

_HOMES = {
    "actions.refreshing": ("Refreshed", "refresh"),
    "actions.retrying": ("Retried", "retry"),
    "actions.scaffold": ("init", "redraft_class_map"),
    "actions.suspecting": ("Suspected", "SuspectsAnswer", "suspect"),
    "against": ("Against", "compare_datasets", "list_others", "verify_folder"),
    "evidence.embeddings": ("Embedded", "embed", "load_embeddings"),
    "downloading": ("fetch_shard", "finish_fetch", "pending_shards"),
    "gates": ("check_gates",),
    "history.entries": ("RunEntry", "read_history"),
    "history.recording": ("record_run",),
    "ledger": ("collect_ledger",),
    "progress": ("Progress",),
    "questions.audit": ("LabelTrail", "RowTrail", "UrlTrail", "explain_label_of", "explain_row", "explain_url"),
    "questions.split_reasons": ("SplitExplanation", "explain_split"),
    "questions.planning": ("Conservation", "Plan", "Status", "plan", "summarise_status"),
    "questions.similarity": ("find_similar",),
    "questions.verification": ("verify",),
    "retention.pruning": ("Pruned", "prune"),
    "retention.takedown": ("Takedown", "TakenDown", "take_down"),
    "route": ("ROUTE", "StageOutcome", "check_extras", "run", "run_stage"),
    "session": ("Run", "open_run"),
    "spec": ("StageOutput", "StageSpec"),
    "stages": ("select_stages",),
    "evidence.suspects": ("read_open_suspects",),
}

__all__ = [
    "ROUTE",
    "Against",
    "Conservation",
    "Embedded",
    "LabelTrail",
    "Plan",
    "Progress",
    "Pruned",
    "Refreshed",
    "Retried",
    "RowTrail",
    "Run",
    "RunEntry",
    "SplitExplanation",
    "StageOutcome",
    "StageOutput",
    "StageSpec",
    "Status",
    "Suspected",
    "SuspectsAnswer",
    "Takedown",
    "TakenDown",
    "UrlTrail",
    "check_extras",
    "check_gates",
    "collect_ledger",
    "compare_datasets",
    "embed",
    "explain_label_of",
    "explain_row",
    "explain_split",
    "explain_url",
    "fetch_shard",
    "find_similar",
    "finish_fetch",
    "init",
    "list_others",
    "load_embeddings",
    "open_run",
    "pending_shards",
    "plan",
    "prune",
    "read_history",
    "read_open_suspects",
    "record_run",
    "redraft_class_map",
    "refresh",
    "retry",
    "run",
    "run_stage",
    "select_stages",
    "summarise_status",
    "suspect",
    "take_down",
    "verify",
    "verify_folder",
]

__getattr__ = load_lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
