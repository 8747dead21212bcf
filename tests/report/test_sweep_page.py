"""The page of a sweep: what was said of it, its finalists and figures, by way of the summary that a sweep writes."""

from __future__ import annotations

import json

from logoingest.report import render_report


def cut_page(html: str) -> str:
    """The sweep's page alone."""
    start = html.index('<details class="page" id="sweep"')
    return html[start : html.index('<details class="page"', start + 1)]


def test_a_sweep_is_told_with_its_finalists_and_figures(make_workspace):
    """Sentences, intervals where there are some, the winner marked; settings are anybody's text and harmless."""
    made = make_workspace(12, 2)
    made.write()
    finalist = {
        "trial": 7,
        "settings": {"lr": 0.01, "model": "<b>x</b>"},
        "score": 0.8125,
        "scores": [0.8, 0.825],
        "low": 0.7,
        "high": 0.9,
    }
    other = {"trial": 2, "settings": {}, "score": 0.5, "scores": [0.5], "low": None, "high": None}
    summary = {
        "metric": "validation.top1",
        "statements": ["trials 7 and 2 are not distinguishable"],
        "finalists": [finalist, other],
    }
    made.workspace.write_bytes("sweep/summary.json", json.dumps({**summary, "winner": finalist}).encode())
    made.workspace.write_bytes("sweep/history.png", b"\x89PNG")
    page = cut_page(render_report(made.workspace, made.config, made.rejected_table))
    assert "trials 7 and 2 are not distinguishable" in page
    assert "0.812" in page
    assert "0.700–0.900" in page
    assert "&lt;b&gt;x" in page
    assert page.count("best</span>") == 1
    assert page.count("data:image/png") == 1


def test_a_workspace_without_a_sweep_says_so(make_workspace):
    """The page is there."""
    made = make_workspace(12, 2)
    made.write()
    assert "No sweep was run" in cut_page(render_report(made.workspace, made.config, made.rejected_table))
