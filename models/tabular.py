"""A network for rows of a table: embeddings of categories beside numbers, hidden layers, and the target head."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network import CropNet, Eraser
from models.settings import InfluenceSettings
from models.training import Batch, Training


class Dense(nn.Sequential):
    """Linear, batch normalisation, ReLU: `[batch, inputs]` -> `[batch, outputs]`, ≥ 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            OrderedDict(
                linear=nn.Linear(inputs, outputs, bias=False),
                norm=nn.BatchNorm1d(outputs),
                relu=nn.ReLU(),
            )
        )


class TabularNet(nn.Module):
    """Logits of a row's class, or one number.

    A row is `[features]`: first its `numbers`, standardised, then a code for each of its categories. Every category has
    an embedding; `inputs` puts numbers and embeddings side by side, and everything after it is differentiable in them.
    It has what `models.training.Training` asks of a network: `maps`, `embed_maps`, `dropout`, `target_head`, `eraser`.

    Args:
        numbers: how many of the features are numbers.
        sizes: labels of each category; code 0 is `other`, which starts at zero: the middle of all.
        outputs: classes, or 1 for a number.
        erases: whether the embedding ends in an `Eraser`.
    """

    owner: Tensor  # int64 [width]: the feature that each input belongs to

    def __init__(
        self, settings: InfluenceSettings, *, numbers: int, sizes: Sequence[int], outputs: int, erases: bool = False
    ) -> None:
        super().__init__()
        self.numbers = numbers
        starts = torch.tensor([0, *sizes]).cumsum(0)[:-1]
        self.starts = nn.Buffer(starts)
        categories = torch.arange(numbers, numbers + len(sizes)).repeat_interleave(settings.width)
        self.owner = nn.Buffer(torch.cat([torch.arange(numbers), categories]))
        self.categories = nn.Embedding(max(sum(sizes), 1), settings.width)
        with torch.no_grad():
            self.categories.weight[starts] = 0.0
        widths = [len(self.owner), *settings.hidden]
        self.backbone = nn.Sequential(*(Dense(*pair) for pair in pairwise(widths)))
        self.embedding = Dense(widths[-1], settings.embedding)
        if erases:
            self.embedding.add_module("eraser", Eraser(settings.embedding))
        self.dropout = nn.Dropout(settings.dropout)
        self.target_head = nn.Linear(settings.embedding, outputs)

    @property
    def eraser(self) -> Eraser | None:
        """The last layer of the embedding, where a mode of invariance erases directions of it."""
        return getattr(self.embedding, "eraser", None)

    @property
    def features(self) -> int:
        """How many features a row has."""
        return self.numbers + len(self.starts)

    def inputs(self, rows: Tensor) -> Tensor:
        """`rows[batch, features]` as the layers' input `[batch, width]`."""
        codes = rows[:, self.numbers :].long() + self.starts
        return torch.cat([rows[:, : self.numbers], self.categories(codes).flatten(1)], dim=1)

    def maps(self, rows: Tensor) -> Tensor:
        """The last hidden layer before the embedding, of `rows[batch, features]`."""
        hidden: Tensor = self.backbone(self.inputs(rows))
        return hidden

    def embed_maps(self, maps: Tensor) -> Tensor:
        """The embedding of what `maps` gives: `[batch, embedding]`."""
        features: Tensor = self.embedding(maps)
        return features

    def of_inputs(self, inputs: Tensor) -> Tensor:
        """The outputs `[batch, outputs]` of `inputs[batch, width]`."""
        outputs: Tensor = self.target_head(self.dropout(self.embed_maps(self.backbone(inputs))))
        return outputs

    def forward(self, rows: Tensor) -> Tensor:
        """Logits `[batch, classes]`, or `[batch, 1]`, of `rows[batch, features]`."""
        return self.of_inputs(self.inputs(rows))

    def evidence(self, inputs: Tensor) -> Tensor:
        """The outputs less their mean over the classes: what all logits share changes no probability."""
        outputs = self.of_inputs(inputs)
        return outputs - outputs.mean(1, keepdim=True) if outputs.shape[1] > 1 else outputs

    def layers(self) -> dict[str, nn.Module]:
        """The layers whose neurons are looked at, by name."""
        return {f"hidden.{number}": layer for number, layer in enumerate(self.backbone)} | {"embedding": self.embedding}


@dataclass(frozen=True, kw_only=True)
class TableBatch(Batch):
    """`images` are rows `[batch, features]`; `numbers[batch]` the target where that is a number, standardised.

    `targets` are then its quintiles, which are what the modes of invariance mean by a target.
    """

    numbers: Tensor | None = None


class TableTraining(Training):
    """`Training` of a `TabularNet`, of classes or of a number."""

    def __init__(self, network: TabularNet, *arguments: object, **options: object) -> None:
        # It has all that a training asks of a network.
        super().__init__(cast(CropNet, network), *arguments, **options)  # type: ignore[arg-type]

    def fit(self, batch: TableBatch) -> float:
        """One step; returns its loss: cross-entropy, or the mean squared error of a number."""
        if batch.numbers is None:
            return self.update(batch).metrics["loss"]
        self._set_learning_rate()
        features = self._embed(batch.images)
        fitted = self.network.target_head(self.network.dropout(features))[:, 0]
        loss = functional.mse_loss(fitted, batch.numbers)
        self._descend(torch.stack([loss, *self._terms(features, batch, {})]).sum())
        self.step += 1
        self._erase(batch)
        return loss.item()
