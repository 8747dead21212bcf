"""The dataset card: README.md with the YAML head that ``datasets`` and the Hub read, and what people want to know.

Names, descriptions and addresses come from strangers: in the head PyYAML quotes them, in the body nothing of them is markup.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import yaml

from logoingest.release.form.citation import read_version, render_citation
from logoingest.release.form.features import ReleaseRow, list_card_features, list_columns
from logoingest.release.form.manifest import ReleasedClass, StoredForm

#: Classes listed in the card; ``manifest.json`` has them all.
MAX_LISTED_CLASSES = 2000

#: Characters of lineage shown in the card.
MAX_LINEAGE_CHARS = 20_000

#: Levels of nesting in a YAML head that is read.
MAX_HEAD_DEPTH = 32

_OPENING = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
_MARKUP = re.compile(
    r"""[\\`*_{}\[\]#|~$^@]     # means something anywhere
    | :(?=\S)                   # a link's scheme, a named emoji
    | (?<=www)\.               # a bare link
    | ^[-+=>!:.]               # a list or a heading at the start of a line""",
    re.VERBOSE | re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])")  # a numbered list
_MAKING = """Answers were matched to classes by a class map, the pictures fetched from their URLs and decoded, the votes of each
picture settled into one class with a confidence, near-duplicates grouped, and the groups dealt to splits by class, never divided."""
_ORIGINALS = (
    "The pictures are as fetched, byte for byte: turn them by their EXIF orientation, as browsers do; boxes are drawn on that."
)
_NORMAL_FORM = """The pictures are in normal form: 8-bit RGB, turned the right way up, in sRGB, transparency on white, the first frame
of several, as PNG where the original was lossless and as JPEG (quality 95, 4:4:4) where it was not. `width`, `height` and boxes are
those of the stored picture; `image_id` is the hash of the bytes as fetched, `stored_sha256` that of the stored ones where they differ."""
_KEPT_JOINERS = "\u200c\u200d"  # letters of Persian and of many emoji hang on these
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


class SplitSize(NamedTuple):
    """Rows of a split, its bytes unpacked, and the bytes of its files."""

    rows: int
    bytes: int
    file_bytes: int


def render_card(facts: Mapping[str, Any], sizes: Mapping[str, SplitSize]) -> str:
    """README.md of a release.

    Args:
        facts: the manifest without ``files`` and ``fingerprint``.
        sizes: split → its size; splits without rows are left out.
    """
    classes = [ReleasedClass.model_validate(entry) for entry in facts["classes"]]
    head = render_head(describe_head(facts, classes, sizes))
    sections = [
        f"# {escape_markdown(facts['name'])}",
        escape_markdown(facts["description"]) or "Pictures with a class each, settled from the answers of several people.",
        _render_figures(classes, sizes),
        "## How to load\n\n" + _render_loading(facts),
        "## Classes\n\n" + _render_classes(facts, classes),
        "## Columns\n\n" + _render_table(("column", "meaning"), _list_columns(facts.get("kept_columns", ()))),
        "## How it was made\n\n" + _render_making(facts),
        "## Where it came from\n\n" + _render_provenance(facts),
        "## Licence\n\n" + _render_licence(facts["licence"]),
        "## How to cite\n\n" + _render_citing(facts),
    ]
    return f"{head}\n" + "\n\n".join(sections) + "\n"


def render_head(head: Mapping[str, Any]) -> str:
    """The YAML head as it stands at the top of a card."""
    return f"---\n{yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=1_000_000)}---\n"


def read_card_head(card: str) -> dict[str, Any] | None:
    """The YAML head of a card; None when there is none or it cannot be understood."""
    lines = card.split("\n")
    if lines[0] != "---" or "---" not in lines[1:]:
        return None
    text = "\n".join(lines[1 : lines.index("---", 1)])
    try:
        head = yaml.safe_load(text) if _is_plain(text) else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return head if isinstance(head, dict) else None


def _is_plain(text: str) -> bool:
    """Whether YAML is as we write it: nested little, without anchors, aliases and tags, so that it costs what it looks like."""
    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
            return False
        depth += isinstance(token, _OPENING)
        depth -= isinstance(token, yaml.BlockEndToken | yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken)
        if depth > MAX_HEAD_DEPTH:
            return False
    return True


def render_figures(counts: Mapping[str, int]) -> str:
    """The table of the conservation law, as it stands in the card."""
    return _render_table(("source rows", "count"), [(key, f"{value:,}") for key, value in counts.items()])


def render_rejected(rejected: Mapping[str, Mapping[str, int]]) -> str:
    """The table of rejected rows by stage and reason, as it stands in the card."""
    rows = [
        (escape_markdown(stage), escape_markdown(reason), f"{count:,}")
        for stage, reasons in rejected.items()
        for reason, count in reasons.items()
    ]
    return _render_table(("stage", "reason", "source rows"), rows)


def render_class_table(classes: Sequence[ReleasedClass], multi_class_images: Mapping[str, int]) -> str:
    """The class table, as it stands in the card; ``multi_class_images`` names the splits in their order."""
    splits = list(multi_class_images)
    rows = [
        (str(index), escape_markdown(entry.id), escape_markdown(entry.name), *_count_splits(entry.images, splits))
        for index, entry in enumerate(classes[:MAX_LISTED_CLASSES])
    ]
    if any(multi_class_images.values()):
        rows.append(("-1", "", "several classes", *_count_splits(multi_class_images, splits)))
    return _render_table(("label", "class", "name", *splits, "all"), rows)


def escape_markdown(text: str) -> str:
    """``text`` as one line of plain words: no HTML, no Markdown, no table cell, no link, no hidden or reordering character."""
    visible = "".join(_show_character(character) for character in " ".join(text.split()))
    spared = visible.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(lambda match: f"\\{match[0]}", spared))


def _show_character(character: str) -> str:
    return (
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _HIDDEN and character not in _KEPT_JOINERS else character
    )


def describe_head(facts: Mapping[str, Any], classes: Sequence[ReleasedClass], sizes: Mapping[str, SplitSize]) -> dict[str, Any]:
    """What the YAML head says, by which ``datasets`` finds the files and their classes."""
    rows = sum(size.rows for size in sizes.values())
    return {
        "pretty_name": facts["name"],
        "license": facts["licence"],
        "task_categories": ["image-classification"],
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), "n>10M")],
        "tags": ["logos", "crowdsourced"],
        "dataset_info": {
            "features": list_card_features([entry.id for entry in classes], facts.get("kept_columns", ())),
            "splits": [{"name": name, "num_bytes": size.bytes, "num_examples": size.rows} for name, size in sizes.items()],
            "download_size": sum(size.file_bytes for size in sizes.values()),
            "dataset_size": sum(size.bytes for size in sizes.values()),
        },
        "configs": [{"config_name": "default", "data_files": [{"split": name, "path": f"data/{name}-*"} for name in sizes]}],
    }


def _render_figures(classes: Sequence[ReleasedClass], sizes: Mapping[str, SplitSize]) -> str:
    rows = [(name, f"{size.rows:,}", _show_bytes(size.file_bytes)) for name, size in sizes.items()]
    total = sum(size.rows for size in sizes.values())
    return f"{total:,} pictures, {len(classes):,} classes.\n\n" + _render_table(("split", "pictures", "size"), rows)


def _render_loading(facts: Mapping[str, Any]) -> str:
    name = facts["name"]
    return f"""```python
from datasets import Image, load_dataset  # 2.21 or later

release = load_dataset("path/to/{name}")  # this folder, or its name on the Hub
release = release.cast_column("image", Image(mode="RGB"))  # else palettes, grey and transparent pictures come as they are
picture, label = release["train"][0]["image"], release["train"][0]["label"]
name = release["train"].features["label"].int2str(label)  # an error for -1
```

```python
from logoingest import open_release

release = open_release("path/to/{name}")
train = release.dataset("train")  # a torch Dataset of (picture, label)
table = release.to_pandas("train")
```

{_explain_no_label(sum(facts["multi_class_images"].values()))}

Any reader of Parquet opens `data/*.parquet`; the picture's bytes are in `image.bytes`. `logoingest verify` checks the folder."""


def _explain_no_label(count: int) -> str:
    """What -1 is, and how to do without."""
    return f"""Label -1 is no class: it stands for a picture that shows several, which are named in `class_ids` (here: {count:,}). `open_release`
leaves such pictures out; with `datasets`: `release.filter(lambda label: label >= 0, input_columns="label")`."""


def _render_classes(facts: Mapping[str, Any], classes: Sequence[ReleasedClass]) -> str:
    table = render_class_table(classes, facts["multi_class_images"])
    more = len(classes) - MAX_LISTED_CLASSES
    notes = [f"and {more:,} more in `manifest.json`"] if more > 0 else []
    return "\n\n".join([table, *notes])


def _list_columns(kept: Sequence[str]) -> list[tuple[str, str]]:
    columns = list_columns(kept)
    names = [f"`{field.name}`" if field.name in ReleaseRow.model_fields else escape_markdown(field.name) for field in columns]
    return [(name, escape_markdown(field.metadata[b"doc"].decode())) for name, field in zip(names, columns, strict=True)]


def _render_making(facts: Mapping[str, Any]) -> str:
    parts = [
        _MAKING,
        _render_form(StoredForm.read(facts["lineage"])),
        "Every source row either voted for a picture of this release or stands in `rejected.parquet` with stage and reason:",
        render_figures(facts["counts"]),
    ]
    if facts["rejected"]:
        parts.append(render_rejected(facts["rejected"]))
    return "\n\n".join(parts)


def _render_form(form: StoredForm) -> str:
    if not form.is_rgb:
        return _ORIGINALS
    return f"{_NORMAL_FORM} Longer sides were shrunk to {form.max_side_px:,} px." if form.max_side_px else _NORMAL_FORM


def _render_provenance(facts: Mapping[str, Any]) -> str:
    lineage = json.dumps(facts["lineage"], indent=1, sort_keys=True)
    parts = []
    if facts["source_url"]:
        parts.append(f"The list of URLs came from {render_address(facts['source_url'])}.")
    parts.append(f"Made by logoingest {escape_markdown(facts['logoingest'])} from:")
    if len(lineage) <= MAX_LINEAGE_CHARS:
        parts.append(_fence(lineage, "json"))
    else:
        parts.append("see `lineage` in `manifest.json`.")
    parts.append("The file hashes are in `manifest.json`.")
    return "\n\n".join(parts)


def _fence(text: str, language: str) -> str:
    """A block of code that no text ends early."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _render_citing(facts: Mapping[str, Any]) -> str:
    date = f", {facts['date']}" if facts.get("date") else ""
    shown = "".join(char if char == "\n" else _show_character(char) for char in render_citation(facts))
    return f"Version {read_version(facts)}{date}.\n\n" + _fence(shown, "bibtex" if shown.startswith("@") else "text")


def _render_licence(licence: str) -> str:
    return f"{escape_markdown(licence)}\n\nPictures stay their owners' own; each row says where its picture came from."


def render_address(address: str) -> str:
    """A link when ``address`` is a plain http(s) URL, else escaped words."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return escape_markdown(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return escape_markdown(address)
    return f"<{quote(address, safe=':/?#@!$&*+,;=%~-._')}>"


def _show_bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.2f} GB"


def _count_splits(images: Mapping[str, int], splits: Sequence[str]) -> list[str]:
    return [*(f"{images.get(split, 0):,}" for split in splits), f"{sum(images.values()):,}"]


def _render_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
