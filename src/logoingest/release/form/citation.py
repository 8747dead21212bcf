"""How a release is named in writing: its version, its date, and a citation. All of it comes from the manifest, nothing from today."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from logoingest.release.form.manifest import DATA_FOLDER

#: Version of a release that states none.
FIRST_VERSION = "1.0.0"

_BUILD_CHARS = 12


def name_build(facts: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> str:
    """The version with a hash of the data files behind it, as semantic versions write a build: ``1.0.0+0f3a…`` (semver.org, 10)."""
    data = sorted((name, record["sha256"]) for name, record in files.items() if name.startswith(f"{DATA_FOLDER}/"))
    digest = hashlib.sha256("\n".join(f"{name} {sha256}" for name, sha256 in data).encode()).hexdigest()
    return f"{read_version(facts)}+{digest[:_BUILD_CHARS]}"


def read_version(facts: Mapping[str, Any]) -> str:
    """The version that the manifest states."""
    return str(facts.get("version") or FIRST_VERSION)


def render_citation(facts: Mapping[str, Any]) -> str:
    """The citation that the manifest states, else BibTeX of name, version, year and source."""
    if facts.get("citation"):
        return str(facts["citation"])
    fields = {
        "title": facts["name"],
        "version": read_version(facts),
        "year": str(facts.get("date") or "")[:4],
        "url": quote(facts["source_url"], safe=":/?#@!$&*+,;=%~-._'()[]"),
    }
    lines = [f"  {key} = {{{value}}}" for key, value in fields.items() if value]
    return "\n".join([f"@misc{{{re.sub('[^A-Za-z0-9]+', '-', facts['name'])},", ",\n".join(lines), "}"])
