"""The windows of the present picture that a network is shown."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tasks.crop_table.png import Pixels
from tasks.live.network import LiveNetwork
from unfont.answers import FIRST, see, writing_of
from unfont.labels import UNWRITTEN
from unfont.reading import cut, fit

MOST_WINDOWS = 48  # of a picture, evenly spread; those of a page would leave no time for the layers
MOST_MOVING = 8  # … of a frame of a video


@dataclass(frozen=True)
class Windows:
    """Windows uint8 `[n, height, width]` or `[..., 3]` of a picture, turned by `degrees` counter-clockwise.

    `length` is how many times its height the writing is long; None where the picture is shown whole.
    """

    pixels: Pixels
    length: float | None = None
    degrees: int = 0


def windows_of(live: LiveNetwork, picture: Pixels, *, moving: bool, whole: bool) -> Windows:
    """A picture uint8 `[h, w]` or `[h, w, 3]` as the network reads it.

    A model that knows `Zxxx` finds the writing and reads it in windows: a still picture as `unfont predict` does, a
    frame of a video (`moving`) at the first scale and upright alone. Others, and with `whole`, get the picture fitted.
    """
    picture = _in_channels(picture, live.channels)
    height, width = live.size
    if whole or live.model is None or UNWRITTEN not in live.labels:
        return Windows(fit(picture, height=height, width=width)[None])
    if moving:
        found = cut(writing_of(live.model, picture), height=height, width=width, scales=FIRST, overlap=0.0)
        return Windows(_some(found.windows, MOST_MOVING), found.length)
    seen = see(live.model, [picture])[0]
    return Windows(_some(seen.reading.windows, MOST_WINDOWS), seen.reading.length, seen.degrees)


def _in_channels(picture: Pixels, channels: int) -> Pixels:
    if channels == 1 and picture.ndim == 3:
        return np.asarray(Image.fromarray(picture).convert("L"))
    return picture


def _some(windows: Pixels, most: int) -> Pixels:
    if len(windows) <= most:
        return windows
    return windows[np.linspace(0, len(windows) - 1, most).round().astype(int)]
