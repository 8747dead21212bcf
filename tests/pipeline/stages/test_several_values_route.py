"""Four ways to write that a person sees {nike, puma}, from init to the release: the same dataset."""

from __future__ import annotations

import pytest
import tomlkit

from builders.datasets import draw_picture
from logoingest import load_config, open_release, run, verify_release
from logoingest.pipeline.actions.scaffold import init
from logoingest.schemas import Stage

SPELLINGS = ("checkbox.csv", "jsonlist.csv", "ls_multi.json", "slashtext.csv")


def release_from(name: str, cases, folder, site):
    """init's own proposal, its class map included, run to the release."""
    source = folder / name
    source.write_text((cases / name).read_text(encoding="utf-8").replace("http://127.0.0.1:8797", site.address), encoding="utf-8")
    made = init(folder / f"of-{name}", [source])
    config = tomlkit.parse(made.config.read_text(encoding="utf-8"))
    config["dataset"]["name"] = "logos"
    config["fetch"] = {"allowed_networks": ["127.0.0.0/8"], "processes": 1}
    made.config.write_text(tomlkit.dumps(config), encoding="utf-8")
    settled = load_config(made.config, (), {})
    run(settled, until=Stage.RELEASE)
    return open_release(made.config)


@pytest.mark.slow
def test_four_spellings_make_one_dataset(site, tmp_path, request):
    """Pictures, labels, classes, confidence, votes and splits are equal; every submission voted; verify finds nothing."""
    cases = request.config.rootpath / "tests/data/sources/choices"
    for number in range(6):
        site.pages[f"/m{number}.png"] = (200, "image/jpeg", draw_picture(number))
    releases = [release_from(name, cases, tmp_path, site) for name in SPELLINGS]
    tables = [release.to_arrow().drop_columns(["annotation_ids"]) for release in releases]
    assert all(table.equals(tables[0]) for table in tables)
    found = {row["url"][-6:-4]: (row["label"], row["class_ids"], row["votes"]) for row in tables[0].to_pylist()}
    both, one = (-1, ["nike", "puma"], 3), (0, ["nike"], 3)
    assert found == {"m0": both, "m1": both, "m2": both, "m3": one, "m4": one, "m5": one}
    assert [release.counts["voted"] for release in releases] == [18] * 4
    assert not verify_release(releases[0].path)
