"""What the report found about a unit: its strongest crops and the images that were optimised for it."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.explain.deconv import project
from models.settings import CLEAN
from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.crop_table.png import Pixels
from tasks.evaluate.model_selection import read_choice
from tasks.explain.sample import Sample
from tasks.live.look import Look
from tasks.live.maps import signed_pixels
from tasks.live.network import LiveNetwork
from unfont.errors import UserError

BEST = "best"  # of the images of an optimisation, the one with the highest activation
MOST = 9  # crops, as the original shows
REMAKE = "make it again: unfont report"


@dataclass(frozen=True)
class UnitReport:
    """The report of the chosen model, whose weights' SHA-256 is `weights`; `layers` are its layers' files by name."""

    params: Params
    folder: Path
    weights: str
    layers: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of_project(cls, params: Params) -> "UnitReport | None":
        """The project's report; None where there is none.

        Raises:
            UserError: it cannot be read.
        """
        folder = params.home / "report"
        choice = read_choice(params.home)
        files = sorted(folder.glob("layer-*.json"))
        if choice is None or not files:
            return None
        return cls(params, folder, choice["weights"], {_read(file)["layer"]: file for file in files})

    def unit(self, live: LiveNetwork, layer: str, unit: int) -> Look:
        """A unit's panes: `crops` uint8 `[n, h, w]`, their `deconvnets`, and its optimised images, with numbers.

        Raises:
            UserError: the report does not know the unit, it is of another model, or a crop of it is gone.
        """
        if live.weights != self.weights:
            raise UserError(
                f"the report is of another model than {live.name}", where=self.folder, fix="choose that one"
            )
        found = next((one for one in self._units(layer) if one["unit"] == unit), None)
        if found is None:
            raise UserError(f"the report has no unit {unit} of layer {layer}", where=self.folder, fix=REMAKE)
        look = Look({name: found[name] for name in ("unit", "state", "max", "mean", "active", "labels")})
        look.numbers |= {"layer": layer, "optimised": []}
        crops = [crop for crop in found["crops"] if crop["strength"] > 0][:MOST]
        look.numbers["crops"] = [[crop["label"], crop["strength"]] for crop in crops]
        if crops:
            keys = [crop["key"] for crop in crops]
            sample = Sample.of_keys(self.params.home / "table", keys, target=self.params.labels.target, severity=CLEAN)
            look.arrays["crops"] = sample.pixels
            look.arrays["deconvnets"] = _deconvnets(live, layer, unit, sample.pixels)
        self._add_optimised(look, found)
        return look

    def _units(self, layer: str) -> list[dict[str, Any]]:
        if layer not in self.layers:
            return []
        units: list[dict[str, Any]] = _read(self.layers[layer])["all"]
        return units

    def _add_optimised(self, look: Look, found: dict[str, Any]) -> None:
        places = found.get("pictures")
        if not places:
            return
        height, width = places["size"]
        sheet = _sheet(self.folder / places["file"])
        for name, (x, y) in places["places"].items():
            setting, _, kind = name.partition("/")
            if kind == BEST:
                look.numbers["optimised"].append([setting, found["optimised"][setting][BEST]])
                look.arrays[f"optimised/{setting}"] = sheet[y : y + height, x : x + width]


def _deconvnets(live: LiveNetwork, layer: str, unit: int, pixels: Pixels) -> Pixels:
    units = torch.full((len(pixels),), unit)
    found = project(live.network, live.images(pixels), layer=layer, units=units, rule="deconvnet")
    return np.stack([signed_pixels(one) for one in found])


@lru_cache(maxsize=8)
def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
        assert isinstance(found["layer"], str) and isinstance(found["all"], list)
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise UserError("the report cannot be read", where=path, fix=REMAKE) from error
    return dict(found)


@lru_cache(maxsize=8)
def _sheet(path: Path) -> Pixels:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            # A sheet in 4 bits is a palette of greys.
            return np.asarray(image.convert("RGB" if _coloured(image) else "L"))
    except OSError as error:
        raise UserError("a sheet of the report cannot be read", where=path, fix=REMAKE) from error


def _coloured(image: Image.Image) -> bool:
    rgb = np.asarray(image.convert("RGB"))
    return bool((rgb != rgb[..., :1]).any())
