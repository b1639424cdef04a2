"""What evaluation, probe and trainings leave for a report, by the real code, on a toy home's made-up predictions."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from tasks.common.files import read_json, write_json
from tasks.common.params import Params
from tasks.crop_table.shards import label_columns, read_rows
from tasks.crop_table.splits import MEASURED_SPLITS, REPORT_SPLIT, SEVERITY
from tasks.evaluate.invariance_gain import pairs_of, summarise_modes
from tasks.evaluate.measure_split import EvaluationProtocol, ModelDetails, compare
from tasks.evaluate.plot_tables import by_model, nuisance_points, training_points, write_plots
from tasks.probe.probe import probe_models
from tasks.report.evidence import model_folders
from tasks.train.curves import curve_of
from tasks.train.replicas import seeds_of
from tests.toyhome import toy_study

EPOCHS, STEPS = 3, 60  # of a made-up training


def measure_home(home: Path, params: Params) -> None:
    """Write the curves, all files of metrics/ but real.json, and plots/."""
    evaluate = params.evaluate.model_copy(update={"cell_crops": 2, "resamples": 40})
    probe = params.probe.model_copy(update={"epochs": 1, "decays": [0.1]})
    params = params.model_copy(update={"evaluate": evaluate, "probe": probe})
    models = model_folders(home)
    replicas = _replicas(home, params)
    for number, (name, folder) in enumerate(models.items()):
        _tell_curve(folder / "history.json", name, params, np.random.default_rng(number))
    _evaluate(home, params, models, list(replicas))
    probe_models(params, home=home, models=models, replicas=replicas, out=home / "metrics" / "probe.json")


def _replicas(home: Path, params: Params) -> dict[str, Path]:
    """The modes' trainings with further seeds: copies, which the probe tells from nothing."""
    found = {}
    for mode in params.invariance.modes:
        for replica in seeds_of(params.study)[1:]:
            found[f"{mode}/{replica.name}"] = replica.folder(home / "invariance" / mode)
            shutil.copytree(
                home / "invariance" / mode, found[f"{mode}/{replica.name}"], ignore=shutil.ignore_patterns("study")
            )
    return found


def _tell_curve(path: Path, name: str, params: Params, rng: np.random.Generator) -> None:
    """Three epochs of 60 steps; of a mode with its heads, and λ where it pushes."""
    steps = []
    for step in range(EPOCHS * STEPS):
        metrics = {"loss": 2 / (1 + step / 40) + rng.uniform(0, 0.2), "accuracy": min(1.0, 0.5 + step / 400)}
        metrics["learning_rate"] = 1.0
        for nuisance in params.labels.nuisances if not name.startswith("round-") else []:
            metrics |= {f"{nuisance}_loss": 1 + rng.uniform(0, 0.1), f"{nuisance}_accuracy": rng.uniform(0.4, 0.6)}
        steps.append(metrics | ({"strength": step / 600} if "conditional" in name else {}))
    parts = [(epoch, steps[epoch * STEPS : (epoch + 1) * STEPS]) for epoch in range(EPOCHS)]
    curve = [point for epoch, part in parts for point in curve_of(part, epoch=epoch, epochs=EPOCHS)]
    write_json(path, {**read_json(path), "curve": curve})


def _evaluate(home: Path, params: Params, models: dict[str, Path], replicas: list[str]) -> None:
    predictions = pd.read_parquet(home / "predictions.parquet")
    columns = list(dict.fromkeys([*label_columns(params.labels), "font_family", "ambiguous", "key"]))
    predictions = predictions.merge(read_rows(home / "table", columns), on="key").sort_values("key")
    predictions = predictions.assign(p_raw=predictions["p"] ** 2)
    scored = dict(tuple(predictions.groupby(["model", "split", "severity"])))
    known = not predictions["p_text"].isna().any()
    thresholds = {(model, severity): 0.5 if known else None for model, _, severity in scored}
    protocol = EvaluationProtocol(labels=params.labels, settings=params.evaluate, thin=[], thresholds=thresholds)
    chosen = read_json(home / "chosen.json")
    measured: dict[str, dict[str, dict[str, Any]]] = {}
    for (model, split, severity), rows in scored.items():
        measured.setdefault(model, {}).setdefault(split, {})[severity] = protocol.metrics(rows, model, severity)
    own = {"name": chosen["name"], **measured[chosen["name"]]}
    write_json(home / "metrics" / "evaluate.json", {"models": measured, "chosen": own})
    write_json(home / "metrics" / "study.json", toy_study(measured, params))

    def of(model: str, split: str) -> pd.DataFrame:
        return scored[model, split, SEVERITY]

    details = {
        model: {split: ModelDetails.of_rows(of(model, split), protocol, 0.5) for split in MEASURED_SPLITS}
        for model in models
    }
    write_json(
        home / "metrics" / "groups.json",
        {
            "severity": SEVERITY,
            "models": {model: {split: detail.groups for split, detail in by.items()} for model, by in details.items()},
        },
    )
    last = f"round-{max(map(int, ('0', *params.rounds)))}"
    compared = {model: by[REPORT_SPLIT] for model, by in details.items()}
    said = SimpleNamespace(of=lambda model, _: of(model, REPORT_SPLIT))
    pairs = pairs_of(params.invariance.modes, last)
    differences = compare(said, compared, pairs, protocol=protocol, seed=params.seed)
    trained = {name: name for name in models} | {name: name.partition("/")[0] for name in replicas}
    metrics = {
        name: {split: _moved(measured[model][split][SEVERITY], name) for split in MEASURED_SPLITS}
        for name, model in trained.items()
    }
    modes = summarise_modes(
        metrics,
        modes=params.invariance.modes,
        differences=differences,
        split=REPORT_SPLIT,
        resamples=params.evaluate.resamples,
        confidence=params.evaluate.confidence,
    )
    write_json(home / "metrics" / "invariance.json", {**modes, "severity": SEVERITY})
    write_json(home / "chosen.json", {**chosen, "temperature": 0.5})
    write_plots(
        home / "plots",
        {
            "confusion": compared[chosen["name"]].confusion,
            "reliability": compared[chosen["name"]].reliability,
            "risk_coverage": by_model({name: detail.risks for name, detail in compared.items()}),
            "accuracy_by_nuisance": nuisance_points(
                {n: detail.groups["by_nuisance"] for n, detail in compared.items()}
            ),
            "training": training_points({n: read_json(path / "history.json")["epochs"] for n, path in models.items()}),
        },
    )


def _moved(metrics: dict, name: str) -> dict:
    """The metrics of a training with another seed: a little off those of the first."""
    seed = int(name.rpartition("-")[2]) if "/seed-" in name else 0
    return {key: value - 0.01 * seed if isinstance(value, float) else value for key, value in metrics.items()}
