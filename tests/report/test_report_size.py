"""report.html of a large dataset: never more than 5 MB."""

from __future__ import annotations

import time

import pytest

from logoingest.report import render_report
from logoingest.report.rendering import MOST_BYTES


@pytest.mark.slow
def test_a_hundred_thousand_pictures_fit_into_five_megabytes(make_workspace, capsys):
    """788 classes of long names, every thumbnail hard to compress, long URLs and labels; the figures are printed."""
    count, kinds = 100_000, 788
    names = [f"Марка с длинным названием {number} {'ö' * 20}" for number in range(kinds)]
    made = make_workspace(count, names=names, with_bytes=1_600, host="http://" + "sub." * 20 + "example/" + "path/" * 20)
    for number in range(0, 3_000, 6):
        made.groups[number : number + 6] = [made.groups[number]] * 6
        made.split_of[number : number + 6] = ["train"] * 6
    for start, flag in enumerate(("dark", "blurry", "greyscale", "mostly_border")):
        made.flags[start * 20 : start * 20 + 20] = [[flag]] * 20
    made.figures["brightness"][:20] = 0.05
    made.figures["sharpness"][20:40] = 9
    made.figures["saturation"][40:60] = 0.001
    made.figures["border_share"][60:80] = 0.9
    made.labels += [
        {"raw_label": "Ж" * 200 + str(number), "class_ids": [], "decision": "unknown", "rule": "none"} for number in range(20_000)
    ]
    made.failed = [
        {"url": f"http://{number}.example/" + "x" * 300, "reason": "dns", "detail": "d" * 300} for number in range(5_000)
    ]
    made.rejected = [
        {"annotation_id": f"r{number}", "stage": "samples", "reason": "tie", "detail": f"{'t' * 200}{number}"}
        for number in range(50_000)
    ]
    made.report = {"thumbnails": 900, "thumbnail_side_px": 128, "thumbnail_bytes": 50_000_000}
    made.write()
    started = time.process_time()
    html = render_report(made.workspace, made.config, made.rejected_table)
    spent = time.process_time() - started
    size = len(html.encode())
    with capsys.disabled():
        print(f"\nreport.html of {count:,} pictures: {size:,} bytes, {spent:.1f} CPU s")
    assert 3_000_000 < size <= MOST_BYTES
