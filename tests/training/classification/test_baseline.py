"""What a trained baseline answers about pictures, whatever they are."""

from __future__ import annotations

import io
import json
import logging

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from builders.places import ROOT
from logoingest import load_baseline, make_safeguard, train_baseline
from logoingest.cli.main import main
from logoingest.config import TrainConfig
from logoingest.errors import UsageError
from logoingest.evidence.safeguards.answers import Acceptance
from logoingest.training.classification.safeguarding import choose_references
from logoingest.training.data.splits import Split

CONFIG = TrainConfig(model="shufflenet_v2_x0_5", image_side_px=32, epochs=16, batch_size=16, lr=0.02, device="cpu", controls=False)
NAMES = ("circle", "square", "トライアングル", "bars")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, drawing):
    """A baseline of four drawn classes with a safeguard: its folder, its release, and pictures that it never saw."""
    folder = tmp_path_factory.mktemp("guarded")
    splits = drawing["splits"](train=14, validation=10, test=10)
    release = drawing["release"](folder / "release", splits, NAMES, groups=True)
    strangers = {f"{number:064}": drawing["encode"](drawing["photo"](number)) for number in range(12)}
    train_baseline(release, CONFIG, folder / "out", strangers=strangers)
    return folder / "out", release, splits["test"]


@pytest.mark.slow
def test_a_training_leaves_a_safeguard(trained):
    """What was stated of validation and measured on test stands in it, strangers included; the references are train's."""
    out, _, _ = trained
    written = json.loads((out / "safeguard.json").read_bytes())
    assert written["references"] == 56
    assert written["study"]["checked_on"] == "test"
    assert written["study"]["measured"]["ours"] == 40
    assert written["study"]["measured"]["strangers"] == 6
    assert [promise["pictures"] for promise in written["study"]["promises"][:2]] == [40, 40]


def test_every_picture_has_its_answer(trained, tmp_path, drawing):
    """Files, bytes and open pictures; one that is none is told with its reason, and the others' answers stay as they are."""
    out, _, test = trained
    baseline = load_baseline(out)
    paths = []
    for number, (data, _) in enumerate(test):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(data)
    answers = baseline.predict(paths)
    assert [answer.file for answer in answers] == list(map(str, paths))
    accepted = [(answer.class_id, NAMES[label]) for answer, (_, label) in zip(answers, test, strict=True) if not answer.reason]
    assert len(accepted) >= 8
    assert np.mean([said == true for said, true in accepted]) >= 0.9
    assert all((answer.decision is Acceptance.ACCEPTED) == (not answer.reason) for answer in answers)

    bomb = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(bomb, "PNG")
    odd = [test[0][0], b"<html>gone</html>", bomb.getvalue(), tmp_path / "missing.jpg", tmp_path, Image.open(paths[0])]
    first, page, large, missing, folder, opened = baseline.predict(odd)
    assert (first.file, first.decision, first.class_id) == ("#1", answers[0].decision, answers[0].class_id)
    assert first[3:5] == pytest.approx(answers[0][3:5], abs=2e-4)
    assert opened.class_id == answers[0].class_id
    for answer, word in ((page, "accepted format"), (large, "pixels"), (missing, "No such file"), (folder, "no plain file")):
        assert (answer.decision, answer.class_id, answer.probability) == (Acceptance.UNREADABLE, None, None)
        assert word in answer.reason
    assert baseline.predict([]) == []
    with pytest.raises(UsageError, match="single picture"):
        baseline.predict(str(paths[0]))


def test_the_command_prints_what_the_schema_says(trained, tmp_path, capsys):
    """A folder of files, as JSON and for people; a name of control characters harms no terminal."""
    out, _, test = trained
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a\x1b[31m.jpg").write_bytes(test[0][0])
    (tmp_path / "pictures" / "b.jpg").write_bytes(b"no picture")
    schema = json.loads((ROOT / "docs/json-schema.json").read_text(encoding="utf-8"))
    assert main(["predict", str(out), str(tmp_path / "pictures"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert not list(Draft202012Validator({**schema, **schema["answers"]["predict"]}).iter_errors(answer))
    assert [one["decision"] == "unreadable" for one in answer] == [False, True]
    assert main(["predict", str(out), str(tmp_path / "pictures")]) == 0
    shown = capsys.readouterr().out
    assert "1 unreadable" in shown
    assert "\x1b[31m" not in shown


@pytest.mark.slow
def test_a_safeguard_is_made_anew_for_other_goals(trained, tmp_path, drawing, capsys):
    """By the command, of a copy of the model: the network stays, stricter goals accept less, and its answer is as documented."""
    out, release, _ = trained
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("model.json", "model.safetensors"):
        (copy / name).write_bytes((out / name).read_bytes())
    with pytest.raises(UsageError, match=r"safeguard.json: is not there"):
        load_baseline(copy).predict([])
    lenient = make_safeguard(release, copy, precision=0.5)
    schema = json.loads((ROOT / "docs/json-schema.json").read_text(encoding="utf-8"))
    assert main(["safeguard", str(copy), str(release), "--precision", "0.99", "--ours-kept", "0.7", "--json"]) == 0
    strict = json.loads(capsys.readouterr().out)
    assert not list(Draft202012Validator({**schema, **schema["answers"]["safeguard"]}).iter_errors(strict))
    assert strict["measured"]["accepted"] < lenient.measured.accepted
    assert load_baseline(copy).safeguard.goals.precision == pytest.approx(0.99)

    other = drawing["release"](tmp_path / "other", drawing["splits"](2, 6, 1), ("a", "b", "c", "d"))
    with pytest.raises(UsageError, match="has 4 classes"):
        make_safeguard(other, copy)


@pytest.mark.slow
def test_too_few_held_out_pictures_leave_none(make_release, drawing, tmp_path, caplog):
    """The training passes on, says why there is no safeguard, and the model can be used without; asked for, it is an error."""
    release = make_release(drawing["splits"](3, 1, 1))
    with caplog.at_level(logging.WARNING, "logoingest"):
        train_baseline(release, CONFIG.model_copy(update={"epochs": 1}), tmp_path / "out")
    assert "no safeguard.json is made: validation: 4 single-class pictures" in caplog.text
    network, names, _ = load_baseline(tmp_path / "out")
    assert (network.training, len(names)) == (False, 4)
    with pytest.raises(UsageError, match="20 or more are needed"):
        make_safeguard(release, tmp_path / "out")


def test_references_are_bounded_and_do_not_depend_on_the_order():
    """Of a large class so many, of each class some; the same whatever order the files have."""
    ids = np.array([f"{number:05}" for number in np.random.default_rng(0).permutation(1_000)])
    labels = (ids.astype(int) % 50 == 0).astype(np.int64)

    def choose(order):
        place = np.arange(len(order))
        split = Split("train", (), place, place, labels[order], tuple(ids[order].tolist()), (None,) * len(order))
        return [split.image_id[row] for row in choose_references(split, 2)]

    chosen = choose(np.arange(1_000))
    assert len(chosen) == 220
    assert set(chosen) == set(choose(np.argsort(ids)))
