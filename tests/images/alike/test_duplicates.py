"""Near-duplicates: the search is exact, groups are an equivalence, chains are bounded."""

import io
from collections import defaultdict
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from builders.fingerprints import list_near, make_prints, turn_signature
from builders.laws import examples
from builders.places import REAL_DATA
from logoingest.images import find_duplicate_pairs, group_duplicates, inspect_image
from logoingest.images.alike import neighbours
from logoingest.images.alike.turns import INVERSES, TURNS

PHOTOS = REAL_DATA / "flickrlogos27/images"


def as_bytes(prints):
    return [row.tobytes() for row in prints.signatures]


@examples(25)
@given(st.integers(0, 10_000), st.integers(2, 150), st.sampled_from([5.0, 15.0, 24.0]))
def test_search_is_exact(seed, count, noise):
    """The search finds just the pairs that comparing all pairs finds."""
    prints = make_prints(seed, count, noise)
    found = find_duplicate_pairs(as_bytes(prints))
    expected = [(first, second) for first, second in list_near(prints, prints) if first < second]
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == expected


@examples(25)
@given(
    st.integers(0, 10_000),
    st.integers(2, 150),
    st.sampled_from([5.0, 15.0, 24.0]),
    st.sampled_from([1, 7, 40]),
    st.sampled_from([1, 3, 6]),
    st.sampled_from([0.0, 0.25, 1.0]),
)
def test_the_search_is_exact_however_the_work_is_cut(seed, count, noise, block, bits, worth):
    """Small blocks, narrow products, few pairs at once, points dropped one by one or not: the same pairs in the same turns."""
    prints = make_prints(seed, count, noise)
    expected = find_duplicate_pairs(as_bytes(prints))
    cut = {
        "_BLOCK": block,
        "_AT_ONCE_BITS": bits,
        "_AT_ONCE": 1 << bits,
        "_SIFTED_AT_ONCE": 5,
        "_TURNED_AT_ONCE": 3,
        "_PART": 9,
        "_FEW": 3 * worth,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**cut, "_SAMPLED_EVERY": 2, "_WORTH_DROPPING": worth}.items():
            patch.setattr(neighbours, name, value)
        found = find_duplicate_pairs(as_bytes(prints))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.slow
def test_search_is_exact_over_blocks():
    """The same with more pictures than a block holds."""
    prints = make_prints(7, 1_500, 15.0)
    found = find_duplicate_pairs(as_bytes(prints))
    expected = sum(first < second for first, second in list_near(prints, prints))
    assert len(found.first) == expected > 1_000


@pytest.mark.slow
@examples(25)
@given(st.integers(0, 10_000), st.integers(1, 80), st.randoms())
def test_groups_are_an_equivalence_and_order_independent(seed, count, random):
    """Groups partition the pictures, are named by their smallest id, keep equal pixels together; shuffling changes nothing."""
    signatures = as_bytes(make_prints(seed, count, 20.0))
    ids = [sha256(f"{seed} {row}".encode()).hexdigest() for row in range(count)]
    pixels = [f"p{row // 2 if row % 5 == 0 else row}" for row in range(count)]
    groups = dict(zip(ids, group_duplicates(ids, signatures, pixels), strict=True))
    members = defaultdict(list)
    for image_id, group in groups.items():
        members[group].append(image_id)
    assert all(group == min(inside) for group, inside in members.items())
    by_pixels = defaultdict(set)
    for image_id, pixel_hash in zip(ids, pixels, strict=True):
        by_pixels[pixel_hash].add(groups[image_id])
    assert all(len(names) == 1 for names in by_pixels.values())
    order = list(range(count))
    random.shuffle(order)
    shuffled = [[column[row] for row in order] for column in (ids, signatures, pixels)]
    assert dict(zip(shuffled[0], group_duplicates(*shuffled), strict=True)) == groups


@pytest.mark.slow
@examples(25)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(0, 7), st.data())
def test_a_group_does_not_depend_on_how_its_pictures_are_turned(seed, count, number, data):
    """Any one picture turned or mirrored, everything is grouped as before; the turn that is told takes one to the other."""
    signatures = as_bytes(make_prints(seed, count, 20.0))
    ids = [f"{row:02d}" for row in range(count)]
    row = data.draw(st.integers(0, count - 1))
    turned = [*signatures]
    turned[row] = turn_signature(np.frombuffer(signatures[row], np.uint8), number).tobytes()
    assert group_duplicates(ids, turned, ids) == group_duplicates(ids, signatures, ids)
    pairs = find_duplicate_pairs([signatures[row], turned[row]])
    flat = np.frombuffer(signatures[row], np.uint8).std() < 2
    assert flat or pairs.turn.tolist() == [number]


