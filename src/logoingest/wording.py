"""Words around figures, as messages and pages say them."""

from __future__ import annotations


def cut_text(text: str, most: int) -> str:
    """Text of so many characters at most; … is the last of one that was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def spell_count(count: int, one: str, many: str = "") -> str:
    """``1 picture``, ``1,204 pictures``; ``many`` may be left out where it is ``one`` and an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
