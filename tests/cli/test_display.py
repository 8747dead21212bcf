"""Progress where nobody watches a terminal."""

from __future__ import annotations

import logging

import pytest

from logoingest.cli.console import LineProgress, describe_pace
from logoingest.schemas import Stage


@pytest.mark.parametrize(
    ("since", "now", "total", "told"),
    [
        ((0.0, 0), (10.0, 1630), 20_000, "163 a second, 1:52 min left"),
        ((0.0, 0), (10.0, 50), 5_000, "5.0 a second, 16:30 min left"),
        ((5.0, 100), (15.0, 200), 1_000_000, "10 a second, 27:46 h left"),
        ((0.0, 0), (10.0, 9_990), 10_000, "999 a second, 0 s left"),
        ((0.0, 0), (10.0, 100), None, "10 a second"),
        ((0.0, 7), (10.0, 7), 10, ""),
        ((3.0, 7), (3.0, 9), 10, ""),
    ],
)
def test_a_pace_is_told_with_what_it_means_for_the_rest(since, now, total, told):
    """Nothing where nothing has moved."""
    assert describe_pace(since, now, total) == told


def test_lines_tell_how_far_how_fast_and_how_long(caplog):
    """One line in ten seconds; the rate is that of the last minute; a phase that begins anew has no rate of the one before."""
    clock = iter([0.0, 0.0, 5.0, 10.0, 20.0, 30.0, 31.0, 40.0])
    tell = LineProgress(lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="logoingest"):
        for done in (0, 500, 1000, 3000):
            tell(Stage.FETCH, done, 5000, "3 failed")
        for done in (4000, 10, 100):
            tell(Stage.FETCH, done, 5000, "")
    assert [" ".join(record.message.split()) for record in caplog.records] == [
        "fetch 1,000 of 5,000, 100 a second, 40 s left, 3 failed",
        "fetch 3,000 of 5,000, 150 a second, 13 s left, 3 failed",
        "fetch 4,000 of 5,000, 133 a second, 7 s left",
        "fetch 100 of 5,000, 10 a second, 8:10 min left",
    ]
