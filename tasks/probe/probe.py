"""Probe: what a fresh classifier still reads of a nuisance in the frozen features of every model.

An adversary at chance proves nothing (Elazar & Goldberg 2018). So the probe is trained afterwards, with the same
settings for every model, and is given the true target: what counts is what it reads *beyond* the best guess from the
target alone.

Which crops: text crops of known nuisance, none ambiguous, whose target and label are among those that the probe is
fitted to. Of `train`, four fifths are fitted to and one is held out. A probe's decay is tuned on crops that are to it
what the test split is: for `test_seen` (designs seen) on the held-out fifth, for `test_unseen` on `validation`, whose
designs it has not seen either (on the held-out fifth where `validation` has none). Nothing that chooses a model reads
the result.

`probe.json`, a value null where nothing stands behind it:

- `severity`: of the crops' degradation.
- `nuisances.<nuisance>`:
    - `why`: null, or why there are no figures; then there is nothing else.
    - `labels`: how many the probe tells apart.
    - `n`: rows of `fit`, `held_out`, `validation`, `test_seen`, `test_unseen`.
    - `guess.<split>`: accuracy of the most frequent label of each target, 0 to 1.
    - `models.<model>.<split>`: of the embedding, which the heads read:
        - `linear`, `mlp`: accuracy of either probe, 0 to 1; `best`: the name of the better one.
        - `excess_points`: that accuracy less the guess, in percentage points, not below 0.
        - `low`, `high`: its bootstrap interval over groups of test crops, not below 0; null with one group.
    - `models.<model>.layers.<layer>.<split>`: the same for each layer (not for replicas of a study).
    - `seeds.<model>.<split>`: excess points of a model and its replicas with other seeds (`values`), their `mean` and
      `spread` (standard deviation); only of models that have replicas.
    - `untrained`: as a model, of a network of the same shape with random weights.
    - `pixels.<split>`: of the crops themselves.
    - `reads.<split>`: whether the probe reads 5 points or more from `erm`. Where it does not, it finds nothing to
      forget, and a small excess elsewhere proves nothing; null without `erm`.
- `chosen`: null without a choice; else `name` and for each nuisance `split`, `reads`, `excess_points`, `low`, `high` of
  the chosen model on designs not seen (`test_seen` where the nuisance is the group itself); null unless `reads`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.network import CropNet
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.errors import UserError
from tasks.common.files import write_json
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import MEASURED_SPLITS, TEST_SEEN, TEST_SPLITS, TEST_UNSEEN, TRAIN
from tasks.evaluate.model_selection import read_choice
from tasks.evaluate.predictions import open_models
from tasks.metrics.paired_bootstrap import cluster_interval
from tasks.probe.dataset import Question, ask, pose
from tasks.probe.features import PIXELS, Layers, read_features, sample_rows
from tasks.train.replicas import CONTROL
from tasks.train.weights import new_network, read_card

EMBEDDING, UNTRAINED = "embedding", "untrained"
REFERENCE, READS_FROM = "erm", 5.0  # points that the probe must read from the reference, or it proves nothing
DIGITS = 6
Figures = dict[str, Any]  # by split: figures, or None
log = logging.getLogger("unfont")


def probe_models(
    params: Params, *, home: Path, models: Mapping[str, Path], replicas: Mapping[str, Path], out: Path
) -> dict[str, float]:
    """Probe the features of every model and replica for each nuisance, and write `out` as the module says.

    Args:
        home: where `table` and `chosen.json` lie.
        models: model folders by name; each is probed at every layer.
        replicas: a study's further trainings, `<model>/<arm>-<seed>` by name; their embeddings are probed.

    Returns:
        `<nuisance>.<split>.<model>`, and `chosen.<nuisance>`: excess points.

    Raises:
        UserError: the table or a model cannot be read, they are of different sizes, or the choice is of another model.
    """
    settings, labels = params.probe, params.labels
    choice = _choice_among(models, home)
    sizes = {TRAIN: settings.train} | dict.fromkeys(MEASURED_SPLITS, settings.test)
    rows = sample_rows(home / "table", labels, sizes)
    questions = {name: pose(rows, name, labels) for name in nuisance_columns(labels)}
    features: dict[str, Layers] = {}
    with deterministic(params.threads, seed=derived_seed(params.seed, "probe")):
        if any(isinstance(question, Question) for question in questions.values()):
            networks = _networks({**models, **replicas}, shape=next(iter(models.values())))
            whole = [*models, UNTRAINED]
            features = read_features(networks, table=home / "table", rows=rows, severity=settings.severity, whole=whole)
        found = {
            name: _probe_nuisance(params, question, features, [*models], [*replicas])
            if isinstance(question, Question)
            else {"why": question}
            for name, question in questions.items()
        }
    held = {name: TEST_SEEN if name == labels.group else TEST_UNSEEN for name in questions}
    chosen = _of_chosen(choice, found, held) if choice else None
    write_json(out, {"severity": settings.severity, "nuisances": found, "chosen": chosen})
    return _flat(found) | _flat_choice(chosen)


def _networks(folders: Mapping[str, Path], *, shape: Path) -> dict[str, CropNet]:
    """The models by name, and an untrained network of the same shape as the one in `shape`."""
    opened = {name: model.network for name, model in open_models(dict(folders)).items()}
    return opened | {UNTRAINED: new_network(read_card(shape)).eval()}


def _probe_nuisance(
    params: Params, question: Question, features: Mapping[str, Layers], models: list[str], replicas: list[str]
) -> dict[str, Any]:
    asked: dict[int, Figures] = {}  # a round after the stop is its predecessor again

    def of_layer(name: str, layer: str) -> Figures:
        tensor = features[name][layer]
        if id(tensor) not in asked:
            asked[id(tensor)] = _figures(params, question, tensor)
        return asked[id(tensor)]

    def of_model(name: str) -> dict[str, Any]:
        figures = {**of_layer(name, EMBEDDING), "layers": {layer: of_layer(name, layer) for layer in features[name]}}
        log.info("probe: %s of %s: %s", question.nuisance, name, _said(figures))
        return figures

    probed = {name: of_model(name) for name in models} | {name: of_layer(name, EMBEDDING) for name in replicas}
    reference = probed.get(REFERENCE, {})
    return {
        "why": None,
        "labels": question.labels,
        "n": question.sizes(),
        "guess": {split: _share(question.guessed(split)) for split in TEST_SPLITS},
        "models": probed,
        "seeds": _over_seeds(probed, models, replicas),
        UNTRAINED: of_model(UNTRAINED),
        PIXELS: of_layer(PIXELS, PIXELS),
        "reads": {split: _reads(reference.get(split)) for split in TEST_SPLITS},
    }


def _figures(params: Params, question: Question, features: torch.Tensor) -> Figures:
    seed = derived_seed(params.seed, "probe", question.nuisance)
    right = ask(question, features, params.probe, seed=seed)
    return {split: _excess(params, question, split, right[split]) for split in TEST_SPLITS}


def _excess(params: Params, question: Question, split: str, right: dict[str, np.ndarray]) -> Figures | None:
    """Figures of one split by which of its rows, bool `[rows]`, either probe has right; None without rows."""
    guessed = question.guessed(split)
    if not len(guessed):
        return None
    accuracies = {kind: round(float(rows.mean()), DIGITS) for kind, rows in right.items()}
    best = max(right, key=lambda kind: right[kind].mean())
    gain = 100 * (right[best].astype(float) - guessed)
    settings = params.evaluate
    interval = cluster_interval(
        gain, question.groups(split), resamples=settings.resamples, confidence=settings.confidence, seed=params.seed
    )
    low, high = interval or (None, None)
    points = {"excess_points": gain.mean(), "low": low, "high": high}
    rounded = {name: None if value is None else round(max(float(value), 0.0), DIGITS) for name, value in points.items()}
    return {**accuracies, "best": best, **rounded}


def _over_seeds(probed: Mapping[str, Figures], models: list[str], replicas: list[str]) -> dict[str, Any]:
    """Excess points of each model and its replicas with other seeds; random controls are another model."""
    found: dict[str, Any] = {}
    for model in models:
        names = [name for name in replicas if name.startswith(f"{model}/") and f"/{CONTROL}-" not in name]
        if names:
            found[model] = {split: _spread([probed[name][split] for name in (model, *names)]) for split in TEST_SPLITS}
    return found


def _spread(figures: list[Figures | None]) -> dict[str, Any] | None:
    values = [each["excess_points"] for each in figures if each is not None]
    if len(values) < 2:
        return None
    return {"values": values, "mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1))}


def _reads(figures: Figures | None) -> bool | None:
    return None if figures is None else bool(figures["excess_points"] >= READS_FROM)


def _choice_among(models: Mapping[str, Path], home: Path) -> str | None:
    """The chosen model's name, where one was chosen."""
    choice = read_choice(home)
    if choice is not None and choice["name"] not in models:
        what = f"the chosen model '{choice['name']}' is none of {', '.join(models)}"
        raise UserError(what, where=home / "chosen.json", fix="choose anew: `unfont evaluate`")
    return choice["name"] if choice else None


