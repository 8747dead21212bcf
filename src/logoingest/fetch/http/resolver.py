"""Names to addresses, remembered for a while, with addresses left out that must not be connected to.

Look-ups block, so they run in daemon threads: unlike an executor's, those do not keep the interpreter from ending while a name
service is silent. One name is looked up once at a time, however many wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from logoingest.fetch.http.failures import LookupFailedError, RefusedAddressError, check_address, is_permanent
from logoingest.fetch.rules.settings import FetchSettings

#: (host, port) → addresses; ``look_up_addresses`` unless a test puts a name service of its own here.
Lookup: TypeAlias = Callable[[str, int], Sequence[str]]

#: Look-ups under way at most; a dead name service makes each last for seconds.
MAX_LOOKUPS = 32
#: Names remembered, the longest unused go first; and for how long. The system does not tell what the name service allows.
MAX_NAMES = 10_000
FOUND_TTL_S = 300.0
NOT_FOUND_TTL_S = 300.0
#: A look-up that failed for the moment; those who waited together share it, a retry does not.
TROUBLE_TTL_S = 1.0


def look_up_addresses(host: str, port: int) -> list[str]:
    """The host's addresses, in the system's order of preference; blocks.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class _Answer(NamedTuple):
    """What a look-up brought; without addresses, whether the name service was sure of it."""

    addresses: Sequence[str]
    permanent: bool = False


class Resolver(AbstractResolver):
    """aiohttp's resolver; ``guarded`` ones leave out addresses that are not to be connected to."""

    def __init__(self, lookup: Lookup, settings: FetchSettings, *, guarded: bool) -> None:
        self._lookup = lookup
        self._settings = settings
        self._guarded = guarded
        self._known: OrderedDict[str, tuple[float, _Answer]] = OrderedDict()
        self._pending: dict[str, asyncio.Future[_Answer]] = {}
        self._queue: deque[tuple[str, int]] = deque()
        self._active = 0

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  aiohttp passes it by name; it filters by family itself
    ) -> list[ResolveResult]:
        """The host's addresses that may be connected to.

        Raises:
            LookupFailedError: there are none.
            RefusedAddressError: there are, but none that may be connected to.
        """
        answer = self._recall(host) or await self._look_up(host, port)
        if not answer.addresses:
            raise LookupFailedError(permanent=answer.permanent)
        addresses = self._leave_out_refused(answer.addresses) if self._guarded else answer.addresses
        return [_make_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing to close: a thread ends with its look-up."""

    def _recall(self, host: str) -> _Answer | None:
        entry = self._known.get(host)
        if entry is None:
            return None
        if entry[0] <= asyncio.get_running_loop().time():
            del self._known[host]
            return None
        self._known.move_to_end(host)
        return entry[1]

    async def _look_up(self, host: str, port: int) -> _Answer:
        future = self._pending.get(host)
        if future is None:
            future = self._pending[host] = asyncio.get_running_loop().create_future()
            self._queue.append((host, port))
            self._start_queued()
        return await asyncio.shield(future)  # others may wait for it when this caller gives up

    def _start_queued(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue and self._active < MAX_LOOKUPS:
            host, port = self._queue.popleft()
            self._active += 1
            threading.Thread(target=self._work, args=(loop, host, port), name=f"dns {host}", daemon=True).start()

    def _work(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        """In a thread of its own."""
        outcome: _Answer | Exception
        try:
            outcome = _Answer(tuple(self._lookup(host.removesuffix("."), port)), permanent=True)
        except (OSError, UnicodeError) as error:
            outcome = _Answer((), permanent=isinstance(error, UnicodeError) or is_permanent(error))
        except Exception as error:  # noqa: BLE001  raised again where it is awaited
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
            loop.call_soon_threadsafe(self._deliver, host, outcome)

    def _deliver(self, host: str, outcome: _Answer | Exception) -> None:
        self._active -= 1
        self._start_queued()
        future = self._pending.pop(host)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
            return
        ttl = FOUND_TTL_S if outcome.addresses else NOT_FOUND_TTL_S if outcome.permanent else TROUBLE_TTL_S
        self._known[host] = (asyncio.get_running_loop().time() + ttl, outcome)
        if len(self._known) > MAX_NAMES:
            self._known.popitem(last=False)
        future.set_result(outcome)

    def _leave_out_refused(self, addresses: Sequence[str]) -> list[str]:
        kept: list[str] = []
        refusal: RefusedAddressError | None = None
        for address in addresses:
            try:
                check_address(address, self._settings)
                kept.append(address)
            except RefusedAddressError as error:
                refusal = refusal or error
        if not kept:
            raise refusal or LookupFailedError(permanent=True)
        return kept


def _make_result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)
