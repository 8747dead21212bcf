"""The pages of the report, each over a workspace whose tables say exactly what it must show."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.networks.safeguards import make_safeguard_folder
from logoingest.config import SplitsConfig
from logoingest.images.looking.quality import FLAGS, raise_flags
from logoingest.report import render_report, thumbnails
from logoingest.report.environment import load_script
from logoingest.report.escapes import find_link, quote_css
from logoingest.report.material import find_places, read_material
from logoingest.report.pages.pictures import gather_pictures
from logoingest.report.pages.quality import RULES, mark_pictures, measure_figures
from logoingest.report.pages.splits import count_classes
from logoingest.schemas import AgainstRow, ConflictRow, CopyRow, DownloadRow, PlaceholderRow
from logoingest.strangers.userinfo import drop_userinfo


def render(made) -> str:
    made.write()
    return render_report(made.workspace, made.config, made.rejected_table)


def cut_page(html: str, page: str) -> str:
    """One page of the report."""
    start = html.index(f'<details class="page" id="{page}"')
    end = html.find('<details class="page"', start + 1)
    return html[start : end if end > 0 else None]


def flatten(html: str) -> str:
    """The words of a piece of HTML."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_duplicates_stand_side_by_side_with_class_split_and_distance(make_workspace):
    """The group in conflict comes before a larger one; its odd class is marked; a member nobody released says why."""
    made = make_workspace(24, 3)
    made.groups[1] = made.groups[2] = made.groups[0]
    made.groups[5] = made.groups[4]
    evidence = {"kind": "cropped", "transformation": "mirrored, cropped to 80% x 75%", "overlap": 0.6, "residual": 0.02}
    first, second = sorted((made.ids[4], made.ids[5]))
    made.workspace.write_table("copies", CopyRow.table([{"image_id": first, "other_id": second, **evidence}]))
    for row in (0, 1, 2):
        made.split_of[row], made.class_of[row] = "train", "class-0"
    made.split_of[4] = made.split_of[5] = "test"
    html = cut_page(render(made), "duplicates")
    assert "2 groups of near-duplicates hold 5 pictures; of several classes: 1." in flatten(html)
    groups = html.split('<div class="group')[1:]
    assert "2 classes" in groups[1]
    words = flatten(groups[1])
    assert "class-1 , test 200×100, the first" in words
    assert "class-2 , test 200×100, cropped, mirrored, cropped to 80% x 75% (60% shared, r 0.980)" in words
    assert groups[1].count("data:image/jpeg;base64,") == 2
    assert "3 pictures" in groups[2]


def test_a_group_that_crosses_splits_is_the_first_thing_to_look_at(make_workspace):
    made = make_workspace(24, 3)
    made.groups[1] = made.groups[0]
    made.split_of[:2] = ["train", "test"]
    html = render(made)
    assert '<a href="#duplicates" class="bad">1 group of near-duplicates crosses splits</a>' in html
    assert "1 cross splits" in flatten(cut_page(html, "duplicates"))


def test_a_file_at_several_urls_is_shown_with_them(make_workspace):
    made = make_workspace(12, 3)
    made.urls[3] = ["http://a.example/1.jpg", "http://b.example/2.jpg", "http://c.example/3.jpg"]
    words = flatten(cut_page(render(made), "duplicates"))
    assert "1 file was served at more than one URL (3 URLs)" in words
    assert "3 URLs , class-0" in words
    assert "http://b.example/2.jpg" in words


