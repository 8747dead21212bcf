"""A forward proxy that answers http://photos.flickrlogos27.test/<file> from a folder, and nothing else: it connects nowhere.

    python examples/flickrlogos27/proxy.py --folder PHOTOS --port 3128

A file of the folder is 200, any other name on that host 404, every other host 410: the rest of the list is gone. The folder
is flat and read once by name, so no request can name a file that is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import mimetypes
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOST = "photos.flickrlogos27.test"
MAX_HEAD_BYTES = 32_768
IDLE_S = 60.0


def list_files(folder: Path) -> dict[str, Path]:
    """The plain files of a folder by name; links are left out, they may lead elsewhere."""
    return {file.name: file for file in folder.iterdir() if file.is_file() and not file.is_symlink()}


def answer_request(files: Mapping[str, Path], method: str, target: str) -> tuple[str, str, bytes]:
    """Status line, content type and body for one request."""
    if method not in {"GET", "HEAD"}:
        return "405 Method Not Allowed", "text/plain", b"this proxy answers GET and HEAD\n"
    try:
        parts = urlsplit(target)
        host = parts.hostname
    except ValueError:
        return "400 Bad Request", "text/plain", b"that is no URL\n"
    if parts.scheme != "http" or not host:
        return "400 Bad Request", "text/plain", b"a proxy is asked for a whole http URL\n"
    if host != HOST:
        return "410 Gone", "text/plain", b"gone\n"
    file = files.get(unquote(parts.path.removeprefix("/")))  # a look-up in the list of names, never a path put together
    if file is None:
        return "404 Not Found", "text/plain", b"no such photo\n"
    return "200 OK", mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes()


async def serve_connection(files: Mapping[str, Path], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests, one after the other, until the client leaves."""
    try:
        while True:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
            first, *headers = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            status, content_type, body = answer_request(files, method, target)
            is_last = method not in {"GET", "HEAD"} or any(line.lower().replace(" ", "") == "connection:close" for line in headers)
            close = "Connection: close\r\n" if is_last else ""
            lines = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{close}\r\n"
            writer.write(lines.encode("latin-1") + (b"" if method == "HEAD" else body))
            await writer.drain()
            if is_last:
                break
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        pass  # the client left, or does not speak HTTP
    finally:
        writer.close()


async def serve_folder(folder: Path, port: int) -> None:
    """Serve until interrupted."""
    files = list_files(folder)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(files, reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", port, limit=MAX_HEAD_BYTES, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]} serves {len(files)} photos as http://{HOST}/<file>", flush=True)
    async with server:
        await server.serve_forever()


def main() -> int:
    """Parse, serve, leave quietly on Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve a folder of photos as a forward proxy on loopback.")
    parser.add_argument("--folder", type=Path, required=True, help="the folder of photos")
    parser.add_argument("--port", type=int, default=3128, help="0 takes a free one (default: 3128)")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"{options.folder} is not a folder", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve_folder(options.folder, options.port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        print(f"cannot listen on 127.0.0.1:{options.port} ({error.strerror}); try --port 0", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
