"""The examples that come with the package, by name: a dataset.toml for a public photo set, its README, and what scores it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from logoingest.errors import Problem, UsageError, suggest_name
from logoingest.files.bundled import find_bundled
from logoingest.files.whole import replace_file

#: Name → what it shows. A closed list: no path is ever made of what somebody types.
EXAMPLES = {
    "denoising_unet": "a training of one's own by import path: a small U-Net that takes noise away, on released pictures",
    "flickrlogos27": "the whole route on 1,300 URLs of photos and 6,500 crowd answers, with a review round",
    "flickrlogos27_boxes": "the same photos with boxes, and a detector",
    "logos_in_the_wild": "788 published classes from raw labels as typed, in Pascal VOC files",
}


def copy_example(name: str, folder: Path) -> Sequence[Path]:
    """Write an example's files into a folder, which is made, and list them.

    Raises:
        UsageError: there is no such example, or one of its files is there already; nothing is overwritten.
        OSError: the folder cannot be written to.
    """
    if name not in EXAMPLES:
        raise UsageError(Problem(name, "no such example", suggest_name(name, EXAMPLES, f"there are {', '.join(EXAMPLES)}")))
    files = sorted(file for file in (find_bundled("examples") / name).iterdir() if file.is_file())
    copies = [folder / file.name for file in files]
    if there := [copy for copy in copies if copy.exists()]:
        raise UsageError([Problem(str(copy), "is there already", "remove it or choose another folder") for copy in there])
    folder.mkdir(parents=True, exist_ok=True)
    for file, copy in zip(files, copies, strict=True):
        with replace_file(copy) as temporary:
            temporary.write_bytes(file.read_bytes())
    return copies
