"""A small, seeded, valid home (table, models, rounds, metrics, predictions) to make a report of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
import yaml

from models.inference import Fused, fused
from models.network import CropNet
from models.settings import SEVERITY_NAMES
from tasks.common.files import sha256_of
from tasks.common.params import UNWRITTEN, Params, read_params
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, write_shards
from tasks.crop_table.splits import SPLITS
from tasks.evaluate import predictions as scoring
from tasks.evaluate.mining_gain import MINING_METRICS, model_name, summarise
from tasks.train.replicas import replicas_of
from tasks.train.weights import save_model

LABELS = ["Cyrl", "Latn", "Zxxx"]
STYLES = ["handwriting", "sans-serif", "serif"]
FAMILY = "family"  # what font families are called, before the name of the design
COUNTS = {"train": 24, "pool": 16, "validation": 8, "test_seen": 8, "test_unseen": 12}  # crops a label
HEIGHT, WIDTH = 16, 64


def count_passes(monkeypatch: Any, networks: list[CropNet]) -> None:
    """Note the network of every forward pass that `score_split` makes in `networks`."""

    def watched(network: CropNet) -> Fused:
        ready = fused(network)
        ready.register_forward_hook(lambda *_: networks.append(network))
        return ready

    monkeypatch.setattr(scoring, "fused", watched)


def toy_params(**changes: Any) -> Params:
    """The committed params, with three labels, small crops and a tiny network."""
    params = read_params()
    values = params.model_dump()
    values["crops"] |= {"height": HEIGHT, "width": WIDTH}
    values["words"] |= {"scripts": ["Cyrl", "Latn"]}
    values["network"] |= {"channels": [4, 6], "attention": 0, "embedding": 8}
    values["invariance"] |= {"modes": ["erm", "conditional", "conditional+pairs"]}
    values["rounds"] = {"1": {"previous": "0"}, "2": {"previous": "1"}}
    values["report"] |= {"top": 3, "projected": 2, "mistakes": 6, "steps": 8, "search": 6}
    values["report"] |= {"units": None, "attributed": None}
    values["attribution"] |= {"steps": 8, "parts": 4, "randomised": 1, "report_steps": 4}
    values["threads"] = 1
    return Params(**(values | changes))


def make_toy_project(folder: Path, *, params: Params) -> Path:
    """A toy home where `params` looks for it from `folder`, and params.yaml; the problem's folder, absolute."""
    home = folder / params.home
    home.parent.mkdir(parents=True)
    make_toy_home(folder / "made", params=params).rename(home)
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump()), encoding="utf-8")
    return home


def make_toy_home(folder: Path, *, params: Params, labels: list[str] = LABELS, designs: int = 3) -> Path:
    """Build `folder`/home as the stages before `report` leave it; the last of `labels` is the background.

    `designs` of each split: with three a style is one design, with six it is two.
    """
    home = folder / "home"
    rng = np.random.default_rng(params.seed)
    table = _table(rng, params, labels, designs)
    write_shards(home / "table", [table])
    rows = table.drop_columns(["image"]).to_pandas()
    names = {"rounds/0": "round-0"} | {f"rounds/{n}": f"round-{n}" for n in params.rounds}
    names |= {f"invariance/{mode}": mode for mode in params.invariance.modes}
    shas = {path: _model(home / path, params, labels, seed) for seed, path in enumerate(names)}
    for number, settings in params.rounds.items():
        _round(
            home / "rounds" / number,
            rows,
            rng,
            params,
            int(number),
            shas[f"rounds/{settings.previous}"],
            labels,
        )
    chosen = list(names)[-1]
    choice = {"name": names[chosen], "path": chosen, "weights": shas[chosen]}
    why = {"criterion": "validation.light: mean of accuracy", "value": 0.875, "temperature": 1.0, "temperatures": {}}
    _write(home / "chosen.json", choice | why)
    predictions = _predictions(rng, rows, params, list(names.values()), labels)
    predictions.to_parquet(home / "predictions.parquet", index=False)
    metrics = _metrics(predictions, names[chosen])
    _write(home / "metrics" / "evaluate.json", metrics)
    _write(home / "metrics" / "real.json", _real(metrics, labels))
    _write(home / "metrics" / "study.json", toy_study(metrics["models"], params))
    return home


