"""What ``labels lint`` can find: every rule with its severity and why it matters, and a finding of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from logoingest.plain_json import shown_as


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    """Wrong answers, or a map that cannot be used."""
    WARNING = "warning"
    """Doubtful."""
    NOTE = "note"
    """Good to know."""


class Rule(NamedTuple):
    """A rule: how bad it is, and why."""

    severity: Severity
    why: str


RULES: Mapping[str, Rule] = {
    "unreadable": Rule(Severity.ERROR, "a map that cannot be read decides nothing"),
    "form": Rule(Severity.ERROR, "what is not understood is refused, so that no key is silently without effect"),
    "substring-rule": Rule(
        Severity.ERROR,
        'a piece of text stands in names nobody thought of: replacing "vl" by "louisvuitton" made the brand Hoogvliet '
        '"hooglouisvuittoniet"; only whole answers, words and declared affixes are matched',
    ),
    "alias-claimed-twice": Rule(Severity.ERROR, "case, accents composed otherwise and width aside the two are one answer, and an answer means one class"),
    "name-claimed-twice": Rule(Severity.ERROR, "two classes of one name: what both are called is never accepted"),
    "alias-is-other-name": Rule(Severity.ERROR, "aliases beat names, so the other class is never found under its own name"),
    "distinct-from-nothing": Rule(Severity.ERROR, "a pair without any class of the map keeps nothing apart"),
    "not-idempotent": Rule(Severity.ERROR, "a class that is not found under its own name loses every right answer, and answers decided once come out otherwise the next time"),
    "empty-separator": Rule(Severity.ERROR, "nothing stands between any two letters: every answer would fall apart"),
    "short-alias": Rule(Severity.WARNING, "so few letters turn up by chance as what is left of other answers once noise words and affixes are stripped"),
    "key-collision": Rule(Severity.WARNING, "spaces and punctuation aside the two are one: an answer written in a third way is asked about, or goes to the alias"),
    "noise-collision": Rule(Severity.WARNING, "only noise words tell the two apart, and noise words are what people add and leave out at will"),
    "id-means-other-class": Rule(Severity.NOTE, "labels that were normalised once (to the id) come out as another class when they are normalised again"),
    "crowd-contradicts": Rule(Severity.WARNING, "people who answered about the same pictures call them otherwise, so these answers vote for a wrong class"),
    "alias-is-noise": Rule(Severity.WARNING, "as the whole answer it names the class, beside any other word it is stripped"),
    "says-no-label": Rule(Severity.WARNING, 'aliases and names are looked up before answers that mean "no label": workers who saw nothing vote for the class'),
    "affix-unreachable": Rule(Severity.WARNING, "another affix always takes its place, so its attributes are never set"),
    "affix-inside-words": Rule(Severity.WARNING, "without a sign between, it fires on words that merely end (or begin) so, and what is left may even be matched fuzzily"),
    "override-of-dropped-class": Rule(Severity.WARNING, "the annotation is dropped with its class, which drop = true would say openly"),
    "distinct-from-by-name": Rule(Severity.WARNING, "distinct_from knows classes by their id; any other text is a stranger that nothing near may be taken for, the class itself included"),
    "near-classes": Rule(Severity.WARNING, "a slip in the one may be accepted as the other"),
    "separator-unreachable": Rule(Severity.WARNING, "separators are looked for in the folded answer: lower case, single spaces, straight quotes, half width"),
    "word-without-letters": Rule(Severity.WARNING, "noise words are compared by their letters and digits; this one has none and strips nothing"),
    "thresholds-out-of-order": Rule(Severity.WARNING, "more edits would be accepted in fewer letters"),
    "rename-joins-classes": Rule(Severity.WARNING, "two classes come out under one id; merge says so openly"),
    "output-without-effect": Rule(Severity.WARNING, "no class comes out under this id at that point, so the rule does nothing"),
    "wikidata-twice": Rule(Severity.WARNING, "one Wikidata item is one brand: aliases joined by it would go to both"),
    "alias-redundant": Rule(Severity.NOTE, "it differs from the class's own name only by case, accents, punctuation or spaces, which are folded anyway"),
    "alias-repeated": Rule(Severity.NOTE, "the class has this alias already"),
    "alias-taken-over": Rule(Severity.NOTE, "a map on top wins over the map it includes"),
    "id-not-recognised": Rule(Severity.NOTE, "labels that were normalised once (to the id) are not understood when they are normalised again"),
    "unused-alias": Rule(Severity.NOTE, "no label of the file is decided by it"),
    "unused-class": Rule(Severity.NOTE, "no label of the file names it"),
    "not-checked": Rule(Severity.NOTE, "rules that ask the matching itself need a map that loads"),
}  # fmt: skip
"""Every rule, by name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what is wrong in which line, and what to do about it."""

    rule: str
    file: str
    """The file's path as it was given, or relative to the map that includes it."""
    line: int
    """From 1."""
    what: str
    suggestion: str

    @property
    @shown_as("severity")
    def severity(self) -> Severity:
        """How bad it is."""
        return RULES[self.rule].severity

    @property
    @shown_as("why")
    def why(self) -> str:
        """Why the rule is there."""
        return RULES[self.rule].why
