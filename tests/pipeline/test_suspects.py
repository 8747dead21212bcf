"""Labels that look wrong and pictures that could be settled: found, reviewed by sheet, replayed for ever."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from builders.datasets import CLASSES, Dataset, serve_site
from builders.drawn_releases import draw_logo, encode
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.errors import UsageError
from logoingest.evidence.embedding_files import EmbeddingModel, write_model, write_part
from logoingest.evidence.vectors import tabulate_embeddings
from logoingest.pipeline import Run, explain_url, find_similar, open_run, read_open_suspects, run, summarise_status, suspect
from logoingest.pipeline.evidence.embeddings import list_places
from logoingest.pipeline.evidence.suspects import gather_knowledge, gather_texts
from logoingest.samples.group_rulings import read_group_rulings
from logoingest.schemas import TextRow

EVIDENCE = """
[images]
near_duplicates = false
[splits]
train = 0.8
validation = 0.0
test = 0.2
[samples]
method = "majority"
[evidence]
backbone = "colours"
"""
WRONG, TIED = "/wrong.jpg", "/tied.jpg"


def embed_by_colour(opened):
    """A network that sees nothing but how often each hue comes, among what is colourful."""
    model = EmbeddingModel("colours", "c" * 64, 72, 12)
    write_model(opened.workspace, model)
    for shard, rows in list_places(opened).items():
        bodies = opened.workspace.read_shard_bytes(shard, list(rows.values()))
        vectors = []
        for body in bodies:
            hue, saturation, _ = np.asarray(Image.open(io.BytesIO(body)).convert("HSV")).reshape(-1, 3).T
            vectors.append(np.histogram(hue[saturation > 150], 12, (0, 256))[0] + 0.5)
        write_part(
            opened.workspace, model, shard, list(rows), tabulate_embeddings(list(rows), np.array(vectors, np.float32), "c" * 64)
        )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Forty drawings of four classes; of one most say another class, of one as many say one as another. Released and embedded."""
    with serve_site() as site:
        made = Dataset(tmp_path_factory.mktemp("data"), site)
        for label, class_id in enumerate(CLASSES):
            for seed in range(10):
                path = made.add_picture(class_id, 100 * label + seed)
                site.pages[path] = (200, "image/jpeg", encode(draw_logo(label, seed)))
        for path, answers in ((WRONG, ["Bolt", "Bolt", "Acme"]), (TIED, ["Dune", "Dune", "Acme", "Acme"])):
            seed, label = (50, 0) if path == WRONG else (51, 3)
            site.pages[path] = (200, "image/jpeg", encode(draw_logo(label, seed)))
            for worker, answer in enumerate(answers):
                made.add_row(path, answer, f"w{worker}")
        config = load_config(made.write(EVIDENCE))
        run(config, until="release")
        with open_run(config) as opened:
            embed_by_colour(opened)
            made.found = suspect(opened, 4, probe=True)
        yield made


def find_suspect(dataset, path):
    return explain_url(Run(load_config(dataset.config)), dataset.site.url(path)).suspects.to_pylist()


def test_the_planted_label_comes_first_and_the_tie_is_proposed(dataset):
    """With its votes and three neighbours, none of which is itself."""
    assert dataset.found.judged == 41
    assert dataset.found.accuracy > 0.8
    (wrong,) = find_suspect(dataset, WRONG)
    (said,) = explain_url(Run(load_config(dataset.config)), dataset.site.url(WRONG)).predictions.to_pylist()
    assert (said["class_id"], said["fold"] is None) == ("acme", wrong["split"] == "test")
    assert "probabilities" not in said
    assert (wrong["rank"], wrong["kind"], wrong["class_id"], wrong["proposal"]) == (1, "label", "bolt", "acme")
    assert wrong["votes"] == "bolt 2 : acme 1"
    assert wrong["margin"] < 0
    assert len(wrong["neighbours"]) == 3
    assert wrong["image_id"] not in wrong["neighbours"]
    (tied,) = find_suspect(dataset, TIED)
    assert (tied["rank"], tied["kind"], tied["class_id"], tied["proposal"]) == (1, "settled", None, "dune")
    assert set(tied["neighbour_classes"]) == {"dune"}


