"""Lint: every rule finds what it is for, in the right line; sound maps are clean; no text makes it crash."""

from __future__ import annotations

import json
import string
import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA, ROOT
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap
from logoingest.labels.lint.claims import is_pattern
from logoingest.labels.lint.findings import RULES
from logoingest.labels.lint.lines import Spot, find_lines, find_place, list_line_numbers
from logoingest.labels.lint.rules import lint_class_map

CASES = json.loads((DATA / "lint/cases.json").read_text("utf-8"))
SOUND = """
noise_words = ["logo"]
distinct_from = [["crunchies", "crunchips"]]
[[affixes]]
suffix = "-teilsichtbar"
attributes = { truncated = true }
[classes.crunchies]
[classes.crunchips]
[classes.nike]
name = "Nike"
aliases.en = ["nike swoosh", { text = "nk", exact = true }]
aliases.zh = ["耐克"]
"""


def _lint(tmp_path, text, labels=None):
    (tmp_path / "map.toml").write_text(text, "utf-8")
    return lint_class_map(tmp_path / "map.toml", labels)


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case['rule']}" for number, case in enumerate(CASES)])
def test_a_rule_finds_its_fault_in_its_line(case, tmp_path):
    """The finding names the rule and the line, says why and what to do."""
    report = _lint(tmp_path, case["toml"])
    found = [finding for finding in report.findings if finding.rule in case.get("rules", [case["rule"]])]
    assert found, report.findings
    assert case.get("any_line") or case.get("at", case["line"]) in {finding.line for finding in found}, found
    assert all(finding.what and finding.why and finding.file.endswith("map.toml") for finding in found)
    assert report.has_errors == any(finding.severity == "error" for finding in report.findings)


def test_every_rule_has_a_case():
    """No rule is untested; those about files, labels and crowds have tests of their own."""
    own_tests = {"alias-taken-over", "crowd-contradicts", "unused-alias", "unused-class", "not-checked"}
    assert {rule for case in CASES for rule in case.get("rules", [case["rule"]])} | own_tests == set(RULES)


def test_a_sound_map_is_clean(tmp_path):
    """Nothing at all is found in it."""
    assert _lint(tmp_path, SOUND).findings == []


@pytest.mark.parametrize("file", sorted((ROOT / "label_maps").glob("*.toml")), ids=lambda file: file.stem)
def test_the_maps_that_come_along_have_no_errors(file):
    """Each map of the project passes."""
    assert not lint_class_map(file).has_errors


def test_faults_of_the_form_do_not_hide_the_rest(tmp_path):
    """What is misspelt is told together with what is doubtful in the entries that can be read, each in its own line."""
    text = '[classes.nike]\naliases = [1, "ok", "hp"]\ncontains = "x"\n[classes.puma]\naliases = ["", "*puma", "hp"]\ncolour = 1\n'
    found = {(finding.rule, finding.line) for finding in _lint(tmp_path, text).findings}
    assert {
        ("form", 2),
        ("substring-rule", 3),
        ("form", 5),
        ("substring-rule", 5),
        ("alias-claimed-twice", 5),
        ("form", 6),
        ("not-checked", 1),
    } <= found


def test_findings_stand_in_the_file_that_has_them(tmp_path):
    """Includes and the plain list are files of their own; a spelling taken over from an include is a note."""
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs/pack.toml").write_text('\n[classes.a]\naliases = ["swoosh", "xy"]\n', "utf-8")
    (tmp_path / "list.txt").write_text("one\ncrunchies\ncrunchips\n", "utf-8")
    report = _lint(tmp_path, 'include = ["packs/pack.toml"]\nclasses_file = "list.txt"\n[classes.b]\naliases = ["Swoosh"]\n')
    found = {(finding.rule, Path(finding.file).name, finding.line) for finding in report.findings}
    assert ("short-alias", "pack.toml", 3) in found
    assert ("near-classes", "list.txt", 3) in found
    assert ("alias-taken-over", "map.toml", 4) in found
    assert not report.has_errors


