"""Spectra of data, gradients and optimised images, and how much a degradation changes each layer."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor

from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.maximise.canvas import probes
from models.explain.robustness import relative_change
from models.explain.spectrum import gradients, radial_spectrum
from models.network import CropNet
from models.settings import DegradeSettings
from tasks.explain.activation_maximisation import REGULARISERS, Maximisations, UnitMaximisation
from tasks.explain.sample import Sample
from tasks.explain.synthetic_pixels import ENTRY

HIGH = 0.25  # cycles a pixel: above it a frequency is called high; no pixels hold more than 0.5 along a line
MIDDLE = 2  # of five strengths of a regulariser, the one that is measured
BATCH = 64  # crops whose gradients are taken together
DATA, CROPS, NOISE, NONE = "data", "gradients on crops", "gradients on noise", "none"


@dataclass(frozen=True)
class Band:
    """A mean spectrum of images: `density[bins]` is each ring's power a frequency, relative to the whole mean's.

    White noise has 1 everywhere. None is a ring without any frequency in images so small. `high` is the fraction
    of the power above HIGH; None where no image has any power.
    """

    density: list[float | None]
    high: float | None


@dataclass(frozen=True)
class LayerBands:
    """Spectra over the receptive field, of `size` (height, width), of a layer's middle position, by their source.

    `white` is the fraction above HIGH in white noise of that size.
    """

    layer: str
    size: tuple[int, int]
    bands: dict[str, Band]
    white: float


@dataclass(frozen=True)
class Change:
    """Each layer's relative change by one degradation: the median over the crops that it changes.

    `touched` is the fraction of crops that it changes: many degradations act on only some. `pixels` is the change of
    the standardised pixels; `order` Spearman's correlation of a layer's depth and its change,
    None where there is none. Infinite: a layer that is zero for most crops unless they are degraded.
    """

    degradation: str
    strength: float | None
    touched: float
    pixels: float
    layers: dict[str, float]
    order: float | None


@dataclass(frozen=True)
class Frequencies:
    """`frequency[bins]` are the rings' middles in cycles a pixel; `whole` the data's band over whole crops."""

    frequency: list[float]
    whole: Band
    layers: list[LayerBands]
    alone: list[Change]
    severities: list[Change]


def measure_frequencies(
    network: CropNet, maximised: Maximisations, *, sample: Sample, settings: DegradeSettings
) -> Frequencies:
    """Spectra layer by layer, and the layers' changes under each degradation of `settings` alone and each severity.

    Args:
        sample: clean crops, those that `maximised.data` are.
        settings: the largest strength of each degradation in training; those of 0 are left out.
    """
    spectrum = radial_spectrum(maximised.data[:1])
    layers = [one.layer.name for one in maximised.units]
    clean = sample.images(network.channels)
    seeds = seeds_of(sample.keys, 0)

    def changed(name: str, strength: float | None, degradation: DegradeSettings | None) -> Change:
        degraded = degrade(clean, seeds, degradation)
        touched = (degraded != clean).flatten(1).any(dim=1)
        medians = dict.fromkeys([ENTRY, *layers], 0.0)
        if touched.any():
            changes = relative_change(network, clean[touched], degraded[touched], list(medians))
            medians = {layer: float(changes[layer].median()) for layer in medians}
        pixels = medians.pop(ENTRY)
        return Change(name, strength, float(touched.float().mean()), pixels, medians, order_of(list(medians.values())))

    return Frequencies(
        frequency=spectrum.frequency.tolist(),
        whole=band_of(maximised.data),
        layers=[_layer_bands(network, maximised, one) for one in maximised.units],
        alone=[changed(*one) for one in single_degradations(settings)],
        severities=[changed(name, None, one) for name, one in SEVERITIES.items() if one is not None],
    )


def band_of(images: Tensor) -> Band:
    """The mean spectrum of images `[n, channels, height, width]`; those without any power are left out."""
    flat = _flat(images)
    if not len(images):
        return Band([None] * len(flat), None)
    found = radial_spectrum(images)
    shares = found.share[found.share.sum(dim=1) > 0]
    if not len(shares):
        return Band([None] * len(flat), None)
    share = shares.mean(dim=0)
    density = [part / whole if whole > 0 else None for part, whole in zip(share.tolist(), flat.tolist(), strict=True)]
    return Band(density, float(share[found.frequency > HIGH].sum()))


def _flat(images: Tensor) -> Tensor:
    """Fractions `[bins]` of an image whose power is the same at every frequency: one bright pixel."""
    bright = torch.zeros(1, 1, *images.shape[2:])
    bright[..., 0, 0] = 1
    return radial_spectrum(bright).share[0]


def white_of(images: Tensor) -> float:
    """The fraction above HIGH in white noise of the images' size."""
    flat = _flat(images)
    return float(flat[len(flat) // 2 :].sum())  # rings reach to 0.5, and HIGH is half of it


def single_degradations(settings: DegradeSettings) -> Iterator[tuple[str, float, DegradeSettings]]:
    """Each degradation that acts, alone at its own strength."""
    none = dict.fromkeys(DegradeSettings.model_fields, 0.0)
    for name in DegradeSettings.model_fields:
        strength = float(getattr(settings, name))
        if strength:
            yield name, strength, DegradeSettings(**none | {name: strength})


def order_of(changes: list[float]) -> float | None:
    """Spearman's correlation of depth and change, from -1 (deep layers change least) to 1; None where all are equal.

    Changes are rounded to 1e-4: where standardising undoes a degradation only rounding errors are left.
    """
    changes = [round(change, 4) for change in changes]
    if len(set(changes)) < 2:
        return None
    return float(spearmanr(range(len(changes)), changes).statistic)


def _layer_bands(network: CropNet, maximised: Maximisations, one: UnitMaximisation) -> LayerBands:
    window = one.ascent.window
    patches = window.cut(maximised.data)
    on_crops = torch.cat(
        [
            gradients(network, one.layer.name, part, canvas=maximised.canvas, seed=number)
            for number, part in enumerate(torch.split(maximised.data, BATCH))
        ]
    )
    on_noise = gradients(network, one.layer.name, probes(maximised.canvas), canvas=maximised.canvas)
    bands = {DATA: band_of(patches), CROPS: band_of(window.cut(on_crops)), NOISE: band_of(window.cut(on_noise))}
    for name in (NONE, *REGULARISERS):
        rows = [row for row, variant in enumerate(one.variants) if variant.name == name and not variant.combined]
        row = rows[min(MIDDLE, len(rows) - 1)]
        bands[name] = _image_band(one, row)
    size = (window.height, window.width)
    return LayerBands(one.layer.name, size=size, bands=bands, white=white_of(patches))


def _image_band(one: UnitMaximisation, row: int) -> Band:
    """Of the image of one variant; without a gradient there is none."""
    images = one.ascent.best[row : row + 1]
    return band_of(images[:0] if one.ascent.silent[row] else images)
