"""Pictures of this machine through the whole route: fetched, retried, refreshed, released and verified as URLs are."""

from __future__ import annotations

import pytest

from logoingest import load_config, run
from logoingest.pipeline.fetching import retry
from logoingest.pipeline.session import open_run
from logoingest.release import verify_release
from small_site import draw_picture


@pytest.fixture
def config(tmp_path):
    """Twelve pictures in a folder, one of them missing at first, and a list of paths."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rows = ["image,label,worker_id"]
    for number in range(12):
        if number:
            (photos / f"{number} x.png").write_bytes(draw_picture(number))
        rows += [f"{number} x.png,{'nike' if number % 2 else 'puma'},w{worker}" for worker in range(2)]
    rows.append("../secret.png,nike,w0")
    (tmp_path / "secret.png").write_bytes(draw_picture(99))
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "map.toml").write_text("[classes.nike]\n[classes.puma]\n")
    (tmp_path / "dataset.toml").write_text(
        '[dataset]\nname = "local"\nworkspace = "work"\n[[sources]]\npath = "rows.csv"\nlocal_root = "photos"\n'
        '[labels]\nclass_map = "map.toml"\n[fetch]\nprocesses = 1\n[train]\nenabled = false\n[images]\nmin_side_px = 8\n'
    )
    return load_config(tmp_path / "dataset.toml")


def test_a_release_of_files(config, tmp_path):
    """The missing file fails with its reason; once it is there a retry heals it; the release is whole and names no folder of ours."""
    run(config)
    assert verify_release(tmp_path / "work/release") == []
    with open_run(config) as opened:
        rows = [
            row
            for shard in opened.workspace.shard_names()
            for row in opened.workspace.read_shard(shard, ["url", "reason"]).to_pylist()
        ]
    assert len(rows) == 12
    assert [row for row in rows if row["reason"]] == [{"url": "file:///photos/0%20x.png", "reason": "file_missing"}]
    (tmp_path / "photos/0 x.png").write_bytes(draw_picture(0))
    with open_run(config) as opened:
        assert retry(opened, ["file"]) == {"tried": 1, "healed": 1, "still_failing": 0}
    run(config)
    assert verify_release(tmp_path / "work/release") == []
    assert str(tmp_path) not in (tmp_path / "work/release/README.md").read_text()
