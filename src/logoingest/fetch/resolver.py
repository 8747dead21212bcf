"""Names to addresses, in threads that never hold the process up, with addresses left out that must not be connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from logoingest.fetch.failures import LookupFailedError, RefusedAddressError, check_address, is_permanent
from logoingest.fetch.settings import FetchSettings

#: (host, port) → addresses; ``look_up_addresses`` unless a test puts a name service of its own here.
Lookup: TypeAlias = Callable[[str, int], Sequence[str]]

#: Look-ups under way at most; a dead name service makes each last for seconds.
MAX_LOOKUPS = 32


def look_up_addresses(host: str, port: int) -> list[str]:
    """The host's addresses, in the system's order of preference; blocks.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Resolver(AbstractResolver):
    """aiohttp's resolver; ``guarded`` ones leave out addresses that are not to be connected to."""

    def __init__(self, lookup: Lookup, settings: FetchSettings, *, guarded: bool) -> None:
        self._lookup = lookup
        self._settings = settings
        self._guarded = guarded
        self._slots = asyncio.Semaphore(MAX_LOOKUPS)

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
        try:
            async with self._slots:
                addresses = await _call_in_thread(self._lookup, host.removesuffix("."), port)
        except (OSError, UnicodeError) as error:
            raise LookupFailedError(permanent=isinstance(error, UnicodeError) or is_permanent(error)) from None
        if self._guarded:
            addresses = self._leave_out_refused(addresses)
        return [_make_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing to close: a thread ends with its look-up."""

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


async def _call_in_thread(lookup: Lookup, host: str, port: int) -> Sequence[str]:
    """In a daemon thread: unlike an executor's, it does not keep the interpreter from ending while a name service is silent."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[str]] = loop.create_future()

    def deliver(addresses: Sequence[str] | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(addresses or ())

    def work() -> None:
        addresses, trouble = None, None
        try:
            addresses = lookup(host, port)
        except Exception as error:  # noqa: BLE001  raised again where it is awaited
            trouble = error
        with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
            loop.call_soon_threadsafe(deliver, addresses, trouble)

    threading.Thread(target=work, name=f"dns {host}", daemon=True).start()
    return await future
