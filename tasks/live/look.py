"""One look of a network at the present picture: numbers as JSON can hold them, and pictures as bytes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.explain.attribution import grad_cam
from models.explain.deconv import project
from models.explain.robustness import relative_change
from tasks.crop_table.png import Pixels
from tasks.live.degrading import degraded, is_clean
from tasks.live.maps import grid_of, pixels_of, signed_pixels
from tasks.live.network import LiveLayer, LiveNetwork
from tasks.live.reading import Windows
from tasks.live.view import View
from tasks.pages.single_page import pixels_of as picture_pixels
from unfont.rank import answer
from unfont.text import clip

TOP = 8  # labels that are shown with their probabilities
SMALL = 2**14  # pixels of a layer's grid in the overview
DIGITS = 4

Numbers = dict[str, Any]


@dataclass
class Look:
    """What one network makes of a picture: `numbers` for JSON, `arrays` uint8 `[h, w]`, `[h, w, 3]` or `[n, h, w]`."""

    numbers: Numbers = field(default_factory=dict)
    arrays: dict[str, Pixels] = field(default_factory=dict)
    embedding: Tensor | None = None


def look_at(live: LiveNetwork, windows: Windows, view: View) -> Look:
    """Run the network on the windows and gather what the view wants.

    What cannot be had of a network (a deconvnet behind a ReLU that is no module, Grad-CAM without a convolution) is a
    line in `numbers` that says why.
    """
    row = min(view.window, len(windows.pixels) - 1)
    clean = live.images(windows.pixels)
    images = clean if is_clean(view.degrade) else degraded(clean, view.degrade, seed=view.seed).clamp(0, 1)
    layer = live.layer(view.layer or "") or live.layers[0]
    seen = live.run(images, row, _wanted(live, layer, view))
    look = Look()
    look.arrays["windows"] = windows.pixels if images is clean else _as_pixels(images)
    look.numbers |= {"window": row, "windows": len(images), "turned": windows.degrees}
    if seen.logits is not None:
        look.numbers["answer"] = _answer(live, seen.logits, windows)
    _add_layer(look, layer, seen.maps[layer.name], view)
    if view.overview:
        _add_overview(look, live, seen.maps, view)
    one = images[row : row + 1]
    if view.rule is not None:
        _add_attribution(look, live, layer, one, view)
    if view.grad_cam:
        _add_grad_cam(look, live, one, seen.logits, row, view)
    if images is not clean:
        names = [known.name for known in live.layers]
        change = relative_change(live.network, clean[row : row + 1], one, names)
        look.numbers["change"] = {name: _finite(float(value)) for name, value in change.items()}
    if "embedding" in seen.maps:
        look.embedding = seen.maps["embedding"][:, 0, 0]
    return look


def _wanted(live: LiveNetwork, layer: LiveLayer, view: View) -> list[str]:
    if view.overview:
        return [known.name for known in live.layers]
    return list(dict.fromkeys([layer.name, *(["embedding"] if view.style and live.layer("embedding") else [])]))


def _answer(live: LiveNetwork, logits: Tensor, windows: Windows) -> Numbers:
    """The answer of all windows together, as `unfont predict` gives it, and what each of them says."""
    probabilities = live.probabilities(logits)
    best = probabilities.argmax(1)
    found = answer(probabilities, live.labels, length=windows.length, target="label", top=TOP)
    each = [
        [live.labels[index], round(float(row[index]), DIGITS)] for index, row in zip(best, probabilities, strict=True)
    ]
    return {**found, "top": [[one["label"], one["p"]] for one in found["top"]], "each": each}


def _add_layer(look: Look, layer: LiveLayer, maps: Tensor, view: View) -> None:
    grid = grid_of(maps, contrast=view.contrast)
    look.arrays["grid"] = grid.pixels
    unit = min(view.unit, len(maps) - 1)
    look.numbers["layer"] = {
        "name": layer.name, "units": layer.units, "shown": len(maps), "side": grid.side, "scale": _finite(grid.scale),
        "signed": grid.signed, "map": list(maps.shape[1:]),
    }  # fmt: skip
    one = maps[unit].nan_to_num(0.0, 0.0, 0.0)
    peak = int(one.argmax())
    look.numbers["unit"] = {
        "unit": unit, "max": _finite(float(one.max())), "mean": _finite(float(one.mean())),
        "active": round(float((one > 0).float().mean()), DIGITS),
        "peak": [(peak // one.shape[1] + 0.5) / one.shape[0], (peak % one.shape[1] + 0.5) / one.shape[1]],
    }  # fmt: skip
    look.arrays["map"] = grid_of(one[None], contrast="unit").pixels[0]


def _add_overview(look: Look, live: LiveNetwork, maps: dict[str, Tensor], view: View) -> None:
    look.numbers["overview"] = {}
    for number, layer in enumerate(live.layers):
        grid = grid_of(maps[layer.name], contrast=view.contrast, most=SMALL)
        look.arrays[f"overview/{number}"] = grid.pixels
        look.numbers["overview"][layer.name] = {"side": grid.side, "signed": grid.signed}


def _add_attribution(look: Look, live: LiveNetwork, layer: LiveLayer, image: Tensor, view: View) -> None:
    unit = torch.tensor([look.numbers["unit"]["unit"]])
    assert view.rule is not None
    try:
        found = project(live.network, image, layer=layer.name, units=unit, rule=view.rule)
    except (ValueError, RuntimeError) as error:
        look.numbers["refused"] = clip(error, 300)
    else:
        look.arrays["attribution"] = signed_pixels(found[0].nan_to_num(0.0, 0.0, 0.0))


def _add_grad_cam(look: Look, live: LiveNetwork, image: Tensor, logits: Tensor | None, row: int, view: View) -> None:
    if logits is None:
        look.numbers["no_grad_cam"] = "the network gives no logits [batch, labels]"
        return
    target = int(logits[row].argmax()) if view.target is None else min(view.target, len(live.labels) - 1)
    try:
        found = grad_cam(live.network, image, torch.tensor([target]))[0].nan_to_num(0.0, 0.0, 0.0)
    except (ValueError, RuntimeError, AssertionError) as error:
        look.numbers["no_grad_cam"] = clip(error, 300)
        return
    strongest = found.max()
    look.arrays["grad_cam"] = pixels_of(found / strongest if strongest > 0 else found, signed=False)
    look.numbers["grad_cam"] = live.labels[target]


def _as_pixels(images: Tensor) -> Pixels:
    return np.stack([picture_pixels(image) for image in images])


def _finite(value: float) -> float:
    """A number that JSON has: infinity and NaN are -1."""
    return round(value, DIGITS) if np.isfinite(value) else -1.0
