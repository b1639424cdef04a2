"""Answers of models to the degraded crops of a split: each batch is read and degraded once for all of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from models.degrade import SEVERITIES, degrade, seeds_of
from models.network import ScriptNet
from tasks.batches import as_images, logits_of
from tasks.errors import UserError
from tasks.params import UNWRITTEN, ProblemSettings
from tasks.table import label_columns, stream_images
from tasks.weights import load_model, weights_of

Said = tuple[np.ndarray, np.ndarray, np.ndarray]  # of a batch: places, p, p_text


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network with the names of its outputs."""

    network: ScriptNet
    labels: list[str]

    @classmethod
    def of_folder(cls, folder: Path) -> "Model":
        network, card = load_model(folder)
        return cls(network=network, labels=card["labels"])


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What some models say about the crops of one split at some severities.

    Kept as numbers: at a million crops, six models and four severities they fit where tables of names would
    not.

    Attributes:
        rows: the crops' labels and keys, with `true`; in the table's order.
        places: [n] int16 by (model, severity): the predicted label's place among the model's.
        p: [n] float32 by (model, severity): its probability.
        p_text: [n] float32 by (model, severity): 1 − p(`Zxxx`); NaN where the model knows no `Zxxx`.
    """

    rows: pd.DataFrame
    labels: dict[str, list[str]]
    places: dict[tuple[str, str], np.ndarray]
    p: dict[tuple[str, str], np.ndarray]
    p_text: dict[tuple[str, str], np.ndarray]

    def of(self, model: str, severity: str) -> pd.DataFrame:
        """`rows` with `predicted`, `p` and `p_text`, sorted by key."""
        names = np.array(self.labels[model], dtype=object)[self.places[model, severity]]
        said = {"p": self.p[model, severity], "p_text": self.p_text[model, severity]}
        rows = self.rows.assign(predicted=names, **said)
        return rows.sort_values("key", kind="stable", ignore_index=True)


def open_models(folders: dict[str, Path]) -> dict[str, Model]:
    """Models by name; the same weights are opened once, and `score_split` scores them once."""
    held: dict[str, Model] = {}
    named = {}
    for name, folder in folders.items():
        weights = weights_of(folder)
        if weights not in held:
            held[weights] = Model.of_folder(folder)
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
) -> Answers:
    """Answers of every model to every crop of a split.

    Each batch of crops is read once and degraded once a severity, whatever the number of models. Must run
    within `deterministic`.

    Args:
        severities: at which all models are asked, or each by its name.

    Raises:
        UserError: the split has no crops, or the crops are of another size than a model's.
    """
    by_model = severities if isinstance(severities, Mapping) else dict.fromkeys(models, severities)
    # A round after the stop is its predecessor again: one forward pass answers for both.
    first = {name: next(other for other in models if models[other] is models[name]) for name in models}
    source = {(name, severity): (first[name], severity) for name in models for severity in by_model[name]}
    said: dict[tuple[str, str], list[Said]] = {key: [] for key in source.values()}
    seen: list[pd.DataFrame] = []
    for pixels, rows in stream_images(table, [split], batch):
        _check_size(pixels, models, table)
        seen.append(rows[["key", "ambiguous", *label_columns(labels)]])
        for name, severity, images in _shown(pixels, rows["key"].tolist(), models, said):
            said[name, severity].append(_ask(models[name], images))
    if not seen:
        raise UserError(f"there are no crops of split '{split}'", where=table, mend=f"give {split} some crops")
    facts = pd.concat(seen, ignore_index=True)
    whole = {key: [np.concatenate(parts) for parts in zip(*batches, strict=True)] for key, batches in said.items()}
    return Answers(
        rows=facts.assign(true=facts[labels.target]),
        labels={name: model.labels for name, model in models.items()},
        places={key: whole[origin][0] for key, origin in source.items()},
        p={key: whole[origin][1] for key, origin in source.items()},
        p_text={key: whole[origin][2] for key, origin in source.items()},
    )


def _shown(
    pixels: np.ndarray, keys: list[str], models: dict[str, Model], asked: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str, Tensor]]:
    """What each of the (model, severity) `asked` sees of a batch; crops are degraded once a severity and channels."""
    seeds = seeds_of(keys, 0)
    by_look: dict[tuple[int, str], list[str]] = {}
    for name, severity in asked:
        by_look.setdefault((models[name].network.channels, severity), []).append(name)
    for (channels, severity), names in by_look.items():
        images = degrade(as_images(torch.from_numpy(pixels), channels), seeds, SEVERITIES[severity])
        for name in names:
            yield name, severity, images


def _ask(model: Model, images: Tensor) -> Said:
    """The best labels' places, their p, and p_text, of `images[rows, channels, h, w]`: an array `[rows]` each."""
    p = logits_of(model.network, images).softmax(1)
    best, place = p.max(1)
    unknown = torch.full_like(best, float("nan"))
    p_text = 1 - p[:, model.labels.index(UNWRITTEN)] if UNWRITTEN in model.labels else unknown
    return place.numpy().astype(np.int16), best.numpy(), p_text.numpy()


def _check_size(pixels: np.ndarray, models: dict[str, Model], table: Path) -> None:
    for name, model in models.items():
        if pixels.shape[1:3] != (model.network.height, model.network.width):
            raise UserError(
                f"crops are {pixels.shape[1]}×{pixels.shape[2]} pixels, but {name} reads"
                f" {model.network.height}×{model.network.width}",
                where=table,
                mend="train it on this table, or make the crops anew",
            )
