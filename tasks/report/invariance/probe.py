"""Probe excess of each nuisance: by model and by layer."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from tasks.crop_table.splits import TEST_SEEN, TEST_UNSEEN
from tasks.pages.svg import Axis, Plot, number_axis
from tasks.probe.features import PIXELS
from tasks.probe.probe import DECODABLE_FROM, UNTRAINED
from tasks.report.evidence import Evidence
from tasks.report.invariance.modes import ComparedModels


def probe_facts(evidence: Evidence, compared: ComparedModels, layers: list[str], nuisance: str) -> dict[str, Any]:
    """The page's numbers for one nuisance, on the split that the claim is made for.

    `why`: null, or why there are no metrics. `rows`: a row a model, and of an untrained network and the pixels,
    with the metrics of probe.json, and `spread` over seeds where there are some. `layers`: excess points by model and
    layer. `claim`: what may be claimed of the chosen model; null where another was chosen since.
    """
    of = evidence.probe["nuisances"].get(nuisance, {"why": "it was not probed"})
    if of["why"]:
        return {"why": of["why"]}
    split = TEST_SEEN if nuisance == evidence.params.labels.group else TEST_UNSEEN
    models = {name: of["models"][name] for name in compared.models if name in of["models"]}
    metrics = {**models, UNTRAINED: of[UNTRAINED], PIXELS: of[PIXELS]}
    chosen = evidence.probe["chosen"]
    return {
        "why": None,
        "split": split,
        "guess": of["guess"][split],
        "labels": of["labels"],
        "n": of["n"][split],
        "reads": of["reads"][split],
        "needed": DECODABLE_FROM,
        "rows": [
            {"model": name, "spread": _spread(of, name, split), **(each[split] or {})} for name, each in metrics.items()
        ],
        "layers": {name: _by_layer(each, layers, split) for name, each in metrics.items() if name != PIXELS},
        "claim": chosen.get(nuisance) if chosen and chosen["name"] == evidence.chosen["name"] else None,
    }


def layer_plot(facts: dict[str, Any], compared: ComparedModels, layers: list[str], *, title: str) -> Markup:
    """Probe excess by layer, a line for each model; at the left that of the pixels."""
    lines = {name: _known(by_layer, layers) for name, by_layer in facts["layers"].items()}
    pixels = next((row["excess_points"] for row in facts["rows"] if row["model"] == PIXELS and len(row) > 2), None)
    values = [points for line in lines.values() for _, points in line] + ([] if pixels is None else [pixels])
    ticks = [(0.0, PIXELS), *((float(number), str(number)) for number in range(1, len(layers) + 1))]
    x = Axis(title="layer", low=-0.3, high=len(layers) + 0.3, ticks=ticks)
    summary = "; ".join(f"{name} {line[0][1]:.1f} to {line[-1][1]:.1f}" for name, line in lines.items() if line)
    plot = Plot(f"Probe excess of {title} in points, from the first layer to the last: {summary}", x=x, y=_axis(values))
    for name, line in lines.items():
        if line:
            plot.line(line, css_class=f"series {_css_class(name, compared)}", title=name)
    if pixels is not None:
        plot.dot(0, pixels, css_class="dot open rest", title=f"{PIXELS}: {pixels:.1f} points")
    return plot.svg()


def _axis(values: list[float]) -> Axis:
    return number_axis("probe excess (points)", [0.0, *values])


def _css_class(name: str, compared: ComparedModels) -> str:
    return "rest dashed" if name == UNTRAINED else compared.css_class(name)


def _known(by_layer: dict[str, float | None], layers: list[str]) -> list[tuple[float, float]]:
    found = [(number, by_layer.get(layer)) for number, layer in enumerate(layers, start=1)]
    return [(float(number), points) for number, points in found if points is not None]


def _by_layer(metrics: dict[str, Any], layers: list[str], split: str) -> dict[str, float | None]:
    found = {layer: metrics["layers"].get(layer, {}).get(split) for layer in layers}
    return {layer: None if each is None else each["excess_points"] for layer, each in found.items()}


def _spread(of: dict[str, Any], name: str, split: str) -> dict[str, Any] | None:
    return (of["seeds"].get(name) or {}).get(split)
