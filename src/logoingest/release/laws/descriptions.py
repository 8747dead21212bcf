"""The laws of the two files that tell readers what a release holds: the card and ``croissant.json``.

Both are rendered anew from the manifest and the data files and compared, byte for byte: nothing may be added, also no free text, since
readers decide by them what to load and from where. Of a release that another version of logoingest wrote, words may differ; what it is
called, its classes, figures, columns, files and every address are compared all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from logoingest.errors import quote_first_line
from logoingest.files.whole import read_bounded
from logoingest.release.form.card import (
    SplitSize,
    describe_head,
    escape_markdown,
    read_card_head,
    render_address,
    render_card,
    render_class_table,
    render_figures,
    render_head,
    render_rejected,
)
from logoingest.release.form.citation import render_citation
from logoingest.release.form.croissant import render_croissant
from logoingest.release.form.manifest import CARD_NAME, CROISSANT_NAME, DATA_FOLDER, ReleaseManifest
from logoingest.release.form.strict_json import read_strict_json
from logoingest.release.laws.violations import Law, Violation
from logoingest.version import __version__

#: Longer descriptions are not read.
MAX_CARD_BYTES = 64 << 20
MAX_CROISSANT_BYTES = 256 << 20

#: An address or a link, where strangers' words are not escaped.
_ADDRESS = re.compile(r"(?<!\\)://|(?<!\\)\]\(")


def check_card(folder: Path, manifest: ReleaseManifest, sizes: Mapping[str, SplitSize] | None) -> Iterator[Violation]:
    """The card says what the manifest and the data files say, and nothing else.

    Args:
        folder: of the release.
        manifest: as read.
        sizes: of the splits that have rows, by the data files; None where these cannot be read, which was said.
    """
    try:
        card = read_bounded(folder / CARD_NAME, MAX_CARD_BYTES).decode()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        yield Violation(Law.READABLE, CARD_NAME, quote_first_line(error))
        return
    head = read_card_head(card)
    if head is None:
        yield Violation(Law.CARD, CARD_NAME, "has no YAML head that can be read")
        return
    found = [*_check_head(card, head, manifest, sizes), *_check_body(card, manifest)]
    yield from found
    is_ours = manifest.logoingest == __version__
    if not found and is_ours and sizes is not None and card != render_card(_list_facts(manifest), sizes):
        yield Violation(Law.CARD, CARD_NAME, "says something else than the manifest and the data files")


def _list_facts(manifest: ReleaseManifest) -> dict[str, Any]:
    return manifest.model_dump(mode="json", exclude={"files", "fingerprint"})


def _check_head(
    card: str, head: Mapping[str, Any], manifest: ReleaseManifest, sizes: Mapping[str, SplitSize] | None
) -> Iterator[Violation]:
    if not card.startswith(render_head(head)):
        yield Violation(Law.CARD, CARD_NAME, "the YAML head is not written as logoingest writes it: parsers may read other things")
    released = {split: count for split, count in manifest.splits.items() if count}
    shown = sizes if sizes is not None else {split: SplitSize(count, 0, 0) for split, count in released.items()}
    expected = describe_head(_list_facts(manifest), manifest.classes, shown)
    unknown = sorted(head.keys() - expected.keys(), key=str)
    if unknown:
        yield Violation(Law.CARD, CARD_NAME, f"the YAML head says more than a card does: {', '.join(map(str, unknown))[:200]}")
    for key in ("pretty_name", "license"):
        if head.get(key) != expected[key]:
            yield Violation(Law.CARD, CARD_NAME, f"{key} is {str(head.get(key))[:60]!r}, the manifest says {expected[key][:60]!r}")
    if head.get("configs") != expected["configs"]:
        what = "the YAML head points to other data files: it has one config, default, with the files of each split and no others"
        yield Violation(Law.CARD, CARD_NAME, what)
    yield from _check_info(head.get("dataset_info"), expected["dataset_info"], manifest, exactly=sizes is not None)


def _check_info(info: Any, expected: Mapping[str, Any], manifest: ReleaseManifest, *, exactly: bool) -> Iterator[Violation]:
    if not isinstance(info, dict):
        yield Violation(Law.CARD, CARD_NAME, "the YAML head lacks dataset_info")
        return
    features = info.get("features")
    if _name_sequences(features) != _name_sequences(expected["features"]):
        law = Law.CLASS_NAMES if _names_of(features) != manifest.class_ids else Law.CARD
        yield Violation(law, CARD_NAME, "the YAML head names other classes or columns than the manifest")
    rest, wanted = ({**said, "features": None} for said in (info, expected))
    if exactly and rest != wanted:
        yield Violation(
            Law.CARD, CARD_NAME, f"the YAML head counts {str(info.get('splits'))[:200]}, the data files hold {wanted['splits']}"
        )


def _name_sequences(feature: Any) -> Any:
    """Features in which a list is a list, however the version that wrote them called it."""
    if isinstance(feature, list):
        return [_name_sequences(item) for item in feature]
    if not isinstance(feature, dict):
        return feature
    return {"list" if key == "sequence" else key: _name_sequences(value) for key, value in feature.items()}


def _names_of(features: Any) -> list[str] | None:
    try:
        names = next(entry for entry in features if entry["name"] == "label")["dtype"]["class_label"]["names"]
        return [names[str(index)] for index in range(len(names))]
    except (KeyError, TypeError, StopIteration):
        return None


def _check_body(card: str, manifest: ReleaseManifest) -> Iterator[Violation]:
    """What holds of every version's card: the tables, and no address but the source's."""
    tables = {
        "class table": render_class_table(manifest.classes, manifest.multi_class_images),
        "table of source rows": render_figures(manifest.counts),
        "table of rejected rows": render_rejected(manifest.rejected) if manifest.rejected else "",
        "name": f"# {escape_markdown(manifest.name)}",
        "licence": escape_markdown(manifest.licence),
    }
    for name, text in tables.items():
        if text not in card:
            yield Violation(Law.CARD, CARD_NAME, f"the {name} does not say what the manifest says")
    body = card.partition("\n---\n")[2]
    for text in (render_address(manifest.source_url), _render_lineage(manifest), render_citation(_list_facts(manifest))):
        body = body.replace(text, "") if text else body
    if _ADDRESS.search(body):
        yield Violation(Law.CARD, CARD_NAME, "holds an address that is not the source's")


def _render_lineage(manifest: ReleaseManifest) -> str:
    return json.dumps(manifest.lineage, indent=1, sort_keys=True)


def check_croissant(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """``croissant.json`` names the data files with their hashes, the classes, the columns, and nothing else."""
    try:
        content = read_bounded(folder / CROISSANT_NAME, MAX_CROISSANT_BYTES)
        document = read_strict_json(content)
        hashes = {entry["contentUrl"]: entry["sha256"] for entry in document["distribution"] if "sha256" in entry}
        classes = next(entry["data"] for entry in document["recordSet"] if entry["@id"] == "classes")
        class_ids = [entry["classes/class_id"] for entry in classes]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        yield Violation(Law.CROISSANT, CROISSANT_NAME, f"cannot be understood ({quote_first_line(error)})")
        return
    said = manifest.model_dump(mode="json")
    rendered = render_croissant(said, said["files"])
    if hashes != {name: record.sha256 for name, record in manifest.files.items() if name.startswith(f"{DATA_FOLDER}/")}:
        yield Violation(Law.CROISSANT, CROISSANT_NAME, "names other data files or hashes than the manifest")
    elif manifest.logoingest == __version__:
        if content != rendered.encode():
            yield Violation(Law.CROISSANT, CROISSANT_NAME, "says something else than the manifest")
    else:
        yield from _compare_documents(document, json.loads(rendered))
    if class_ids != manifest.class_ids:
        yield Violation(Law.CLASS_NAMES, CROISSANT_NAME, "names other classes than the manifest")


def _compare_documents(document: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Violation]:
    """Another version's Croissant against ours: it may say less and in other words, but nothing else, and name no further address."""
    fault = _find_difference(document, expected, "croissant")
    if fault is not None:
        yield Violation(Law.CROISSANT, CROISSANT_NAME, f"says something else than the manifest at {fault[:200]}")


