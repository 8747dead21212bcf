"""Write the words that British and American English spell differently ("grey gray"), for ``text/two_spellings.py``.

The folder is ``breame/data`` of the package breame (Apache-2.0). Left out are pairs that are slips of that list or mean two things.

    pip download --no-deps breame==0.1.2 && tar xzf breame-0.1.2.tar.gz
    python benchmarks/labels_spelling_pairs.py breame-0.1.2/breame/data --out src/logoingest/labels/text/two_spellings.txt.gz
"""

from __future__ import annotations

import argparse
import gzip
import runpy
from pathlib import Path

LEFT_OUT = {
    "bevvies", "bevvy", "groyne", "groynes", "philtre", "philtres", "pummelled", "pummelling", "snowploughs", "tonne", "tonnes", "tranquilly",
}  # fmt: skip


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pairs = runpy.run_path(str(options.folder / "spelling_constants.py"))["BRITISH_ENGLISH_SPELLINGS"]
    kept = sorted(f"{british} {american}\n" for british, american in pairs.items() if british not in LEFT_OUT)
    options.out.write_bytes(gzip.compress("".join(kept).encode(), 9, mtime=0))
    print(f"{len(kept):,} of {len(pairs):,} pairs, {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
