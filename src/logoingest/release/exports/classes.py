"""Class ids of strangers → names that are safe as folders and in XML."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")  # https://www.w3.org/TR/xml/#charsets

#: Letters of a class id kept in a folder name.
MAX_LETTERS = 60


def name_folders(class_ids: Sequence[str]) -> list[str]:
    """A folder name for each class: its number, then the plain letters of its id, as ``0007-coca-cola``.

    The number makes names unique, keeps them in the order of the labels (a reader that sorts folders finds our numbers) and clear
    of names that systems reserve (CON, ..).
    """
    digits = max(4, len(str(len(class_ids) - 1)))
    return [_name_folder(f"{index:0{digits}d}", class_id) for index, class_id in enumerate(class_ids)]


def name_in_xml(class_ids: Sequence[str]) -> list[str]:
    """A name for each class as XML text: its id, or its folder name where XML would not give the id back as it is."""
    names: list[str] = []
    taken = set(class_ids)
    for class_id, folder in zip(class_ids, name_folders(class_ids), strict=True):
        name = class_id
        if not class_id or class_id != class_id.strip() or _NOT_XML.search(class_id):
            name = folder
            while name in taken:
                name += "_"
            taken.add(name)
        names.append(name)
    return names


def clean_xml(text: str) -> str:
    """``text`` without characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _name_folder(number: str, class_id: str) -> str:
    letters = _UNSAFE.sub("_", class_id).strip("_-")[:MAX_LETTERS].rstrip("_-")
    return f"{number}-{letters}" if letters else number
