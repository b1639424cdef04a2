"""The inputs of a report, read from a problem's home and checked once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.crop_table.shards import label_columns, read_rows
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY, TEST_SEEN, VALIDATION
from tasks.evaluate.model_selection import read_choice
from tasks.metrics.classification import is_ambiguous
from tasks.mine.select import ADDED
from tasks.train.batches import as_images
from tasks.train.card import WEIGHTS_FILE, weights_of
from tasks.train.curves import Curve
from unfont.errors import UserError

MINED_COLUMNS = ["key", "true", "predicted", "nuisance", "score", "outcome", "weights"]
TESTS = (REPORT_SPLIT, TEST_SEEN)  # where each mistake is shown


@dataclass(frozen=True)
class Round:
    """One mining round as it is in its folder.

    `numbers` is None for round 0; what it has of validation is over all crops, and has names that say so. `mined`
    holds every false positive of the pool and its outcome (none for round 0); `examples` the histograms of p of the
    training examples in the last epoch, None where nothing was trained.
    """

    number: int
    numbers: dict[str, Any] | None
    mined: pd.DataFrame
    examples: dict[str, Any] | None
    epochs: list[dict[str, float]]
    weights: str

    @property
    def added(self) -> pd.DataFrame:
        """The false positives that joined the training set, hardest first."""
        return self.mined[self.mined["outcome"] == ADDED]

    @property
    def stopped(self) -> bool:
        return bool(self.numbers and self.numbers["stopped"])


@dataclass(frozen=True)
class Evidence:
    """All that a report shows, except the statistics of the network's units.

    `rows` is the crop table without images; `tests` the chosen model's predictions on each of `TESTS` at
    `SEVERITY` (key, true, predicted, p) with the table's columns beside them, ambiguous texts left out as in every
    metric but their own; `weights` the SHA-256 of each model, by its name, `curves` its training curves
    (`tasks.train.curves`); `study` each round's metrics over seeds, mined and control (metrics/study.json); `groups`,
    `invariance`, `probe` and `real` are the files of metrics/ of these names, `risks` and `reliability` those of
    plots/; `fonts` a row for each family (its licence), or None where the crops are not rendered.
    """

    params: Params
    home: Path
    chosen: dict[str, Any]
    metrics: dict[str, Any]
    study: dict[str, Any]
    groups: dict[str, Any]
    invariance: dict[str, Any]
    probe: dict[str, Any]
    real: dict[str, Any]
    risks: pd.DataFrame
    reliability: pd.DataFrame
    rows: pd.DataFrame
    tests: dict[str, pd.DataFrame]
    rounds: list[Round]
    weights: dict[str, str]
    curves: dict[str, Curve]
    fonts: pd.DataFrame | None

    @property
    def tested(self) -> pd.DataFrame:
        """`tests` on `REPORT_SPLIT`."""
        return self.tests[REPORT_SPLIT]

    @property
    def table(self) -> Path:
        return self.home / "table"

    @property
    def chosen_folder(self) -> Path:
        return self.home / str(self.chosen["path"])

    @property
    def last_round(self) -> str:
        """The model that every mode of invariance was initialised from."""
        return f"round-{self.rounds[-1].number}"


def read_evidence(params: Params, *, home: Path, fonts: Path) -> Evidence:
    """Raises `UserError` where evaluation has not run, or not on the models that are in `home` now."""
    chosen = read_choice(home)
    if chosen is None:
        raise UserError("no model was chosen yet", where=home / "chosen.json", fix="run `unfont evaluate`")
    metrics = _read(home / "metrics" / "evaluate.json")
    if not isinstance(metrics, dict) or not isinstance(metrics.get("models"), dict):
        raise UserError(
            "the metrics cannot be read", where=home / "metrics" / "evaluate.json", fix="run `unfont evaluate`"
        )
    weights = {name: weights_of(folder) for name, folder in model_folders(home).items()}
    if weights.get(chosen["name"]) != chosen["weights"]:
        raise UserError(
            f"the chosen model {chosen['name']} is not the one that was evaluated",
            where=home / str(chosen["path"]),
            fix="run `unfont evaluate`",
        )
    columns = list(
        dict.fromkeys([*label_columns(params.labels), "font_family", "text", "kind", "ambiguous", "key", "split"])
    )
    rows = read_rows(home / "table", columns)
    return Evidence(
        params=params,
        home=home,
        chosen=chosen,
        metrics=metrics,
        study=_read(home / "metrics" / "study.json"),
        groups=_read(home / "metrics" / "groups.json"),
        invariance=_read(home / "metrics" / "invariance.json"),
        probe=_read(home / "metrics" / "probe.json", made_by="probe"),
        real=_read(home / "metrics" / "real.json"),
        risks=_read_points(home / "plots" / "risk_coverage.csv"),
        reliability=_read_points(home / "plots" / "reliability.csv"),
        rows=rows,
        tests={name: _tested(home / "predictions.parquet", str(chosen["name"]), rows, name) for name in TESTS},
        rounds=[_round(folder) for folder in round_folders(home)],
        weights=weights,
        curves={name: _history(folder).get("curve", []) for name, folder in model_folders(home).items()},
        fonts=_fonts(fonts),
    )


def round_folders(home: Path) -> list[Path]:
    """Folders of the rounds, in the rounds' order."""
    numbered = [folder for folder in (home / "rounds").glob("*") if folder.name.isdigit()]
    return sorted(numbered, key=lambda folder: int(folder.name))


