"""``labels`` commands — new, draft, enrich: a class map from pairs or from the answers, and aliases for it from packs."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, print_json
from logoingest.errors import Problem, UsageError
from logoingest.strangers.escaping import escape_text, guard_cell
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.cli.labels.map_answers import EnrichedMap, NewMap
    from logoingest.cli.labels.pairs import PairTable
    from logoingest.labels.growing.alias_judgement import Doubt
    from logoingest.labels.growing.enrichment import Enrichment
    from logoingest.labels.growing.map_from_pairs import PairMap
    from logoingest.labels.growing.packs import Pack

_SHOWN = 30
_SHOWN_MOST = 10
_TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".xlsx")
_DOUBT_COLUMNS = ("text", "class_id", "language", "why", "source")


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
    new = add_command(commands, "new", _command_new, "make a class map from a table of spellings and their classes", config=False)
    new.add_argument("pairs", type=Path, metavar="ALIASES", help="csv, tsv, Excel, JSON lines or Parquet: raw, canonical[, lang]")
    new.add_argument("out", type=Path, metavar="OUT.toml")
    new.add_argument("--force", action="store_true", help="overwrite OUT.toml")
    _add_table_options(new)

    enrich = add_command(commands, "enrich", _command_enrich, "add aliases from a pack of names to a class map", config=False)
    enrich.add_argument("map", type=Path, metavar="MAP.toml")
    enrich.add_argument(
        "--from",
        dest="pack",
        type=Path,
        required=True,
        metavar="PACK",
        help="nsi.json, Wikidata entities, simple-icons.json, names per language (JSON, TOML), csv, or cldr:territories, cldr:languages …",
    )
    enrich.add_argument(
        "--pack-format",
        choices=("nsi", "wikidata", "simple-icons", "names", "csv"),
        help="what the pack is (found out when left out)",
    )
    enrich.add_argument("--out", type=Path, metavar="OUT.toml", help="write there, and leave MAP.toml as it is")
    enrich.add_argument("--force", action="store_true", help="overwrite OUT.toml")
    enrich.add_argument("--dry-run", action="store_true", help="say what would be added; write nothing")
    _add_table_options(enrich)

    draft = add_command(commands, "draft", _command_draft, "make the first class map again from the config's sources, as init does")
    draft.add_argument("--out", type=Path, metavar="OUT.toml", help="write there (default: the config's own class map)")
    draft.add_argument("--force", action="store_true", help="overwrite it")


def _command_draft(options: argparse.Namespace) -> int:
    from logoingest.cli.scaffolding import print_first_map
    from logoingest.labels.class_map.writing import write_text
    from logoingest.pipeline import Run, redraft_class_map

    run = Run(load_options(options))
    out = options.out or run.config.class_map_path
    _refuse_overwriting(out, force=options.force)
    made, labels = redraft_class_map(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, made.text)
    if options.json:
        from logoingest.cli.labels.map_answers import DraftedMap

        return print_json(DraftedMap(str(out), labels, made))
    print_first_map(made)
    print(f"wrote {out} from {spell_count(labels, 'distinct answer')} (a first draft: read it, join what belongs together)")
    return 0


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ambiguous", type=Path, metavar="FILE.csv", help="write what was not added, and why, there")
    parser.add_argument("--raw", metavar="COLUMN", help="a table's column of spellings (default: raw)")
    parser.add_argument("--canonical", metavar="COLUMN", help="its column of class names (default: canonical)")
    parser.add_argument("--lang", metavar="COLUMN", help="its column of language codes (default: lang, where there is one)")
    parser.add_argument("--wikidata", metavar="COLUMN", help="its column of Wikidata ids (default: wikidata, where there is one)")


def _command_new(options: argparse.Namespace) -> int:
    from logoingest.labels.class_map.writing import write_text
    from logoingest.labels.growing.map_from_pairs import make_pair_map

    _refuse_overwriting(options.out, force=options.force)
    table = _read_table(options, options.pairs)
    made = make_pair_map(table.pairs, options.pairs.name)
    _write_doubts(options.ambiguous, made.doubts)
    write_text(options.out, made.text)
    if options.json:
        return print_json(_describe_new(options, table, made))
    print(f"read {table.rows:,} rows{_count_bad(table)}")
    print(
        f"wrote {options.out}: {made.classes:,} classes, {made.aliases:,} aliases; {made.known:,} spellings need none, they match anyway"
    )
    for name, why in made.refused[:_SHOWN]:
        print(f'no class: "{_show(name)}" {why}')
    for name, class_id in made.merged[:_SHOWN]:
        print(f'one class: "{_show(name)}" is written like "{_show(class_id)}"')
    _print_doubts(made.doubts, options.ambiguous)
    print(f"next: logoingest labels lint {options.out}")
    return 0


def _command_enrich(options: argparse.Namespace) -> int:
    from logoingest.labels.class_map.class_map import ClassMap
    from logoingest.labels.class_map.writing import load_document, write_document
    from logoingest.labels.growing.enrichment import carry_out, plan_enrichment, read_wikidata_ids

    target = options.out or options.map
    if options.out is not None and not options.dry_run:
        _refuse_overwriting(options.out, force=options.force)
    class_map = ClassMap.load(options.map)
    pack = _open_pack(options)
    plan = plan_enrichment(class_map, pack, read_wikidata_ids(options.map))
    if not options.dry_run:
        document = load_document(options.map)
        if carry_out(document, plan.added) or options.out is not None:
            write_document(target, document)
    _write_doubts(options.ambiguous, plan.doubts)
    if options.json:
        return print_json(_describe_enrichment(options, pack, plan))
    _print_enrichment(options, pack, plan, len(class_map.names), target)
    return 0


def _read_table(options: argparse.Namespace, path: Path) -> PairTable:
    from logoingest.cli.labels.pairs import read_pairs

    return read_pairs(path, options.raw, options.canonical, options.lang, options.wikidata)


def _open_pack(options: argparse.Namespace) -> Pack:
    from logoingest.labels.growing.cldr_names import PREFIX, open_cldr
    from logoingest.labels.growing.packs import make_table_pack, open_pack

    path: Path = options.pack
    if str(path).startswith(PREFIX):
        return open_cldr(str(path))
    is_table = path.name.lower().removesuffix(".gz").endswith(_TABLES) and options.pack_format is None
    if options.pack_format != "csv" and not (is_table and not _has_entities(path)):
        return open_pack(path, options.pack_format)
    table = _read_table(options, path)
    return make_table_pack(table.pairs, path.name)


def _has_entities(path: Path) -> bool:
    """A file of JSON lines may be Wikidata's."""
    from logoingest.labels.growing.packs import is_entity_file

    return "json" in path.suffix and is_entity_file(path)


