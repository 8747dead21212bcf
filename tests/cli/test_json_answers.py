"""``--json``: every command prints what the documented schema says, no field more and none less."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from logoingest.cli.answers import ANSWERS
from logoingest.cli.main import build_parser, main
from logoingest.json_schema import describe_types

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/json-schema.json").read_text(encoding="utf-8"))
#: Commands that train or need a network: what they print is made of the others' types, or tested with them.
LONG = {"demo", "train", "embed", "similar", "predict", "safeguard", "sweep", "sweep show", "sweep best", "sweep compare", "web"}


def list_commands(parser, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that know ``--json``, as they are typed."""
    for action in parser._actions:
        for name, child in (action.choices or {}).items() if hasattr(action, "add_parser") else ():
            if any(inner.dest == "json" for inner in child._actions):
                yield " ".join((*words, name)).replace("splits-", "splits ").replace("sweep-", "sweep ")
            yield from list_commands(child, (*words, name))


def test_every_command_has_a_type():
    """A new command is not forgotten, nor an old one left behind; an option that changes the answer stands behind its command."""
    named = {name.partition(" --")[0] for name in ANSWERS}
    assert named == set(list_commands(build_parser()))


def validate(command: str, text: str) -> object:
    """The answer, which the schema of the command describes."""
    answer = json.loads(text)
    faults = [fault.message for fault in Draft202012Validator({**SCHEMA, **SCHEMA["answers"][command]}).iter_errors(answer)]
    assert faults == [], command
    return answer


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("status", {"dataset": "d"}), ("retry", {"tried": 1, "healed": 1, "still_failing": "0"}), ("versions", [{"version": 1}])],
)
def test_the_schema_refuses_what_is_not_so(kind, wrong):
    """A field that is missing or of another type is a fault: the check below can fail."""
    with pytest.raises(AssertionError, match=kind):
        validate(kind, json.dumps(wrong))


def test_the_committed_schema_is_sound():
    """It is a JSON Schema, and the one that the types give."""
    Draft202012Validator.check_schema(SCHEMA)
    assert describe_types(ANSWERS) == SCHEMA


@pytest.mark.slow
def test_every_command_prints_its_type(make_dataset, tmp_path, capsys):
    """One dataset, from the bare table to a pushed release, a second release and a review, all by ``--json``."""
    dataset = make_dataset(pictures=3)
    dataset.add_row("/bolt/101.jpg", "bollt", "w7")
    dataset.write()
    config, class_map, folder = str(dataset.config), str(dataset.folder / "map.toml"), dataset.folder
    answers, out = str(folder / "answers.csv"), str(tmp_path / "out")
    seen: set[str] = set()

    def ask(command: str, *arguments: str) -> object:
        words = command.partition(" --")[0].split()
        assert main([*words, *arguments, "--json", "--quiet"]) in {0, 3}, command
        seen.add(command)
        return validate(command, capsys.readouterr().out)

    ask("init", str(tmp_path / "fresh"), "--from", answers)
    ask("plan", config)
    ask("run", config, "--until", "samples")
    for word in ("annotations", "normalise", "fetch", "images", "samples", "splits", "release", "report"):
        ask(word, config)
    ask("plan", config)
    assert ask("status", config)["law"]["holds"]
    assert ask("status --history", config, "--history")
    ask("verify", config, "--quick")
    assert ask("explain --url", config, "--url", dataset.site.url("/acme/0.jpg"))["splits"]
    ask("explain --url", config, "--url", dataset.site.url("/page.jpg"))
    assert ask("explain --label", config, "--label", "Acme")["annotations"]
    assert ask("explain --row", config, "--row", "1")["urls"]
    assert ask("explain --row", config, "--row", str(len(dataset.rows)))["annotations"]
    assert ask("splits explain", config, dataset.site.url("/acme/0.jpg"))["steps"]
    assert ask("suspects", config, "--list")["found"] is None
    ask("duplicates", config, "--against", str(dataset.release))
    check_labels(ask, config, class_map, tmp_path)
    ask("export", config, "--format", "coco", "--out", out)
    ask("push", config, str(tmp_path / "store"))
    ask("pull", str(tmp_path / "store"), str(tmp_path / "pulled"))
    assert ask("fetch --refresh", config, "--refresh")["asked"]
    ask("retry", config)
    dataset.add_picture("acme", 50)
    dataset.write()
    ask("run", config, "--until", "release")
    assert [version["version"] for version in ask("versions", config)] == [1, 2]
    assert ask("diff", f"{config}@v1", config)["added"]
    assert ask("verify", config, "--quick", "--against", str(tmp_path / "pulled")) == []
    assert ask("baseline runs", config) == []
    assert ask("example")["examples"]
    assert ask("prune", config)
    assert ask("takedown", config, "--url", dataset.site.url("/acme/0.jpg"))["pictures"]
    assert seen == set(ANSWERS) - LONG


def check_labels(ask, config: str, class_map: str, folder: Path) -> None:
    """The class-map tools and a review by sheet."""
    assert ask("labels lint", class_map)["classes"] == 4
    assert ask("labels explain", class_map, "The ACME logo")["steps"]
    assert ask("labels explain", class_map, '["Acme", "Bolt"]')["values"]
    ask("labels words", class_map)
    typed = folder / "typed.csv"
    typed.write_text("raw\nAcme\nbollt\n", encoding="utf-8")
    ask("labels apply", class_map, str(typed), str(folder / "decided.csv"))
    ask("labels calibrate", class_map, "--labels", str(typed))
    assert ask("labels suggest", config)["clusters"]
    sheet = folder / "review.csv"
    ask("labels review --export", config, "--export", str(sheet))
    rows = list(csv.DictReader(sheet.read_text("utf-8-sig").splitlines()))
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "decision": "bolt" if "bollt" in row.values() else ""} for row in rows)
    assert ask("labels review --apply", config, "--apply", str(sheet))["decided"]
    pairs = folder / "pairs.csv"
    pairs.write_text("raw,canonical\nakme,Acme\nBoltt,Bolt\nx,Acme\nx,Bolt\n", encoding="utf-8")
    ask("labels new", str(pairs), str(folder / "new.toml"))
    ask("labels enrich", class_map, "--from", str(pairs), "--out", str(folder / "rich.toml"))
    ask("labels draft", config, "--out", str(folder / "draft.toml"))
