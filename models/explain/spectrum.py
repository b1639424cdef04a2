"""Radial power spectra: the power of an image, or of a gradient, by frequency.

Yosinski et al. (2015) found gradients full of high frequencies and left open why. `gradients` gives them for any layer,
`radial_spectrum` their spectrum, that of data and that of optimised images.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.explain.maximise.canvas import Canvas, gradient_of, whole
from models.explain.maximise.partial_network import partial_network


@dataclass(frozen=True)
class Spectrum:
    """`power[n, bins]` is each image's power by frequency, `frequency[bins]` the bins' middles, in cycles a pixel.

    Power is the mean over the bin's frequencies and over channels; `share[n, bins]` is each bin's fraction of all
    power.
    """

    frequency: Tensor
    power: Tensor
    share: Tensor


def radial_spectrum(images: Tensor, *, bins: int = 16) -> Spectrum:
    """Of images `[n, channels, height, width]` less their channels' means, in rings up to 0.5 cycles a pixel.

    Frequencies beyond 0.5, which only diagonals have, are left out. A ring without any frequency, in a
    small image, has power NaN and share 0. Images without power have share 0 everywhere.
    """
    height, width = images.shape[2:]
    centred = images.double() - images.double().mean(dim=(2, 3), keepdim=True)
    power = torch.fft.fft2(centred).abs().square().mean(dim=1).flatten(1) / (height * width)
    down, along = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
    radius = torch.hypot(down[:, None], along[None, :]).flatten()
    inside = (radius > 0) & (radius <= 0.5)
    ring = (radius[inside] * 2 * bins).ceil().long() - 1
    sums = torch.zeros(len(images), bins, dtype=torch.float64).index_add_(1, ring, power[:, inside])
    counts = torch.bincount(ring, minlength=bins)
    total = sums.sum(dim=1, keepdim=True)
    share = torch.where(total > 0, sums / total, torch.zeros_like(sums))
    return Spectrum(frequency=(torch.arange(bins) + 0.5) / (2 * bins), power=sums / counts, share=share)


def spectrum_distance(spectrum: Spectrum, reference: Spectrum) -> Tensor:
    """`[n]`: how far each image's shares are from the reference's mean shares, in [0, 1] (total variation distance)."""
    wanted = reference.share.mean(dim=0)
    return (spectrum.share - wanted).abs().sum(dim=1) / 2


def gradients(network: nn.Module, layer: str, images: Tensor, *, canvas: Canvas, seed: int = 0) -> Tensor:
    """Gradients `[n, channels, height, width]` to pixels of a canvas, of all units of a layer's middle position.

    Each image's is that of the sum of its units with random signs: its power is, on average over signs, the sum of
    the powers of the units' own gradients, so that a layer takes one pass.

    Raises:
        ValueError: as `models.explain.maximise.ascent.maximise`.
    """
    with partial_network(network, layer, shape=canvas.shape, entry=canvas.entry) as to_layer, torch.enable_grad():
        leaf = images.detach().clone().requires_grad_()
        values = whole(to_layer, canvas).units(to_layer, leaf, canvas.neutral)
        signs = torch.randint(2, values.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        return gradient_of(to_layer, (values * signs).sum(), leaf)
