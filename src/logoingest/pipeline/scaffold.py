"""``init``: look at a source file, write a commented dataset.toml and a first class map beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic_core import PydanticUndefined

from logoingest.config import Config, Section
from logoingest.errors import Problem, UsageError
from logoingest.labels import draft_class_map
from logoingest.pipeline.session import Run
from logoingest.sources import SourceGuess, guess_source, read_annotations

_SOURCE_KEYS = (
    "format",
    "encoding",
    "delimiter",
    "url_column",
    "label_column",
    "worker_column",
    "bbox_column",
    "id_column",
    "bbox_columns",
    "annotator_columns",
)
_OPTIONAL_SECTIONS = ("fetch", "images", "samples", "splits", "release", "train", "report")


class Scaffold(NamedTuple):
    """What ``init`` wrote and saw."""

    config: Path
    class_map: Path
    guess: SourceGuess
    annotations: int
    labels: int


def init(folder: Path, source: Path) -> Scaffold:
    """Make ``folder/dataset.toml`` and ``folder/label_maps/<name>.toml`` for a source file.

    Raises:
        UsageError: one of the two is there already; nothing is overwritten.
        SourceError: the source cannot be read.
    """
    guess = guess_source(source)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._") or "dataset"
    config, class_map = folder / "dataset.toml", folder / "label_maps" / f"{name}.toml"
    there = [
        Problem(str(file), "is there already", "remove it or choose another folder")
        for file in (config, class_map)
        if file.exists()
    ]
    if there:
        raise UsageError(there)
    class_map.parent.mkdir(parents=True, exist_ok=True)
    text = render_config(name, os.path.relpath(source, folder), f"label_maps/{name}.toml", guess)
    written = Config.model_validate({**tomlkit.parse(text).unwrap(), "base_dir": folder.absolute()})
    kept, _ = read_annotations(written.sources, written.base_dir)
    counted = kept.group_by("raw_label").aggregate([("annotation_id", "count")])
    labels = dict(zip(counted.column("raw_label").to_pylist(), counted.column("annotation_id_count").to_pylist(), strict=True))
    ordered = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    class_map.write_text(draft_class_map(ordered, name), encoding="utf-8")
    config.write_text(text, encoding="utf-8")
    _ = Run(written).class_map  # what was drafted must be readable
    return Scaffold(config, class_map, guess, kept.num_rows, len(ordered))


def render_config(name: str, source: str, class_map: str, guess: SourceGuess | None = None) -> str:
    """A dataset.toml with every key: what is set, and the defaults as comments with their meaning."""
    lines = [
        "# Made by `logoingest init`. Relative paths are relative to this file; a commented key shows its default.",
        "# Override any key for one run with --set SECTION.KEY=VALUE, or with LOGOINGEST_<SECTION>__<KEY> in the environment.",
        "",
        "[dataset]",
        *_render_section(Config.model_fields["dataset"].annotation, {"name": name, "workspace": f"work/{name}"}),
        "",
        "[[sources]]",
    ]
    found: dict[str, Any] = {"path": source}
    if guess is not None:
        found |= {key: getattr(guess, key) for key in _SOURCE_KEYS if getattr(guess, key, None)}
        if found.get("encoding") in {"utf-8", "utf-8-sig"}:
            del found["encoding"]
        lines += [f"# {_one_line(note)}" for note in guess.notes]
    lines += [*_render_section(_item_type("sources"), found), "", "[labels]"]
    lines += _render_section(Config.model_fields["labels"].annotation, {"class_map": class_map})
    for section in _OPTIONAL_SECTIONS:
        lines += ["", f"[{section}]", *_render_section(Config.model_fields[section].annotation, {})]
    return "\n".join(lines) + "\n"


def _item_type(field: str) -> Any:
    return getattr(Config.model_fields[field].annotation, "__args__")[0]  # noqa: B009  (typing objects have no declared __args__)


def _render_section(section: Any, values: dict[str, Any]) -> list[str]:
    assert issubclass(section, Section)
    lines = []
    for key, info in section.model_fields.items():
        comment = f"  # {_one_line(info.description)}" if info.description else ""
        if key in values:
            lines.append(f"{key} = {_render_value(values[key])}{comment}")
        elif info.default is None:
            lines.append(f"# {key} ={comment}")
        elif info.default is not PydanticUndefined:
            lines.append(f"# {key} = {_render_value(info.default)}{comment}")
    return lines


def _render_value(value: Any) -> str:
    return str(tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string())


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
