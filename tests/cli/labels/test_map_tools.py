"""The commands that check, explain, apply and calibrate a class map, as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.places import ROOT
from logoingest.cli.main import main
from logoingest.labels import ClassMap, normalise_label, normalise_labels
from logoingest.labels.class_map.map_file import AffixForm, AliasForm, ClassForm, MapForm, OutputForm, Thresholds
from logoingest.labels.lint.findings import RULES
from logoingest.labels.lint.rules import lint_class_map
from logoingest.labels.matching.label_batch import BATCH_SCHEMA, read_batch

MAP = """
[[affixes]]
suffix = "-teilsichtbar"
attributes = { truncated = true }
[classes.nike]
name = "Nike"
aliases = ["swoosh"]
[classes.starbucks]
name = "Starbucks"
"""
ANSWERS = [
    "Nike",
    "starbukcs",
    "nike / starbucks",
    "None",
    "NA",
    "",
    "swoosh-teilsichtbar",
    '=HYPERLINK("x")',
    "two\nlines",
    "Nike",
]


@pytest.fixture
def map_file(tmp_path):
    (tmp_path / "map.toml").write_text(MAP, "utf-8")
    return tmp_path / "map.toml"


def _call(capsys, *arguments):
    code = main(["labels", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def _write_csv(file, column="raw", delimiter=","):
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(
            [["id", column], *([str(number), text] for number, text in enumerate(ANSWERS))]
        )
    return file


# -- lint ---------------------------------------------------------------------------------------------------------------


def test_a_clean_map_says_so_in_one_line(map_file, capsys):
    """And nothing else."""
    assert _call(capsys, "lint", map_file) == (0, f"{map_file}: clean (2 classes, 1 alias)\n", "")


def test_errors_give_exit_code_2_with_file_line_why_and_what_to_do(map_file, capsys):
    """A line that editors can jump to, the reason, the way out, the count."""
    map_file.write_text(MAP + 'aliases = ["Swoosh", "hp"]\n', "utf-8")
    code, out, _ = _call(capsys, "lint", map_file)
    assert code == 2
    assert f"{map_file}:10: error alias-claimed-twice: " in out
    assert "\n  why: " in out
    assert "\n  do: take it out of one of the two\n" in out
    assert "1 error" in out.splitlines()[-1]
    code, out, _ = _call(capsys, "lint", map_file, "--json")
    first = json.loads(out)["findings"][0]
    assert code == 2
    assert first.keys() == {"severity", "rule", "file", "line", "what", "why", "suggestion"}


def test_warnings_alone_are_no_failure(map_file, capsys):
    """Exit code 0."""
    map_file.write_text(MAP + 'aliases = ["hp"]\n', "utf-8")
    code, out, _ = _call(capsys, "lint", map_file)
    assert code == 0
    assert "1 warning" in out


def test_substring_rules_are_refused_with_their_story(map_file, capsys):
    """Hoogvliet became hooglouisvuittoniet."""
    map_file.write_text(MAP + 'contains = ["vl"]\n', "utf-8")
    code, out, _ = _call(capsys, "lint", map_file)
    assert code == 2
    assert "hooglouisvuittoniet" in out


def test_unused_aliases_are_told_against_a_label_file(map_file, tmp_path, capsys):
    """They are notes; --quiet leaves them out."""
    labels = tmp_path / "labels.csv"
    labels.write_text("raw\nNike\n", "utf-8")
    code, out, _ = _call(capsys, "lint", map_file, "--labels", labels)
    assert code == 0
    assert "unused-alias" in out
    assert "unused-class" in out
    assert "unused-" not in _call(capsys, "lint", map_file, "--labels", labels, "--quiet")[1]


def test_long_lists_are_cut(map_file, capsys):
    """Five notes of a kind, unless asked for all."""
    text = MAP + "aliases = [\n" + "".join(f'"Starbucks{"!" * number}",\n' for number in range(9)) + "]\n"
    map_file.write_text(text, "utf-8")
    out = _call(capsys, "lint", map_file)[1]
    assert "more of alias-re" in out
    assert len(_call(capsys, "lint", map_file, "--verbose")[1]) > len(out)


def test_terminal_escapes_in_a_map_are_shown_not_obeyed(map_file, capsys):
    """A cursor that moves would hide findings."""
    map_file.write_text(MAP + 'aliases = ["a\\u001b[2J", "\\u202Eb", "[bold]x"]\n', "utf-8")
    out = _call(capsys, "lint", map_file)[1]
    assert "\x1b" not in out
    assert "\u202e" not in out


# -- explain ------------------------------------------------------------------------------------------------------------


def test_explain_shows_the_whole_way(map_file, capsys):
    """Folding before and after, keys, candidates with score and reason, the decision, the runner-up."""
    code, out, _ = _call(capsys, "explain", map_file, " STARBUKCS ")
    assert code == 0
    for shown in (
        "fold_case: “ STARBUKCS ” → “ starbukcs ”",
        "joined: “starbukcs”",
        "won by the rule fuzzy",
        "lost: ",
        "accepted: starbucks",
    ):
        assert shown in out
    made = json.loads(_call(capsys, "explain", map_file, "swoosh-teilsichtbar", "--json")[1])
    assert made["decision"]["class_id"] == "nike"
    assert made["decision"]["attributes"] == {"truncated": True}
    assert made.keys() == {"decision", "steps", "keys", "candidates", "values"}


def test_several_values_are_explained_one_by_one(map_file, capsys):
    """Each value's decision, then what the whole answer comes to."""
    _, out, _ = _call(capsys, "explain", map_file, '["nike", "zzzz"]')
    assert "“nike + zzzz”, 2 values" in out
    assert out.index("accepted: nike") < out.index("“zzzz”") < out.index("by the rule several")
    made = json.loads(_call(capsys, "explain", map_file, '["nike", "zzzz"]', "--json")[1])
    assert [value["decision"] for value in made["values"]] == ["accepted", "unknown"]


