"""Probe: how well a new classifier decodes a nuisance from the frozen features of every model.

An adversary at chance is no proof of invariance (Elazar & Goldberg 2018). So the probe is trained afterwards, with the
same settings for every model, and is given the true target: what counts is its accuracy *above* that of predictions
which know nothing else, the probe excess. There are two: the best guess from the target alone, and the probe's own
predictions dealt out at random among the crops of each target (what Hewitt & Liang 2019 have control tasks for, in
closed form). The second is the better one where the test's labels are not those of the fit, as on unseen designs.

Crops: text crops of known nuisance, none ambiguous, whose target and label are in the part that the probe is fitted to.
It is fitted to four fifths of `train`; one fifth is held out. A probe's decay is tuned on crops like the test split's:
for `test_seen` (seen designs) on the held-out fifth, for `test_unseen` on `validation`, whose designs it has not seen
either (on the held-out fifth where `validation` has none). Model selection does not use the result.

`probe.json`, a value null where there is no data for it:

- `severity`: of the crops' degradation.
- `nuisances.<nuisance>`:
    - `why`: null, or why there are no metrics; then there are no other keys.
    - `labels`: how many labels the probe has.
    - `n`: rows of `fit`, `held_out`, `validation`, `test_seen`, `test_unseen`.
    - `guess.<split>`: accuracy of the most frequent label of each target, 0 to 1.
    - `models.<model>.<split>`: of the embedding, the input of the heads:
        - `linear`, `mlp`: accuracy of either probe, 0 to 1; `best`: the name of the one with the larger excess.
        - `chance`: accuracy of its predictions dealt out at random among the crops of each target, 0 to 1.
        - `excess_points`: its accuracy less the larger of `guess` and `chance`, in percentage points, not below 0.
        - `low`, `high`: its bootstrap interval over groups of test crops, not below 0; null with one group.
    - `models.<model>.layers.<layer>.<split>`: the same for each layer (not for replicas of a study).
    - `seeds.<model>.<split>`: excess points of a model and its replicas with other seeds (`values`), their `mean` and
      `spread` (standard deviation); only of models that have replicas.
    - `untrained`: the same as for a model, of a network of the same shape with random weights.
    - `pixels.<split>`: of the crops' pixels.
    - `reads.<split>`: whether the probe excess of `erm` is 5 points or more. Where it is not, the baseline does not
      encode the nuisance, and a small excess of another model is no evidence; null without `erm`.
- `chosen`: null without a choice; else `name` and for each nuisance `split`, `reads`, `excess_points`, `low`, `high` of
  the chosen model on unseen designs (`test_seen` where the nuisance is the group itself); null unless `reads`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.network import CropNet
from tasks.common.determinism import derived_seed, deterministic, worker_threads
from tasks.common.files import write_json
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import MEASURED_SPLITS, TEST_SEEN, TEST_SPLITS, TEST_UNSEEN, TRAIN
from tasks.evaluate.model_selection import read_choice
from tasks.evaluate.predictions import open_models
from tasks.metrics.paired_bootstrap import cluster_interval
from tasks.probe.dataset import Decoded, ProbeDataset, build_dataset, decode
from tasks.probe.features import PIXELS, Layers, read_features, sample_rows
from tasks.train.card import read_card
from tasks.train.replicas import CONTROL
from tasks.train.weights import new_network
from unfont.errors import UserError

EMBEDDING, UNTRAINED = "embedding", "untrained"
REFERENCE, DECODABLE_FROM = "erm", 5.0  # points of probe excess that the reference must have for a claim
DIGITS = 6
Metrics = dict[str, Any]  # by split: metrics, or None
log = logging.getLogger("unfont")


def probe_models(
    params: Params, *, home: Path, models: Mapping[str, Path], replicas: Mapping[str, Path], out: Path
) -> dict[str, float]:
    """Probe the features of every model and replica for each nuisance, and write `out` as described above.

    Args:
        home: where `table` and `chosen.json` lie.
        models: model folders by name; each is probed at every layer.
        replicas: the replicas of a study, `<model>/<arm>-<seed>` by name; their embeddings are probed.

    Returns:
        `<nuisance>.<split>.<model>`, and `chosen.<nuisance>`: excess points.

    Raises:
        UserError: the table or a model cannot be read, they are of different sizes, or the choice is of another model.
    """
    settings, labels = params.probe, params.labels
    choice = _choice_among(models, home)
    sizes = {TRAIN: settings.train} | dict.fromkeys(MEASURED_SPLITS, settings.test)
    rows = sample_rows(home / "table", labels, sizes)
    datasets = {name: build_dataset(rows, name, labels) for name in nuisance_columns(labels)}
    features: dict[str, Layers] = {}
    with deterministic(params.threads, seed=derived_seed(params.seed, "probe")):
        if any(isinstance(dataset, ProbeDataset) for dataset in datasets.values()):
            networks = _networks({**models, **replicas}, shape=next(iter(models.values())))
            whole = [*models, UNTRAINED]
            features = read_features(networks, table=home / "table", rows=rows, severity=settings.severity, whole=whole)
        found = {
            name: _probe_nuisance(params, dataset, features, [*models], [*replicas])
            if isinstance(dataset, ProbeDataset)
            else {"why": dataset}
            for name, dataset in datasets.items()
        }
    held = {name: TEST_SEEN if name == labels.group else TEST_UNSEEN for name in datasets}
    chosen = _of_chosen(choice, found, held) if choice else None
    write_json(out, {"severity": settings.severity, "nuisances": found, "chosen": chosen})
    return _flat(found) | _flat_choice(chosen)


def _networks(folders: Mapping[str, Path], *, shape: Path) -> dict[str, CropNet]:
    """The models by name, and an untrained network of the same shape as the one in `shape`."""
    opened = {name: model.network for name, model in open_models(dict(folders)).items()}
    return opened | {UNTRAINED: new_network(read_card(shape)).eval()}


def _probe_nuisance(
    params: Params, dataset: ProbeDataset, features: Mapping[str, Layers], models: list[str], replicas: list[str]
) -> dict[str, Any]:
    # A round after the stop has its predecessor's features: the same tensors are probed once.
    tensors = {id(tensor): tensor for layers in features.values() for tensor in layers.values()}
    with worker_threads() as threads:
        metrics_of = threads.map(lambda tensor: _metrics(params, dataset, tensor), tensors.values())
        found = dict(zip(tensors, metrics_of, strict=True))

    def of_layer(name: str, layer: str) -> Metrics:
        return found[id(features[name][layer])]

    def of_model(name: str) -> dict[str, Any]:
        metrics = {**of_layer(name, EMBEDDING), "layers": {layer: of_layer(name, layer) for layer in features[name]}}
        log.info("probe: %s of %s: %s", dataset.nuisance, name, _summary(metrics))
        return metrics

    probed = {name: of_model(name) for name in models} | {name: of_layer(name, EMBEDDING) for name in replicas}
    reference = probed.get(REFERENCE, {})
    return {
        "why": None,
        "labels": dataset.labels,
        "n": dataset.sizes(),
        "guess": {split: _share(dataset.prior_correct(split)) for split in TEST_SPLITS},
        "models": probed,
        "seeds": _over_seeds(probed, models, replicas),
        UNTRAINED: of_model(UNTRAINED),
        PIXELS: of_layer(PIXELS, PIXELS),
        "reads": {split: _is_decodable(reference.get(split)) for split in TEST_SPLITS},
    }


def _metrics(params: Params, dataset: ProbeDataset, features: torch.Tensor) -> Metrics:
    seed = derived_seed(params.seed, "probe", dataset.nuisance)
    decoded = decode(dataset, features, params.probe, seed=seed)
    return {split: _excess(params, dataset, split, decoded[split]) for split in TEST_SPLITS}


def _excess(params: Params, dataset: ProbeDataset, split: str, decoded: dict[str, Decoded]) -> Metrics | None:
    """Metrics of one split by what either probe made of its rows; None without rows."""
    if not len(dataset.parts[split]):
        return None
    accuracies = {kind: _share(each.right) for kind, each in decoded.items()}
    best = max(decoded, key=lambda kind: float(decoded[kind].excess.mean()))
    gain = 100 * decoded[best].excess
    settings = params.evaluate
    interval = cluster_interval(
        gain, dataset.groups(split), resamples=settings.resamples, confidence=settings.confidence, seed=params.seed
    )
    low, high = interval or (None, None)
    points = {"excess_points": gain.mean(), "low": low, "high": high}
    rounded = {name: None if value is None else round(max(float(value), 0.0), DIGITS) for name, value in points.items()}
    return {**accuracies, "best": best, "chance": _share(decoded[best].by_chance), **rounded}


def _over_seeds(probed: Mapping[str, Metrics], models: list[str], replicas: list[str]) -> dict[str, Any]:
    """Excess points of each model and its replicas with other seeds; random controls are excluded."""
    found: dict[str, Any] = {}
    for model in models:
        names = [name for name in replicas if name.startswith(f"{model}/") and f"/{CONTROL}-" not in name]
        if names:
            found[model] = {split: _spread([probed[name][split] for name in (model, *names)]) for split in TEST_SPLITS}
    return found


def _spread(metrics: list[Metrics | None]) -> dict[str, Any] | None:
    values = [each["excess_points"] for each in metrics if each is not None]
    if len(values) < 2:
        return None
    return {"values": values, "mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1))}


def _is_decodable(metrics: Metrics | None) -> bool | None:
    return None if metrics is None else bool(metrics["excess_points"] >= DECODABLE_FROM)


def _choice_among(models: Mapping[str, Path], home: Path) -> str | None:
    """The chosen model's name, where one was chosen."""
    choice = read_choice(home)
    if choice is not None and choice["name"] not in models:
        what = f"the chosen model '{choice['name']}' is none of {', '.join(models)}"
        raise UserError(what, where=home / "chosen.json", fix="choose again: `unfont evaluate`")
    return choice["name"] if choice else None


