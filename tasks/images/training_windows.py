"""A picture of writing as the crops that training may show: windows at the one scale that rendered words have."""

import numpy as np

from tasks.crop_table.png import Pixels
from unfont.reading import read

TRAINED = (1.0,)  # heights of the ink, in windows' heights: rendered words fill a crop
MOST = 8  # windows of a picture: a page has hundreds, and one hand's writing would outweigh all the other pictures


def training_windows(picture: Pixels, *, height: int, width: int) -> Pixels:
    """At most `MOST` different windows of a picture, evenly spread: uint8 [n, height, width], or [..., 3].

    A picture of that very size is a crop already, and one without writing is fitted whole, as `unfont.reading.read`
    gives it.

    Args:
        picture: uint8 [h, w], or [h, w, 3].
    """
    if picture.shape[:2] == (height, width):
        return picture[None]
    windows = read(picture, height=height, width=width, scales=TRAINED).windows
    # Two crops with the same pixels would be refused.
    different = list({window.tobytes(): window for window in windows}.values())
    return np.stack([different[place] for place in evenly_spread(len(different), MOST)])


def evenly_spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to `count` - 1, at even distances."""
    return [int(place) for place in np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))]
