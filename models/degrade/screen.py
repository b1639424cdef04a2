"""Degradation of screens: small letters in few pixels, enlarged. The contract of a step is in `models.degrade`."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.colour import LUMA
from models.degrade.seeds import Draw, columns, indices
from models.degrade.strengths import Strengths

SCREENED = 0.15  # fraction of the crops that come from a screen
LOSSES = 3  # how many sizes there are: crops of one size are scaled together
ENLARGED = ("nearest-exact", "bicubic")  # how a screenshot is enlarged; `resolution` does it bilinearly


def screen(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """15% of the crops lose up to `screen` of height and width, as if set small on a screen, and are enlarged.

    Half of them are set in subpixels, as by Microsoft's ClearType (Betrisey et al. 2000): red is sampled a third of a
    pixel to the left and blue to the right. Grey crops get the brightness of that.
    """
    rows = strengths.rows(draw.unit("screened"), SCREENED, "screen")
    height, width = images.shape[2:]
    kept = (1 - strengths.each("screen") * (1 + draw.whole("screen", LOSSES)) / LOSSES)[rows]
    how = draw.whole("enlarged", len(ENLARGED))[rows]
    # A third of a pixel of the screen, in pixels of the crop.
    (third,) = columns(images, (draw.unit("fringed")[rows] < 0.5) / (3 * kept))
    taken = in_subpixels(images[indices(images, rows)], third)
    for share, method in sorted(set(zip(kept.tolist(), how.tolist(), strict=True))):
        alike = np.flatnonzero((kept == share) & (how == method))
        size = max(1, round(height * share)), max(1, round(width * share))
        small = functional.interpolate(taken[indices(images, alike)], size, mode="bilinear", antialias=True)
        enlarged = functional.interpolate(small, (height, width), mode=ENLARGED[method])
        images.index_copy_(0, indices(images, rows[alike]), enlarged)
    return images


def in_subpixels(images: Tensor, third: Tensor) -> Tensor:
    """`[n, 1 or 3, h, w]` with red of `third[n, 1, 1, 1]` of a pixel further left, blue further right, interpolated."""
    padded = functional.pad(images, (1, 1, 0, 0), mode="replicate")
    left, right = padded[..., :-2], padded[..., 2:]
    red, blue = torch.lerp(images, left, third), torch.lerp(images, right, third)
    if images.shape[1] == 3:
        return torch.stack([red[:, 0], images[:, 1], blue[:, 2]], 1)
    return LUMA[0] * red + LUMA[1] * images + LUMA[2] * blue
