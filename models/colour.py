"""Brightness of colours. Free of torch, so that code that only reads crops need not load it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue: ITU-R BT.601, as JPEG and Pillow have it


def luma_of(images: "Tensor") -> "Tensor":
    """Brightness `[batch, 1, h, w]` of `[batch, 1 or 3, h, w]`; of one channel it is that channel."""
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
