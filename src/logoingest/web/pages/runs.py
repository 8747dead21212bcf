"""The run's page, its state, and what its buttons send."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from logoingest.errors import UsageError
from logoingest.report.environment import write_policy
from logoingest.web.desks.curves import HEIGHT, WIDTH, plot_curves, read_curves
from logoingest.web.pages.rendering import answer_json, find_workplace, read_told, refuse_changes, render_page

_REASON = re.compile(r"[a-z0-9_]{1,40}")


def _show_run(request: Request) -> Response:
    place = find_workplace(request)
    facts = {
        "state": place.runs.read_state(),
        "stamp": place.runs.stamp_stages(),
        "has_report": place.workspace.exists("report.html"),
    }
    return render_page(request, "run.html", {"title": "Run", **facts})


def _show_state(request: Request) -> Response:
    runs = find_workplace(request).runs
    return render_page(request, "run_state.html", {"state": runs.read_state(), "stamp": runs.stamp_stages()})


def _show_stages(request: Request) -> Response:
    return render_page(request, "run_stages.html", {"stages": find_workplace(request).runs.describe_stages()})


def _show_curves(request: Request) -> Response:
    drawn = [
        (one, plot_curves(one.losses, from_zero_to_one=False), plot_curves(one.scores, from_zero_to_one=True))
        for one in read_curves(find_workplace(request).workspace)
    ]
    return render_page(request, "run_curves.html", {"drawn": drawn, "width": WIDTH, "height": HEIGHT})


def _show_report(request: Request) -> Response:
    """The report as it was written last: its own policy allows its own script alone, and pictures that are in it."""
    workspace = find_workplace(request).workspace
    if not workspace.exists("report.html"):
        raise UsageError("there is no report yet: logoingest run CONFIG makes it")
    headers = {"content-security-policy": f"{write_policy()}; frame-ancestors 'none'"}
    return Response(workspace.read_bytes("report.html"), media_type="text/html; charset=utf-8", headers=headers)


def _start(request: Request) -> Response:
    runs, reason = refuse_changes(request).runs, read_told(request, "text")
    if reason and not _REASON.fullmatch(reason):
        raise UsageError("that is no reason: timeout, http_5xx, dns …")
    return answer_json({"message": runs.start(["retry", "--reason", reason] if reason else ["run"]), "is_done": True})


def _stop(request: Request) -> Response:
    return answer_json({"message": refuse_changes(request).runs.stop(), "is_done": True})


RUN_ROUTES = [
    Route("/run", _show_run),
    Route("/run/state", _show_state),
    Route("/run/stages", _show_stages),
    Route("/run/curves", _show_curves),
    Route("/report", _show_report),
    Route("/run/start", _start, methods=["POST"]),
    Route("/run/stop", _stop, methods=["POST"]),
]