@pytest.mark.parametrize("number", range(8))
def test_turns_are_what_pillow_makes_of_them(number):
    """Each of the eight has its name's meaning, in pictures, cosines and steps alike, and an inverse."""
    methods = [None, 0, 1, 3, (0, 2), 4, 2, (0, 4)]  # Pillow's transpositions, the second one after the first
    picture = np.random.default_rng(5).integers(0, 256, (32, 32)).astype(np.uint8)
    expected = Image.fromarray(picture)
    for method in (m for m in np.atleast_1d(methods[number]) if m is not None):
        expected = expected.transpose(Image.Transpose(int(method)))
    turned = turn_signature(picture, number)
    assert np.array_equal(turned.reshape(32, 32), np.asarray(expected)), TURNS[number].name
    assert np.array_equal(turn_signature(turned, INVERSES[number]), picture.ravel())


def test_chains_are_bounded():
    """A chain of small steps whose ends have nothing in common is cut; every member stays near its group's centre."""
    random = np.random.default_rng(0)
    one, other = (random.integers(0, 256, 1024) for _ in range(2))
    shares = np.linspace(0, 1, 24)
    signatures = [np.round((1 - share) * one + share * other).astype(np.uint8).tobytes() for share in shares]
    ids = [f"i{row:02d}" for row in range(24)]
    groups = group_duplicates(ids, signatures, ids)
    assert 1 < len(set(groups)) < 24
    assert set(group_duplicates(ids[:4], signatures[:4], ids[:4])) == {"i00"}


def test_one_colour_pictures_are_near_nothing():
    """Blank pictures share a group only when their pixels are equal."""
    blank = [Image.new("RGB", size, "white") for size in ((100, 100), (100, 100), (120, 100))]
    facts = [inspect_image(encode(image)) for image in blank]
    columns = [[fact[name] for fact in facts] for name in ("signature", "pixel_hash")]
    assert group_duplicates(["a", "b", "c"], *columns) == ["a", "a", "c"]


def encode(image, picture_format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


def test_variants_of_a_logo_are_one_group():
    """Re-encoded, halved, cropped at the border and padded, a drawn mark stays in its group; another mark doesn't join."""
    logo = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(logo).polygon([(80, 220), (180, 60), (320, 90), (260, 240)], fill=(200, 10, 30))
    ImageDraw.Draw(logo).ellipse((180, 120, 240, 180), fill="white")
    other = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(other).rectangle((80, 60, 320, 120), fill=(200, 10, 30))
    ImageDraw.Draw(other).rectangle((160, 120, 240, 240), fill=(200, 10, 30))
    padded = Image.new("RGB", (480, 360), "white")
    padded.paste(logo, (40, 30))
    files = [
        encode(logo),
        encode(logo, "JPEG", quality=40),
        encode(logo.resize((200, 150))),
        encode(logo.crop((16, 12, 384, 288))),
        encode(padded),
        encode(other),
    ]
    facts = [inspect_image(data) for data in files]
    columns = [[fact[name] for fact in facts] for name in ("signature", "pixel_hash")]
    assert group_duplicates(list("abcdef"), *columns) == ["a"] * 5 + ["f"]


def test_wrong_sizes_are_our_error():
    """Signatures of another length, or sequences of different lengths, raise."""
    with pytest.raises(ValueError, match="1024 bytes"):
        find_duplicate_pairs([b"x"])
    with pytest.raises(ValueError, match="equally long"):
        group_duplicates(["a"], [], [])
    assert group_duplicates([], [], []) == []


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="shared/data/flickrlogos27 is not here")
def test_identical_photos_are_found():
    """Among the real photos, the nine groups of identical files each share a group."""
    files = sorted(PHOTOS.iterdir())
    data = [file.read_bytes() for file in files]
    facts = [inspect_image(body) for body in data]
    columns = [[fact[name] for fact in facts] for name in ("signature", "pixel_hash")]
    groups = group_duplicates([file.name for file in files], *columns)
    identical = defaultdict(list)
    for body, group in zip(data, groups, strict=True):
        identical[sha256(body).hexdigest()].append(group)
    repeated = [names for names in identical.values() if len(names) > 1]
    assert len(repeated) == 9
    assert all(len(set(names)) == 1 for names in repeated)
