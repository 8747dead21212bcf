"""Simulated answers: what people make of a name — slips of the finger, noise words, other punctuation and case."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

# A key's neighbours on a QWERTY keyboard (row above, same row, row below).
_NEIGHBOURS: Mapping[str, str] = {
    "q": "wa", "w": "qeas", "e": "wrsd", "r": "etdf", "t": "ryfg", "y": "tugh", "u": "yihj", "i": "uojk", "o": "ipkl", "p": "ol",
    "a": "qwsz", "s": "awedzx", "d": "serfxc", "f": "drtgcv", "g": "ftyhvb", "h": "gyujbn", "j": "huikbnm", "k": "jiolm", "l": "kop",
    "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
_TRIES = 20
_MIN_LENGTH = 2

Mess = Callable[[str, random.Random, Sequence[str]], str]


def insert_letter(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """A letter too many: one typed twice, or a neighbour of one on the keyboard struck along."""
    place = _pick_letter(text, rng)
    extra = rng.choice(text[place] + _find_neighbours(text, place))
    return text[: place + 1] + extra + text[place + 1 :]


def delete_letter(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """A letter left out; never the last one there is."""
    if len(text) < _MIN_LENGTH:
        return text
    place = _pick_letter(text, rng)
    return text[:place] + text[place + 1 :]


def substitute_letter(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """A neighbouring key instead of the right one."""
    place = _pick_letter(text, rng)
    return text[:place] + rng.choice(_find_neighbours(text, place)) + text[place + 1 :]


def transpose_letters(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """Two neighbouring letters in the wrong order."""
    for _ in range(_TRIES):
        place = _pick_letter(text, rng)
        left, right = text[place], text[place + 1 : place + 2]
        if right and left != right and not right.isspace():
            return text[:place] + right + left + text[place + 2 :]
    return text


def slip_twice(text: str, rng: random.Random, words: Sequence[str]) -> str:
    """Two of the four slips."""
    slips = (insert_letter, delete_letter, substitute_letter, transpose_letters)
    return rng.choice(slips)(rng.choice(slips)(text, rng, words), rng, words)


def change_signs(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """Other case, spaces or punctuation."""
    return rng.choice(
        (
            text.upper(),
            text.lower(),
            text.replace(" ", "-"),
            text.replace(" ", ""),
            f" {text}{rng.choice('.!?')} ",
            "".join(char for char in text if char.isalnum() or char in " &+") or text,
        )
    )


def add_noise(text: str, rng: random.Random, words: Sequence[str]) -> str:
    """A noise word of the map before or after; the text itself where the map has none."""
    if not words:
        return text
    word = rng.choice(words)
    return f"{word} {text}" if rng.random() < 0.5 else f"{text} {word}"


KINDS: Mapping[str, Mess] = {
    "case and punctuation": change_signs,
    "noise word": add_noise,
    "letter inserted": insert_letter,
    "letter left out": delete_letter,
    "neighbouring key": substitute_letter,
    "letters swapped": transpose_letters,
    "two slips": slip_twice,
}
"""Kind of mess → what makes it. Slips are made in lower case, as people type."""


def make_mess(kind: str, text: str, rng: random.Random, noise_words: Sequence[str]) -> str:
    """One messy answer that means ``text``; it differs from it unless it is too short to."""
    mess = KINDS[kind]
    given = text if mess in (change_signs, add_noise) else text.lower()
    for _ in range(_TRIES):
        made = mess(given, rng, noise_words)
        if made.strip() and made != given:
            return made
    return given


def _pick_letter(text: str, rng: random.Random) -> int:
    places = [place for place, char in enumerate(text) if char.isalnum()] or list(range(len(text)))
    return rng.choice(places)


def _find_neighbours(text: str, place: int) -> str:
    """Letters for a slip: neighbouring keys, or for letters that are on no Latin keyboard the text's own other letters."""
    found = _NEIGHBOURS.get(text[place].lower(), "")
    return found or "".join(sorted({char for char in text if char.isalnum() and char != text[place]})) or text[place]