def _of_chosen(name: str, found: Mapping[str, Any], held: Mapping[str, str]) -> dict[str, Any]:
    """What may be claimed of the chosen model, on the split that `held` names for each nuisance."""
    chosen: dict[str, Any] = {"name": name}
    for nuisance, split in held.items():
        of = found[nuisance]
        reads = None if of["why"] else of["reads"][split]
        metrics = of["models"][name][split] if reads else None
        claimed = {key: metrics[key] if metrics else None for key in ("excess_points", "low", "high")}
        chosen[nuisance] = {"split": split, "reads": reads, **claimed}
    return chosen


def _flat(found: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{nuisance}.{split}.{model}": metrics[split]["excess_points"]
        for nuisance, of in found.items()
        for model, metrics in of.get("models", {}).items()
        for split in TEST_SPLITS
        if metrics[split] is not None
    }


def _flat_choice(chosen: Mapping[str, Any] | None) -> dict[str, float]:
    of = {name: metrics for name, metrics in (chosen or {}).items() if name != "name"}
    known = {name: metrics["excess_points"] for name, metrics in of.items() if metrics["excess_points"] is not None}
    return {f"chosen.{name}": points for name, points in known.items()}


def _share(hits: np.ndarray) -> float | None:
    return round(float(hits.mean()), DIGITS) if len(hits) else None


def _summary(metrics: Metrics) -> str:
    known = {split: metrics[split] for split in TEST_SPLITS if metrics[split] is not None}
    return ", ".join(f"{split} {each['excess_points']:.1f} points" for split, each in known.items()) or "no test crops"
