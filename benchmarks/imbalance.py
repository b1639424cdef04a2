"""A thousand non-text crops to each text crop: focal loss, mining, both, neither, and mining's control.

    python -m benchmarks.imbalance [--seeds 3] [--keep FOLDER]

Renders a table of its own (five scripts, small crops) and trains every arm on it with as many samples:
`neither` and `focal` on all there is, `mining` and `both` on a small set that two rounds of mining add to, `random` on
that set and as many random crops. Writes benchmarks/results/imbalance.json and docs/figures/imbalance.svg.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from sklearn.metrics import average_precision_score

from benchmarks.machine import machine
from tasks.baseline.train import baseline_jobs, train_baseline
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.files import written_whole
from tasks.common.parallel import spread
from tasks.common.params import UNWRITTEN, Params
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import POOL, REPORT_SPLIT, SELECTION_SPLIT, SEVERITY, SPLITS, TRAINING_SPLITS
from tasks.metrics.text_fpr import share_at, text_threshold
from tasks.mine.job import round_jobs
from tasks.mine.round import finish_round, score_for, train_round
from tasks.mine.score import score_pool
from tasks.mine.score_table import read_scores, score_labels
from tasks.train.batches import Labels, Validation, read_crops
from tasks.train.card import weights_of
from tasks.train.job import gather
from tasks.train.loop import train_network, untrained
from tasks.train.model_folder import baseline_rows, make_card, write_folder
from tasks.train.replicas import CONTROL, MINED, Replica

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "imbalance.json"
FIGURE = ROOT / "docs" / "figures" / "imbalance.svg"

SCRIPTS = ["Arab", "Cyrl", "Grek", "Hebr", "Latn"]
TEXT = dict(zip(SPLITS, (100, 10, 100, 10, 200), strict=True))  # a script
BACKGROUND = dict(zip(SPLITS, (500, 50_000, 3_000, 100, 6_000), strict=True))
# A thousand to one in the pool: that is what is measured here.
assert BACKGROUND[POOL] == 1000 * len(SCRIPTS) * TEXT[POOL]

FOCAL = {"name": "focal", "gamma": 2.0, "alpha": 0.25, "prior_bias": True}  # as Lin et al. (2017) found best
FIRST_EPOCHS, ROUND_EPOCHS, ROUNDS = 25, 6, ("1", "2")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train: with focal loss or cross-entropy, on everything or in rounds that add mined or random crops."""

    name: str
    focal: bool = False
    adds: str | None = None  # MINED, CONTROL, or None: everything is there from the start


