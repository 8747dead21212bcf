"""The exact lookups of a class map: which spelling an answer is, without any guessing.

A spelling is found, in this order, as the raw text of an alias, as folded alias, as folded name, without spaces and
punctuation ("joined"), with signs or umlauts written another way ("respelled"), and by exact transliteration. At each level
an alias beats a name, and what two classes share decides nothing. An alias marked exact is found as the whole answer alone,
without spaces and punctuation too; never as what is left of a longer one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from logoingest.labels.class_map.affixes import AffixRules, Attributes
from logoingest.labels.matching.derived_spellings import derive_spellings, is_binomial
from logoingest.labels.matching.nearest import NearestTable
from logoingest.labels.text.fold import Folded, fold, make_loose, make_plain, respell_german, respell_script, transliterate
from logoingest.labels.text.foreign_words import are_two_words
from logoingest.labels.text.noise import NoisePhrases, as_folded
from logoingest.labels.text.plurals import are_words, list_other_numbers
from logoingest.labels.text.two_spellings import write_one_way

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap, Spelling

_KEPT = "_spelling_index"
_MIN_LOOSE_LETTERS = 5
_MAX_WORDS_SEEN = 40
_MAX_CONTAINED_WORDS = 5
_MIN_CONTAINED_LETTERS = 3
_MIN_GERMAN_LETTERS = 4

_TURNED = re.compile(r"([^\W\d_][^(),;/|?]*?)(?: ?\(([^\W\d_][^(),;/|?]*)\)|, ?([^\W\d_][^(),;/|?]*))")

Table: TypeAlias = "Mapping[str, Sequence[Spelling]]"


class Hit(NamedTuple):
    """An exact find: the rule, the spelling, and the other class when two claim it (then nothing is decided)."""

    rule: str
    spelling: Spelling
    rival: str | None = None


class Variant(NamedTuple):
    """An answer with something stripped: what stripped it (noise or affix), the rest, whether that may be matched fuzzily."""

    rule: str
    folded: Folded
    is_fuzzy: bool = True


@dataclass(frozen=True, eq=False)
class SpellingIndex:
    """Lookup tables of one class map."""

    class_map: ClassMap
    spellings: Sequence[Spelling]
    """The map's, and those that follow from how all its names are built."""
    inflects: bool
    """Its names are words that have a plural."""
    raw_aliases: Table
    alias_texts: Table
    alias_plains: Table
    name_texts: Table
    name_plains: Table
    joined: Table
    """Latin spellings in ASCII, others in their own script, without spaces."""
    respelled: Table
    plurals: Table
    """Latin spellings in the other number, as plain words."""
    exact_keys: Table
    """The joined keys of the aliases marked exact, for whole answers alone."""
    no_label: frozenset[str]
    noise: NoisePhrases
    affixes: AffixRules
    latin: NearestTable
    native: NearestTable

    @classmethod
    def build(cls, class_map: ClassMap) -> SpellingIndex:
        """The index of a class map."""
        tables: dict[str, defaultdict[str, list[Spelling]]] = defaultdict(lambda: defaultdict(list))
        spellings = (*class_map.spellings, *derive_spellings(class_map.spellings))
        inflects = _are_words(spellings)
        for spelling in spellings:
            folded = fold(spelling.text)
            kind = "alias" if spelling.is_alias else "name"
            tables["raw"][spelling.text.strip()] += [spelling] if spelling.is_alias else []
            tables[f"{kind}_text"][folded.text].append(spelling)
            if spelling.is_exact and folded.plain:
                tables["exact"][join_key(folded)].append(spelling)
            if spelling.is_exact or not folded.plain:
                continue
            tables[f"{kind}_plain"][folded.plain].append(spelling)
            tables["joined"][join_key(folded)].append(spelling)
            for key in list_respelled_keys(folded):
                tables["respelled"][key].append(spelling)
            for words in list_other_numbers(folded.ascii) if inflects and folded.is_latin else ():
                tables["plural"][write_one_way(words)].append(spelling)
        fuzzy = [spelling for spelling in spellings if not spelling.is_exact]
        return cls(
            class_map=class_map,
            spellings=spellings,
            inflects=inflects,
            raw_aliases=tables["raw"],
            alias_texts=tables["alias_text"],
            alias_plains=tables["alias_plain"],
            name_texts=tables["name_text"],
            name_plains=tables["name_plain"],
            joined=tables["joined"],
            respelled=tables["respelled"],
            plurals=tables["plural"],
            exact_keys=tables["exact"],
            no_label=frozenset(
                key
                for answer in class_map.no_label
                for key in (answer, make_plain(answer), as_folded(answer).ascii)
                if key or not answer
            ),
            noise=NoisePhrases.build(class_map.noise_words),
            affixes=AffixRules.build(class_map.affixes),
            latin=NearestTable.build(class_map, fuzzy, is_latin=True),
            native=NearestTable.build(class_map, fuzzy, is_latin=False),
        )

    def find_declared(self, folded: Folded) -> Hit | None:
        """The spelling the whole answer is as written in the map: raw, folded, or as plain words."""
        raw = self.raw_aliases.get(folded.raw.strip())
        if raw:
            return _choose("alias", raw)
        for rule, table, key in (
            ("alias_folded", self.alias_texts, folded.text),
            ("alias_folded", self.alias_plains, folded.plain),
            ("name", self.name_texts, folded.text),
            ("name", self.name_plains, folded.plain),
        ):
            if key and (found := table.get(key)):
                return _choose(rule, found)
        return None

    def is_declared_as_written(self, folded: Folded) -> bool:
        """The answer with all its signs is a spelling of the map, or means that there is no label."""
        tables = (self.raw_aliases.get(folded.raw.strip()), self.alias_texts.get(folded.text), self.name_texts.get(folded.text))
        return any(tables) or folded.text in self.no_label

    def find_exact(self, folded: Folded) -> Hit | None:
        """The alias marked exact that the whole answer is, but for signs and spaces (``U.S.A.``, ``(USA)``, ``h-p``)."""
        found = self.exact_keys.get(join_key(folded))
        return _choose("joined", found) if found else None

    def find_plain(self, plain: str) -> Hit | None:
        """The spelling that these plain words are; aliases marked exact don't count."""
        for rule, table in (("alias_folded", self.alias_plains), ("name", self.name_plains)):
            if found := table.get(plain):
                return _choose(rule, found)
        return None

    def find(self, folded: Folded) -> Hit | None:
        """The spelling an answer, or what is left of one, is; aliases marked exact don't count."""
        if not folded.plain:
            return None
        if hit := self.find_plain(folded.plain):
            return hit
        joined = join_key(folded)
        if found := self.joined.get(joined):
            return None if _is_other_word(folded, found) else _choose("joined", found)
        levels = [("respelled", self.respelled, joined)]
        levels += [("respelled", table, key) for key in respell(folded) for table in (self.joined, self.respelled)]
        if joined.startswith("+") and joined[1:2].isalpha():  # "+Nike": what keeps a spreadsheet from reading it as a formula
            levels.append(("respelled", self.joined, joined.lstrip("+")))
        if (
            not folded.is_latin
            and not folded.is_ideographic
            and len(folded.joined) >= self.class_map.thresholds.transliteration_letters
        ):
            levels.append(("transliteration", self.joined, folded.joined))
        for rule, table, key in levels:
            if found := table.get(key):
                return _choose(rule, found)
        return None

    def find_plural(self, folded: Folded) -> Hit | None:
        """The spelling of which an answer is the plural, or the singular."""
        found = self.plurals.get(write_one_way(folded.ascii)) if folded.is_latin else None
        accents = _list_accents(folded)
        alike = [one for one in found or () if not accents or accents == _list_accents(fold(one.text))]
        return _choose("plural", alike) if alike else None

    def list_inside(self, folded: Folded) -> Iterator[Hit]:
        """The spellings that stand in an answer as whole words, among others: the longest first, none inside another."""
        words = folded.plain.split()[:_MAX_WORDS_SEEN]
        taken: set[int] = set()
        for length in range(min(_MAX_CONTAINED_WORDS, len(words) - 1), 0, -1):
            for start in range(len(words) - length + 1):
                text, places = " ".join(words[start : start + length]), range(start, start + length)
                if len(text) < _MIN_CONTAINED_LETTERS or not taken.isdisjoint(places):
                    continue
                if hit := self.find_plain(text):
                    taken.update(places)
                    yield hit

    def means_no_label(self, folded: Folded) -> bool:
        """The answer says that there is no label, or that its writer cannot tell."""
        keys = (folded.plain, folded.ascii if folded.is_latin else "", folded.plain.removeprefix("i "))
        return folded.text in self.no_label or any(key and key in self.no_label for key in keys)

    def list_variants(self, folded: Folded) -> list[Variant]:
        """The answer turned round, then with affixes, then noise words, then both stripped: what was stripped least comes first."""
        rests = self.noise.strip(folded)
        noise = [Variant("noise", as_folded(rest)) for rest in rests]
        both = [variant for rest in rests for variant in self._strip_affixes(as_folded(rest))] if self.affixes.rules else []
        return [*self._turn_round(folded), *self._strip_affixes(folded), *both, *noise]

    def list_glued(self, folded: Folded, variants: Sequence[Variant]) -> list[Variant]:
        """The answer (and the shortest of its variants) with a noise word that was not set off: only an exact find counts."""
        plains = [folded.plain, *(variant.folded.plain for variant in variants[-1:] if variant.rule == "noise")]
        return [Variant("noise", as_folded(rest)) for plain in plains for rest in self.noise.strip_glued(plain)]

    def read_attributes(self, folded: Folded) -> Attributes:
        """What the affixes of an answer say about it, whichever rule finds its class."""
        attributes = dict(self.affixes.read(folded.text))
        for rest in self.noise.strip(folded) if self.affixes.rules else ():
            attributes = {**self.affixes.read(rest), **attributes}
        return attributes

    def _turn_round(self, folded: Folded) -> Iterator[Variant]:
        """``guitar (acoustic)``, ``horn, french``; but what a comma parts may be two things, where one of them is a spelling."""
        turned = turn_round(folded.text)
        if turned and ("(" in folded.text or not any(self.find(fold(part)) for part in folded.text.split(","))):
            yield Variant("respelled", fold(turned), is_fuzzy=False)

    def _strip_affixes(self, folded: Folded) -> Iterator[Variant]:
        for rest in self.affixes.strip(folded.text):
            yield Variant("affix", fold(rest.text), rest.is_fuzzy)


