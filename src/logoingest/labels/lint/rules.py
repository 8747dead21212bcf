"""``labels lint``: everything that is wrong or doubtful in a class map, with file, line, why, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from logoingest.errors import ClassMapError
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.lint.claims import Claims, check_claims
from logoingest.labels.lint.crowd import check_contradictions
from logoingest.labels.lint.files import Chain, read_chain
from logoingest.labels.lint.findings import Finding, Severity
from logoingest.labels.lint.reach import check_reach
from logoingest.labels.lint.settings import check_settings
from logoingest.plain_json import JsonName, shown_as

if TYPE_CHECKING:
    from logoingest.labels.crowd.contradictions import Contradiction

_CLAIMED = ("alias-claimed-twice", "says-no-label", "empty-separator")


@dataclass(frozen=True, slots=True)
class LintReport:
    """What lint found in a class map."""

    path: Annotated[str, JsonName("map")]
    findings: Sequence[Finding]
    """By severity, then file and line."""
    classes: int
    aliases: int

    def count(self, severity: Severity) -> int:
        """How many findings are of this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def has_errors(self) -> bool:
        """The map gives wrong answers, or none."""
        return self.count(Severity.ERROR) > 0

    @property
    @shown_as("errors")
    def errors(self) -> int:
        """How many findings are errors."""
        return self.count(Severity.ERROR)

    @property
    @shown_as("warnings")
    def warnings(self) -> int:
        """How many are warnings."""
        return self.count(Severity.WARNING)

    @property
    @shown_as("notes")
    def notes(self) -> int:
        """How many are notes."""
        return self.count(Severity.NOTE)


def lint_class_map(
    path: str | os.PathLike[str], raw_labels: Sequence[str] | None = None, contradictions: Sequence[Contradiction] = ()
) -> LintReport:
    """Check a class map and everything it includes. Whatever the files hold, it ends and raises nothing.

    Args:
        path: the TOML file.
        raw_labels: answers (repeated ones count once), to see which aliases and classes they never use.
        contradictions: what the crowd says against this map.
    """
    chain = read_chain(path)
    findings = list(chain.findings)
    class_map = None if findings else _load(path, chain, findings)
    claims = Claims.gather(chain, class_map)
    findings += check_claims(claims, class_map)
    findings += check_settings(claims, class_map)
    findings += check_contradictions(claims, contradictions)
    if class_map is not None and not any(finding.rule == "empty-separator" for finding in findings):
        findings += check_reach(claims, class_map, raw_labels)
    else:
        findings.append(Finding("not-checked", os.fspath(path), 1, _tell_unchecked(raw_labels), "mend the errors and lint again"))
    kept = dict.fromkeys(_drop_echoes(findings))
    order = {severity: rank for rank, severity in enumerate(Severity)}
    ordered = sorted(kept, key=lambda found: (order[found.severity], found.file, found.line, found.rule, found.what))
    return LintReport(os.fspath(path), ordered, len(claims.names), len(claims.aliases))


def _load(path: str | os.PathLike[str], chain: Chain, findings: list[Finding]) -> ClassMap | None:
    try:
        return ClassMap.load(path)
    except ClassMapError as error:
        findings += [chain.locate(problem) for problem in error.problems]
    except RecursionError:
        findings.append(Finding("unreadable", os.fspath(path), 1, "is nested too deeply", "write it flatter"))
    return None


def _drop_echoes(findings: Sequence[Finding]) -> list[Finding]:
    """Without the class map's own words on what a rule of lint says better in the same place."""
    said = {(finding.file, finding.line) for finding in findings if finding.rule in _CLAIMED}
    echoes = ("is claimed by", "is an alias of")
    return [
        finding
        for finding in findings
        if not (finding.rule == "form" and (finding.file, finding.line) in said and any(text in finding.what for text in echoes))
    ]


def _tell_unchecked(raw_labels: Sequence[str] | None) -> str:
    unused = "" if raw_labels is None else ", and which aliases the labels use"
    return f"not looked at yet: classes within fuzzy reach, names that come out otherwise, words that shadow{unused}"