def test_conflicts_and_leaks_are_shown_where_their_tables_are(make_workspace):
    """Both are tables of their own; with neither the page says nothing of them."""
    made = make_workspace(12, 3)
    quiet = cut_page(render(made), "duplicates")
    assert "Conflicts" not in quiet
    assert "another dataset" not in quiet
    conflict = {
        "kind": "near", "group_id": "gone", "image_ids": made.ids[:2], "class_ids": ["class-0", "<b>class-1"], "votes": [3, 2],
        "detail": "3 against 2",
    }  # fmt: skip
    made.workspace.write_table("conflicts", ConflictRow.table([conflict]))
    alike = {
        "other": "older",
        "other_name": "x.jpg",
        "other_split": "test",
        "other_sha256": "ab",
        "kind": "near",
        "transformation": "as it is",
    }
    pairs = [
        {**alike, "image_id": made.ids[3], "split": "train", "distance": 3, "correlation": 0.98, "leak": False},
        {**alike, "image_id": made.ids[4], "split": "train", "distance": 9, "correlation": 0.91, "leak": True},
    ]
    made.workspace.write_table("against", AgainstRow.table(pairs))
    html = render_report(made.workspace, made.config, made.rejected_table)
    page = cut_page(html, "duplicates")
    assert "class-0 3 / &lt;b&gt;class-1 2" in page
    assert page.count("data:image/jpeg;base64,") == 4
    assert "2 of our pictures are in another dataset as well; 1 leak" in flatten(page)
    assert page.index("0.91") < page.index("0.98")
    assert '<a href="#duplicates" class="bad">1 picture leaks towards another dataset</a>' in html


# -- placeholders ------------------------------------------------------------------------------------------------------


def test_a_placeholder_is_shown_with_its_evidence(make_workspace):
    made = make_workspace(12, 3)
    made.rejected = [
        {"annotation_id": f"r{number}", "stage": "samples", "reason": "placeholder", "detail": "x"} for number in range(4)
    ]
    row = {
        "image_id": made.ids[7], "decided": "found", "urls": 48, "hosts": 3, "answers": 217, "no_label": 24,
        "classes": ["class-0", "<i>"], "example_urls": ["http://a.example/1.jpg", "javascript:alert(1)"], "shard": "shard-00000.parquet",
        "shard_row": 7, "evidence": "same picture at 48 URLs",
    }  # fmt: skip
    made.write().workspace.write_table("placeholders", PlaceholderRow.table([row]))
    html = cut_page(render_report(made.workspace, made.config, made.rejected_table), "placeholders")
    words = flatten(html)
    assert "1 picture stands for many others; 4 source rows were rejected for it" in words
    assert "48 URLs on 3 hosts , 217 answers, 24 of them “no label”; found" in words
    assert html.count("data:image/jpeg;base64,") == 1
    assert '<a class="url" href="http://a.example/1.jpg" rel="noreferrer noopener nofollow">' in html
    assert 'href="javascript' not in html
    assert "javascript:alert(1)" in html


def test_a_workspace_without_the_placeholder_table_says_what_its_rejections_say(make_workspace):
    made = make_workspace(12, 3)
    made.rejected = [{"annotation_id": "r", "stage": "samples", "reason": "placeholder", "detail": "same picture at 9 URLs"}]
    assert "same picture at 9 URLs (1 rows)" in flatten(cut_page(render(made), "placeholders"))
    made.rejected = []
    assert "None was found or listed." in flatten(cut_page(render(made), "placeholders"))


# -- quality -----------------------------------------------------------------------------------------------------------

_SHARES = st.floats(0, 1, width=32)
_ROWS = st.fixed_dictionaries(
    {
        "brightness": st.one_of(_SHARES, st.sampled_from([0.1, 0.95])),
        "contrast": st.one_of(_SHARES, st.sampled_from([0.02, 0.15])),
        "sharpness": st.one_of(st.floats(0, 200, width=32), st.just(40.0)),
        "entropy": st.one_of(st.floats(0, 8, width=32), st.just(0.5)),
        "border_share": st.one_of(_SHARES, st.just(0.8)),
        "saturation": st.one_of(_SHARES, st.just(0.01)),
        "width": st.integers(1, 300),
        "height": st.sampled_from([1, 5, 31, 32, 33, 60, 300]),
        "frames": st.integers(1, 3),
        "damaged": st.booleans(),
    }
)


