"""The report's page of what was learned: a few units of every layer, large, from strokes to labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from markupsafe import Markup

from tasks.crop_table.png import Pixels
from tasks.explain.removal import Removal
from tasks.explain.selective import GROUP, SelectiveUnit, strokes_of
from tasks.explain.unit_images import RULES, LayerVisuals
from tasks.explain.units import Explanation, Layer
from tasks.pages.svg import Axis, Plot, colour, share_axis
from tasks.report.layers import best_image, layer_page
from tasks.report.poster import PosterRow, poster
from tasks.report.site import Site

LEARNED = 2  # units of a layer
SHOWN = 3  # top-activating crops of a unit
SELECTIVE = 0.2  # least selectivity of a unit that is named by labels: (a − b) / (a + b) with a 1.5 times b
STROKE = 20  # pixels: a receptive field up to this height and width sees a stroke or two, larger ones parts of letters
WHOLE = 0.75  # of the crop's width: a receptive field from this on sees the crop


def write_learned(
    site: Site,
    explained: Explanation,
    learned: Sequence[Sequence[SelectiveUnit]],
    units: Sequence[Sequence[Mapping[str, Any]]],
    visuals: Sequence[LayerVisuals],
    crops: Mapping[str, Pixels],
    removal: Removal,
) -> None:
    """Write the page.

    Args:
        learned: the units of each layer.
        units: all units of each layer, as `tasks.report.layers.write_layer` returns them.
        visuals: of each layer, its units' attributions and optimised images.
        crops: the clean crops by their keys.
        removal: what accuracy is left without some units.
    """
    layers, shown = [], []
    for layer, selective, own, seen in zip(explained.layers, learned, units, visuals, strict=True):
        whole = layer.field[1] >= WHOLE * layer.image[1]
        text = site.target == "script"
        rows = [
            _row(one, own[one.unit], seen.attributions[one.unit], layer, whole=whole, text=text) for one in selective
        ]
        shown += [PosterRow(layer.name, row["name"], _pictures(row, seen, crops)) for row in rows]
        if rows:
            layers.append((layer_page(explained, layer), layer, whole, rows))
    numbers = {
        "removal": asdict(removal),
        "layers": [
            {"layer": layer.name, "units": [{name: row[name] for name in NUMBERS} for row in rows]}
            for _, layer, _, rows in layers
        ],
    }
    site.write(
        "learned",
        template="learned",
        numbers=numbers,
        layers=layers,
        shown=SHOWN,
        group=GROUP,
        selective=SELECTIVE,
        poster=site.picture("poster", poster(shown)) if shown else None,
        rules=RULES[:1],
        crops=len(explained.keys),
        removal=removal,
        left={name: _mean(getattr(removal, name)) for name in ("selective", "random")},
        plot=_removal_plot(removal) if len(removal.counts) > 1 else None,
        colours=[colour(0), colour(1)],
        count=sum(len(rows) for *_, rows in layers),
    )


NUMBERS = ("unit", "group", "index", "inside", "outside", "strokes")


def _row(
    one: SelectiveUnit,
    unit: Mapping[str, Any],
    parts: Sequence[Mapping[str, Pixels]],
    layer: Layer,
    *,
    whole: bool,
    text: bool,
) -> dict[str, Any]:
    """What the page says of a unit; its pictures are those of the layer's own page."""
    small = max(layer.field) <= STROKE and len(parts) > 0
    strokes = strokes_of([_reduced(part["patch"], layer.field) for part in parts]) if small else None
    seen = strokes or ("" if whole else "parts of letters" if text else "parts of the picture")
    labels = ", ".join(one.group) if one.index >= SELECTIVE or not seen else ""
    return asdict(one) | {
        "strokes": strokes,
        "seen": seen,
        "name": ": ".join(part for part in (seen.capitalize(), labels) if part),
        "crops": unit["crops"][:SHOWN],
        "parts": unit["attributions"],
        "sheets": unit["sheets"],
        "image": best_image(unit),
    }


def _pictures(row: Mapping[str, Any], visuals: LayerVisuals, crops: Mapping[str, Pixels]) -> list[Pixels]:
    """A unit's pictures on the poster: its top crop, the part that it answers to, the deconvnet, an optimised image."""
    unit = row["unit"]
    found = [crops[crop["key"]] for crop in row["crops"][:1]]
    found += [part[what] for part in visuals.attributions[unit][:1] for what in ("patch", *RULES[:1]) if what in part]
    if row["image"]:
        found.append(visuals.images[unit][row["image"].split("/")[1]]["best"])
    return found


def _reduced(patch: Pixels, field: tuple[int, int]) -> Pixels:
    """A patch in its own pixels: enlarged ones have steps, not slopes."""
    return patch[:: max(1, patch.shape[0] // field[0]), :: max(1, patch.shape[1] // field[1])]


def _mean(by_label: Mapping[str, Sequence[float]]) -> list[float]:
    """The mean over labels, by the number of units taken away."""
    return [sum(values) / len(values) for values in zip(*by_label.values(), strict=True)]


def _removal_plot(removal: Removal) -> Markup:
    lines = {"the most selective": _mean(removal.selective), "at random": _mean(removal.random)}
    last = len(removal.counts) - 1
    ticks = [(float(place), str(count)) for place, count in enumerate(removal.counts)]
    x = Axis(title="units taken away", low=-0.2, high=last + 0.2, ticks=ticks)
    y = share_axis("accuracy", [value for line in lines.values() for value in line])
    summary = "; ".join(f"{name}: {100 * line[0]:.1f}% to {100 * line[-1]:.1f}%" for name, line in lines.items())
    plot = Plot(f"Accuracy as units are taken away, {summary}", x=x, y=y)
    for number, (name, line) in enumerate(lines.items()):
        points = [(float(place), value) for place, value in enumerate(line)]
        plot.line(points, css_class=f"series {colour(number)}", title=name)
    return plot.svg()
