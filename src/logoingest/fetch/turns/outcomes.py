"""How a URL's pursuit ends: the body looked at, the row put together and handed over to whoever waits for it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from logoingest.fetch.http.client import Failure, Reply
from logoingest.fetch.jobs import Inspect
from logoingest.fetch.rules.integrity import find_hash_fault
from logoingest.fetch.rules.policy import HEALING, FetchFault, finish_verdict, parse_retry_after
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.pursuit import Pursuit
from logoingest.fetch.turns.rows import compose_row, describe_failure
from logoingest.schemas import FACT_COLUMNS, Outcome, Reason


def examine_body(
    body: bytes, inspect: Inspect | None, known_sha256: str | None = None, expected: Sequence[str] = ()
) -> dict[str, Any] | FetchFault:
    """sha256, length and FACT_COLUMNS of a body; an ``inspect`` that raises makes it a ``decode_error``.

    Of bytes that are known (by their sha256) the facts are left out. Bytes that are not as expected are not looked into.
    """
    if expected and (fault := find_hash_fault(expected, body)) is not None:
        return FetchFault(Reason.HASH_MISMATCH, fault)
    facts: dict[str, Any] = {"sha256": hashlib.sha256(body).hexdigest(), "byte_count": len(body)}
    if inspect is None or facts["sha256"] == known_sha256:
        return facts
    try:
        told = inspect(body)
        return facts | {name: told.get(name) for name in FACT_COLUMNS}
    except Exception as error:  # noqa: BLE001  whatever a stranger's bytes did to a decoder is a fact about the bytes
        detail = f"inspection failed: {type(error).__name__}"
        return facts | {"image_reason": Reason.DECODE_ERROR.value, "image_detail": detail}


def compose_outcome(
    pursuit: Pursuit, answer: FetchFault | Reply, facts: Mapping[str, Any] | FetchFault | None, settings: FetchSettings
) -> dict[str, Any]:
    """The row of a pursuit that ended with a verdict, or with a body and what ``examine_body`` told of it."""
    answer = facts if isinstance(facts, FetchFault) else answer
    if isinstance(answer, FetchFault):
        return compose_row(pursuit) | describe_failure(finish_verdict(answer, settings))
    headers = {"content_type": answer.content_type, "etag": answer.etag, "last_modified": answer.last_modified}
    told = facts if isinstance(facts, Mapping) else {}
    body = None if told.get("image_reason") == Reason.TAKEN_DOWN else answer.body
    return compose_row(pursuit) | {"outcome": Outcome.OK.value} | headers | {"bytes": body, **told}


def hand_over(pursuit: Pursuit, row: dict[str, Any]) -> bool:
    """Give a finished row to the pursuit's batch; False when it was not taken, and the batch knows why."""
    batch = pursuit.batch
    batch.left -= 1
    try:
        if batch.on_outcome is not None:
            batch.on_outcome(row)
        batch.take_row(pursuit.index, row)
    except Exception as error:  # noqa: BLE001  raised again where the batch is awaited, whoever's turn it is now
        if not batch.done.done():
            batch.done.set_exception(error)
            batch.done.exception()  # where the batch is given up meanwhile, nobody asks for it, and asyncio would print it
        return False
    if not batch.left and not batch.done.done():
        batch.done.set_result(None)
    return True


async def wait_for_either(done: asyncio.Future[None], stop: asyncio.Event | None) -> None:
    """Return once the future is done or the event is set."""
    if stop is None:
        await asyncio.wait([done])
        return
    stopping = asyncio.create_task(stop.wait())
    either: list[asyncio.Future[Any]] = [done, stopping]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


def read_pause(answer: Reply | Failure) -> float | None:
    """Seconds the host asked to be left alone, if it is busy."""
    if isinstance(answer, Failure) or answer.status not in HEALING:
        return None
    return parse_retry_after(answer.retry_after, datetime.now(UTC))
