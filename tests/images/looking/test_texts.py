"""Text read off pictures; needs the extra "ocr"."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from logoingest import load_config, run
from logoingest.errors import UsageError
from logoingest.images.looking import texts
from logoingest.pipeline import Run
from logoingest.pipeline.texts import read_asked, read_text_conflicts
from logoingest.schemas import Stage


def write_sign(text, size=(320, 160), rotate=0):
    image = Image.new("RGB", size, (250, 250, 245))
    ImageDraw.Draw(image).text((20, 50), text, fill=(20, 20, 20), font=ImageFont.load_default(56))
    buffer = io.BytesIO()
    exif = Image.Exif()
    if rotate:
        exif[0x0112] = 6
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(buffer, "JPEG", quality=92, exif=exif)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def reader():
    pytest.importorskip("rapidocr", reason='the extra "ocr" is not installed')
    pytest.importorskip("onnxruntime", reason='the extra "ocr" is not installed')
    return texts.TextReader()


def test_without_the_extra_the_message_says_what_to_do():
    """A usage error before anything is fetched, where the reader is missing."""
    try:
        import rapidocr  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"pip install 'logoingest\[ocr\]'"):
            texts.check_reader()
    else:
        texts.check_reader()


def test_a_sign_is_read(reader):
    """Also when it is stored lying on its side."""
    for data in (write_sign("Acme"), write_sign("Acme", rotate=1)):
        assert [piece.text for piece in reader.read(data)] == ["Acme"]


def test_an_empty_wall_says_nothing(reader):
    """And neither does a line of a few pixels."""
    for size in ((320, 160), (2000, 1)):
        buffer = io.BytesIO()
        Image.new("RGB", size, (250, 250, 245)).save(buffer, "PNG")
        assert reader.read(buffer.getvalue()) == []


def test_what_is_no_picture_is_a_value_error(reader):
    """The same as everywhere."""
    with pytest.raises(ValueError, match="format"):
        reader.read(b"<html>")


def test_every_usable_nasty_image_can_be_read(reader, shared_data):
    """None stops the reader."""
    from logoingest.images import inspect_image

    for path in sorted((shared_data / "nasty_images").iterdir())[::4]:
        data = path.read_bytes()
        if path.suffix != ".csv" and inspect_image(data)["image_reason"] is None:
            assert len(reader.read(data)) <= texts.MAX_TEXTS


def test_the_route_finds_the_sign_that_contradicts(reader, make_dataset, site, monkeypatch):
    """A picture that says Bolt and is answered Acme is a conflict, its label stays; a second run reads nothing again."""
    dataset = make_dataset(pictures=2)
    site.pages["/sign.jpg"] = (200, "image/jpeg", write_sign("Bolt"))
    for worker in ("w0", "w1", "w2"):
        dataset.add_row("/sign.jpg", "Acme", worker)
    dataset.write()
    config = load_config(dataset.config, {"train.enabled": False, "images.ocr": True}, environ={})
    run(config, until=Stage.SAMPLES)
    opened = Run(config)
    [row] = read_text_conflicts(opened).to_pylist()
    assert (row["class_ids"], row["written"], row["text"], row["votes"]) == (["acme"], "bolt", "Bolt", 3)
    samples = opened.workspace.read_table("samples")
    assert (
        dict(zip(samples.column("image_id").to_pylist(), samples.column("class_id").to_pylist(), strict=True))[row["image_id"]]
        == "acme"
    )
    assert opened.workspace.read_table("texts").num_rows == samples.num_rows
    assert [read_asked(opened, asked) for asked in (row["image_id"], "0" * 64, write_sign("Acme"))] == [["Bolt"], [], ["Acme"]]
    read = []
    monkeypatch.setattr(texts.TextReader, "read", lambda self, data: read.append(data) or [])
    run(config, until=Stage.SAMPLES, start=Stage.SAMPLES)
    assert read == []
    assert len(read_text_conflicts(opened)) == 1
