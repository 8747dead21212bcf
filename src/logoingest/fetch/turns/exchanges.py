"""One exchange of a request: sent within what is left of its time, and what a reply that brings no picture means for it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from logoingest.fetch.http.client import Client, Failure, Reply
from logoingest.fetch.rules.policy import DELIVERIES, FetchFault, follow_redirect, judge_hop, judge_status, parse_retry_after
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.fallback_router import FallbackRouter
from logoingest.fetch.turns.pursuit import FetchRequest, Pursuit
from logoingest.schemas import Reason


async def send_request(client: Client, request: FetchRequest, settings: FetchSettings, *, is_last: bool) -> Reply | Failure:
    """What came of the request's next exchange; time, attempt and status are noted in it.

    Args:
        client: sends it.
        request: what is wanted, and what is left of its time.
        settings: for the limit named in a detail.
        is_last: no further request to this host is in sight.
    """
    if not request.seen:
        request.attempts += 1
    request.seen.add(request.show_request())
    began = time.monotonic()
    deadline = asyncio.timeout(request.budget_s)
    try:
        async with deadline:
            answer = await client.exchange(
                request.target,
                request.cookies,
                is_last=is_last,
                is_text=request.is_asking,
                is_archived=request.is_archived,
                conditions=request.list_conditions(),
            )
    except TimeoutError:
        if not deadline.expired():
            raise
        detail = f"not complete within fetch.total_timeout_s = {settings.total_timeout_s:g} s"
        answer = Failure(FetchFault(Reason.TIMEOUT_TOTAL, detail, can_heal=True), None)
    took = time.monotonic() - began
    request.budget_s -= took
    request.took_s += took
    if answer.status is not None:
        request.status, request.final_url = answer.status, request.target.url
    return answer


def judge_reply(pursuit: Pursuit, reply: Reply, settings: FetchSettings, fallbacks: FallbackRouter | None) -> FetchFault | None:
    """Why a reply without a picture is the end of an attempt; None when it leads on: ``pursuit.target`` is then where to."""
    if reply.status == 304 and pursuit.list_conditions():
        pursuit.validators = pursuit.validators and pursuit.validators._replace(etag=None, last_modified=None)  # ask plainly
        return None
    relayed = pursuit.target.scheme == "http" and settings.choose_proxy(pursuit.target) is not None
    verdict = judge_status(reply.status, has_location=reply.location is not None, relayed=relayed)
    if verdict is not None:
        return verdict._replace(retry_after_s=parse_retry_after(reply.retry_after, datetime.now(UTC)))
    if pursuit.is_asking and reply.status in DELIVERIES and fallbacks is not None:
        return fallbacks.read_answer(pursuit, reply.body)
    if reply.status in DELIVERIES or reply.location is None:
        return FetchFault(Reason.EMPTY, f"HTTP {reply.status} with an empty body")
    following = follow_redirect(pursuit.target, reply.location, settings)
    if isinstance(following, FetchFault):
        return following
    if fallbacks is not None and (refusal := fallbacks.judge_redirect(pursuit, following)) is not None:
        return refusal
    pursuit.target, pursuit.cookies = following, reply.cookies
    return judge_hop(pursuit.show_request(), pursuit.seen, settings)
