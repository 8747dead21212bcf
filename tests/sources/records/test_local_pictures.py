"""Sources whose pictures lie on this machine: paths and file: URLs under local_root, in every format that names pictures."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from builders.sources import read_all
from logoingest.config import Config, SourceConfig
from logoingest.errors import SourceError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path


def test_paths_and_file_urls(folder):
    """They become URLs of the folder; URLs of the web stay; what leads elsewhere is refused with its row."""
    names = ["a.jpg", f"file://{folder}/photos/b.jpg", "http://x.example/c.jpg", "../d.jpg", "/etc/passwd", "file://host/e.jpg", ""]
    (folder / "rows.csv").write_text("url,label\n" + "".join(f"{name},x{n}\n" for n, name in enumerate(names)))
    got = read_all(folder, {"path": "rows.csv", "url_column": "url", "local_root": "photos"})
    assert [row["url"] for row in got.kept] == ["file:///photos/a.jpg", "file:///photos/b.jpg", "http://x.example/c.jpg"]
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (4, "invalid_row", "names a file outside sources.local_root"),
        (5, "invalid_row", "names a file outside sources.local_root"),
        (6, "invalid_row", "is a file: URL of another machine"),
        (7, "missing_url", "the row names no image URL"),
    ]


def test_without_a_folder_nothing_changes(folder):
    """A path stays a path, a file: URL stays one: the fetch will refuse them; beside a source with a folder they are refused here."""
    (folder / "rows.csv").write_text("url,label\nfile:///photos/a.jpg,x\nb.jpg,y\n")
    (folder / "mine.csv").write_text("url,label\na.jpg,z\n")
    other = {"path": "rows.csv", "url_column": "url"}
    assert [row["url"] for row in read_all(folder, other).kept] == ["file:///photos/a.jpg", "b.jpg"]
    got = read_all(folder, other, {"path": "mine.csv", "url_column": "url", "local_root": "photos"})
    assert [row["url"] for row in got.kept] == ["b.jpg", "file:///photos/a.jpg"]
    assert [row["detail"] for row in got.rejected] == ["names a file of this machine, and this source has no local_root"]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("voc/kraft/img000011.xml", "file:///photos/img000011.png"),
        ("cvat/task.xml", "file:///photos/a%20b/one.jpg"),
        ("coco/instances.json", "file:///photos/000000397133.jpg"),
        ("via/annotations_v1.json", "file:///photos/a.jpg"),
        ("tabular/roboflow.csv", "file:///photos/a_jpg.rf.1.jpg"),
    ],
)
def test_formats_that_name_files(cases, folder, path, url):
    """Names are paths in the folder, not percent-encoded twice."""
    got = read_all(cases, {"path": path, "local_root": str(folder / "photos")})
    assert got.kept[0]["url"] == url.replace("/photos/", f"{folder}/photos/")


def test_what_cannot_be_meant(folder):
    """A folder that is not there, two folders of one name, a folder beside a prefix."""
    (folder / "rows.csv").write_text("url,label\na.jpg,z\n")
    with pytest.raises(SourceError, match="local_root: there is no folder 'pictures'"):
        read_all(folder, {"path": "rows.csv", "local_root": "pictures"})
    with pytest.raises(ValidationError, match="local_root and url_prefix"):
        SourceConfig(path="rows.csv", local_root="photos", url_prefix="http://x.example/")
    sources = [{"path": "a.csv", "local_root": "photos"}, {"path": "b.csv", "local_root": "../photos"}]
    with pytest.raises(ValidationError, match="two folders are called /photos/ alike"):
        Config.model_validate(
            {"dataset": {"name": "x", "workspace": "w"}, "sources": sources, "labels": {"class_map": "m"}, "base_dir": folder}
        )
