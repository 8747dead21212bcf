"""What a file of this machine is called, and where a name may lead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.files.local import FileInRoot, FileNameError, find_file, is_file_url, name_root, write_file_url

BASE = Path("/base")
ROOT = name_root("photos", BASE)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a.jpg", "file:///photos/a.jpg"),
        (" sub/./b c.jpg ", "file:///photos/sub/b%20c.jpg"),
        ("sub\\d.jpg", "file:///photos/sub/d.jpg"),
        ("100%.jpg", "file:///photos/100%25.jpg"),
        ("/base/photos/a.jpg", "file:///photos/a.jpg"),
        ("file:///base/photos/a%20b.jpg", "file:///photos/a%20b.jpg"),
        ("FILE://localhost/base/photos/é.jpg", "file:///photos/%C3%A9.jpg"),
        ("file:/base/photos/x/../a.jpg", "file:///photos/a.jpg"),
    ],
)
def test_a_name_becomes_a_url_of_its_folder(name, url):
    """Paths and file: URLs of one file are one URL, which names no folder of this machine."""
    assert write_file_url(name, ROOT) == url
    found = find_file(url, [ROOT])
    assert found is not None and found.folder == "/base/photos"


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg", "sub/../../a.jpg", "/etc/passwd", "file:///etc/passwd", "file:///base/photos/../x", "file:///base/photos/%2e%2e/x",
        "/base/photos2/a.jpg", "file://host/base/photos/a.jpg", "..", ".", "/base/photos", "a\0b", "\ud800.jpg", "..\\a.jpg",
        "C:\\Windows\\x.jpg/../../..",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name):
    """Out of the folder, to the folder itself, to another machine, or to what no file is called."""
    with pytest.raises(FileNameError):
        write_file_url(name, ROOT)


@given(st.text(max_size=30))
def test_whatever_is_written_is_found_inside(name):
    """Any text is refused, or leads to a path below the folder, and to the same one again."""
    try:
        url = write_file_url(name, ROOT)
    except FileNameError:
        return
    found = find_file(url, [ROOT])
    assert isinstance(found, FileInRoot)
    assert ".." not in found.path.split("/") and not found.path.startswith("/")
    assert write_file_url(f"/base/photos/{found.path}", ROOT) == url


@pytest.mark.parametrize(
    "url",
    [
        "file:///photos/../secret", "file:///photos/%2e%2e/secret", "file:///photos//etc/passwd", "file:///photos/a%00b",
        "file:///etc/passwd", "file:///photos", "file:///photos/", "file:///photos/%2Fetc/passwd", "http://x.example/photos/a.jpg",
    ],
)  # fmt: skip
def test_a_url_that_nobody_wrote_leads_nowhere(url):
    """What is read is checked again, whoever put it into a table."""
    assert find_file(url, [ROOT]) is None


def test_folders_are_called_as_the_config_calls_them():
    """Relative, above the config, absolute: none shows where it lies; the longest name decides."""
    assert name_root("../pictures/", BASE).prefix == "file:///pictures/"
    assert name_root("/data/pictures", BASE) == ("file:///data/pictures/", "/data/pictures")
    assert name_root(".", BASE) == ("file:///", "/base")
    inner = name_root("photos/inner", BASE)
    found = find_file("file:///photos/inner/a.jpg", [name_root(".", BASE), ROOT, inner])
    assert found == ("/base/photos/inner", "a.jpg")
    assert is_file_url(" FILE:/x") and not is_file_url("http://x.example/file:")
