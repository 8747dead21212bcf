"""report.html: complete, small, harmless."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from logoingest import load_config, run
from logoingest.pipeline import Run, plan
from logoingest.report.environment import load_script
from logoingest.report.escapes import make_visible
from logoingest.report.thumbnails import draw_thumbnail
from logoingest.schemas import AgainstRow
from logoingest.workspace import Workspace


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
    assert html.count("<script") == html.count(f"<script>{load_script()[0]}</script>") == 1
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "\u202e" not in html
    assert not re.search(r"<(?!a )[^>]*\s(src|href)=\"(?!data:|#)", html)  # nothing is loaded from outside
    assert not re.search(r"<a [^>]*href=\"(?!#|https?://[^\"]*\" rel=\"noreferrer)", html)


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
    assert make_visible("a\u202eb\x00") == "a\\u202eb\\x00"
    assert make_visible("") == "(empty)"
    assert len(make_visible("x" * 1000)) == 161


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
    assert re.search(r"<th scope=\"row\">acme</th><td class=\"n\">-?\d\.\d{3}</td>", html)


def test_other_gold_runs_the_samples_again(make_dataset):
    """The stage is stale when the gold table changes, and says so."""
    dataset = make_dataset(pictures=3)
    gold = dataset.folder / "gold.csv"
    gold.write_text("url,class\n", encoding="utf-8")
    config = load_config(dataset.config, {"samples.gold": "gold.csv"}, environ={})
    run(config)
    assert {stage.action for stage in plan(Run(config)).stages if stage.stage != "train"} == {"skip"}
    gold.write_text(f"url,class\n{dataset.site.url('/acme/0.jpg')},Acme\n", encoding="utf-8")
    found = {stage.stage: stage for stage in plan(Run(config)).stages}
    assert (found["samples"].action, found["samples"].why) == ("run", "changed: gold")
    assert found["labels"].action == "skip"


def read_changes(dataset) -> str:
    """The words of the page of changes."""
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    start = html.index('id="changes" open')
    return " ".join(re.sub(r"<[^>]*>", " ", html[start : html.index('<details class="page"', start)]).split())


def test_the_report_shows_what_changed_since_the_last_release(make_dataset):
    """The first release has nothing to show; after an alias is added, exactly the relabelled picture, with its thumbnail."""
    dataset = make_dataset(pictures=4)
    path = dataset.add_picture("acme", 700, votes=1)
    dataset.add_row(path, "gadget", "w8")
    dataset.add_row(path, "gadget", "w9")
    dataset.write()
    config = load_config(dataset.config, {"samples.method": "majority", "samples.min_confidence": 0.5}, environ={})
    run(config)
    assert "This is the first release." in read_changes(dataset)
    class_map = dataset.folder / "map.toml"
    class_map.write_text(class_map.read_text().replace('name = "Bolt"', 'name = "Bolt"\naliases = ["gadget"]'))
    run(config)
    words = read_changes(dataset)
    assert "v1 → v2. No picture changed its split." in words
    assert "0 added 0 removed 1 relabelled 0 moved" in words
    assert "acme bolt 1" in words
    assert "acme → bolt" in words
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    assert re.search(r'<img alt="acme became bolt" data-picture="[0-9a-f]{64}" src="data:image/jpeg;base64,', html)
    assert "1 picture changed class since v1" in html


def test_pictures_that_moved_are_the_first_thing_to_look_at(make_dataset):
    """Which happens only to who asks for it."""
    dataset = make_dataset(pictures=8)
    run(load_config(dataset.config, environ={}))
    run(load_config(dataset.config, {"splits.keep_previous": False, "splits.seed": 5}, environ={}))
    words = read_changes(dataset)
    assert "pictures changed their split: a model tested on the one was trained on the other." in words
    assert "Moved pictures" in words
    html = (dataset.folder / "work/report.html").read_text(encoding="utf-8")
    assert re.search(r'<a href="#changes" class="bad">\d+ pictures changed split since v1</a>', html)


@pytest.mark.slow
def test_an_earlier_release_that_somebody_broke_costs_no_report(make_dataset):
    dataset = make_dataset(pictures=4)
    run(load_config(dataset.config, environ={}))
    run(load_config(dataset.config, {"dataset.description": "another"}, environ={}))
    assert "v1 → v2. The same pictures, classes and splits." in read_changes(dataset)
    for file in (dataset.folder / "work/releases/v1/data").iterdir():
        file.unlink()
        file.write_bytes(b"broken")
    run(load_config(dataset.config, {"report.thumbnail_side_px": 64, "dataset.description": "another"}, environ={}))
    assert "The earlier release could not be compared" in read_changes(dataset)


def test_tables_that_a_command_makes_run_the_report_again(make_dataset):
    """A table of leaks that is there now, and was not, is a reason; the rest stays as it is."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config, environ={})
    run(config)
    assert {stage.action for stage in plan(Run(config)).stages if stage.stage != "train"} == {"skip"}
    Workspace(config.workspace_url).write_table("against", AgainstRow.empty_table())
    found = {stage.stage: stage for stage in plan(Run(config)).stages}
    assert (found["report"].action, found["report"].why) == ("run", "changed: tables/against.parquet")
    assert found["release"].action == "skip"
