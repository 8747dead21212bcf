"""``init``: look at source files, write a commented dataset.toml and a first class map beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import tomlkit
from pydantic_core import PydanticUndefined

from logoingest.config import Config, Section
from logoingest.errors import Problem, SourceError, UsageError
from logoingest.labels import FirstMap, draft_first_map
from logoingest.pipeline.actions.deploying import Deployments, plan_deployments, write_deployments
from logoingest.pipeline.actions.legend import read_legend
from logoingest.pipeline.session import Run
from logoingest.sources import Refusals, SourceGuess, guess_sources, read_annotations, summarise_refusals
from logoingest.strangers.escaping import flatten_text

_SOURCE_KEYS = (
    "format",
    "sheet",
    "encoding",
    "delimiter",
    "url_column",
    "label_column",
    "worker_column",
    "bbox_column",
    "id_column",
    "bbox_columns",
    "annotator_columns",
    "picture_columns",
    "option_columns",
    "other_column",
)
#: What a config may leave out, written all the same: its keys and what they mean.
_OPTIONAL_SECTIONS = tuple(name for name, field in Config.model_fields.items() if not field.is_required() and name != "base_dir")


#: What a first class map is made from.
_SAID = ["url", "worker_id", "raw_label"]


class Scaffold(NamedTuple):
    """What ``init`` wrote and saw."""

    config: Path
    class_map: Path
    sources: dict[str, SourceGuess]
    """The sources by their paths as they were found."""
    annotations: int
    labels: int
    first_map: FirstMap
    refusals: list[Refusals]
    left_out: list[str]
    """Files of a folder that are no sources, and why."""
    deployments: Deployments | None = None
    """By Prefect, where it was asked for."""


def init(
    folder: Path,
    sources: Sequence[Path],
    given: Mapping[str, Any] | None = None,
    *,
    prefect: Path | None = None,
    legend: Path | None = None,
) -> Scaffold:
    """Make ``folder/dataset.toml`` and ``folder/label_maps/<name>.toml`` for source files.

    Args:
        folder: where to write.
        sources: files, folders (of XML files, or of tables and lists) and patterns.
        given: keys of the sources that are known: format, delimiter, url_column, label_column, worker_column …
        legend: a table that says what answers that are codes mean.
        prefect: the folder of a Prefect project that shall deploy the dataset: this one, or one above it.

    Raises:
        UsageError: one of the two is there already; nothing is overwritten; the Prefect project cannot take the dataset.
        SourceError: a source cannot be read, or no row of any can be used.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(os.path.realpath(folder)).name).strip("-._") or "dataset"
    config, class_map = folder / "dataset.toml", folder / "label_maps" / f"{name}.toml"
    there = [
        Problem(str(file), "is there already", "remove it or choose another folder")
        for file in (config, class_map)
        if file.exists()
    ]
    if there:
        raise UsageError(there)
    planned = None if prefect is None else plan_deployments(prefect, config, name)
    guesses, left_out = guess_sources(sources, given or {})
    found = {os.path.relpath(path, folder): guess for path, guess in guesses.items()}
    text = render_config(name, found, f"label_maps/{name}.toml")
    written = Config.model_validate({**tomlkit.parse(text).unwrap(), "base_dir": folder.absolute()})
    there_now = [
        source.model_copy(update={"path": str(path.absolute())}) for source, path in zip(written.sources, guesses, strict=True)
    ]
    kept, rejected = read_annotations(there_now, written.base_dir)  # the folder may not be there yet: no path is relative to it
    refusals = summarise_refusals(rejected)
    if not kept.num_rows:
        raise SourceError(_describe_nothing([str(path) for path in guesses], rejected.num_rows, refusals))
    labels = _count_labels(kept)
    meanings = None if legend is None else read_legend(legend, (answer for answer, _ in labels))
    class_map.parent.mkdir(parents=True, exist_ok=True)
    first_map = draft_first_map(labels, name, kept.select(_SAID), meanings)
    class_map.write_text(first_map.text, encoding="utf-8")
    config.write_text(text, encoding="utf-8")
    _ = Run(written).class_map  # what was drafted must be readable
    shown = {str(path): guess for path, guess in guesses.items()}
    deployments = None if planned is None else write_deployments(planned)
    return Scaffold(config, class_map, shown, kept.num_rows, len(labels), first_map, refusals, left_out, deployments)