def test_every_released_picture_has_a_prediction_from_elsewhere(dataset):
    """Test's are in no fold; refused pictures are judged as well."""
    workspace = Run(load_config(dataset.config)).workspace
    predictions = workspace.read_table("predictions").to_pylist()
    splits = dict(zip(*(workspace.read_table("splits").column(name).to_pylist() for name in ("image_id", "split")), strict=True))
    assert len(predictions) == 42
    assert all((row["fold"] is None) == (splits.get(row["image_id"]) != "train") for row in predictions)
    assert all(abs(sum(row["probabilities"]) - 1) < 1e-5 and 0 <= row["distance"] <= 2 for row in predictions)


def test_the_text_on_pictures_is_known_where_it_is_read(dataset):
    """Folded, each once, beside the spellings of the class map; where ``images.ocr`` is off nothing is."""
    deaf, reading = (Run(load_config(dataset.config, {"images.ocr": ocr}, environ={})) for ocr in (False, True))
    assert not gather_knowledge(reading).texts
    row = {"image_id": "a", "texts": ["ACMÉ", "Acme", "50 %"], "scores": [0.9, 0.9, 0.6], "reader": "r"}
    reading.workspace.write_table("texts", TextRow.table([row]))
    try:
        known = gather_knowledge(reading)
        assert known.texts == {"a": ["acme", "50%"]}
        assert ("acme", "acme") in known.spellings
        assert not gather_knowledge(deaf).texts
        assert gather_texts(Run(reading.config)) is known.texts  # folded once
        reading.workspace.write_table("texts", TextRow.table([{**row, "image_id": "b"}]))
        assert gather_texts(reading) == {"b": ["acme", "50%"]}
    finally:
        reading.workspace.remove("tables/texts.parquet")


def test_what_says_the_same_is_like_where_the_network_sees_nothing(dataset, capsys):
    """Text counts beside random vectors where it is read, and its likeness stands beside theirs; elsewhere it is not told."""
    deaf, reading = (Run(load_config(dataset.config, {"images.ocr": ocr}, environ={})) for ocr in (False, True))
    rng, model = np.random.default_rng(0), EmbeddingModel("noise", "d" * 64, 72, 12)
    samples = reading.workspace.read_table("samples", ["image_id", "class_id"]).to_pylist()
    asked, *_ = own = [row["image_id"] for row in samples if row["class_id"] == "citron"]
    rows = [{"image_id": row["image_id"], "texts": [row["class_id"]], "scores": [0.9], "reader": "r"} for row in samples]
    write_model(reading.workspace, model)
    for shard, places in list_places(reading).items():
        vectors = rng.normal(size=(len(places), 12)).astype(np.float32)
        write_part(reading.workspace, model, shard, list(places), tabulate_embeddings(list(places), vectors, "d" * 64))
    reading.workspace.write_table("texts", TextRow.table(rows))
    try:
        near = find_similar(reading, asked, len(own) - 1, "noise").neighbours
        assert {one.picture.image_id for one in near} == set(own) - {asked}
        assert all(one.written == 1 and -1 <= one.similarity <= 1 for one in near)
        assert {one.written for one in find_similar(deaf, asked, 12, "noise").neighbours} == {None}
        assert main(["similar", str(dataset.config), asked, "--backbone", "noise", "--set", "images.ocr=true"]) == 0
        assert "text" in capsys.readouterr().out
    finally:
        reading.workspace.remove("tables/texts.parquet")
        reading.workspace.remove(model.folder)


