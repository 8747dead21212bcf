"""What Pillow and libtiff say of strangers' files does not reach stderr."""

from __future__ import annotations

import io
import random
import subprocess
import sys

import pytest
from PIL import Image

LOOKS = {
    "Pillow alone": "from PIL import Image\nimport io, contextlib\ndef look(data):\n with contextlib.suppress(Exception):\n  image = Image.open(io.BytesIO(data))\n  image.getexif()\n  image.load()\n",
    "inspection": "from logoingest.images import inspect_image\ndef look(data): inspect_image(data, max_pixels=10**6)\n",
    "loading": "import contextlib\nfrom logoingest.pictures.loading import load_picture\ndef look(data):\n with contextlib.suppress(Exception): load_picture(data)\n",
}


def make_noisy_tiff() -> bytes:
    """One whose strip libtiff cannot follow."""
    buffer = io.BytesIO()
    noise = Image.frombytes("RGB", (40, 40), random.Random(1).randbytes(4800))
    noise.save(buffer, "TIFF", compression="tiff_lzw")
    data = bytearray(buffer.getvalue())
    data[40:60] = b"\xff" * 20
    return bytes(data)


def make_noisy_exif() -> bytes:
    """A JPEG whose EXIF block promises more than it has."""
    buffer = io.BytesIO()
    block = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\xff\0\0\0\x99\0\0\0\x12\x01\x03\0\x01"
    Image.new("RGB", (40, 40)).save(buffer, "JPEG", exif=block)
    return buffer.getvalue()


def look_at(how: str, data: bytes) -> str:
    """What a process that looks at a file says on stderr."""
    code = f"{LOOKS[how]}\nimport sys\nlook(sys.stdin.buffer.read())"
    shown = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    return shown.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_noisy_tiff, make_noisy_exif])
def test_decoders_are_not_heard(make):
    """Pillow alone speaks of the file, from Python or from C; looked at through us, nobody does."""
    data = make()
    said = {how: look_at(how, data) for how in LOOKS}
    assert said["Pillow alone"]
    assert (said["inspection"], said["loading"]) == ("", "")
