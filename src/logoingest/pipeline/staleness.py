"""What a stage depends on, as named hashes, and whether that changed since it ran."""

from __future__ import annotations

import glob
import hashlib
import json
from pathlib import Path
from typing import Any

from logoingest.pipeline.session import Run
from logoingest.pipeline.spec import StageSpec
from logoingest.version import __version__
from logoingest.workspace import Manifest, hash_file


def collect_inputs(run: Run, spec: StageSpec, manifest: Manifest) -> dict[str, str]:
    """Everything the stage depends on: name for people → hash; an input that is not made yet hashes to ""."""
    inputs = {"version": f"{__version__}/{spec.version}"}
    if spec.settings is not None:
        inputs["config"] = hash_value(spec.settings(run.config))
    inputs |= {name: hash_output(manifest, maker, name) for name, maker in spec.reads.items()}
    return {**inputs, **spec.further_inputs(run, manifest)}


def hash_output(manifest: Manifest, maker: str, name: str) -> str:
    """sha256 of a file that a stage made, "" where it is not made yet; of names and hashes of all below, where the name ends in /."""
    record = manifest.stages.get(maker)
    outputs = {} if record is None else record.outputs
    if name.endswith("/"):
        return hash_value({key: outputs[key].sha256 for key in sorted(outputs) if key.startswith(name)})
    return outputs[name].sha256 if name in outputs else ""


def hash_made(run: Run, file: str) -> str:
    """sha256 of a file as it lies in the workspace, whoever made it; "" where it is missing."""
    return run.workspace.hash_file(file).sha256 if run.workspace.exists(file) else ""


def explain_staleness(run: Run, spec: StageSpec, manifest: Manifest) -> str | None:
    """Why the stage must run again, in a few words; None when it need not."""
    record = manifest.stages.get(spec.name)
    if record is None:
        return "never run"
    if not run.workspace.is_intact(record):
        return "its files are missing or cut short"
    inputs = collect_inputs(run, spec, manifest)
    changed = sorted(name for name in inputs.keys() | record.inputs.keys() if inputs.get(name) != record.inputs.get(name))
    return f"changed: {', '.join(changed)}" if changed else None


def hash_value(value: Any) -> str:
    """sha256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_source(path: Path) -> str:
    """sha256 of a file; of the names and contents of a folder's or a glob pattern's files; "" when there is nothing."""
    if path.is_file():
        return hash_file(path).sha256
    found = sorted(path.rglob("*")) if path.is_dir() else sorted(Path(name) for name in glob.glob(str(path), recursive=True))
    files = [file for file in found if file.is_file()]
    return hash_value([[file.name, hash_file(file).sha256] for file in files]) if files else ""
