"""The page of frequencies: spectra of data, gradients and optimised images, and each layer's robustness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup

from tasks.explain.activation_maximisation import REGULARISERS
from tasks.explain.frequencies import CROPS, DATA, HIGH, NOISE, NONE, Band, Change, Frequencies, LayerBands, order_of
from tasks.pages.svg import Axis, Plot, colour
from tasks.report.site import Site
from unfont.text import clip

DIGITS = 4
DECADES = (-3, 2)  # powers of ten that the plots show; values beyond are plotted at the edge
CLEAR = 0.5  # absolute Spearman's correlation from which on an order is reported
ALIKE = 0.1  # fractions that differ by less are called alike
LAST = 3  # layers that the paper calls sensitive
X_AXIS = Axis(title="cycles per pixel", low=0, high=0.5, ticks=[(n / 10, f"{n / 10:g}") for n in range(6)])
Y_AXIS = Axis(
    title="power relative to the mean", low=DECADES[0], high=DECADES[1],
    ticks=[(power, f"{10.0**power:g}") for power in range(DECADES[0], DECADES[1] + 1)],
)  # fmt: skip
OF_GRADIENTS, OF_IMAGES = (DATA, CROPS, NOISE), (DATA, NONE, *REGULARISERS)
CSS_CLASSES = {name: f"series {colour(n)}" for n, name in enumerate(OF_IMAGES)}
CSS_CLASSES |= {name: f"series {colour(n)}" for n, name in enumerate(OF_GRADIENTS)}


def write_frequencies(site: Site, found: Frequencies) -> None:
    site.write(
        "frequencies",
        template="frequencies",
        numbers=_numbers(found),
        high=HIGH,
        spectra=describe_spectra(found),
        robustness=describe_robustness(found.alone),
        columns=[CROPS, NOISE, NONE, *REGULARISERS],
        pictures=[
            (one, _plot(found, one, OF_GRADIENTS, "gradients"), _plot(found, one, OF_IMAGES, "images"))
            for one in found.layers
        ],
        legends=[[(name, CSS_CLASSES[name]) for name in names] for names in (OF_GRADIENTS, OF_IMAGES)],
        found=found,
        tables=[
            ("Each degradation alone, at its strength in training", "alone", found.alone),
            ("All together, at the three severities that evaluation uses", "severities", found.severities),
        ],
        whole=found.whole.high,
        finite=math.isfinite,
    )


def describe_spectra(found: Frequencies) -> list[str]:
    """The findings on the fractions of power at high frequencies, in sentences."""
    sentences = []
    for name, what in ((CROPS, "gradients on real crops"), (NOISE, "gradients on noise")):
        pairs = _pairs(found.layers, DATA, name)
        if pairs:
            more = [layer for layer, data, own in pairs if own > data]
            low, high = min(pairs, key=lambda pair: pair[2]), max(pairs, key=lambda pair: pair[2])
            sentences.append(
                f"In {len(more)} of {len(pairs)} layers {what} have more of their power at high frequencies than the "
                f"data in the same part of the image: from {_percent(low[2])} ({clip(low[0])}) "
                f"to {_percent(high[2])} ({clip(high[0])})."
            )
    sentences += _describe_origin(found.layers)
    pairs = _pairs(found.layers, CROPS, NONE)
    if pairs:
        more = [layer for layer, gradient, own in pairs if own > gradient]
        mean = _percent(fmean(own for _, _, own in pairs))
        sentences.append(
            f"Images optimised without a regulariser have {mean} there, on average over layers; in {len(more)} of "
            f"{len(pairs)} layers that is more than the gradients on real crops have."
        )
    return sentences + _describe_regularisers(found.layers)


def _describe_origin(layers: Sequence[LayerBands]) -> list[str]:
    """Whether high frequencies come from the picture or from the weights: noise inputs have no picture."""
    pairs = _pairs(layers, CROPS, NOISE)
    if not pairs:
        return []
    crops, noise = fmean(pair[1] for pair in pairs), fmean(pair[2] for pair in pairs)
    alike = abs(crops - noise) < ALIKE
    verdict = "They come from the weights, hardly from the input" if alike else "They depend on the input"
    return [
        f"{verdict}: on average over layers they are {_percent(crops)} on real crops and {_percent(noise)} on noise."
    ]


def _describe_regularisers(layers: Sequence[LayerBands]) -> list[str]:
    """Which regulariser reduces them most, over the layers in which both images have power."""
    changes = {}
    for name in REGULARISERS:
        pairs = _pairs(layers, NONE, name)
        if pairs:
            changes[name] = fmean(own - plain for _, plain, own in pairs)
    if not changes:
        return []
    order = sorted(changes, key=lambda name: changes[name])
    points = ", ".join(f"{name} {100 * changes[name]:+.1f}".replace("-", "−") for name in order)
    lowers = changes[order[0]] < 0
    verdict = f"{order[0].capitalize()} reduces the high frequencies most" if lowers else "No regulariser reduces them"
    return [
        f"{verdict}. Mean change of that fraction over layers, each alone at its middle strength, in points: {points}."
    ]


def describe_robustness(changes: Sequence[Change]) -> list[str]:
    """Whether lower layers are the more robust ones, in sentences."""
    means = mean_changes(changes)
    order = order_of(list(means.values()))
    if order is None:
        return ["There is nothing to compare: no degradation has an effect, or all layers change alike."]
    known = [change.order for change in changes if change.order is not None]
    rising = sum(one > 0 for one in known)
    names = list(means)
    most = sorted(names, key=lambda name: (-means[name], names.index(name)))[:LAST]
    sentences = [
        _verdict(order),
        f"Over the degradations, each alone, the mean of the median changes is {_times(means[names[0]])} in "
        f"{clip(names[0])} and {_times(means[names[-1]])} in {clip(names[-1])}; Spearman's correlation of depth and "
        f"change is {_signed(order)}, and above 0 under {rising} of {len(known)} degradations.",
    ]
    if len(names) > LAST:
        last = "which are the last" if set(most) == set(names[-LAST:]) else "which are not the last"
        sentences.append(f"The {LAST} most changed layers are {', '.join(map(clip, most))}, {last} {LAST}.")
    return sentences


def _verdict(order: float) -> str:
    reported = "Yosinski et al. (2015), who reported the lower layers as robust and the last three as sensitive"
    if order >= CLEAR:
        return f"Here too the lower layers are the more robust ones, as in {reported}."
    if order <= -CLEAR:
        return f"Here the deeper layers are the more robust ones, unlike in {reported}."
    return f"Here robustness depends little on depth, unlike in {reported}."


def mean_changes(changes: Sequence[Change]) -> dict[str, float]:
    """By layer, the mean over degradations of the median change."""
    layers = list(changes[0].layers) if changes else []
    return {layer: fmean(change.layers[layer] for change in changes) for layer in layers}


def _pairs(layers: Sequence[LayerBands], first: str, second: str) -> list[tuple[str, float, float]]:
    """The layers in which both have power, with their fractions of power at high frequencies."""
    fractions = [(one.layer, one.bands[first].high, one.bands[second].high) for one in layers]
    return [(layer, before, after) for layer, before, after in fractions if before is not None and after is not None]


def _plot(found: Frequencies, one: LayerBands, names: Sequence[str], what: str) -> Markup:
    plot = Plot(f"{clip(one.layer)}: power spectrum of {what} and of the data", x=X_AXIS, y=Y_AXIS)
    for name in names:
        points = [
            (frequency, math.log10(density) if density > 0 else DECADES[0])
            for frequency, density in zip(found.frequency, one.bands[name].density, strict=True)
            if density is not None
        ]
        if points:
            plot.line(points, css_class=CSS_CLASSES[name] + (" own" if name == DATA else ""), title=name)
    return plot.svg()


def _numbers(found: Frequencies) -> dict[str, Any]:
    return {
        "frequency": found.frequency,
        "whole": _band_numbers(found.whole),
        "layers": [
            {
                "layer": one.layer,
                "size": list(one.size),
                "white": round(one.white, DIGITS),
                "bands": {name: _band_numbers(band) for name, band in one.bands.items()},
            }
            for one in found.layers
        ],
        "robustness": [_change_numbers(change) for change in found.alone],
        "severities": [_change_numbers(change) for change in found.severities],
    }


def _band_numbers(band: Band) -> dict[str, Any]:
    density = [None if value is None else float(f"{value:.4g}") for value in band.density]
    return {"density": density, "high": None if band.high is None else round(band.high, DIGITS)}


def _change_numbers(change: Change) -> dict[str, Any]:
    """JSON has no infinity: such a change is null."""
    return {
        "degradation": change.degradation,
        "strength": change.strength,
        "touched": round(change.touched, DIGITS),
        "pixels": _finite(change.pixels),
        "layers": [{"layer": layer, "change": _finite(value)} for layer, value in change.layers.items()],
        "order": None if change.order is None else round(change.order, DIGITS),
    }


def _finite(value: float) -> float | None:
    return round(value, DIGITS) if math.isfinite(value) else None


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f}%"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _times(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "without bound"
