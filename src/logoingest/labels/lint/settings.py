"""Lint rules about what is not a spelling: affixes, overrides, pairs, separators, words, thresholds and output rules."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from logoingest.errors import suggest_name
from logoingest.labels.class_map.affixes import AffixRule
from logoingest.labels.lint.claims import Claims, quote
from logoingest.labels.lint.files import Claim, MapLayer
from logoingest.labels.lint.findings import Finding
from logoingest.labels.text.fold import fold, make_plain

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap
    from logoingest.labels.class_map.map_file import AffixForm

_RAW_SEPARATOR = "\n"


def check_settings(claims: Claims, class_map: ClassMap | None) -> Iterator[Finding]:
    """Every rule of this module; those that need the resolved map only where it loads."""
    known = {claim.class_id: claim for claim in claims.names}
    for layer in claims.chain.layers:
        yield from _check_pairs(layer, known, claims)
        yield from _check_separators(layer)
        yield from _check_noise_words(layer)
        yield from _check_output(layer, known)
        if class_map is not None:
            yield from _check_overrides(layer, class_map)
    yield from _check_affixes(claims.chain.layers)
    yield from _check_wikidata(claims)
    if class_map is not None:
        yield from _check_thresholds(claims, class_map)


def _check_pairs(layer: MapLayer, known: dict[str, Claim], claims: Claims) -> Iterator[Finding]:
    spelt = {claim.folded.text: claim for claim in (*claims.aliases, *claims.names)}
    for index, pair in enumerate(layer.form.distinct_from):
        line = layer.line("distinct_from", index)
        shown = " and ".join(map(quote, pair))
        strangers = [text for text in pair if text not in known]
        for text in strangers:
            owner = spelt.get(fold(text).text)
            if owner is not None:
                what = f"{quote(text)} is how {owner.class_id} is written ({owner.where}), not a class id"
                yield Finding("distinct-from-by-name", layer.name, line, what, f'write "{owner.class_id}"')
        if len(strangers) == len(pair) and not any(fold(text).text in spelt for text in pair):
            hint = suggest_name(pair[0], known, "name at least one class by its id")
            yield Finding("distinct-from-nothing", layer.name, line, f"neither {shown} is a class id", hint)
        elif pair[0] == pair[1]:
            yield Finding(
                "distinct-from-nothing", layer.name, line, f"{quote(pair[0])} cannot differ from itself", "name the other class"
            )


def _check_separators(layer: MapLayer) -> Iterator[Finding]:
    for index, separator in enumerate(layer.form.separators or ()):
        line = layer.line("separators", index)
        if not separator:
            yield Finding("empty-separator", layer.name, line, "a separator is empty", "take it out")
        elif separator != _RAW_SEPARATOR and separator not in fold(f"a{separator}b").text:
            folded = fold(f"a{separator}b").text[1:-1]
            hint = f"write {quote(folded)}" if folded.strip() else "take it out"
            yield Finding(
                "separator-unreachable", layer.name, line, f"no folded answer holds the separator {quote(separator)}", hint
            )


def _check_noise_words(layer: MapLayer) -> Iterator[Finding]:
    for language, words in (layer.form.noise_words or {}).items():
        for index, word in enumerate(words):
            if not make_plain(fold(word).text):
                line = layer.find_word(("noise_words",), language, index)
                what = f"the noise word {quote(word)} has no letters"
                yield Finding("word-without-letters", layer.name, line, what, "take it out: punctuation never counts")


def _check_output(layer: MapLayer, known: dict[str, Claim]) -> Iterator[Finding]:
    output = layer.form.output
    merged = {source for target, sources in output.merge.items() for source in sources if source != target}
    for old, new in output.rename.items():
        line = layer.line("output", "rename", old)
        if new in known and new != old and new not in merged and new not in output.rename and new not in output.drop:
            what = f"{old} is renamed to {new}, which is a class as well"
            yield Finding("rename-joins-classes", layer.name, line, what, f"write merge = {{ {quote(new)} = [{quote(old)}] }}")
        if old in merged:
            what = f"{old} is merged into another class before rename is looked at"
            yield Finding("output-without-effect", layer.name, line, what, "rename the class it is merged into")


def _check_overrides(layer: MapLayer, class_map: ClassMap) -> Iterator[Finding]:
    for index, entry in enumerate(layer.form.overrides):
        for place, form in entry.list_single():
            if form.class_id is not None and class_map.outputs.get(form.class_id, "") is None:
                line = layer.line("overrides", index, *(("classes", form.class_id) if ".classes." in place else ()))
                what = f"the override says {form.class_id}, which [output] drops"
                yield Finding("override-of-dropped-class", layer.name, line, what, "write drop = true, or keep the class")
                break


def _check_affixes(layers: list[MapLayer]) -> Iterator[Finding]:
    rules: dict[tuple[str | None, str | None], tuple[MapLayer, int, AffixForm]] = {}
    for layer in layers:
        own: set[tuple[str | None, str | None]] = set()
        for index, form in enumerate(layer.form.affixes):
            key = (form.prefix, form.suffix)
            line = layer.line("affixes", index)
            if key in own:
                what = f"the affix {quote(form.suffix or form.prefix or '')} is declared again; only this one counts"
                yield Finding("affix-unreachable", layer.name, line, what, "join the two")
            own.add(key)
            rules[key] = (layer, line, form)
    ordered = sorted(rules, key=lambda key: (-len(key[0] or key[1] or ""), key[0] or "", key[1] or ""))
    built = [(rules[key], AffixRule.build(rules[key][2])) for key in ordered]
    for place, ((layer, line, form), rule) in enumerate(built):
        shown = quote(form.suffix or form.prefix or "")
        samples = [_attach(edge, rule) for edge in ((" ", "-", ".") if rule.is_set_off else ("", " ", "-"))]
        firsts = [
            next((other for other, (_, earlier) in enumerate(built) if earlier.strip(text) is not None), None) for text in samples
        ]
        if place not in firsts:
            taken = next((built[first][0] for first in firsts if first is not None), None)
            other = "" if taken is None else f": {quote(taken[2].suffix or taken[2].prefix or '')} in line {taken[1]} comes first"
            yield Finding("affix-unreachable", layer.name, line, f"the affix {shown} is never reached{other}", "take it out")
        elif not rule.is_set_off and rule.is_fuzzy and rule.core.isascii():
            hint = f'set it off ("{"-" + rule.core if rule.is_suffix else rule.core + "-"}"), or say exact = true'
            yield Finding("affix-inside-words", layer.name, line, f"the affix {shown} has no separator at its edge", hint)


def _attach(edge: str, rule: AffixRule) -> str:
    return f"qzq{edge}{rule.core}" if rule.is_suffix else f"{rule.core}{edge}qzq"


def _check_wikidata(claims: Claims) -> Iterator[Finding]:
    known: dict[str, tuple[str, str]] = {}
    for layer in claims.chain.layers:
        for class_id, form in layer.form.classes.items():
            if form.wikidata is None:
                continue
            line = layer.line("classes", class_id, "wikidata")
            other, where = known.setdefault(form.wikidata, (class_id, f"{layer.name}:{line}"))
            if not claims.are_one(other, class_id):
                what = f"{class_id} and {other} ({where}) are both {form.wikidata}"
                yield Finding("wikidata-twice", layer.name, line, what, "look which of the two it is")


def _check_thresholds(claims: Claims, class_map: ClassMap) -> Iterator[Finding]:
    needed = class_map.thresholds
    order = ("one_edit_letters", "two_edits_letters", "three_edits_letters")
    for fewer, more in pairwise(order):
        if getattr(needed, more) < getattr(needed, fewer):
            layer = next((layer for layer in reversed(claims.chain.layers) if layer.root.find("thresholds") is not None), None)
            if layer is None:
                return
            line = max(layer.line("thresholds", fewer), layer.line("thresholds", more))
            what = f"{more} = {getattr(needed, more)} is less than {fewer} = {getattr(needed, fewer)}"
            yield Finding("thresholds-out-of-order", layer.name, line, what, f"set {more} to at least {getattr(needed, fewer)}")
