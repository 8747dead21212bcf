"""The whole route with pictures in normal form: what is released, what is made again, and what is not."""

import hashlib
import io

import pytest
from PIL import Image

from logoingest import load_config, open_release, run
from logoingest.errors import ConfigError
from logoingest.pipeline import Run, verify
from logoingest.schemas import Stage

FORM = {"train.enabled": False, "images.store": "rgb", "images.max_side_px": 64}


@pytest.mark.parametrize("value", ["rgb", "original"])
def test_an_unknown_form_or_a_shrunk_original_is_refused(make_dataset, value):
    """The message says what to set."""
    dataset = make_dataset(pictures=1)
    with pytest.raises(ConfigError, match="store"):
        load_config(dataset.config, {"images.store": "RGB" if value == "rgb" else value, "images.max_side_px": 64}, environ={})


@pytest.mark.slow
def test_the_form_is_made_again_and_nothing_else(make_dataset, site):
    """Changing images.store looks through the images and runs the release anew, nothing else; every law holds and each picture has the form."""
    dataset = make_dataset(pictures=4)
    exif = Image.Exif()
    exif[0x0112] = 8
    stream = io.BytesIO()
    Image.open(io.BytesIO(site.pages["/acme/0.jpg"][2])).resize((200, 90)).save(stream, "JPEG", exif=exif)
    site.pages["/acme/0.jpg"] = (200, "image/jpeg", stream.getvalue())
    run(load_config(dataset.config, {"train.enabled": False}, environ={}), until=Stage.RELEASE)
    original = open_release(dataset.release).to_arrow(columns=["image", "image_id", "width", "height"]).to_pylist()
    assert all(hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["image_id"] for row in original)
    config = load_config(dataset.config, FORM, environ={})
    outcomes = run(config, until=Stage.RELEASE)
    assert [outcome.stage for outcome in outcomes if outcome.ran] == [Stage.IMAGES, Stage.RELEASE]
    assert verify(Run(config)) == []
    rows = open_release(dataset.release).to_arrow(columns=["image", "image_id", "width", "height", "stored_sha256"]).to_pylist()
    assert [row["image_id"] for row in rows] == [row["image_id"] for row in original]
    for row in rows:
        picture = Image.open(io.BytesIO(row["image"]["bytes"]))
        assert (picture.mode, picture.size, max(picture.size)) == ("RGB", (row["width"], row["height"]), 64)
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["stored_sha256"]
    [turned] = [row for row in rows if row["image_id"] == hashlib.sha256(stream.getvalue()).hexdigest()]
    assert (turned["width"], turned["height"], turned["image"]["path"][-4:]) == (29, 64, ".jpg")


def test_a_listed_placeholder_is_told_with_its_note(make_dataset, site):
    """images.placeholders names a file: its pictures are rejected, and stand in the table of placeholders with their answers."""
    dataset = make_dataset(pictures=4)
    sha256 = hashlib.sha256(site.pages["/acme/1.jpg"][2]).hexdigest()
    (dataset.folder / "gone.txt").write_text(f"{sha256}  # the camera\n")
    config = load_config(dataset.config, {"train.enabled": False, "images.placeholders": "gone.txt"}, environ={})
    run(config, until=Stage.SAMPLES)
    workspace = Run(config).workspace
    [row] = workspace.read_table("placeholders").to_pylist()
    assert (row["image_id"], row["decided"], row["urls"], row["answers"]) == (sha256, "listed", 1, 3)
    assert (row["classes"], row["evidence"]) == (["acme"], "listed in gone.txt: the camera")
    rejected = workspace.read_table("images_rejected").to_pylist()
    assert sum(row["reason"] == "placeholder" for row in rejected) == 3
    (dataset.folder / "gone.txt").write_text("# nothing\n")
    run(config, until=Stage.SAMPLES)
    assert workspace.read_table("placeholders").num_rows == 0
