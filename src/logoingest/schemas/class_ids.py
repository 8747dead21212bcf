"""What can name a class."""

from __future__ import annotations

#: Characters of a class id, at most.
MAX_CLASS_ID_CHARS = 200


def is_class_id(text: str) -> bool:
    """Whether a text can name a class: on one line, nothing in it that cannot be seen, no white space at its ends."""
    return 0 < len(text) <= MAX_CLASS_ID_CHARS and text == text.strip() and text.isprintable()