def test_includes_that_bite_their_tail_are_errors(tmp_path):
    """A circle is told where it is closed; a missing list where it is named."""
    (tmp_path / "a.toml").write_text('# first\ninclude = ["map.toml"]\nclasses_file = "none.txt"\n', "utf-8")
    report = _lint(tmp_path, 'include = ["a.toml"]\n[classes.x]\n')
    found = {(finding.rule, Path(finding.file).name, finding.line) for finding in report.findings if finding.severity == "error"}
    assert found == {("unreadable", "a.toml", 2), ("unreadable", "a.toml", 3)}


def test_a_missing_map_is_an_error(tmp_path):
    """It is told, not raised."""
    assert lint_class_map(tmp_path / "none.toml").has_errors


def test_a_label_file_shows_what_is_never_used(tmp_path):
    """Aliases no label is decided by, and classes none names."""
    report = _lint(tmp_path, SOUND, ["Nike Swoosh", "nike swoosh logo / crunchies", "asdf"])
    found = [(finding.rule, finding.what) for finding in report.findings]
    assert found == [
        ("unused-class", "no label names crunchips"),
        ("unused-alias", 'the alias "nk" of nike decides no label'),
        ("unused-alias", 'the alias "耐克" of nike decides no label'),
    ]


def test_classes_that_come_out_as_one_are_no_rivals(tmp_path):
    """What [output] merges may be alike."""
    report = _lint(tmp_path, '[classes.crunchies]\n[classes.crunchips]\n[output.merge]\nc = ["crunchies", "crunchips"]\n')
    assert [finding.rule for finding in report.findings if finding.rule == "near-classes"] == []


@pytest.mark.parametrize(("text", "is_short"), [("bmw", True), ("БМВ", True), ("宝马", False), ("ナイキ", False), ("나", True), ("ابل", False), ("نا", True), ("H&M", True), ("x-y", True), ("nike", False)])  # fmt: skip
def test_how_short_is_short_depends_on_the_script(text, is_short, tmp_path):
    """Three letters of an alphabet are short, two ideographs or syllables are not; exact = true settles it."""
    made = f'[classes.longname]\naliases = ["{text}"]\n'
    assert any(finding.rule == "short-alias" for finding in _lint(tmp_path, made).findings) == is_short
    exact = f'[classes.longname]\naliases = [{{ text = "{text}", exact = true }}]\n'
    assert not any(finding.rule == "short-alias" for finding in _lint(tmp_path, exact).findings)


@pytest.mark.parametrize(
    "name", ["E*TRADE", "M*A*S*H", "% Arabica", "&pizza", "A|X", "Yahoo!", "Ke$ha", "C++", "A$AP", "(RED)", "H&M", "Guess?"]
)
def test_names_with_signs_are_no_patterns(name):
    """Only what no brand looks like counts as a pattern."""
    assert not is_pattern(name)


def test_findings_come_in_a_fixed_order(tmp_path):
    """Errors first, then by file and line; twice the same."""
    text = SOUND + '[classes.hp2]\naliases = ["hp", "vl"]\n'
    first, second = _lint(tmp_path, text), _lint(tmp_path, text)
    assert first == second
    assert [finding.line for finding in first.findings] == sorted(finding.line for finding in first.findings)


# -- Line numbers -------------------------------------------------------------------------------------------------------


def _shape(node):
    inside = node.inside if isinstance(node, Spot) else node
    if isinstance(inside, dict):
        return {key: _shape(value) for key, value in inside.items()}
    return [_shape(value) for value in inside] if isinstance(inside, list) else None


