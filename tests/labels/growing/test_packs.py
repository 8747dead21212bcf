"""Readers of packs: real forms, small and made by hand; whatever a file holds ends in entries or in one message."""

from __future__ import annotations

import bz2
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.places import DATA
from logoingest.errors import UsageError
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.growing import packs
from logoingest.labels.growing.cldr_names import open_cldr
from logoingest.labels.growing.enrichment import plan_enrichment
from logoingest.labels.growing.pack_entries import PackName, Pair, clean_language, clean_name
from logoingest.labels.growing.packs import make_table_pack, open_pack

PACKS = DATA / "packs"


def read(name: str, pack_format: str | None = None):
    pack = open_pack(PACKS / name, pack_format)
    return pack, {entry.key: entry for entry in pack.iterate()}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("nsi.json", "nsi"),
        ("wikidata_entity.json", "wikidata"),
        ("wikidata_dump.json", "wikidata"),
        ("simple_icons.json", "simple-icons"),
    ],
)
def test_the_form_of_a_pack_is_found_out(name, found):
    """By what it holds, not by its name; and it can be read twice."""
    pack, _ = read(name)
    assert pack.format == found
    assert list(pack.iterate()) == list(pack.iterate())


def test_nsi_names_of_a_part_are_not_names_of_the_brand():
    """A brand's tags and matchNames are its spellings; what one of its outlets is called is in doubt. Flags are no brands."""
    entries = list(open_pack(PACKS / "nsi.json").iterate())
    acme, chinese, outlet = (entry for entry in entries if entry.key == "Q111")
    texts = {name.text: name.language for name in acme.names}
    assert texts == {
        "Acme": "any",
        "アクメ": "ja",
        "艾克米": "zh",
        "Akme": "any",
        "ACM": "any",
        "acme shoes": "any",
        "logo": "any",
        "market": "any",
    }
    assert acme.source == "nsi 1.2.3"
    assert PackName("Акме Обувь", "ru") in chinese.names
    assert "Acme Outlet" not in {name.text for name in outlet.names}
    assert {name.text for name, _ in outlet.doubtful} == {"Acme Outlet"}
    assert {entry.titles[0] for entry in entries} == {"Acme", "艾克米", "Dune", "Elsewhere", "Bolt"}


def test_wikidata_labels_and_aliases_come_with_their_language():
    """Regions are dropped, what is no language is any; properties are no brands."""
    _, entries = read("wikidata_entity.json")
    names = dict(entries["Q111"].names)
    assert names == {
        "Acme": "any",
        "アクメ": "ja",
        "艾克米": "zh",
        "آکمی": "fa",
        "Acme Corporation": "en",
        "none": "en",
        "Акмэ": "be",
    }
    _, dump = read("wikidata_dump.json")
    assert set(dump) == {"Q5", "Q222", "Q111"}
    assert (dump["Q111"].titles, dump["Q111"].nicknames) == (("Acme Inc.",), ("Acme",))


@pytest.mark.parametrize("pack_file", [gzip.open, bz2.open, open])
def test_a_wikidata_dump_is_read_line_by_line_packed_or_not(tmp_path, monkeypatch, pack_file):
    """JSON lines or a dump's array, longer than a file that is one value may be."""
    entities = [json.loads(line.rstrip(",")) for line in (PACKS / "wikidata_dump.json").read_text().splitlines() if line[0] == "{"]
    file = tmp_path / "dump"
    with pack_file(file, "wb") as stream:
        stream.write("".join(json.dumps(entity) + "\n" for entity in entities).encode())
    monkeypatch.setattr(packs, "MAX_FILE_BYTES", 100)
    assert list(open_pack(file).iterate()) == list(open_pack(PACKS / "wikidata_dump.json").iterate())


