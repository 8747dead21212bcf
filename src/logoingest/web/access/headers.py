"""The headers of every answer: nothing is loaded from elsewhere, shown in a frame, sniffed or kept (OWASP Secure Headers)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: What an answer may say itself instead.
_OWN = frozenset({b"content-security-policy"})
_KEPT_NOWHERE = (b"cache-control", b"no-store")
_TLS_ALONE = (b"strict-transport-security", b"max-age=31536000")

Header = tuple[bytes, bytes]


def secure_headers(headers: Iterable[Header], *, is_secure: bool) -> Sequence[Header]:
    """An answer's headers with those; what the answer says itself of caches and of its policy stands."""
    kept = [header for header in headers if header[0].lower() not in _ALWAYS or header[0].lower() in _OWN]
    always = [header for header in _ALWAYS.items() if header[0] not in {name.lower() for name, _ in kept}]
    further = [] if any(name.lower() == b"cache-control" for name, _ in kept) else [_KEPT_NOWHERE]
    return [*kept, *always, *further, *([_TLS_ALONE] if is_secure else [])]
