"""A file of names and passwords: who may come in where a one-time link would not do.

    # a person a line; made by: logoingest web CONFIG --password-file FILE --set-password NAME
    Ada:scrypt$15$8$1$<salt>$<hash>

Passwords are kept as scrypt hashes (RFC 7914; parameters as OWASP asks for). An unknown name costs as much as a known one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.files.whole import read_bounded, replace_file
from logoingest.named_files import explain_unreadable
from logoingest.web.access.rates import RateLimit

FEWEST_CHARACTERS = 12
"""Of a password."""

MOST_CHARACTERS = 200

_MOST_BYTES = 1_000_000
_LOG_COST, _BLOCK, _LANES = 15, 8, 1
_MOST_LOG_COST, _MOST_BLOCK, _MOST_LANES = 18, 16, 4
_MEMORY_BYTES = 512 * 1024 * 1024
_SALT_BYTES, _HASH_BYTES = 16, 32
_LINE = re.compile(
    r"(?P<name>[^:#\s][^:]{0,79}):scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([A-Za-z0-9+/=]{16,128})\$([A-Za-z0-9+/=]{24,128})"
)
#: One address may try five times at once and then every ten seconds; all together twice a second.
_OWN_PER_S, _OWN_BURST = 0.1, 5.0
_ALL_PER_S, _ALL_BURST = 2.0, 20.0
_MOST_ADDRESSES = 10_000


class HashedPassword(NamedTuple):
    """What is kept of a password."""

    log_cost: int
    """Base 2 logarithm of scrypt's N."""
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    @classmethod
    def make(cls, password: str) -> HashedPassword:
        """Of a password that is kept from now on."""
        salt = secrets.token_bytes(_SALT_BYTES)
        kept = cls(_LOG_COST, _BLOCK, _LANES, salt, b"")
        return kept._replace(digest=kept._hash(password, _HASH_BYTES))

    def matches(self, password: str) -> bool:
        """Whether it is this one; takes as long for one as for another."""
        return hmac.compare_digest(self._hash(password, len(self.digest)), self.digest)

    def _hash(self, password: str, size: int) -> bytes:
        return hashlib.scrypt(
            prepare_password(password),
            salt=self.salt,
            n=1 << self.log_cost,
            r=self.block,
            p=self.lanes,
            maxmem=_MEMORY_BYTES,
            dklen=size,
        )

    def __str__(self) -> str:
        """As it stands in the file."""
        salt, digest = (base64.b64encode(part).decode("ascii") for part in (self.salt, self.digest))
        return f"scrypt${self.log_cost}${self.block}${self.lanes}${salt}${digest}"


def prepare_password(password: str) -> bytes:
    """The bytes that are hashed: equal for one text, however a keyboard composes it (NFKC, as RFC 8265 does)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


class Passwords:
    """The people who may come in, and how often somebody may try."""

    def __init__(self, people: Mapping[str, HashedPassword]) -> None:
        self._people, self._nobody = people, HashedPassword.make(secrets.token_urlsafe())
        self._all, self._own = RateLimit(_ALL_PER_S, _ALL_BURST), OrderedDict[str, RateLimit]()
        self._lock, self._hashing = threading.Lock(), threading.Semaphore(1)

    def may_try(self, address: str) -> bool:
        """Whether whoever asks from an address may try once more; counts as a try."""
        with self._lock:
            own = self._own.pop(address, None) or RateLimit(_OWN_PER_S, _OWN_BURST)
            self._own[address] = own
            while len(self._own) > _MOST_ADDRESSES:
                self._own.popitem(last=False)
            return own.take() and self._all.take()

    def check(self, name: str, password: str) -> bool:
        """Whether this is the password of this name."""
        with self._hashing:
            is_right = self._people.get(name, self._nobody).matches(password[:MOST_CHARACTERS])
        return is_right and name in self._people


def read_passwords(path: Path) -> Passwords:
    """The people of a file.

    Raises:
        UsageError: it cannot be read, others may read it, or a line is wrong.
    """
    people = _read(path)
    if not people:
        raise UsageError(Problem(str(path), "names nobody", "logoingest web CONFIG --password-file FILE --set-password NAME"))
    return Passwords(people)


def set_password(path: Path, name: str, password: str) -> None:
    """Write a person's password into the file, which is made where there is none; nobody else may read it.

    Raises:
        UsageError: the name or the password will not do, or the file cannot be read or written.
    """
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise UsageError(
            Problem("password", f"has {len(password)} characters", f"{FEWEST_CHARACTERS} to {MOST_CHARACTERS} will do")
        )
    line = f"{name}:{HashedPassword.make(password)}"
    if not name.isprintable() or _LINE.fullmatch(line) is None:
        raise UsageError(
            Problem("--set-password", "is no name", "1 to 80 printable characters, no colon, not beginning with # or a space")
        )
    kept = [other for other in _read_lines(path) if other.partition(":")[0] != name] if path.exists() else []
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with replace_file(path) as temporary:
            temporary.write_text("".join(f"{other}\n" for other in [*kept, line]), encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def _read_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(Problem(str(path), "may be read or changed by others", f"chmod 600 {path}"))
        return read_bounded(path, _MOST_BYTES).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(explain_unreadable(path, error, "a person a line, in UTF-8")) from None


def _read(path: Path) -> dict[str, HashedPassword]:
    people: dict[str, HashedPassword] = {}
    problems = []
    for number, line in enumerate(_read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        kept = _parse(line)
        name = line.partition(":")[0]
        if kept is None or name in people:
            what = "is no name and scrypt hash" if kept is None else "names somebody a second time"
            problems.append(Problem(f"{path}:{number}", what, "make it with --set-password"))
        else:
            people[name] = kept
    if problems:
        raise UsageError(problems)
    return people


def _parse(line: str) -> HashedPassword | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    log_cost, block, lanes = (int(found[number]) for number in (2, 3, 4))
    if not (_LOG_COST <= log_cost <= _MOST_LOG_COST and 1 <= block <= _MOST_BLOCK and 1 <= lanes <= _MOST_LANES):
        return None
    try:
        return HashedPassword(log_cost, block, lanes, *(base64.b64decode(found[number], validate=True) for number in (5, 6)))
    except binascii.Error:
        return None
