"""Images of a layer's units: the attribution of their top-activating crops, and optimised images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.explain.deconv import Rule, project
from models.explain.hooks import run_until
from models.explain.maximise.ascent_settings import AscentSettings
from models.explain.maximise.canvas import Canvas, entered
from models.explain.maximise.maximise_layer import LayerMaximisation, centred, maximise_layer
from models.explain.rectifiers import only_modules_rectify
from tasks.common.device import on
from tasks.crop_table.png import Pixels
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas
from tasks.explain.units import Explanation, Layer
from tasks.pages.single_page import pixels_of
from tasks.train.batches import CPU, as_images

RULES: tuple[Rule, ...] = ("deconvnet", "guided", "gradient")
KINDS = ("best", "last", "majority")  # images kept of an optimisation
DIGITS = 4

Pictures = dict[str, dict[str, Pixels]]
Images = Callable[[Sequence[int]], Tensor]  # of real images' numbers: float32 [n, channels, height, width] in [0, 1]


@dataclass(frozen=True)
class LayerVisuals:
    """Images of some of a layer's `units`, uint8 `[h, w]` or `[h, w, 3]`, and the numbers behind them.

    `names` are those of the settings of the optimisation.

    `attributions[index]` has, for each of the top crops of `units[index]`, the `patch` of the peak's receptive field
    and its attribution by each of `RULES`, or by the gradient alone where the other rules are `refused`, with the
    reason. `images[index]` has by setting `best`, `last` and, if there was one, `majority`; none for a unit without a
    gradient. `numbers[index]` has by setting their activations and steps, and the start. Both are empty for a unit
    that no image was optimised for.
    """

    units: list[int]
    names: list[str]
    attributions: list[list[dict[str, Pixels]]]
    images: list[Pictures]
    numbers: list[dict[str, dict[str, Any]]]
    refused: str | None = None


class UnitVisualiser:
    """Makes `LayerVisuals` of one network, any module; real images are read by their numbers as they are needed.

    Args:
        images: gives real images by the numbers that they have in the layers' summaries.
        settings: of the optimisation, by name.
        projected: how many of a unit's top images are shown with their attribution.
        seed: of the random pixels; workers: threads.
        device: where images are optimised.
    """

    def __init__(
        self, network: nn.Module, images: Images, *, canvas: Canvas, settings: Mapping[str, AscentSettings],
        projected: int, seed: int, workers: int, device: torch.device = CPU,
    ) -> None:  # fmt: skip
        self._network, self._images, self._canvas, self._settings = network, images, canvas, settings
        self._projected, self._seed, self._workers = projected, seed, workers
        self._climbed = on(network, device)

    def visualise(
        self, layer: Layer, units: Sequence[int] | None = None, *, optimised: Sequence[int] | None = None
    ) -> LayerVisuals:
        """Some units of a layer, all unless given; images are optimised for some of them, all unless given.

        Must run within `deterministic`.

        Raises:
            ValueError: as `maximise_layer` and `project`.
        """
        units = list(range(len(layer.summary.mean)) if units is None else units)
        chosen = units if optimised is None else list(optimised)
        maximised = maximise_layer(
            self._climbed, layer.name, chosen, canvas=self._canvas, settings=self._settings, seed=self._seed,
            crops=lambda some: self._starts(layer, some), workers=self._workers,
        )  # fmt: skip
        found = dict(zip(chosen, _images_of(maximised, self._canvas), strict=True))
        images, numbers = zip(*(found.get(unit, ({}, {})) for unit in units), strict=True)
        refused = self._refused(layer)
        rules = RULES if refused is None else RULES[-1:]
        attributions = self._attributions(layer, units, rules)
        return LayerVisuals(
            units=units, names=maximised.names, attributions=attributions, images=list(images), numbers=list(numbers),
            refused=refused,
        )  # fmt: skip

    def _starts(self, layer: Layer, units: list[int]) -> Tensor:
        """Every unit's top-activating crop in the canvas's pixels, its peak moved to the middle."""
        images = self._images([int(layer.summary.crop[unit, 0]) for unit in units])
        moved = centred(images, layer.summary.spot[units, 0], layer.summary.grid)
        return entered(self._network, self._canvas.entry, moved)

    def _refused(self, layer: Layer) -> str | None:
        """Why the layer has no deconvnet and no guided backpropagation; None where it has."""
        try:
            with torch.no_grad(), only_modules_rectify(self._network):
                run_until(self._network, layer.name, self._images(layer.summary.crop[0, :1].tolist()))
        except ValueError as error:
            return str(error)
        return None

    def _attributions(self, layer: Layer, units: Sequence[int], rules: Sequence[Rule]) -> list[list[dict[str, Pixels]]]:
        summary = layer.summary
        asked = [
            (index, unit, rank)
            for index, unit in enumerate(units)
            for rank in range(min(self._projected, summary.strength.shape[1]))
            if summary.strength[unit, rank] > 0
        ]
        attributions: list[list[dict[str, Pixels]]] = [[] for _ in units]
        if not asked:
            return attributions
        _, numbers, ranks = torch.tensor(asked).unbind(1)
        images = self._images(summary.crop[numbers, ranks].tolist())
        spots = summary.spot[numbers, ranks]
        positions = None if summary.grid == (1, 1) else spots
        projections = {
            rule: project(self._network, images, layer=layer.name, units=numbers, positions=positions, rule=rule)
            for rule in rules
        }
        for row, (index, _unit, _rank) in enumerate(asked):
            row_at, column = spots[row].tolist()
            patch = layer.fields.patch(images[row], row_at, column, fill=1.0)
            shown = {"patch": _of_image(patch)}
            for rule, found in projections.items():
                shown[rule] = _of_signed(layer.fields.patch(found[row], row_at, column))
            attributions[index].append(shown)
        return attributions


def crops_of(crops: Mapping[str, Pixels], explained: Explanation, *, channels: int) -> Images:
    """Gives the clean crops of an explanation by their numbers, out of `crops` by their keys."""

    def images(numbers: Sequence[int]) -> Tensor:
        pixels = np.stack([crops[explained.keys[number]] for number in numbers])
        return as_images(torch.from_numpy(pixels), channels)

    return images


def _images_of(maximised: LayerMaximisation, canvas: Canvas) -> list[tuple[Pictures, dict[str, Any]]]:
    """For every unit, by setting: its images by kind, and their numbers; without a gradient there is no image."""
    found, settings = maximised.ascent, len(maximised.names)
    shown = {kind: pixels_of_canvas(getattr(found, kind).nan_to_num(canvas.neutral), canvas) for kind in KINDS}
    images: list[Pictures] = [{} for _ in range(len(found.unit) // settings)]
    numbers: list[dict[str, Any]] = [{} for _ in images]
    for row, setting in enumerate(found.setting.tolist()):
        name, silent, index = maximised.names[setting], bool(found.silent[row]), row // settings
        kinds = () if silent else KINDS if found.majority_step[row] >= 0 else KINDS[:2]
        images[index][name] = {kind: enlarged(shown[kind][row]) for kind in kinds}
        numbers[index][name] = {"start": maximised.start[row], "silent": silent} | {
            kind: round(float(getattr(found, f"{kind}_activation")[row]), DIGITS) for kind in kinds
        }
        numbers[index][name] |= {
            f"{kind}_step": int(getattr(found, f"{kind}_step")[row]) for kind in kinds if kind != "last"
        }
    return list(zip(images, numbers, strict=True))


def _of_image(image: Tensor) -> Pixels:
    return enlarged(pixels_of(image))


def _of_signed(image: Tensor) -> Pixels:
    """Values around zero: grey is zero, black and white are the strongest evidence against and for the unit."""
    strongest = float(image.abs().max())
    return enlarged(pixels_of(image / (2 * strongest) + 0.5 if strongest > 0 else torch.full_like(image, 0.5)))
