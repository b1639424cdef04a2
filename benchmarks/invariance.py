"""Does invariance pay? Every mode on font styles beside DomainBed's adversaries, and on faces of people never seen.

    python -m benchmarks.invariance scripts PROJECT [--seeds 3] [--share 1.0]
    python -m benchmarks.invariance faces ARCHIVE [--seeds 3] [--rotations 5] [--keep FOLDER]

PROJECT is a folder where `unfont profile full` and `dvc repro round@3` have made the table and the rounds (the last
number in `rounds` counts). The training of every mode and peer continues from the last round with every seed, on the
same fraction of its crops (partners stay together); two trainings run at a time on one thread each. Then `evaluate`
chooses among the modes by validation and measures, and the probe is fitted. ARCHIVE holds the CMU Face Images
(docs/how-to/own-crops.md). Finished trainings are kept, so that an interrupted run resumes. Both write their part of
benchmarks/results/invariance.json.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.chain import stage_seconds
from benchmarks.domainbed import PEERS, Adversary
from benchmarks.faces import measure_faces
from benchmarks.machine import machine
from flows.evaluate import models_of
from flows.invariance import last_round
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json, written_whole
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY
from tasks.crop_table.text_side import share_of
from tasks.evaluate.evaluate import Outputs, evaluate_models
from tasks.invariance.train import ModeJob, train_mode
from tasks.probe.probe import probe_models
from tasks.train.batch_sampler import epoch_batches
from tasks.train.batches import Labels, read_crops
from tasks.train.card import CARD_FILE, WEIGHTS_FILE
from tasks.train.checkpoint import Trained
from tasks.train.job import gather
from tasks.train.loop import replica_seed
from tasks.train.model_folder import TRAINING_SCHEMA, read_training, write_folder
from tasks.train.replicas import seeds_of
from tasks.train.weights import load_model

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "invariance.json"
MODES = ["erm", "reversal", "conditional", "ascent", "pairs", "coral", "conditional+pairs"]
WORKERS = 2  # trainings side by side, a torch thread each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=["scripts", "faces"])
    parser.add_argument("source", type=Path, help="scripts: the project's folder; faces: the archive")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="scripts: of the last round's texts")
    parser.add_argument("--rotations", type=int, default=5, help="of the people that are held out")
    parser.add_argument("--keep", type=Path, help="faces: work here and leave it")
    arguments = parser.parse_args()
    if arguments.problem == "scripts":
        found = measure_scripts(arguments.source, seeds=arguments.seeds, share=arguments.share)
    else:
        found = measure_faces(arguments.source, modes=MODES, seeds=arguments.seeds, rotations=arguments.rotations,
                              keep=arguments.keep)  # fmt: skip
    write_result(found)


def write_result(found: dict[str, Any]) -> None:
    """Merge this part into the file that the other problem's run may have written."""
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**kept, "machine": machine(), **found}, indent=2, sort_keys=True) + "\n", "utf-8")


def measure_scripts(project: Path, *, seeds: int, share: float) -> dict[str, Any]:
    """Train, evaluate and probe in the project's folder."""
    os.chdir(project)
    params = params_of(read_params(), seeds=seeds, modes=MODES)
    home = params.home
    seconds = train_all(params, home, share=share, work=Path("data/.work/benchmark"))
    models, outputs = models_of(params), Outputs.of_home(home)
    evaluated(params, models, outputs)
    # Peers apart: they are measured, never chosen.
    rounds = {name: folder for name, folder in models.items() if name.startswith("round-")}
    others = {"erm": models["erm"], **{name: folder_of(home, name) for name in PEERS}}
    evaluated(params_of(params, seeds=seeds, modes=list(others)), rounds | others, peer_outputs(home))
    every = models | others
    probe_models(once(params), home=home, models=every, replicas=replicas_of_modes(params, every), out=probe_of(home))
    return collected(params, seconds, share=share)


def collected(params: Params, seconds: dict[str, float], *, share: float) -> dict[str, Any]:
    """The contents of the files in the project's folder, put together."""
    home, outputs = params.home, Outputs.of_home(params.home)
    evaluate, probe = read_json(outputs.metrics), read_json(probe_of(home))
    chosen = evaluate["chosen"]
    rounds = sum(value for stage, value in stage_seconds(Path()).items() if stage.startswith(("baseline", "round")))
    return {
        "chosen": aims_of(chosen, probe["chosen"]),
        # A round may be chosen: then no mode was trained for it.
        "minutes": round((rounds + seconds.get(chosen["name"], 0)) / 60, 1),
        "scripts": {
            "modes": read_json(outputs.invariance),
            "peers": read_json(peer_outputs(home).invariance),
            "probe": probe,
            "models": {name: light_of(metrics) for name, metrics in evaluate["models"].items()},
            "seconds": {"rounds": round(rounds), **seconds},
            "share": share,
            "setting": params.model_dump(include={"profile", "crops", "train", "mine", "invariance", "network"}),
        },
    }


def light_of(metrics: dict[str, Any]) -> dict[str, Any]:
    """Of every split the metrics at light degradation."""
    return {split: by_severity[SEVERITY] for split, by_severity in metrics.items()}


def peer_outputs(home: Path) -> Outputs:
    return replace(Outputs.of_home(home / "peers"), chosen=home / "peers.json")


