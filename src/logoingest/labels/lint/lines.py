"""On which line of a TOML text each key and each list item stands.

No TOML library keeps positions, so the text is walked once more after ``tomllib`` has read it: on text known to be valid, a
small walk over keys, strings, lists and tables is enough (TOML 1.0, toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STEP = re.compile(r"(?:\[\d+\]|\.[^.\[]*)$")

Inside: TypeAlias = "dict[str, Spot] | list[Spot] | None"


@dataclass(slots=True)
class Spot:
    """Where a key or an item stands, and what stands in it: the shape of what ``tomllib`` makes of the text."""

    line: int
    """From 1."""
    inside: Inside = None

    def find(self, *path: str | int) -> Spot | None:
        """The spot at the end of a path; None where there is none."""
        spot: Spot | None = self
        for part in path:
            spot = None if spot is None else _step(spot.inside, part)
        return spot


@dataclass
class _Walk:
    text: str
    newlines: Sequence[int] = field(init=False)
    position: int = 0

    def __post_init__(self) -> None:
        self.newlines = [match.start() for match in re.finditer("\n", self.text)]

    @property
    def line(self) -> int:
        return bisect_right(self.newlines, self.position - 1) + 1

    def skip_blank(self) -> None:
        self.position = _match(_BLANK, self.text, self.position).end()

    def read_keys(self) -> list[str]:
        """The parts of a dotted key; stands after it."""
        keys = []
        while True:
            found = _match(_KEY, self.text, self.position)
            keys.append(_read_key(found.group()))
            self.position = found.end()
            dot = _DOT.match(self.text, self.position)
            if dot is None:
                return keys
            self.position = dot.end()

    def expect(self, mark: str) -> None:
        self.position = self.text.index(mark, self.position) + len(mark)

    def read_value(self) -> Inside:
        """What stands in the value that begins here; stands after it."""
        first = self.text[self.position]
        if first == "[":
            return self._read_list()
        if first == "{":
            return self._read_inline_table()
        pattern = _STRING if first in "\"'" else _SCALAR
        self.position = _match(pattern, self.text, self.position).end()
        return None

    def _read_list(self) -> list[Spot]:
        items: list[Spot] = []
        self.position += 1
        while not self._ends("]"):
            spot = Spot(self.line)
            spot.inside = self.read_value()
            items.append(spot)
        return items

    def _read_inline_table(self) -> dict[str, Spot]:
        root = Spot(self.line, {})
        self.position += 1
        while not self._ends("}"):
            self.read_pair(root)
        assert isinstance(root.inside, dict)
        return root.inside

    def _ends(self, mark: str) -> bool:
        """Step over blanks and a comma, then over the closing mark if it is here."""
        self.skip_blank()
        if self.text[self.position] == ",":
            self.position += 1
            self.skip_blank()
        if self.text[self.position] != mark:
            return False
        self.position += 1
        return True

    def read_pair(self, table: Spot) -> None:
        """``key = value`` into its table."""
        line = self.line
        keys = self.read_keys()
        self.expect("=")
        self.skip_blank()
        holder = _enter(table, keys[:-1], line)
        assert isinstance(holder.inside, dict)
        holder.inside[keys[-1]] = Spot(line, self.read_value())

    def read_header(self, root: Spot) -> Spot:
        """``[table]`` or ``[[list]]``: the table that the following pairs belong to."""
        line = self.line
        is_list = self.text.startswith("[[", self.position)
        self.position += 2 if is_list else 1
        self._skip_spaces()
        keys = self.read_keys()
        self.expect("]]" if is_list else "]")
        holder = _enter(root, keys[:-1], line)
        assert isinstance(holder.inside, dict)
        if is_list:
            listed = holder.inside.setdefault(keys[-1], Spot(line, []))
            assert isinstance(listed.inside, list)
            listed.inside.append(Spot(line, {}))
            return listed.inside[-1]
        spot = _enter(holder, keys[-1:], line)
        spot.line = line
        return spot

    def _skip_spaces(self) -> None:
        while self.text[self.position] in " \t":
            self.position += 1


def find_lines(text: str) -> Spot:
    """The spots of a TOML text that ``tomllib`` reads.

    Raises:
        RecursionError: it is nested deeper than the interpreter can follow.
    """
    walk = _Walk(text)
    root = Spot(1, {})
    table = root
    walk.skip_blank()
    while walk.position < len(text):
        if text[walk.position] == "[":
            table = walk.read_header(root)
        else:
            walk.read_pair(table)
        walk.skip_blank()
    return root


def list_line_numbers(root: Spot) -> Mapping[str, int]:
    """``classes.nike.aliases[3]`` → line, for everything in the text."""
    places: dict[str, int] = {}
    queue = [("", root)]
    for place, spot in queue:
        if isinstance(spot.inside, dict):
            queue += [(f"{place}.{key}" if place else key, child) for key, child in spot.inside.items()]
        elif spot.inside is not None:
            queue += [(f"{place}[{index}]", child) for index, child in enumerate(spot.inside)]
        places.setdefault(place, spot.line)
    return places


def find_place(places: Mapping[str, int], place: str) -> int | None:
    """The line of a place, or of the nearest thing around it; None where not even its first key is there."""
    while place:
        if place in places:
            return places[place]
        shorter = _STEP.sub("", place)
        if shorter == place:
            return None
        place = shorter
    return None


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    found = pattern.match(text, position)
    assert found is not None, "only for text that tomllib reads"
    return found


def _read_key(token: str) -> str:
    if token[0] == "'":
        return token[1:-1]
    if token[0] != '"':
        return token
    return token[1:-1] if "\\" not in token else str(tomllib.loads(f"key = {token}")["key"])


def _enter(table: Spot, keys: Sequence[str], line: int) -> Spot:
    """The table at the end of a path, made where it is new; of a list of tables the last one."""
    for key in keys:
        assert isinstance(table.inside, dict)
        table = table.inside.setdefault(key, Spot(line, {}))
        if isinstance(table.inside, list):
            table = table.inside[-1]
    return table


def _step(inside: Inside, part: str | int) -> Spot | None:
    if isinstance(inside, dict):
        return inside.get(part) if isinstance(part, str) else None
    if isinstance(inside, list) and isinstance(part, int) and 0 <= part < len(inside):
        return inside[part]
    return None