def _refuse_overwriting(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(Problem(str(path), "is there already", "choose another name, or say --force"))


def _write_doubts(path: Path | None, doubts: Sequence[Doubt]) -> None:
    """A CSV file of what was not added; cells that a spreadsheet would compute get an apostrophe."""
    if path is None:
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_DOUBT_COLUMNS)
            writer.writerows([guard_cell(getattr(doubt, column)) for column in _DOUBT_COLUMNS] for doubt in doubts)
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def _describe_new(options: argparse.Namespace, table: PairTable, made: PairMap) -> NewMap:
    from logoingest.cli.labels.map_answers import MergedName, NewMap, RefusedName

    return NewMap(
        map=os.fspath(options.out),
        rows=table.rows,
        bad_rows=table.bad,
        classes=made.classes,
        aliases=made.aliases,
        need_no_alias=made.known,
        ambiguous=made.doubts,
        merged=[MergedName(*pair) for pair in made.merged],
        refused=[RefusedName(*pair) for pair in made.refused],
    )


def _describe_enrichment(options: argparse.Namespace, pack: Pack, plan: Enrichment) -> EnrichedMap:
    from logoingest.cli.labels.map_answers import EnrichedMap, count_names

    return EnrichedMap(
        map=os.fspath(options.out or options.map),
        pack=os.fspath(options.pack),
        format=pack.format,
        written=not options.dry_run,
        added=plan.added,
        per_language=count_names(alias.language for alias in plan.added),
        per_class=count_names(alias.class_id for alias in plan.added),
        already_known=plan.known,
        matched_classes=plan.matched,
        ambiguous=plan.doubts,
        unmatched_entries=plan.unmatched,
    )


def _print_enrichment(options: argparse.Namespace, pack: Pack, plan: Enrichment, classes: int, target: Path) -> None:
    from logoingest.cli.labels.map_answers import count_names

    print(
        f"{_show(pack.name)} ({pack.format}): {len(plan.matched):,} of the map's {classes:,} classes; {plan.unmatched:,} other brands"
    )
    verb = "would add" if options.dry_run else "added"
    print(
        f"{verb} {len(plan.added):,} aliases to {len({alias.class_id for alias in plan.added}):,} classes; {plan.known:,} were known"
    )
    if plan.added:
        print("  by language: " + _list_most(count_names(alias.language for alias in plan.added), "languages"))
        print("  by class: " + _list_most(count_names(alias.class_id for alias in plan.added), "classes"))
    if options.verbose or options.dry_run:
        for alias in plan.added:
            print(f"  + {_show(alias.class_id)}: {_show(alias.text)} ({alias.language}{', exact' if alias.is_exact else ''})")
    _print_doubts(plan.doubts, options.ambiguous)
    if plan.added and not options.dry_run:
        print(f"wrote {target}")


def _list_most(counts: Mapping[str, int], what: str) -> str:
    """The first of them, and how many there are besides."""
    more = f", … and {len(counts) - _SHOWN_MOST:,} more {what}" if len(counts) > _SHOWN_MOST else ""
    return ", ".join(f"{_show(name)} {count:,}" for name, count in list(counts.items())[:_SHOWN_MOST]) + more


def _print_doubts(doubts: Sequence[Doubt], file: Path | None) -> None:
    if not doubts:
        return
    where = f"; all in {file}" if file else ""
    print(f"{len(doubts):,} not added, because in doubt{where}:")
    for doubt in doubts[:_SHOWN]:
        print(f'  ? {_show(doubt.class_id)}: "{_show(doubt.text)}" {_show(doubt.why)}')
    if len(doubts) > _SHOWN:
        print(f"  … and {len(doubts) - _SHOWN:,} more{'' if file else ': --ambiguous FILE.csv lists them all'}")


def _count_bad(table: PairTable) -> str:
    if not table.bad:
        return ""
    return f"; {table.bad:,} of them have no spelling or class, or are broken (first: {_show(table.first_fault)})"


def _show(text: str) -> str:
    """Text of strangers, harmless on a terminal and cut to a line."""
    shown = escape_text(text[:201])
    return f"{shown[:200]}…" if len(shown) > 200 else shown
