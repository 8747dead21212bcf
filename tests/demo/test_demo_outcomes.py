from __future__ import annotations

import asyncio
from collections import Counter

from logoingest.config import load_config
from logoingest.demo.brands import BRANDS, NO_LABEL, iterate_spellings
from logoingest.demo.faults import KINDS
from logoingest.demo.site import serve_demo
from logoingest.fetch import FetchSettings, fetch_urls
from logoingest.images.looking.inspection import inspect_image
from logoingest.labels import ClassMap, normalise_label

#: What fetching alone cannot tell: the later stages find these.
_FOUND_LATER = {"placeholder", "tiny"}


def test_every_fault_ends_in_its_reason(demo_plan):
    """Fetched by the package itself, every URL of every kind ends in a reason its kind allows, and what heals is healed."""
    entries = [entry for entry in demo_plan.entries if entry.kind != "slow_drip"]  # a drip takes nine seconds to give up
    with serve_demo(demo_plan) as proxy:
        overrides = {"fetch.proxy": proxy, "fetch.total_timeout_s": 30, "fetch.read_timeout_s": 30}
        config = load_config(demo_plan.config_file, overrides, environ={})
        settings = FetchSettings.from_config(config.fetch, config.base_dir, {})
        rows = asyncio.run(fetch_urls([entry.url for entry in entries], settings, inspect_image)).to_pylist()
    ended: dict[str, Counter[str | None]] = {}
    for entry, row in zip(entries, rows, strict=True):
        assert entry.url == row["url"]
        ended.setdefault(entry.kind, Counter())[row["reason"] or row["image_reason"]] += 1
    for kind, reasons in ended.items():
        outcomes = set() if kind == "ok" or kind in _FOUND_LATER else set(KINDS[kind].outcomes)
        assert set(reasons) <= (outcomes or {None}), kind


def test_the_class_map_reads_every_declared_spelling(demo_plan):
    """The map loads, its aliases and names come out as their class, "no label" answers as none, and Ouro & Sal as one brand."""
    class_map = ClassMap.load(demo_plan.folder / "label_maps" / "demo.toml")
    for class_id, _, spelling in iterate_spellings():
        assert list(normalise_label(spelling, class_map).class_ids) == [class_id]
    for brand in BRANDS:
        assert normalise_label(f"the {brand.name.upper()} logo", class_map).class_id == brand.class_id
    for answers in NO_LABEL.values():
        assert {normalise_label(answer, class_map).decision for answer in answers} == {"ignored"}
    both = normalise_label("Ouro & Sal / Zélindre", class_map)
    assert sorted(both.class_ids) == ["ouro_sal", "zelindre"]
