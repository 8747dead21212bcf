"""The leak probe: what it must find, and what it must leave alone."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageEnhance

from logoingest.release.reading.loader import open_folder
from logoingest.training.checks.leaks import find_leaks
from logoingest.training.data.splits import read_splits


def read_made(folder):
    return read_splits(open_folder(folder))


def crop(image, share):
    width, height = image.size
    return image.crop((int(width * share), int(height * share), int(width * (1 - share)), int(height * (1 - share))))


def pad(image, share):
    width, height = image.size
    ground = Image.new("RGB", (int(width * (1 + 2 * share)), int(height * (1 + 2 * share))), "white")
    ground.paste(image, (int(width * share), int(height * share)))
    return ground


CHANGES = {
    "saved again": lambda image: image,
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "cropped": lambda image: crop(image, 0.04),
    "cropped and smaller": lambda image: crop(image, 0.05).resize((image.width // 2, image.height // 2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "padded": lambda image: pad(image, 0.08),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored and cropped": lambda image: crop(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 0.03),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_copy_is_found(make_release, drawing, change):
    """A test picture that lies in train saved again, resized, slightly cropped, lit, padded or turned is found and named."""
    photo, encode = drawing["photo"], drawing["encode"]
    test = [(encode(photo(seed)), 0) for seed in range(6)]
    train = [(encode(photo(seed)), 0) for seed in range(100, 112)] + [(encode(CHANGES[change](photo(3)), quality=70), 0)]
    release = read_made(make_release({"train": train, "test": test}))
    leaks = find_leaks(release.splits)
    assert [(leak.kind, leak.image_id) for leak in leaks] == [("near_duplicate", release.splits["test"].image_id[3])]
    assert leaks[0].other_image_id == release.splits["train"].image_id[12]


def test_exact_copies_are_found_between_any_two_splits(make_release, drawing):
    """The same file in validation and train, and in test and validation, are two leaks."""
    photo, encode = drawing["photo"], drawing["encode"]
    one, two, three = (encode(photo(seed)) for seed in range(3))
    release = read_made(make_release({"train": [(one, 0)], "validation": [(one, 0), (two, 0)], "test": [(two, 1), (three, 0)]}))
    leaks = find_leaks(release.splits)
    assert [(leak.kind, leak.split, leak.other_split) for leak in leaks] == [
        ("same_file", "validation", "train"),
        ("same_file", "test", "validation"),
    ]


def test_the_same_pixels_in_another_file_are_found(make_release, drawing):
    """A picture saved without loss in another format is the same picture."""
    image = drawing["photo"](1)
    files = []
    for file_format in ("PNG", "BMP"):
        file = BytesIO()
        image.save(file, file_format)
        files.append(file.getvalue())
    release = read_made(make_release({"train": [(files[0], 0)], "test": [(files[1], 0)]}))
    assert [leak.kind for leak in find_leaks(release.splits)] == ["same_pixels"]


def test_like_logos_are_no_leak(make_release, splits):
    """Pictures of the same logo, drawn anew on another ground, are what a dataset is made of."""
    assert find_leaks(read_made(make_release(splits)).splits) == []


def test_flat_pictures_are_no_near_duplicates(make_release, drawing):
    """Two nearly even pictures of different grey have nothing that could be compared."""
    encode = drawing["encode"]
    rows = [[(encode(Image.new("RGB", (64, 64), (grey,) * 3)), 0)] for grey in (40, 200)]
    assert find_leaks(read_made(make_release({"train": rows[0], "test": rows[1]})).splits) == []


def test_real_photos_leak_only_when_planted(make_release, drawing, photos):
    """Of 60 real photos in train and 20 in test none leaks; ten planted copies are all found."""
    files = sorted(photos.iterdir())[:1000:9][:80]
    data = [file.read_bytes() for file in files]
    planted = [drawing["encode"](crop(Image.open(BytesIO(data[row])).convert("RGB"), 0.03), quality=75) for row in range(65, 75)]
    clean = read_made(make_release({"train": [(one, 0) for one in data[:60]], "test": [(one, 0) for one in data[60:]]}))
    assert find_leaks(clean.splits) == []
    dirty = drawing["release"](
        photos_free_folder(clean),
        {"train": [(one, 0) for one in [*data[:60], *planted]], "test": [(one, 0) for one in data[60:]]},
        ["a"],
    )
    found = {leak.image_id for leak in find_leaks(read_made(dirty).splits)}
    assert found == set(clean.splits["test"].image_id[5:15])


def photos_free_folder(release):
    """A folder beside the clean release."""
    return release.splits["train"].files[0].parents[2] / "dirty"


def test_the_same_artwork_in_another_colour_is_another_picture(make_release, drawing):
    """A logo printed in its owner's other colour has the same outlines, and is no copy."""
    photo, encode = drawing["photo"](2), drawing["encode"]
    red, green, blue = photo.split()
    other = Image.merge("RGB", (blue, green, red))
    assert find_leaks(read_made(make_release({"train": [(encode(photo), 0)], "test": [(encode(other), 0)]})).splits) == []
