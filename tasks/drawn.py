"""A layer's units as pictures: what in their strongest crops drives them, and what they would answer to most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.explain.canvas import Canvas, entered
from models.explain.deconv import Rule, project
from models.explain.portraits import Portraits, centred, portraits
from models.explain.recipes import AscentSettings
from models.network import ScriptNet
from tasks.batches import as_images
from tasks.explain import Explanation, Layer
from tasks.page import pixels_of
from tasks.params import Params
from tasks.site_data import pictures
from tasks.synthetic import enlarged, pixels_of_canvas
from tasks.table import Pixels

RULES: tuple[Rule, ...] = ("deconvnet", "guided", "gradient")
KINDS = ("best", "last", "majority")  # images kept of a climb
DIGITS = 4

Pictures = dict[str, dict[str, Pixels]]


@dataclass(frozen=True)
class DrawnLayer:
    """Pictures of a layer's units, uint8 `[h, w]` or `[h, w, 3]`, and the numbers behind them.

    `parts[unit]` has of each of its strongest crops the `patch` that the peak's position sees, and what of it drives
    the unit by each of `RULES`. `images[unit]` has by setting `best`, `last` and, if there was one, `majority`;
    none of a unit that stayed silent. `numbers[unit]` has by setting their activations and steps, and the start.
    """

    parts: list[list[dict[str, Pixels]]]
    images: list[Pictures]
    numbers: list[dict[str, dict[str, Any]]]


class Artist:
    """Draws the layers of one network; the crops of the table that it needs are read as they are needed."""

    def __init__(
        self, params: Params, network: ScriptNet, explained: Explanation, *, table: Path, canvas: Canvas,
        settings: Mapping[str, AscentSettings],
    ) -> None:  # fmt: skip
        self._params, self._network, self._explained, self._table = params, network, explained, table
        self._canvas, self._settings = canvas, settings

    def draw(self, layer: Layer) -> DrawnLayer:
        """All units of a layer of the explanation. Must run within `deterministic`."""
        drawn = portraits(
            self._network,
            layer.name,
            range(len(layer.summary.mean)),
            canvas=self._canvas,
            settings=self._settings,
            seed=self._params.seed,
            crops=lambda units: self._starts(layer, units),
            workers=self._params.threads,
        )
        images, numbers = _climbed(drawn, self._canvas)
        return DrawnLayer(parts=self._parts(layer), images=images, numbers=numbers)

    def _starts(self, layer: Layer, units: list[int]) -> Tensor:
        """Every unit's strongest crop as the canvas has it, its peak moved to the middle."""
        images = self._crops([layer.summary.crop[unit, 0].item() for unit in units])
        moved = centred(images, layer.summary.spot[units, 0], layer.summary.grid)
        return entered(self._network, self._canvas.entry, moved)

    def _crops(self, numbers: Sequence[int | float]) -> Tensor:
        """`float32[n, channels, h, w]` in [0, 1], clean: the crops with these numbers in the explanation."""
        keys = [self._explained.keys[int(number)] for number in numbers]
        found = pictures(self._table, keys)
        return as_images(torch.from_numpy(np.stack([found[key] for key in keys])), self._network.channels)

    def _parts(self, layer: Layer) -> list[list[dict[str, Pixels]]]:
        summary, most = layer.summary, self._params.report.projected
        asked = [
            (unit, rank)
            for unit in range(len(summary.mean))
            for rank in range(min(most, summary.strength.shape[1]))
            if summary.strength[unit, rank] > 0
        ]
        parts: list[list[dict[str, Pixels]]] = [[] for _ in summary.mean]
        if not asked:
            return parts
        units, ranks = torch.tensor(asked).unbind(1)
        images = self._crops(summary.crop[units, ranks].tolist())
        spots = summary.spot[units, ranks]
        places = None if summary.grid == (1, 1) else spots
        ways = {
            rule: project(self._network, images, layer=layer.name, units=units, places=places, rule=rule)
            for rule in RULES
        }
        for row, (unit, _rank) in enumerate(asked):
            row_at, column = spots[row].tolist()
            patch = layer.fields.patch(images[row], row_at, column, fill=1.0)
            shown = {"patch": _of_image(patch)}
            for rule, found in ways.items():
                shown[rule] = _of_signed(layer.fields.patch(found[row], row_at, column))
            parts[unit].append(shown)
        return parts


def _climbed(drawn: Portraits, canvas: Canvas) -> tuple[list[Pictures], list[dict[str, Any]]]:
    """Of every unit, by setting: its images by kind, and their numbers. A silent climb has no image."""
    found = drawn.ascent
    shown = {kind: pixels_of_canvas(getattr(found, kind).nan_to_num(canvas.neutral), canvas) for kind in KINDS}
    units = int(found.unit.max()) + 1
    images: list[Pictures] = [{} for _ in range(units)]
    numbers: list[dict[str, Any]] = [{} for _ in range(units)]
    for row, (unit, setting) in enumerate(zip(found.unit.tolist(), found.setting.tolist(), strict=True)):
        name, silent = drawn.names[setting], bool(found.silent[row])
        kinds = () if silent else KINDS if found.majority_step[row] >= 0 else KINDS[:2]
        images[unit][name] = {kind: enlarged(shown[kind][row]) for kind in kinds}
        numbers[unit][name] = {"start": drawn.start[row], "silent": silent} | {
            kind: round(float(getattr(found, f"{kind}_activation")[row]), DIGITS) for kind in kinds
        }
        numbers[unit][name] |= {
            f"{kind}_step": int(getattr(found, f"{kind}_step")[row]) for kind in kinds if kind != "last"
        }
    return images, numbers


def _of_image(image: Tensor) -> Pixels:
    return enlarged(pixels_of(image))


def _of_signed(image: Tensor) -> Pixels:
    """Values around zero: grey is zero, black and white are the strongest against and for the unit."""
    strongest = float(image.abs().max())
    return enlarged(pixels_of(image / (2 * strongest) + 0.5 if strongest > 0 else torch.full_like(image, 0.5)))
