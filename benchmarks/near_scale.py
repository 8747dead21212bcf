"""Near pictures of very large sets: CPU seconds and peak memory of one search, and of the same dealt into partitions.

    python benchmarks/near_scale.py [100000 200000] [--partitions 1,4]

Signatures alone, no pictures: blurred noise, as ``whole_route.py`` draws it, every twentieth the one before it, turned and a little darker. Noise is the
worst case: no two boxes of a k-d tree are far apart, so every pair is bounded by a product. Each line is a process of its own; the peak is the kernel's.
With partitions their signatures lie in shards, as the fetch leaves them, and are read from there.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from logoingest.images.alike.neighbours import Fingerprints, Limits, find_structured, iterate_near_pairs
from logoingest.images.alike.turns import TURNS, turn_squares
from logoingest.images.partitions.joining import find_partners, search_here
from logoingest.workspace import Workspace, shard_name

COPY_EVERY, SHARD_ROWS, SIDE = 20, 1_000, 32


def draw_signatures(count: int) -> NDArray[np.uint8]:
    """n x 1,024."""
    random = np.random.default_rng(count)
    axis = np.asarray(Image.fromarray(np.eye(8, dtype=np.float32)).resize((8, SIDE), Image.Resampling.BICUBIC))
    squares = np.empty((count, SIDE, SIDE), np.uint8)
    for start in range(0, count, SHARD_ROWS):
        grids = random.integers(0, 256, (min(SHARD_ROWS, count - start), 8, 8)).astype(np.float32)
        squares[start : start + len(grids)] = (axis @ grids @ axis.T).clip(0, 255)
    for number in range(COPY_EVERY - 1, count, COPY_EVERY):
        squares[number] = turn_squares(squares[number - 1], number // COPY_EVERY % len(TURNS)) * 0.9
    return squares.reshape(count, -1)


def write_shards(workspace: Workspace, count: int) -> pa.Table:
    """The signatures in shards, and what ``find_partners`` wants to know of the pictures."""
    signatures = draw_signatures(count)
    for start in range(0, count, SHARD_ROWS):
        part = signatures[start : start + SHARD_ROWS]
        column = pa.array([row.tobytes() for row in part], pa.binary())
        workspace.write_parquet(f"downloads/{shard_name(start // SHARD_ROWS)}", pa.table({"signature": column}))
    rows = np.arange(count)
    return pa.table(
        {
            "pixel_hash": [f"{row:064x}" for row in rows],
            "shard": [shard_name(row // SHARD_ROWS) for row in rows.tolist()],
            "shard_row": pa.array(rows % SHARD_ROWS, pa.int32()),
        }
    )


def search(count: int, partitions: int) -> None:
    """Search once, and print the row."""
    with tempfile.TemporaryDirectory() as folder:
        if partitions == 1:
            prints = Fingerprints.make(draw_signatures(count))
            started = time.process_time()
            structured = find_structured(prints.signatures)
            found = len(
                {row for pairs in iterate_near_pairs(prints, Limits(), structured) for row in (*pairs.first, *pairs.second)}
            )
        else:
            pictures = write_shards(Workspace(folder), count)
            started = time.process_time()
            found = len(find_partners(pictures, partitions, folder, search_here).rows)
        spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    cells = f"{count:,}", str(partitions), f"{found:,}", f"{spent:.1f}", f"{2e9 * spent / count**2:.2f}", f"{peak:,.0f}"
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[100_000, 200_000])
    parser.add_argument("--partitions", default="1,4")
    options = parser.parse_args()
    print("| pictures | partitions | with a near one | CPU s | ns a pair | MB |\n|---|---|---|---|---|---|", flush=True)
    for size in options.sizes:
        for partitions in options.partitions.split(","):
            subprocess.run([sys.executable, __file__, "--search", str(size), partitions], check=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--search", size, partitions]:
            search(int(size), int(partitions))
        case _:
            main()