def test_status_and_the_command_say_what_is_open(dataset, capsys):
    status = summarise_status(Run(load_config(dataset.config)))
    assert status.suspects["label"] == dataset.found.labels
    assert status.suspects["settled"] == 1
    assert main(["status", str(dataset.config)]) == 0
    assert "open suspects: label" in capsys.readouterr().out
    assert main(["suspects", str(dataset.config), "--list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["suspects"]) == dataset.found.labels + 1
    assert main(["suspects", str(dataset.config), "--list"]) == 0
    assert "bolt 2 : acme 1" in capsys.readouterr().out


def test_the_report_shows_the_queue_the_map_and_the_odd_ones(dataset):
    """Classes by number, mark and colour; the suspect beside its neighbours; no stranger's word in the plot."""
    config = load_config(dataset.config)
    run(config)
    page = Run(config).workspace.read_bytes("report.html").decode()
    section = page[page.index('id="model-view"') : page.index('id="baseline"')]
    assert "bolt → <b>acme</b>" in section
    assert "answers bolt 2 : acme 1" in section
    assert "▲" not in section and "● 4 dune" in section
    assert section.count("<img") >= 8
    plot = section[section.index("<svg") : section.index("</svg>")]
    assert "dune" not in plot and ">4</text>" in plot.replace("\n", "")
    assert "whose label looks wrong, or that could be settled" in page


def test_what_is_missing_is_said(dataset, tmp_path):
    with open_run(load_config(dataset.config)) as opened:
        with pytest.raises(UsageError, match="no more than there are groups"):
            suspect(opened, 1000, probe=True)
        with pytest.raises(UsageError, match="run: logoingest embed"):
            suspect(opened, probe=True, backbone="resnet18")
    empty = load_config(dataset.config, [f"dataset.workspace={tmp_path}"])
    with open_run(empty) as opened, pytest.raises(UsageError, match="has no release yet"):
        suspect(opened)


def test_suspects_are_decided_at_the_terminal(dataset, monkeypatch, capsys, tmp_path):
    """Broken off after the first decision and gone on with; written as the sheet's are, by whom and when, and asked about no more."""
    rulings = tmp_path / "rulings.toml"
    command = ["labels", "review", str(dataset.config), "--pictures", "--by", "Ben", "--on", "2026-11-30"]
    command += ["--set", f"samples.rulings={rulings}"]
    count = read_open_suspects(Run(load_config(dataset.config))).num_rows

    def review(lines):
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        code = main(command)
        return code, capsys.readouterr().out

    asked = review("1\nu\nq\n")
    assert asked[0] == 0 and "nothing to write" in asked[1]
    assert f"{count} left · label bolt?" in asked[1]
    assert "answers: bolt 2 : acme 1" in asked[1] and "1    Acme  1 answer\n" in asked[1] and "2 answers, its label" in asked[1]
    assert "near it: " in asked[1]
    code, out = review("1\n" + "k\n" * (count - 2) + "1\n")
    assert (code, rulings.read_text("utf-8").count("[[groups]]")) == (0, count), out
    assert 'by = "Ben"' in rulings.read_text("utf-8")
    assert "Nothing is left" in review("q\n")[1]


def test_decisions_of_the_sheet_are_replayed_and_nothing_else_changes(dataset):
    """The proposal is taken for one, a refused picture becomes a sample, a label that is right is kept and asked about no more."""
    config = load_config(dataset.config)
    others = [row for row in read_open_suspects(Run(config)).to_pylist() if row["rank"] > 1]
    sheet = dataset.folder / "sheet.csv"
    assert main(["labels", "review", str(dataset.config), "--export", str(sheet), "--quiet"]) == 0
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"))))
    decided = {"label bolt?": "1", "settled: dune 2, acme 2": "class: Dune"}
    for row in rows:
        row["decision"] = decided.get(row["label"], "keep" if row["row"] == "conflict" and row["label"].startswith("label") else "")
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert main(["labels", "review", str(dataset.config), "--apply", str(sheet), "--by", "Ann", "--on", "2026-11-30"]) == 0
    rulings = read_group_rulings(config.resolve(config.samples.rulings), Run(config).class_map)
    assert min(map(str, rulings)).startswith("class: ")
    assert len(rulings) == 2 + len(others)
    run(config, until="splits")
    trail = {path: explain_url(Run(config), dataset.site.url(path)) for path in (WRONG, TIED)}
    assert trail[WRONG].samples.to_pylist()[0]["class_id"] == "acme"
    (tied,) = trail[TIED].samples.to_pylist()
    assert (tied["class_id"], tied["confidence"], tied["votes"], tied["agreement"]) == ("dune", 1.0, 4, 0.5)
    assert len(tied["annotation_ids"]) == 4
    assert trail[TIED].rejected.num_rows == 0
    assert read_open_suspects(Run(config)).num_rows == 0
    assert summarise_status(Run(config)).law.holds
