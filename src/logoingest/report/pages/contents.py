"""What a page of the report hands to its template, and what it asks of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: Rows a list has at most; what is left out is counted.
MOST_ROWS = 100


class Notice(NamedTuple):
    """Something to look at first: a line for people, and the page that shows it."""

    text: str
    page: str
    grave: bool = True
    """Red: a promise is broken. Otherwise amber: somebody should look."""


class PageContents(NamedTuple):
    """One page: ``facts`` for its template, the pictures it wants to show, what it wants to be looked at first."""

    facts: Mapping[str, Any]
    wanted: Sequence[Sequence[str]] = ()
    """Image ids in bundles that belong together, the most wanted bundle first."""
    notices: Sequence[Notice] = ()
    spare: Sequence[Sequence[str]] = ()
    """Bundles of pictures that fill what room is left; the template leaves out those that another place shows."""