def join_key(folded: Folded) -> str:
    """The key without spaces: ASCII for Latin text, else its own script."""
    return folded.joined if folded.is_latin else folded.plain.replace(" ", "")


def turn_round(text: str) -> str:
    """Folded words whose last part, in brackets or behind the only comma, comes first: ``boot (black)`` → ``black boot``; else nothing."""
    found = _TURNED.fullmatch(text)
    return f"{found[2] or found[3]} {found[1]}" if found else ""


def _are_words(spellings: Sequence[Spelling]) -> bool:
    """Most classes are called by words that people know: by their name, or by an alias where that is Latin (a mushroom)."""
    written: dict[str, list[str]] = {}
    for one in sorted(spellings, key=lambda one: one.is_alias):
        names = written.setdefault(one.class_id, [])
        if not one.is_alias or is_binomial(names[0]):
            names.append(one.text)
    return are_words([[fold(text).ascii for text in texts] for texts in written.values()])


def _choose(rule: str, found: Sequence[Spelling]) -> Hit:
    """Aliases beat names; more than one class decides nothing."""
    strongest = [spelling for spelling in found if spelling.is_alias] or list(found)
    classes = sorted({spelling.class_id for spelling in strongest})
    return Hit(rule, strongest[0], classes[1] if len(classes) > 1 else None)


