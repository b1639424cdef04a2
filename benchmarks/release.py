"""What the models of finished runs are worth on designs never seen: accuracy, what a probe still reads, time.

    python -m benchmarks.release PROJECT [PROJECT …]

Each PROJECT is a folder where `unfont profile release` and `unfont run` have ended, each with another `seed`: a base.
Writes benchmarks/results/release.json, means over the bases, each with its `spread` (largest less smallest):

- `chosen`: `names`, and `test_unseen.<severity>`: `accuracy`, `worst_nuisance`, `worst_target` of each base's choice.
- `probe_excess_points`: of the chosen models, for the first nuisance. `accuracy_less_erm`: points at light degradation,
  by which the chosen model is better than `erm` of the same base.
- `modes.<model>`: of every round and mode `accuracy` (light) and `probe_excess_points`.
- `peers.<model>`: of what benchmarks.release_peers measured, over the bases where it has run: `accuracy`,
  `probe_excess_points`, `probe_excess_points_seen`, and `minutes` of DANN and CDANN.
- `real.<model>`: accuracy on the real pictures in data/real/, where there are some.
- `minutes`: of all stages together, one after the other. `bases`: how many.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chain import stage_seconds
from benchmarks.machine import machine
from benchmarks.turns import ROOT
from tasks.common.files import read_json

RESULT = ROOT / "benchmarks" / "results" / "release.json"
METRICS = ("accuracy", "worst_nuisance", "worst_target")
SPLIT, LIGHT, BASELINE = "test_unseen", "light", "erm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", type=Path, nargs="+", metavar="PROJECT")
    parser.add_argument("--problem", default="scripts")
    arguments = parser.parse_args()
    for project in arguments.projects:
        if not (project / "data" / arguments.problem / "metrics" / "probe.json").is_file():
            parser.error(f"no run has ended here ({project}): name folders where `unfont run` has")
    result = summary([base_of(project, arguments.problem) for project in arguments.projects])
    RESULT.write_text(json.dumps(result | {"machine": machine()}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, sort_keys=True))


def base_of(project: Path, problem: str) -> dict[str, Any]:
    """The measures of one finished run, not yet rounded."""
    home = project / "data" / problem
    metrics, probe, real = (read_json(home / "metrics" / f"{name}.json") for name in ("evaluate", "probe", "real"))
    peers = home / "peers" / "peers.json"
    name, models = metrics["chosen"]["name"], metrics["models"]
    probed = next(iter(probe["nuisances"].values()))["models"]
    excess = {model: of[SPLIT]["excess_points"] for model, of in probed.items()}
    light = {model: of[SPLIT][LIGHT]["accuracy"] for model, of in models.items()}
    return {
        "name": name,
        "chosen": {
            severity: {metric: values[metric] for metric in METRICS} for severity, values in models[name][SPLIT].items()
        },
        "probe_excess_points": excess[name],
        "accuracy_less_erm": 100 * (light[name] - light[BASELINE]),
        "modes": {model: {"accuracy": light[model], "probe_excess_points": excess[model]} for model in models},
        "real": {model: of["accuracy"] for model, of in real["models"].items()},
        "peers": read_json(peers) if peers.is_file() else {},
        "minutes": sum(stage_seconds(project, problem).values()) / 60,
    }


def summary(bases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the bases, with their spread."""
    parts = ("chosen", "probe_excess_points", "accuracy_less_erm", "modes", "peers", "real", "minutes")
    means = {part: _over([base[part] for base in bases], np.mean) for part in parts}
    means["chosen"] = {SPLIT: means["chosen"], "names": [base["name"] for base in bases]}
    return means | {
        "spread": {part: _over([base[part] for base in bases], np.ptp) for part in parts},
        "bases": len(bases),
    }


def _over(values: Sequence[Any], how: Any) -> Any:
    """`how` over the bases of every number; of one that a base lacks, over the others."""
    if isinstance(values[0], dict):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: _over([value[key] for value in values if key in value], how) for key in keys}
    known = [value for value in values if value is not None]
    return round(float(how(known)), 4) if known else None


if __name__ == "__main__":
    main()