def test_simple_icons_keep_apart_what_only_has_the_same_picture():
    """aka, old and loc are spellings; dup is another title of the same picture, and its source says so."""
    entries = list(open_pack(PACKS / "simple_icons.json").iterate())
    assert [(entry.key, entry.source) for entry in entries] == [
        ("Acme", "simple-icons"),
        ("Acme", "simple-icons (same picture)"),
        ("Stranger", "simple-icons"),
    ]
    assert set(entries[0].names) == {
        ("Acme", "any"), ("Acme Corp", "any"), ("Akmee", "any"), ("アクメ", "ja"), ("Akme Österreich", "de"),
    }  # fmt: skip
    assert {name.text for name in entries[1].names} == {"Acme Cloud", "Bolt"}


def test_a_folder_of_packs_is_one_pack(tmp_path):
    """As name-suggestion-index keeps its data: a file a category."""
    groups = json.loads((PACKS / "nsi.json").read_text())["nsi"]
    for path, group in groups.items():
        file = tmp_path / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**group, "properties": {"path": path}}))
    keys = sorted(entry.key for entry in open_pack(tmp_path).iterate())
    assert keys == sorted(entry.key for entry in open_pack(PACKS / "nsi.json").iterate())


def test_pairs_are_entries_of_their_canonical_name():
    """Empty names are left out, a Wikidata id joins, reversed text is in doubt."""
    rows = [
        Pair("a", "Acme", "JA-jp"),
        Pair("", "Bolt"),
        Pair("x", " "),
        Pair("b", "Acme", "de", "http://www.wikidata.org/entity/Q5"),
        Pair("\u202eemca", "Acme"),
    ]
    entries = list(make_table_pack(rows, "t.csv").iterate())
    assert [(entry.key, entry.names) for entry in entries] == [
        ("Acme", (("Acme", "any"), ("a", "ja"))),
        ("Bolt", (("Bolt", "any"),)),
        ("Q5", (("Acme", "any"), ("b", "de"))),
        ("Acme", (("Acme", "any"),)),
    ]
    assert entries[3].doubtful[0][1].startswith("carries a character that reverses")


@pytest.mark.parametrize(
    ("content", "pack_format", "message"),
    [
        (b"", None, "is empty"),
        (b"{", None, "not valid JSON"),
        (b"[1, 2]", None, "no pack of a known form"),
        (b'{"a": 1}', None, "no pack of a known form"),
        (b'"\xff"', None, "not UTF-8"),
        (b"[" * 100_000, None, "nested too deeply"),
        (b"[" + b"9" * 6000 + b"]", None, "number too long"),
        (b'{"nsi": {"brands/x": 3}}', None, "items"),
        (b'{"nsi": {"brands/x": {"items": [7]}}}', None, r"brands/x\[0\]"),
        (b'{"nsi": []}', "nsi", "no object"),
        (b'{"entities": 3}', "wikidata", "no object or list"),
        (b'{"entities": {"Q1": 3}}', None, r"entities\[0\]"),
        (b'[{"title": "a", "hex": "0"}, 3]', None, r"\[1\]"),
        (b"[]", "simple-icons", "names no brand"),
        (b'{"id": "Q1", "labels": {}}\n{"id": "Q2", "lab', None, "line 2"),
        (b"\x1f\x8b\x08\x00broken", None, "cannot be read"),
    ],
)
def test_a_malformed_pack_is_one_clear_message(tmp_path, content, pack_format, message):
    """With the file, the place, and no traceback."""
    file = tmp_path / "pack.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        list(open_pack(file, pack_format).iterate())
    assert len(caught.value.problems) == 1
    assert str(file) in str(caught.value)


