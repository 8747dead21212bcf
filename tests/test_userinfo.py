"""User names and passwords in URLs reach no table."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.config import SourceConfig, load_config
from logoingest.errors import ConfigError
from logoingest.sources import read_annotations
from logoingest.strangers.userinfo import drop_userinfo, has_userinfo


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://ann:s3cret@img.example/a.jpg", "https://img.example/a.jpg"),
        ("HTTP://ann@img.example:8080/a.jpg?x=1#y", "HTTP://img.example:8080/a.jpg?x=1#y"),
        ("//ann:s3cret@img.example/a.jpg", "//img.example/a.jpg"),
        (r"https:\\ann:s3cret@img.example/a.jpg", r"https:\\img.example/a.jpg"),
        ("https://ann:p@ss@img.example/a.jpg", "https://img.example/a.jpg"),
        ("https://@img.example/a.jpg", "https://img.example/a.jpg"),
        ("https://img.example/@ann/a.jpg", "https://img.example/@ann/a.jpg"),
        ("https://img.example/a.jpg?mail=ann@b.example", "https://img.example/a.jpg?mail=ann@b.example"),
        ("ann@b.example", "ann@b.example"),
    ],
)
def test_what_stands_before_the_host_is_dropped_and_nothing_else(url: str, kept: str) -> None:
    """An @ in path or query belongs to the address."""
    assert drop_userinfo(url) == kept


@given(st.text(alphabet="ab:@/\\?#. ", max_size=30))
def test_dropping_once_is_enough(tail: str) -> None:
    """Nothing is left to drop."""
    dropped = drop_userinfo(f"https://{tail}")
    assert not has_userinfo(dropped)
    assert drop_userinfo(dropped) == dropped


def test_no_table_holds_a_password_and_a_warning_says_where_it_belongs(tmp_path, caplog) -> None:
    """URL and alternative URLs lose it, rejected rows too; the row itself is kept."""
    lines = ["url,other,label,status", "https://ann:s3cret@img.example/a.jpg,https://bob:s3cret@cdn.example/a.jpg,nike,1"]
    (tmp_path / "answers.csv").write_text("\n".join(lines))
    source = SourceConfig(path="answers.csv", url_column="url", label_column="label", alternative_url_columns=("other",))
    with caplog.at_level(logging.WARNING, logger="logoingest"):
        kept, rejected = read_annotations([source], tmp_path)
    assert kept.column("url").to_pylist() == ["https://img.example/a.jpg"]
    assert kept.column("alternative_urls").to_pylist() == [["https://cdn.example/a.jpg"]]
    assert "s3cret" not in str(kept.to_pylist()) + str(rejected.to_pylist()) + caplog.text
    assert "1 rows name a user or password" in caplog.text
    assert "fetch.credentials" in caplog.text


def test_a_prefix_with_a_password_is_refused(tmp_path) -> None:
    """A release repeats how its sources were read."""
    text = '[dataset]\nname = "a"\nworkspace = "w"\n[[sources]]\npath = "a.csv"\nurl_prefix = "https://a:b@c/"\n[labels]\nclass_map = "m.toml"\n'
    (tmp_path / "dataset.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"url_prefix: names a user or password") as caught:
        load_config(tmp_path / "dataset.toml", environ={})
    assert "b@c" not in str(caught.value)
