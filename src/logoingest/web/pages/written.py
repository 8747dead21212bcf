"""What was written, and what takes it back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logoingest.web.pages.rendering import answer_json, find_visit, find_workplace, read_told, refuse_changes, render_page


def _show_written(request: Request) -> Response:
    return render_page(request, "written.html", {"title": "Written", "writes": find_workplace(request).written.list_writes()})


def _take_back(request: Request) -> Response:
    said = refuse_changes(request).written.take_back(find_visit(request).by, read_told(request, "text"))
    return answer_json({"message": said, "is_done": True})


WRITTEN_ROUTES = [Route("/written", _show_written), Route("/written/undo", _take_back, methods=["POST"])]
