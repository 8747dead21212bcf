"""How the class-map tools show what they found: aligned tables on a terminal, lines that ``grep`` likes elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from logoingest.choices import show_choices
from logoingest.cli.console import clean, open_console, start_table
from logoingest.labels.lint.findings import Severity
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.cli.labels.map_answers import DecidedFile
    from logoingest.labels import Explanation
    from logoingest.labels.class_map.word_lists import WordList
    from logoingest.labels.lint.findings import Finding
    from logoingest.labels.lint.rules import LintReport
    from logoingest.labels.matching.match import LabelDecision
    from logoingest.labels.thresholds.calibration import Expectation, ThresholdCalibration

_SHOWN_PER_RULE = {"error": 200, "warning": 20, "note": 5}
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SHOWN_SETTINGS = 12
_WORD_KEYS = {"noise_words": "stripped from either end", "no_label": 'answers that mean "no label"'}


def print_lint(report: LintReport, *, every: bool, notes: bool) -> None:
    """Findings as ``file:line: severity rule: what``, each rule's reason once; a clean map in one line.

    Args:
        report: what lint found.
        every: show all findings, not only the first of each rule.
        notes: show notes too.
    """
    console = open_console(soft_wrap=True)
    size = f"{spell_count(report.classes, 'class', 'classes')}, {spell_count(report.aliases, 'alias', 'aliases')}"
    shown = [finding for finding in report.findings if notes or finding.severity != Severity.NOTE]
    totals = Counter(finding.rule for finding in shown)
    seen: Counter[str] = Counter()
    for finding in shown:
        seen[finding.rule] += 1
        limit = totals[finding.rule] if every else _SHOWN_PER_RULE[finding.severity]
        if seen[finding.rule] <= limit:
            _print_finding(console, finding, is_first=seen[finding.rule] == 1)
        elif seen[finding.rule] == limit + 1:
            console.print(f"  … and {totals[finding.rule] - limit:,} more of {finding.rule} (--verbose shows all)")
    counts = [spell_count(report.count(severity), severity, f"{severity}s") for severity in Severity if report.count(severity)]
    verdict = ", ".join(counts) if report.has_errors or report.warnings else "; ".join(["clean", *counts])
    console.print(f"{clean(report.path)}: {verdict} ({size})")


def print_words(lists: Sequence[WordList]) -> None:
    """The words that count, a line for each language of each list, and where it is from."""
    console = open_console(soft_wrap=True)
    for key, meaning in _WORD_KEYS.items():
        own = [one for one in lists if one.key == key]
        files = [name for name in dict.fromkeys(one.file for one in own) if name is not None]
        sources = [*files, *(["a built-in list"] if any(one.file is None for one in own) else [])]
        count = sum(len(one.words) for one in own)
        console.print(f"{key}, {meaning}: {spell_count(count, 'word')}{' from ' if sources else ''}{clean(', '.join(sources))}")
        for one in own:
            words = ", ".join(word or '""' for word in one.words)
            console.print(f"  {clean(one.file or 'built in')} {one.language}: {clean(words)}")


def _print_finding(console: Console, finding: Finding, *, is_first: bool) -> None:
    colour = _COLOURS[finding.severity]
    console.print(
        f"{clean(finding.file)}:{finding.line}: [{colour}]{finding.severity}[/{colour}] {finding.rule}: {clean(finding.what)}"
    )
    if is_first:
        console.print(f"  [dim]why: {clean(finding.why)}[/dim]")
    if finding.suggestion:
        console.print(f"  do: {clean(finding.suggestion)}")


def print_explanation(explanation: Explanation) -> None:
    """An answer's way: what folding did, the keys, the candidates, the decision."""
    console = open_console(soft_wrap=True)
    decision = explanation.decision
    if explanation.values:
        _print_values(console, explanation)
        return
    console.print(f"answer    {_quote(decision.raw_label)}")
    for number, step in enumerate(explanation.steps):
        console.print(f"{'folding' if not number else '':9} {step.name}: {_quote(step.before)} → {_quote(step.after)}")
    if not explanation.steps:
        console.print("folding   changes nothing")
    for number, (name, key) in enumerate(explanation.keys.items()):
        console.print(f"{'keys' if not number else '':9} {name}: {_quote(key)}")
    console.print()
    if explanation.candidates:
        table = start_table("class", "spelling", "score", "verdict", numbers=("score",))
        for view in explanation.candidates:
            table.add_row(clean(view.class_id), clean(view.alias), f"{view.score:.1f}", clean(view.verdict))
        console.print(table)
    else:
        console.print("no class was compared: the answer has no key that can be looked for")
    console.print()
    _print_decision(console, decision)


def _print_values(console: Console, explanation: Explanation) -> None:
    console.print(f"answer    {_quote(show_choices(explanation.decision.raw_label))}, {len(explanation.values)} values")
    for value in explanation.values:
        console.print()
        console.print(f"value     {_quote(value.raw_label)}")
        _print_decision(console, value)
    console.print()
    _print_decision(console, explanation.decision)


