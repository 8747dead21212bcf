"""The pages that are made from the code are up to date, and every page is found from the index."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from builders.places import ROOT


def test_generated_pages_are_those_that_the_code_gives():
    """Commands, config and floors are never written by hand; what is stale is named with the command that mends it."""
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_index_names_every_page():
    """No page that only a listing of the folder would show."""
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= set(re.findall(r"\(([\w-]+\.md)", index))


@pytest.mark.parametrize("page", sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    """Relative links to files that are there."""
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
