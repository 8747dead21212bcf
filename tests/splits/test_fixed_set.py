"""A fixed set: a table of pictures and their splits."""

import pyarrow as pa
import pytest

from logoingest.errors import ConfigError
from logoingest.splits import read_fixed_set

SPLITS = ("train", "validation", "test")
ONE, TWO = "1" * 64, "2" * 64
IMAGES = pa.table({"image_id": [ONE, TWO], "urls": [["http://a/1", "http://b/1"], ["http://a/2"]]})


def read(tmp_path, text, name="fixed.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_fixed_set(path, SPLITS, IMAGES)


def test_pictures_are_named_by_url_or_by_id(tmp_path):
    """Any URL that served a picture names it; what is not there is told apart."""
    by_url = read(tmp_path, "note,url,split\nx,http://b/1,test\n,http://gone/,test\n,http://a/2,train\n")
    assert by_url.places == {ONE: "test", TWO: "train"}
    assert list(by_url.unknown) == ["http://gone/"]
    by_id = read(tmp_path, f"\ufeffimage_id\tsplit\n{ONE.upper()}\ttest\n\n", "fixed.tsv")
    assert by_id.places == {ONE: "test"}


def test_the_same_twice_is_no_fault(tmp_path):
    """Two URLs of one picture, one split."""
    assert read(tmp_path, "url,split\nhttp://a/1,test\nhttp://b/1,test\n").places == {ONE: "test"}


def test_every_fault_is_in_one_message(tmp_path):
    """Lines, what is wrong with them and what to do."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "url,split\nhttp://a/1,tset\nhttp://a/2,train\nhttp://a/2,test\n,test\nhttp://a/1,\n")
    text = str(caught.value)
    for part in (
        "fixed.csv: line 2: 'tset' is no split; did you mean \"test\"?",
        "line 4: gives to test the picture that line 3 gives to train",
        "line 5: url is empty",
        "line 6: split is empty",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("link,split\nx,test\n", "no column url or image_id"),
        ("url,part\nx,test\n", "no column split"),
        ("", "no column url or image_id"),
        ('url,split\n"' + "x" * 200_000, "cannot be read|split is empty"),  # how long a cell may be is the process's own
    ],
)
def test_what_is_no_fixed_set_is_one_clear_error(tmp_path, text, words):
    """The columns it lacks, or why it cannot be read."""
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    """With the key that names it."""
    with pytest.raises(ConfigError, match=r"no such file.*splits\.fixed"):
        read_fixed_set(tmp_path / "none.csv", SPLITS, IMAGES)
