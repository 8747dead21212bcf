"""What ``labels lint`` can find: every rule with its severity and why it matters, and a finding of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

ERROR = "error"
WARNING = "warning"
NOTE = "note"
SEVERITIES = (ERROR, WARNING, NOTE)
"""An error means wrong answers or a map that cannot be used; a warning is doubtful; a note is good to know."""


class Rule(NamedTuple):
    """A rule: how bad it is, and why."""

    severity: str
    why: str


RULES: Mapping[str, Rule] = {
    "unreadable": Rule(ERROR, "a map that cannot be read decides nothing"),
    "form": Rule(ERROR, "what is not understood is refused, so that no key is silently without effect"),
    "substring-rule": Rule(
        ERROR,
        'a piece of text stands in names nobody thought of: replacing "vl" by "louisvuitton" made the brand Hoogvliet '
        '"hooglouisvuittoniet"; only whole answers, words and declared affixes are matched',
    ),
    "alias-claimed-twice": Rule(ERROR, "case, accents composed otherwise and width aside the two are one answer, and an answer means one class"),
    "name-claimed-twice": Rule(ERROR, "two classes of one name: what both are called is never accepted"),
    "alias-is-other-name": Rule(ERROR, "aliases beat names, so the other class is never found under its own name"),
    "distinct-from-nothing": Rule(ERROR, "a pair without any class of the map keeps nothing apart"),
    "not-idempotent": Rule(ERROR, "a class that is not found under its own name loses every right answer, and answers decided once come out otherwise the next time"),
    "empty-separator": Rule(ERROR, "nothing stands between any two letters: every answer would fall apart"),
    "short-alias": Rule(WARNING, "so few letters turn up by chance as what is left of other answers once noise words and affixes are stripped"),
    "key-collision": Rule(WARNING, "spaces and punctuation aside the two are one: an answer written in a third way is asked about, or goes to the alias"),
    "noise-collision": Rule(WARNING, "only noise words tell the two apart, and noise words are what people add and leave out at will"),
    "id-means-other-class": Rule(NOTE, "labels that were normalised once (to the id) come out as another class when they are normalised again"),
    "alias-is-noise": Rule(WARNING, "as the whole answer it names the class, beside any other word it is stripped"),
    "says-no-label": Rule(WARNING, 'aliases and names are looked up before answers that mean "no label": workers who saw nothing vote for the class'),
    "affix-unreachable": Rule(WARNING, "another affix always takes its place, so its attributes are never set"),
    "affix-inside-words": Rule(WARNING, "without a sign between, it fires on words that merely end (or begin) so, and what is left may even be matched fuzzily"),
    "override-of-dropped-class": Rule(WARNING, "the annotation is dropped with its class, which drop = true would say openly"),
    "distinct-from-by-name": Rule(WARNING, "distinct_from knows classes by their id; any other text is a stranger that nothing near may be taken for, the class itself included"),
    "near-classes": Rule(WARNING, "a slip in the one may be accepted as the other"),
    "separator-unreachable": Rule(WARNING, "separators are looked for in the folded answer: lower case, single spaces, straight quotes, half width"),
    "word-without-letters": Rule(WARNING, "noise words are compared by their letters and digits; this one has none and strips nothing"),
    "thresholds-out-of-order": Rule(WARNING, "more edits would be accepted in fewer letters"),
    "rename-joins-classes": Rule(WARNING, "two classes come out under one id; merge says so openly"),
    "output-without-effect": Rule(WARNING, "no class comes out under this id at that point, so the rule does nothing"),
    "wikidata-twice": Rule(WARNING, "one Wikidata item is one brand: aliases joined by it would go to both"),
    "alias-redundant": Rule(NOTE, "it differs from the class's own name only by case, accents, punctuation or spaces, which are folded anyway"),
    "alias-repeated": Rule(NOTE, "the class has this alias already"),
    "alias-taken-over": Rule(NOTE, "a map on top wins over the map it includes"),
    "id-not-recognised": Rule(NOTE, "labels that were normalised once (to the id) are not understood when they are normalised again"),
    "unused-alias": Rule(NOTE, "no label of the file is decided by it"),
    "unused-class": Rule(NOTE, "no label of the file names it"),
    "not-checked": Rule(NOTE, "rules that ask the matching itself need a map that loads"),
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
    def severity(self) -> str:
        """error, warning or note."""
        return RULES[self.rule].severity

    @property
    def why(self) -> str:
        """Why the rule is there."""
        return RULES[self.rule].why

    def as_dict(self) -> dict[str, str | int]:
        """The finding as JSON has it."""
        return {
            "severity": self.severity,
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "what": self.what,
            "why": self.why,
            "suggestion": self.suggestion,
        }
