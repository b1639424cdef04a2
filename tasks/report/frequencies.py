"""The page of frequencies: what data, gradients and images are made of, and which layers heed a degradation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup

from tasks.common.text import clip
from tasks.explain.activation_maximisation import REGULARISERS
from tasks.explain.frequencies import CROPS, DATA, HIGH, NOISE, NONE, Band, Change, Frequencies, LayerBands, order_of
from tasks.pages.svg import Axis, Plot, colour
from tasks.report.site import Site

DIGITS = 4
DECADES = (-3, 2)  # powers of ten that the plots reach; what lies beyond is drawn at the edge
CLEAR = 0.5  # from this Spearman's correlation on, up or down, an order is called one
ALIKE = 0.1  # shares that differ by less are called alike
LAST = 3  # layers that the paper calls sensitive
X_AXIS = Axis(title="cycles a pixel", low=0, high=0.5, ticks=[(n / 10, f"{n / 10:g}") for n in range(6)])
Y_AXIS = Axis(
    title="power a frequency, of the mean", low=DECADES[0], high=DECADES[1],
    ticks=[(power, f"{10.0**power:g}") for power in range(DECADES[0], DECADES[1] + 1)],
)  # fmt: skip
OF_GRADIENTS, OF_IMAGES = (DATA, CROPS, NOISE), (DATA, NONE, *REGULARISERS)
STYLES = {name: f"series {colour(n)}" for n, name in enumerate(OF_IMAGES)}
STYLES |= {name: f"series {colour(n)}" for n, name in enumerate(OF_GRADIENTS)}


def write_frequencies(site: Site, found: Frequencies) -> None:
    site.write(
        "frequencies",
        template="frequencies",
        numbers=_numbers(found),
        high=HIGH,
        spectra=said_of_spectra(found),
        robustness=said_of_robustness(found.alone),
        columns=[CROPS, NOISE, NONE, *REGULARISERS],
        pictures=[
            (one, _plot(found, one, OF_GRADIENTS, "gradients"), _plot(found, one, OF_IMAGES, "images"))
            for one in found.layers
        ],
        legends=[[(name, STYLES[name]) for name in names] for names in (OF_GRADIENTS, OF_IMAGES)],
        found=found,
        tables=[
            ("Each degradation alone, at its strength in training", "alone", found.alone),
            ("All together, at the three severities that evaluation uses", "severities", found.severities),
        ],
        whole=found.whole.high,
        finite=math.isfinite,
    )


def said_of_spectra(found: Frequencies) -> list[str]:
    """What the shares of high frequencies say, in sentences."""
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
    sentences += _said_of_the_weights(found.layers)
    pairs = _pairs(found.layers, CROPS, NONE)
    if pairs:
        more = [layer for layer, gradient, own in pairs if own > gradient]
        mean = _percent(fmean(own for _, _, own in pairs))
        sentences.append(
            f"Images climbed without a regulariser have {mean} there, on average over layers; in {len(more)} of "
            f"{len(pairs)} layers that is more than the gradients on real crops have."
        )
    return sentences + _said_of_regularisers(found.layers)


def _said_of_the_weights(layers: Sequence[LayerBands]) -> list[str]:
    """Whether high frequencies come with the picture or with the weights: noise is no picture."""
    pairs = _pairs(layers, CROPS, NOISE)
    if not pairs:
        return []
    crops, noise = fmean(pair[1] for pair in pairs), fmean(pair[2] for pair in pairs)
    alike = abs(crops - noise) < ALIKE
    verdict = "They come from the weights, and hardly from the picture" if alike else "They depend on the picture"
    return [
        f"{verdict}: on average over layers they are {_percent(crops)} on real crops and {_percent(noise)} on noise."
    ]


def _said_of_regularisers(layers: Sequence[LayerBands]) -> list[str]:
    """Which regulariser takes the most, over the layers in which both images have power."""
    changes = {}
    for name in REGULARISERS:
        pairs = _pairs(layers, NONE, name)
        if pairs:
            changes[name] = fmean(own - plain for _, plain, own in pairs)
    if not changes:
        return []
    order = sorted(changes, key=lambda name: changes[name])
    said = ", ".join(f"{name} {100 * changes[name]:+.1f}".replace("-", "−") for name in order)
    lowers = changes[order[0]] < 0
    verdict = f"{order[0].capitalize()} takes away the most" if lowers else "No regulariser takes any away"
    return [
        f"{verdict}. Each alone at its middle strength changes that share, on average over layers, by points: {said}."
    ]


def said_of_robustness(changes: Sequence[Change]) -> list[str]:
    """Whether lower layers are the more robust ones, in sentences."""
    means = mean_changes(changes)
    order = order_of(list(means.values()))
    if order is None:
        return ["There is nothing to compare: no degradation acts, or all layers change alike."]
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
    saw = "Yosinski et al. (2015), who saw lower layers the most robust and the last three sensitive"
    if order >= CLEAR:
        return f"Here too the lower layers are the more robust ones, as for {saw}."
    if order <= -CLEAR:
        return f"Here the deeper layers are the more robust ones, unlike for {saw}."
    return f"Here depth says little of robustness, unlike for {saw}."


def mean_changes(changes: Sequence[Change]) -> dict[str, float]:
    """By layer, the mean over degradations of the median change."""
    layers = list(changes[0].layers) if changes else []
    return {layer: fmean(change.layers[layer] for change in changes) for layer in layers}


def _pairs(layers: Sequence[LayerBands], first: str, second: str) -> list[tuple[str, float, float]]:
    """The layers in which both have power, with their shares of high frequencies."""
    shares = [(one.layer, one.bands[first].high, one.bands[second].high) for one in layers]
    return [(layer, before, after) for layer, before, after in shares if before is not None and after is not None]


def _plot(found: Frequencies, one: LayerBands, names: Sequence[str], what: str) -> Markup:
    plot = Plot(f"{clip(one.layer)}: power by frequency of {what} beside that of data", x=X_AXIS, y=Y_AXIS)
    for name in names:
        points = [
            (frequency, math.log10(density) if density > 0 else DECADES[0])
            for frequency, density in zip(found.frequency, one.bands[name].density, strict=True)
            if density is not None
        ]
        if points:
            plot.line(points, style=STYLES[name] + (" own" if name == DATA else ""), title=name)
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


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _times(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "without bound"
