"""How quick the review pages are on a large workspace, and how much memory they take: synthetic pictures and answers, a real server, HTTP.

    python benchmarks/review_page.py --pictures 1000000 --answers 50000

Prints for each page p50 and p95 in ms, the time until the first page, and the server's peak memory. No peer: make-sense, Label Studio and
FiftyOne show pictures of a list, none of them a class map's doubts.
"""

# ruff: noqa: ARG005
from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from logoingest.cli.main import main as run_command
from logoingest.config import load_config
from logoingest.schemas import CopyRow, DownloadRow, ImageRow, SampleRow, SplitRow
from logoingest.workspace import Workspace, shard_name

_CONFIG = '[dataset]\nname = "large"\nworkspace = "work"\n[[sources]]\npath = "answers.csv"\nurl_column = "url"\nlabel_column = "brand"\nworker_column = "worker"\n[labels]\nclass_map = "map.toml"\n'
_CLASSES = 300
_LETTERS = np.array(list("abcdefghiklmnoprstuvwz"))


def _make_words(count: int, chance: np.random.Generator) -> list[str]:
    return ["".join(chance.choice(_LETTERS, 7)) + str(number) for number in range(count)]


def _fill(row: type, size: int, **columns: object) -> pa.Table:
    schema = row.arrow_schema()  # type: ignore[attr-defined]
    arrays = []
    for field in schema:
        if field.name in columns:
            value = columns[field.name]
            arrays.append(value if isinstance(value, pa.Array) else pa.array(value, field.type))
        elif field.nullable:
            arrays.append(pa.nulls(size, field.type))
        else:
            kind = field.type
            empty = [] if pa.types.is_list(kind) else "" if pa.types.is_string(kind) else b"" if pa.types.is_binary(kind) else 0
            arrays.append(pa.repeat(pa.scalar(empty, kind), size))
    return pa.Table.from_arrays(arrays, schema=schema)


def build_workspace(folder: Path, pictures: int, answers: int) -> Path:
    """A workspace of so many pictures, and so many distinct answers that no rule decides."""
    chance = np.random.default_rng(0)
    classes, words = _make_words(_CLASSES, chance), _make_words(answers, chance)
    (folder / "map.toml").write_text("".join(f'[classes.{name}]\nname = "{name}"\n' for name in classes))
    urls = [f"http://photos{number % 40}.example/{number}.jpg" for number in range(pictures)]
    labels = [words[number] if number < answers else classes[number % _CLASSES] for number in range(pictures)]
    table = pa.table({"url": urls, "brand": labels, "worker": [f"w{number % 500}" for number in range(pictures)]})
    import pyarrow.csv

    pyarrow.csv.write_csv(table, folder / "answers.csv")
    config = folder / "dataset.toml"
    config.write_text(_CONFIG)
    if run_command(["run", str(config), "--until", "normalise", "--quiet"]):
        raise SystemExit("the labels stage failed")
    _write_pictures(Workspace(load_config(config).workspace_url), urls, classes, chance)
    return config


