"""From answers to a safeguard: pictures that people said show no class teach it, two depths are looked at, and it is made anew alone."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest

from builders.datasets import CLASSES, Dataset, draw_picture, serve_site
from builders.drawn_releases import draw_colour, encode
from logoingest import load_baseline, make_safeguard
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.errors import GateError
from logoingest.evidence.safeguards.references import Witnessed
from logoingest.pipeline import Run, explain_url, run, summarise_status
from logoingest.pipeline.no_class_pictures import find_no_class_pictures, read_no_class_pictures
from logoingest.pipeline.stages.report import REPORT
from logoingest.pipeline.stages.train import TRAIN
from logoingest.pipeline.staleness import explain_staleness
from logoingest.training.data.pictures import decode_square
from logoingest.training.loop.encoders import load_baseline_encoder
from logoingest.workspace.downloads import read_downloads

SETTINGS = """
[splits]
train = 0.4
validation = 0.4
test = 0.2
[samples]
method = "majority"
"""
TRAINING = [
    "train.enabled=true", "train.model=squeezenet1_1", "train.image_side_px=48", "train.epochs=1", "train.device=cpu", "train.controls=false",
]  # fmt: skip
NONE, LOST, TORN, TWIN = "/none.jpg", "/lost.jpg", "/torn.jpg", "/twin.jpg"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Sixty-four pictures of four colours; eight that all say show nothing, one that most say so of, one that half say so of, and a copy."""
    with serve_site() as site:
        made = Dataset(tmp_path_factory.mktemp("data"), site)
        for label, class_id in enumerate(CLASSES):
            for seed in range(16):
                path = made.add_picture(class_id, 100 * label + seed)
                site.pages[path] = (200, "image/jpeg", encode(draw_colour(label, seed)))
        answers = {NONE: ["none", "?"], LOST: ["none", "none", "Acme"], TORN: ["none", "Acme"], TWIN: ["none", "none"]}
        answers |= {f"/nothing/{seed}.jpg": ["none"] for seed in range(7)}
        for number, (path, said) in enumerate(answers.items()):
            site.pages[path] = (200, "image/jpeg", draw_picture(9_000 + number))
            for worker, answer in enumerate(said):
                made.add_row(path, answer, f"w{worker}")
        site.pages[TWIN] = site.pages[next(path for path in site.pages if path.startswith("/acme"))]
        with contextlib.suppress(GateError):  # one epoch teaches nothing
            run(load_config(made.write(SETTINGS), TRAINING))
        yield made


def find_ids(dataset):
    rows = read_downloads(Run(load_config(dataset.config, TRAINING)).workspace, ["url", "sha256"]).to_pylist()
    return {row["url"].removeprefix(dataset.site.address): row["sha256"] for row in rows}


@pytest.mark.slow
def test_what_all_or_most_said_shows_no_class_is_of_none_and_nothing_else_is(dataset):
    """Not what half called by a name, and no copy of a picture of a class."""
    opened, ids = Run(load_config(dataset.config, TRAINING)), find_ids(dataset)
    expected = {ids[path] for path in ids if path.startswith("/nothing") or path in {NONE, LOST}}
    assert find_no_class_pictures(opened) == expected
    pictures = read_no_class_pictures(opened)
    assert pictures[ids[NONE]] == dataset.site.pages[NONE][2]
    assert set(pictures) == expected


def test_half_of_them_teach_and_half_check(dataset):
    study = json.loads((dataset.folder / "work/baseline/safeguard.json").read_bytes())["study"]
    assert (study["stated"]["strangers"], study["measured"]["strangers"]) == (5, 4)


def test_explain_asks_the_baseline_what_it_holds_the_picture_for(dataset, capsys):
    """What ``predict`` answers of the same bytes; not of what it has learned from, and not where nobody wants to wait for it."""
    config = load_config(dataset.config, TRAINING)
    url = dataset.site.url(NONE)
    asked = explain_url(Run(config), url, ask=True).baseline
    (alone,) = load_baseline(dataset.folder / "work/baseline").predict([dataset.site.pages[NONE][2]])
    assert asked == alone._replace(file=url)
    assert explain_url(Run(config), url).baseline is None
    names = dict(
        zip(*(Run(config).workspace.read_table("splits").column(name).to_pylist() for name in ("image_id", "split")), strict=True)
    )
    learned = next(path for path, image_id in find_ids(dataset).items() if names.get(image_id) == "train")
    assert explain_url(Run(config), dataset.site.url(learned), ask=True).baseline is None
    assert main(["explain", str(dataset.config), "--url", url]) == 0
    assert f"decision: {alone.decision.value}" in capsys.readouterr().out


def test_a_picture_is_held_against_ours_by_three_witnesses(dataset):
    """What a prediction calls distance is that of two depths of the network and of how weak its answer is, in the shares learned."""
    folder = dataset.folder / "work/baseline"
    bodies = [dataset.site.pages[NONE][2], encode(draw_colour(1, 99))]
    references, encoder = load_baseline(folder).safeguard.references, load_baseline_encoder(folder)
    assert references.lower is not None and all(0 < share < 1 for share in references.shares)
    said = encoder.run(np.stack([decode_square(body, encoder.side_px) for body in bodies]))
    expected = references.measure(Witnessed(said.embeddings, said.lower, said.scores))
    found = [answer.distance for answer in load_baseline(folder).predict(bodies)]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_safeguard_made_anew_makes_no_training_stale_but_the_report(dataset):
    """And gone altogether it doesn't either: predict says how to make it."""
    config = load_config(dataset.config, TRAINING)
    opened = Run(config)
    manifest = opened.workspace.read_manifest()
    assert [explain_staleness(opened, stage, manifest) for stage in (TRAIN, REPORT)] == [None, None]
    make_safeguard(dataset.release, dataset.folder / "work/baseline", 0.7, 0.5)
    assert explain_staleness(opened, TRAIN, manifest) is None
    assert explain_staleness(opened, REPORT, manifest) == "changed: baseline/safeguard.json"
    written = dataset.folder / "work/baseline/safeguard.json"
    stored = json.loads(written.read_bytes())
    stored["study"]["promises"][1]["is_kept"] = False
    written.write_text(json.dumps(stored), encoding="utf-8")
    assert [one for one in summarise_status(opened).warnings if "does not keep what it states: our pictures accepted" in one]
    (dataset.folder / "work/baseline/references.parquet").unlink()
    assert explain_staleness(opened, TRAIN, manifest) is None
