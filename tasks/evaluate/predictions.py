"""Predictions of models on the degraded crops of a split: each batch is read and degraded once for all of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from models.degrade import SEVERITIES, degrade, seeds_of
from models.inference import Fused, fused
from models.network import CropNet
from tasks.common.determinism import worker_threads
from tasks.common.parallel import AHEAD, in_order
from tasks.common.params import UNWRITTEN, ProblemSettings
from tasks.crop_table.shards import label_columns, stream_images
from tasks.metrics.calibration import fit_temperature
from tasks.metrics.classification import is_learned
from tasks.metrics.worst_group import FAMILY
from tasks.train.batches import CPU, FORWARD_BATCH, as_images
from tasks.train.card import weights_of
from tasks.train.weights import check_size, load_model
from unfont.errors import UserError

Key = tuple[str, str]  # model, severity


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network with the names of its outputs, and the temperature that its p has (`tasks.metrics.calibration`)."""

    network: CropNet
    labels: list[str]
    temperature: float = 1.0

    @classmethod
    def of_folder(cls, folder: Path, device: torch.device = CPU) -> "Model":
        """The model of a model folder, to be scored on `device`."""
        network, card = load_model(folder)
        return cls(network=network.to(device), labels=card["labels"])


@dataclass(frozen=True, kw_only=True)
class ModelPredictions:
    """A model's predictions on some crops: arrays [n], and the logits [n, labels] where they were asked for.

    `indices` are those of the predicted labels among the model's, int16; `p` their probabilities at the model's
    temperature, `p_raw` without, both float32; `p_text` is 1 − p(`Zxxx`) without temperature, float32, NaN where the
    model knows no `Zxxx`. Thresholds of `p_text` are fixed by recall: a temperature would only reorder crops.
    """

    indices: np.ndarray
    p: np.ndarray
    p_raw: np.ndarray
    p_text: np.ndarray
    logits: np.ndarray | None = None

    @classmethod
    def of_logits(cls, logits: Tensor, model: Model, *, keep: bool = False) -> "ModelPredictions":
        raw = logits.softmax(1)
        best, indices = raw.max(1)
        # At no temperature the softmax is not taken twice.
        p = best if model.temperature == 1 else (logits / model.temperature).softmax(1).amax(1)
        unknown = torch.full_like(best, float("nan"))
        p_text = 1 - raw[:, model.labels.index(UNWRITTEN)] if UNWRITTEN in model.labels else unknown
        return cls(
            indices=indices.numpy().astype(np.int16),
            p=p.numpy(),
            p_raw=best.numpy(),
            p_text=p_text.numpy(),
            logits=logits.numpy() if keep else None,
        )

    @classmethod
    def joined(cls, parts: Sequence["ModelPredictions"]) -> "ModelPredictions":
        arrays = {
            name: [getattr(part, name) for part in parts] for name in ("indices", "p", "p_raw", "p_text", "logits")
        }
        return cls(**{name: np.concatenate(some) for name, some in arrays.items() if some[0] is not None})


@dataclass(frozen=True, kw_only=True)
class SplitPredictions:
    """The predictions of some models on the crops of one split at some severities.

    Kept as numbers: for a million crops, six models and four severities, tables of names would not fit in memory.

    Attributes:
        rows: the crops' labels and keys, with `true`; in the table's order.
        labels: the labels of each model.
        scored: by (model, severity).
    """

    rows: pd.DataFrame
    labels: dict[str, list[str]]
    scored: dict[Key, ModelPredictions]

    def of(self, model: str, severity: str) -> pd.DataFrame:
        """`rows` with `predicted`, `p`, `p_raw` and `p_text`, sorted by key."""
        scored = self.scored[model, severity]
        names = np.array(self.labels[model], dtype=object)[scored.indices]
        rows = self.rows.assign(predicted=names, p=scored.p, p_raw=scored.p_raw, p_text=scored.p_text)
        return rows.sort_values("key", kind="stable", ignore_index=True)

    def at_temperatures(self, models: Mapping[str, Model]) -> "SplitPredictions":
        """The same predictions with p at the temperatures of `models`; needs the logits, and drops them."""
        scored = {}
        for key, one in self.scored.items():
            if one.logits is None:
                raise ValueError(f"the logits of {key} were not kept")
            scored[key] = ModelPredictions.of_logits(torch.from_numpy(one.logits), models[key[0]])
        return replace(self, scored=scored)


