"""The folder of an export while it is filled: pictures, small JSON files, and the account of what went in and what did not."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from logoingest.errors import GateError, Problem
from logoingest.pictures.orientation import is_turned
from logoingest.release.exports.classes import name_folders, name_in_xml
from logoingest.release.exports.options import DEFAULTS, ExportOptions
from logoingest.release.exports.picture_forms import rewrite_picture
from logoingest.release.exports.rows import ExportRow, read_export_rows
from logoingest.release.reading.loader import Release

#: What tells an export from any other folder, and what it was made of.
ACCOUNT_NAME = "export.json"
CLASSES_NAME = "classes.json"
LEFT_OUT_NAME = "left_out.csv"

#: Why a picture is left out where a detector would learn it as empty, or a class of it as background.
NO_BOX = "class_without_box"


class ExportFolder:
    """A folder to fill with one export."""

    def __init__(self, path: Path, release: Release, options: ExportOptions = DEFAULTS) -> None:
        self.path = path
        self.options = options
        self.class_folders = name_folders(release.class_ids)
        self.class_texts = name_in_xml(release.class_ids)
        self.pictures: Counter[str] = Counter()
        """Split → pictures that went in."""
        self.left_out: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Reason → split → pictures."""
        self.files: dict[str, int] = {}
        """Files that hold many pictures → how many (WebDataset's shards)."""
        self.rewritten: Counter[str] = Counter()
        """Split → pictures whose bytes are not those of the release."""
        self.turned = 0
        """Pictures written as they are that say how they are to be turned."""
        self._renamed: dict[str, str] = {}
        self._made: set[str] = set()

    def read_rows(self, release: Release, split: str, pictures: bool = True) -> Iterator[ExportRow]:
        """The rows of a split, their pictures in the form asked for; see ``rows.read_export_rows``.

        Without pictures, file names are those of the pictures that were read before.

        Raises:
            GateError: the release is damaged, or a picture cannot be brought into that form.
        """
        for row in read_export_rows(release, split, pictures):
            yield self._rewrite(row) if pictures else row._replace(file_name=self._name_file(row))

    def _name_file(self, row: ExportRow) -> str:
        return f"{row.image_id}.jpg" if self.options.jpeg else self._renamed.get(row.image_id, row.file_name)

    def _rewrite(self, row: ExportRow) -> ExportRow:
        try:
            asked = self.options.jpeg or self.options.upright
            made = rewrite_picture(row.data, jpeg=self.options.jpeg, upright=self.options.upright) if asked else None
            if made is not None and made.size != (row.width, row.height):
                raise ValueError(f"it has {made.size[0]} x {made.size[1]} pixels, its row says {row.width} x {row.height}")
        except ValueError as error:
            hint = "check the release with: logoingest verify"
            raise GateError(Problem(f"picture {row.image_id}", f"cannot be written anew ({error})", hint)) from error
        if made is None:
            self.turned += not self.options.upright and is_turned(row.data)
            return row._replace(file_name=self._name_file(row))
        self.rewritten[row.split] += 1
        name = f"{row.image_id}.{made.extension}"
        if not self.options.jpeg and name != row.file_name:
            self._renamed[row.image_id] = name
        return row._replace(data=made.data, file_name=name)

    def add_picture(self, row: ExportRow, folder: str) -> None:
        """Write a picture into ``folder`` under its own name."""
        self.make_folder(folder)
        (self.path / folder / row.file_name).write_bytes(row.data)
        self.pictures[row.split] += 1

    def make_folder(self, name: str) -> Path:
        """A folder inside the export, made once."""
        if name not in self._made:
            (self.path / name).mkdir(parents=True, exist_ok=True)
            self._made.add(name)
        return self.path / name

    def leave_out(self, row: ExportRow, reason: str) -> None:
        """Note a picture, or a part of it, that this form cannot hold."""
        if not self.left_out:
            self.write_text(LEFT_OUT_NAME, "split,image_id,reason\n")
        self.left_out[reason][row.split] += 1
        with (self.path / LEFT_OUT_NAME).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"{row.split},{row.image_id},{reason}\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a small text file: UTF-8, line feeds."""
        (self.path / name).write_text(text, encoding="utf-8", newline="\n")

    def write_json(self, name: str, value: Any) -> None:
        """Write a small JSON file."""
        self.write_text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def write_accounts(self, release: Release, form: str) -> None:
        """Write ``classes.json`` and, last, ``export.json``."""
        names = zip(release.class_ids, release.display_names, self.class_folders, self.class_texts, strict=True)
        classes = [
            {"label": label, "class_id": class_id, "name": name, "folder": folder, "xml_name": text}
            for label, (class_id, name, folder, text) in enumerate(names)
        ]
        self.write_json(CLASSES_NAME, classes)
        account = {
            "format": form,
            "options": {name: value for name, value in self.options._asdict().items() if value},
            "release": {"name": release.name, "fingerprint": release.fingerprint},
            "pictures": dict(self.pictures),
            "rewritten": dict(self.rewritten),
            "left_out": {reason: dict(splits) for reason, splits in sorted(self.left_out.items())},
            "files": self.files,
        }
        self.write_json(ACCOUNT_NAME, account)


def write_array(stream: TextIO, items: Iterable[Any]) -> None:
    """A JSON array, one item a line, never whole in memory."""
    stream.write("[")
    for number, item in enumerate(items):
        stream.write(",\n" if number else "\n")
        stream.write(json.dumps(item, allow_nan=False))
    stream.write("\n]")
