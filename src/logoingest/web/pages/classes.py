"""The classes' page, and what its forms send."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logoingest.web.pages.rendering import (
    MOST_TEXT,
    answer_json,
    find_visit,
    find_workplace,
    read_count,
    read_told,
    refuse_changes,
    render_page,
)

_PAGE = 50


def _show_classes(request: Request) -> Response:
    text, start = request.query_params.get("text", "")[:MOST_TEXT], read_count(request, "start")
    page = find_workplace(request).classes.list_classes(text)
    facts = {
        "title": "Classes",
        "page": page,
        "shown": page.classes[start : start + _PAGE],
        "text": text,
        "start": start,
        "most": _PAGE,
    }
    return render_page(request, "classes.html", facts)


def _edit(request: Request) -> Response:
    place = refuse_changes(request)
    edited = place.classes.edit(find_visit(request).by, read_told(request, "key"), read_told(request, "text"))
    place.gathered.renew()
    return answer_json(edited)


CLASS_ROUTES = [Route("/classes", _show_classes), Route("/classes/edit", _edit, methods=["POST"])]
