"""Which folder a command line means by a release."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_CONFIG_VERSION = re.compile(r"(?P<config>.+\.toml)(?:@v(?P<version>\d{1,9}))?", re.DOTALL)


@contextlib.contextmanager
def find_release(text: str) -> Iterator[Path]:
    """The local folder of a release that a command line names; a remote workspace's is copied for the while."""
    match = _CONFIG_VERSION.fullmatch(text)
    if Path(text).is_dir() or match is None:
        yield Path(text)
        return
    from logoingest.config import load_config
    from logoingest.release.versions import RELEASE_FOLDER, name_version
    from logoingest.workspace import Workspace

    workspace = Workspace(load_config(Path(match["config"]), []).workspace_url)
    name = RELEASE_FOLDER if match["version"] is None else name_version(workspace, int(match["version"]))
    with workspace.local_copy(name) as folder:
        yield folder


@contextlib.contextmanager
def find_others(texts: Sequence[str]) -> Iterator[dict[str, str]]:
    """Other datasets that a command line names, as it names them → path or URL; ``dataset.toml`` and ``dataset.toml@v2`` too."""
    with contextlib.ExitStack() as stack:
        found = {}
        for text in texts:
            is_config = _CONFIG_VERSION.fullmatch(text) is not None and not Path(text).is_dir()
            found[text] = str(stack.enter_context(find_release(text))) if is_config else text
        yield found
