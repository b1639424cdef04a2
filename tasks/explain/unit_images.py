"""A layer's units as pictures: what in their strongest crops drives them, and what they would answer to most."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.explain.canvas import Canvas, entered
from models.explain.deconv import Rule, project
from models.explain.hooks import run_until
from models.explain.portraits import Portraits, centred, portraits
from models.explain.recipes import AscentSettings
from models.explain.rectifiers import only_modules_rectify
from tasks.crop_table.png import Pixels
from tasks.crop_table.shards import pictures
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas
from tasks.explain.units import Explanation, Layer
from tasks.pages.single_page import pixels_of
from tasks.train.batches import as_images

RULES: tuple[Rule, ...] = ("deconvnet", "guided", "gradient")
KINDS = ("best", "last", "majority")  # images kept of a climb
DIGITS = 4

Pictures = dict[str, dict[str, Pixels]]
Images = Callable[[Sequence[int]], Tensor]  # of real images' numbers: float32 [n, channels, height, width] in [0, 1]


@dataclass(frozen=True)
class DrawnLayer:
    """Pictures of some of a layer's `units`, uint8 `[h, w]` or `[h, w, 3]`, and the numbers behind them.

    `parts[place]` has, of each of the strongest crops of `units[place]`, the `patch` that the peak's position sees, and
    what of it drives the unit by each of `RULES`, or by the gradient alone where the other rules are `refused`, with
    the reason. `images[place]` has by setting `best`, `last` and, if there was one, `majority`; none of a unit that
    stayed silent. `numbers[place]` has by setting their activations and steps, and the start.
    """

    units: list[int]
    parts: list[list[dict[str, Pixels]]]
    images: list[Pictures]
    numbers: list[dict[str, dict[str, Any]]]
    refused: str | None = None


class Artist:
    """Draws layers of one network, any module; its real images are asked for by their numbers as they are needed.

    Args:
        images: gives real images by the numbers that they have in the layers' summaries.
        settings: of the climbs, by name.
        projected: of a unit's strongest images, those whose parts that drive it are shown.
        seed: of the random pixels; workers: threads that climb.
    """

    def __init__(
        self, network: nn.Module, images: Images, *, canvas: Canvas, settings: Mapping[str, AscentSettings],
        projected: int, seed: int, workers: int,
    ) -> None:  # fmt: skip
        self._network, self._images, self._canvas, self._settings = network, images, canvas, settings
        self._projected, self._seed, self._workers = projected, seed, workers

    def draw(self, layer: Layer, units: Sequence[int] | None = None) -> DrawnLayer:
        """Some units of a layer, all unless given. Must run within `deterministic`.

        Raises:
            ValueError: as `portraits` and `project`.
        """
        units = list(range(len(layer.summary.mean)) if units is None else units)
        drawn = portraits(
            self._network,
            layer.name,
            units,
            canvas=self._canvas,
            settings=self._settings,
            seed=self._seed,
            crops=lambda some: self._starts(layer, some),
            workers=self._workers,
        )
        images, numbers = _climbed(drawn, self._canvas)
        refused = self._refused(layer)
        rules = RULES if refused is None else RULES[-1:]
        parts = self._parts(layer, units, rules)
        return DrawnLayer(units=units, parts=parts, images=images, numbers=numbers, refused=refused)

    def _starts(self, layer: Layer, units: list[int]) -> Tensor:
        """Every unit's strongest crop as the canvas has it, its peak moved to the middle."""
        images = self._images([int(layer.summary.crop[unit, 0]) for unit in units])
        moved = centred(images, layer.summary.spot[units, 0], layer.summary.grid)
        return entered(self._network, self._canvas.entry, moved)

    def _refused(self, layer: Layer) -> str | None:
        """Why deconvnet and guided backpropagation cannot be had of the layer."""
        try:
            with torch.no_grad(), only_modules_rectify(self._network):
                run_until(self._network, layer.name, self._images([0]))
        except ValueError as error:
            return str(error)
        return None

    def _parts(self, layer: Layer, units: Sequence[int], rules: Sequence[Rule]) -> list[list[dict[str, Pixels]]]:
        summary = layer.summary
        asked = [
            (place, unit, rank)
            for place, unit in enumerate(units)
            for rank in range(min(self._projected, summary.strength.shape[1]))
            if summary.strength[unit, rank] > 0
        ]
        parts: list[list[dict[str, Pixels]]] = [[] for _ in units]
        if not asked:
            return parts
        _, numbers, ranks = torch.tensor(asked).unbind(1)
        images = self._images(summary.crop[numbers, ranks].tolist())
        spots = summary.spot[numbers, ranks]
        places = None if summary.grid == (1, 1) else spots
        ways = {
            rule: project(self._network, images, layer=layer.name, units=numbers, places=places, rule=rule)
            for rule in rules
        }
        for row, (place, _unit, _rank) in enumerate(asked):
            row_at, column = spots[row].tolist()
            patch = layer.fields.patch(images[row], row_at, column, fill=1.0)
            shown = {"patch": _of_image(patch)}
            for rule, found in ways.items():
                shown[rule] = _of_signed(layer.fields.patch(found[row], row_at, column))
            parts[place].append(shown)
        return parts


def crops_of(table: Path, explained: Explanation, *, channels: int) -> Images:
    """Reads the clean crops of an explanation by their numbers from the table, as they are needed."""

    def read(numbers: Sequence[int]) -> Tensor:
        keys = [explained.keys[number] for number in numbers]
        found = pictures(table, keys)
        return as_images(torch.from_numpy(np.stack([found[key] for key in keys])), channels)

    return read


def _climbed(drawn: Portraits, canvas: Canvas) -> tuple[list[Pictures], list[dict[str, Any]]]:
    """Of every unit in turn, by setting: its images by kind, and their numbers. A silent climb has no image."""
    found, settings = drawn.ascent, len(drawn.names)
    shown = {kind: pixels_of_canvas(getattr(found, kind).nan_to_num(canvas.neutral), canvas) for kind in KINDS}
    images: list[Pictures] = [{} for _ in range(len(found.unit) // settings)]
    numbers: list[dict[str, Any]] = [{} for _ in images]
    for row, setting in enumerate(found.setting.tolist()):
        name, silent, place = drawn.names[setting], bool(found.silent[row]), row // settings
        kinds = () if silent else KINDS if found.majority_step[row] >= 0 else KINDS[:2]
        images[place][name] = {kind: enlarged(shown[kind][row]) for kind in kinds}
        numbers[place][name] = {"start": drawn.start[row], "silent": silent} | {
            kind: round(float(getattr(found, f"{kind}_activation")[row]), DIGITS) for kind in kinds
        }
        numbers[place][name] |= {
            f"{kind}_step": int(getattr(found, f"{kind}_step")[row]) for kind in kinds if kind != "last"
        }
    return images, numbers


def _of_image(image: Tensor) -> Pixels:
    return enlarged(pixels_of(image))


def _of_signed(image: Tensor) -> Pixels:
    """Values around zero: grey is zero, black and white are the strongest against and for the unit."""
    strongest = float(image.abs().max())
    return enlarged(pixels_of(image / (2 * strongest) + 0.5 if strongest > 0 else torch.full_like(image, 0.5)))
