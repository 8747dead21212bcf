"""report.html: complete, small, harmless."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import pytest
from PIL import Image

from logoingest import load_config, run
from logoingest.pipeline import Run, plan
from logoingest.report.page import make_visible
from logoingest.report.thumbnails import draw_thumbnail


def test_the_report_says_what_happened(make_dataset):
    """Funnel, failures, classes, labels, queue, duplicates and workers of a small run."""
    dataset = make_dataset()
    run(load_config(dataset.config, environ={}))
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    for part in (
        "Where every source row went",
        "http_4xx",
        "private_address",
        "acme",
        "something nobody knows",
        "No baseline was trained",
    ):
        assert part in html
    assert html.count("data:image/jpeg;base64,") >= 32
    assert len(html.encode()) < 5_000_000


def test_the_report_escapes_every_strangers_word(make_dataset):
    """A label, a URL or a worker id that is markup stays text; nothing is loaded from outside, nothing is a script."""
    dataset = make_dataset(pictures=2)
    dataset.add_row("/acme/0.jpg", "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>')
    dataset.add_row("/<script>alert(3)</script>.jpg", "Acme", "w\u202e1")
    dataset.write()
    run(load_config(dataset.config, environ={}))
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "\u202e" not in html
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)


def test_thumbnails_are_upright_small_and_never_fail():
    """EXIF orientation is applied, transparency put on white, rubbish gives None."""
    image = Image.new("RGBA", (400, 100), (255, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    with Image.open(io.BytesIO(draw_thumbnail(buffer.getvalue(), 80))) as drawn:
        assert drawn.size == (20, 80)
        assert min(drawn.getpixel((10, 40))) > 250
    assert draw_thumbnail(b"rubbish", 80) is None


def test_invisible_text_is_made_visible():
    """Control and direction characters are shown as escapes, emptiness too, length is bounded."""
    assert make_visible("a\u202eb\x00") == "a\\u202eb\\u0000"
    assert make_visible("") == "(empty)"
    assert len(make_visible("x" * 1000)) == 161


def test_the_report_renders_in_a_browser(make_dataset, tmp_path):
    """Chromium draws it on a phone's width without a horizontal scroll bar or an error."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    dataset = make_dataset(pictures=3)
    run(load_config(dataset.config, environ={}))
    page = dataset.folder / "work/report.html"
    shot = tmp_path / "shot.png"
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=400,900",
        f"--screenshot={shot}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(shot) as drawn:
        assert drawn.size == (400, 900)
        assert len(drawn.convert("RGB").getcolors(400 * 900)) > 50


def test_the_report_shows_how_far_people_agree_and_who_does_not(make_dataset):
    """Skill with its interval, gold right, and alpha overall and by class; gold is read from the table the config names."""
    dataset = make_dataset()
    for number in range(8):
        for worker, label in (("w8", "Acme"), ("w9", "Bolt")):
            dataset.add_row(f"/acme/{number}.jpg", label, worker)
    dataset.write()
    url = dataset.site.url("/acme/0.jpg")
    (dataset.folder / "gold.csv").write_text(f"url,class\n{url},Acme\n", encoding="utf-8")
    config = load_config(dataset.config, {"samples.gold": "gold.csv"}, environ={})
    run(config)
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    for part in ("95 % interval", "gold right", "100 % of 1", "0 % of 1", "Krippendorff's alpha over", "(no label)"):
        assert part in html
    assert re.search(r"<td>acme</td><td class=\"n\">-?\d\.\d{3}</td>", html)


def test_other_gold_runs_the_samples_again(make_dataset):
    """The stage is stale when the gold table changes, and says so."""
    dataset = make_dataset(pictures=3)
    gold = dataset.folder / "gold.csv"
    gold.write_text("url,class\n", encoding="utf-8")
    config = load_config(dataset.config, {"samples.gold": "gold.csv"}, environ={})
    run(config)
    assert {facts["action"] for facts in plan(Run(config))["stages"] if facts["stage"] != "train"} == {"skip"}
    gold.write_text(f"url,class\n{dataset.site.url('/acme/0.jpg')},Acme\n", encoding="utf-8")
    found = {facts["stage"]: facts for facts in plan(Run(config))["stages"]}
    assert (found["samples"]["action"], found["samples"]["why"]) == ("run", "changed: gold")
    assert found["labels"]["action"] == "skip"
