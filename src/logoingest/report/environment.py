"""The templates, with what they need beside Jinja's own escaping."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from logoingest.report.escapes import find_link, make_visible, quote_css
from logoingest.strangers.userinfo import drop_userinfo


@cache
def load_script() -> tuple[Markup, str]:
    """The page's one script, and the hash by which its policy knows it (CSP 3, 2.3.1)."""
    text = (files("logoingest.report") / "templates/report.js").read_text(encoding="utf-8")
    return Markup(text), f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"  # noqa: S704  our own file


def write_policy() -> str:
    """What the page may do: show what stands in it, run its own script, and nothing else (Content Security Policy 3)."""
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{load_script()[1]}'; base-uri 'none'; form-action 'none'"


@cache
def load_template(name: str) -> jinja2.Template:
    """A template of the room's own, by its file's name; whatever it is given is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("logoingest.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(
        visible=make_visible, hide_user=drop_userinfo, link=find_link, css_text=quote_css, count="{:,}".format
    )
    return environment.get_template(name)