def calibrated(models: Mapping[str, Model], predictions: SplitPredictions, severity: str) -> dict[str, Model]:
    """`models` with the temperatures that fit `predictions` (with logits) at `severity`, of what was learned.

    Ambiguous texts are left out, and `Zzzz`: its scripts are not those of training, so most answers are wrong by
    design and would make all others less sure, the more so the more of them a table has. What they cost is measured
    apart (`tasks.metrics.unlearned`). The same model under two names stays one model.
    """
    known = is_learned(predictions.rows)
    true = predictions.rows["true"].to_numpy()[known]
    held: dict[int, Model] = {}
    for name, model in models.items():
        if id(model) not in held:
            logits = predictions.scored[name, severity].logits
            if logits is None:
                raise ValueError(f"the logits of {name} were not kept")
            held[id(model)] = replace(model, temperature=fit_temperature(logits[known], true, model.labels))
    return {name: held[id(model)] for name, model in models.items()}


def open_models(folders: dict[str, Path], device: torch.device = CPU) -> dict[str, Model]:
    """Models by name; the same weights are opened once, and `score_split` scores them once."""
    held: dict[str, Model] = {}
    named = {}
    for name, folder in folders.items():
        weights = weights_of(folder)
        if weights not in held:
            held[weights] = Model.of_folder(folder, device)
        named[name] = held[weights]
    return named


def score_split(
    models: dict[str, Model],
    *,
    table: Path,
    split: str,
    labels: ProblemSettings,
    severities: Sequence[str] | Mapping[str, Sequence[str]],
    batch: int,
    keep_logits: bool = False,
) -> SplitPredictions:
    """Predictions of every model on every crop of a split.

    Each batch of crops is read once and degraded once a severity, whatever the number of models, which are all on one
    device. Must run
    within `deterministic`: as many threads as it allows score a batch each (`worker_threads`).

    Args:
        severities: that all models are run at, or those of each by its name.
        keep_logits: in the result too: 4 bytes a crop, label, model and severity.

    Raises:
        UserError: the split has no crops, or the crops are of another size than a model's.
    """
    by_model = severities if isinstance(severities, Mapping) else dict.fromkeys(models, severities)
    # A round after the stop is its predecessor again: one forward pass serves both.
    first = {name: next(other for other in models if models[other] is models[name]) for name in models}
    source = {(name, severity): (first[name], severity) for name in models for severity in by_model[name]}
    networks = {name: fused(models[name].network) for name in dict.fromkeys(first.values())}
    keys = list(dict.fromkeys(source.values()))
    scored: dict[Key, list[ModelPredictions]] = {key: [] for key in keys}
    seen: list[pd.DataFrame] = []

    def read() -> Iterator[tuple[np.ndarray, list[str]]]:
        for pixels, rows in stream_images(table, [split], batch):
            check_size(pixels, {name: model.network for name, model in models.items()}, table)
            seen.append(rows[list(dict.fromkeys(["key", "ambiguous", *label_columns(labels), FAMILY]))])
            yield pixels, rows["key"].tolist()

    score = partial(_score_batch, networks=networks, models=models, wanted=keys, keep_logits=keep_logits)
    ahead = AHEAD * torch.get_num_threads()
    with worker_threads() as threads:
        for part in in_order(lambda given: threads.submit(score, *given), read(), ahead=ahead):
            for key, predictions in part.items():
                scored[key].append(predictions)
    if not seen:
        raise UserError(f"there are no crops of split '{split}'", where=table, fix=f"give {split} some crops")
    facts = pd.concat(seen, ignore_index=True)
    whole = {key: ModelPredictions.joined(parts) for key, parts in scored.items()}
    return SplitPredictions(
        rows=facts.assign(true=facts[labels.target]),
        labels={name: model.labels for name, model in models.items()},
        scored={key: whole[origin] for key, origin in source.items()},
    )


@torch.inference_mode()
def _score_batch(
    pixels: np.ndarray,
    keys: list[str],
    *,
    networks: Mapping[str, Fused],
    models: Mapping[str, Model],
    wanted: Iterable[Key],
    keep_logits: bool,
) -> dict[Key, ModelPredictions]:
    """Predictions on one batch of crops, by (model, severity) `wanted`."""
    scored = {}
    for name, severity, images in _degraded(pixels, keys, networks, wanted):
        logits = torch.cat([networks[name](part)[0] for part in torch.split(images, FORWARD_BATCH)]).cpu()
        scored[name, severity] = ModelPredictions.of_logits(logits, models[name], keep=keep_logits)
    return scored


def _degraded(
    pixels: np.ndarray, keys: list[str], networks: Mapping[str, Fused], wanted: Iterable[Key]
) -> Iterator[tuple[str, str, Tensor]]:
    """A batch's images for each (model, severity) `wanted`; crops are degraded once a severity and channels."""
    seeds, device = seeds_of(keys, 0), next(next(iter(networks.values())).parameters()).device
    by_input: dict[tuple[int, str], list[str]] = {}
    for name, severity in wanted:
        by_input.setdefault((networks[name].channels, severity), []).append(name)
    for (channels, severity), names in by_input.items():
        images = degrade(as_images(torch.from_numpy(pixels).to(device), channels), seeds, SEVERITIES[severity])
        for name in names:
            yield name, severity, images
