"""Training beside other work, and beside the same network elsewhere.

    python -m benchmarks.train TABLE [--repeats 2] [--peers FOLDER] [--part company|peers]

TABLE is the crop table that the stage `tag` wrote. Installs the peers (benchmarks/peers/train.txt) in a temporary
folder, or uses those in --peers; writes benchmarks/results/train.json. Nothing else should run. With --part one of its
two parts is measured anew, and the other stays.

`company.<way>.<busy>`: crops/s of a training with the heads of `conditional` (benchmarks.train_stage) beside so many
busy processes, 0, 1, 2 and 4, for each way to use the cores (`WAYS`): median, smallest and largest over epochs and
repeats. `beside_busy` is the share of its rate alone that the package's own way, `processes`, keeps beside one busy
process.

`peers.<way>`: crops/s of the same network on the same crops, alone: `ours` and `ours_float32` are round 0, which has no
heads (benchmarks.train_stage), the others those of benchmarks.train_peers. `ratio.<peer>` is the rate of `ours` over
the peer's; `ratio.bare_loop` over that of bare steps on tensors in memory, which degrade nothing,
`ratio.bare_loop_degrading` over bare steps that do. `ratio.matmul` is the share of the FLOP/s of a measured matrix
product, in float32 on all cores, that `ours_float32` does in its network.
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


# A training as round 0 has it.
OURS: dict[str, dict[str, Any]] = {"ours": WAYS["processes"][0], "ours_float32": WAYS["processes_float32"][0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--crops", type=int, default=6_400)
    parser.add_argument("--peers", type=Path, help="folder of the installed peers, kept; made where it is missing")
    parser.add_argument("--part", choices=("company", "peers"), help="the part to measure; else both")
    arguments = parser.parse_args()
    if not arguments.table.is_dir():
        parser.error(f"there is no table at {arguments.table}: unfont run tag")
    if arguments.part and not RESULT.exists():
        parser.error(f"--part replaces a part of {RESULT.name}, which there is none of: leave it out")
    result = json.loads(RESULT.read_text(encoding="utf-8")) if arguments.part else {}
    if arguments.part != "peers":
        result |= beside_others(arguments.table, arguments.crops, arguments.repeats)
    if arguments.part != "company":
        with tempfile.TemporaryDirectory() as scratch:
            folder = installed(arguments.peers or Path(scratch))
            result |= beside_peers(arguments.table, arguments.crops, arguments.repeats, folder)
    result["machine"] = machine()
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def beside_others(table: Path, crops: int, repeats: int) -> dict[str, Any]:
    """`company` and `beside_busy`."""
    found: dict[str, dict[str, list[float]]] = {way: {str(busy): [] for busy in BUSY} for way in WAYS}
    for _ in range(repeats):
        for busy in BUSY:
            for way, (settings, environment) in WAYS.items():
                with company(busy):
                    # Beside others a spinning way takes minutes for what it does alone in seconds.
                    some = crops if not busy else crops // 4
                    found[way][str(busy)] += stage(settings, table, some, environment, mode="conditional")
                print(busy, way, found[way][str(busy)], file=sys.stderr, flush=True)
    rates = {way: {busy: rate_of(each) for busy, each in own.items()} for way, own in found.items()}
    own = rates["processes"]
    return {"company": rates, "beside_busy": round(own["1"]["crops_per_s"] / own["0"]["crops_per_s"], 3)}


def beside_peers(table: Path, crops: int, repeats: int, folder: Path) -> dict[str, Any]:
    """`peers`, `ratio` and the matrix products."""
    rates: dict[str, list[float]] = {way: [] for way in (*OURS, *PEER_WAYS)}
    products = []
    for _ in range(repeats):
        for way in rates:
            rates[way] += stage(OURS[way], table, crops) if way in OURS else of_peer(way, folder, table, crops)
            print(way, rates[way], file=sys.stderr, flush=True)
        products.append(product_rate())
    median = {way: statistics.median(each) for way, each in rates.items()}
    ratios = {way: round(median["ours"] / median[way], 3) for way in PEER_WAYS}
    return {
        "peers": {way: rate_of(each) for way, each in rates.items()},
        "matrix_product_gflops": [round(product / 1e9, 1) for product in products],
        "ratio": ratios | {"matmul": matmul_share(median["ours_float32"], statistics.median(products))},
    }


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


def stage(
    settings: dict[str, Any],
    table: Path,
    crops: int,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    mode: str | None = None,
) -> list[float]:
    """Crops a second of each epoch but the first of a training in a process of its own."""
    words = [str(table), json.dumps(settings), "--crops", str(crops), *(["--mode", mode] if mode else [])]
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
