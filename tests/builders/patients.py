"""A release in which faults are planted: by accident, in haste, or by somebody who mends every hash afterwards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.release import verify_release
from logoingest.release.form.card import SplitSize, render_card
from logoingest.release.form.croissant import render_croissant
from logoingest.release.form.manifest import compute_fingerprint, render_manifest

TEST_FILE = "data/test-00000-of-00001.parquet"
TRAIN_FILE = "data/train-00000-of-00002.parquet"


class Patient:
    """A copy of a release to plant faults in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def manifest(self):
        return json.loads(self.path("manifest.json").read_text(encoding="utf-8"))

    def edit_manifest(self, edit, fingerprint=True):
        manifest = self.manifest
        edit(manifest)
        if fingerprint:
            manifest["fingerprint"] = compute_fingerprint(manifest)
        self.path("manifest.json").write_bytes(render_manifest(manifest))

    def edit_text(self, name, old, new, count=1):
        text = self.path(name).read_text(encoding="utf-8")
        assert old in text
        self.path(name).write_text(text.replace(old, new, count), encoding="utf-8")

    def edit_rows(self, name, edit, schema=None):
        """Rewrite a data file with its rows changed."""
        table = pq.read_table(self.path(name))
        rows = table.to_pylist()
        rows = edit(rows) or rows
        pq.write_table(pa.Table.from_pylist(rows, schema=schema or table.schema), self.path(name), row_group_size=4)

    def seal(self):
        """Mend every hash, as someone would who knows how the manifest works."""

        def mend(manifest):
            for name in ("croissant.json", *manifest["files"]):
                if name == "croissant.json":
                    text = self.path(name).read_text(encoding="utf-8")
                    for other, record in manifest["files"].items():
                        if self.path(other).exists():
                            text = text.replace(record["sha256"], hashlib.sha256(self.path(other).read_bytes()).hexdigest())
                    self.path(name).write_text(text, encoding="utf-8")
            for name, record in manifest["files"].items():
                content = self.path(name).read_bytes()
                record["sha256"], record["bytes"] = hashlib.sha256(content).hexdigest(), len(content)
                if name.endswith(".parquet"):
                    record["rows"] = pq.read_metadata(self.path(name)).num_rows

        self.edit_manifest(mend)

    def forge(self):
        """Mend everything as we would have written it: card and Croissant say what the manifest and the data files say."""
        self._render()
        self.seal()
        self._render()
        self.seal()

    def _render(self):
        manifest = self.manifest
        sizes = {}
        for split, rows in manifest["splits"].items():
            files = [self.path(name) for name in sorted(manifest["files"]) if name.startswith(f"data/{split}-")]
            if rows:
                footers = [pq.read_metadata(file) for file in files]
                unpacked = sum(
                    footer.row_group(group).total_byte_size for footer in footers for group in range(footer.num_row_groups)
                )
                sizes[split] = SplitSize(rows, unpacked, sum(file.stat().st_size for file in files))
        facts = {key: value for key, value in manifest.items() if key not in {"files", "fingerprint"}}
        self.path("README.md").write_text(render_card(facts, sizes), encoding="utf-8")
        self.path("croissant.json").write_text(render_croissant(facts, manifest["files"]), encoding="utf-8")

    def laws(self, deep=False):
        return {violation.law for violation in verify_release(self.folder, deep=deep)}