def _write_pictures(workspace: Workspace, urls: list[str], classes: list[str], chance: np.random.Generator) -> None:
    count = len(urls)
    ids = [f"{number:064x}" for number in range(count)]
    import io

    buffer = io.BytesIO()
    Image.fromarray(chance.integers(0, 256, (300, 400, 3), np.uint8)).save(buffer, "JPEG", quality=80)
    shards = [shard_name(number // 1000) for number in range(count)]
    for start in range(0, min(count, 20_000), 1000):
        size = min(1000, count - start)
        rows = _fill(
            DownloadRow,
            size,
            url=urls[start : start + size],
            outcome=["ok"] * size,
            sha256=ids[start : start + size],
            bytes=[buffer.getvalue()] * size,
        )
        workspace.write_shard(shard_name(start // 1000), rows)
    lists = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32), pa.array(urls))
    none = pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string()))
    workspace.write_table(
        "images",
        _fill(
            ImageRow,
            count,
            image_id=ids,
            group_id=ids,
            urls=lists,
            flags=none,
            shard=shards,
            shard_row=np.arange(count) % 1000,
            width=[400] * count,
            height=[300] * count,
            pixel_hash=ids,
        ),
    )
    settled = [classes[number % _CLASSES] for number in range(count)]
    single = pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32), pa.array(settled))
    facts = {"image_id": ids, "group_id": ids, "class_ids": single}
    workspace.write_table(
        "samples", _fill(SampleRow, count, **facts, class_id=settled, confidence=chance.uniform(0.5, 1, count), votes=[1] * count)
    )
    copies = {
        "kind": ["near"] * 20_000,
        "transformation": ["as it is"] * 20_000,
        "overlap": [1.0] * 20_000,
        "residual": [0.1] * 20_000,
    }
    places = np.arange(20_000) % (count // 2)
    workspace.write_table(
        "copies",
        _fill(CopyRow, 20_000, image_id=[ids[2 * one] for one in places], other_id=[ids[2 * one + 1] for one in places], **copies),
    )
    workspace.write_table(
        "splits",
        _fill(SplitRow, count, **facts, split=[("train", "test")[number % 2] for number in range(count)], origin=["hash"] * count),
    )


def measure_pages(config: Path, rounds: int) -> None:
    """Start the server and ask for every page."""
    began = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "logoingest", "web", str(config), "--json", "--quiet"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    link = json.loads(server.stdout.readline())["link"]
    base = link.partition("/enter")[0]
    try:
        with httpx.Client(timeout=600, follow_redirects=True) as client:
            page = client.get(link).text
            print(f"first page after {time.monotonic() - began:.1f} s")
            beside = 0
            while "Gathering" in page:
                time.sleep(0.2)
                beside = max([beside, *(_read_memory(child).get("VmHWM", 0) for child in _list_children(server.pid))])
                page = client.get(f"{base}/queue").text
            print(f"queue gathered after {time.monotonic() - began:.1f} s, by a process of {beside} MB at most")
            csrf = re.search(r'name="csrf" content="([^"]+)"', page)[1]  # type: ignore[index]
            keys = re.findall(r'data-key="(\w+)"', client.get(f"{base}/queue/lines?kind=answers").text)
            pages = int(pq.ParquetFile(config.parent / "work/tables/images.parquet").metadata.num_rows)
            _ask_all(client, base, csrf, keys, server.pid, shown=min(pages, 20_000), rounds=rounds)
    finally:
        memory, seconds = _read_memory(server.pid), _read_cpu(server.pid)
        server.terminate()
        server.wait(20)
    print(f"the server took {seconds:.0f} CPU s in all")
    print(
        f"memory of the server: {memory['VmRSS']} MB in use, of which {memory['RssAnon']} MB its own and {memory['RssFile']} MB pages of "
        f"files (code, mapped indexes); {memory['VmHWM']} MB at most"
    )


def _read_memory(pid: int) -> dict[str, int]:
    """MB, by the kernel's names."""
    return {name: int(size) // 1024 for name, size in re.findall(r"(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())}


def _read_cpu(pid: int) -> float:
    """CPU seconds that a process has taken."""
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


def _list_children(pid: int) -> list[int]:
    found = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return [*found, *(one for child in found for one in _list_children(child))]


def _ask_all(client: httpx.Client, base: str, csrf: str, keys: list[str], pid: int, *, shown: int, rounds: int) -> None:
    chance = np.random.default_rng(1)
    headers = {"origin": base, "x-csrf-token": csrf}

    def some_id() -> str:
        return f"{chance.integers(shown):064x}"

    asked = {
        "queue": lambda n: client.get(f"{base}/queue"),
        "queue, later": lambda n: client.get(f"{base}/queue/lines?start={n * 50}"),
        "queue, filtered": lambda n: client.get(f"{base}/queue/lines?text=ab{n % 10}"),
        "card": lambda n: client.get(f"{base}/queue/card?key={keys[n % len(keys)]}"),
        "class search": lambda n: client.get(f"{base}/queue/search?text={'abcdefgh'[n % 8]}"),
        "preview": lambda n: client.post(
            f"{base}/queue/preview", json={"key": keys[n % len(keys)], "text": "new: Preview"}, headers=headers
        ),
        "other effects": lambda n: client.post(
            f"{base}/queue/effects", json={"key": keys[n % len(keys)], "text": "new: Preview"}, headers=headers
        ),
        "decide": lambda n: client.post(f"{base}/queue/decide", json={"key": keys[n % len(keys)], "text": "drop"}, headers=headers),
        "undo": lambda n: client.post(f"{base}/queue/undo", json={}, headers=headers),
        "gallery": lambda n: client.get(f"{base}/gallery?start={n * 60}"),
        "gallery, class": lambda n: client.get(f"{base}/gallery?split=test&start={n}"),
        "gallery, host": lambda n: client.get(f"{base}/gallery?host=photos{n % 40}.example"),
        "gallery, worker": lambda n: client.get(f"{base}/gallery?worker=w{n}"),
        "picture": lambda n: client.get(f"{base}/picture/{some_id()}"),
        "picture, answers": lambda n: client.get(f"{base}/picture/{some_id()}/votes"),
        "thumbnail": lambda n: client.get(f"{base}/view/{some_id()}/160"),
        "classes": lambda n: client.get(f"{base}/classes"),
        "trail of a URL": lambda n: client.get(
            f"{base}/url",
            params={"trail": "1", "u": f"http://photos{(number := int(chance.integers(shown))) % 40}.example/{number}.jpg"},
        ),
        "trail of a row": lambda n: client.get(f"{base}/row/{chance.integers(1, shown)}"),
        "trail of an answer": lambda n: client.get(f"{base}/label?raw=abc{n}"),
        "suspects": lambda n: client.get(f"{base}/suspects"),
        "pairs": lambda n: client.get(f"{base}/pairs?start={n * 24}"),
        "pair": lambda n: client.get(f"{base}/pair/{2 * n:064x}/{2 * n + 1:064x}"),
        "written": lambda n: client.get(f"{base}/written"),
        "run": lambda n: client.get(f"{base}/run/state"),
    }
    _await_effects(client, base, keys, headers)
    print(f"{'page':<18}{'first':>8}{'p50':>8}{'p95':>8}{'CPU':>8}   ms (CPU: of the server, a request)")
    for name, ask in asked.items():
        times, spent = [], _read_cpu(pid)
        for number in range(rounds):
            began = time.monotonic()
            answer = ask(number)
            times.append(1000 * (time.monotonic() - began))
            if answer.status_code not in {200, 202}:
                print(f"{name}: HTTP {answer.status_code} {answer.text[:100]}")
                break
        print(
            f"{name:<18}{times[0]:>8.0f}{np.percentile(times[1:] or times, 50):>8.0f}{np.percentile(times[1:] or times, 95):>8.0f}"
            f"{1000 * (_read_cpu(pid) - spent) / len(times):>8.0f}",
            flush=True,
        )


def _await_effects(client: httpx.Client, base: str, keys: list[str], headers: dict[str, str]) -> None:
    """Until all other answers that a decision would change are known: found off the request, every answer is decided again."""
    waits = []
    for key in keys[-5:]:
        began = time.monotonic()
        told = {"key": key, "text": "new: Preview"}
        while client.post(f"{base}/queue/effects", json=told, headers=headers).status_code == 202:
            time.sleep(0.1)
        waits.append(time.monotonic() - began)
    print(f"other effects are known after {np.median(waits):.1f} s (longest {max(waits):.1f})")


def main() -> None:
    """Build (or take) the workspace, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=None, help="where the workspace is, or is made; else a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "dataset.toml"
        if not (folder / "work/tables/splits.parquet").exists():
            config = build_workspace(folder, options.pictures, options.answers)
        measure_pages(config, options.rounds)


if __name__ == "__main__":
    main()
