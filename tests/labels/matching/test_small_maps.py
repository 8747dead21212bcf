"""Small maps, each with answers and what they come to: one kind of question a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomlkit

from logoingest.labels import ClassMap, normalise_label

DATA = Path(__file__).resolve().parents[2] / "data" / "labels" / "small_maps"


def _load_cases():
    for file in sorted(DATA.glob("*.json")):
        kind = json.loads(file.read_text("utf-8"))
        class_map = ClassMap.from_toml(tomlkit.dumps(kind["map"]))
        for case in kind["cases"]:
            yield pytest.param(class_map, case, id=f"{file.stem}: {case['raw']}")


@pytest.mark.parametrize(("class_map", "case"), list(_load_cases()))
def test_answer_comes_out_as_the_file_says(class_map, case):
    """The decision and the classes are the case's."""
    made = normalise_label(case["raw"], class_map)
    assert (made.decision, list(made.class_ids)) == (case["decision"], case["classes"]), made.note
