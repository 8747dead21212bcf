"""User names and passwords in URLs: taken out before a URL stands in any table, since tables are handed on and published.

Who needs them gives them in the file that ``fetch.credentials`` names.
"""

from __future__ import annotations

import re

#: Scheme and slashes as ``fetch.targets`` understands them, then everything up to the last @ before path, query or fragment.
_USERINFO = re.compile(r"(\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2})[^/\\?#]*@")

#: The same as Arrow's functions on whole columns take it.
USERINFO_RE2 = rf"^{_USERINFO.pattern}"


def has_userinfo(url: str) -> bool:
    """Whether the URL says who asks, and perhaps with which password (RFC 3986, 3.2.1)."""
    return "@" in url and _USERINFO.match(url) is not None


def drop_userinfo(url: str) -> str:
    """The URL without it."""
    return _USERINFO.sub(r"\1", url, count=1) if has_userinfo(url) else url
