"""Decisions a minute: the open answers of a workspace decided by scripted keys in a browser, at a terminal and in a spreadsheet.

    python -m logoingest run examples/flickrlogos27/dataset.toml … --set labels.crowd=propose --set train.enabled=false
    python benchmarks/review_decisions.py examples/flickrlogos27/dataset.toml --class-map label_maps/flickrlogos27.toml --set …

The script reads what is shown and decides alike everywhere: the first candidate where it has .60 or more, else drop. Printed are keys, and
the seconds until the whole queue is decided and written: what the program takes, nobody thinks meanwhile. The three class maps must be equal.
"Shown after" is what a person waits for: from a key to the next decision on the screen (in the browser: its first frame).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import pty
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

_FROM = 0.6
#: What an average typist takes for a key, nothing to think about (Card, Moran and Newell, 1980: the keystroke-level model).
_KEY_S = 0.2
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
#: Waits for another card than the one that was, in the page itself, and says which class stands first.
_NEXT = """key => new Promise((resolve) => {
  const look = () => {
    const article = document.querySelector("#card article");
    if ((article?.dataset.key ?? null) === key || busy) setTimeout(look, 2);
    else resolve([article?.dataset.key ?? null, article?.querySelector(".candidate .score")?.textContent ?? null]);
  };
  look();
})"""
#: Keeps how long each key waited for the first frame of what it led to.
_LISTEN = """() => {
  window.waits = [];
  document.addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
  new MutationObserver(() => requestAnimationFrame(() => {
    if (window.pressed) waits.push(performance.now() - window.pressed);
    window.pressed = 0;
  })).observe(document.getElementById("card"), { childList: true });
}"""
_SHOWN = re.compile(r"^  1    .*  ([01]\.\d\d)  ", re.MULTILINE)


class Worked(NamedTuple):
    """How a queue was worked through."""

    decisions: int
    keys: int
    seconds: float
    """For all of it, from the program's start to the map that is written."""
    ready_s: float
    """Of those, until the first decision could be made."""
    decided_s: float
    """Until the last one was; then they are written."""
    waits_ms: Sequence[float] = ()
    """From each key until the next decision was shown."""


def work_in_browser(command: Sequence[str]) -> Worked:
    """The pages, in chromium."""
    from playwright.sync_api import sync_playwright

    began, decisions = time.monotonic(), 0
    server = subprocess.Popen([*_program("web"), *command, "--by", "Ada", "--json", "--quiet"], stdout=subprocess.PIPE, text=True)
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page()
            page.on("dialog", lambda dialog: dialog.accept())
            page.goto(json.loads(server.stdout.readline())["link"])  # type: ignore[union-attr]
            page.wait_for_selector("#card article", timeout=120_000)
            page.goto(page.url.partition("/queue")[0] + "/queue?kind=answers")
            page.wait_for_selector("#card article")
            ready_s = time.monotonic() - began
            page.evaluate(_LISTEN)
            key, score = page.evaluate(_NEXT, "")
            while key:
                page.keyboard.press("1" if score and float(score) >= _FROM else "d")
                key, score = page.evaluate(_NEXT, key)
                decisions += 1
            waits_ms = page.evaluate("waits")
            decided_s = time.monotonic() - began
            page.keyboard.press("q")
            page.wait_for_selector("#card h2:has-text('Written')", timeout=120_000)
            seconds = time.monotonic() - began
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
    return Worked(
        decisions, decisions + 2, seconds, ready_s, decided_s, waits_ms
    )  # q, and Enter where it asks whether that is meant


