"""Copies in any guise are found and told; what only resembles is not; chains are bounded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from builders.fingerprints import turn_signature
from logoingest.images import inspect_image
from logoingest.images.alike import copies, ordered, windows
from logoingest.images.alike.bounds import Unsearched, count_unsearched, describe_unsearched, read_unsearched
from logoingest.images.alike.copies import CopyPairs, CopySearch, find_copy_pairs
from logoingest.images.alike.duplicates import group_copies, join_groups
from logoingest.images.alike.trims import trim_signatures
from logoingest.images.alike.turns import INVERSES, TURNS
from logoingest.schemas import CopyRow


def draw_scene(seed: int) -> Image.Image:
    """A picture of its own: some blurred patches of colour, 360 x 270."""
    random = np.random.default_rng(seed)
    cells = random.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize((360, 270), Image.Resampling.BICUBIC)


def read_signature(picture: Image.Image, **options: object) -> np.ndarray:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **(options or {"quality": 90}))
    return np.frombuffer(inspect_image(buffer.getvalue())["signature"], np.uint8)


def set_into_frame(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(ImageOps.expand(picture, 12, "#202020"), 30, "white")


GUISES = {
    "saved badly": (lambda picture: picture, {"quality": 10}, "saved_again", "as it is"),
    "grey": (lambda picture: picture.convert("L"), {}, "saved_again", "as it is"),
    "small": (lambda picture: picture.resize((90, 68)), {}, "saved_again", "as it is"),
    "stretched": (lambda picture: picture.resize((300, 300)), {}, "saved_again", "as it is"),
    "blurred": (lambda picture: picture.filter(ImageFilter.GaussianBlur(4)), {}, "saved_again", "as it is"),
    "turned": (lambda picture: picture.transpose(Image.Transpose.ROTATE_270), {}, "turned", "turned by 90°"),
    "mirrored": (lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), {}, "turned", "mirrored"),
    "cropped": (lambda picture: picture.crop((40, 30, 328, 246)), {}, "cropped", "cropped to 80% x 80%"),
    "cropped and mirrored": (
        lambda picture: picture.crop((0, 54, 288, 270)).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        {},
        "cropped",
        "mirrored, cropped to 80% x 80%",
    ),
    "framed": (set_into_frame, {}, "cropped", "set into more, of which it is 9"),
    "rotated": (lambda picture: picture.rotate(4, Image.Resampling.BICUBIC, fillcolor="black"), {}, None, "rotated by "),
}


@pytest.mark.parametrize("name", GUISES)
def test_a_copy_is_found_and_told_in_every_guise(name):
    """Among other pictures just the copy is found, with its kind, what makes it of the original, and how much both show."""
    change, options, kind, transformation = GUISES[name]
    scenes = [draw_scene(seed) for seed in range(8)]
    signatures = np.stack([*(read_signature(scene) for scene in scenes), read_signature(change(scenes[3]), **options)])
    found = find_copy_pairs(signatures)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(3, 8)]
    (finding,) = found.findings
    assert kind in {None, finding.kind}
    assert finding.transformation.startswith(transformation)
    assert finding.residual < 0.07
    assert (finding.overlap < 0.96) == (finding.kind == "cropped")
    assert found.unsearched == Unsearched()


def test_a_picture_pasted_on_another_ground_is_no_copy():
    """Half the size on a ground of its own, it is another picture."""
    ground = draw_scene(50)
    ground.paste(draw_scene(3).resize((180, 135)), (60, 80))
    signatures = np.stack([*(read_signature(draw_scene(seed)) for seed in range(8)), read_signature(ground)])
    assert len(find_copy_pairs(signatures).first) == 0


def test_the_next_frame_of_a_burst_is_near():
    """The camera moved a little and a thing in front moved on: one group, and called near, not a copy."""
    scene = draw_scene(3)
    frame = scene.crop((4, 3, 360, 270)).resize((360, 270))
    frame.paste(draw_scene(9).resize((80, 80)), (165, 106))
    found = find_copy_pairs(np.stack([read_signature(scene), read_signature(frame)]))
    assert [finding.kind for finding in found.findings] == ["near"]


def write_beside(word: list[int], bottom: int = 120) -> Image.Image:
    """A mark, and bars like those of a word at its bottom right."""
    picture = draw_mark((160, 120), (0, 0, 160, 110))
    lines = ImageDraw.Draw(picture)
    for left in word:
        lines.rectangle((left, bottom - 22, left + 6, bottom - 4), (200, 16, 30))
    return picture


@pytest.mark.parametrize("turn", range(8))
def test_a_mark_beside_another_word_is_near_and_the_place_is_named(turn):
    """Whichever comes first and however it is turned, the place is that of the second picture."""
    plain, other = read_signature(write_beside([4])), turn_signature(read_signature(write_beside([4, 110, 122, 134, 146])), turn)
    places = ("bottom right", "bottom left", "top right", "top left", "bottom right", "bottom left", "top right", "top left")
    for pair, place in (((plain, other), places[turn]), ((other, plain), "bottom right")):
        (finding,) = find_copy_pairs(np.stack(pair)).findings
        assert finding.kind == "near"
        assert finding.transformation.endswith(f"but for a place at the {place}")


LIGHTS = {
    "gamma": lambda level: 255 * (level / 255) ** 0.6,
    "clipped whites": lambda level: 1.4 * level,
    "a lamp that is yellow": lambda level: 0.8 * level + 10,
}


@pytest.mark.parametrize("name", LIGHTS)
def test_another_light_is_no_place_that_differs(name):
    """What a tone curve explains is the same picture, saved again."""
    scene = draw_scene(3).convert("L")
    lit = scene.point([min(255, round(LIGHTS[name](level))) for level in range(256)])
    (finding,) = find_copy_pairs(np.stack([read_signature(scene), read_signature(lit)])).findings
    assert (finding.kind, finding.transformation) == ("saved_again", "as it is")


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 30))
def test_copies_do_not_depend_on_turns_or_order(one, other, seed):
    """A picture and a crop of it are found however either is turned and whichever comes first; the evidence is the same."""
    scene = draw_scene(seed)
    whole, part = read_signature(scene), read_signature(scene.crop((20, 40, 310, 260)))
    straight = find_copy_pairs(np.stack([whole, part])).findings
    turned = find_copy_pairs(np.stack([turn_signature(part, one), turn_signature(whole, other)])).findings
    assert len(straight) == len(turned) == 1
    assert turned[0].kind == straight[0].kind
    assert turned[0].overlap == pytest.approx(straight[0].overlap, abs=0.02)
    assert turned[0].residual == pytest.approx(straight[0].residual, abs=0.005)


def draw_mark(size: tuple[int, int], mark: tuple[int, int, int, int], speckles: int = 0) -> Image.Image:
    """A drawing on yellow, in the box ``mark`` of a picture; ``speckles`` is how much the ground's dots differ, as a dithered one's do."""
    drawn = Image.new("RGB", (160, 50), (255, 204, 0))
    lines = ImageDraw.Draw(drawn)
    for box in ((2, 2, 30, 24), (36, 2, 52, 46), (60, 20, 120, 30), (126, 4, 156, 18), (80, 36, 158, 47)):
        lines.rectangle(box, (200, 16, 30))
    picture = Image.new("RGB", size, (255, 204, 0))
    picture.paste(drawn.resize((mark[2] - mark[0], mark[3] - mark[1]), Image.Resampling.BICUBIC), mark[:2])
    dots = (np.indices(size[::-1]).sum(axis=0) % 3 == 0)[..., None] * speckles
    return Image.fromarray((np.asarray(picture) - np.minimum(np.asarray(picture), dots)).astype(np.uint8))


BORDERS = {
    "a dithered ground, of which nothing counts as border": lambda: draw_mark((160, 90), (0, 20, 160, 70), 60),
    "a thin line around an even border": lambda: ImageOps.expand(draw_mark((240, 80), (40, 15, 200, 65)), 5, "#222222"),
}


@pytest.mark.parametrize("turn", [0, 5])
@pytest.mark.parametrize("name", BORDERS)
def test_a_border_that_is_left_hides_no_copy(name, turn):
    """A drawing with more around it than was trimmed is a copy of the one without, in both searches; the evidence says so."""
    whole = turn_signature(read_signature(BORDERS[name]()), turn)
    tight, other = read_signature(draw_mark((160, 50), (0, 0, 160, 50))), read_signature(draw_scene(4))
    found = find_copy_pairs(np.stack([tight, other, whole]))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 2)]
    assert found.findings[0].kind == "cropped"
    assert found.findings[0].transformation.endswith("with another border")
    assert found.findings[0].transformation.startswith(TURNS[turn].name) or not turn
    for held, others in ((tight, whole), (whole, tight)):
        between = CopySearch(np.stack([other, held])).find(others[None])
        assert list(zip(between.first.tolist(), between.second.tolist(), strict=True)) == [(1, 0)]


def test_nothing_is_looked_up_inside_an_empty_frame():
    """An even square is like every other one, thick as the line around it may be."""
    frames = [ImageOps.expand(Image.new("RGB", (200 - 2 * line, 200 - 2 * line), "white"), line, "black") for line in (16, 60)]
    signatures = np.stack([read_signature(ImageOps.expand(frame, 10, "white")) for frame in frames])
    with ordered.share_search(2) as workers:
        assert len(trim_signatures(signatures, np.arange(2), workers).owners) == 0


def test_a_turn_is_taken_back_by_its_inverse():
    """A turn and the one that the table calls its inverse leave a picture as it is."""
    marks = np.arange(1024).astype(np.int64)
    for number, inverse in enumerate(INVERSES.tolist()):
        assert np.array_equal(turn_signature(turn_signature(marks, number), inverse), marks)


def test_copies_between_two_sets():
    """Of another set, too, in both directions: a crop of ours and what ours is a crop of."""
    scenes = [draw_scene(seed) for seed in range(6)]
    held = np.stack([read_signature(scene) for scene in [*scenes, scenes[0].crop((30, 30, 320, 250))]])
    others = np.stack([read_signature(scenes[2].crop((0, 0, 290, 220))), read_signature(scenes[0]), read_signature(draw_scene(99))])
    found = CopySearch(held).find(others)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (2, 0), (6, 1)]
    assert len(CopySearch(held[:0]).find(others).first) == len(CopySearch(held).find(others[:0]).first) == 0


def test_groups_and_their_evidence():
    """Copies share a group whatever the order; a row a pair says why; equal pixels are told as such; blank pictures are alone."""
    scene = draw_scene(1)
    pictures = [
        scene,
        scene.transpose(Image.Transpose.ROTATE_180),
        scene.crop((40, 30, 330, 250)),
        draw_scene(2),
        scene,
        Image.new("RGB", (99, 99)),
    ]
    signatures = [read_signature(picture).tobytes() for picture in pictures]
    ids, pixels = list("abcdef"), list("pqrtpu")
    grouping = group_copies(ids, signatures, pixels)
    assert grouping.groups == ["a", "a", "a", "d", "a", "f"]
    assert grouping.copies.schema.equals(CopyRow.arrow_schema())
    rows = {(row["image_id"], row["other_id"]): row["kind"] for row in grouping.copies.to_pylist()}
    assert rows[("a", "b")] == "turned"
    assert rows[("a", "e")] == "same_pixels"
    assert "cropped" in {rows.get(("a", "c")), rows.get(("b", "c"))}
    order = [4, 2, 0, 5, 3, 1]
    shuffled = group_copies(*([column[row] for row in order] for column in (ids, signatures, pixels)))
    assert shuffled.groups == [grouping.groups[row] for row in order]
    assert shuffled.copies.equals(grouping.copies)


def test_chains_of_copies_are_cut():
    """Whatever is within two steps of the middle is one group; a longer chain comes apart instead of swallowing everything."""
    assert join_groups(6, np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4])).tolist() == [0, 0, 0, 0, 0, 5]
    count = 30
    chain = join_groups(count, np.arange(count - 1), np.arange(1, count))
    assert max(np.bincount(chain)) <= 5
    star = join_groups(count, np.zeros(count - 1, np.int64), np.arange(1, count))
    assert set(star.tolist()) == {0}


def test_what_a_bound_leaves_out_is_said(monkeypatch, caplog):
    """What each bound of the search leaves out is a value, and the log says so; no bound, nothing to say."""
    scenes = [read_signature(draw_scene(seed)) for seed in range(3)]
    crops = [read_signature(draw_scene(seed).crop((40, 30, 328, 246))) for seed in range(3)]
    signatures = np.stack(scenes + crops)
    assert find_copy_pairs(signatures).unsearched == Unsearched()
    assert not caplog.text
    with monkeypatch.context() as bound:
        bound.setattr(copies, "MOST_FITS", 1)
        found = find_copy_pairs(signatures)
    assert (len(found.first), found.unsearched._replace(pairs=0)) == (1, Unsearched())
    assert found.unsearched.pairs >= 2
    assert "were not compared in pixels" in caplog.text
    with monkeypatch.context() as bound:
        bound.setattr(windows, "_MOST_IN_LIST", 100)
        assert find_copy_pairs(signatures).unsearched.windows == 6 * 30 - 100
    monkeypatch.setattr(copies, "MOST_PICTURES", 5)
    found = find_copy_pairs(signatures)
    assert (len(found.first), found.unsearched) == (0, Unsearched(pictures=6))
    assert "6 pictures are too many" in caplog.text


def test_what_is_found_does_not_depend_on_how_the_search_is_cut(monkeypatch):
    """In this thread or however many interpreters, and lots: the same pairs with the same evidence, the likest of very many alike among them."""
    random = np.random.default_rng(0)
    rings = np.asarray(Image.radial_gradient("L").resize((32, 32)), np.int64).ravel()
    alike = [(rings + random.integers(-9, 9, 1024)).clip(0, 255).astype(np.uint8) for _ in range(40)]
    signatures = np.stack([*alike, *(read_signature(draw_scene(seed)) for seed in range(20)), alike[7]])
    found, found_among = find_copy_pairs(signatures), CopySearch(signatures[:30]).find(signatures[30:])
    assert (7, 60) in set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    for count, many in ((1, 1), (2, 100), (2, 1), (3, 1)):
        monkeypatch.setattr(ordered, "count_cpus", lambda count=count: count)
        monkeypatch.setattr(ordered, "_MANY", many)
        assert_same_pairs(find_copy_pairs(signatures), found)
        among = CopySearch(signatures[:30]).find(signatures[30:])
        assert_same_pairs(among, found_among)
    for bound in ("_QUERIES_AT_ONCE", "_WINDOWS_AT_ONCE", "_POSES_AT_ONCE", "_DESCRIBED_IN_A_LOT", "_FEW"):
        monkeypatch.setattr(windows, bound, 50)
    monkeypatch.setattr(ordered, "count_cpus", lambda: 1)
    assert_same_pairs(find_copy_pairs(signatures), found)


def assert_same_pairs(one: CopyPairs, other: CopyPairs) -> None:
    assert np.array_equal(one.first, other.first)
    assert np.array_equal(one.second, other.second)
    assert (one.findings, one.unsearched) == (other.findings, other.unsearched)


def test_a_copy_of_what_looks_the_same_turned_is_not_called_turned():
    """A ring is as like itself in all eight turns: nothing was turned."""
    rings = read_signature(Image.radial_gradient("L"))
    darker = (rings * 0.9).astype(np.uint8)
    assert [finding.kind for finding in find_copy_pairs(np.stack([rings, darker])).findings] == ["saved_again"]


@given(st.builds(Unsearched, *[st.integers(0, 10**7)] * 3))
def test_what_was_left_out_is_read_back_from_the_figures(unsearched):
    """Figures of a stage hold what is not 0, and tell a sentence each."""
    counts = count_unsearched(unsearched)
    assert read_unsearched({"images": 5, **counts}) == unsearched
    assert len(describe_unsearched(unsearched)) == len(counts)
    assert read_unsearched(None) == Unsearched()
