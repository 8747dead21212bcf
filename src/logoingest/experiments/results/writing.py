"""The results of a sweep as files: trials.parquet, summary.json, best.toml and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from logoingest.config import TrainConfig
from logoingest.config.sweep_section import SweepConfig
from logoingest.experiments.results.comparison import describe_score
from logoingest.experiments.results.plots import draw_plots
from logoingest.experiments.results.summary import SweepSummary
from logoingest.experiments.results.table import EndedTrial, make_trials_table
from logoingest.experiments.trials.orders import write_whole_json
from logoingest.files.parquet import write_parquet
from logoingest.files.whole import replace_file
from logoingest.plain_json import to_json

TRIALS_FILE, SUMMARY_FILE, BEST_FILE = "trials.parquet", "summary.json", "best.toml"


def write_results(
    summary: SweepSummary, trials: Sequence[EndedTrial], train: TrainConfig, sweep: SweepConfig, folder: Path
) -> None:
    """Write all of them into a folder; the results of an earlier sweep there are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / TRIALS_FILE) as temporary:
        write_parquet(make_trials_table(trials), temporary)
    write_whole_json(folder / SUMMARY_FILE, to_json(summary))
    with replace_file(folder / BEST_FILE) as temporary:
        temporary.write_text(write_best(summary, train), "utf-8")
    draw_plots(summary, trials, sweep.space, folder)


def write_best(summary: SweepSummary, train: TrainConfig) -> str:
    """The winner's [train] table, what it changes and nothing else, with its figures as comments."""
    document = tomlkit.document()
    if summary.winner is None:
        document.add(tomlkit.comment("no trial came to its end"))
        return tomlkit.dumps(document)
    document.add(tomlkit.comment(f"trial {summary.winner.trial}: {summary.metric} {describe_score(summary.winner)}"))
    if summary.test is not None:
        document.add(tomlkit.comment(summary.test.statement))
    document.add("train", _nest(summary.changes, train.model_dump(mode="json")))
    return tomlkit.dumps(document)


def _nest(changes: Mapping[str, Any], train: Mapping[str, Any]) -> Any:
    """Dotted names as tables in the table; of such a table the values that are not changed too."""
    table = tomlkit.table()
    for name, value in changes.items():
        head, _, rest = name.partition(".")
        if rest:
            inner = dict(table.get(head) or train.get(head) or {})
            table[head] = {**inner, rest: value}
        else:
            table[name] = value
    return table


def change_config_text(text: str, changes: Mapping[str, Any], train: Mapping[str, Any]) -> str:
    """A whole dataset.toml with the winner's settings in its [train]; everything else, comments too, as it is."""
    document = tomlkit.parse(text)
    section: Any = document.setdefault("train", tomlkit.table())
    for name, value in _nest(changes, train).items():
        section[name] = value
    return tomlkit.dumps(document)
