"""Servers on loopback with ports of the system's choice: a loop to serve in, an authority to trust, a forward proxy."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

import trustme

from builders.faulty_site import compose


class Loop:
    """An event loop in a thread of its own, for servers that outlive one test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def serve(self, handler, host="127.0.0.1", context=None, port=0) -> int:
        async def start() -> int:
            server = await asyncio.start_server(handler, host, port, ssl=context, limit=1 << 20)
            return server.sockets[0].getsockname()[1]

        return self.call(start())


@dataclass
class Authority:
    """A certificate authority of the tests' own and the file to trust it by."""

    ca: trustme.CA
    file: str


@dataclass
class ForwardProxy:
    """Relays plain GETs and CONNECT tunnels; every name that ends in ``.test`` is at home on 127.0.0.1."""

    credentials: str | None = None
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
                self.requests.append(f"{method} {target}")
                if self.credentials is not None and f"Basic {self.credentials}".encode() not in head:
                    writer.write(compose("407 Who", b"", "Proxy-Authenticate: Basic"))
                elif method == "CONNECT":
                    await self._tunnel(target, reader, writer)
                    break
                else:
                    writer.write(await self._relay(target, head))
                await writer.drain()
        with contextlib.suppress(Exception):
            writer.close()

    async def _tunnel(self, target: str, reader, writer) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        except OSError:
            writer.write(compose("502 Bad Gateway"))
            return
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))

    async def _relay(self, target: str, head: bytes) -> bytes:
        host_port, _, path = target.partition("://")[2].partition("/")
        port = int(host_port.rpartition(":")[2]) if ":" in host_port else 80
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [line for line in head.split(b"\r\n")[1:] if line and not line.lower().startswith((b"connection", b"proxy-"))]
        writer.write(b"\r\n".join([f"GET /{path} HTTP/1.1".encode(), *lines, b"Connection: close", b"", b""]))
        answer = await reader.read()
        writer.close()
        return answer


async def _pipe(reader, writer) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(Exception):
        writer.close()
