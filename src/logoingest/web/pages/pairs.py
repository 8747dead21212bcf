"""Pairs and suspects: pictures beside each other, decided by the queue's keys."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logoingest.review.sheets.conflict_sheet import OpenConflict
from logoingest.schemas import CopyKind
from logoingest.web.desks.open_decisions import DecisionKind
from logoingest.web.desks.pairs import PAGE
from logoingest.web.desks.queue_lines import QueueChoice
from logoingest.web.pages.rendering import (
    answer_json,
    find_visit,
    find_workplace,
    read_count,
    read_told,
    refuse_changes,
    render_page,
)

_SUSPECTS = 12
_KINDS = tuple(CopyKind)


def _list_open(request: Request, kind: DecisionKind, start: int) -> dict[str, Any]:
    """The open sets of pictures of a kind, with what can be shown of them."""
    place, by = find_workplace(request), find_visit(request).by
    if place.gathered.read() is None:
        place.gathered.start()
        place.gathered.wait(1.0)
    if place.gathered.read() is None:
        return {"rows": [], "in_all": 0, "is_ready": False, "trouble": place.gathered.trouble}
    page = place.queue.list_open(by, QueueChoice(kind=kind, start=start))
    index = place.pictures.read()
    rows = []
    for line in page.decisions[:_SUSPECTS]:
        row = place.queue.find_row(by, line.key)
        if isinstance(row, OpenConflict):
            shown = [image_id for image_id in row.image_ids if index.find(image_id) is not None][:4]
            near = [image_id for image_id in index.list_shown(row.urls, 8) if image_id not in row.image_ids]
            rows.append((line.key, row, shown, [(image_id, index.find_class(index.find(image_id) or 0)) for image_id in near[:3]]))
    return {"rows": rows, "in_all": page.left, "is_ready": True, "trouble": ()}


def _show_suspects(request: Request) -> Response:
    start = read_count(request, "start")
    facts = {"title": "Suspects", "start": start, "most": _SUSPECTS, **_list_open(request, DecisionKind.SUSPECT, start)}
    return render_page(request, "suspects.html", facts)


def _show_pairs(request: Request) -> Response:
    kind, start = request.query_params.get("kind", "")[:40], read_count(request, "start")
    page = find_workplace(request).pairs.list_copies(kind, start)
    facts = {
        "title": "Pairs",
        "page": page,
        "kinds": _KINDS,
        "kind": kind,
        "most": PAGE,
        **_list_open(request, DecisionKind.PICTURES, 0),
    }
    return render_page(request, "pairs.html", facts)


def _show_pair(request: Request) -> Response:
    pair = find_workplace(request).pairs.show(request.path_params["first"], request.path_params["second"])
    if pair is None:
        return render_page(request, "fault.html", {"title": "There are no such pictures", "problems": []}, 404)
    return render_page(request, "pair.html", {"title": "Two pictures", "pair": pair, "question": pair.question})


def _decide(request: Request) -> Response:
    place, first, _, second = refuse_changes(request), *read_told(request, "key").partition(" ")
    question = place.pairs.require_question(first, second)
    return answer_json(place.queue.decide_pair(find_visit(request).by, question, read_told(request, "text")))


PAIR_ROUTES = [
    Route("/suspects", _show_suspects),
    Route("/pairs", _show_pairs),
    Route("/pair/{first}/{second}", _show_pair),
    Route("/pair/decide", _decide, methods=["POST"]),
]
