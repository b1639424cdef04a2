"""Width and depth of the network: what each costs a crop, and what it reads after the same trainings.

    python -m benchmarks.networks FOLDER --work WORK [--networks default,wide] [--seeds 1]

FOLDER holds real pictures as for benchmarks.real. Each network is a round 0 with the params of the working directory,
less its own `network`; tables and models stay in WORK, so that networks can be added later. Writes
benchmarks/results/networks.json: `networks.<name>`: `channels`, `embedding`, `weights`, `crop_ms` (a crop on one
core, of 256), `step_ms` (a training step of 64 crops on one core) and, as benchmarks.material has them, `real.<kind>`,
`validation.<severity>`, `called_a_script.<label>`, means over `seeds` with their `spread`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import machine, timed
from benchmarks.material import measure, table_of
from benchmarks.real import pictures_of
from benchmarks.turns import ROOT
from models.invariance import MODES
from models.network import CropNet, folded
from models.settings import PLAIN_LOSS, NetworkSettings
from models.training import UNKNOWN, Batch, Training
from tasks.common.params import Params, read_params

RESULT = ROOT / "benchmarks" / "results" / "networks.json"
# Channels, width of the embedding. Every first one that widens halves height and width, three times in all.
NETWORKS: dict[str, tuple[list[int], int]] = {
    "narrow": ([16, 32, 64, 128, 128], 128),
    "default": ([16, 32, 64, 128, 128, 256], 128),
    "late": ([16, 32, 64, 128, 256, 256], 256),
    "early": ([32, 64, 128, 128, 256], 256),
    "wide": ([32, 64, 128, 128, 256, 256], 256),
    "deep": ([32, 64, 64, 128, 128, 256, 256], 256),
}
LABELS, CROPS, BATCH, ROUNDS = 29, 256, 64, 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where tables and models are kept")
    parser.add_argument("--networks", default=",".join(NETWORKS), help=f"of {', '.join(NETWORKS)}; else all of them")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    names = arguments.networks.split(",")
    if unknown := set(names) - set(NETWORKS):
        parser.error(f"there is no network {', '.join(sorted(unknown))}: there are {', '.join(NETWORKS)}")
    files = pictures_of(arguments.folder)
    if not files:
        parser.error(f"there are no pictures ({arguments.folder}): give a folder of <set>/<kind>/<script>/<file>")
    params = read_params()
    table = table_of(params, arguments.work)
    for name in names:
        own = with_network(params, name)
        found = measure(name, own, files, table, work=arguments.work, seeds=arguments.seeds)
        _write(name, cost_of(own) | found)


def with_network(params: Params, name: str) -> Params:
    """The params with another network."""
    channels, embedding = NETWORKS[name]
    network = params.network.model_copy(update={"channels": channels, "embedding": embedding})
    return params.model_copy(update={"network": network})


def cost_of(params: Params) -> dict[str, Any]:
    """Size of the network, and milliseconds of a crop and of a training step, on one core."""
    settings: NetworkSettings = params.network
    torch.set_num_threads(1)
    network = CropNet(settings, labels=LABELS, height=params.crops.height, width=params.crops.width)
    images = torch.rand(CROPS, 1, params.crops.height, params.crops.width)
    served = folded(network)
    with torch.inference_mode():
        crop_s = min(timed(lambda: served(images)) for _ in range(ROUNDS)) / CROPS
    training = Training(
        network, [MODES["erm"]], counts={}, loss=PLAIN_LOSS, train=params.train, invariance=params.invariance,
        steps=10 * ROUNDS,
    )  # fmt: skip
    unknown = torch.full((BATCH,), UNKNOWN)
    batch = Batch(images=images[:BATCH], targets=torch.randint(LABELS, (BATCH,)), nuisances={}, pairs=unknown)
    network.train()
    step_s = min(timed(lambda: training.update(batch)) for _ in range(ROUNDS))
    torch.set_num_threads(params.threads)
    return {
        "channels": settings.channels, "embedding": settings.embedding,
        "weights": sum(weights.numel() for weights in network.parameters()),
        "crop_ms": round(1000 * crop_s, 3), "step_ms": round(1000 * step_s, 1),
    }  # fmt: skip


def _write(name: str, values: dict[str, Any]) -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"networks": {}}
    result["networks"][name] = values
    result["machine"] = machine()
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
