"""Lint rules about spellings: what is claimed twice, collides, is too short, says nothing new, or is no spelling at all."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from logoingest.labels.class_map.affixes import AffixRules
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.lint.files import Chain, Claim
from logoingest.labels.lint.findings import Finding
from logoingest.labels.text.fold import fold
from logoingest.labels.text.noise import NoisePhrases

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

_SHORT_LENGTH = 3
SHORT_WEIGHT = 3.0
"""What three letters of an alphabet weigh."""
_WEIGHTS = {
    "LATIN": 1.0, "CYRILLIC": 1.0, "GREEK": 1.0, "ARMENIAN": 1.0, "GEORGIAN": 1.0, "DIGIT": 1.0, "AMPERSAND": 1.0, "PLUS": 1.0,
    "CJK": 2.0, "HANGUL": 2.0, "HIRAGANA": 2.0, "KATAKANA": 2.0, "KATAKANA-HIRAGANA": 2.0, "BOPOMOFO": 2.0,
}  # fmt: skip
_OTHER_WEIGHT = 1.5  # scripts that leave vowels out or write them as marks: Arabic, Hebrew, the Indic and Thai families
_MAX_RIVALS = 20
_PATTERN = re.compile(r"^\*|\*$|^\^|\.\*|\.\+|\(\?|\\[bdswBDSW]|\[[^\]]+\][*+?]|\([^()]*\|[^()]*\)|^/.+/[a-z]*$|^%.+%$")


@dataclass(frozen=True)
class Claims:
    """Every spelling of a chain of files, as far as its forms are sound."""

    chain: Chain
    aliases: Sequence[Claim]
    names: Sequence[Claim]
    outputs: Mapping[str, str | None]
    """Declared class → what comes out; empty while the map does not load."""

    @classmethod
    def gather(cls, chain: Chain, class_map: ClassMap | None) -> Claims:
        """The spellings of a chain."""
        return cls(chain, list(chain.list_aliases()), chain.list_names(), {} if class_map is None else class_map.outputs)

    def are_one(self, one: str, other: str) -> bool:
        """Two classes that come out as the same."""
        return one == other or (one in self.outputs and self.outputs[one] == self.outputs.get(other))


def check_claims(claims: Claims, class_map: ClassMap | None) -> Iterator[Finding]:
    """Every rule of this module."""
    yield from _check_patterns(claims)
    yield from _check_aliases_twice(claims)
    yield from _check_names(claims)
    yield from _check_keys(claims)
    yield from _check_short(claims)
    yield from _check_redundant(claims)
    if class_map is not None:
        yield from _check_words(claims, class_map)


def quote(text: str) -> str:
    """Text as a message shows it: one line, in quotes, cut."""
    return json.dumps(text if len(text) <= 80 else f"{text[:79]}…", ensure_ascii=False)


def weigh(claim: Claim) -> float:
    """How much a spelling says: 1 a letter of an alphabet, 1.5 of Arabic, Hebrew or Indic, 2 an ideograph, kana or syllable."""
    return sum(_weigh_char(char) for char in claim.folded.plain)


def _weigh_char(char: str) -> float:
    if char == " " or unicodedata.category(char)[0] == "M":
        return 0.0
    return _WEIGHTS.get(unicodedata.name(char, "").replace("FULLWIDTH ", "").split(" ")[0], _OTHER_WEIGHT)


def is_pattern(text: str) -> bool:
    """It looks like a wildcard or a regular expression rather than like what a person types."""
    return len(text) > 1 and _PATTERN.search(text) is not None


def _check_patterns(claims: Claims) -> Iterator[Finding]:
    for claim in claims.aliases:
        if not claim.is_exact and is_pattern(claim.text):
            hint = "list the whole spellings; if this is one, say so: { text = …, exact = true }"
            yield Finding("substring-rule", claim.file, claim.line, f"the alias {quote(claim.text)} looks like a pattern", hint)
    for layer in claims.chain.layers:
        for key in ("noise_words", "no_label"):
            for language, words in (getattr(layer.form, key) or {}).items():
                for index, word in enumerate(words):
                    if is_pattern(word):
                        line = layer.find_word((key,), language, index)
                        what = f"{quote(word)} in {key} looks like a pattern"
                        yield Finding("substring-rule", layer.name, line, what, "list whole words")
        for index, rule in enumerate(layer.form.affixes):
            if is_pattern(text := rule.suffix or rule.prefix or ""):
                yield Finding(
                    "substring-rule", layer.name, layer.line("affixes", index), f"the affix {quote(text)} looks like a pattern",
                    "write the ending itself; a separator at its edge stands for any",
                )  # fmt: skip


def _check_aliases_twice(claims: Claims) -> Iterator[Finding]:
    known: dict[str, Claim] = {}
    for claim in claims.aliases:
        earlier = known.setdefault(claim.folded.text, claim)
        if earlier is claim:
            continue
        known[claim.folded.text] = claim
        if earlier.class_id != claim.class_id and earlier.depth == claim.depth:
            what = f"{quote(claim.text)} is an alias of {claim.class_id}, and of {earlier.class_id} in {earlier.where}"
            yield Finding("alias-claimed-twice", claim.file, claim.line, what, "take it out of one of the two")
        elif earlier.class_id != claim.class_id:
            what = f"{quote(claim.text)} means {claim.class_id} here, and {earlier.class_id} in {earlier.where}"
            yield Finding("alias-taken-over", claim.file, claim.line, what, "nothing, if that is meant")
        elif earlier.depth == claim.depth and (
            earlier.language == claim.language or ANY_LANGUAGE in (earlier.language, claim.language)
        ):
            what = f"{quote(claim.text)} is listed for {claim.class_id} already, in {earlier.where}"
            yield Finding("alias-repeated", claim.file, claim.line, what, "take one of the two out")


def _check_names(claims: Claims) -> Iterator[Finding]:
    names: dict[str, Claim] = {}
    for claim in claims.names:
        earlier = names.setdefault(claim.folded.text, claim)
        if earlier is not claim and not claims.are_one(earlier.class_id, claim.class_id):
            what = f"{claim.class_id} and {earlier.class_id} ({earlier.where}) are both called {quote(claim.text)}"
            yield Finding(
                "name-claimed-twice", claim.file, claim.line, what, "give one of them a name of its own, or make them one class"
            )
    ids = {fold(claim.class_id).text: claim for claim in claims.names}
    for claim in claims.aliases:
        owner = names.get(claim.folded.text)
        other = ids.get(claim.folded.text)
        if owner is not None and not claims.are_one(owner.class_id, claim.class_id):
            what = f"the alias {quote(claim.text)} of {claim.class_id} is the name of {owner.class_id} ({owner.where})"
            hint = f"take the alias out, or give {owner.class_id} the name that people do write for it"
            yield Finding("alias-is-other-name", claim.file, claim.line, what, hint)
        elif other is not None and not claims.are_one(other.class_id, claim.class_id):
            what = f"the alias {quote(claim.text)} of {claim.class_id} is the id of {other.class_id} ({other.where})"
            yield Finding("id-means-other-class", claim.file, claim.line, what, "nothing, if that is what people mean by it")


def _check_keys(claims: Claims) -> Iterator[Finding]:
    """Spellings of two classes that are one without spaces and punctuation, though not as they are written."""
    holders: dict[str, dict[str, Claim]] = {}
    for claim in sorted(claims.aliases, key=lambda claim: claim.depth):
        if not claim.is_exact and claim.key:
            holders.setdefault(claim.key, {}).setdefault(claim.class_id, claim)
    for claim in claims.names:
        if claim.key:
            holders.setdefault(claim.key, {}).setdefault(claim.class_id, claim)
    for classes in holders.values():
        for one, other in combinations(list(classes.values())[:_MAX_RIVALS], 2):
            if one.folded.text == other.folded.text or claims.are_one(one.class_id, other.class_id):
                continue
            late, early = (one, other) if (one.depth, one.line) > (other.depth, other.line) else (other, one)
            what = f"{quote(late.text)} ({late.class_id}) and {quote(early.text)} ({early.class_id}, {early.where}) differ by spaces and signs alone"
            hint = (
                "mark one of them exact = true, or make the two one class"
                if late.is_alias or early.is_alias
                else "give one of them a longer name"
            )
            yield Finding("key-collision", late.file, late.line, what, hint)


def _check_short(claims: Claims) -> Iterator[Finding]:
    for claim in claims.aliases:
        if not claim.is_exact and len(claim.folded.plain) <= _SHORT_LENGTH and weigh(claim) <= SHORT_WEIGHT:
            hint = f"write {{ text = {quote(claim.text)}, exact = true }}: it then counts as the whole answer only"
            yield Finding(
                "short-alias", claim.file, claim.line, f"the alias {quote(claim.text)} of {claim.class_id} is short", hint
            )


def _check_redundant(claims: Claims) -> Iterator[Finding]:
    owners: dict[str, set[str]] = {}
    for claim in (*claims.aliases, *claims.names):
        owners.setdefault(claim.key, set()).add(claim.class_id)
    names = {claim.class_id: claim for claim in claims.names}
    for claim in claims.aliases:
        name = names[claim.class_id]
        if not claim.is_exact and claim.key and claim.key == name.key and len(owners[claim.key]) == 1:
            what = f"the alias {quote(claim.text)} of {claim.class_id} says no more than its name {quote(name.text)}"
            yield Finding("alias-redundant", claim.file, claim.line, what, "take it out, or leave it for people to read")


def _check_words(claims: Claims, class_map: ClassMap) -> Iterator[Finding]:
    """Spellings that are noise words or mean "no label", and those that only noise words tell apart."""
    noise, silent = set(class_map.noise_words), set(class_map.no_label)
    phrases = NoisePhrases.build(class_map.noise_words)
    affixes = AffixRules.build(class_map.affixes)
    plains: dict[str, Claim] = {}
    for claim in (*claims.names, *claims.aliases):
        if not claim.is_exact:
            plains.setdefault(claim.folded.plain, claim)
    for claim in (*claims.aliases, *claims.names):
        kind = "alias" if claim.is_alias else "name"
        what = f"the {kind} {quote(claim.text)} of {claim.class_id}"
        if claim.folded.text in silent:
            hint = "take it out of no_label, or call the class otherwise"
            yield Finding("says-no-label", claim.file, claim.line, f'{what} is an answer that means "no label" as well', hint)
        if claim.folded.text in noise:
            hint = "take it out of noise_words, or out of the class"
            yield Finding("alias-is-noise", claim.file, claim.line, f"{what} is a noise word as well", hint)
        elif claim.is_alias and not claim.is_exact and not any(affixes.strip(claim.folded.text)):
            yield from _check_noise(claim, what, phrases, plains, claims)


def _check_noise(claim: Claim, what: str, phrases: NoisePhrases, plains: Mapping[str, Claim], claims: Claims) -> Iterator[Finding]:
    for rest in phrases.strip(claim.folded):
        other = plains.get(rest)
        if other is not None and not claims.are_one(other.class_id, claim.class_id):
            found = f"{what} is, without its noise words, {quote(other.text)} of {other.class_id} ({other.where})"
            yield Finding("noise-collision", claim.file, claim.line, found, "take the word out of noise_words, or make it an affix")
            return
