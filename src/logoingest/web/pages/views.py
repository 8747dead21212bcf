"""Pictures, by their id: never the stranger's bytes, always a JPEG of ours."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from logoingest.web.pages.rendering import find_workplace

AT_ONCE = 2
"""Pictures that are drawn at once, so that whoever decides meanwhile is not kept waiting."""


async def _show_view(request: Request) -> Response:
    """A picture is drawn when its turn comes, unless whoever asked has turned to something else by then."""
    side = request.path_params["side"]
    side_px = int(side[:6]) if side.isdecimal() else 0
    async with request.app.state.drawing:
        if await request.is_disconnected():
            return PlainTextResponse("nobody waits for it\n", 499)
        drawn = await run_in_threadpool(find_workplace(request).views.draw, request.path_params["image_id"], side_px)
    if drawn is None:
        return PlainTextResponse("there is no such picture\n", 404)
    return Response(drawn, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})


VIEW_ROUTES = [Route("/view/{image_id}/{side}", _show_view)]
