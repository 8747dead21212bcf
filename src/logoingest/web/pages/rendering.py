"""Templates and answers: whatever stands in them is escaped; a fault that people can mend is said in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from logoingest.errors import LogoingestError, UsageError
from logoingest.plain_json import to_json
from logoingest.report.escapes import find_link, make_visible
from logoingest.strangers.userinfo import drop_userinfo
from logoingest.version import __version__
from logoingest.web.access.guard import BODY, VISIT
from logoingest.web.access.visits import Visit
from logoingest.web.desks.workplace import Workplace
from logoingest.wording import spell_count

PAGES = (
    ("/queue", "Queue"), ("/suspects", "Suspects"), ("/pairs", "Pairs"), ("/gallery", "Gallery"), ("/classes", "Classes"), ("/run", "Run"),
    ("/written", "Written"),
)  # fmt: skip
"""Address and name of the pages, as the head of each lists them."""

MOST_TEXT = 2_000
"""Characters of a text that a page sends along."""


@cache
def _load_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("logoingest.web.pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(
        visible=make_visible, link=find_link, hide_user=drop_userinfo, count="{:,}".format, spelled=spell_count
    )
    return environment


def find_workplace(request: Request) -> Workplace:
    """The desks that a request is about."""
    place: Workplace = request.app.state.workplace
    return place


def find_visit(request: Request) -> Visit:
    """Who asks; the guard has let nobody else through."""
    visit: Visit = request.scope[VISIT]
    return visit


def read_told(request: Request, name: str, most: int = MOST_TEXT) -> str:
    """A text that a page sends along.

    Raises:
        UsageError: there is none of the name, or it is no text of a bearable length.
    """
    try:
        told = json.loads(request.scope[BODY])
        text = told[name]
        text.encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"what was sent is no JSON object with the text {name}") from None
    if len(text) > most:
        raise UsageError(f"{name} has {most} characters at most")
    return str(text)


def read_count(request: Request, name: str) -> int:
    """A number from 0 on of the address; 0 where it is none."""
    text = request.query_params.get(name, "")
    return int(text[:9]) if text.isascii() and text.isdecimal() else 0


def refuse_changes(request: Request) -> Workplace:
    """The desks, for a request that changes something.

    Raises:
        UsageError: the pages are for reading only.
    """
    place = find_workplace(request)
    if place.is_read_only:
        raise UsageError("these pages are for reading only: they were started with --read-only")
    return place


def render_page(request: Request, name: str, facts: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page, or a part of one, from its template."""
    place = find_workplace(request)
    shared = {
        "dataset": place.config.dataset.name,
        "is_read_only": place.is_read_only,
        "visit": request.scope.get(VISIT),
        "version": __version__,
        "path": request.url.path,
        "pages": PAGES,
    }
    return HTMLResponse(_load_environment().get_template(name).render(**shared, **facts), status)


def answer_json(answer: object, status: int = 200) -> JSONResponse:
    """A typed answer."""
    return JSONResponse(to_json(answer), status)


async def answer_fault(request: Request, error: Exception) -> Response:
    """What people can mend, said: as JSON to a script, as a page to a person."""
    problems = [str(problem) for problem in error.problems] if isinstance(error, LogoingestError) else [str(error)]
    if request.method == "POST" or "application/json" in request.headers.get("accept", ""):
        return answer_json({"message": "; ".join(problems), "is_done": False}, 409)
    return render_page(request, "fault.html", {"title": "That cannot be", "problems": problems}, 409)
