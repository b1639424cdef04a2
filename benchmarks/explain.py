"""Looking inside a network: activation maximisation, deconvnets and the report, beside peers and bare passes.

    python -m benchmarks.explain [--steps 128] [--peer FOLDER] [--home data/scripts]

The network is the default one of params.yaml with random weights (what is measured does not depend on them), its batch
normalisations folded into its convolutions as the report does it; peers get the same.
torch-lucent is installed in a temporary folder, or used and kept in --peer. HOME is where `unfont run` has made
everything: its report is made once more, elsewhere. Writes benchmarks/results/explain.json. Nothing else should run.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.explain_ascent import WORKERS, atlas_seconds, bare_ratio, default_network, lucent, peer_seconds
from benchmarks.explain_deconv import deconv_ratios, deconv_rows, deconv_seconds
from benchmarks.machine import machine, timed
from benchmarks.turns import ROOT
from models.explain.hooks import layers_of
from models.explain.maximise.ascent_settings import PAPER
from models.explain.maximise.canvas import Canvas
from models.explain.maximise.random_search import COUNT, search
from models.network import CropNet
from tasks.common.determinism import deterministic
from tasks.common.params import Params, read_params
from tasks.report.build import make_report

RESULT = ROOT / "benchmarks" / "results" / "explain.json"
THREADS = 2
TURNS = 3
WHAT = {
    "ratio.lucent": "units a second over torch-lucent's: the same network, size and steps, an image a unit",
    "ratio.bare": "seconds of bare forward and backward passes over those of the optimisation: same shapes, as many",
    "ratio.captum_deconv": "captum's NeuronDeconvolution, a call a unit, over ours: one image, every layer's units",
    "ratio.captum_deconv_one_thread": "the same, captum's calls on one thread",
    "atlas_s": f"every unit of every layer under the paper's four settings, {WORKERS} threads",
    "search_300_s": f"{COUNT} random settings of one label's unit, 500 to 1000 steps of the whole network",
    "report_s": "the report of a finished run, made once more; its megabytes, and kilobytes of its index.html",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--peer", type=Path, help="folder of torch-lucent's packages, made where it is missing")
    parser.add_argument("--home", type=Path, help="what `unfont run` has made, to make the report of once more")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    network, canvas = default_network()
    with tempfile.TemporaryDirectory() as scratch:
        log_line("torch-lucent: installing it if it is not there, a first image")
        draw = lucent(network, canvas, steps=arguments.steps, folder=arguments.peer or Path(scratch) / "peer")
        result = measure(network, canvas, draw, steps=arguments.steps)
        if arguments.home:
            result |= report(read_params(ROOT / "params.yaml"), arguments.home, Path(scratch) / "report")
    text = json.dumps({"machine": machine(), "what": WHAT, **result}, indent=2, sort_keys=True) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    print(text, end="")


def measure(
    network: CropNet, canvas: Canvas, draw: Callable[[str, range], None], *, steps: int, settings: int = COUNT
) -> dict[str, Any]:
    """All values but the report's. `draw` is the peer's, of units of a layer; the search tries `settings`."""
    image = torch.rand(1, *canvas.shape, generator=torch.Generator().manual_seed(1))
    with deterministic(THREADS):
        layers = layers_of(network, image)
        log_line(f"deconvnets of all {sum(layers.values())} units, by turns with captum's")
        deconvnets = deconv_seconds(network, image, layers, threads=THREADS)
        bare = {}
        for layer, units in layers.items():
            log_line(f"optimisation and bare passes, layer {layer}")
            bare[layer] = bare_ratio(network, canvas, layer, units, steps=steps)
        turns = []
        for turn in range(TURNS):
            log_line(f"every unit under one setting, by turns with torch-lucent: {turn + 1} of {TURNS}")
            peer = peer_seconds(draw, layers)
            turns.append(peer / sum(atlas_seconds(network, canvas, layers, steps=steps, settings=["norm"]).values()))
        log_line("every unit under four settings")
        atlas = atlas_seconds(network, canvas, layers, steps=steps, settings=list(PAPER))
        log_line(f"the search over {settings} settings")
        find = partial(search, network, "target_head", 0, canvas=canvas, data=noise(canvas), workers=WORKERS)
        searched = timed(partial(find, settings=None if settings == COUNT else list(PAPER.values())[:settings]))
    rows = deconv_rows(deconvnets)
    return {
        **ratios(
            {
                "bare": bare_turns(bare, layers),
                "lucent": turns,
                "captum_deconv": deconv_ratios(deconvnets, "captum"),
                "captum_deconv_one_thread": deconv_ratios(deconvnets, "captum_one_thread"),
            }
        ),
        "atlas_s": round(sum(atlas.values()), 1),
        "search_300_s": round(searched, 1),
        "layers": {
            layer: {"units": units, "atlas_s": round(atlas[layer], 2), "deconvnet": rows[layer], "climb": bare[layer]}
            for layer, units in layers.items()
        },
    }


def bare_turns(bare: dict[str, Any], layers: dict[str, int]) -> list[float]:
    """Of each turn, seconds of the bare passes for every unit of all layers over those of the optimisation."""
    turns = range(len(next(iter(bare.values()))["bare_over_ours"]))
    ours = {layer: units * bare[layer]["ours_per_unit"] for layer, units in layers.items()}
    alone = [sum(ours[layer] * bare[layer]["bare_over_ours"][turn] for layer in layers) for turn in turns]
    return [float(seconds / sum(ours.values())) for seconds in alone]


def ratios(turns: dict[str, list[float]]) -> dict[str, Any]:
    """Medians over the turns, with the smallest and the largest in `ratio_spread`."""
    return {
        "ratio": {name: round(statistics.median(each), 3) for name, each in turns.items()},
        "ratio_spread": {name: [round(min(each), 3), round(max(each), 3)] for name, each in turns.items()},
    }


def report(params: Params, home: Path, out: Path) -> dict[str, float]:
    """Make the report of what is in `home` at `out`: seconds, megabytes, kilobytes of its first page."""
    log_line(f"the report of {home}")
    fonts = home.resolve().parent / "fonts.parquet"
    seconds = timed(lambda: make_report(params, home=home, fonts=fonts, out=out))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return {
        "report_s": round(seconds, 1),
        "report_mb": round(size / 1e6, 2),
        "index_kb": round((out / "index.html").stat().st_size / 1e3, 1),
    }


def noise(canvas: Canvas) -> Tensor:
    return torch.randn(64, *canvas.shape, generator=torch.Generator().manual_seed(0))


def log_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