@given(st.lists(_ROWS, min_size=1, max_size=20))
def test_the_page_marks_exactly_what_the_flags_mark(rows):
    """Its thresholds, said a second time for the plots, are those of ``images.looking.quality``, at the bounds too."""
    table = DownloadRow.table([{"url": str(number), "outcome": "ok", "attempts": 1, **row} for number, row in enumerate(rows)])
    figures = measure_figures(table)
    stored = table.to_pylist()
    assert set(RULES) == set(FLAGS)
    for name, rule in RULES.items():
        assert mark_pictures(rule, figures).tolist() == [name in raise_flags(row) for row in stored]


def test_a_flag_has_its_count_threshold_plot_and_examples(make_workspace):
    """Eight examples at most, with their figures: half of them the furthest off, half the nearest to the threshold."""
    made = make_workspace(60, 3, settings={"images": {"reject_flags": ["blurry"]}})
    made.figures["brightness"][:12] = np.linspace(0.01, 0.09, 12)
    made.flags[:12] = [["dark"]] * 12
    made.figures["sharpness"][20] = 11.0
    html = cut_page(render(made), "quality")
    dark, blurry = html[html.index("dark: 12") :], html[html.index("blurry: 1") :]
    assert "mean brightness (0 to 1) below 0.1. Marked only." in flatten(dark)
    assert "Rejected by the config. 0 of these are among the pictures that were kept." in flatten(blurry)
    shown = re.findall(r"brightness (0\.\d+)</figure>", dark[: dark.index("blurry: 1")] if "blurry: 1" in dark else dark)
    assert [float(figure) for figure in shown] == pytest.approx(
        [0.01, 0.0173, 0.0245, 0.0318, 0.0682, 0.0755, 0.0827, 0.09], abs=1e-4
    )
    assert html.count('<svg class="plot"') == 2
    assert 'aria-label="histogram of mean brightness (0 to 1)"' in html
    assert "Raised by no picture: bright, low_information" in flatten(html)


# -- splits ------------------------------------------------------------------------------------------------------------


