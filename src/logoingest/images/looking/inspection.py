"""One decode of a picture's bytes, and everything that is to be known of it."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from logoingest.images.looking.fingerprints import fingerprint_picture, sign_picture
from logoingest.images.looking.quality import measure_quality
from logoingest.pictures.decoding import Picture, decode_picture
from logoingest.pictures.profiles import describe_profile
from logoingest.pictures.sniffing import sniff_format
from logoingest.refusals import Refusal
from logoingest.schemas import FACT_COLUMNS, PictureFacts, Reason


def inspect_image(data: bytes, max_pixels: int = 100_000_000, store: Literal["original", "rgb"] = "original") -> PictureFacts:
    """Look at a downloaded body: is it a whole picture, and what is there to know of it?

    Args:
        data: the body, as received.
        max_pixels: pictures with more are refused by their header (``bomb``).
        store: in what form pictures are to be released. As ``original``, only what every reader opens alike is usable; as ``rgb``,
            whatever decodes.

    Returns:
        the columns of a ``DownloadRow`` that tell of the picture. ``image_reason`` is None for a usable picture, else
        ``not_image``, ``truncated``, ``decode_error`` or ``bomb`` with ``image_detail``. Where nothing decodes, the other columns
        are None but for ``format`` where it is known. ``original_fault`` says why the bytes as they are open to us alone, as
        "reason: detail"; None where they open everywhere. ``pixel_hash`` is the sha256 of the RGB pixels with size and orientation: of a JPEG at the
        scale it is decoded at (the least of 1/8, 1/4, 1/2, 1/1 with a shorter side of 128 px), of others at full scale; so a
        JPEG with other metadata has the same one, and a JPEG and a PNG of the same picture haven't.
        Never raises, whatever the bytes.
    """
    sniffed = sniff_format(data)
    if sniffed.format is None:
        return _describe_refusal(Refusal(Reason.NOT_IMAGE, sniffed.name), None)
    picture = decode_picture(data, sniffed.format, max_pixels)
    if isinstance(picture, Refusal):
        return _describe_refusal(picture, sniffed.format)
    facts = _describe_picture(picture)
    if picture.obstacle is not None and store == "original":
        facts["image_reason"], facts["image_detail"] = picture.obstacle.reason.value, explain_obstacle(picture.obstacle)
    return facts


class Print(NamedTuple):
    """What a picture is found again by, as ``inspect_image`` tells it; None where nothing decodes."""

    pixel_hash: str | None
    signature: bytes | None


def take_print(data: bytes, max_pixels: int) -> Print:
    """Two of the facts of ``inspect_image`` alone, at half the cost. Never raises, whatever the bytes."""
    sniffed = sniff_format(data)
    picture = None if sniffed.format is None else decode_picture(data, sniffed.format, max_pixels)
    if picture is None or isinstance(picture, Refusal):
        return Print(None, None)
    return Print(picture.pixel_hash, sign_picture(picture.small, picture.draw_grey(), picture.pixels))


def explain_obstacle(obstacle: Refusal) -> str:
    """Why a picture cannot be released as it was fetched, and what saves it."""
    return f'{obstacle.detail}: images.store = "rgb" saves it'


def _describe_refusal(refusal: Refusal, picture_format: str | None) -> PictureFacts:
    facts = cast("PictureFacts", dict.fromkeys(FACT_COLUMNS))
    facts["image_reason"], facts["image_detail"], facts["format"] = refusal.reason.value, refusal.detail, picture_format
    return facts


def _describe_picture(picture: Picture) -> PictureFacts:
    grey = picture.draw_grey()
    fingerprint = fingerprint_picture(picture.small, grey, picture.pixels)
    figures = measure_quality(picture.small, grey, picture.pixels)
    return {
        "image_reason": None,
        "image_detail": picture.warning,
        "format": picture.format,
        "mode": picture.mode,
        "width": picture.width,
        "height": picture.height,
        "frames": picture.frames,
        "orientation": picture.orientation,
        "damaged": picture.warning is not None,
        "original_fault": None if picture.obstacle is None else f"{picture.obstacle.reason.value}: {picture.obstacle.detail}",
        "pixel_hash": picture.pixel_hash,
        "hash": fingerprint.hash,
        "signature": fingerprint.signature,
        "brightness": figures.brightness,
        "contrast": figures.contrast,
        "sharpness": figures.sharpness,
        "entropy": figures.entropy,
        "border_share": fingerprint.border_share,
        "saturation": figures.saturation,
        "channel_mean": figures.channel_mean,
        "channel_std": figures.channel_std,
        "icc": None if picture.profile is None else describe_profile(picture.profile),
    }