@pytest.mark.parametrize(
    "raw",
    [
        "\x1b[2J\x1b[1;1Hnike",
        "a\rb",
        "\u202eekin",
        "",
        "x" * 100_000,
        "[red]nike[/red]",
        "\x9b31m",
        "ni\nke",
        '["\\u001b[2J", "[red]nike"]',
    ],
)
def test_hostile_answers_move_no_cursor(raw, map_file, capsys):
    """Control, bidi and escape characters are written out, markup is not obeyed."""
    code, out, _ = _call(capsys, "explain", map_file, "--", raw)
    assert code == 0
    assert not set(out) & {"\x1b", "\r", "\u202e", "\x9b", "\x07"}
    assert len(out) < 20_000


def test_an_answer_comes_from_stdin(map_file):
    """For what a shell cannot quote; a broken map is exit code 2."""
    command = [sys.executable, "-m", "logoingest", "labels", "explain", str(map_file), "-", "--json"]
    done = subprocess.run(
        command, input="nike\n", capture_output=True, text=True, check=True, env={**os.environ, "PYTHONUTF8": "1"}
    )
    assert json.loads(done.stdout)["decision"]["raw_label"] == "nike"


# -- apply --------------------------------------------------------------------------------------------------------------


def _write_parquet(file):
    pq.write_table(pa.table({"id": list(range(len(ANSWERS))), "raw": [text or None for text in ANSWERS]}), file)
    return file


def _write_jsonl(file):
    file.write_text("".join(json.dumps({"raw": text}) + "\n" for text in ANSWERS), "utf-8")
    return file


@pytest.mark.parametrize("made", [lambda folder: _write_csv(folder / "in.csv"), lambda folder: _write_csv(folder / "in.tsv", delimiter="\t"), lambda folder: _write_jsonl(folder / "in.jsonl"), lambda folder: _write_parquet(folder / "in.parquet")], ids=["csv", "tsv", "jsonl", "parquet"])  # fmt: skip
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_apply_decides_every_row_as_the_pipeline_does(made, suffix, map_file, tmp_path, capsys):
    """One row an answer, in order, "None" and "NA" kept as text, from and to any format."""
    target = tmp_path / f"out.{suffix}"
    code, out, _ = _call(capsys, "apply", map_file, made(tmp_path), target)
    assert code == 0
    if suffix == "csv":
        with target.open(encoding="utf-8", newline="") as stream:
            rows = list(read_batch(stream))
    else:
        rows = pq.read_table(target).to_pylist()
    assert list(rows[0]) == BATCH_SCHEMA.names
    assert [row["raw_label"] for row in rows] == ANSWERS
    piped = {row["raw_label"]: row for row in normalise_labels(pa.array(ANSWERS), ClassMap.load(map_file)).to_pylist()}
    for row in rows:
        wanted = piped[row["raw_label"]]
        assert (row["decision"], row["rule"]) == (wanted["decision"], wanted["rule"])
        assert (row["class_id"] or "") == " | ".join(wanted["class_ids"])
    assert out.startswith("10 rows (9 distinct) of column “raw”: accepted 5, ")


@pytest.mark.slow
def test_apply_works_in_a_pipe(map_file, tmp_path):
    """stdin to stdout; what is told goes to stderr."""
    command = [sys.executable, "-m", "logoingest", "labels", "apply", str(map_file), "-", "-"]
    done = subprocess.run(command, input=_write_csv(tmp_path / "in.csv").read_bytes(), capture_output=True, check=True)
    rows = list(read_batch(io.StringIO(done.stdout.decode("utf-8"), newline="")))
    assert [row["raw_label"] for row in rows] == ANSWERS
    assert done.stderr.decode("utf-8").startswith("10 rows")