def model_folders(home: Path) -> dict[str, Path]:
    """The models by name: the rounds in their order, then the modes of invariance."""
    folders = {f"round-{folder.name}": folder for folder in round_folders(home)}
    folders |= {folder.name: folder for folder in sorted((home / "invariance").glob("*"))}
    return {name: folder for name, folder in folders.items() if (folder / WEIGHTS_FILE).is_file()}


def as_tested(crops: dict[str, np.ndarray], *, channels: int) -> dict[str, np.ndarray]:
    """The crops as the models were evaluated on them, in `channels`, at `SEVERITY`: determined by the keys alone.

    uint8 `[height, width]`, or `[height, width, 3]` in colour.
    """
    if not crops:
        return {}
    images = as_images(torch.from_numpy(np.stack(list(crops.values()))), channels)
    degraded = degrade(images, seeds_of(list(crops), 0), SEVERITIES[SEVERITY])
    pixels = (degraded.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    pixels = pixels if channels == 3 else pixels[..., 0]
    return dict(zip(crops, pixels, strict=True))


def _history(folder: Path) -> dict[str, Any]:
    return _read_if(folder / "history.json") or {}


def _round(folder: Path) -> Round:
    mined, numbers = folder / "mined.parquet", _read_if(folder / "round.json")
    return Round(
        number=int(folder.name),
        numbers=numbers and numbers | {"validation": _validation(numbers)},
        mined=pd.read_parquet(mined) if mined.is_file() else pd.DataFrame(columns=MINED_COLUMNS),
        examples=_read_if(folder / "examples.json"),
        epochs=[_over_all(epoch, ["validation_accuracy"]) for epoch in _history(folder).get("epochs", [])],
        weights=weights_of(folder),
    )


def _validation(numbers: dict[str, Any]) -> dict[str, Any]:
    """A round's metrics on validation, of the models `before` and `after` it.

    A training watches all crops, non-text and unlearned scripts among them; an accuracy is of learned text alone.
    """
    models = {"before": f"round-{numbers['previous']}", "after": f"round-{numbers['round']}"}
    metrics = {side: _over_all(numbers["validation"][side], ["accuracy", "false_positive_rate"]) for side in models}
    return {"split": VALIDATION, "severity": SEVERITY} | {
        side: {"model": model} | metrics[side] for side, model in models.items()
    }


def _over_all(metrics: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {f"{name}_all" if name in names else name: value for name, value in metrics.items()}


def _tested(path: Path, model: str, rows: pd.DataFrame, split: str) -> pd.DataFrame:
    if not path.is_file():
        raise UserError("there are no predictions", where=path, fix="run `unfont evaluate`")
    wanted = [("model", "==", model), ("split", "==", split), ("severity", "==", SEVERITY)]
    found = pq.read_table(path, columns=["key", "true", "predicted", "p"], filters=wanted).to_pandas()
    found = found.astype({"key": object, "true": object, "predicted": object})
    found = found.merge(rows, on="key", how="left", validate="one_to_one")
    return found[~is_ambiguous(found)].sort_values("key", ignore_index=True)


def _fonts(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    frame = pq.read_table(path, columns=["family", "licence"]).to_pandas()
    if frame.empty:  # the crops are the user's own
        return None
    return frame.drop_duplicates("family").set_index("family")


def _read_if(path: Path) -> Any:
    return _read(path) if path.is_file() else None


def _read_points(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError("this file is missing", where=path, fix="run `unfont evaluate`")
    return pd.read_csv(path)


def _read(path: Path, *, made_by: str = "evaluate") -> Any:
    try:
        return read_json(path)
    except FileNotFoundError:
        raise UserError("this file is missing", where=path, fix=f"run `unfont {made_by}`") from None
    except ValueError as error:
        raise UserError("this file is not JSON", where=path, fix="make it again: `unfont run`") from error
