"""Augmentations of pictures of heads: batched, drawn from a generator, each with the poses that it leaves.

They are what a network could take for the pose: where the head is (`shifts`), which side is which (`mirror`), how
light the skin and the wall are (`contrast`), what is around the head (`background`), how large it is (`crops`).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

SHIFT = 0.12  # of height and width, at most, either way
GAIN, OFFSET = 0.4, 0.2  # contrast times 1 ± GAIN, brightness ± OFFSET, at most
CLOSEST = 0.65  # the smallest crop's side, of the picture's
MIDDLE = (0.42, 0.5)  # row and column of the head's middle, of height and width
RADII = (0.45, 0.33)  # of the ellipse that holds the head
EDGE = 0.25  # of the radii, over which head and background blend

Augmentation = Callable[[Tensor, Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]


def augment(
    images: Tensor, poses: Tensor, names: Sequence[str], *, mirrored: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """`images[batch, 1, height, width]` in [0, 1] and `poses[batch]`, through the augmentations `names` in turn.

    Args:
        mirrored: int64 `[poses]`, the pose that each becomes in a mirror.
    """
    for name in names:
        images, poses = AUGMENTATIONS[name](images, poses, mirrored, generator)
    return images, poses


def shift(images: Tensor, poses: Tensor, mirrored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Moved by up to `SHIFT`; the pixels of the border fill what comes in."""
    moved = 2 * SHIFT * _between(len(images), 2, generator=generator)
    return _sampled(images, scale=torch.ones(len(images)), middle=moved), poses


def mirror(images: Tensor, poses: Tensor, mirrored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Every other picture mirrored, with the pose that it then has."""
    turned = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(turned[:, None, None, None], images.flip(3), images), torch.where(turned, mirrored[poses], poses)


def contrast(images: Tensor, poses: Tensor, mirrored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Another contrast around the picture's own mean, and another brightness, clipped to [0, 1]."""
    gain, offset = _between(len(images), 2, generator=generator)[..., None, None, None].unbind(1)
    mean = images.mean((1, 2, 3), keepdim=True)
    return (mean + (images - mean) * (1 + GAIN * gain) + OFFSET * offset).clamp(0, 1), poses


def background(images: Tensor, poses: Tensor, mirrored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What is around the head is that of another picture of the batch."""
    others = images[torch.randperm(len(images), generator=generator)]
    return torch.lerp(others, images, head_of(*images.shape[2:])), poses


def crop(images: Tensor, poses: Tensor, mirrored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A part of the picture around the head, of `CLOSEST` to all of its side, enlarged to the picture's size."""
    scale = 1 - (1 - CLOSEST) * torch.rand(len(images), generator=generator)
    row, column = (2 * place - 1 for place in MIDDLE)
    middle = (1 - scale)[:, None] * torch.tensor([column, row])
    return _sampled(images, scale=scale, middle=middle), poses


AUGMENTATIONS: dict[str, Augmentation] = {
    "shifts": shift,
    "mirror": mirror,
    "contrast": contrast,
    "background": background,
    "crops": crop,
}


def _between(*shape: int, generator: torch.Generator) -> Tensor:
    """Uniform in [-1, 1)."""
    return 2 * torch.rand(shape, generator=generator) - 1


def _sampled(images: Tensor, *, scale: Tensor, middle: Tensor) -> Tensor:
    """The part with `scale[batch]` of each side around `middle[batch, 2]` (x, y of -1 to 1), at the same size."""
    grids = torch.cat([torch.diag_embed(scale[:, None].expand(-1, 2)), middle[..., None]], dim=2)
    places = functional.affine_grid(grids, list(images.shape), align_corners=False)
    return functional.grid_sample(images, places, padding_mode="border", align_corners=False)


def head_of(height: int, width: int) -> Tensor:
    """1 inside of the ellipse that holds the head, 0 outside, `[height, width]`; in between they blend."""
    rows = (torch.arange(height)[:, None] + 0.5) / height - MIDDLE[0]
    columns = (torch.arange(width)[None] + 0.5) / width - MIDDLE[1]
    distance = ((rows / RADII[0]).square() + (columns / RADII[1]).square()).sqrt()
    return ((1 + EDGE / 2 - distance) / EDGE).clamp(0, 1)
