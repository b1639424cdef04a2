"""What each ingredient of the training material is worth: trainings without any, with one alone, and with all.

    python -m benchmarks.material FOLDER --work WORK [--arms none,windows,all] [--seeds 1]

FOLDER holds real pictures as for benchmarks.real. Each arm is a round 0 with the params of the working directory, in
which the ingredients that it does not have are off (`OFF`). All arms are measured on the same crops, those that `all`
draws for validation, and on the same pictures. Tables and models stay in WORK, so that arms can be added later.

Writes benchmarks/results/material.json: `arms.<arm>.seeds` and, for each measure, the mean over the seeds with their
`spread` (largest less smallest): `real.lines`, `.words`, `.scene`, `.letters`: accuracy on FOLDER;
`validation.clean`, `.light`, `.medium`, `.heavy`, `.scan`: on designs never seen; `called_a_script.Zyyy` and `.Zzzz`:
share of the crops of digits and signs alone, and of scripts that nobody learns, that are called a script with p ≥ 0.8.
`ratio.trdg` is of benchmarks.render: how many times as fast as TextRecognitionDataGenerator crops are drawn.
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from benchmarks.real import KINDS, pictures_of, records_of
from benchmarks.turns import ROOT
from models.degrade import SEVERITIES
from tasks.baseline.train import train_baseline
from tasks.common.parallel import spread
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import SEVERITY, VALIDATION
from tasks.crop_table.text_side import digest_of
from tasks.crops.build import make_crops
from tasks.fonts.build import make_fonts
from tasks.metrics.calibration import fit_temperature
from tasks.predict.torch_model import TorchModel
from tasks.tag.build import make_table
from tasks.train.batches import Labels, logits_of, read_crops
from tasks.train.job import TrainingJob
from tasks.train.replicas import SEED, Replica
from tasks.words.build import make_words
from unfont.labels import COMMON, UNWRITTEN

RESULT = ROOT / "benchmarks" / "results" / "material.json"
DRAWING = RESULT.with_name("render.json")
# Of each ingredient, the params that turn it off.
OFF: dict[str, dict[str, Any]] = {
    "windows": {
        "crops.mix.window": 0.0, "crops.mix.tight": 0.0, "crops.mix.loose": 0.0, "crops.mix.neighbours": 0.0,
        "crops.mix.rules": 0.0, "crops.mix.sloped": 0.0,
    },
    "degradations": {
        "degrade.strong": 0.0, "degrade.scan": 0.0, "degrade.wear": 0.0, "degrade.halftone": 0.0,
        "degrade.show_through": 0.0, "degrade.speckle": 0.0, "degrade.binarise": 0.0, "degrade.outline": 0.0,
        "degrade.relief": 0.0, "degrade.ground": 0.0, "degrade.light": 0.0, "degrade.screen": 0.0,
    },
    "designs": {"fonts.italics": [], "fonts.reinked.designs": 0},  # of the same families
    "words": {"words.drawn": 0},
    "common": {"words.common": 0},
    "others": {"words.others": 0},
}  # fmt: skip
NONE, ALL = "none", "all"
APART = (COMMON, "Zzzz")
SURE = 0.8  # a probability


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where tables and models are kept")
    parser.add_argument("--arms", help=f"of {', '.join(arms_of())}; else all of them")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each arm")
    arguments = parser.parse_args()
    arms = arguments.arms.split(",") if arguments.arms else arms_of()
    if unknown := set(arms) - set(arms_of()):
        parser.error(f"there is no arm {', '.join(sorted(unknown))}: there are {', '.join(arms_of())}")
    files = pictures_of(arguments.folder)
    if not files:
        parser.error(f"there are no pictures ({arguments.folder}): give a folder of <set>/<kind>/<script>/<file>")
    params = read_params()
    judge = table_of(params, arguments.work)
    for arm in arms:
        own = without(params, OFF.keys() - ingredients_of(arm))
        _write(arm, measure(arm, own, files, judge, work=arguments.work, seeds=arguments.seeds))


def measure(name: str, params: Params, files: list[Path], judge: Path, *, work: Path, seeds: int) -> dict[str, Any]:
    """The `summary` of round 0 of these params, on the pictures `files` and on validation of the table `judge`."""
    measured = []
    for seed in range(seeds):
        model = model_of(params, work, seed)
        measured.append({"real": on_pictures(files, model), **on_crops(judge, model)})
        print(name, seed, json.dumps(measured[-1]), flush=True)
    return summary(measured)


def arms_of() -> list[str]:
    """The arms by name: without any ingredient, with one alone, with all."""
    return [NONE, *OFF, ALL]


def ingredients_of(arm: str) -> set[str]:
    """What an arm has."""
    return {NONE: set(), ALL: set(OFF)}.get(arm, {arm})


def without(params: Params, ingredients: Iterable[str]) -> Params:
    """The params with these ingredients turned off."""
    values = params.model_dump()
    for name in ingredients:
        for key, value in OFF[name].items():
            *path, last = key.split(".")
            section = values
            for part in path:
                section = section[part]
            section[last] = value
    return Params(**values)


def table_of(params: Params, work: Path) -> Path:
    """The crop table of these params, made unless it is there already."""
    fonts = _kept(work / "fonts", [params.fonts, params.words.scripts], "fonts.parquet")
    if not fonts.exists():
        make_fonts(
            params.fonts, scripts=params.words.scripts, out=fonts, designs=Path(params.fonts.source) / "designs.json"
        )
    words = _kept(work / "words", [params.words], "words.parquet")
    if not words.exists():
        make_words(params.words, out=words)
    home = _kept(work / "tables", [params.fonts, params.words, params.crops, params.tag, params.seed], "")
    if not (home / "table").exists():
        shutil.rmtree(home / "crops", ignore_errors=True)
        settings = params.crops
        fan_out = partial(spread, runner=settings.runner, workers=settings.workers, scheduler=settings.scheduler)
        make_crops(
            settings, problem=params.labels, tag=params.tag, seed=params.seed, fonts=fonts, words=words,
            pictures=params.pictures, out=home / "crops", work=home / "scratch", fan_out=fan_out,
        )  # fmt: skip
        make_table(
            params.tag, problem=params.labels, name=params.problem, seed=params.seed, crops=home / "crops",
            fonts=fonts, out=home / "table", rejected=home / "rejected.parquet",
        )  # fmt: skip
        shutil.rmtree(home / "crops")
    return home / "table"


def _kept(folder: Path, settings: list[Any], name: str) -> Path:
    """A path in `folder` that follows from settings."""
    text = json.dumps([getattr(one, "model_dump", lambda one=one: one)() for one in settings], sort_keys=True)
    return folder / digest_of(text).hex()[:16] / name


def model_of(params: Params, work: Path, seed: int) -> TorchModel:
    """Round 0 of these params, trained unless it is there already."""
    settings = [params.fonts, params.words, params.crops, params.tag, params.degrade, params.network, params.loss]
    home = _kept(work / "models", [*settings, params.train, params.threads, seed], "")
    job = TrainingJob(
        params=params, replica=Replica(seed=seed, arm=SEED), table=table_of(params, work), scratch=home, progress=print
    )
    train_baseline(job)
    return TorchModel.of_folder(job.out)


def on_pictures(files: list[Path], model: TorchModel) -> dict[str, float]:
    """Accuracy on real pictures, by kind."""
    rights: dict[str, list[bool]] = defaultdict(list)
    for file, record in zip(files, records_of(files, model), strict=True):
        rights[file.parts[-3]].append(record[model.target] == file.parts[-2])
    return {kind: float(np.mean(rights[kind])) for kind in KINDS if kind in rights}


def on_crops(table: Path, model: TorchModel) -> dict[str, dict[str, float]]:
    """On validation: accuracy on learned scripts and `Zxxx` at each severity, and what is surely called a script."""
    labels = Labels.of_card(model.card)
    rows = read_rows(table, ["key", labels.target_name], [VALIDATION])
    keys = {label: own["key"] for label, own in rows.groupby(labels.target_name, observed=True)}
    learned = [key for label in labels.target if label not in APART for key in keys.get(label, ())]
    crops = read_crops(table, labels, keys=learned)
    found, logits = {}, {}
    for severity, settings in SEVERITIES.items():
        batch = crops.batch(torch.arange(len(crops)), settings)
        logits[severity] = logits_of(model.network, batch.images)
        found[severity] = float((logits[severity].argmax(1) == batch.targets).double().mean())
    temperature = fit_temperature(
        logits[SEVERITY].double().numpy(), [labels.target[n] for n in batch.targets.tolist()], labels.target
    )
    scripts = [index for index, label in enumerate(labels.target) if label not in (UNWRITTEN, *APART)]
    called = {}
    for label in APART:
        if label in keys:
            apart = read_crops(table, labels, keys=keys[label])
            seen = logits_of(model.network, apart.batch(torch.arange(len(apart)), SEVERITIES[SEVERITY]).images)
            called[label] = float(((seen / temperature).softmax(1)[:, scripts].amax(1) >= SURE).double().mean())
    return {"validation": found, "called_a_script": called}


def summary(measured: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Means over the seeds, and what is between the largest and the smallest value."""
    result: dict[str, Any] = {"seeds": len(measured), "spread": {}}
    for part, values in measured[0].items():
        columns = {name: [one[part][name] for one in measured] for name in values}
        result[part] = {name: round(float(np.mean(column)), 4) for name, column in columns.items()}
        result["spread"][part] = {name: round(max(column) - min(column), 4) for name, column in columns.items()}
    return result


def _write(arm: str, values: dict[str, Any]) -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"arms": {}}
    result["arms"][arm] = values
    result["machine"] = machine()
    result["ratio"] = {"trdg": json.loads(DRAWING.read_text(encoding="utf-8"))["ratio"]["trdg"]}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
