"""Optimised images as pixels that a page can show."""

import numpy as np
import torch
from torch import Tensor

from models.explain.maximise.canvas import Canvas
from tasks.crop_table.png import Pixels

ENTRY = "standardise"  # behind it, decay of contrast is not undone at once; see `models.explain.maximise.canvas`
ENLARGED = (64, 128)  # height and width in pixels that an image of few pixels is enlarged to, at most


def pixels_of_canvas(images: Tensor, canvas: Canvas) -> list[Pixels]:
    """Images in the canvas's pixels, each as uint8 `[h, w]`, or `[h, w, 3]` in colour.

    One end of the canvas is black and the other white, in every image alike: values beyond are clipped, and no
    image's contrast is stretched. High values are white; but behind `standardise` high values are ink, whatever its
    colour was, and ink is shown dark, as it is in most crops.

    Args:
        images: `[n, channels, h, w]` with 1 or 3 channels: whole images, or parts of some size.

    Raises:
        ValueError: another shape, or a pixel that is not a number, as in `majority` of a unit that never was the
        highest of its layer.
    """
    if images.dim() != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must be [n, 1 or 3, h, w], not {list(images.shape)}")
    if images.isnan().any():
        raise ValueError("some pixels are not numbers: leave out images that do not exist")
    values = (images.double() - canvas.low) / canvas.span
    values = 1 - values if canvas.entry == ENTRY else values
    pixels = values.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [np.ascontiguousarray(one[..., 0] if one.shape[2] == 1 else one) for one in pixels]


def enlarged(picture: Pixels) -> Pixels:
    """A picture `[h, w]` or `[h, w, 3]`, each pixel a square of pixels, so that small receptive fields are visible too.

    As large as fits into ENLARGED; what is larger stays as it is.
    """
    times = max(1, min(ENLARGED[0] // picture.shape[0], ENLARGED[1] // picture.shape[1]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)