def _of_chosen(name: str, found: Mapping[str, Any], held: Mapping[str, str]) -> dict[str, Any]:
    """What may be claimed of the chosen model, on the split that `held` names for each nuisance."""
    chosen: dict[str, Any] = {"name": name}
    for nuisance, split in held.items():
        of = found[nuisance]
        reads = None if of["why"] else of["reads"][split]
        figures = of["models"][name][split] if reads else None
        claimed = {key: figures[key] if figures else None for key in ("excess_points", "low", "high")}
        chosen[nuisance] = {"split": split, "reads": reads, **claimed}
    return chosen


def _flat(found: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{nuisance}.{split}.{model}": figures[split]["excess_points"]
        for nuisance, of in found.items()
        for model, figures in of.get("models", {}).items()
        for split in TEST_SPLITS
        if figures[split] is not None
    }


def _flat_choice(chosen: Mapping[str, Any] | None) -> dict[str, float]:
    of = {name: figures for name, figures in (chosen or {}).items() if name != "name"}
    known = {name: figures["excess_points"] for name, figures in of.items() if figures["excess_points"] is not None}
    return {f"chosen.{name}": points for name, points in known.items()}


def _share(hits: np.ndarray) -> float | None:
    return round(float(hits.mean()), DIGITS) if len(hits) else None


def _said(figures: Figures) -> str:
    known = {split: figures[split] for split in TEST_SPLITS if figures[split] is not None}
    return ", ".join(f"{split} {each['excess_points']:.1f} points" for split, each in known.items()) or "no test crops"