def test_the_worst_balanced_class_comes_first_and_a_missing_split_is_named(make_workspace):
    """Any number of splits, by their own names."""
    shares = {"train": 0.6, "validation": 0.1, "test": 0.2, "calibration": 0.1}
    made = make_workspace(200, 4, shares=shares)
    for number in range(200):
        kind = number % 4
        turn = (number // 4) % 10
        even = (["train"] * 6 + ["validation", "test", "test", "calibration"])[turn]
        made.split_of[number] = even if kind < 2 else "train" if kind == 2 else ["train", "validation", "calibration"][turn % 3]
    html = render(made)
    page = cut_page(html, "classes")
    order = re.findall(r'<th scope="row">(class-\d)</th>', page)
    assert order == ["class-2", "class-3", "class-0", "class-1"]
    assert "lacks validation, test, calibration" in page
    assert "lacks test" in flatten(page)
    assert "within one picture" in page
    assert "wanted 60.0 %" in page
    assert page.count('<th scope="col" class="n">calibration</th>') == 1
    assert '<a href="#classes" class="bad">2 classes lack a split in spite of groups enough</a>' in html


def test_classes_of_few_groups_are_listed_apart(make_workspace):
    """A class of two near-duplicates can only be in one split: no reproach, but named, folded."""
    made = make_workspace(20, 1)
    made.class_of[18] = made.class_of[19] = "rare"
    made.groups[19] = made.groups[18]
    made.split_of = (["train"] * 6 + ["validation", "test", "train"]) * 2 + ["train", "train"]
    page = flatten(cut_page(render(made), "classes"))
    assert "1 classes with fewer groups than the 3 splits" in page
    assert "rare (2) not in validation, test" in page
    assert "none of these lacks one" in page


def test_classes_are_counted_as_pictures_and_groups(make_workspace):
    """A picture of two classes counts for both; a group once a class and split."""
    made = make_workspace(6, 2)
    made.groups[2] = made.groups[0]
    made.split_of = ["train", "test", "train", "test", "train", "odd"]
    made.write()
    table = count_classes(made.workspace.read_table("splits"), SplitsConfig().shares)
    assert table.splits == ["train", "validation", "test", "odd"]
    assert table.pictures.tolist() == [[3, 0, 0, 0], [0, 0, 2, 1]]
    assert table.groups.tolist() == [[2, 0, 0, 0], [0, 0, 2, 1]]
    assert table.all_groups.tolist() == [2, 3]


# -- fetching ----------------------------------------------------------------------------------------------------------


def test_fetching_is_counted_by_reason_by_host_and_by_way(make_workspace):
    made = make_workspace(10, 2)
    made.failed = [
        {"url": f"http://dead-{number % 30}.example/x{number}", "reason": "dns", "detail": "no such host"} for number in range(60)
    ]
    made.failed += [{"url": "http://user:secret@odd.example/?<a>", "reason": "http_4xx", "detail": "HTTP 404"}]
    made.failed += [
        {"url": "http://old.example/1.jpg", "outcome": "ok", "sha256": "f" * 64, "fallback": "archive", "refreshed": "changed"}
    ]
    html = cut_page(render(made), "fetch")
    words = flatten(html)
    assert "11 of 72 URLs gave a usable picture. Not at their own address: 1 by archive. Asked again: 1 changed." in words
    assert "dns 60 no such host" in words
    assert "photos.example 10 0" in words
    assert "dead-0.example 2 2 dns 2" in words
    assert "and 13 more hosts" in words
    assert "secret" not in html


def test_a_shard_of_an_earlier_version_is_read_without_its_new_columns(make_workspace):
    made = make_workspace(10, 2).write()
    name = made.workspace.shard_names()[0]
    table = made.workspace.read_shard(name)
    made.workspace.write_shard(name, table.drop_columns(["fallback", "refreshed", "channel_mean"]))
    assert "10 of 10 URLs gave a usable picture." in flatten(
        cut_page(render_report(made.workspace, made.config, made.rejected_table), "fetch")
    )


# -- the whole page ----------------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What an assistive reader needs: headings, pictures without words, tables without captions, doubled ids, unclosed tags."""

    VOID = ("meta", "img", "br", "input", "hr", "link")

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.mute: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.captions = self.tables = 0

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.mute += [tag] if tag == "img" and not told.get("alt") else []
        self.mute += [tag] if tag == "svg" and not told.get("aria-label") else []
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if tag == "a" else []
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def test_the_page_is_well_formed_and_readable_aloud(make_workspace):
    """Tags close, ids are unique, anchors lead somewhere, headings don't jump, every picture and table says what it is."""
    made = make_workspace(60, 12)
    made.groups[1] = made.groups[0]
    made.flags[3], made.figures["brightness"][3] = ["dark"], 0.05
    outline = Outline()
    outline.feed(render(made))
    assert not outline.faults
    assert not outline.open
    assert not outline.mute
    assert outline.tables == outline.captions >= 5
    assert len(set(outline.ids)) == len(outline.ids)
    anchors = {link.removeprefix("#") for link in outline.links if link.startswith("#")}
    assert anchors
    assert anchors <= set(outline.ids)
    assert outline.headings[0] == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))


