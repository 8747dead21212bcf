"""Enriching a map: what is certain is added, what is in doubt is listed, nothing else changes."""

from __future__ import annotations

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA
from logoingest.labels import ClassMap, fold, normalise_label
from logoingest.labels.growing.alias_judgement import is_short
from logoingest.labels.growing.enrichment import Enrichment, carry_out, plan_enrichment, read_wikidata_ids
from logoingest.labels.growing.map_from_pairs import make_pair_map
from logoingest.labels.growing.pack_entries import PackEntry, PackName, Pair
from logoingest.labels.growing.packs import Pack, make_table_pack, open_pack

PACKS = DATA / "packs"
MAP = PACKS / "map.toml"


def plan(name: str, text: str | None = None, wikidata: dict[str, str] | None = None) -> Enrichment:
    class_map = ClassMap.load(MAP) if text is None else ClassMap.from_toml(text)
    ids = read_wikidata_ids(MAP) if wikidata is None else wikidata
    return plan_enrichment(class_map, open_pack(PACKS / name), ids)


def list_added(found: Enrichment) -> set[tuple[str, str, str]]:
    return {(alias.class_id, alias.text, alias.language) for alias in found.added}


def explain_doubts(found: Enrichment) -> dict[tuple[str, str], str]:
    return {(doubt.class_id, doubt.text): doubt.why for doubt in found.doubts}


def test_certain_spellings_are_added_with_their_language_and_source():
    """By name (acme) and by Wikidata id (bolt); entries of one id are one brand."""
    found = plan("nsi.json")
    assert list_added(found) == {
        ("acme", "ACM", "any"), ("acme", "acme shoes", "any"), ("acme", "アクメ", "ja"), ("acme", "艾克米", "zh"), ("acme", "Акме Обувь", "ru"),
        ("bolt", "볼트", "ko"),
    }  # fmt: skip
    assert {alias.source for alias in found.added} == {"nsi 1.2.3"}
    assert [alias.text for alias in found.added if alias.is_exact] == ["ACM"]
    assert found.matched == {"acme": "Q111", "bolt": "Q222"}


def test_every_doubt_is_listed_with_its_reason():
    """Claimed twice, by a stranger, by the map; noise, everyday words; a part's name; a brand that cannot be told."""
    reasons = explain_doubts(plan("nsi.json"))
    assert reasons["acme", "Akme"] == "is also a spelling of bolt"
    assert reasons["bolt", "akme"] == "is also a spelling of acme"
    assert reasons["bolt", "bolt express"] == "is also a spelling of Elsewhere (in the pack)"
    assert reasons["acme", "logo"] == "is a noise word"
    assert reasons["acme", "market"] == "is an everyday word, not a name"
    assert reasons["acme", "Acme Outlet"] == "is what a part of Acme is called"
    assert reasons["dune", "Dune"].startswith(
        '2 brands of the pack are called so (Q301, Q302); name one in the map: wikidata = "Q301"'
    )
    assert explain_doubts(plan("simple_icons.json"))["acme", "Bolt"] == "the map takes it for bolt already"
    assert explain_doubts(plan("wikidata_entity.json"))["acme", "none"] == "means that there is no label"


def test_a_wikidata_id_in_the_map_tells_brands_of_one_name_apart():
    """The other brand is a stranger then."""
    found = plan("nsi.json", wikidata={"dune": "Q302"})
    assert {text for class_id, text, _ in list_added(found) if class_id == "dune"} == {"Дюны"}
    assert not [doubt for doubt in found.doubts if doubt.class_id == "dune"]


def test_a_brand_that_is_only_called_so_too_is_kept_apart():
    """The one whose own name it is gets the class; what the other has is listed."""
    entries = [
        PackEntry("Q1", "Q1", ("Acme",), (PackName("Acme"), PackName("アクメ", "ja")), "p"),
        PackEntry("Q2", "Q2", ("艾克米", "Acme"), (PackName("艾克米", "zh"), PackName("Acme", "en")), "p"),
        PackEntry("acme", None, ("ACME",), (PackName("ACME"), PackName("Акме", "ru")), "p"),
    ]
    found = plan_enrichment(ClassMap.load(MAP), Pack("nsi", "p", lambda: entries), {})
    assert {alias.text for alias in found.added} == {"アクメ", "Акме"}
    assert explain_doubts(found) == {("acme", "艾克米"): "belongs to Q2, which the pack calls so too but keeps apart from Q1"}


def test_a_class_with_another_wikidata_id_is_not_joined_by_name():
    """The map says which brand it means."""
    assert "acme" not in plan("nsi.json", wikidata={"acme": "Q777"}).matched


def test_two_classes_of_one_brand_get_nothing():
    """By id as by name: it cannot be said which."""
    found = plan("nsi.json", wikidata={"acme": "Q222", "dune": "Q222"})
    assert not {alias.class_id for alias in found.added} & {"dune", "bolt"}
    assert "several classes have its Wikidata id: acme, dune" in explain_doubts(found)["acme", "Bolt"]


