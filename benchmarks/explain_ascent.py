"""Activation maximisation: against the bare passes that it is made of, and against torch-lucent.

    python -m benchmarks.explain_ascent [--steps 128] [--peer FOLDER]

Prints one JSON object. The network is the default one of params.yaml with random weights: what is measured does not
depend on them. The peer is installed in a temporary folder, or used and kept in --peer. Nothing else should run.
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import machine, spread
from models.explain.ascent import CACHED, Ascent, maximise
from models.explain.canvas import Canvas
from models.explain.hooks import layers_of
from models.explain.recipes import PAPER, in_steps
from models.explain.search import COUNT, search
from models.network import ScriptNet
from tasks.determinism import deterministic
from tasks.params import read_params

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "peers" / "lucent.txt"
THREADS, WORKERS = 2, 2
TURNS = 3
PEER_UNITS = 2  # of each layer, that the peer draws one by one
WHAT = {
    "ratio.bare": "seconds of forward and backward passes alone over seconds of the climb: the same shapes and number",
    "ratio.lucent": "units a second over torch-lucent's: the same network, size and steps, one image a unit",
    "atlas_s": f"every unit of every layer under the paper's four settings, {WORKERS} threads",
    "search_300_s": f"{COUNT} random settings of one label's unit, 500 to 1000 steps of the whole network",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--peer", type=Path, help="folder of the peer's packages, made where it is missing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(arguments.steps, arguments.peer or Path(scratch) / "peer")
    print(json.dumps({"machine": machine(), "what": WHAT, **result}, indent=2))


def measure(steps: int, peer: Path) -> dict[str, Any]:
    """All figures of this module, by the names that `WHAT` explains."""
    network, canvas = default_network()
    with deterministic(THREADS):
        layers = layers_of(network, torch.zeros(1, *canvas.shape))
        atlas, one_setting = (
            atlas_seconds(network, canvas, layers, steps=steps, settings=settings)
            for settings in (list(PAPER), ["norm"])
        )
        bare = {layer: bare_ratio(network, canvas, layer, units, steps=steps) for layer, units in layers.items()}
        lucent = lucent_seconds(network, canvas, layers, steps=steps, folder=peer)
        searched = timed(lambda: search(network, "target_head", 0, canvas=canvas, data=noise(canvas), workers=WORKERS))
    passed = {
        kind: sum(layers[name] * row[f"{kind}_per_unit"] for name, row in bare.items()) for kind in ("bare", "ours")
    }
    return {
        "ratio.bare": passed["bare"] / passed["ours"],
        "ratio.lucent": lucent / sum(one_setting.values()),
        "atlas_s": sum(atlas.values()),
        "search_300_s": searched,
        "lucent_s_per_unit": lucent / sum(layers.values()),
        "layers": {layer: {"units": units, "atlas_s": atlas[layer], **bare[layer]} for layer, units in layers.items()},
    }


def default_network() -> tuple[ScriptNet, Canvas]:
    """The network that params.yaml describes, and a canvas of what its crops are once they are standardised."""
    params = read_params(ROOT / "params.yaml")
    torch.manual_seed(0)
    height, width, channels = params.crops.height, params.crops.width, params.crops.channels
    labels = len(params.words.scripts) + 1
    network = ScriptNet(params.network, labels=labels, height=height, width=width, channels=channels).eval()
    canvas = Canvas(
        channels=channels, height=height, width=width, low=-1.0, high=3.0, neutral=0.0, entry="standardise"
    )  # fmt: skip
    return network, canvas


def noise(canvas: Canvas) -> Tensor:
    return torch.randn(64, *canvas.shape, generator=torch.Generator().manual_seed(0))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def atlas_seconds(
    network: ScriptNet, canvas: Canvas, layers: dict[str, int], *, steps: int, settings: list[str]
) -> dict[str, float]:
    """Seconds of all units of each layer under the paper's settings of these names."""
    recipes = [in_steps(PAPER[name], steps) for name in settings]
    climb = partial(maximise, network, canvas=canvas, settings=recipes, workers=WORKERS)
    return {layer: timed(partial(climb, layer, range(units))) for layer, units in layers.items()}


def bare_ratio(network: ScriptNet, canvas: Canvas, layer: str, units: int, *, steps: int) -> dict[str, Any]:
    """One full batch of a layer, climbing and with forward and backward passes alone, by turns on all threads."""
    recipes = [in_steps(settings, steps) for settings in PAPER.values()]

    def climb(count: int) -> Ascent:
        return maximise(network, layer, range(count), canvas=canvas, settings=recipes)

    window = climb(1).window
    (left, right, above, below) = window.pad
    shape = (canvas.channels, window.height + above + below, window.width + left + right)
    count = max(1, min(units, CACHED // (shape[1] * shape[2]) // len(recipes)))
    pixels = torch.randn(count * len(recipes), *shape)
    forward = truncated(network, layer)

    def bare() -> None:
        for _ in range(steps):
            leaf = pixels.detach().requires_grad_()
            values = forward(leaf)[(slice(None), 0, *window.position)]
            torch.autograd.grad(values.sum(), leaf)

    bare()
    seconds = [(timed(bare), timed(lambda: climb(count))) for _ in range(TURNS)]
    alone, ours = (spread([turn[side] for turn in seconds]) for side in (0, 1))
    return {
        "bare_s": alone,
        "ours_s": ours,
        "bare_per_unit": alone["median"] / count,
        "ours_per_unit": ours["median"] / count,
        "window": list(shape),
    }


def truncated(network: ScriptNet, layer: str) -> Callable[[Tensor], Tensor]:
    """The network from the trunk's input to a layer, written out: no hooks."""
    if layer.startswith("trunk."):
        blocks = nn.Sequential(*list(network.trunk)[: int(layer.removeprefix("trunk.")) + 1])
        return blocks

    def embedding(images: Tensor) -> Tensor:
        maps = network.trunk(images)
        features: Tensor = network.embedding(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))
        return features

    return embedding if layer == "embedding" else lambda images: network.target_head(embedding(images))


def lucent_seconds(network: ScriptNet, canvas: Canvas, layers: dict[str, int], *, steps: int, folder: Path) -> float:
    """Seconds that torch-lucent would take for every unit: some of each layer, one by one as it does, scaled up."""
    if not (folder / "lucent").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "-r", str(PEER)]
        subprocess.run(pip, check=True)
    stand_in()
    sys.path.insert(0, str(folder))
    from lucent.optvis import objectives, param, render

    def draw(layer: str, units: range) -> None:
        # A fresh copy: it leaves its hooks behind, and must not pay for those of the unit before.
        objective = objectives.neuron if layer.startswith("trunk.") else objectives.channel
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
    seconds = {layer: timed(partial(draw, layer, range(PEER_UNITS))) for layer in layers}
    return sum(seconds[layer] / PEER_UNITS * units for layer, units in layers.items())


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


if __name__ == "__main__":
    main()
