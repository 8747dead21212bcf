"""What lies where a GIF's first frame leaves the screen open: nothing, as in browsers, so white.

The GIF89a specification (18.c.vii) has a background colour for it; browsers have ignored that colour since the nineties, and Pillow
fills the place with the frame's transparent colour or else with its first one.
"""

from __future__ import annotations

from PIL import GifImagePlugin, Image

from logoingest.pictures.rgb import convert_to_rgb


def lay_ground(image: GifImagePlugin.GifImageFile) -> Image.Image | None:
    """The picture as RGB on white; None where it is that already, or where a transparent colour will see to it."""
    box = image.dispose_extent
    if box is None or "transparency" in image.info or (box[:2] == (0, 0) and box[2:] == image.size):
        return None
    shown = convert_to_rgb(image)
    laid = Image.new("RGB", image.size, "white")
    laid.paste(shown.crop(box), box[:2])
    return None if laid.tobytes() == shown.tobytes() else laid
