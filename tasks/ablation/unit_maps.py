"""Images of every unit of a variant, each beside the unit of base whose activations are most like its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.explain.compare import LayerOutputs, NetworkComparison
from models.explain.hooks import layers_of
from models.explain.maximise.canvas import canvas_of
from models.explain.maximise.maximise_layer import maximise_layer
from models.network import CropNet
from tasks.ablation.decision_maps import SETTING, map_settings
from tasks.ablation.faces import NEW, TEST, TRAIN
from tasks.ablation.train import DIGITS, TrainingJob
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json
from tasks.crop_table.png import encode_png
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas
from tasks.pages.single_page import address_of

PAIRED = 128  # pictures over which units are matched

UnitMaps = dict[str, list[dict[str, Any]]]  # by layer, a unit each: unit, base (its match, or None), r, image, width


@dataclass(frozen=True, kw_only=True)
class MapsJob:
    """A trained network, and base of the same rotation and seed."""

    trained: TrainingJob
    base: TrainingJob


def maps_of(job: MapsJob) -> UnitMaps:
    """Every unit of every layer, by the unit of base that it is matched with; what is done is read back.

    A unit without a gradient has no image (None).
    """
    done = job.trained.folder / "maps.json"
    if done.exists():
        kept: UnitMaps = read_json(done)
        return kept
    trained = job.trained
    with deterministic(1):
        network, base = trained.network(), job.base.network()
        images = trained.images(trained.split[TRAIN])
        matches = _matched(network, base, trained)
        canvas = canvas_of(network, images)
        settings = {SETTING: map_settings(trained.settings.steps)}
        found: UnitMaps = {}
        for layer, units in layers_of(network, images[:1]).items():
            result = maximise_layer(
                network, layer, range(units), canvas=canvas, settings=settings, seed=trained.seed
            ).ascent  # fmt: skip
            pixels = [enlarged(one) for one in pixels_of_canvas(result.last, canvas)]
            found[layer] = [
                {"unit": unit, "width": one.shape[1], "image": None if silent else address_of(encode_png(one))}
                | matches.get(layer, {}).get(unit, {"base": None, "r": None})
                for unit, (one, silent) in enumerate(zip(pixels, result.silent.tolist(), strict=True))
            ]
    write_json(done, found)
    return found


def _matched(network: CropNet, base: CropNet, job: TrainingJob) -> dict[str, dict[int, dict[str, Any]]]:
    """By layer and unit, base's unit and the correlation r of the two, on pictures that neither was trained on."""
    images = job.images(np.sort(np.concatenate([job.split[TEST], job.split[NEW]]))[:PAIRED])
    layers = [name for name in layers_of(base, images[:1]) if name in layers_of(network, images[:1])]
    comparison = NetworkComparison([(name, name) for name in layers])
    comparison.update(*(LayerOutputs.of(one, images, layers) for one in (network, base)))
    return {
        layer.first: {
            unit: {"base": other, "r": round(float(r), DIGITS)}
            for (unit, other), r in zip(layer.units.tolist(), layer.correlation, strict=True)
        }
        for layer in comparison.result().layers
    }