ARMS = [
    Arm(name="neither"),
    Arm(name="focal", focal=True),
    Arm(name="mining", adds=MINED),
    Arm(name="both", focal=True, adds=MINED),
    Arm(name="random", adds=CONTROL),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="work here and leave it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        if not (folder / "unfont" / "data" / "scripts" / "table").exists():
            make_table(folder / "unfont")
        runs = [
            run_arm(
                arm, seed, table=folder / "unfont" / "data" / "scripts" / "table", home=folder / f"{arm.name}-{seed}"
            )
            for seed in range(arguments.seeds)
            for arm in ARMS
        ]
    result = {"machine": machine(), "setting": setting(), "arms": summary(runs), "runs": runs}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    draw_figure(result["arms"])
    print(json.dumps(result["arms"], indent=2))


def make_table(folder: Path) -> None:
    """A new copy of this checkout's committed files, with a small table of its own."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    values = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    values["words"]["scripts"] = SCRIPTS
    values["crops"] |= {"width": 64, "text": TEXT, "background": BACKGROUND}
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    dvc = Path(sys.executable).parent / "dvc"
    subprocess.run([dvc, "repro", "--quiet", "tag"], cwd=folder, check=True)


def params_of(arm: Arm, seed: int, project: Path) -> Params:
    values = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    values["seed"] = seed
    values["loss"] |= FOCAL if arm.focal else {}
    values["train"] |= {"epochs": FIRST_EPOCHS if arm.adds else 1}
    values["study"] |= {"control": arm.adds == CONTROL}
    values["mine"] |= {"epochs": ROUND_EPOCHS}
    values["rounds"] = {number: {"previous": str(int(number) - 1)} for number in ROUNDS}
    return Params(**values)


def run_arm(arm: Arm, seed: int, *, table: Path, home: Path) -> dict[str, Any]:
    """Train one arm with one seed and measure it; its metrics. What an interrupted run has measured is kept."""
    kept = home / "run.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    shutil.rmtree(home, ignore_errors=True)
    params = params_of(arm, seed, table.parents[2])
    if arm.adds:
        model, visits = train_in_rounds(params, Replica(seed=0, arm=arm.adds), table=table, home=home)
    else:
        model, visits = train_on_everything(params, table=table, home=home)
    metrics = measured(model, table=table, work=home / "scores")
    run = {"arm": arm.name, "seed": seed, "visits": visits, **metrics}
    kept.write_text(json.dumps(run), encoding="utf-8")
    print(run, file=sys.stderr, flush=True)
    return run


def train_on_everything(params: Params, *, table: Path, home: Path) -> tuple[Path, int]:
    """One training on the whole of `train` and `pool`, every crop once an epoch."""
    labels = Labels.of_table(table, params.labels)
    keys = read_rows(table, ["key"], TRAINING_SPLITS)["key"]
    training = baseline_rows(keys)
    crops = read_crops(table, labels, keys=training["key"])
    card = make_card(params, labels, mode="erm", size=(crops.images.shape[1], crops.images.shape[2]))
    seed = derived_seed(params.seed, "everything")
    with deterministic(params.threads, seed=seed):
        network = untrained(card, crops, params)
        trained = train_network(
            network,
            crops,
            Validation(table, labels),
            params=params,
            train=params.train,
            seed=seed,
            work=home / "work",
            progress=silent,
        )
    with written_whole(home / "model") as folder:
        write_folder(folder, network, card, trained, training)
    return home / "model", len(crops) * params.train.epochs


def train_in_rounds(params: Params, replica: Replica, *, table: Path, home: Path) -> tuple[Path, int]:
    """Round 0 on `train`, then the rounds; the last one's model of that replica."""
    (first,) = baseline_jobs(params, table=table, work=home / "work")
    first_summary = train_baseline(replace(first, progress=silent))
    gather([first], out=home / "0")
    visits = int(first_summary["crops"]) * params.train.epochs
    workers = partial(spread, runner=params.score.runner, workers=params.score.workers)
    for number in ROUNDS:
        jobs = round_jobs(
            params, number=int(number), table=table, previous=home / str(int(number) - 1), work=home / "w"
        )
        for job in jobs:
            score_for(job, fan_out=workers)
            summary = train_round(job)
            visits += int(summary.get("crops", 0)) * params.mine.epochs * (job.replica == replica)
        finish_round(jobs, out=home / number)
    return replica.folder(home / ROUNDS[-1]), visits


def measured(model: Path, *, table: Path, work: Path) -> dict[str, float | None]:
    """Text against no text, and scripts among text, on unseen designs and kinds of background, lightly degraded."""
    probabilities = {split: _scores(model, table, split, work) for split in (SELECTION_SPLIT, REPORT_SPLIT)}
    limit = text_threshold(probabilities[SELECTION_SPLIT][0][~probabilities[SELECTION_SPLIT][1]])
    p_text, empty, right = probabilities[REPORT_SPLIT]
    return {
        "false_positive_rate": share_at(p_text[empty], limit),
        "text_recall": share_at(p_text[~empty], limit),
        "average_precision": float(average_precision_score(~empty, p_text)),
        "accuracy": float(right[~empty].mean()),
        "false_alarm_rate": float(1 - right[empty].mean()),
    }


def _scores(model: Path, table: Path, split: str, work: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p(text), whether there is none, and whether the prediction is right, of every crop of a split."""
    out = work / f"{split}.parquet"
    workers = partial(spread, runner="threads", workers=2)
    score_pool(
        model, table=table, out=out, work=work / split, severity=SEVERITY, nuisance=None, fan_out=workers, split=split,
        progress=silent,
    )  # fmt: skip
    rows = read_scores(out, weights=weights_of(model), columns=["true", "predicted", "probabilities"])
    column = score_labels(out).index(UNWRITTEN)
    p_text = 1 - np.stack(rows["probabilities"])[:, column].astype(np.float64)
    return p_text, (rows["true"] == UNWRITTEN).to_numpy(), (rows["true"] == rows["predicted"]).to_numpy()


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mean and standard deviation over the seeds of every metric of every arm."""
    found: dict[str, dict[str, Any]] = {}
    for arm in ARMS:
        own = [run for run in runs if run["arm"] == arm.name]
        found[arm.name] = {"n": len(own)}
        for metric in ("false_positive_rate", "text_recall", "average_precision", "accuracy", "false_alarm_rate"):
            values = [run[metric] for run in own]
            deviation = statistics.stdev(values) if len(values) > 1 else None
            found[arm.name][metric] = {"mean": statistics.fmean(values), "deviation": deviation, "values": values}
        found[arm.name]["visits"] = statistics.fmean(run["visits"] for run in own)
    return found


def setting() -> dict[str, Any]:
    return {"scripts": SCRIPTS, "text": TEXT, "background": BACKGROUND, "focal": FOCAL, "rounds": len(ROUNDS)}


def draw_figure(arms: dict[str, dict[str, Any]]) -> None:
    """Plot three metrics of every arm, a dot a seed and a bar at the mean."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    titles = {
        "false_positive_rate": "false positives at 95% text recall\n(lower is better)",
        "average_precision": "average precision of text\n(higher is better)",
        "accuracy": "right script, of text\n(higher is better)",
    }
    with rc_context({"svg.hashsalt": "unfont", "font.size": 9}):
        figure = Figure(figsize=(10, 2.8), layout="constrained")
        for axes, (name, title) in zip(figure.subplots(1, len(titles)), titles.items(), strict=True):
            for number, arm in enumerate(arms.values()):
                values = arm[name]["values"]
                axes.bar(number, arm[name]["mean"], width=0.6, color="#9db8d6")
                axes.plot([number] * len(values), values, "o", color="#1f3b5c", markersize=4)
            axes.set_xticks(range(len(arms)), arms)
            axes.set_ylim(0, 1)
            axes.set_title(title)
            axes.spines[["top", "right"]].set_visible(False)
        FIGURE.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(FIGURE, metadata={"Date": None})


def silent(_: str) -> None:
    """Progress that nobody reads."""


if __name__ == "__main__":
    main()
