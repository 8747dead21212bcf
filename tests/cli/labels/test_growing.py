"""``labels new`` and ``labels enrich``: what they write, print and refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.places import DATA
from logoingest.cli.main import main
from logoingest.labels import ClassMap, normalise_label
from logoingest.strangers.escaping import guard_cell, unguard_cell

PACKS = DATA / "packs"


@pytest.fixture
def class_map(tmp_path: Path) -> Path:
    file = tmp_path / "map.toml"
    file.write_bytes((PACKS / "map.toml").read_bytes())
    return file


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, stdout, stderr."""
    code = main(["labels", *(str(argument) for argument in arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_new_makes_a_map_with_only_the_aliases_that_are_needed(tmp_path, capsys):
    """Short ones exact, languages kept, what two classes claim listed and left out."""
    out = tmp_path / "new.toml"
    code, shown, _ = call(capsys, "new", PACKS / "pairs.csv", out, "--ambiguous", tmp_path / "doubts.csv")
    assert code == 0
    made = ClassMap.load(out)
    assert {(s.class_id, s.text, s.language, s.is_exact) for s in made.spellings if s.is_alias} == {
        ("Acme", "アクメ", "ja", False),
        ("Acme", "akm", "any", True),
        ("Acme", "dune", "any", False),
        ("Bolt", "addidas", "any", False),
    }
    assert normalise_label("acme!", made).class_ids == ("Acme",)
    assert '? Acme: "both" is also a spelling of Bolt' in shown
    with (tmp_path / "doubts.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["class_id"], row["text"]) for row in csv.DictReader(file)] == [("Acme", "both"), ("Bolt", "both")]


def test_new_reads_other_tables_and_column_names(tmp_path, capsys):
    """tsv, JSON lines and Parquet give the map that csv gives."""
    with (PACKS / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = [{"Answer": row["raw"], "class": row["canonical"], "l": row["lang"]} for row in csv.DictReader(file)]
    columns = ("Answer", "class", "l")
    (tmp_path / "p.tsv").write_text("\n".join("\t".join(cells) for cells in [columns, *(row.values() for row in rows)]))
    (tmp_path / "p.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    texts = set()
    for name in ("p.tsv", "p.jsonl", "p.parquet"):
        out = tmp_path / f"{name}.toml"
        code, shown, _ = call(
            capsys, "new", tmp_path / name, out, "--raw", "Answer", "--canonical", "class", "--lang", "l", "--json"
        )
        assert code == 0
        assert json.loads(shown)["classes"] == 2
        texts.add(out.read_text(encoding="utf-8").partition("\n")[2])
    assert len(texts) == 1


def test_new_does_not_overwrite_unless_told(tmp_path, capsys):
    """Exit 2 and the file untouched; --force replaces it, and gives the same bytes again."""
    out = tmp_path / "new.toml"
    out.write_text("mine")
    code, _, message = call(capsys, "new", PACKS / "pairs.csv", out)
    assert (code, out.read_text()) == (2, "mine")
    assert "--force" in message
    assert call(capsys, "new", PACKS / "pairs.csv", out, "--force")[0] == 0
    first = out.read_bytes()
    assert call(capsys, "new", PACKS / "pairs.csv", out, "--force")[0] == 0
    assert out.read_bytes() == first


def test_new_keeps_hostile_names_in_their_strings(tmp_path, capsys):
    """TOML, terminal escapes, reversed text, rows without a name: a sound map, and what was left out is said."""
    table = tmp_path / "p.csv"
    names = ['x"]\n[classes.y]\nname = "z', "a.b", "'", "🦊", "\u202ereversed", "n" * 300, "  spaced   out "]
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("raw", "canonical"), *((f"\x1b[31m{name}s", name) for name in names), ("nobody", "")])
    code, shown, _ = call(capsys, "new", table, tmp_path / "new.toml", "--ambiguous", tmp_path / "d.csv")
    assert code == 0
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert set(ClassMap.load(tmp_path / "new.toml").names) == {'x"] [classes.y] name = "z', "a.b", "'", "🦊", "spaced out"}
    assert "reverses the writing direction" in shown
    assert "is longer than 200 characters" in shown
    assert "1 of them have no spelling or class" in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("a,b\n1,2\n", 'has no column "raw"'), ("raw,canonical\n,\n", "names no class"), (None, "no such file")],
)
def test_new_says_what_is_wrong_with_a_table(tmp_path, capsys, content, message):
    """Exit 2, one message, nothing written."""
    if content is not None:
        (tmp_path / "p.csv").write_text(content)
    code, _, shown = call(capsys, "new", tmp_path / "p.csv", tmp_path / "new.toml")
    assert code == 2
    assert message in shown
    assert not (tmp_path / "new.toml").exists()


@pytest.mark.parametrize("pack", ["nsi.json", "wikidata_entity.json", "wikidata_dump.json", "simple_icons.json", "pairs.csv"])
def test_enriching_a_second_time_writes_nothing(class_map, capsys, pack):
    """The first time aliases come in with their source; the second time not a byte changes."""
    code, shown, _ = call(capsys, "enrich", class_map, "--from", PACKS / pack, "--json")
    assert code == 0
    report = json.loads(shown)
    assert report["added"]
    assert sum(report["per_language"].values()) == sum(report["per_class"].values()) == len(report["added"])
    text = class_map.read_text(encoding="utf-8")
    assert text.count('source = "') == len(report["added"])
    written = class_map.stat().st_mtime_ns
    code, shown, _ = call(capsys, "enrich", class_map, "--from", PACKS / pack, "--json")
    again = json.loads(shown)
    assert (code, again["added"]) == (0, [])
    assert again["already_known"] >= len(report["added"])
    assert (class_map.read_text(encoding="utf-8"), class_map.stat().st_mtime_ns) == (text, written)


def test_enriching_keeps_comments_and_order(class_map, capsys):
    """Every line of the map is there still, in its order; only a plain list that gets languages is called aliases.any."""
    before = class_map.read_text(encoding="utf-8").replace("aliases = [", "aliases.any = [")
    call(capsys, "enrich", class_map, "--from", PACKS / "nsi.json")
    lines = iter(class_map.read_text(encoding="utf-8").splitlines())
    assert all(line in lines for line in before.splitlines())


def test_a_dry_run_shows_what_would_be_added_and_writes_nothing(class_map, capsys):
    """Also where --out names a file."""
    before = class_map.read_bytes()
    code, shown, _ = call(
        capsys, "enrich", class_map, "--from", PACKS / "nsi.json", "--dry-run", "--out", class_map.parent / "o.toml"
    )
    assert code == 0
    assert "would add 6 aliases to 2 classes; 3 were known" in shown
    assert "+ acme: アクメ (ja)" in shown
    assert class_map.read_bytes() == before
    assert [file.name for file in class_map.parent.iterdir()] == ["map.toml"]


def test_out_leaves_the_map_alone_and_is_not_overwritten(class_map, capsys):
    """Exit 2 the second time, unless --force is given."""
    before, out = class_map.read_bytes(), class_map.parent / "o.toml"
    arguments = ("enrich", class_map, "--from", PACKS / "nsi.json", "--out", out)
    assert call(capsys, *arguments)[0] == 0
    assert (class_map.read_bytes(), normalise_label("볼트", ClassMap.load(out)).class_ids) == (before, ("bolt",))
    assert call(capsys, *arguments)[0] == 2
    assert call(capsys, *arguments, "--force")[0] == 0


def test_what_is_in_doubt_goes_to_a_file_no_spreadsheet_computes(class_map, tmp_path, capsys):
    """Cells that begin like a formula get an apostrophe."""
    pack = tmp_path / "p.csv"
    pack.write_text('raw,canonical\n=1+1 dune,Acme\n"=1+1 dune",Bolt\n')
    assert call(capsys, "enrich", class_map, "--from", pack, "--ambiguous", tmp_path / "d.csv")[0] == 0
    with (tmp_path / "d.csv").open(encoding="utf-8", newline="") as file:
        assert {row["text"] for row in csv.DictReader(file)} == {"'=1+1 dune"}


@pytest.mark.parametrize("text", ["＝1+1 dune", " =1+1 dune", "|calc dune", "%0A dune"])
def test_what_is_in_doubt_is_guarded_as_every_sheet_is(class_map, tmp_path, capsys, text):
    """Not only the commonest beginnings of a formula."""
    pack = tmp_path / "p.csv"
    pack.write_text(f'raw,canonical\n"{text}",Acme\n"{text}",Bolt\n', encoding="utf-8")
    assert call(capsys, "enrich", class_map, "--from", pack, "--ambiguous", tmp_path / "d.csv")[0] == 0
    with (tmp_path / "d.csv").open(encoding="utf-8", newline="") as file:
        told = {row["text"] for row in csv.DictReader(file)}
    assert told
    assert all(guard_cell(unguard_cell(cell)) == cell for cell in told)


def test_a_bad_pack_or_map_is_one_message_and_exit_2(class_map, tmp_path, capsys):
    """And the map keeps its bytes."""
    before = class_map.read_bytes()
    (tmp_path / "bad.json").write_text('{"nsi": {"brands/x": {"items": [{"tags": 3}]}}}')
    for pack in (tmp_path / "bad.json", tmp_path / "missing.json", tmp_path / "missing.csv", PACKS / "map.toml"):
        code, shown, message = call(capsys, "enrich", class_map, "--from", pack)
        assert (code, shown) == (2, "")
        assert pack.name in message
    assert class_map.read_bytes() == before
    (tmp_path / "broken.toml").write_text("[classes")
    assert call(capsys, "enrich", tmp_path / "broken.toml", "--from", PACKS / "nsi.json")[0] == 2


def test_a_map_of_real_pairs_decides_as_told(tmp_path, shared_data, capsys):
    """Every class name means its class, and every spelling is decided as told, or listed."""
    out = tmp_path / "nsi.toml"
    source = shared_data / "brand_aliases/nsi_dev.csv"
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:1500]
    table = tmp_path / "p.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    code, shown, _ = call(capsys, "new", table, out, "--json")
    report = json.loads(shown)
    made = ClassMap.load(out)
    assert code == 0
    assert all(normalise_label(class_id, made).class_ids == (class_id,) for class_id in made.names)
    listed = {(doubt["class_id"], doubt["text"]) for doubt in report["ambiguous"]}
    merged = {item["name"]: item["class_id"] for item in report["merged"]}
    for row in rows:
        class_id = merged.get(row["canonical"], row["canonical"])
        if (class_id, " ".join(row["raw"].split())) not in listed:
            assert normalise_label(row["raw"], made).class_ids == (class_id,), row
