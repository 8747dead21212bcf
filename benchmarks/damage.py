"""Damage real JPEG files on purpose and count who notices: Pillow, OpenCV and logoingest; then how many whole files are flagged.

    pip install opencv-python-headless          # a column stays empty without it
    python benchmarks/damage.py ../shared/data/flickrlogos27/images [--mutants 4000] [--seed 0]

Every mutant is one file of the folder with one thing wrong, at a random place after the first two bytes:

- flipped: 1 to 8 bytes get another value (``--most-flips``)
- deleted, doubled, zeroed: a run of 1 to 256 bytes is missing, there twice, or all zero (``--longest-run``)
- truncated: the file ends after 5 % to 99.9 % of its bytes

Noticed means: Pillow's full decode raises, OpenCV's ``imdecode`` gives nothing, ``inspect_image`` gives an ``image_reason`` or sets
``damaged``. The last column says how many mutants still hold exactly the pixels of the file they were made from (by Pillow, full
scale): a byte of a comment or thumbnail was hit, and nobody needs to notice. No mutant has been looked at when anything was chosen.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from logoingest.images import inspect_image

try:
    import cv2
except ImportError:
    cv2 = None  # type: ignore[assignment]


def flip_bytes(data: bytes, rng: random.Random, most: int) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, most)):
        changed[rng.randrange(2, len(data))] ^= rng.randint(1, 255)
    return bytes(changed)


def delete_run(data: bytes, rng: random.Random, longest: int) -> bytes:
    start, end = _choose_run(data, rng, longest)
    return data[:start] + data[end:]


def double_run(data: bytes, rng: random.Random, longest: int) -> bytes:
    start, end = _choose_run(data, rng, longest)
    return data[:end] + data[start:]


def zero_run(data: bytes, rng: random.Random, longest: int) -> bytes:
    start, end = _choose_run(data, rng, longest)
    return data[:start] + bytes(end - start) + data[end:]


def truncate(data: bytes, rng: random.Random, _: int) -> bytes:
    return data[: int(len(data) * rng.uniform(0.05, 0.999))]


def _choose_run(data: bytes, rng: random.Random, longest: int) -> tuple[int, int]:
    start = rng.randrange(2, len(data))
    return start, min(len(data), start + rng.randint(1, longest))


KINDS: dict[str, Callable[[bytes, random.Random, int], bytes]] = {
    "flipped": flip_bytes,
    "deleted": delete_run,
    "doubled": double_run,
    "zeroed": zero_run,
    "truncated": truncate,
}


def is_refused_by_pillow(data: bytes) -> bool:
    return _decode(data) is None


def is_refused_by_opencv(data: bytes) -> bool:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None


def is_noticed_by_us(data: bytes) -> bool:
    facts = inspect_image(data)
    return bool(facts["image_reason"] or facts["damaged"])


def _decode(data: bytes) -> bytes | None:
    """The picture's pixels by Pillow, at full scale; None if it refuses them."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGB").tobytes()
    except Exception:  # noqa: BLE001  whatever it raises, it has noticed
        return None


@contextlib.contextmanager
def hush() -> Iterator[None]:
    """OpenCV's libjpeg writes its warnings to the terminal, where nobody who reads thousands of files sees them."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def damage_photos(
    files: list[Path], mutants: int, seed: int, most_flips: int, longest_run: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """(kind, original, mutant), the kinds in turn; the same for the same files and seed."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    for number in range(mutants):
        data = rng.choice(files).read_bytes()
        kind = kinds[number % len(kinds)]
        mutant = data
        while mutant == data:  # zeros that were zeros already
            mutant = KINDS[kind](data, rng, most_flips if kind == "flipped" else longest_run)
        yield kind, data, mutant


def main() -> int:
    """Print a row for each kind of damage; exit 1 if less is noticed than asked, or more whole files are flagged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="JPEG photos, known to be whole")
    parser.add_argument("--mutants", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-flips", type=int, default=8)
    parser.add_argument("--longest-run", type=int, default=256)
    parser.add_argument("--least", type=float, default=0.6, help="the share of mutants to be noticed, else the exit code is 1")
    options = parser.parse_args()
    files = sorted(file for file in options.folder.rglob("*") if file.is_file() and file.read_bytes()[:3] == b"\xff\xd8\xff")
    if not files:
        print(f"{options.folder} holds no JPEG files", file=sys.stderr)
        return 2
    if cv2 is None:
        print("OpenCV is not installed: its column stays empty (pip install opencv-python-headless)", file=sys.stderr)
    judges = {"Pillow": is_refused_by_pillow, "OpenCV": is_refused_by_opencv, "logoingest": is_noticed_by_us}
    if cv2 is None:
        del judges["OpenCV"]
    made: Counter[str] = Counter()
    same: Counter[str] = Counter()
    noticed: Counter[tuple[str, str]] = Counter()
    seconds: Counter[str] = Counter()
    needless = 0
    with hush():
        for kind, original, mutant in damage_photos(files, options.mutants, options.seed, options.most_flips, options.longest_run):
            made[kind] += 1
            verdicts = {}
            for name, judge in judges.items():
                start = time.process_time_ns()
                verdicts[name] = judge(mutant)
                seconds[name] += time.process_time_ns() - start
                noticed[name, kind] += verdicts[name]
            is_same = _decode(mutant) == _decode(original)
            same[kind] += is_same
            needless += is_same and verdicts["logoingest"]
        flagged = {name: sum(judge(file.read_bytes()) for file in files) for name, judge in judges.items()}
    show(made, same, noticed)
    total = sum(made.values())
    changed = total - sum(same.values())
    share = sum(noticed["logoingest", kind] for kind in made) / total
    print(
        f"\nof the {changed:,} mutants with other pixels logoingest notices {(share * total - needless) / changed:.1%}; "
        f"{needless} of the {total - changed} with the same pixels are noticed, too"
    )
    print("whole files flagged: " + ", ".join(f"{name} {count} of {len(files):,}" for name, count in flagged.items()))
    print("ms of CPU per file: " + ", ".join(f"{name} {spent / total / 1e6:.2f}" for name, spent in seconds.items()))
    return 0 if share >= options.least and flagged["logoingest"] <= 0.01 * len(files) else 1


def show(made: Counter[str], same: Counter[str], noticed: Counter[tuple[str, str]]) -> None:
    """The table, in Markdown."""
    judges = list(dict.fromkeys(name for name, _ in noticed))
    print(f"| damage | mutants | {' | '.join(judges)} | same pixels |\n|---|---|{'---|' * len(judges)}---|")
    for kind in (*made, "all"):
        kinds = list(made) if kind == "all" else [kind]
        count = sum(made[one] for one in kinds)
        shares = " | ".join(f"{sum(noticed[name, one] for one in kinds) / count:.1%}" for name in judges)
        print(f"| {kind} | {count:,} | {shares} | {sum(same[one] for one in kinds) / count:.1%} |")


if __name__ == "__main__":
    sys.exit(main())
