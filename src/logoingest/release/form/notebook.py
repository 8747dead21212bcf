"""What a notebook shows of a release: a line, and a small table in HTML. Names come from strangers: nothing of them is markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from logoingest.strangers.escaping import escape_text

#: Classes named in a table; the rest are counted.
SHOWN_CLASSES = 20

#: Characters of a name that are shown.
_MOST_CHARS = 60


def describe_counts(counts: Mapping[str, int]) -> str:
    """``train 16, validation 4``."""
    return ", ".join(f"{show_text(name)} {count:,}" for name, count in counts.items())


def render_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str | int]], more: int = 0) -> str:
    """A table in HTML, all of it escaped, with a heading above and a line below where ``more`` rows are not shown."""
    lines = [f"<p><b>{_escape(title)}</b></p>", "<table>", _render_row("th", header)]
    lines += [_render_row("td", row) for row in rows]
    lines.append("</table>")
    if more > 0:
        lines.append(f"<p>… and {more:,} more</p>")
    return "\n".join(lines)


def show_text(text: str) -> str:
    """A stranger's text on one line, cut, with escapes for what cannot be seen or turns text round."""
    return escape_text(text[:_MOST_CHARS]) + ("…" if len(text) > _MOST_CHARS else "")


def _render_row(tag: str, cells: Sequence[str | int]) -> str:
    return "<tr>" + "".join(f"<{tag}>{_escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _escape(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else html.escape(show_text(cell))
