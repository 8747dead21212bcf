"""docs/sources.md says what the code does."""

from __future__ import annotations

import re
from typing import get_args

from builders.places import ROOT
from logoingest.config.source_section import SourceConfig, SourceFormat
from logoingest.sources.readers import FORMATS

PAGE = (ROOT / "docs/sources.md").read_text(encoding="utf-8")


def test_every_format_is_listed_in_both_tables():
    """The config's formats, the readers' and the page's are the same."""
    formats = list(get_args(SourceFormat))
    assert sorted(formats) == sorted(FORMATS)
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted([*formats, "format"] * 2)


def test_every_key_the_page_names_is_one():
    """A key in a code span that ends like one of the config's keys is a key of a source or of [samples]."""
    keys = set(re.findall(r"`(\w+_columns?)\b", PAGE))
    assert keys and keys <= SourceConfig.model_fields.keys()
    assert set(re.findall(r"^(\w+) = ", PAGE, re.MULTILINE)) <= SourceConfig.model_fields.keys()
