"""Two real lists through a proxy, as the command line runs them: 4,207 Flickr URLs, and the 1,300 URLs of a batch of answers.

    python benchmarks/real_lists.py ../shared/data/flickrlogos27

The folder holds ``distractor_urls.txt``, ``mturk_results.csv`` and ``images/``. The proxy is ``examples/flickrlogos27/proxy.py``: it has the
photos of one host and says 410 Gone of everything else, and it connects nowhere. For each list ``logoingest run --until fetch`` is run, and
every URL's outcome is compared with what the list and the folder say it must be: a photo that is there is fetched and whole, everything
else has gone. Exit code 1 if one is not, or if there are not as many rows as distinct URLs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from logoingest.workspace import Workspace

PROXY = Path(__file__).parent.parent / "examples/flickrlogos27/proxy.py"
HOST = "photos.flickrlogos27.test"
CONFIG = """
[dataset]
name = "real"
workspace = "work"
max_failed_share = 1.0
[[sources]]
{source}
[labels]
class_map = "map.toml"
[fetch]
proxy = "{proxy}"
contact = "https://localhost/"
{fetch}
"""
SOURCES = {
    "distractor_urls.txt": 'path = "{path}"\nformat = "urls"',
    "mturk_results.csv": 'path = "{path}"\nformat = "mturk"\nurl_column = "Input.image_url"\nlabel_column = "Answer.brand"',
}


@contextmanager
def serve_photos(photos: Path) -> Iterator[str]:
    """The proxy's URL."""
    command = [sys.executable, str(PROXY), "--folder", str(photos), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


def read_list(path: Path) -> list[str]:
    """The distinct URLs of a list, in its order."""
    if path.suffix == ".txt":
        found = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    else:
        with path.open(newline="", encoding="utf-8") as file:
            found = [row["Input.image_url"].strip() for row in csv.DictReader(file)]
    return list(dict.fromkeys(found))


def fetch_list(path: Path, proxy: str, folder: Path, fetch: str) -> tuple[list[dict[str, Any]], float]:
    """Every row of ``downloads``, and the seconds it took."""
    (folder / "map.toml").write_text('[classes.any]\nname = "any"\n')
    source = SOURCES[path.name].format(path=path)
    (folder / "dataset.toml").write_text(CONFIG.format(source=source, proxy=proxy, fetch=fetch))
    start = time.perf_counter()
    command = [sys.executable, "-m", "logoingest", "run", str(folder / "dataset.toml"), "--until", "fetch", "--quiet", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"exit code {done.returncode}: {done.stderr}")
    print("counts:", json.dumps(next(stage["counts"] for stage in json.loads(done.stdout) if stage["stage"] == "fetch")))
    workspace = Workspace(str(folder / "work"))
    columns = ["url", "final_url", "outcome", "reason", "detail", "http_status", "attempts", "image_reason", "damaged", "sha256"]
    return [row for shard in workspace.shard_names() for row in workspace.read_shard(shard, columns).to_pylist()], spent


def find_fault(row: dict[str, Any], photos: Path) -> str | None:
    """What is wrong with an outcome, by the list and the folder alone."""
    parts = urlsplit(row["url"])
    photo = photos / unquote(parts.path.removeprefix("/"))
    if parts.hostname == HOST and photo.is_file():
        whole = row["outcome"] == "ok" and row["image_reason"] is None and not row["damaged"]
        return (
            None
            if whole and row["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
            else "a photo that is there, not fetched whole"
        )
    expected = ("http_4xx", 404 if parts.hostname == HOST else 410)
    return None if (row["reason"], row["http_status"]) == expected else f"should be {expected[0]} with status {expected[1]}"


def main() -> int:
    """Print each list's outcomes by host, reason and status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fetch", default="", help="lines for the config's [fetch], e.g. 'per_host = 32'")
    options = parser.parse_args()
    folder = options.folder.resolve()
    wrong = 0
    with serve_photos(folder / "images") as proxy:
        for name in SOURCES:
            urls = read_list(folder / name)
            with tempfile.TemporaryDirectory(prefix="real-lists-") as made:
                rows, spent = fetch_list(folder / name, proxy, Path(made), options.fetch)
            print(f"{name}: {len(urls):,} distinct URLs, {len(rows):,} rows, {spent:.1f} s")
            wrong += sorted(row["url"] for row in rows) != sorted(urls)
            wrong += show(rows, folder / "images")
    print("every outcome is the right one" if not wrong else f"{wrong} things are wrong")
    return 1 if wrong else 0


def show(rows: list[dict[str, Any]], photos: Path) -> int:
    """The outcomes, and how many of them are wrong."""
    faults = Counter((find_fault(row, photos), row["reason"], row["detail"]) for row in rows)
    kinds = Counter(
        (urlsplit(row["url"]).hostname, row["outcome"], row["reason"], row["http_status"], row["image_reason"], row["attempts"])
        for row in rows
    )
    print("| host | outcome | reason | status | picture | attempts | URLs |\n|---|---|---|---|---|---|---|")
    for (host, outcome, reason, status, image, attempts), count in sorted(kinds.items(), key=lambda kind: (str(kind[0]), -kind[1])):
        picture = (image or "whole") if outcome == "ok" else "–"
        print(f"| {host} | {outcome} | {reason or '–'} | {status or '–'} | {picture} | {attempts} | {count:,} |")
    for (fault, reason, detail), count in faults.most_common():
        if fault:
            print(f"WRONG, {count:,}: {fault}; is {reason} ({detail})")
    return sum(count for (fault, _, _), count in faults.items() if fault)


if __name__ == "__main__":
    sys.exit(main())
