"""DANN, CDANN and LEACE beside the modes of a finished run: what each forgets of the nuisance, and what that costs.

    python -m benchmarks.release_peers PROJECT

PROJECT is a base, as benchmarks.release has it. DANN and CDANN (benchmarks/domainbed.py) train on from its last round,
on the crops of its modes, two at a time; LEACE (benchmarks/leace.py) erases the embedding of its `erm`. They, its
modes and the chosen model are scored on designs never seen at light degradation and probed as `unfont probe` does.
Models stay in PROJECT/data/<problem>/peers: an interrupted run goes on. Writes PROJECT/data/<problem>/peers/peers.json,
which benchmarks.release sums up: of each model `accuracy`, `probe_excess_points`, `probe_excess_points_seen`, and of
DANN and CDANN `minutes`.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import domainbed, leace
from benchmarks.invariance import WORKERS, folder_of, once, trained
from flows.invariance import last_round
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json
from tasks.common.params import Params, read_params
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY, TEST_SEEN
from tasks.evaluate.predictions import open_models, score_split
from tasks.invariance.train import ModeJob
from tasks.metrics.classification import text_of
from tasks.probe.probe import probe_models
from tasks.train.job import gather
from tasks.train.replicas import seeds_of

BASELINE = "erm"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, metavar="PROJECT")
    arguments = parser.parse_args()
    if not (arguments.project / "params.yaml").is_file():
        parser.error(f"there is no project here ({arguments.project}): name a folder where `unfont run` has ended")
    os.chdir(arguments.project)
    params = read_params()
    if not (params.home / "metrics" / "probe.json").is_file():
        parser.error(f"no run has ended here ({arguments.project}): run `unfont run` there first")
    minutes = train_peers(params)
    found = measured(params)
    for name, spent in minutes.items():
        found[name]["minutes"] = spent
    write_json(params.home / "peers" / "peers.json", found)
    for name, values in found.items():
        print(name, values)


def train_peers(params: Params) -> dict[str, float]:
    """Make the models that are not there yet; the minutes that DANN and CDANN took, each on one thread."""
    home, work = params.home, Path("data/.work/peers")
    params = params.model_copy(update={"threads": 1})
    (replica,) = seeds_of(once(params).study)
    jobs = {
        name: ModeJob(
            params=params, mode=name, replica=replica, table=home / "table", start=home / "rounds" / last_round(params),
            scratch=work / name, progress=partial(print, f"{name}:", flush=True),
        )
        for name in domainbed.PEERS
    }  # fmt: skip
    left = [job for name, job in jobs.items() if not folder_of(home, name).exists()]
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(trained, left))
    for job in left:
        gather([job], out=folder_of(home, job.mode))
    for name, within in leace.PEERS.items():
        if not (out := home / "peers" / name).exists():
            leace.erase(params, start=home / "invariance" / BASELINE, table=home / "table", within=within, out=out)
    return {name: round(read_json(work / f"{name}.json")["seconds"] / 60, 1) for name in jobs}


def measured(params: Params) -> dict[str, dict[str, Any]]:
    """Accuracy and probe excess of the peers, of every mode and of the chosen model."""
    home = params.home
    chosen = read_json(home / "chosen.json")
    folders = {mode: home / "invariance" / mode for mode in params.invariance.modes}
    folders[chosen["name"]] = home / chosen["path"]
    folders |= {name: home / "peers" / name for name in (*domainbed.PEERS, *leace.PEERS)}
    out = home / "peers" / "probe.json"
    probe_models(once(params), home=home, models=folders, replicas={}, out=out)
    probed = next(iter(read_json(out)["nuisances"].values()))["models"]
    return {
        name: {
            "accuracy": accuracy,
            "probe_excess_points": probed[name][REPORT_SPLIT]["excess_points"],
            "probe_excess_points_seen": probed[name][TEST_SEEN]["excess_points"],
        }
        for name, accuracy in accuracies(params, folders).items()
    }


def accuracies(params: Params, folders: dict[str, Path]) -> dict[str, float]:
    """Of text crops on designs never seen, at light degradation, as `unfont evaluate` counts them."""
    models = open_models(folders)
    with deterministic(params.threads):
        predictions = score_split(
            models, table=params.home / "table", split=REPORT_SPLIT, labels=params.labels, severities=[SEVERITY],
            batch=params.evaluate.batch,
        )  # fmt: skip
    found = {}
    for name in models:
        text = text_of(predictions.of(name, SEVERITY))
        found[name] = round(float((text["true"] == text["predicted"]).mean()), 6)
    return found


if __name__ == "__main__":
    main()