KEYS = st.text(max_size=6)
VALUES = st.recursive(
    st.one_of(st.text(max_size=12), st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
@examples(150)
def test_the_walk_sees_what_tomllib_sees(data):
    """Keys, lists and tables have the shape of what is read, and places only grow downwards in a list."""
    text = tomlkit.dumps(data)
    assert _shape(find_lines(text)) == _shape(tomllib.loads(text))


def test_lines_of_every_kind_of_writing():
    """Dotted, quoted, inline and multi-line forms, lists of tables, comments between."""
    text = (
        "# head\n"
        'a.b = 1\n"c.d" = """\nx]\n# no comment ""\\"\n"""\n'
        "e = [ # [\n  1,\n  { f = ['''\n''', 2], g = 1979-05-27 07:32:00 },\n]\n"
        "[t . u]\nv = {}\n[[w]]\nx = 1\n[[w]]\nx = 2\n[w.y]\nz = '#'\n[t]\nk = inf\r\nl = 2\n"
    )
    root = find_lines(text)
    assert _shape(root) == _shape(tomllib.loads(text))
    places = list_line_numbers(root)
    expected = {"a.b": 2, "c.d": 3, "e": 7, "e[0]": 8, "e[1]": 9, "e[1].f[1]": 10, "t.u.v": 13, "w[0].x": 15, "w[1].x": 17, "w[1].y.z": 19, "t.k": 21, "t.l": 22}  # fmt: skip
    assert {place: places[place] for place in expected} == expected
    assert find_place(places, "w[1].nothing[3].here") == 16
    assert find_place(places, "nowhere") is None


# -- Nothing crashes it -------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "[classes.nike]", "[classes.puma]", '[classes."a.b"]', "[[overrides]]", "[[affixes]]", "[output]", "[thresholds]", "[output.merge]", "[noise_words]",
        'name = "Nike"', 'aliases = ["swoosh", 3, { text = "hp", exact = 1 }]', 'aliases.ja = ["ナイキ", ""]', "aliases = { en = [[]] }", "aliases.any = 5",
        'suffix = "-logo"', 'prefix = " "', 'becomes = "x"', "attributes = { a = [1] }", 'annotation = "x"', 'class = "nike"', "drop = true", 'drop = ["nike"]',
        'classes.nike = ["x"]', 'merge = { x = ["nike", "puma"] }', 'rename = { nike = "puma" }', 'rename = { nike = "" }', 'level = "top"', 'part_of = "puma"',
        "max_edits = 9", "one_edit_letters = 50", 'include = ["map.toml"]', 'include = [""]', 'include = "\\u0000"', 'classes_file = "map.toml"', 'classes_file = "/"',
        'separators = ["", " AND ", "/"]', 'distinct_from = [["a"], ["nike", "nike"], ["x", "y"]]', 'no_label = ["nike", 1]', 'noise_words = [" ", "*"]',
        'en = ["logo"]', "contains = 1", "[[classes]]", "[classes]", '"[key]" = 1', 'wikidata = "Q1"', "on = 2020-01-01", "= 1", "[",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10))
@examples(200)
def test_no_map_crashes_lint(tmp_path_factory, pieces):
    """Pieces of maps in any order: lint ends, and finds an error wherever the map does not load."""
    folder = tmp_path_factory.mktemp("lint")
    report = _lint(folder, "\n".join(pieces))
    try:
        ClassMap.load(folder / "map.toml")
    except ClassMapError:
        assert report.has_errors
    assert all(finding.line >= 1 for finding in report.findings)


@given(
    st.dictionaries(
        st.sampled_from(["include", "classes", "affixes", "output", "overrides", "noise_words", "x"]), VALUES, max_size=4
    )
)
@examples(100)
def test_no_toml_crashes_lint(tmp_path_factory, data):
    """Whatever stands under the known keys."""
    _lint(tmp_path_factory.mktemp("lint"), tomlkit.dumps(data))


@given(st.text(alphabet=string.printable, max_size=60))
@examples(60)
def test_no_text_crashes_lint(tmp_path_factory, text):
    """What is no TOML at all is an error."""
    assert _lint(tmp_path_factory.mktemp("lint"), text).has_errors


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "[" * 200 + "]" * 200, "[" + ".".join("a" * 3000) + "]"])
def test_deep_nesting_ends(text, tmp_path):
    """No stack overflow."""
    assert _lint(tmp_path, text).has_errors
