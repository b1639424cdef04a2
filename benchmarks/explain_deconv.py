"""Deconvnets of all units of a layer at once, against captum's unit by unit."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from captum.attr import NeuronDeconvolution
from torch import Tensor, nn

from benchmarks.machine import spread, timed
from models.explain.deconv import project
from models.explain.hooks import module_of, run_until

TURNS = 5
PEER_UNITS = 8  # of each layer, that captum is called for one by one


def deconv_seconds(network: nn.Module, image: Tensor, layers: dict[str, int], *, threads: int) -> dict[str, Any]:
    """Seconds a unit of each layer's units, each where it is strongest in `image[1, channels, height, width]`.

    By turns: all of them by one call of ours, and some by one call each of captum's, on all `threads` and on one,
    which suits calls as small as these better. The strongest places are found for captum beforehand.
    """
    return {layer: _turns(network, image, layer, units, threads=threads) for layer, units in layers.items()}


def _turns(network: nn.Module, image: Tensor, layer: str, units: int, *, threads: int) -> dict[str, Any]:
    count = min(units, PEER_UNITS)
    ways: dict[str, tuple[int, int, Callable[[], object]]] = {
        "ours": (threads, units, partial(project, network, image, layer=layer, units=torch.arange(units))),
        "captum": (threads, count, one_by_one(network, image, layer, count)),
        "captum_one_thread": (1, count, one_by_one(network, image, layer, count)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    before = torch.get_num_threads()
    try:
        for _ in range(TURNS + 1):
            for name, (own_threads, drawn, work) in ways.items():
                torch.set_num_threads(own_threads)
                seconds[name].append(timed(work) / drawn)
    finally:
        torch.set_num_threads(before)
    return {"units": units} | {name: each[1:] for name, each in seconds.items()}  # the first turn warms up


def one_by_one(network: nn.Module, image: Tensor, layer: str, count: int) -> Callable[[], Tensor]:
    """Captum's images of the layer's first units, `[count, channels, height, width]`, one call each."""
    with torch.no_grad():
        output = run_until(network, layer, image)[0]
    flat = output.flatten(1) if output.dim() == 3 else output[:, None]
    width = output.shape[2] if output.dim() == 3 else 0
    positions = [(unit, *(divmod(int(flat[unit].argmax()), width) if width else ())) for unit in range(count)]
    captum = NeuronDeconvolution(network, module_of(network, layer))

    def work() -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that hooks are set, and that the image will require gradients
            return torch.cat([captum.attribute(image.clone(), place).detach() for place in positions])

    return work


def deconv_ratios(seconds: dict[str, Any], peer: str) -> list[float]:
    """Of each turn, the peer's seconds for every unit of all the layers over ours."""
    turns = range(len(next(iter(seconds.values()))["ours"]))

    def whole(way: str, turn: int) -> float:
        return float(sum(row["units"] * row[way][turn] for row in seconds.values()))

    return [whole(peer, turn) / whole("ours", turn) for turn in turns]


def deconv_rows(seconds: dict[str, Any]) -> dict[str, Any]:
    """What each layer's row says: milliseconds a unit, and the ratio to captum on as many threads."""
    ways = ("ours", "captum", "captum_one_thread")
    return {
        layer: {
            **{f"{way}_ms": spread([1000 * each for each in row[way]]) for way in ways},
            "ratio": spread([peer / own for own, peer in zip(row["ours"], row["captum"], strict=True)]),
        }
        for layer, row in seconds.items()
    }