def work_at_terminal(command: Sequence[str]) -> Worked:
    """``labels review``, on a terminal of its own."""
    began, decisions, ready_s = time.monotonic(), 0, 0.0
    pressed: list[float] = []
    waits_ms: list[float] = []
    child, screen = pty.fork()
    if not child:
        words = [*_program("labels", "review"), *command, "--by", "Ada", "--limit", "100000"]
        os.execv(words[0], words)
    shown = ""
    while True:
        shown += _read_screen(screen)
        if not shown.endswith("] "):
            continue
        ready_s = ready_s or time.monotonic() - began
        waits_ms += [1000 * (time.monotonic() - at) for at in pressed]
        plain = _ESCAPES.sub("", shown).replace("\r", "").rpartition(" left · ")
        if "Nothing is left to decide" in plain[2] or not plain[1]:
            break
        found = _SHOWN.search(plain[2])
        pressed = [time.monotonic()]
        os.write(screen, b"1" if found and float(found[1]) >= _FROM else b"d")
        decisions, shown = decisions + 1, ""
    decided_s = time.monotonic() - began
    os.write(screen, b"q")
    while _read_screen(screen):
        pass
    os.waitpid(child, 0)
    return Worked(decisions, decisions + 1, time.monotonic() - began, ready_s, decided_s, waits_ms)


def _read_screen(screen: int) -> str:
    try:
        return os.read(screen, 1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""


def work_in_sheet(command: Sequence[str]) -> Worked:
    """A spreadsheet's cells: the decision and Enter, a row a cluster, the spellings' rows hidden."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "review.csv")
        subprocess.run(
            [*_program("labels", "review"), *command, "--export", str(sheet), "--quiet"], check=True, stdout=subprocess.DEVNULL
        )
        ready_s = time.monotonic() - began
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = list(reader.fieldnames or ()), list(reader)
        keys = decisions = 0
        whole = {row["cluster"] for row in rows if row["row"] == "cluster"}
        for row in rows:
            if row["row"] == "cluster" or (row["row"] == "label" and row["cluster"] not in whole):
                score = re.match(r"1: .*? ([01]\.\d\d) \(", row["why"])
                row["decision"] = "1" if score and float(score[1]) >= _FROM else "drop"
                decisions, keys = decisions + 1, keys + len(row["decision"]) + 1
        with sheet.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        decided_s = time.monotonic() - began
        words = [*_program("labels", "review"), *command, "--by", "Ada", "--apply", str(sheet), "--quiet"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return Worked(decisions, keys, time.monotonic() - began, ready_s, decided_s)


def _program(*words: str) -> list[str]:
    return [sys.executable, "-m", "logoingest", *words]


def main() -> None:
    """Work through the queue three times, each from the same map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("--class-map", type=Path, required=True, help="to begin with; it is copied, and not changed")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    ways: dict[str, Callable[[Sequence[str]], Worked]] = {
        "browser": work_in_browser,
        "terminal": work_at_terminal,
        "sheet": work_in_sheet,
    }
    maps = {}
    print(
        f"{'':<10}{'decisions':>10}{'keys':>6}{'ready s':>9}{'deciding s':>12}{'writing s':>11}{'all s':>8}{'a minute, once ready':>22}{'in all':>8}{'at .2 s a key':>15}"
        f"{'shown after ms, p50':>21}{'longest':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, work in ways.items():
            copy = shutil.copy(options.class_map, Path(folder, "map.toml"))
            settings = [word for setting in [*options.set, f"labels.class_map={copy}"] for word in ("--set", setting)]
            worked = work([options.config, *settings])
            maps[name] = Path(copy).read_bytes()
            ready_s, decided_s, seconds = worked.ready_s, worked.decided_s, worked.seconds
            print(
                f"{name:<10}{worked.decisions:>10}{worked.keys:>6}{ready_s:>9.1f}{decided_s - ready_s:>12.2f}{seconds - decided_s:>11.1f}"
                f"{seconds:>8.1f}{60 * worked.decisions / (seconds - ready_s):>22.0f}{60 * worked.decisions / seconds:>8.0f}"
                f"{60 * worked.decisions / (seconds + _KEY_S * worked.keys):>15.0f}"
                f"{statistics.median(worked.waits_ms or [math.nan]):>21.0f}{max(worked.waits_ms, default=math.nan):>9.0f}",
                flush=True,
            )
    print("the class maps are equal" if len(set(maps.values())) == 1 else "THE CLASS MAPS DIFFER")


if __name__ == "__main__":
    main()
