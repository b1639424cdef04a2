"""Units' activations taken back to pixels: deconvnet, guided backpropagation and the plain gradient."""

import warnings
from typing import Literal

import torch
from captum.attr import Deconvolution, GuidedBackprop
from torch import Tensor, nn

from models.explain.hooks import check_units, run_until
from models.explain.rectifiers import check_rectifiers, own_inputs

Rule = Literal["deconvnet", "guided", "gradient"]
RULES = {"deconvnet": Deconvolution, "guided": GuidedBackprop}
BATCH = 64  # projections of one pass


@torch.inference_mode(False)
def project(
    network: nn.Module,
    images: Tensor,
    *,
    layer: str,
    units: Tensor,
    places: Tensor | None = None,
    rule: Rule = "deconvnet",
    batch: int = BATCH,
) -> Tensor:
    """What in each image drives a unit at a place: `[rows, channels, height, width]`, one row a question.

    A row is one (image, unit, place): everything else in the layer is set to zero and the activation is sent
    back. `deconvnet` (Zeiler & Fergus 2014) undoes a max pool by its switches, rectifies the signal where
    the network has a ReLU, and filters with the transposed weights; `guided` (Springenberg et al. 2015) also
    closes the ReLUs that the image closed; `gradient` is only multiplied by the activation. A unit that is at
    zero gives an image of zeros. Where max pools overlap, a pixel that was the maximum of two windows
    gets the sum of both.

    Args:
        images: `[rows, channels, height, width]`, or a single image `[1, …]` for all rows.
        units: `[rows]` int64, numbers of the layer's units.
        places: `[rows, 2]` int64, (row, column) of the layer's map; None: where the unit is strongest.
        batch: how many rows are in memory at once. The network is run up to the layer only.

    Raises:
        ValueError: as `run_until`; a unit or a place that is not there; with `deconvnet` or `guided`, a
            rectifier that is no `nn.ReLU` module (in-place ones and ones that run several times are well).
    """
    if rule not in (*RULES, "gradient"):
        raise ValueError(f"no rule '{rule}'; there are: {', '.join([*RULES, 'gradient'])}")
    if len(images) not in (1, len(units)) or (places is not None and places.shape != (len(units), 2)):
        raise ValueError(f"{len(units)} units need as many images (or one), and as many places where there are any")
    if rule in RULES:
        check_rectifiers(network, layer, images[:1])
    parts = [images.new_empty(0, *images.shape[1:])]
    for rows in torch.split(torch.arange(len(units)), batch) if len(units) else ():
        some = images.expand(len(rows), *images.shape[1:]) if len(images) == 1 else images[rows]
        seed = _Seed(network, layer, units[rows], None if places is None else places[rows])
        parts.append(_backwards(seed, some, rule))
    return torch.cat(parts)


def _backwards(seed: "_Seed", images: Tensor, rule: Rule) -> Tensor:
    with torch.enable_grad(), warnings.catch_warnings():
        pixels = images.clone().requires_grad_()
        if rule == "gradient":
            return torch.autograd.grad(seed(pixels).sum(), pixels)[0]
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        with own_inputs(seed):
            return RULES[rule](seed).attribute(pixels).detach()


class _Seed(nn.Module):
    """Each row's unit times its value as a constant: the gradient is the activation, which seeds the way back."""

    def __init__(self, network: nn.Module, layer: str, units: Tensor, places: Tensor | None) -> None:
        super().__init__()
        self.network = network
        self._layer, self._units, self._places = layer, units, places

    def forward(self, images: Tensor) -> Tensor:
        output = run_until(self.network, self._layer, images)
        check_units(self._layer, self._units, output)
        rows = torch.arange(len(output))
        if output.dim() == 4:
            maps = output[rows, self._units].flatten(1)
            chosen = maps[rows, self._spots(maps, output.shape[2], output.shape[3])]
        else:
            chosen = output[rows, self._units]
        return chosen.detach() * chosen

    def _spots(self, maps: Tensor, height: int, width: int) -> Tensor:
        if self._places is None:
            return maps.argmax(dim=1)
        inside = (self._places >= 0) & (self._places < torch.tensor([height, width]))
        if not inside.all():
            row, column = self._places[~inside.all(dim=1)][0].tolist()
            raise ValueError(f"layer '{self._layer}' has {height} rows and {width} columns, none at ({row}, {column})")
        return self._places[:, 0] * width + self._places[:, 1]
