"""Show pictures in Chromium, and count those that it shows in another size, or otherwise, than we do.

    apt-get install chromium
    python benchmarks/pictures_in_browsers.py FOLDER … [--browser chromium] [--most 0]

Each picture of the folders is handed to a page as a blob (no request is made), and measured there: ``naturalWidth``, ``naturalHeight``, and what
``drawImage`` leaves of it on a white canvas of 4 x 4. ``image-orientation`` is ``from-image``, as by default. Ours is ``load_picture``; what
either side refuses is counted apart: TIFF, Targa and PPM are shown by no Chromium. Exit code 1 when more than ``--most`` differ.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from logoingest.pictures.loading import load_picture

CELLS = 4
LARGEST_BYTES = 4_000_000
#: So small, scalers differ by some twenty levels of 255 in the mean; a picture turned otherwise differs by far more.
MOST_LEVELS = 30.0
_PAGE = """<!doctype html><meta charset="utf-8"><pre id="found"></pre><script>
const pictures = PICTURES;
function unpack(text) { return Uint8Array.from(atob(text), letter => letter.charCodeAt(0)); }
function measure(text) { return new Promise(done => {
  const image = new Image();
  image.onerror = () => done(null);
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = CELLS;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white"; pen.fillRect(0, 0, CELLS, CELLS); pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, CELLS, CELLS);
    const pixels = Array.from(pen.getImageData(0, 0, CELLS, CELLS).data).filter((_, index) => index % 4 != 3);
    done({width: image.naturalWidth, height: image.naturalHeight, pixels: pixels});
  };
  image.src = URL.createObjectURL(new Blob([unpack(text)]));
}); }
(async () => {
  const found = {};
  for (const name of Object.keys(pictures)) found[name] = await measure(pictures[name]);
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


def show_in_browser(files: list[Path], browser: str) -> dict[str, dict[str, Any] | None]:
    """File → what the browser shows of it; None where it shows nothing."""
    pictures = {str(file): base64.b64encode(file.read_bytes()).decode() for file in files}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_PAGE.replace("PICTURES", json.dumps(pictures)).replace("CELLS", str(CELLS)))
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
            "--virtual-time-budget=60000",
        ]
        run = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=300, check=True)
    found: dict[str, dict[str, Any] | None] = json.loads(
        html.unescape(re.findall(r'<pre id="found">(.*?)</pre>', run.stdout, re.DOTALL)[0])
    )
    return found


def compare_picture(file: Path, shown: dict[str, Any] | None) -> tuple[str, str]:
    """(same, differs, refused by …; in what)."""
    try:
        picture = load_picture(file.read_bytes())
    except ValueError as error:
        return ("refused by both" if shown is None else "refused by us"), str(error)
    if shown is None:
        return "refused by the browser", ""
    if picture.size != (shown["width"], shown["height"]):
        return "differs", f"{shown['width']} x {shown['height']} in the browser, {picture.width} x {picture.height} here"
    ours = np.asarray(picture.resize((CELLS, CELLS), Image.Resampling.BOX)).reshape(-1).astype(int)
    distance = np.abs(ours - np.array(shown["pixels"])).mean()
    return ("differs" if distance > MOST_LEVELS else "same"), f"{distance:.0f} levels away"


def main() -> int:
    """Print every picture that differs, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--most", type=int, default=0)
    arguments = parser.parse_args()
    files = [file for folder in arguments.folders for file in sorted(folder.iterdir()) if 0 < file.stat().st_size <= LARGEST_BYTES]
    shown = show_in_browser(files, arguments.browser)
    counts: Counter[str] = Counter()
    for file in files:
        outcome, detail = compare_picture(file, shown[str(file)])
        counts[outcome] += 1
        if outcome in {"differs", "refused by us"}:
            print(f"{outcome:<16} {file.name}: {detail}")
    print(", ".join(f"{outcome} {count}" for outcome, count in counts.most_common()))
    return 1 if counts["differs"] > arguments.most else 0


if __name__ == "__main__":
    sys.exit(main())