def test_a_pack_that_is_too_long_or_missing_is_said(tmp_path, monkeypatch):
    """Memory is bounded: one JSON value may only be so long, and so may a line."""
    file = tmp_path / "pack.json"
    file.write_text((PACKS / "nsi.json").read_text())
    monkeypatch.setattr(packs, "MAX_FILE_BYTES", 100)
    with pytest.raises(UsageError, match="longer than"):
        open_pack(file)
    monkeypatch.setattr(packs, "MAX_LINE_BYTES", 100)
    with pytest.raises(UsageError, match="line 2: is longer"):
        list(open_pack(PACKS / "wikidata_dump.json").iterate())
    with pytest.raises(UsageError, match="no such file"):
        open_pack(tmp_path / "other.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just("Q7"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["nsi", "items", "tags", "brand", "brand:ja", "entities", "id", "labels", "aliases", "en", "value", "title", "hex", "loc", "dup", "matchNames", "displayName", "icons", "properties", "path"]), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(JSON, st.sampled_from(["nsi", "wikidata", "simple-icons", None]))
def test_any_json_is_entries_or_a_message(tmp_path_factory, value, pack_format):
    """No shape of strangers' JSON raises anything else."""
    file = tmp_path_factory.mktemp("pack") / "pack.json"
    file.write_text(json.dumps(value))
    try:
        for entry in open_pack(file, pack_format).iterate():
            assert entry.titles
    except UsageError:
        pass


@pytest.mark.parametrize(
    ("code", "language"),
    [("ja", "ja"), ("zh-TW", "zh"), ("zh_cn", "zh"), ("zh-Hant", "zh-Hant"), ("sr-Latn-RS", "sr-Latn"), ("mul", "any"), ("simple", "any"), ("be-x-old", "be"), ("EN-gb", "en"), ("", "any"), ("nan-Latn-tailo", "nan-Latn-tailo")],
)  # fmt: skip
def test_language_codes_lose_their_region(code, language):
    """A spelling is a language's, not a country's."""
    assert clean_language(code) == language


def test_names_are_one_visible_line():
    """White space squeezed, invisible and control characters gone, accents composed."""
    assert clean_name(" A\u200bc\n me\u0301 \x1b[1m\ud800") == "Ac mé [1m"


@pytest.mark.parametrize("name", ["colours.json", "colours.toml"])
def test_names_per_language_are_a_pack_of_any_domain(name):
    """A file of names per language, as JSON or TOML; each is called as its key and in English, and else by any name."""
    pack, entries = read(name)
    assert pack.format == "names"
    green = entries["green"]
    assert green.titles == ("green", "olive drab")
    assert {(one.text, one.language) for one in green.names} >= {("зелёный", "ru"), ("緑", "ja"), ("みどり", "ja")}
    assert "grün" in green.nicknames


@pytest.mark.parametrize("text", ['{"green": {"de": 1}}', '{"green": {}, "red": ["rot"]}', "[[names]]\n"])
def test_what_is_no_names_per_language_is_said(text, tmp_path):
    """One message, with what is known."""
    file = tmp_path / ("x.toml" if text.startswith("[[") else "x.json")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"known form|no names per language|no object"):
        open_pack(file)


@pytest.mark.slow
def test_cldr_has_names_of_any_language():
    """Territories, languages and the like, from the package's data; a kind it lacks is named with those there are."""
    pytest.importorskip("babel")
    entries = {entry.key: entry for entry in open_cldr("cldr:territories").iterate()}
    names = {name.text: name.language for name in entries["DE"].names}
    assert entries["DE"].titles == ("Germany",)
    assert (names["ドイツ"], names["Niemcy"]) == ("ja", "pl")
    with pytest.raises(UsageError, match="cldr:currencies"):
        open_cldr("cldr:colours")


@pytest.mark.slow
def test_a_map_of_countries_is_enriched_from_cldr(tmp_path):
    """What several countries are called in some language is in doubt; what one is, is added to it."""
    pytest.importorskip("babel")
    class_map = ClassMap.from_toml('built_in = ["no_label"]\n[classes.Germany]\n[classes.Niger]\n[classes.Nigeria]\n')
    plan = plan_enrichment(class_map, open_cldr("cldr:territories"), {})
    added = {(one.class_id, one.text) for one in plan.added}
    assert {("Germany", "德国"), ("Niger", "ニジェール"), ("Nigeria", "尼日利亚")} <= added
    assert len({one.text for one in plan.added}) == len(plan.added)
    assert plan.unmatched > 200
