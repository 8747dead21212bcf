"""Affix rules: endings and beginnings that are stripped off an answer, and what they say about it.

A separator at a rule's inner edge stands for any: ``-logo`` is found in ``gucci-logo``, ``gucci logo`` and ``gucci_logo``, not
in ``guccilogo``. Rules are tried longest first, one after another: ``lego-logo-teilsichtbar`` loses both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from logoingest.labels.text.fold import fold

if TYPE_CHECKING:
    from logoingest.labels.class_map.map_file import AffixForm

Attributes: TypeAlias = "Mapping[str, bool | int | str]"

_MAX_AFFIXES = 8
_EDGES = " -_./"
_PLUS = "+"


class Rest(NamedTuple):
    """What is left of an answer, and whether it may be matched fuzzily."""

    text: str
    is_fuzzy: bool


@dataclass(frozen=True)
class AffixRule:
    """One ``AffixForm``, folded once."""

    core: str
    """The affix without the separator at its edge."""
    is_suffix: bool
    is_set_off: bool
    """A separator must stand between the rest and the core."""
    becomes: str
    attributes: Attributes
    is_fuzzy: bool

    @classmethod
    def build(cls, form: AffixForm) -> AffixRule:
        """The rule of a form."""
        text = fold(form.suffix or form.prefix or "").text
        raw = form.suffix or form.prefix or ""
        edge = raw[0] if form.suffix else raw[-1]
        core = text.lstrip(_EDGES + _PLUS) if form.suffix else text.rstrip(_EDGES + _PLUS)
        is_set_off = edge in _EDGES + _PLUS and bool(core)
        return cls(core or text, form.suffix is not None, is_set_off, form.becomes, form.attributes, not form.exact)

    def strip(self, text: str) -> str | None:
        """What the rule leaves of a folded text; None where it does not apply or would leave nothing."""
        if self.is_suffix:
            if not text.endswith(self.core):
                return None
            rest = text[: -len(self.core)]
            trimmed = rest.rstrip(_EDGES)
            if self.is_set_off and trimmed == rest:
                trimmed = rest.removesuffix(_PLUS)
        else:
            if not text.startswith(self.core):
                return None
            rest = text[len(self.core) :]
            trimmed = rest.lstrip(_EDGES)
            if self.is_set_off and trimmed == rest:
                trimmed = rest.removeprefix(_PLUS)
        is_found = bool(trimmed) and (trimmed != rest or not self.is_set_off)
        return trimmed if is_found else None

    def replace(self, rest: str) -> str:
        """The rest with what the rule puts in the affix's place."""
        return rest + self.becomes if self.is_suffix else self.becomes + rest


@dataclass(frozen=True)
class AffixRules:
    """The rules of a class map, longest first."""

    rules: Sequence[AffixRule] = field(default=())

    @classmethod
    def build(cls, forms: Sequence[AffixForm]) -> AffixRules:
        """The rules of forms that are in the order in which they shall be tried."""
        return cls(tuple(AffixRule.build(form) for form in forms))

    def strip(self, text: str) -> Iterator[Rest]:
        """Every form a folded text takes on as its affixes go: each replaced by what it becomes, then without it."""
        is_fuzzy = True
        for rule, rest in self._find(text):
            is_fuzzy = is_fuzzy and rule.is_fuzzy
            if rule.becomes:
                yield Rest(rule.replace(rest), is_fuzzy)
            yield Rest(rest, is_fuzzy)

    def read(self, text: str) -> Attributes:
        """What the affixes of a folded text say about it; where two speak of one thing, the outer one counts."""
        attributes: dict[str, bool | int | str] = {}
        for rule, _ in self._find(text):
            attributes = {**rule.attributes, **attributes}
        return attributes

    def _find(self, text: str) -> Iterator[tuple[AffixRule, str]]:
        """Yields (rule, what it leaves), from the outermost affix on."""
        for _ in range(_MAX_AFFIXES if self.rules else 0):
            found = next(((rule, rest) for rule in self.rules if (rest := rule.strip(text)) is not None), None)
            if found is None:
                return
            yield found
            text = found[1]