def _print_decision(console: Console, decision: LabelDecision) -> None:
    outcome = f"{decision.decision}: {', '.join(decision.class_ids)}" if decision.class_ids else decision.decision
    console.print(f"decision  [bold]{clean(outcome)}[/bold], by the rule {decision.rule}")
    facts = {
        "matched": None if decision.matched_alias is None else _quote(decision.matched_alias),
        "score": None if decision.score is None else f"{decision.score:g}",
        "runner-up": None if decision.runner_up is None else clean(decision.runner_up),
        "margin": None if decision.margin is None else f"{decision.margin:g}",
        "says": None if decision.attributes is None else clean(decision.attributes),
        "because": clean(decision.note) or None,
    }
    for name, fact in facts.items():
        if fact is not None:
            console.print(f"{name:9} {fact}")


def print_batch(facts: DecidedFile, *, stderr: bool) -> None:
    """What ``apply`` decided, in a line or two."""
    console = open_console(stderr, soft_wrap=True)
    counts = ", ".join(f"{name} {count:,}" for name, count in facts.decisions.items())
    console.print(
        f"{spell_count(facts.rows, 'row', 'rows')} ({facts.distinct:,} distinct) of column {_quote(facts.column)}: {counts}"
        + ("" if stderr else f" → {clean(facts.target)}")
    )
    if facts.unreadable:
        rows = spell_count(facts.unreadable, "row", "rows")
        console.print(f"{rows} could not be read and count as empty answers (the first, {clean(facts.first_fault)})")


def print_calibration(made: ThresholdCalibration) -> None:
    """The settings worth choosing between, the present and the recommended one, and recall by kind of mess."""
    console = open_console(soft_wrap=True)
    left_out = f" ({made.relatives:,} more are found by exact rules: left out)" if made.relatives else ""
    console.print(
        f"{made.answers:,} messy answers, and {made.strangers:,} spellings of {spell_count(made.classes_out, 'class', 'classes')} "
        f"taken out as strangers{left_out}; seed {made.seed}"
    )
    console.print(f"precision is reckoned for {made.stranger_share:.0%} strangers among the answers\n")
    has_labels = made.present.labels is not None
    numbers = [
        "max_edits",
        "one",
        "two",
        "three",
        "evidence",
        "precision",
        "recall",
        "wrong",
        "strangers",
        *(["labels"] if has_labels else []),
    ]
    table = start_table(*numbers, "", numbers=numbers)
    for outcome in _choose_shown(made):
        _add_setting(table, made, outcome, has_labels)
    console.print(table)
    console.print(
        "one, two, three: letters needed for so many edits (one_edit_letters …); wrong: answers accepted as another class\n"
    )
    kinds = start_table("recall by kind of mess", "present", "recommended", numbers=("present", "recommended"))
    for kind, recall in made.present.recall_by_kind.items():
        kinds.add_row(kind, f"{recall:.3f}", f"{made.recommended.recall_by_kind[kind]:.3f}")
    console.print(kinds)
    console.print()
    _print_advice(console, made)


def _choose_shown(made: ThresholdCalibration) -> list[Expectation]:
    front = made.list_front()
    step = max(1, -(-len(front) // _SHOWN_SETTINGS))
    wanted = {made.present.setting, made.recommended.setting, *(outcome.setting for outcome in front[::step])}
    return [outcome for outcome in made.outcomes if outcome.setting in wanted]


def _add_setting(table: Table, made: ThresholdCalibration, outcome: Expectation, has_labels: bool) -> None:
    marks = [name for name, other in (("present", made.present), ("recommended", made.recommended)) if outcome is other]
    setting = outcome.setting
    letters = [str(needed) if number < setting.max_edits else "" for number, needed in enumerate(setting.letters)]
    cells = [
        str(setting.max_edits), *letters, f"{setting.evidence:g}" if setting.max_edits else "", f"{outcome.precision:.4f}", f"{outcome.recall:.3f}", f"{outcome.wrong:,}",
        f"{outcome.strangers:,}", *([f"{outcome.labels:,}"] if has_labels else []), f"← {', '.join(marks)}" if marks else "",
    ]  # fmt: skip
    table.add_row(*cells)


def _print_advice(console: Console, made: ThresholdCalibration) -> None:
    if made.wrong_exactly:
        console.print(
            f"{made.wrong_exactly:,} of the wrong ones are due to exact rules (spellings, noise words, affixes), whatever the thresholds"
        )
    if not made.reaches_target:
        console.print(
            f"no setting is expected to reach a precision of {made.target:g}; see which classes are too alike: logoingest labels lint"
        )
    if made.recommended is not made.present:
        setting = made.recommended.setting
        lines = [f"max_edits = {setting.max_edits}"]
        lines += [f"{name} = {needed}" for name, needed in list(setting._asdict().items())[1 : setting.max_edits + 1]]
        lines += [f"evidence = {setting.evidence:g}"] if setting.max_edits else []
        console.print("recommended, to put into the map:\n\\[thresholds]\n" + "\n".join(lines))
    elif made.reaches_target:
        console.print(f"the map's own setting does as well as any at a precision of {made.target:g}: nothing to change")
    else:
        console.print("the map's own setting is about as precise as any: nothing to change")
    if made.is_rough:
        bound = made.bound_strangers(made.recommended)
        console.print(f"few strangers could be made of this map: their share accepted may be up to {bound:.1%} (95 % interval)")


def _quote(text: str) -> str:
    return f"“{clean(text if len(text) <= 200 else text[:199] + '…')}”"