def _list_accents(folded: Folded) -> list[str]:
    return [char for char in folded.plain if not char.isascii()]


def _is_other_word(folded: Folded, found: Sequence[Spelling]) -> bool:
    """The answer has accents that make another word of each of these spellings ("rosé" of *Rose*)."""
    return (
        not folded.plain.isascii() and folded.is_latin and all(are_two_words(folded.plain, fold(one.text).plain) for one in found)
    )


def respell(folded: Folded) -> list[str]:
    """Other ways to write a spelling: without & and +, with "and" or "n", umlauts written out, numbers as words, British
    or American; kana, accents and letters of other scripts.
    """
    if not folded.is_latin:
        key = join_key(folded)
        return [other] if (other := respell_script(key)) != key else []
    joined = folded.joined
    one_way = write_one_way(folded.ascii).replace(" ", "")
    keys = [one_way] if one_way != joined else []
    if folded.text.isascii() and folded.text.isalnum():
        return keys
    keys += [
        key
        for key in (make_loose(joined), joined.replace("&", "and"), joined.replace("&", "n"))
        if key != joined and len(key) >= _MIN_LOOSE_LETTERS
    ]
    german = make_plain(transliterate(respell_german(folded.text))).replace(" ", "")
    if german != joined and len(german) >= _MIN_GERMAN_LETTERS:
        keys.append(german)
    return keys


def list_respelled_keys(folded: Folded) -> list[str]:
    """What a spelling is found by beside its own key: written another way, or turned round ("stag beetle (male)")."""
    turned = turn_round(folded.text)
    return [*respell(folded), *([join_key(fold(turned))] if turned else [])]


def index_of(class_map: ClassMap) -> SpellingIndex:
    """The lookup tables of a class map: built on first use and kept with it."""
    kept: SpellingIndex | None = vars(class_map).get(_KEPT)
    if kept is None:
        kept = vars(class_map)[_KEPT] = SpellingIndex.build(class_map)
    return kept


def share_index(source: ClassMap, target: ClassMap) -> None:
    """Let a map that has the same spellings use the tables of another, which do not depend on thresholds."""
    vars(target)[_KEPT] = index_of(source)
