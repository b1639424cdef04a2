"""Degradation of screens: small letters in few pixels, enlarged. The contract of a step is in `models.degrade`."""

import torch
from torch import Tensor
from torch.nn import functional

from models.colour import LUMA
from models.degrade.seeds import Draw, indices
from models.degrade.strengths import Strengths

SCREENED = 0.2  # fraction of the crops that come from a screen
LOSSES = 3  # how many sizes there are: crops of one size are scaled together
ENLARGED = ("nearest-exact", "bilinear", "bicubic")  # how a screenshot is enlarged
THIRD = 1 / 3  # of a pixel, from the middle of one of its colours to the next


def screen(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """A fifth of the crops loses up to `screen` of height and width, as if set small on a screen, and is enlarged.

    Half of them are set in subpixels, as by Microsoft's ClearType (Betrisey et al. 2000): red is sampled a third of a
    pixel to the left and blue to the right. Grey crops get the brightness of that.
    """
    rows = strengths.rows(draw.unit("screened"), SCREENED, "screen")
    height, width = images.shape[2:]
    kept = 1 - strengths.each("screen") * (1 + draw.whole("screen", LOSSES)) / LOSSES
    how = draw.whole("enlarged", len(ENLARGED))
    fringed = torch.from_numpy(draw.unit("fringed") < 0.5).to(images.device)
    images = images.clone()
    for share, method in sorted(set(zip(kept[rows].tolist(), how[rows].tolist(), strict=True))):
        alike = indices(images, rows[(kept[rows] == share) & (how[rows] == method)])
        size = max(1, round(height * share)), max(1, round(width * share))
        small = functional.interpolate(images[alike], size, mode="bilinear", antialias=True)
        small = torch.where(fringed[alike, None, None, None], in_subpixels(small), small)
        images[alike] = functional.interpolate(small, (height, width), mode=ENLARGED[method])
    return images


def in_subpixels(images: Tensor) -> Tensor:
    """`[n, 1 or 3, h, w]` with red of a third of a pixel further left and blue further right, interpolated."""
    padded = functional.pad(images, (1, 1, 0, 0), mode="replicate")
    left, right = padded[..., :-2], padded[..., 2:]
    red, blue = torch.lerp(images, left, THIRD), torch.lerp(images, right, THIRD)
    if images.shape[1] == 3:
        return torch.stack([red[:, 0], images[:, 1], blue[:, 2]], 1)
    return LUMA[0] * red + LUMA[1] * images + LUMA[2] * blue
