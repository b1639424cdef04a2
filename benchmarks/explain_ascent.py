"""Activation maximisation: ours, the bare passes that it consists of, and torch-lucent's."""

import copy
import subprocess
import sys
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import spread, timed
from benchmarks.turns import ROOT
from models.explain.maximise.ascent import CACHED, AscentResult, maximise
from models.explain.maximise.ascent_settings import PAPER, in_steps
from models.explain.maximise.canvas import Canvas
from models.network import CropNet, folded
from tasks.common.params import read_params

PEER = ROOT / "benchmarks" / "peers" / "lucent.txt"
WORKERS = 2  # threads that optimise
TURNS = 3
PEER_UNITS = 2  # of each layer, that the peer draws one by one


def default_network() -> tuple[CropNet, Canvas]:
    """The network that params.yaml describes, folded as the report folds it, and a canvas of standardised crops."""
    params = read_params(ROOT / "params.yaml")
    torch.manual_seed(0)
    height, width, channels = params.crops.height, params.crops.width, params.crops.channels
    labels = len(params.words.scripts) + 1
    network = folded(CropNet(params.network, labels=labels, height=height, width=width, channels=channels))
    canvas = Canvas(
        channels=channels, height=height, width=width, low=-1.0, high=3.0, neutral=0.0, entry="standardise"
    )  # fmt: skip
    return network, canvas


def atlas_seconds(
    network: CropNet, canvas: Canvas, layers: dict[str, int], *, steps: int, settings: list[str]
) -> dict[str, float]:
    """Seconds of all units of each layer under the paper's settings of these names."""
    variants = [in_steps(PAPER[name], steps) for name in settings]
    optimise = partial(maximise, network, canvas=canvas, settings=variants, workers=WORKERS)
    return {layer: timed(partial(optimise, layer, range(units))) for layer, units in layers.items()}


def bare_ratio(network: CropNet, canvas: Canvas, layer: str, units: int, *, steps: int) -> dict[str, Any]:
    """One full batch of a layer, optimised and with forward and backward passes alone, in turns on all threads."""
    variants = [in_steps(settings, steps) for settings in PAPER.values()]

    def optimise(count: int) -> AscentResult:
        return maximise(network, layer, range(count), canvas=canvas, settings=variants)

    window = optimise(1).window
    (left, right, above, below) = window.pad
    shape = (canvas.channels, window.height + above + below, window.width + left + right)
    count = max(1, min(units, CACHED // (shape[1] * shape[2]) // len(variants)))
    pixels = torch.randn(count * len(variants), *shape)
    forward = truncated(network, layer)

    def bare() -> None:
        for _ in range(steps):
            leaf = pixels.detach().requires_grad_()
            values = forward(leaf)[(slice(None), 0, *window.position)]
            torch.autograd.grad(values.sum(), leaf)

    bare()
    seconds = [(timed(bare), timed(lambda: optimise(count))) for _ in range(TURNS)]
    alone, ours = (spread([turn[side] for turn in seconds]) for side in (0, 1))
    return {
        "bare_s": alone,
        "ours_s": ours,
        "bare_over_ours": [bare_s / ours_s for bare_s, ours_s in seconds],
        "bare_per_unit": alone["median"] / count,
        "ours_per_unit": ours["median"] / count,
        "window": list(shape),
    }


def truncated(network: CropNet, layer: str) -> Callable[[Tensor], Tensor]:
    """The network from the backbone's input to a layer, written out: no hooks."""
    if layer.startswith("backbone."):
        blocks = nn.Sequential(*list(network.backbone)[: int(layer.removeprefix("backbone.")) + 1])
        return blocks

    def embedding(images: Tensor) -> Tensor:
        maps = network.backbone(images)
        features: Tensor = network.embedding(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))
        return features

    return embedding if layer == "embedding" else lambda images: network.target_head(embedding(images))


def lucent(network: CropNet, canvas: Canvas, *, steps: int, folder: Path) -> Callable[[str, range], None]:
    """What draws units of a layer, one by one as torch-lucent does; it is installed in `folder` if it is not there.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.
    """
    if not (folder / "lucent").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "-r", str(PEER)]
        subprocess.run(pip, check=True)
    stand_in()
    sys.path.insert(0, str(folder))
    from lucent.optvis import objectives, param, render

    def draw(layer: str, units: range) -> None:
        # A fresh copy: it leaves its hooks behind, and must not pay for those of the unit before.
        objective = objectives.neuron if layer.startswith("backbone.") else objectives.channel
        for unit in units:
            render.render_vis(
                copy.deepcopy(network),
                objective(layer.replace(".", "_"), unit),
                lambda: param.image(canvas.width, canvas.height, channels=canvas.channels),
                thresholds=(steps,),
                preprocess=False,
                progress=False,
                show_image=False,
                fixed_image_size=(canvas.height, canvas.width),
            )

    draw("target_head", range(1))
    return draw


def peer_seconds(draw: Callable[[str, range], None], layers: dict[str, int]) -> float:
    """Seconds that a peer would take for every unit: some of each layer are drawn, and scaled up."""
    return sum(timed(partial(draw, layer, range(PEER_UNITS))) / PEER_UNITS * units for layer, units in layers.items())


def stand_in() -> None:
    """Modules by the names that torch-lucent imports and that nothing measured here calls."""
    for name, members in {
        "torchvision": (),
        "torchvision.transforms": ("Normalize",),
        "torchvision.models": (),
        "IPython": (),
        "IPython.display": (),
    }.items():
        module = types.ModuleType(name)
        vars(module).update(dict.fromkeys(members, functional.normalize))
        sys.modules.setdefault(name, module)