def test_a_wikidata_dump_has_strangers_that_only_their_title_counts_of():
    """Wikidata describes everything: "lightning" is something else, but its aliases speak against nobody."""
    found = plan("wikidata_dump.json")
    assert ("bolt", "Компания Болт", "ru") in list_added(found)
    assert explain_doubts(found) == {("bolt", "lightning"): "is also a spelling of lightning (in the pack)"}
    assert {alias.source for alias in found.added} == {"wikidata Q111", "wikidata Q222"}


def test_a_near_transliteration_of_another_class_is_no_alias():
    """Форд is what the map reads as Ford: it is not taken for another class."""
    text = '[classes.ford]\nname = "Ford"\n[classes.gaz]\nname = "GAZ"\n'
    pack = make_table_pack([Pair("Форд", "GAZ", "ru"), Pair("Волга", "GAZ", "ru")], "p.csv")
    found = plan_enrichment(ClassMap.from_toml(text), pack, {})
    assert [alias.text for alias in found.added] == ["Волга"]
    assert explain_doubts(found) == {("gaz", "Форд"): "is also a spelling of ford"}


def test_a_map_on_top_reads_the_ids_of_what_it_includes(tmp_path):
    """Its own word wins."""
    (tmp_path / "below.toml").write_text('[classes.a]\nwikidata = "Q1"\n[classes.b]\nwikidata = "Q2"\n')
    (tmp_path / "top.toml").write_text('include = ["below.toml"]\n[classes.b]\nwikidata = "Q3"\n')
    assert read_wikidata_ids(tmp_path / "top.toml") == {"a": "Q1", "b": "Q3"}


def test_short_spellings_are_exact_where_a_letter_says_little():
    """Three letters of an alphabet, with or without dots; two Chinese characters or kana are a name."""
    assert all(map(is_short, ["BMW", "b.m.w.", "76", "БМВ", "é", "H&M"]))
    assert not any(map(is_short, ["Audi", "宝马", "ソニー", "شلل", "삼성", "ACME", "1234"]))


WORDS = st.sampled_from(
    ["acme", "Acme", "ACME", "ac-me", "Bolt", "bolt & co", "boltco", "Dune", "Düne", "Duene", "Аcme", "アクメ", "Болт", "дюна", "logo", "none", "Acme logo", "x", "bp", "B.P.", "Market", "Dune Market", "１２", "12"]
)  # fmt: skip
PAIRS = st.lists(st.builds(Pair, WORDS, WORDS, st.sampled_from(["any", "ja", "de"])), min_size=1, max_size=12)
SMALL_MAP = '[classes.acme]\nname = "Acme"\naliases = ["acme inc"]\n[classes.bolt]\nname = "Bolt"\n[classes.dune]\nname = "Dune"\nwikidata = "Q9"\n'


@examples(20)
@given(PAIRS, st.randoms(use_true_random=False))
def test_enriching_twice_is_enriching_once_in_any_order(pairs, random):
    """The second time nothing is added, the order of the rows does not matter, and every class name still means its class."""
    text = SMALL_MAP
    before = ClassMap.from_toml(text)
    found = plan_enrichment(before, make_table_pack(pairs, "p.csv"), {"dune": "Q9"})
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert plan_enrichment(before, make_table_pack(shuffled, "p.csv"), {"dune": "Q9"}) == found
    document = tomlkit.parse(text)
    assert carry_out(document, found.added) == len(found.added)
    after = ClassMap.from_toml(tomlkit.dumps(document))
    again = plan_enrichment(after, make_table_pack(pairs, "p.csv"), {"dune": "Q9"})
    assert not again.added
    assert {(doubt.class_id, doubt.text) for doubt in again.doubts} == {(doubt.class_id, doubt.text) for doubt in found.doubts}
    for spelling in before.spellings:
        assert normalise_label(spelling.text, after).class_ids == (spelling.class_id,)
    for alias in found.added:
        assert normalise_label(alias.text, after).class_ids == (alias.class_id,)


@examples(20)
@given(PAIRS, st.randoms(use_true_random=False))
def test_a_map_from_pairs_is_sound_and_the_same_in_any_order(pairs, random):
    """It loads, its names mean themselves, and each spelling is decided as told, or listed."""
    made = make_pair_map(pairs, "p.csv")
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert make_pair_map(shuffled, "p.csv") == made
    class_map = ClassMap.from_toml(made.text)
    for class_id in class_map.names:
        assert normalise_label(class_id, class_map).class_ids == (class_id,)
    merged = dict(made.merged)
    doubts = {(doubt.class_id, fold(doubt.text).text) for doubt in made.doubts}
    for pair in pairs:
        class_id = merged.get(pair.canonical, pair.canonical)
        if (class_id, fold(pair.raw).text) not in doubts:
            assert normalise_label(pair.raw, class_map).class_ids == (class_id,)
