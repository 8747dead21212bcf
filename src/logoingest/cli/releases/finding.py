"""Which folder a command line means by a release."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_VERSION = re.compile(r"@v\d{1,9}\Z")
_CONFIG = re.compile(r".+\.toml(?:@v\d{1,9})?", re.DOTALL)


@contextlib.contextmanager
def find_release(text: str) -> Iterator[Path]:
    """The local folder of a release, named as ``open_release`` takes it; what is on no local disk is copied for the while."""
    from logoingest.release.keeping.opening import find_folder

    with tempfile.TemporaryDirectory(prefix="logoingest-") as cache:
        yield find_folder(text, Path(cache))


def names_version(text: str) -> bool:
    """Whether a text names an earlier release, as ``dataset.toml@v2``."""
    return _VERSION.search(text) is not None


@contextlib.contextmanager
def find_others(texts: Sequence[str]) -> Iterator[dict[str, str]]:
    """Other datasets that a command line names, as it names them → path or URL; ``dataset.toml`` and ``dataset.toml@v2`` too."""
    with contextlib.ExitStack() as stack:
        found = {}
        for text in texts:
            is_config = _CONFIG.fullmatch(text) is not None and not Path(text).is_dir()
            found[text] = str(stack.enter_context(find_release(text))) if is_config else text
        yield found
