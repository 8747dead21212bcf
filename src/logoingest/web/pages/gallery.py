"""The gallery and a picture's page, and what their keys send."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from logoingest.errors import UsageError
from logoingest.plain_json import to_json
from logoingest.web.desks.gallery import PAGE, GalleryChoice, Marked
from logoingest.web.indexes.pictures import NOTHING
from logoingest.web.pages.rendering import (
    MOST_TEXT,
    answer_json,
    find_visit,
    find_workplace,
    read_told,
    refuse_changes,
    render_page,
)

_FLAGS = ("dark", "bright", "blurry", "low_information", "damaged")


def _read_choice(request: Request) -> GalleryChoice:
    return GalleryChoice(**{name: request.query_params.get(name, "")[:MOST_TEXT] for name in GalleryChoice._fields})


def _read_start(request: Request) -> int:
    start = request.query_params.get("start", "0")
    return int(start[:9]) if start.isdecimal() else 0


def _show_gallery(request: Request) -> Response:
    place, choice = find_workplace(request), _read_choice(request)
    index = place.pictures.read()
    facts = {
        "title": "Gallery", "choice": choice, "page": place.gallery.list_pictures(choice, _read_start(request)), "most": PAGE, "nothing": NOTHING,
        "classes": sorted(index.classes), "splits": sorted(index.splits), "flags": _FLAGS, "has_list": place.config.images.placeholders is not None,
    }  # fmt: skip
    return render_page(request, "gallery.html", facts)


def _show_picture(request: Request) -> Response:
    facts = find_workplace(request).picture.describe(request.path_params["image_id"])
    if facts is None:
        return render_page(request, "fault.html", {"title": "There is no such picture", "problems": []}, 404)
    return render_page(request, "picture.html", {"title": "Picture", "facts": facts, "picture": facts.picture})


def _show_votes(request: Request) -> Response:
    votes = find_workplace(request).picture.list_votes(request.path_params["image_id"])
    return render_page(request, "picture_votes.html", {"votes": votes})


def _show_neighbours(request: Request) -> Response:
    return render_page(
        request,
        "picture_neighbours.html",
        {"neighbours": find_workplace(request).picture.list_neighbours(request.path_params["image_id"])},
    )


def _show_url(request: Request) -> Response:
    desk, url = find_workplace(request).picture, request.query_params.get("u", "")
    image_id = desk.find_url(url)
    if image_id is not None and "trail" not in request.query_params:
        return RedirectResponse(f"/picture/{image_id}?u={quote(url, safe='')}", 303)
    return _show_trail(request, f"URL {url}", to_json(desk.explain_url(url)))


def _show_label(request: Request) -> Response:
    raw = request.query_params.get("raw", "")
    trail = find_workplace(request).picture.explain_label(raw)._asdict()
    del trail["crowd"]  # asked for by itself
    return _show_trail(request, f"Answer {raw}", to_json(trail), raw)


def _hear_label(request: Request) -> Response:
    heard = find_workplace(request).picture.hear_label(request.query_params.get("raw", ""))
    if not heard.is_known:
        return answer_json({"message": "", "is_done": False}, 202)
    return render_page(request, "trail_crowd.html", {"crowd": to_json(heard.testimony)})


def _show_row(request: Request) -> Response:
    number = request.path_params["number"]
    if not number.isdecimal():
        raise UsageError("rows count from 1, without the header")
    return _show_trail(request, f"Row {int(number[:12])}", to_json(find_workplace(request).picture.explain_row(int(number[:12]))))


def _show_trail(request: Request, title: str, trail: Any, label: str | None = None) -> Response:
    return render_page(request, "trail.html", {"title": title, "trail": trail, "label": label})


def _mark(request: Request) -> Response:
    place, by = refuse_changes(request), find_visit(request).by
    image_ids = read_told(request, "key", most=65 * 1_000).split()
    text = read_told(request, "text")
    marked: Marked = (
        place.gallery.mark_placeholder(by, image_ids) if text == "placeholder" else place.gallery.set_class(by, image_ids, text)
    )
    return answer_json(marked)


def _take_back(request: Request) -> Response:
    return answer_json(refuse_changes(request).gallery.take_back(find_visit(request).by))


GALLERY_ROUTES = [
    Route("/gallery", _show_gallery),
    Route("/gallery/mark", _mark, methods=["POST"]),
    Route("/gallery/undo", _take_back, methods=["POST"]),
    Route("/picture/{image_id}", _show_picture),
    Route("/picture/{image_id}/votes", _show_votes),
    Route("/picture/{image_id}/neighbours", _show_neighbours),
    Route("/url", _show_url),
    Route("/label", _show_label),
    Route("/label/crowd", _hear_label),
    Route("/row/{number}", _show_row),
]
