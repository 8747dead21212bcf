"""What the README shows works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from builders.places import ROOT
from logoingest import ClassMap, load_config, normalise_label

README = (ROOT / "README.md").read_text(encoding="utf-8")


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
def test_the_library_example_runs(make_dataset):
    """Copied into a file beside a dataset.toml, it runs."""
    dataset = make_dataset()
    example = next(block for block in find_blocks("python") if "from logoingest import" in block)
    (dataset.folder / "example.py").write_text(example.replace("the Citroen logo", "the Citron logo"))
    done = subprocess.run([sys.executable, "example.py"], cwd=dataset.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "acme" in done.stdout
    assert done.stdout.endswith("citron\n")


def test_the_dataset_toml_of_the_readme_loads(tmp_path):
    """Every key shown exists."""
    (tmp_path / "dataset.toml").write_text(next(block for block in find_blocks("toml") if "[dataset]" in block), encoding="utf-8")
    assert load_config(tmp_path / "dataset.toml", environ={}).fetch.concurrency == 64


def test_the_class_map_of_the_readme_does_what_the_readme_says():
    """Its examples decide as described."""
    class_map = ClassMap.from_toml(next(block for block in find_blocks("toml") if "[classes." in block), "readme")
    decided = {
        raw: normalise_label(raw, class_map)
        for raw in ("アディダス", "the addidas logo", "Citroën ", "no sé", "adidas / citroen", "asdf")
    }
    assert {raw: decision.decision for raw, decision in decided.items()} == {
        "アディダス": "accepted",
        "the addidas logo": "accepted",
        "Citroën ": "accepted",
        "no sé": "ignored",
        "adidas / citroen": "accepted",
        "asdf": "unknown",
    }
    assert list(decided["adidas / citroen"].class_ids) == ["adidas", "citroen"]


def test_nothing_names_a_place_outside():
    """No registry host and no machine path in the files a user reads."""
    for file in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        found = re.search(r"pypi\.org|pythonhosted|npmjs|(?<![\w.>])/(work|tmp)/", file.read_text(encoding="utf-8"))
        assert found is None, file
