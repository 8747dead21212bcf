"""Small pictures laid upon each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from logoingest.images.alike.laying import fitting
from logoingest.images.alike.laying.fitting import Laying, fit_pairs, is_partial, measure_area
from logoingest.workers import Workers

SIDE = 32


def draw_clouds(seed: int, count: int = 1) -> np.ndarray:
    """Large pictures of soft spots (count x 256 x 256), each unlike the others."""
    random = np.random.default_rng(seed)
    cells = random.integers(0, 256, (count, 7, 7)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((256, 256), Image.Resampling.BICUBIC)) for one in cells])


def shrink(picture: np.ndarray, box: tuple[float, float, float, float] = (0, 0, 256, 256)) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX, box=box))


def fit(first: np.ndarray, second: np.ndarray, start: np.ndarray, **options: bool) -> fitting.Fits:
    is_cut = np.zeros(len(first), bool)
    with Workers(0) as workers:
        return fit_pairs(lambda rows: Laying(first[rows], second[rows], start[rows], is_cut[rows]), len(first), workers, **options)


def make_map(scale: float, across: float, down: float) -> np.ndarray:
    return np.array([[scale, 0, across], [0, scale, down]], np.float32)


@given(st.integers(0, 999), st.floats(0.75, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 1))
@settings(max_examples=40, deadline=None)
def test_a_crop_is_laid_where_it_was_cut_out(seed, scale, across, down, light):
    """Started a twentieth of the side away: to a third of a pixel, whatever the light, with next to nothing left between the two."""
    picture = draw_clouds(seed)[0]
    side = 256 * scale
    left, top = across * (256 - side), down * (256 - side)
    part = (shrink(picture, (left, top, left + side, top + side)) * light).astype(np.uint8)
    true = make_map(scale, 2 * left / 256 + scale - 1, 2 * top / 256 + scale - 1)
    start = true + make_map(0.05, 0.05, -0.05)
    fits = fit(part[None], shrink(picture)[None], start[None])
    assert np.abs(fits.maps[0] - true).max() < 2 / SIDE / 3
    assert fits.correlation[0] > 0.99
    assert fits.detail[0] > 0.95


def test_what_looks_the_same_at_another_place_does_not_drift_there():
    """Stripes can be moved along themselves, and a cone's size and light are one: the map stays as it began."""
    stripes = np.tile((np.sin(np.arange(SIDE) / 2) * 100 + 128).astype(np.uint8), (SIDE, 1))
    cone = np.asarray(Image.radial_gradient("L").resize((SIDE, SIDE)))
    pictures, start = np.stack([stripes, cone]), np.stack([make_map(1, 0, 0)] * 2)
    fits = fit(pictures, (pictures * 0.9).astype(np.uint8), start)
    assert np.abs(fits.maps - start).max() < 0.01


def test_what_is_left_early_is_no_copy():
    """Pairs that are not alike are left, with -1; looked at to the end, none of them is one."""
    pictures = np.stack([shrink(one) for one in draw_clouds(1, 200)])
    others, start = np.roll(pictures, 1, axis=0), np.stack([make_map(0.9, 0.05, 0.05)] * 200)
    early, late = fit(pictures, others, start), fit(pictures, others, start, leave_early=False)
    left = early.detail == -1
    assert left.mean() > 0.9
    assert (late.detail != -1).all()
    assert not ((late.correlation > 0.93) & (late.detail > 0.85))[left].any()


@pytest.mark.parametrize("bounds", [(7, 10), (300, 300)])
def test_lots_do_not_change_what_is_found(monkeypatch, bounds):
    """Pairs looked at together do not depend on each other, but for the last bits of sums."""
    pictures = np.stack([shrink(one) for one in draw_clouds(2, 100)])
    others, start = (
        np.where(np.arange(100)[:, None, None] % 3 == 0, pictures[::-1], pictures),
        np.stack([make_map(0.95, 0, 0)] * 100),
    )
    usual = fit(pictures, others, start)
    monkeypatch.setattr(fitting, "_AT_ONCE", bounds[0])
    monkeypatch.setattr(fitting, "_HALVES_AT_ONCE", bounds[1])
    for one, other in zip(usual, fit(pictures, others, start), strict=True):
        assert np.abs(one - other).max() < 1e-3


def test_a_pair_is_partial_where_either_shows_much_that_the_other_does_not():
    """A small part of the other; a picture of which only a half lies inside; not one that covers it but for a line."""
    maps, overlap = np.stack([make_map(0.8, 0, 0), make_map(1, 1, 0), make_map(0.97, 0, 0)]), np.array([1, 0.5, 1], np.float32)
    assert is_partial(maps, overlap).tolist() == [True, True, False]
    assert measure_area(maps) == pytest.approx([0.64, 1, 0.9409])