def picture(rng: np.random.Generator, number: int) -> np.ndarray:
    """Dark strokes on a light background, slanted according to `number`, uint8 `[HEIGHT, WIDTH]`."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin((columns + (number - 1) * rows) * rng.uniform(0.5, 1.0) + rng.uniform(0, 6))
    ink = (wave > 0.4) & (abs(rows - HEIGHT / 2) < 6) & (columns < rng.integers(24, WIDTH))
    pixels = np.where(ink, rng.integers(0, 60), 250).astype(np.uint8)
    pixels[-1, :8] = rng.integers(240, 256, 8)  # no two crops are the same
    return pixels


def _table(rng: np.random.Generator, params: Params, labels: list[str], designs: int) -> pa.Table:
    rows = [
        _row(rng, split, place, label, number, designs, label == labels[-1])
        for split, count in COUNTS.items()
        for place, label in enumerate(labels)
        for number in range(count)
    ]
    rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["key"]))
    labels_of = {params.labels.target: "label", params.labels.group: "design"}
    labels_of |= dict.fromkeys(params.labels.nuisances, "style")
    schema = crop_schema(params.labels, split=True)
    columns = [[row[labels_of.get(name, name)] for row in rows] for name in schema.names]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _row(
    rng: np.random.Generator, split: str, place: int, label: str, number: int, designs: int, background: bool
) -> dict[str, Any]:
    pixels = picture(rng, place)
    design = f"{split}-{number % designs}"
    return {
        "image": {"bytes": encode_png(pixels), "path": None},
        "label": label,
        "style": None if background else STYLES[number % 3],
        "design": f"{label}:waves" if background else design,
        "font_family": None if background else f"{FAMILY}-{design}",
        "text": "" if background else f"word <{number}>",
        "kind": "waves" if background else "word",
        "origin": "rendered",
        "pair": None,
        "ambiguous": None,
        "key": key_of(pixels),
        "split": split,
    }


def _model(folder: Path, params: Params, labels: list[str], seed: int) -> str:
    torch.manual_seed(seed)
    network = CropNet(params.network, labels=len(labels), height=params.crops.height, width=params.crops.width)
    card = {
        "format": 1,
        "problem": params.problem,
        "target": params.labels.target,
        "labels": labels,
        "nuisances": dict.fromkeys(params.labels.nuisances, STYLES),
        "height": params.crops.height,
        "width": params.crops.width,
        "network": params.network.model_dump(),
        "mode": "erm",
    }
    folder.mkdir(parents=True)
    save_model(folder, network, card)
    epochs = [
        {
            "epoch": n,
            "loss": 1 / (n + 1),
            "accuracy": 0.5 + n / 10,
            "validation_accuracy": 0.4 + n / 10,
            "learning_rate": 0.01,
        }
        for n in range(3)
    ]
    _write(folder / "history.json", {"epochs": epochs})
    made_up = np.random.default_rng(seed)
    groups = {name: made_up.multinomial(48, np.full(50, 0.02)).tolist() for name in ("text", UNWRITTEN, "mined")}
    edges = [round(place / 50, 6) for place in range(51)]
    _write(folder / "examples.json", {"edges": edges, "groups": groups})
    return sha256_of(folder / "model.safetensors")


def _round(
    folder: Path,
    rows: pd.DataFrame,
    rng: np.random.Generator,
    params: Params,
    number: int,
    scorer: str,
    labels: list[str],
) -> None:
    """Round 1 mines; the last round stops."""
    pool = rows[rows["split"] == "pool"]
    stopped = str(number) == list(params.rounds)[-1]
    mined = pool.iloc[:0] if stopped else pool.sample(12, random_state=number)
    true = mined[params.labels.target].astype(str)
    frame = pd.DataFrame(
        {
            "key": mined["key"].astype(str),
            "true": true,
            "predicted": [labels[(labels.index(label) + 1) % len(labels)] for label in true],
            "nuisance": _nuisances(mined, params, labels),
            "score": rng.uniform(0.5, 1, len(mined)).astype(np.float32),
            "outcome": "added",
            "weights": scorer,
        }
    ).sort_values(["score", "key"], ascending=[False, True])
    frame.to_parquet(folder / "mined.parquet", index=False)
    own = sha256_of(folder / "model.safetensors")
    numbers = {"round": number, "previous": number - 1, "stopped": stopped, "pool": len(pool), "weights": own}
    alarms = int((frame["true"] == labels[-1]).sum())
    found = {"false_positives": len(frame), "false_alarms": alarms, "added": len(frame), "scored_by": scorer}
    found |= {"near_duplicates": 0, "set_aside": 0, "severity": params.score.severity, "gain": None}
    found |= {"why": "nothing to add" if stopped else None}
    before = {"accuracy": 0.75, "false_positive_rate": 0.25}
    found |= {"validation": {"before": before, "after": before if stopped else dict.fromkeys(before, 0.2)}}
    _write(folder / "round.json", numbers | found)
    if stopped:
        (folder / "examples.json").unlink()


def _nuisances(rows: pd.DataFrame, params: Params, labels: list[str]) -> pd.Series:
    """The first nuisance; of the background its kind."""
    nuisance = next(iter(params.labels.nuisances), None)
    known = rows[nuisance].astype(object) if nuisance else pd.Series(None, index=rows.index, dtype=object)
    return known.where(rows[params.labels.target].astype(str) != labels[-1], rows["kind"].astype(object))


def _predictions(
    rng: np.random.Generator, rows: pd.DataFrame, params: Params, models: list[str], labels: list[str]
) -> pd.DataFrame:
    tested = rows[rows["split"].isin(["validation", "test_seen", "test_unseen"])]
    parts = []
    for model in models:
        for place, severity in enumerate(SEVERITY_NAMES):
            true = tested[params.labels.target].astype(str).to_numpy()
            wrong = rng.random(len(true)) < 0.1 + 0.1 * place
            other = rng.choice(labels, len(true))
            part = {"model": model, "split": tested["split"].astype(str).to_numpy(), "severity": severity}
            part |= {"key": tested["key"].astype(str).to_numpy(), "true": true}
            part |= {
                "predicted": np.where(wrong, other, true),
                "p": rng.uniform(0.4, 1, len(true)).astype(np.float32),
            }
            p_text = np.where(part["predicted"] == UNWRITTEN, 1 - part["p"], part["p"])
            part["p_text"] = p_text if UNWRITTEN in labels else np.full_like(p_text, np.nan)
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def _real(metrics: dict[str, Any], labels: list[str]) -> dict[str, Any]:
    """What `evaluate` writes of two real pictures, one of them right."""
    by_label = {labels[0]: {"n": 1, "accuracy": 0.0}, labels[1]: {"n": 1, "accuracy": 1.0}}
    confusions = [{"true": labels[0], "predicted": labels[1], "n": 1}]
    chosen = {"name": metrics["chosen"]["name"], "by_label": by_label, "confusions": confusions}
    chosen["by_folder"] = {f"news/{labels[1]}": {"n": 2, "accuracy": 0.5}}
    models = {name: {"accuracy": 0.5, "calibration_error": 0.125} for name in metrics["models"]}
    return {"n": 2, "models": models, "chosen": chosen, "rejected": {}}


def _metrics(predictions: pd.DataFrame, chosen: str) -> dict[str, Any]:
    models: dict[str, Any] = {}
    for (model, split, severity), rows in predictions.groupby(["model", "split", "severity"]):
        right = rows["true"] == rows["predicted"]
        numbers = {"accuracy": float(right.mean()), "macro_f1": float(right.mean()), "n": len(rows)}
        numbers |= {"worst_target": float(right.groupby(rows["true"]).mean().min()), "worst_nuisance": None}
        numbers |= {"false_alarm_rate": 0.125}
        empty = rows["p_text"][rows["true"] == UNWRITTEN]
        numbers |= {"false_positive_rate": float((empty >= 0.5).mean()) if len(empty) else None}
        numbers |= {"text_recall": 0.95, "text_threshold": 0.5}
        models.setdefault(model, {}).setdefault(split, {})[severity] = numbers
    return {"models": models, "chosen": {"name": chosen, **models[chosen]}}


def toy_study(models: dict[str, Any], params: Params) -> dict[str, Any]:
    """What `evaluate` writes of a study: the rounds' own metrics, and near them those of further trainings."""
    rng = np.random.default_rng(params.seed)
    previous = {0: None} | {int(number): int(settings.previous) for number, settings in params.rounds.items()}
    metrics: dict[str, Any] = {}
    for number in previous:
        for replica in replicas_of(params.study, number):
            off = 0.0 if replica.main else round(rng.uniform(-0.05, 0.05), 6)
            metrics[model_name(number, replica)] = {
                split: {name: None if of["light"][name] is None else of["light"][name] + off for name in MINING_METRICS}
                for split, of in models[f"round-{number}"].items()
            }
    study = params.study
    summary = summarise(
        metrics,
        previous=previous,
        seeds=study.seeds,
        control=study.control,
        confidence=params.evaluate.confidence,
    )
    return {**summary, "severity": "light", "gains": dict.fromkeys(params.rounds)}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True), encoding="utf-8")
