"""Pictures that lie on this machine: which folders may be read from, how a file in one is called, and where a name leads.

A file's URL is ``file:///<folder as the config calls it>/<path in it>``: it names neither this machine nor its folders, so tables stay as
portable as with URLs of the web. Nothing here touches a disk; links are followed, and refused, where a file is opened.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

_SCHEME = "file:"
_HOSTS = ("", "localhost")


class LocalRoot(NamedTuple):
    """A folder whose files may be read: what URLs of its files begin with, and its absolute path."""

    prefix: str
    folder: str


class FileInRoot(NamedTuple):
    """A file: the folder it has to lie in, and the path in it, without ``..``."""

    folder: str
    path: str


class FileNameError(ValueError):
    """A name that leads to no file of the folder; the message says why and goes into the rejected row."""


def name_root(local_root: str, base_dir: Path) -> LocalRoot:
    """The folder that a config's ``local_root`` means, relative to the config's own folder."""
    called = posixpath.normpath("/" + local_root.replace(os.sep, "/")).strip("/")
    prefix = f"{_SCHEME}///{quote(called, safe='/')}/" if called else f"{_SCHEME}///"
    return LocalRoot(prefix, os.path.normpath((base_dir / Path(local_root).expanduser()).absolute()))


def is_file_url(text: str) -> bool:
    """Whether a text is a URL of a file."""
    return text.lstrip()[: len(_SCHEME)].lower() == _SCHEME


def write_file_url(name: str, root: LocalRoot) -> str:
    """The URL of a file that a source names by a path (in the folder, or absolute) or by a ``file:`` URL (RFC 8089).

    Raises:
        FileNameError: it leads out of the folder, names the folder itself or another machine, or no file can be called so.
    """
    path = _read_file_url(name.strip()) if is_file_url(name) else _read_path(name.strip())
    if "\0" in path:
        raise FileNameError("holds a NUL, which no file name does")
    inner = os.path.relpath(path, root.folder) if os.path.isabs(path) else os.path.normpath(path)
    parts = inner.split(os.sep)
    if ".." in parts:
        raise FileNameError("names a file outside sources.local_root")
    if inner == os.curdir:
        raise FileNameError("names a folder, no file")
    try:
        return root.prefix + quote("/".join(parts), safe="/")
    except UnicodeEncodeError:
        raise FileNameError("is no text that names a file") from None


def _read_path(text: str) -> str:
    return text.replace("\\", "/") if "\\" in text and "/" not in text else text


def _read_file_url(text: str) -> str:
    rest = text[len(_SCHEME) :].partition("#")[0].partition("?")[0]
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        if host.lower() not in _HOSTS:
            raise FileNameError("is a file: URL of another machine")
        rest = f"/{path}"
    return unquote(rest)


def find_file(url: str, roots: Iterable[LocalRoot]) -> FileInRoot | None:
    """The file that a URL as ``write_file_url`` makes them leads to; None where it lies in none of the folders."""
    for root in sorted(roots, key=lambda root: len(root.prefix), reverse=True):
        if url.startswith(root.prefix):
            path = unquote(url[len(root.prefix) :])
            parts = path.split("/")
            return None if "\0" in path or not path or {"", ".", ".."} & set(parts) else FileInRoot(root.folder, path)
    return None
