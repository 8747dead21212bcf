"""The application: all routes, behind the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from logoingest.errors import LogoingestError
from logoingest.web.access.entrance import Entrance
from logoingest.web.access.guard import Guard
from logoingest.web.access.passwords import Passwords
from logoingest.web.access.visits import Visits
from logoingest.web.desks.workplace import Workplace
from logoingest.web.pages.classes import CLASS_ROUTES
from logoingest.web.pages.entering import ENTERING_ROUTES, OPEN_PATHS, SIGN_IN
from logoingest.web.pages.gallery import GALLERY_ROUTES
from logoingest.web.pages.pairs import PAIR_ROUTES
from logoingest.web.pages.queue import QUEUE_ROUTES
from logoingest.web.pages.rendering import answer_fault, render_page
from logoingest.web.pages.runs import RUN_ROUTES
from logoingest.web.pages.views import AT_ONCE, VIEW_ROUTES
from logoingest.web.pages.written import WRITTEN_ROUTES

#: Whoever asks for these waits for what is found out in the background, and not the other way round.
_PATIENT = frozenset({"/queue/effects", "/queue/ready", "/run/state"})


async def _answer_missing(request: Request, _error: Exception) -> Response:
    return render_page(request, "fault.html", {"title": "There is no such page", "problems": [request.url.path]}, 404)


def build_application(
    place: Workplace, entrance: Entrance, announce: Callable[[str], None], by: str, passwords: Passwords | None = None
) -> ASGIApp:
    """The pages of a workspace.

    Args:
        place: its desks.
        entrance: the addresses it answers to.
        announce: told the token of each one-time link.
        by: the name of whoever comes in by one.
        passwords: by which people come in instead; then there are no links.
    """
    routes: list[Route] = [
        *ENTERING_ROUTES,
        *QUEUE_ROUTES,
        *GALLERY_ROUTES,
        *PAIR_ROUTES,
        *CLASS_ROUTES,
        *RUN_ROUTES,
        *VIEW_ROUTES,
        *WRITTEN_ROUTES,
    ]
    app = Starlette(routes=routes, exception_handlers={LogoingestError: answer_fault, 404: _answer_missing})
    visits = Visits(announce)
    app.state.workplace, app.state.visits, app.state.entrance, app.state.by = place, visits, entrance, by
    app.state.passwords, app.state.drawing = passwords, asyncio.Semaphore(AT_ONCE)
    if passwords is None:
        visits.offer_link()

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        with nullcontext() if scope["path"] in _PATIENT else place.quiet.count():
            await app(scope, receive, send)

    return Guard(counted, entrance, visits, OPEN_PATHS, None if passwords is None else SIGN_IN)