#: Words for people, and lists whose further entries another version may have.
_WORDS = ("description", "keywords", "citeAs", "version", "datePublished", "creator")

#: Where it may say less: terms of its vocabulary, and what another version did not know yet.
_MAY_LACK = ("croissant", "croissant.@context")


def _are_words(value: Any) -> bool:
    """Text, or a list of texts, without an address."""
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(text, str) and "://" not in text for text in texts)


def _find_difference(found: Any, expected: Any, where: str) -> str | None:
    if isinstance(found, dict) and isinstance(expected, dict):
        missing = expected.keys() - found.keys() - set(_WORDS)
        if missing and where not in _MAY_LACK:
            return f"{where}.{min(missing)}"
        for key, value in found.items():
            if key in _WORDS and _are_words(value):
                continue
            fault = f"{where}.{key}" if key not in expected else _find_difference(value, expected[key], f"{where}.{key}")
            if fault is not None:
                return fault
        return None
    if isinstance(found, list) and isinstance(expected, list):
        named = {entry["@id"]: entry for entry in expected if isinstance(entry, dict) and "@id" in entry}
        if not named:
            return None if found == expected else where
        for index, entry in enumerate(found):
            partner = named.get(str(entry.get("@id"))) if isinstance(entry, dict) else None
            fault = f"{where}[{index}]" if partner is None else _find_difference(entry, partner, f"{where}[{index}]")
            if fault is not None:
                return fault
        return None
    return None if found == expected else where
