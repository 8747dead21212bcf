"""Other datasets in the route: leaks to them are named, verify names the law, and what they have can be left out."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from logoingest import load_config
from logoingest.cli.main import main
from logoingest.pipeline import Run, plan, run, verify, verify_folder
from logoingest.release.form.manifest import compute_fingerprint, read_manifest, render_manifest
from logoingest.schemas import AgainstRow, Stage


@pytest.fixture
def dataset(make_dataset):
    """A dataset that has run up to its release."""
    made = make_dataset(pictures=6)
    run(load_config(made.config, environ={}), until=Stage.RELEASE)
    return made


def take_pictures(release: Path, split: str, count: int) -> dict[str, bytes]:
    """image_id → bytes of the first pictures of a split."""
    rows = [row for file in sorted(release.glob(f"data/{split}-*")) for row in pq.read_table(file).to_pylist()]
    return {row["image_id"]: row["image"]["bytes"] for row in rows[:count]}


def lay_out(folder: Path, split: str, pictures: dict[str, bytes]) -> Path:
    for image_id, data in pictures.items():
        (folder / split / "brand").mkdir(parents=True, exist_ok=True)
        (folder / split / "brand" / f"{image_id}.jpg").write_bytes(data)
    return folder


def read_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = main([*arguments, "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def test_leaks_to_another_dataset_are_named(dataset, tmp_path, capsys):
    """A train picture of ours in their test folder ends duplicates and verify with exit code 3, each naming it."""
    leaked = take_pictures(dataset.release, "train", 2)
    them = lay_out(tmp_path / "them", "test", leaked)
    code, found = read_json(capsys, "duplicates", str(dataset.config), "--against", str(them))
    assert code == 3
    assert {pair["image_id"] for pair in found["pairs"] if pair["leak"]} == set(leaked)
    assert found["others"][0]["leaks"] == 2
    table = pq.read_table(dataset.folder / "work/tables/against.parquet")
    assert table.schema.equals(AgainstRow.arrow_schema())
    assert table.num_rows == len(found["pairs"])
    for target in (dataset.config, dataset.release):
        code, violations = read_json(capsys, "verify", str(target), "--quick", "--against", str(them))
        assert code == 3
        assert [violation["law"] for violation in violations] == ["apart_from_others"]
        assert min(leaked) in violations[0]["what"]


@pytest.mark.slow
def test_the_same_split_in_both_is_no_leak(dataset, tmp_path, capsys):
    """An earlier copy of the release, and a test set that is ours too, leak nothing; the pairs are told all the same."""
    them = lay_out(tmp_path / "them", "train", take_pictures(dataset.release, "train", 2))
    code, found = read_json(
        capsys,
        "duplicates",
        str(dataset.config),
        "--against",
        str(them),
        "--against",
        str(dataset.config),
        "--against",
        str(dataset.folder / "work"),
    )
    assert code == 0
    assert [other["leaks"] for other in found["others"]] == [0, 0, 0]
    released = sum(1 for _ in take_pictures(dataset.release, "*", 10**6))
    assert [other["alike"] for other in found["others"]] == [2, released, released]
    assert read_json(capsys, "verify", str(dataset.config), "--quick", "--against", str(them)) == (0, [])


def test_fingerprints_of_others_are_made_once(dataset, tmp_path, capsys):
    """Compared again, unchanged content is not fingerprinted again, wherever it lies by then."""
    pictures = take_pictures(dataset.release, "train", 3)
    folder = dataset.folder / "work/fingerprints"
    read_json(capsys, "duplicates", str(dataset.config), "--against", str(lay_out(tmp_path / "them", "test", pictures)))
    first = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    read_json(capsys, "duplicates", str(dataset.config), "--against", str(lay_out(tmp_path / "moved", "train", pictures)))
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == first
    assert len(first) == 1


@pytest.mark.slow
def test_known_pictures_can_be_left_out(dataset, tmp_path):
    """images.against with the policy reject leaves them out by reason; the law holds, and verify has nothing to say any more."""
    leaked = take_pictures(dataset.release, "train", 2)
    them = lay_out(tmp_path / "them", "test", leaked)
    report = load_config(dataset.config, [f"images.against=['{them}']"], environ={})
    assert {violation.law for violation in verify(Run(report), deep=False)} == {"apart_from_others"}
    config = load_config(dataset.config, [f"images.against=['{them}']", "images.against_policy=reject"], environ={})
    run(config, until=Stage.RELEASE)
    assert verify(Run(config), deep=False) == []
    rejected = pq.read_table(dataset.release / "rejected.parquet").to_pylist()
    known = [row for row in rejected if row["reason"] == "known_elsewhere"]
    assert {row["stage"] for row in known} == {"images"}
    assert len(known) >= 6  # three answers a picture
    assert all("same bytes" in row["detail"] for row in known)
    assert not leaked.keys() & take_pictures(dataset.release, "*", 10**6).keys()


def test_images_run_again_when_the_other_dataset_changes(dataset, tmp_path):
    """With the policy reject a new file in the other dataset makes the images stage stale."""
    them = lay_out(tmp_path / "them", "test", take_pictures(dataset.release, "train", 1))
    config = load_config(dataset.config, [f"images.against=['{them}']", "images.against_policy=reject"], environ={})
    run(config, until=Stage.IMAGES)
    states = {stage.stage: stage.action for stage in plan(Run(config)).stages}
    assert states["images"] == "skip"
    lay_out(them, "test", take_pictures(dataset.release, "test", 1))
    images = next(stage for stage in plan(Run(config)).stages if stage.stage == "images")
    assert (images.action, images.why) == ("run", "changed: images.against")


def test_nothing_to_compare_with_is_a_usage_fault(dataset, tmp_path, capsys):
    """Without another dataset, or with one that is not there, the message says what to do."""
    assert main(["duplicates", str(dataset.config)]) == 2
    assert "--against PATH" in capsys.readouterr().err
    assert main(["duplicates", str(dataset.config), "--against", str(tmp_path / "nowhere")]) == 2
    assert main(["verify", str(dataset.config), "--quick", "--against", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("is not there") == 2


@pytest.mark.slow
@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT])
def test_a_test_picture_saved_again_into_train_is_caught(dataset, turn):
    """A picture of test, re-encoded, turned or mirrored, and put into train under its own hash and group with every table mended, breaks splits_apart."""
    file = next(dataset.release.glob("data/train-*"))
    table = pq.read_table(file)
    rows = table.to_pylist()
    buffer = io.BytesIO()
    stolen = next(iter(take_pictures(dataset.release, "test", 1).values()))
    picture = Image.open(io.BytesIO(stolen))
    (picture if turn is None else picture.transpose(turn)).save(buffer, "JPEG", quality=70)
    image_id = hashlib.sha256(buffer.getvalue()).hexdigest()
    rows[0] |= {"image": {"bytes": buffer.getvalue(), "path": f"{image_id}.jpg"}, "image_id": image_id, "group_id": image_id}
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    manifest = read_manifest(dataset.release)
    name = file.relative_to(dataset.release).as_posix()
    manifest["files"][name] |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    manifest["fingerprint"] = compute_fingerprint(manifest)
    (dataset.release / "manifest.json").write_bytes(render_manifest(manifest))
    found = [violation for violation in verify_folder(dataset.release, deep=True, others={}) if violation.law == "splits_apart"]
    assert len(found) == 1
    assert image_id in found[0].what
    assert "splits_apart" in {violation.law for violation in verify(Run(load_config(dataset.config, environ={})))}
