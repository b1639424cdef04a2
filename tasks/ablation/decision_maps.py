"""Are the two decision units' maps complements of each other? Their optimised images, and their outputs."""

import torch
from torch import Tensor

from models.explain.maximise.ascent import maximise
from models.explain.maximise.ascent_settings import PAPER, AscentSettings, in_steps
from models.explain.maximise.canvas import canvas_of
from models.network import CropNet

DECISION = "target_head"
SETTING = "blur"  # of Yosinski's four: images of whole pictures, not of a few pixels
DIGITS = 6


def map_settings(steps: int) -> AscentSettings:
    """How the image of a unit is optimised, in `steps` steps."""
    return in_steps(PAPER[SETTING], steps)


def complementarity(network: CropNet, images: Tensor, *, steps: int, seed: int) -> dict[str, float] | None:
    """Pearson's r between the two decision units: of their optimised images (`maps`), of their `outputs` on `images`.

    −1 is a picture and its negative. None where there are not two outputs. Must run within `deterministic`.
    """
    if network.target_head.out_features != 2:
        return None
    canvas = canvas_of(network, images)
    found = maximise(network, DECISION, [0, 1], canvas=canvas, settings=[map_settings(steps)], seeds=[seed])
    with torch.no_grad():
        outputs = network(images)
    return {
        "maps": round(_correlation(found.last.flatten(1)), DIGITS), "outputs": round(_correlation(outputs.T), DIGITS)
    }  # fmt: skip


def _correlation(two: Tensor) -> float:
    """Pearson's r of `two[2, n]`; 0 where one does not vary."""
    centred = two.double() - two.double().mean(1, keepdim=True)
    scale = centred.norm(dim=1).prod()
    return float(centred[0] @ centred[1] / scale) if scale > 0 else 0.0
