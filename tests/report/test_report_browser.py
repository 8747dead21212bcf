"""report.html as a browser draws it: on a phone and on a desk, light and dark, on paper; without a browser its colours alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from importlib import resources
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from logoingest import load_config, run
from logoingest.report import render_report

#: A page around the report: a browser without a window is never narrower than 500 px, a frame is.
_FRAME = """<!DOCTYPE html><body><iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe><script>
onload = () => {{
  const view = document.querySelector("iframe").contentWindow, inside = view.document;
  const out = [...inside.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > view.innerWidth + 1 &&
      !e.closest(".wide, nav, .skip, svg, thead")).slice(0, 5).map(e => e.tagName + "." + e.className);
  document.body.dataset.measured = `${{inside.documentElement.scrollWidth}} of ${{view.innerWidth}}; ${{out.join(" ")}}`;
}};
</script>"""


@pytest.fixture
def browse(tmp_path):
    """``browse(file, width, *options)`` runs headless Chromium on a file and gives what it printed."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")

    def open_page(page: Path, width: int, *options: str) -> str:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},900",
            f"--user-data-dir={tmp_path / 'browser'}", *options, page.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, check=True, capture_output=True, timeout=200)
        return done.stdout.decode()

    return open_page


@pytest.fixture
def crowded(make_workspace, tmp_path):
    """A page with everything on it that could stick out: long words, long names and addresses, many splits, plots."""
    shares = {"train": 0.5, "validation": 0.1, "test": 0.1, "a_split_with_a_rather_long_name": 0.1, "e": 0.1, "f": 0.1}
    names = [f"{'unbreakable' * 4}-{number}" for number in range(60)]
    made = make_workspace(240, names=names, shares=shares, host="http://" + "very-long-host-name." * 4 + "example")
    for number in range(0, 60, 6):
        made.groups[number : number + 6] = [made.groups[number]] * 6
    made.urls[100] = [f"http://a.example/{'x' * 200}{number}" for number in range(5)]
    made.flags[:10], made.figures["brightness"][:10] = [["dark"]] * 10, 0.05
    made.labels += [{"raw_label": "W" * 300 + str(n), "class_ids": [], "decision": "unknown", "rule": "none"} for n in range(5)]
    made.failed = [{"url": "http://b.example/" + "y" * 300, "reason": "private_address", "detail": "z" * 300}]
    made.rejected = [{"annotation_id": "r", "stage": "samples", "reason": "assignment_rejected", "detail": "t" * 300}]
    made.write()
    page = tmp_path / "page.html"
    page.write_text(render_report(made.workspace, made.config, made.rejected_table), encoding="utf-8")
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_has_no_horizontal_scroll_bar(browse, crowded, width):
    """Only tables and the navigation scroll, in themselves; nothing else reaches beyond the right edge."""
    frame = crowded.with_name("frame.html")
    frame.write_text(_FRAME.format(width=width, page=escape(crowded.read_text(encoding="utf-8"))), encoding="utf-8")
    measured = re.search(r'data-measured="([^"]*)"', browse(frame, 1400, "--dump-dom"))
    assert measured is not None
    assert measured[1].strip() == f"{width} of {width};"


@pytest.mark.slow
def test_the_policy_refuses_any_script(browse, crowded):
    """Should one ever get in: a copy that holds one is drawn without running it; without the policy it would run."""
    script = "<script>document.documentElement.dataset.ran = 'yes'</script></body>"
    html = crowded.read_text(encoding="utf-8").replace("</body>", script)
    crowded.write_text(html, encoding="utf-8")
    assert "data-ran" not in browse(crowded, 800, "--dump-dom")
    crowded.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), encoding="utf-8")
    assert 'data-ran="yes"' in browse(crowded, 800, "--dump-dom")


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "paper"), [(0, (21, 25, 34)), (1, (255, 255, 255))])
def test_the_report_of_a_run_renders_light_and_dark(browse, make_dataset, tmp_path, scheme, paper):
    """A real run's page, on a phone."""
    dataset = make_dataset(pictures=3)
    run(load_config(dataset.config, environ={}))
    shot = tmp_path / "shot.png"
    browse(dataset.folder / "work/report.html", 400, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}")
    with Image.open(shot) as drawn:
        assert drawn.size == (400, 900)
        colours = drawn.convert("RGB").getcolors(400 * 900)
    assert max(colours)[1] == paper
    assert len(colours) > 50


@pytest.mark.slow
def test_folded_parts_are_printed(browse, crowded, tmp_path):
    """Paper cannot be unfolded: a page printed whole is longer than one whose folds are empty."""
    whole, cut = tmp_path / "whole.pdf", tmp_path / "cut.pdf"
    browse(crowded, 1280, f"--print-to-pdf={whole}")
    html = crowded.read_text(encoding="utf-8")
    folds = re.compile(r'(<details class="fold">).*?(</details>)', re.DOTALL)
    assert folds.search(html)
    crowded.write_text(folds.sub(r"\1\2", html), encoding="utf-8")
    browse(crowded, 1280, f"--print-to-pdf={cut}")
    assert whole.stat().st_size > cut.stat().st_size + 1_000


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_in_both_schemes():
    """WCAG 2.2 AA: 4.5 for words, 3 for the colours of bars."""
    style = resources.files("logoingest.report").joinpath("templates/style.css").read_text()
    schemes = [dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root \{([^}]*)\}", style)]
    assert len(schemes) == 2
    for scheme in schemes:
        for word, ground in product(("ink", "soft", "blue", "green", "amber", "red"), ("paper", "wash")):
            assert _contrast(scheme[word], scheme[ground]) >= 4.5, (word, ground)
        for number in range(8):
            assert _contrast(scheme[f"s{number}"], scheme["paper"]) >= 3, number
