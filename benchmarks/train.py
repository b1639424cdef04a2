"""Training beside other work, and beside the same network elsewhere.

    python -m benchmarks.train TABLE [--repeats 2] [--peers FOLDER]

TABLE is the crop table that the stage `tag` wrote. Installs the peers (benchmarks/peers/train.txt) in a temporary
folder, or uses those in --peers; writes benchmarks/results/train.json. Nothing else should run.

`company.<way>.<busy>`: crops/s of a training (benchmarks.train_stage) beside so many busy processes, 0, 1, 2 and 4, for
each way to use the cores (`WAYS`): median, smallest and largest over epochs and repeats. `beside_busy` is the share of
its rate alone that the package's own way, `processes`, keeps beside one busy process.

`peers.<way>`: crops/s of the same network on the same crops, alone (benchmarks.train_peers). `ratio.<peer>` is the
training's rate over the peer's; `ratio.bare_loop` over that of bare steps on tensors in memory, which degrade nothing,
`ratio.bare_loop_degrading` over bare steps that do. `ratio.matmul` is the share of the FLOP/s of a measured matrix
product, in float32 on all cores, that a training in float32 does in its network.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import machine, timed
from benchmarks.turns import ROOT
from models.network import CropNet
from tasks.common.params import read_params

RESULT = ROOT / "benchmarks" / "results" / "train.json"
PEERS = ROOT / "benchmarks" / "peers" / "train.txt"
PEER_WAYS = ("bare_loop", "bare_loop_degrading", "lightning", "keras")
MATRIX = 2048  # rows and columns of the measured product
BUSY = (0, 1, 2, 4)  # other processes
# Each way: the settings of `train`, and the environment. Torch's threads spin at every barrier unless told to wait.
ONE = {"processes": 1, "threads": 2}
WAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "processes": ({"processes": 2, "threads": 2}, {}),
    "processes_float32": ({"processes": 2, "threads": 2, "precision": "float32"}, {}),
    "threads_spinning": (ONE, {}),
    "threads_spinning_float32": (ONE | {"precision": "float32"}, {}),
    "threads_waiting": (ONE, {"OMP_WAIT_POLICY": "passive"}),
    "threads_bounded_spin": (ONE, {"GOMP_SPINCOUNT": "20000"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--crops", type=int, default=6_400)
    parser.add_argument("--peers", type=Path, help="folder of the installed peers, kept; made where it is missing")
    arguments = parser.parse_args()
    if not arguments.table.is_dir():
        parser.error(f"there is no table at {arguments.table}: unfont run tag")
    found: dict[str, dict[str, list[float]]] = {way: {str(busy): [] for busy in BUSY} for way in WAYS}
    for _ in range(arguments.repeats):
        for busy in BUSY:
            for way in WAYS:
                found[way][str(busy)] += measured(way, busy, arguments.table, arguments.crops)
                print(busy, way, found[way][str(busy)], file=sys.stderr, flush=True)
    company = {way: {busy: rate_of(rates) for busy, rates in own.items()} for way, own in found.items()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = installed(arguments.peers or Path(scratch))
        peers: dict[str, list[float]] = {way: [] for way in PEER_WAYS}
        products = []
        for _ in range(arguments.repeats):
            for way in PEER_WAYS:
                peers[way] += of_peer(way, folder, arguments.table, arguments.crops)
                print(way, peers[way], file=sys.stderr, flush=True)
            products.append(product_rate())
    result = {
        "machine": machine(),
        "company": company,
        "beside_busy": round(rate(company, "processes", "1") / rate(company, "processes", "0"), 3),
        "peers": {way: rate_of(rates) for way, rates in peers.items()},
        "matrix_product_gflops": [round(product / 1e9, 1) for product in products],
        "ratio": {way: round(rate(company, "processes", "0") / statistics.median(peers[way]), 3) for way in PEER_WAYS}
        | {"matmul": matmul_share(rate(company, "processes_float32", "0"), statistics.median(products))},
    }
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def rate(company: dict[str, dict[str, dict[str, float]]], way: str, busy: str) -> float:
    return company[way][busy]["crops_per_s"]


def installed(folder: Path) -> Path:
    """The peers, in `folder`, installed unless they are there."""
    if not (folder / "keras").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder), "-r", str(PEERS)], check=True)
    return folder


def of_peer(way: str, folder: Path, table: Path, crops: int) -> list[float]:
    """Crops a second of each epoch but the first, of benchmarks.train_peers."""
    return rates_said("benchmarks.train_peers", str(table), way, "--crops", str(crops), "--peers", str(folder))


def product_rate() -> float:
    """FLOP/s of a matrix product in float32 on all cores, the best of ten."""
    torch.set_num_threads(os.cpu_count() or 1)
    one, other = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    return 2 * MATRIX**3 / min(timed(lambda: one @ other) for _ in range(10))


def matmul_share(crops_per_s: float, product: float) -> float:
    """The share of the product's FLOP/s that a training of the default network at that rate does, backward included."""
    return round(crops_per_s * flops() / product, 3)


def flops() -> float:
    """Of a crop, forward and backward."""
    params = read_params(ROOT / "params.yaml")
    height, width, channels = params.crops.height, params.crops.width, params.crops.channels
    network = CropNet(params.network, labels=len(params.words.scripts), height=height, width=width, channels=channels)
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(2, channels, height, width)).sum().backward()
    return counter.get_total_flops() / 2


def measured(way: str, busy: int, table: Path, crops: int) -> list[float]:
    """Crops a second of each epoch but the first, in a process of its own beside so many busy ones."""
    settings, environment = WAYS[way]
    with company(busy):
        words = [str(table), json.dumps(settings), "--crops", str(crops)]
        return rates_said("benchmarks.train_stage", *words, environment=environment)


def rates_said(module: str, *words: str, environment: Mapping[str, str] = MappingProxyType({})) -> list[float]:
    """What a module prints last, run with torch's threads as they are unless `environment` says otherwise."""
    cleared = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=ROOT, env={**cleared, **environment}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def company(count: int) -> Iterator[None]:
    """So many processes that are busy all the time."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def rate_of(rates: list[float]) -> dict[str, float]:
    return {
        "crops_per_s": round(statistics.median(rates), 1),
        "min": min(rates),
        "max": max(rates),
        "n": len(rates),
    }


if __name__ == "__main__":
    main()
