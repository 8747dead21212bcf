"""httpx's requests and answers on aiohttp's connections, with the URL on the request line to the byte.

httpx-aiohttp's transport hands the URL on as text, and both libraries read it anew: httpx escapes more than browsers do, yarl
(aiohttp's) takes escapes off and drops an empty query. Here the URL is not read again: path and query go through as they stand.
"""

from __future__ import annotations

import httpx
from aiohttp import ClientSession, ClientTimeout
from httpx_aiohttp.transport import AiohttpResponseStream, AiohttpTransport
from yarl import URL

from logoingest.fetch.rules.targets import Target


class VerbatimTransport(AiohttpTransport):
    """Sends ``request.extensions["target"]``, a ``Target``, whatever httpx makes of its URL; raises aiohttp's exceptions as they are."""

    client: ClientSession

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body is streamed.

        Raises:
            aiohttp.ClientError, OSError: see ``failures``.
        """
        timeout = request.extensions["timeout"]
        response = await self.client.request(
            request.method,
            make_wire_url(request.extensions["target"]),
            headers=request.headers,
            allow_redirects=False,
            auto_decompress=False,
            timeout=ClientTimeout(sock_connect=timeout["connect"], sock_read=timeout["read"], connect=timeout["pool"]),
            proxy=None if self.proxy is None else str(self.proxy.url),
            proxy_headers=None if self.proxy is None else self.proxy.headers,
        ).__aenter__()
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=AiohttpResponseStream(response), request=request
        )


def make_wire_url(target: Target) -> URL:
    """A URL that aiohttp writes as it stands: the query is part of the path, since yarl forgets an empty one."""
    return URL.build(scheme=target.scheme, authority=target.netloc, path=target.path, encoded=True)
