"""What is open is gathered in the background: what changed meanwhile counts."""

from __future__ import annotations

from pathlib import Path

from builders.reviews import MAP
from builders.web.served_pages import write_dataset
from logoingest.web.desks.gathering import GatheredDecisions


def test_what_was_gathered_before_a_change_is_thrown_away(tmp_path: Path) -> None:
    """A map that is edited while the answers are gathered decides what is open, also when nobody asks again."""
    gathered = GatheredDecisions(write_dataset(tmp_path))
    gathered.start()
    (tmp_path / "map.toml").write_text(MAP + '\n[classes.fanta]\nname = "Fanta"\n', encoding="utf-8")
    gathered.renew()
    gathered.wait(60)
    found = gathered.read()
    assert found is not None
    assert "fanta" not in {line.title.casefold() for line in found.clusters.values()}
    assert found.review.class_map.outputs["fanta"] == "fanta"
