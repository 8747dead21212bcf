"""Where the CPU time of one fetch lane goes: a flame graph, and its shares by part.

    pip install py-spy
    python benchmarks/fetch_flame.py benchmarks/fetch_flame.svg [--images 6000]

A lane is one of the processes of ``run``: it fetches, judges and writes the photos of ``fetch_vs_img2dataset.py`` from a local nginx. py-spy looks
at it 400 times a second without stopping it, so that what is measured is what runs otherwise, caches and all; idle moments, imports and what
begins and ends a run are left out. In the graph a bar is a function, as wide as its share of the time, above what it calls; its colour
is the part that its time belongs to.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from fetch_vs_img2dataset import make_pictures, name_picture, run_lane, serve_nginx

#: Part → whether a stack (outermost frame first) belongs to it; the first that says so has it.
PARTS: Mapping[str, Callable[[Sequence[str]], bool]] = {
    "decoding: libjpeg-turbo and the hash of its pixels": lambda stack: stack[-1].startswith("_decode_jpeg"),
    "decoding: PNG, WebP, headers, pixels to Pillow and back": lambda stack: has(stack, "decode_picture"),
    "figures: quality": lambda stack: has(stack, "measure_quality"),
    "figures: fingerprint, signature, grey": lambda stack: has(stack, "_describe_picture"),
    "sha256 of the body, its facts": lambda stack: has(stack, "examine_body"),
    "Parquet: rows to columns": lambda stack: has(stack, "Row.table"),
    "Parquet: columns to the file": lambda stack: has(stack, "_write_group"),
    "Parquet: the file's hash, sync and name": lambda stack: has(stack, "_WorkItem"),
    "aiohttp": lambda stack: any(name in stack[-1] for name in ("aiohttp/", "yarl/", "multidict/")),
    "asyncio": lambda stack: "asyncio/" in stack[-1] or "selectors" in stack[-1],
    "logoingest: schedule, policy, checks, rows": lambda stack: "logoingest/" in stack[-1],
    "the rest": bool,
}

#: Where a lane's work begins in a stack: on its event loop, and in the thread that writes.
_BEGINNINGS = ("Handle._run ", "_WorkItem.run ")
_WIDTH, _ROW, _LEAST = 1200, 17, 0.002


def has(stack: Sequence[str], name: str) -> bool:
    """Whether a function of this name, or one whose qualified name has it, is in the stack."""
    return any(name in frame.partition(" (")[0] for frame in stack)


def read_stacks(raw: str) -> Counter[tuple[str, ...]]:
    """Samples by stack, outermost frame first, of py-spy's raw format: ``frame;frame;… count`` a line."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        stack = frames.split(";")
        begin = next((place for place, frame in enumerate(stack) if frame.startswith(_BEGINNINGS)), None)
        if begin is not None and not has(stack, "_find_and_load"):
            stacks[tuple(stack[begin:])] += int(count)
    return stacks


def find_part(stack: Sequence[str]) -> str:
    """The part a stack belongs to."""
    return next(name for name, belongs in PARTS.items() if belongs(stack))


def draw(stacks: Mapping[tuple[str, ...], int]) -> str:
    """The graph as SVG; what is narrower than ``_LEAST`` of it is left out."""
    total = sum(stacks.values())
    colours = {name: f"hsl({360 * place // len(PARTS)} 60% 75%)" for place, name in enumerate(PARTS)}
    bars = list(_lay_out(dict(stacks), 0, 0, total))
    top = 22 + 18 * len(PARTS)
    deepest = max(depth for _, depth, _, _ in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top + _ROW * (deepest + 1) + 4}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (name, colour) in enumerate(colours.items()):
        share = sum(count for stack, count in stacks.items() if find_part(stack) == name) / total
        lines.append(f'<rect x="4" y="{6 + 18 * place}" width="14" height="14" fill="{colour}"/>')
        lines.append(f'<text x="24" y="{17 + 18 * place}">{share:.1%} {escape(name)}</text>')
    for stack, depth, start, count in bars:
        x, width = start / total * _WIDTH, count / total * _WIDTH
        name = stack[-1].partition(" (")[0]
        shown = name if len(name) * 6.5 + 6 < width else name.rpartition(".")[2]
        title = f"<title>{escape(stack[-1])}: {count / total:.1%}</title>"
        box = f'x="{x:.1f}" y="{top + _ROW * depth}" width="{width:.1f}" height="{_ROW - 1}" fill="{colours[find_part(stack)]}"'
        lines.append(f'<rect {box} stroke="white">{title}</rect>')
        if len(shown) * 6.5 + 6 < width:
            lines.append(f'<text x="{x + 3:.1f}" y="{top + _ROW * depth + 12}" pointer-events="none">{escape(shown)}</text>')
    return "\n".join([*lines, "</svg>\n"])


def _lay_out(
    stacks: Mapping[tuple[str, ...], int], depth: int, start: int, total: int
) -> Iterator[tuple[tuple[str, ...], int, int, int]]:
    """(Stack, depth, samples before it, samples) of each bar, the widest first."""
    under: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
    for stack, count in stacks.items():
        if len(stack) > depth:
            under.setdefault(stack[: depth + 1], {})[stack] = count
    for head, those in sorted(under.items(), key=lambda entry: (-sum(entry[1].values()), entry[0])):
        count = sum(those.values())
        if count >= _LEAST * total:
            yield head, depth, start, count
            yield from _lay_out(those, depth + 1, start, total)
        start += count


def fetch(urls: Path, folder: Path) -> None:
    """What is looked at: one lane's work, with the collector as a lane has it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    asyncio.run(run_lane(urls.read_text().split(), folder))


def main() -> None:
    """Write the graph and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="the SVG to write")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--lane", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.lane:
        fetch(*options.lane)
        return
    recorder = shutil.which("py-spy") or sys.exit("py-spy is not on the PATH: pip install py-spy")
    with tempfile.TemporaryDirectory(prefix="fetch-flame-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pictures").mkdir()
        make_pictures(folder / "pictures", options.images)
        with serve_nginx(folder / "pictures", folder, https=False) as (base, _):
            urls = folder / "urls.txt"
            urls.write_text("".join(f"{base}/{name_picture(index)}\n" for index in range(options.images)))
            recording = [
                recorder,
                "record",
                "--nonblocking",
                "--function",
                "--rate",
                "400",
                "--format",
                "raw",
                "--output",
                str(folder / "raw"),
            ]
            looked_at = [sys.executable, __file__, str(options.graph), "--lane", str(urls), str(folder / "lane")]
            subprocess.run([*recording, "--", *looked_at], check=True, capture_output=True)
        stacks = read_stacks((folder / "raw").read_text())
    options.graph.write_text(draw(stacks))
    parts = Counter[str]()
    for stack, count in stacks.items():
        parts[find_part(stack)] += count
    print("| part of a lane | share of its CPU time |\n|---|---|")
    for part in PARTS:
        print(f"| {part} | {parts[part] / parts.total():.3f} |")
    print(f"{parts.total():,} samples; drawn: {options.graph}")


if __name__ == "__main__":
    main()
