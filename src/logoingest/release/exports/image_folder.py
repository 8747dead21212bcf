"""Folders of classes, as torchvision's ImageFolder and ``datasets``' imagefolder read them: ``<split>/<class folder>/<image_id>.<ext>``.

Every split has a folder for every class, also for one without pictures there: readers number the folders they find, and a missing
one would shift every number after it. (For such a split torchvision wants ``allow_empty=True``, and says so aloud.) The numbers are
the release's labels. Pictures of several classes have no folder: they are left out.

``class_map.txt`` names the class folders in the order of the labels, as timm wants them (``--class-map``).
"""

from __future__ import annotations

from collections.abc import Mapping

from logoingest.release.exports.folder import ExportFolder
from logoingest.release.exports.rows import list_splits
from logoingest.release.reading.loader import Release

SEVERAL_CLASSES = "several_classes"

#: timm's list of class folders, one a line.
CLASS_MAP_NAME = "class_map.txt"


def write_image_folder(release: Release, folder: ExportFolder) -> None:
    """Fill ``folder`` with a folder a split and in it one a class."""
    write_class_folders(release, folder, {})
    folder.write_text(CLASS_MAP_NAME, "".join(f"{name}\n" for name in folder.class_folders))


def write_class_folders(release: Release, folder: ExportFolder, split_names: Mapping[str, str]) -> None:
    """The same with other names for some splits."""
    for split in list_splits(release):
        root = split_names.get(split, split)
        for name in folder.class_folders:
            folder.make_folder(f"{root}/{name}")
        for row in folder.read_rows(release, split):
            if row.label < 0:
                folder.leave_out(row, SEVERAL_CLASSES)
            else:
                folder.add_picture(row, f"{root}/{folder.class_folders[row.label]}")