def test_strangers_text_is_never_markup(make_workspace):
    """Class names, labels, splits, hosts and details that are markup, styles or templates stay text, in attributes too."""
    nasty = ['"><script>alert(1)</script>', "</style><b>", "{{ 7 * 7 }}", "a\u202eb\x00", "'onerror='x"]
    made = make_workspace(40, names=nasty)
    made.groups[1] = made.groups[0]
    made.urls[0] = ['http://h.example/"><script>alert(2)</script>', "http://x'y.example/`"]
    made.failed = [{"url": '"><img src=x onerror=alert(3)>', "reason": "bad_url", "detail": "</td><script>alert(4)</script>"}]
    html = render(made)
    assert html.count("<script") == html.count(f"<script>{load_script()[0]}</script>") == 1
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert "\x00" not in html
    assert "{{ 7 * 7 }}" in html
    assert html.count("</style>") == 1
    outline = Outline()
    outline.feed(html)
    assert not outline.faults
    assert not re.search(r'<(?!a )[^>]*\s(?:src|href)="(?!data:|#)', html)


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://a.example/x?y=1#z", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (" http://a.example", False),
        ("http://user:pw@a.example/", False),
        ("http://a.example/\u202e", False),
        ("http://a.example/\n", False),
        ("http:\\\\a.example", False),
        ("file:///etc/passwd", False),
        ("http://a.example/" + "x" * 3000, False),
    ],
)
def test_only_plain_http_addresses_become_links(url, linked):
    assert (find_link(url) == url) is linked


@given(st.text(max_size=60))
def test_text_in_a_style_never_ends_its_string(text):
    quoted = quote_css(text)
    assert quoted[0] == quoted[-1] == '"'
    assert not re.search(r'["<>&\n]', re.sub(r"\\[0-9a-f]+ ", "", quoted[1:-1]))


def test_names_and_passwords_are_left_out_of_addresses():
    assert drop_userinfo("http://me:pass@a.example/@x") == "http://a.example/@x"
    assert drop_userinfo("http://a.example/@x") == "http://a.example/@x"


def test_pages_take_turns_for_thumbnails():
    """A bundle each, so that a page of many wishes leaves room for the others; nothing twice."""
    wishes, spare = [[["a", "b"], ["c"], ["d"]], [["x", "gone"], ["a"]], []], [[["s", "c", "t"]]]
    known = set("abcdxst")
    assert thumbnails.choose_pictures(wishes, spare, known, 10) == ["a", "b", "x", "c", "d", "s", "t"]
    assert thumbnails.choose_pictures(wishes, spare, known, 4) == ["a", "b", "x", "s"]
    assert thumbnails.choose_pictures(wishes, [], known, 4) == ["a", "b", "x", "c"]


def test_thumbnails_keep_to_their_number_and_bytes(make_workspace):
    made = make_workspace(40, 4, report={"thumbnails": 10})
    assert len(set(re.findall('data:image/jpeg;base64,[^"]+', render(made)))) == 10
    made.report = {"thumbnails": 0}
    assert "data:image" not in render(made)
    made.report = {"thumbnail_bytes": 20_000}
    spent = sum(map(len, set(re.findall('data:image/jpeg;base64,[^"]+', render(made)))))
    assert 5_000 < spent <= 20_000


def test_the_same_workspace_gives_the_same_page(make_workspace):
    """Byte for byte, plots included."""
    made = make_workspace(60, 12)
    made.flags[3], made.figures["brightness"][3] = ["dark"], 0.05
    assert render(made) == render(made)


def test_an_empty_dataset_has_a_report(make_workspace):
    """Nothing fetched, nothing released: every page says so."""
    made = make_workspace(0, 0, names=["never"])
    html = render(made)
    assert "0 of 0 URLs gave a usable picture." in flatten(html)