def _describe_nothing(paths: Sequence[str], refused: int, refusals: Sequence[Refusals]) -> list[Problem]:
    where = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
    seen = "; ".join(f"{group.rows:,} × {group.describe()}" for group in refusals)
    return [
        Problem(where, f"nothing can be used: all {refused:,} rows are refused ({seen})", "name the columns or the format yourself")
    ]


def redraft_class_map(run: Run) -> tuple[FirstMap, int]:
    """A first class map from the answers of a config's sources, as ``init`` makes it, and how many distinct answers there are.

    Raises:
        SourceError: a source cannot be read.
    """
    kept, _ = read_annotations(run.config.sources, run.config.base_dir)
    labels = _count_labels(kept)
    return draft_first_map(labels, run.config.dataset.name, kept.select(_SAID)), len(labels)


def _count_labels(kept: pa.Table) -> list[tuple[str, int]]:
    """Distinct answers and how often each was given, the most frequent first."""
    counted = kept.group_by("raw_label").aggregate([("annotation_id", "count")])
    labels = zip(counted.column("raw_label").to_pylist(), counted.column("annotation_id_count").to_pylist(), strict=True)
    return sorted(labels, key=lambda item: (-item[1], item[0]))


def render_config(name: str, sources: Mapping[str, SourceGuess | None], class_map: str) -> str:
    """A dataset.toml with every key: what is set, and the defaults as comments with their meaning.

    Args:
        name: of the dataset.
        sources: path (relative to the file) → what it seems to be.
        class_map: its path, relative to the file.
    """
    lines = [
        "# Made by `logoingest init`. Relative paths are relative to this file; a commented key shows its default.",
        "# Override any key for one run with --set SECTION.KEY=VALUE, or with LOGOINGEST_<SECTION>__<KEY> in the environment.",
        "",
        "[dataset]",
        *_render_section(Config.model_fields["dataset"].annotation, {"name": name, "workspace": f"work/{name}"}),
    ]
    for index, (path, guess) in enumerate(sources.items()):
        lines += ["", "[[sources]]", *_render_source(path, guess, brief=index > 0)]
    lines += ["", "[labels]"]
    lines += _render_section(Config.model_fields["labels"].annotation, {"class_map": class_map})
    for section in _OPTIONAL_SECTIONS:
        lines += ["", f"[{section}]", *_render_section(Config.model_fields[section].annotation, {}, section)]
    return "\n".join(lines) + "\n"


def _render_source(path: str, guess: SourceGuess | None, *, brief: bool) -> list[str]:
    """The notes as comments, and the keys; of a further source only those that are set."""
    found: dict[str, Any] = {"path": path}
    notes: list[str] = []
    if guess is not None:
        found |= {key: getattr(guess, key) for key in _SOURCE_KEYS if getattr(guess, key, None) not in {None, ()}}
        if found.get("encoding") in {"utf-8", "utf-8-sig"}:
            del found["encoding"]
        notes = [f"# {flatten_text(note)}" for note in guess.notes]
    keys = _render_section(_item_type("sources"), found)
    return notes + [line for line in keys if not (brief and line.startswith("#"))]


def _item_type(field: str) -> Any:
    return getattr(Config.model_fields[field].annotation, "__args__")[0]  # noqa: B009  (typing objects have no declared __args__)


def _render_section(section: Any, values: dict[str, Any], name: str = "") -> list[str]:
    """The keys of a section, and behind them those of the sections in it, which are named by ``name`` and a dot."""
    assert issubclass(section, Section)
    lines, inner = [], []
    for key, info in section.model_fields.items():
        if isinstance(info.default, Section):
            inner += [f"# [{name}.{key}]", *_render_section(type(info.default), {}, f"{name}.{key}")]
            continue
        comment = f"  # {flatten_text(info.description)}" if info.description else ""
        if key in values:
            lines.append(f"{key} = {_render_value(values[key])}{comment}")
        elif info.default is None:
            lines.append(f"# {key} ={comment}")
        elif info.default is not PydanticUndefined:
            lines.append(f"# {key} = {_render_value(info.default)}{comment}")
    return lines + inner


def _render_value(value: Any) -> str:
    return str(tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string())
