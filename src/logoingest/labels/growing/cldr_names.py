"""Unicode's Common Locale Data Repository as packs: what territories, languages, scripts and currencies are called (babel's copy).

https://cldr.unicode.org; the data are under the Unicode licence, babel under BSD.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from logoingest.errors import Problem, UsageError
from logoingest.labels.growing.pack_entries import PackEntry
from logoingest.labels.growing.pack_forms import make_named_entry
from logoingest.labels.growing.packs import Pack

PREFIX = "cldr:"
KINDS = ("territories", "languages", "scripts", "currencies")


def open_cldr(name: str) -> Pack:
    """The pack of one kind of names; babel must be installed.

    Args:
        name: ``cldr:territories``, or another of ``KINDS``.

    Raises:
        UsageError: there is no such kind, or babel is not installed.
    """
    kind = name.removeprefix(PREFIX)
    if kind not in KINDS:
        raise UsageError(Problem(name, "is no kind of names that CLDR has", f"known: {', '.join(PREFIX + one for one in KINDS)}"))
    entries = list(_iterate_entries(kind))
    return Pack("cldr", name, lambda: entries)


def _iterate_entries(kind: str) -> Iterator[PackEntry]:
    try:
        import babel
        from babel import Locale, localedata
    except ImportError:
        raise UsageError(Problem(f"{PREFIX}{kind}", "needs the package babel", 'pip install "logoingest[cldr]"')) from None
    names: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for identifier in sorted(localedata.locale_identifiers()):
        locale = Locale.parse(identifier)
        if locale.territory is None and locale.variant is None:
            for code, text in getattr(locale, kind).items():
                names[code][identifier.replace("_", "-")] = text
    source = f"cldr (babel {babel.__version__})"
    for code, held in sorted(names.items()):
        if "en" in held:
            yield make_named_entry(held["en"], held, source)._replace(key=code)