def probe_of(home: Path) -> Path:
    return home / "metrics" / "probe.json"


def aims_of(chosen: dict[str, Any], probe: dict[str, Any]) -> dict[str, Any]:
    """The metrics of the chosen model that have aims: on unseen designs at light degradation, and the probe's."""
    light = chosen[REPORT_SPLIT][SEVERITY]
    wanted = {name: light[name] for name in ("accuracy", "worst_nuisance", "worst_target")}
    excess = probe.get("font_style", {}).get("excess_points")
    return {"name": chosen["name"], REPORT_SPLIT: wanted, "probe_excess_points": excess}


def params_of(params: Params, *, seeds: int, modes: Sequence[str]) -> Params:
    """The same params with these modes, one thread a training; params.yaml cannot name the peers as modes."""
    return params.model_copy(
        update={"threads": 1, "invariance": params.invariance.model_copy(update={"modes": list(modes)}),
                "study": params.study.model_copy(update={"seeds": seeds, "control": False})}
    )  # fmt: skip


def train_all(params: Params, home: Path, *, share: float, work: Path) -> dict[str, float]:
    """Every mode and peer with every seed; seconds of each one's first training."""
    last, table = home / "rounds" / last_round(params), home / "table"
    start = common_start(last, work / "start", table=table, share=share)
    jobs = {
        name: [
            ModeJob(params=params, mode=name, replica=replica, table=table, start=start,
                    scratch=work / name, progress=partial(print, f"{name}/{replica.seed}:", flush=True))
            for replica in seeds_of(params.study)
        ]
        for name in (*params.invariance.modes, *PEERS)
    }  # fmt: skip
    left = [job for name, its in jobs.items() for job in its if not folder_of(home, name).exists()]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        list(pool.map(trained, sorted(left, key=lambda job: job.replica.seed)))
    for name, its in jobs.items():
        if not folder_of(home, name).exists():
            gather(its, out=folder_of(home, name))
    return {name: read_json(work / f"{name}.json")["seconds"] for name in jobs}


def folder_of(home: Path, name: str) -> Path:
    return home / ("peers" if name in PEERS else "invariance") / name


def common_start(last: Path, start: Path, *, table: Path, share: float) -> Path:
    """The last round's model and a fraction of its training rows: seeds differ in all that comes after it.

    Which texts are taken, and all crops without one, follows from the text: partners stay together.
    """
    training = read_training(last)
    texts = read_rows(table, ["key", "text"]).set_index("key")["text"].reindex(training["key"])
    kept = training[[share_of("benchmark", text or key) < share for key, text in texts.items()]]
    start.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS_FILE, CARD_FILE):
        shutil.copyfile(last / name, start / name)
    pq.write_table(pa.Table.from_pandas(kept, TRAINING_SCHEMA, preserve_index=False), start / "training.parquet")
    return start


def trained(job: ModeJob) -> None:
    """One training of a mode or a peer, in a process of its own; the seconds of the first seed's are kept."""
    if job.out.exists():
        return
    torch.set_num_threads(1)
    start = time.monotonic()
    (train_peer if job.mode in PEERS else train_mode)(job)
    if job.replica.main:
        write_json(job.scratch.parent / f"{job.mode}.json", {"seconds": round(time.monotonic() - start)})


def train_peer(job: ModeJob) -> None:
    """As `train_mode`: the same start, crops, order and degradations, with a peer's update rule."""
    params, nuisance = job.params, job.params.labels.nuisances[0]
    seed = replica_seed(params.seed, "invariance", job.replica.seed)
    with deterministic(params.threads, seed=seed):
        network, card = load_model(job.start)
        training, labels = read_training(job.start), Labels.of_card(card)
        crops = read_crops(job.table, labels, keys=training["key"])
        network.train()
        peer = Adversary(network, domains=len(labels.nuisances[nuisance]), conditional=PEERS[job.mode])
        added = torch.zeros(len(crops), dtype=torch.bool)
        for epoch in range(params.invariance.epochs):
            for rows in epoch_batches(crops.targets, added, batch=params.train.batch, seed=seed, epoch=epoch):
                peer.update(crops.batch(rows, params.degrade, epoch=epoch, seed=seed), nuisance)
    with written_whole(job.out) as folder:
        empty = Trained()
        write_folder(folder, network, {**card, "mode": job.mode}, empty, training)


def evaluated(params: Params, models: dict[str, Path], outputs: Outputs) -> None:
    """Evaluate these models and their further seeds."""
    outputs.metrics.parent.mkdir(parents=True, exist_ok=True)
    replicas = replicas_of_modes(params, models)
    evaluate_models(once(params), table=params.home / "table", models=models, replicas=replicas, outputs=outputs)


def replicas_of_modes(params: Params, models: dict[str, Path]) -> dict[str, Path]:
    """The further seeds of every model but the rounds, which were trained once."""
    return {
        f"{name}/{replica.name}": replica.folder(folder)
        for name, folder in models.items()
        for replica in seeds_of(params.study)
        if not name.startswith("round-") and not replica.main
    }


def once(params: Params) -> Params:
    """The same params without a study of the rounds."""
    return params.model_copy(update={"study": params.study.model_copy(update={"seeds": 1})})


if __name__ == "__main__":
    main()
