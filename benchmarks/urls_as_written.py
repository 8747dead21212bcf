"""URLs as they are written: what is asked for, beside the URL standard's parser (Node.js), curl and httpx.

    python benchmarks/urls_as_written.py            # compare; Node.js and curl are asked where they are installed
    python benchmarks/urls_as_written.py --write    # ask Node.js for the expected values anew

Reading: every spelling of ``tests/data/fetch/urls_as_written.json``, alone or as a Location, against the ``href`` of Node's ``new URL``.
Sending: the path and query of each, as a raw server on loopback sees them in the request line: from the list, after a redirect, and
through a forward proxy (absolute-form).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx

from logoingest.fetch import FetchSettings, Proxy, fetch_urls
from logoingest.fetch.rules.targets import Target, UrlFault, join_target, parse_target

DATA = Path(__file__).resolve().parents[1] / "tests/data/fetch/urls_as_written.json"
NODE = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([base, text]) => {
  try { const u = new URL(text, base || undefined); u.hash = ""; if (/^https?:$/.test(u.protocol)) { u.username = ""; u.password = "" }
        return u.href }
  catch (e) { return null }
})));
"""
#: What ``//host/x`` is relative to, where it stands in a list.
PAGE = "https://base.invalid/"
Case = dict[str, Any]
#: What ends a header line, or is no text.
_UNSENDABLE = re.compile("[\\x00\\r\\n\\ud800-\\udfff]")


def ask_node(cases: Iterable[Case]) -> list[str | None]:
    """The standard's ``href`` of each, without fragment and userinfo; None where it sees a failure."""
    asked = [[case["base"] or (PAGE if begins_with_slashes(case["text"]) else None), case["text"]] for case in cases]
    answer = subprocess.run(["node", "-e", NODE], input=json.dumps(asked), capture_output=True, text=True, check=True)
    return list(json.loads(answer.stdout))


def begins_with_slashes(text: str) -> bool:
    """Whether it names no scheme, but a host."""
    bare = text.strip("".join(map(chr, range(33)))).replace("\t", "").replace("\n", "").replace("\r", "")
    return bare[:1] in ("/", "\\") and bare[1:2] in ("/", "\\")


def read(case: Case) -> str | None:
    """What we ask for; None where we refuse."""
    if case["base"] is None:
        found: Target | UrlFault = parse_target(case["text"])
    else:
        base = parse_target(case["base"])
        assert isinstance(base, Target)
        found = join_target(base, case["text"])
    return found.url if isinstance(found, Target) else None


def expect(case: Case) -> str | None:
    """The standard's reading, less what is no http or https."""
    href = case["href"]
    return href if href is not None and href.startswith(("http://", "https://")) else None


@dataclass
class Recorder:
    """A server on loopback that notes the target of every request line; as a proxy it takes any; ``/to/N`` redirects to ``places[N]``."""

    port: int = 0
    places: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 1)[1].split(b" HTTP/1.", 1)[0].decode("latin-1")
                if target.startswith("/to/"):
                    place = f"http://127.0.0.1:{self.port}{self.places[int(target[4:])]}".encode()
                    writer.write(b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % place)
                else:
                    self.seen.append(target)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


SETTINGS = FetchSettings(allowed_networks=(ip_network("127.0.0.0/8"),), robots="ignore", per_host=1, concurrency=1, max_attempts=1)


async def record(spellings: list[str], way: str) -> list[str]:
    """The request targets a server sees when each URL is fetched ``way`` = direct, redirect, proxy, curl or httpx."""
    recorder = Recorder(places=spellings)
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    here = f"http://127.0.0.1:{recorder.port}"
    local = [f"{here}{text}" for text in spellings]
    async with server:
        if way == "direct":
            await fetch_urls(local, SETTINGS, None)
        elif way == "redirect":
            await fetch_urls([f"{here}/to/{number}" for number in range(len(spellings))], SETTINGS, None)
        elif way == "proxy":
            settings = FetchSettings(http_proxy=Proxy(here), robots="ignore", per_host=1, concurrency=1, max_attempts=1)
            await fetch_urls([f"http://x.test{text}" for text in spellings], settings, None)
        elif way == "curl":
            for url in local:
                process = await asyncio.create_subprocess_exec("curl", "-sg", "-o", "/dev/null", url)
                await process.wait()
        else:
            async with httpx.AsyncClient() as client:
                for url in local:
                    with contextlib.suppress(httpx.InvalidURL):
                        await client.get(url)
        await asyncio.sleep(0.1)  # the handlers see that everybody has gone
    return [target.removeprefix("http://x.test") for target in recorder.seen]


def choose_paths(cases: Iterable[Case]) -> list[tuple[str, str]]:
    """(path and query as written, as the standard reads them) of the spellings whose host is plain and whose text UTF-8 can hold."""
    head, found = "https://x.example", dict[str, str]()
    for case in cases:
        text, href = case["text"], expect(case)
        if case["base"] is None and "named" not in case and href and text.startswith(f"{head}/") and not _UNSENDABLE.search(text):
            found[text.removeprefix(head)] = href.removeprefix(head)
    return list(found.items())


def compare(cases: list[Case]) -> int:
    """Print what we read otherwise than the standard; the number of those that no line of the data names."""
    unnamed = 0
    for case in cases:
        ours, theirs = read(case), expect(case)
        if ours != theirs:
            unnamed += "named" not in case
            print(
                f"  {case['text'][:60]!r}: {(ours or 'refused')[:60]} here, {(theirs or 'refused')[:60]} there ({case.get('named', 'NOT NAMED')})"
            )
    return unnamed


async def compare_sent(cases: list[Case]) -> None:
    """Print how many request lines are the standard's, by way."""
    pairs = choose_paths(cases)
    written, wanted = [text for text, _ in pairs], [path for _, path in pairs]
    for way in ("direct", "redirect", "proxy", *(["curl"] if shutil.which("curl") else []), "httpx"):
        seen = Counter(await record(written, way))
        print(f"sent, {way:<9}{sum((seen & Counter(wanted)).values())} of {len(wanted)} request lines to the byte")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="ask Node.js for the expected values anew")
    arguments = parser.parse_args()
    cases: list[Case] = json.loads(DATA.read_text(encoding="utf-8"))
    if arguments.write:
        for case, href in zip(cases, ask_node(cases), strict=True):
            case["href"] = href
        lines = ",\n".join(json.dumps(case) for case in cases)
        DATA.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    elif shutil.which("node"):
        stale = sum(case["href"] != href for case, href in zip(cases, ask_node(cases), strict=True))
        print(f"Node.js reads {stale} of {len(cases)} otherwise than the data says")
    unnamed = compare(cases)
    print(f"read: {len(cases)} spellings, {unnamed} differ from the URL standard and are not named")
    asyncio.run(compare_sent(cases))


if __name__ == "__main__":
    main()
