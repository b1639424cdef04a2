"""The page of activation maximisation: each regulariser alone, the paper's four settings, and random ones."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from models.explain.maximise.regularise import total_variation
from tasks.crop_table.shards import pictures
from tasks.explain.activation_maximisation import REGULARISERS, Maximisations, UnitMaximisation
from tasks.explain.search_results import search_numbers, search_order, strength_of
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas
from tasks.explain.units import Explanation
from tasks.report.evidence import Evidence
from tasks.report.layers import layer_page
from tasks.report.site import Site

DIGITS = 4


def write_activation_maximisation(
    site: Site, evidence: Evidence, explained: Explanation, maximised: Maximisations, labels: list[str]
) -> None:
    layers = [_layer_numbers(explained, one, labels) for one in maximised.units]
    last = layers[-1]
    numbers = {
        "canvas": {name: round(getattr(maximised.canvas, name), DIGITS) for name in ("low", "high", "neutral")},
        "steps": evidence.params.report.steps,
        "layers": layers,
        "search": {key: last[key] for key in ("layer", "page", "unit", "label", "crops")}
        | {"tried": search_numbers(maximised.search)},
    }
    keys = list(dict.fromkeys(crop["key"] for layer in layers for crop in layer["crops"]))
    middle = (len(layers) - 1) // 2
    site.write(
        "activation-maximisation",
        template="activation_maximisation",
        numbers=numbers,
        steps=evidence.params.report.steps,
        layers=[
            {**layer, "sheet": _sheet(site, f"maximised-{index}", maximised, one.ascent.best), "open": index == middle}
            for index, (layer, one) in enumerate(zip(layers, maximised.units, strict=True))
        ],
        regularisers=REGULARISERS,
        search=numbers["search"],
        searched=_sheet(
            site, "maximised-search", maximised, maximised.search.ascent.best[search_order(maximised.search)]
        ),
        crops=site.sheet("maximised-crops", pictures(evidence.table, keys)),
        settings_from=evidence.params.report.settings,
    )


def _sheet(site: Site, name: str, maximised: Maximisations, images: Tensor) -> Any:
    shown = [enlarged(one) for one in pixels_of_canvas(images, maximised.canvas)]
    return site.sheet(name, {str(number): one for number, one in enumerate(shown)})


def _layer_numbers(explained: Explanation, one: UnitMaximisation, labels: list[str]) -> dict[str, Any]:
    """A layer's unit, its top-activating crops, and its images with their settings and activations."""
    summary, window = one.layer.summary, one.ascent.window
    crops = zip(
        summary.crop[one.unit].tolist(),
        summary.strength[one.unit].tolist(),
        summary.strongest.centre(summary.grid)[one.unit].tolist(),
        strict=True,
    )
    is_head = one.layer.name.endswith("head") and len(summary.mean) == len(labels)
    variation = total_variation(one.ascent.best).tolist()
    return {
        "layer": one.layer.name,
        "page": layer_page(explained, one.layer),
        "unit": one.unit,
        "label": labels[one.unit] if is_head else None,
        "active": round(float(summary.active[one.unit]), DIGITS),
        "field": [window.height, window.width],
        "image": list(one.layer.image),
        "grid": list(summary.grid),
        "crops": [
            {
                "key": explained.keys[crop],
                "label": explained.labels[crop],
                "strength": round(strength, DIGITS),
                "place": [round(fraction, DIGITS) for fraction in place],
            }
            for crop, strength, place in crops
        ],
        "images": [
            {
                "name": variant.name,
                "combined": variant.combined,
                "strength": strength_of(variant.settings),
                "settings": variant.settings.model_dump(),
                "activation": round(float(one.ascent.best_activation[row]), DIGITS),
                "step": int(one.ascent.best_step[row]),
                "variation": round(variation[row], DIGITS),
                "silent": bool(one.ascent.silent[row]),
            }
            for row, variant in enumerate(one.variants)
        ],
    }
