"""Pictures, by their id: never the stranger's bytes, always a JPEG of ours."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from logoingest.web.pages.rendering import find_workplace


def _show_view(request: Request) -> Response:
    side = request.path_params["side"]
    drawn = find_workplace(request).views.draw(request.path_params["image_id"], int(side[:6]) if side.isdecimal() else 0)
    if drawn is None:
        return PlainTextResponse("there is no such picture\n", 404)
    return Response(drawn, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})


VIEW_ROUTES = [Route("/view/{image_id}/{side}", _show_view)]
