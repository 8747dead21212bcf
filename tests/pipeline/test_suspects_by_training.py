"""From pictures to suspects by a training a fold: the whole command, without embeddings."""

from __future__ import annotations

import json

import pytest

from builders.datasets import CLASSES, Dataset, serve_site
from builders.drawn_releases import draw_colour, encode
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.pipeline import Run, read_open_suspects, run
from logoingest.workspace.downloads import read_downloads

SETTINGS = """
[splits]
train = 0.8
validation = 0.1
test = 0.1
[samples]
method = "majority"
"""
NETWORK = ("model=shufflenet_v2_x0_5", "image_side_px=32", "epochs=10", "batch_size=8", "lr=0.02", "augment=none", "device=cpu")
WRONG, TIED = "/wrong.jpg", "/tied.jpg"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Forty-eight pictures of four colours; of one most say another class, of one as many say one as another."""
    with serve_site() as site:
        made = Dataset(tmp_path_factory.mktemp("data"), site)
        for label, class_id in enumerate(CLASSES):
            for seed in range(12):
                path = made.add_picture(class_id, 100 * label + seed)
                site.pages[path] = (200, "image/jpeg", encode(draw_colour(label, seed)))
        for path, label, answers in ((WRONG, 0, ["Bolt", "Bolt", "Acme"]), (TIED, 3, ["Dune", "Dune", "Acme", "Acme"])):
            site.pages[path] = (200, "image/jpeg", encode(draw_colour(label, 50)))
            for worker, answer in enumerate(answers):
                made.add_row(path, answer, f"w{worker}")
        run(load_config(made.write(SETTINGS)), until="release")
        yield made


@pytest.mark.slow
def test_the_planted_label_is_ranked_first_by_networks_that_never_saw_it(dataset, capsys):
    """Refused pictures are judged too; without embeddings no neighbours are named and nothing is proposed."""
    settings = [part for setting in NETWORK for part in ("--set", f"train.{setting}")]
    assert main(["suspects", str(dataset.config), "--folds", "3", "--json", "--quiet", *settings]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["found"]["judge"], answer["found"]["judged"]) == ("folds", 49)
    assert answer["found"]["accuracy"] > 0.75
    first = answer["suspects"][0]
    workspace = Run(load_config(dataset.config)).workspace
    downloads = read_downloads(workspace, ["url", "sha256"]).to_pylist()
    planted = {row["url"]: row["sha256"] for row in downloads}
    assert first["image_id"] == planted[dataset.site.url(WRONG)]
    assert (first["rank"], first["class_id"], first["proposal"], first["votes"]) == (1, "bolt", "acme", "bolt 2 : acme 1")
    assert first["neighbours"] == []
    assert {row["kind"] for row in read_open_suspects(Run(load_config(dataset.config))).to_pylist()} == {"label"}
    predictions = {row["image_id"]: row for row in workspace.read_table("predictions").to_pylist()}
    assert len(predictions) == 50
    assert predictions[planted[dataset.site.url(TIED)]]["fold"] is None
    assert {row["fold"] for row in predictions.values()} == {None, 0, 1, 2}
