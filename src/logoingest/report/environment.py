"""The templates, with what they need beside Jinja's own escaping."""

from __future__ import annotations

from functools import cache

import jinja2

from logoingest.report.escapes import find_link, make_visible, quote_css
from logoingest.strangers.userinfo import drop_userinfo


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
