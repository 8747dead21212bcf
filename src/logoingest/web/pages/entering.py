"""Coming in and going out: the one-time link, the password, one's name; and the files of the pages themselves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from logoingest.strangers.escaping import flatten_text
from logoingest.web.access.entrance import Entrance
from logoingest.web.access.guard import VISIT
from logoingest.web.access.passwords import Passwords
from logoingest.web.access.visits import AWAY_S, Visit
from logoingest.web.pages.rendering import answer_json, find_visit, read_told, render_page

logger = logging.getLogger("logoingest")

SIGN_IN = "/enter"
"""Where one comes in."""

OPEN_PATHS = (SIGN_IN, "/static/", "/favicon.ico")
"""Paths for whoever is not in yet."""

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_MOST_NAME = 80


@cache
def _load_static() -> Mapping[str, tuple[bytes, str]]:
    """Name → content and type, of every file; a name is looked up, never joined to a path."""
    folder = files("logoingest.web.pages") / "static"
    return {
        one.name: (one.read_bytes(), _KINDS[one.name.rpartition(".")[2]]) for one in folder.iterdir() if one.name[0] not in "._"
    }


def _show_static(request: Request) -> Response:
    found = _load_static().get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("there is no such file\n", 404)
    return Response(found[0], media_type=found[1], headers={"cache-control": "no-cache"})


def _enter(request: Request) -> Response:
    if request.app.state.passwords is not None:
        return render_page(request, "entering.html", {"title": "Come in"})
    visit = request.app.state.visits.use_link(request.query_params.get("token", ""), request.app.state.by)
    if visit is None:
        if request.scope.get(VISIT) is not None:
            return RedirectResponse("/queue", 303)
        return PlainTextResponse("this link is used, or was none: logoingest web has printed a newer one\n", 403)
    return set_cookie(RedirectResponse("/queue", 303), request.app.state.entrance, visit)


async def _enter_by_password(request: Request) -> Response:
    """Password and name are looked at beside the event loop: it takes a tenth of a second on purpose."""
    passwords: Passwords | None = request.app.state.passwords
    if passwords is None:
        return answer_json({"message": "one comes in by a link here", "is_done": False}, 403)
    name, password = read_told(request, "name"), read_told(request, "password")
    if not passwords.may_try(request.client.host if request.client else ""):
        answer = answer_json({"message": "too many tries: wait ten seconds", "is_done": False}, 429)
        answer.headers["retry-after"] = "10"
        return answer
    if not await run_in_threadpool(passwords.check, name, password):
        logger.warning("somebody gave a wrong name or password")
        return answer_json({"message": "name or password is wrong", "is_done": False}, 403)
    visit = request.app.state.visits.start(name, is_named=True)
    return set_cookie(answer_json({"message": f"you are {name}", "is_done": True}), request.app.state.entrance, visit)


def set_cookie(response: Response, entrance: Entrance, visit: Visit) -> Response:
    """The answer with the visit's cookie: for this server's own pages, and out of any script's reach."""
    response.set_cookie(
        entrance.cookie, visit.key, max_age=int(AWAY_S), path="/", secure=entrance.is_secure, httponly=True, samesite="strict"
    )
    return response


def _leave(request: Request) -> Response:
    request.app.state.visits.end(find_visit(request))
    return answer_json({"message": "you are out", "is_done": True})


def _change_name(request: Request) -> Response:
    visit = find_visit(request)
    name = flatten_text(read_told(request, "text"))[:_MOST_NAME]
    if visit.is_named:
        return answer_json({"message": "your password says who you are", "is_done": False}, 409)
    if not name:
        return answer_json({"message": "a name has letters", "is_done": False}, 409)
    visit.by = name
    return answer_json({"message": f"you are {name}", "is_done": True})


ENTERING_ROUTES = [
    Route("/", lambda _request: RedirectResponse("/queue", 303)),
    Route("/favicon.ico", lambda _request: Response(status_code=204, headers={"cache-control": "public, max-age=86400"})),
    Route("/static/{name}", _show_static),
    Route("/enter", _enter),
    Route("/enter", _enter_by_password, methods=["POST"]),
    Route("/leave", _leave, methods=["POST"]),
    Route("/name", _change_name, methods=["POST"]),
]
