"""Frames as a visual novel shows them: a figure before a background."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

PLACES = (0.5, 0.4, 0.6)
"""Where the figure's middle stands across the frame, one after another."""

TALL, NEAR = 0.95, 1.5
"""The figure's height in frame heights: from the knees up, and as a bust whose head is where it was."""

HEAD = 0.05
"""The share of the frame that is above the figure."""


def composed(background: "Image", figure: "Image", number: int) -> "Image":
    """Put a figure before a background.

    The figure, without its transparent margin, stands at one of three places near the middle, so that a centre square
    holds it, and is seen from afar or near by turns. Both are mixed in sRGB codes, as players of such games do.

    Args:
        background: the frame, RGB.
        figure: RGBA.
        number: of the frame; it chooses place and distance.

    Returns:
        RGB, of the background's size.
    """
    from PIL import Image

    figure = figure.crop(figure.getchannel("A").getbbox())
    height = round(background.height * (TALL if number % 2 else NEAR))
    width = round(figure.width * height / figure.height)
    # Premultiplied, so that the colour beneath what can't be seen does not bleed into the edge.
    figure = figure.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")
    left = round(background.width / 2 + (PLACES[number % 3] - 0.5) * background.height) - width // 2
    frame = background.convert("RGBA")
    frame.alpha_composite(
        figure.crop((max(-left, 0), 0, width, height)), (max(left, 0), round(background.height * HEAD))
    )
    return frame.convert("RGB")