def test_the_gallery_prefers_pictures_whose_neighbours_are_read_anyway(make_workspace):
    """Of a large dataset few row groups are read; each class is shown all the same."""
    made = make_workspace(3_000, 5, with_bytes=0).write()
    material = read_material(made.workspace, made.config, made.rejected_table)
    section = gather_pictures(material, [made.ids[2_750]])
    doubtful, shown = section.wanted[0], [image_id for bundle in section.spare for image_id in bundle]
    assert len(shown) == 5 * 8
    read = {int(image_id, 16) // 100 for image_id in [*doubtful, made.ids[2_750]]}
    assert {int(image_id, 16) // 100 for image_id in shown} <= read
    assert {int(image_id, 16) % 5 for image_id in shown} == set(range(5))


def test_reads_are_bounded(make_workspace, monkeypatch):
    """What lies in a further row group is left out, what lies in one that is read is not."""
    monkeypatch.setattr(thumbnails, "MOST_READS", 1)
    made = make_workspace(300, 1, with_bytes=300).write()
    ids = [made.ids[number] for number in (0, 150, 99, 299, 1)]
    places = find_places(read_material(made.workspace, made.config, made.rejected_table).downloads, ids)
    drawn = thumbnails.make_thumbnails(made.workspace, places, dict.fromkeys(ids, 1), thumbnails.ThumbnailLimits(32, 1_000_000))
    assert list(drawn) == [made.ids[0], made.ids[99], made.ids[1]]


# -- safeguards --------------------------------------------------------------------------------------------------------


def test_the_safeguard_tells_promises_and_the_class_that_swallows(make_workspace, tmp_path):
    """Stated beside measured; the class that strangers are taken for stands first, one that is never believed says so; names are escaped."""
    made = make_workspace(12, 2)
    made.write()
    folder = tmp_path / "model"
    folder.mkdir()
    study = make_safeguard_folder(folder).study
    made.workspace.write_bytes("baseline/safeguard.json", (folder / "safeguard.json").read_bytes())
    html = cut_page(render_report(made.workspace, made.config, made.rejected_table), "safeguards")
    words = flatten(html)
    assert f"{study.promises[1].name} {study.promises[1].stated:.3f}" in words
    assert f"of {study.measured.strangers} pictures of no class accepted" in words
    assert re.search(r"swallower never 0 \d+ 0 0 0", words)
    classes = re.findall(r'<th scope="row">([^<]*)</th>', html)[len(study.promises) :]
    assert unescape(classes[0]) == max(study.classes, key=lambda row: row.strangers).class_id
    assert "<b>&cog" not in html
    assert html.count("<svg") == 2


def test_a_workspace_without_a_safeguard_says_so(make_workspace):
    """And why there may be none."""
    assert "validation has too few pictures" in cut_page(render(make_workspace(12, 2)), "safeguards")


# -- a detector's pictures ---------------------------------------------------------------------------------------------


def test_a_detectors_pictures_are_drawn_with_their_boxes_and_no_name_is_markup(make_workspace):
    """What is there, what was said rightly and wrongly; a file whose picture is no base64 is not shown at all."""
    made = make_workspace(6, 2)
    made.workspace.write_bytes("baseline/verdict.json", b'{"passed": true, "checks": []}')
    name = '<script>alert(1)</script>"onload="x'
    example = {
        "image_id": made.ids[0], "width": 240, "height": 160, "jpeg": "/9j/4AAQ",
        "there": [{"class_id": "nike", "bbox": [10, 20, 30, 40]}],
        "said": [
            {"class_id": "nike", "score": 0.91, "right": True, "bbox": [11, 21, 30, 40]},
            {"class_id": name, "score": 0.55, "right": False, "bbox": [100, 20, 30, 40]},
        ],
    }  # fmt: skip
    made.workspace.write_bytes("baseline/examples.json", json.dumps({"threshold": 0.5, "best": [], "worst": [example]}).encode())
    html = cut_page(render(made), "baseline")
    assert '<rect class="there" x="10" y="20" width="30" height="40"/>' in html
    assert html.count('<rect class="wrong"') == 1
    assert "<script>" not in html
    assert "there: nike; said: nike 0.91 , <script>alert(1)</script>" in unescape(flatten(html))
    example["jpeg"] = '"/><script>'
    made.workspace.write_bytes("baseline/examples.json", json.dumps({"threshold": 0.5, "best": [], "worst": [example]}).encode())
    assert 'class="boxed"' not in cut_page(render(made), "baseline")
