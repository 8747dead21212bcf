"""The queue's page, its parts, and what its keys send."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logoingest.errors import UsageError
from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.labels.crowd.testimony import describe_evidence
from logoingest.review.sheets.conflict_sheet import OpenConflict
from logoingest.review.suggestions import Cluster, describe_advice
from logoingest.web.desks.queue import PAGE
from logoingest.web.desks.queue_lines import QueueChoice
from logoingest.web.desks.workplace import Workplace
from logoingest.web.indexes.pictures import NOTHING
from logoingest.web.pages.rendering import (
    answer_json,
    find_visit,
    find_workplace,
    read_count,
    read_told,
    refuse_changes,
    render_page,
)

_SHOWN_PICTURES = 8
_SHOWN_MEMBERS = 60
_MOST_TEXT = 500


def _read_choice(request: Request) -> QueueChoice:
    given = {
        name: request.query_params.get(name, "")[:_MOST_TEXT] for name in ("kind", "class_id", "worker", "split", "reason", "text")
    }
    return QueueChoice(**given, start=read_count(request, "start"))


def _show_queue(request: Request) -> Response:
    place, choice = find_workplace(request), _read_choice(request)
    if place.gathered.read() is None:
        place.gathered.start()
        place.gathered.wait(1.0)
    if place.gathered.read() is None:
        return render_page(
            request, "gathering.html", {"title": "Queue", "trouble": place.gathered.trouble}, 503 if place.gathered.trouble else 200
        )
    return render_page(
        request,
        "queue.html",
        {"title": "Queue", "nothing": NOTHING, "splits": place.queue.list_splits(), **_list_facts(request, choice)},
    )


def _list_facts(request: Request, choice: QueueChoice) -> dict[str, Any]:
    page = find_workplace(request).queue.list_open(find_visit(request).by, choice)
    query = {name: value for name, value in choice._asdict().items() if name != "start"}
    return {"page": page, "choice": choice, "query": query, "most": PAGE, "key": request.query_params.get("key", "")}


def _show_lines(request: Request) -> Response:
    return render_page(request, "queue_lines.html", _list_facts(request, _read_choice(request)))


def _show_card(request: Request) -> Response:
    place, by, key = find_workplace(request), find_visit(request).by, request.query_params.get("key", "")
    cluster = place.queue.find_cluster(by, key)
    row = place.queue.find_row(by, key) if cluster is None else None
    if cluster is None and row is None:
        raise UsageError("this is decided already, or there is no such decision")
    facts = _describe_cluster(place, cluster) if cluster is not None else _describe_row(place, row)
    keys = [key] if cluster is None else [member.label_id for member in cluster.members]
    return render_page(request, "queue_card.html", {"key": key, "others": place.queue.list_others(by, keys), **facts})


def _describe_cluster(place: Workplace, cluster: Cluster) -> dict[str, Any]:
    index = place.pictures.read()
    return {
        "cluster": cluster,
        "members": [(member, index.list_shown(member.urls[:20], 1)) for member in cluster.members[:_SHOWN_MEMBERS]],
        "pictures": index.list_shown([*cluster.examples, *cluster.urls[:200]], _SHOWN_PICTURES),
        "crowd": None if cluster.evidence is None else describe_evidence(cluster.evidence),
        "advice": describe_advice(cluster),
        "row": None,
    }


def _describe_row(place: Workplace, row: OpenConflict | Contradiction | None) -> dict[str, Any]:
    if isinstance(row, OpenConflict):
        known = place.pictures.read()
        pictures = [image_id for image_id in row.image_ids[:_SHOWN_PICTURES] if known.find(image_id) is not None]
        pictures += [one for one in known.list_shown(row.urls, _SHOWN_PICTURES) if one not in pictures]
        votes = list(zip(row.class_ids, row.votes, strict=True))
        return {"cluster": None, "row": row, "pictures": pictures[:_SHOWN_PICTURES], "votes": votes, "is_map": False}
    shown = place.pictures.read().list_shown(row.urls, _SHOWN_PICTURES) if row is not None else []
    return {"cluster": None, "row": row, "pictures": shown, "votes": [], "is_map": True}


def _search(request: Request) -> Response:
    found = find_workplace(request).queue.search(find_visit(request).by, request.query_params.get("text", ""))
    return answer_json([{"class_id": class_id, "name": name} for class_id, name in found])


def _preview(request: Request) -> Response:
    key, text = read_told(request, "key"), read_told(request, "text")
    preview = find_workplace(request).queue.preview(find_visit(request).by, key, text)
    return render_page(request, "queue_preview.html", {"preview": preview, "text": text})


def _list_effects(request: Request) -> Response:
    key, text = read_told(request, "key"), read_told(request, "text")
    effects = find_workplace(request).queue.list_effects(find_visit(request).by, key, text)
    if effects is None:
        return answer_json({"message": "", "is_done": False}, 202)
    return render_page(request, "queue_effects.html", {"effects": effects})


def _decide(request: Request) -> Response:
    key, text = read_told(request, "key"), read_told(request, "text")
    return answer_json(refuse_changes(request).queue.decide(find_visit(request).by, key, text))


def _undo(request: Request) -> Response:
    return answer_json(refuse_changes(request).queue.undo(find_visit(request).by))


def _accept_all(request: Request) -> Response:
    score = read_told(request, "text")
    return answer_json(refuse_changes(request).queue.accept_all(find_visit(request).by, score))


def _write(request: Request) -> Response:
    applied = refuse_changes(request).queue.write(find_visit(request).by)
    return render_page(request, "queue_written.html", {"applied": applied, "config": find_workplace(request).config})


def _export(request: Request) -> Response:
    sheet = find_workplace(request).queue.export(find_visit(request).by)
    headers = {"content-disposition": 'attachment; filename="review.csv"'}
    return Response(sheet, media_type="text/csv; charset=utf-8", headers=headers)


def _is_ready(request: Request) -> Response:
    gathered = find_workplace(request).gathered
    return answer_json({"is_ready": gathered.read() is not None or bool(gathered.trouble)})


QUEUE_ROUTES = [
    Route("/queue", _show_queue),
    Route("/queue/lines", _show_lines),
    Route("/queue/card", _show_card),
    Route("/queue/search", _search),
    Route("/queue/ready", _is_ready),
    Route("/queue/export", _export),
    Route("/queue/preview", _preview, methods=["POST"]),
    Route("/queue/effects", _list_effects, methods=["POST"]),
    Route("/queue/decide", _decide, methods=["POST"]),
    Route("/queue/undo", _undo, methods=["POST"]),
    Route("/queue/accept", _accept_all, methods=["POST"]),
    Route("/queue/write", _write, methods=["POST"]),
]
