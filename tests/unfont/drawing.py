"""Words drawn in Pillow's own font, as people's pictures have them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Grey = NDArray[np.uint8]


def word(text: str = "gezittert", *, size: int = 40, margin: int = 6) -> Grey:
    """`text`, black on white, `margin` pixels around its ink."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), 255)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, font=font, fill=0)
    return np.array(image)


def turned(picture: Grey, degrees: float) -> Grey:
    return np.asarray(Image.fromarray(picture).rotate(degrees, Image.Resampling.BILINEAR, expand=True, fillcolor=255))


def below(pictures: list[Grey], gap: int) -> Grey:
    """Pictures one below the other, on white."""
    width = max(picture.shape[1] for picture in pictures)
    rows = [np.pad(picture, ((0, gap), (0, width - picture.shape[1])), constant_values=255) for picture in pictures]
    return np.concatenate(rows)