def test_a_missing_column_is_named_with_its_neighbour(map_file, tmp_path, capsys):
    """Exit code 2, and no file is written."""
    source = _write_csv(tmp_path / "in.csv", column="raw_label")
    code, _, err = _call(capsys, "apply", map_file, source, tmp_path / "out.csv", "--column", "raw_lable")
    assert code == 2
    assert 'did you mean "raw_label"?' in err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("target", ["out.xlsx", "none/out.csv", ""])
def test_a_target_that_cannot_be_is_told_before_anything_is_read(target, map_file, tmp_path, capsys):
    """Exit code 2."""
    code, _, err = _call(capsys, "apply", map_file, tmp_path / "missing.csv", tmp_path / target)
    assert code == 2
    assert "missing.csv" not in err


def test_rows_that_cannot_be_read_keep_their_place(map_file, tmp_path, capsys):
    """They count as empty answers, and are told."""
    (tmp_path / "in.csv").write_text("raw,b\nNike,1\nStarbucks,Coffee,1\nswoosh\n", "utf-8")
    code, out, _ = _call(capsys, "apply", map_file, tmp_path / "in.csv", tmp_path / "out.parquet", "--json")
    facts = json.loads(out)
    assert code == 0
    assert pq.read_table(tmp_path / "out.parquet").column("class_id").to_pylist() == ["nike", None, "nike"]
    assert (facts["unreadable"], facts["rows"]) == (1, 3)
    assert facts["first_fault"].startswith("row 2")


def test_formulas_cannot_run(map_file, tmp_path, capsys):
    """A spreadsheet shows the text."""
    _call(capsys, "apply", map_file, _write_csv(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert "'=HYPERLINK" in (tmp_path / "out.csv").read_text("utf-8")


# -- calibrate ----------------------------------------------------------------------------------------------------------


def test_calibrate_marks_the_present_setting_and_recommends_one(map_file, tmp_path, capsys):
    """As a table, with how many labels each setting accepts, and as JSON."""
    code, out, _ = _call(capsys, "calibrate", map_file, "--labels", _write_csv(tmp_path / "in.csv"))
    assert code == 0
    for shown in ("present", "recommended", "precision", "recall", "labels", "letters swapped", "few strangers"):
        assert shown in out
    made = json.loads(_call(capsys, "calibrate", map_file, "--json", "--precision", ".9", "--seed", "7")[1])
    assert made["target_precision"] == 0.9
    assert {"precision", "recall", "recall_by_kind", "strangers_accepted", "evidence"} <= made["present"].keys()


@pytest.mark.parametrize("value", ["2", "-1", "nan", "x"])
def test_a_share_is_between_0_and_1(value, map_file, capsys):
    """A usage error."""
    with pytest.raises(SystemExit) as stopped:
        main(["labels", "calibrate", str(map_file), f"--precision={value}"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("command", [("explain", "nike"), ("apply", "-", "-"), ("calibrate",)])
def test_a_broken_map_is_exit_code_2(command, tmp_path, capsys):
    """All faults at once."""
    (tmp_path / "map.toml").write_text("[classes.nike]\nx = 1\ny = 2\n", "utf-8")
    code, _, err = _call(capsys, command[0], tmp_path / "map.toml", *command[1:])
    assert code == 2
    assert len(err.splitlines()) == 2


# -- the reference ------------------------------------------------------------------------------------------------------

DOCUMENT = (ROOT / "docs/class-maps.md").read_text("utf-8")


def _list_examples():
    """(map, rows of the table of answers that follows it)."""
    pieces = DOCUMENT.split("```toml\n")[1:]
    for piece in pieces:
        text, _, after = piece.partition("```")
        table = after.partition("| answer | decision |")[2].partition("\n\n")[0] if "| answer | decision |" in after else ""
        yield text, [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize(("text", "rows"), list(_list_examples()))
def test_the_maps_of_the_reference_do_what_it_says(text, rows, tmp_path):
    """Each loads, passes lint, and decides the answers in the table below it as stated."""
    (tmp_path / "map.toml").write_text(text, "utf-8")
    report = lint_class_map(tmp_path / "map.toml")
    assert not [finding for finding in report.findings if finding.severity != "note"]
    class_map = ClassMap.load(tmp_path / "map.toml")
    for raw, decision, classes, rule in rows:
        made = normalise_label(raw, class_map)
        assert (made.decision, ", ".join(made.class_ids), made.rule) == (decision, classes, rule), raw


def test_the_reference_names_every_rule_threshold_and_key():
    """With the severity and reason that lint gives, and the defaults."""
    for name, rule in RULES.items():
        assert f"| `{name}` | {rule.severity} | {rule.why} |" in DOCUMENT
    for name, field in Thresholds.model_fields.items():
        assert f"`{name}`" in DOCUMENT
        assert f"{field.default:g}" in DOCUMENT
    keys = [name for form in (MapForm, ClassForm, AliasForm, AffixForm, OutputForm) for name in form.model_fields]
    assert not [name for name in keys if not re.search(rf"\b{name}\b", DOCUMENT)]
    assert len([rows for _, rows in _list_examples() if rows]) >= 2
