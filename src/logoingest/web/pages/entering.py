"""Coming in and going out: the one-time link, the password, one's name; and the files of the pages themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from logoingest.strangers.escaping import flatten_text
from logoingest.web.access.entrance import Entrance
from logoingest.web.access.guard import VISIT
from logoingest.web.access.visits import AWAY_S, Visit
from logoingest.web.pages.rendering import answer_json, find_visit, read_told

OPEN_PATHS = ("/enter", "/static/", "/favicon.ico")
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
    visit = request.app.state.visits.use_link(request.query_params.get("token", ""), request.app.state.by)
    if visit is None:
        if request.scope.get(VISIT) is not None:
            return RedirectResponse("/queue", 303)
        return PlainTextResponse("this link is used, or was none: logoingest web has printed a newer one\n", 403)
    return set_cookie(RedirectResponse("/queue", 303), request.app.state.entrance, visit)


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
    Route("/favicon.ico", lambda _request: Response(status_code=204)),
    Route("/static/{name}", _show_static),
    Route("/enter", _enter),
    Route("/leave", _leave, methods=["POST"]),
    Route("/name", _change_name, methods=["POST"]),
]
