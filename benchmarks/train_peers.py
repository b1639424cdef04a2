"""The default network trained otherwise: `python -m benchmarks.train_peers TABLE WAY [--crops N] [--peers FOLDER]`.

Trains on the first crops of TABLE's `train` split, as benchmarks.train_stage does, and prints the crops/s of each epoch
but the first as JSON. WAY is one of

- `bare_loop`: forward, backward and step on degraded tensors in memory, in as many processes as a training has;
- `bare_loop_degrading`: the same with each batch's own degradation, as training has it;
- `lightning`: PyTorch Lightning's Trainer, with a DataLoader of one worker; `keras`: Keras' `fit` on torch, with a
  PyDataset. Both degrade each batch with our function and have AdamW, and bfloat16 where ours has it. FOLDER holds them
  (benchmarks/peers/train.txt).
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.train_stage import EPOCHS, first_crops, params_of
from models.network import CropNet, Standardise
from models.training import uses_bfloat16
from tasks.common.determinism import deterministic
from tasks.common.params import Params
from tasks.train.batches import CPU, Crops, Labels
from tasks.train.loop import threads_of
from tasks.train.machines import together
from tasks.train.processes import Group


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--crops", type=int, default=12_800)
    parser.add_argument("--peers", type=Path, help="folder of the installed peers")
    arguments = parser.parse_args()
    if arguments.peers:
        sys.path.append(str(arguments.peers))
    params = params_of({})
    labels = Labels.of_table(arguments.table, params.labels, channels=params.crops.channels)
    crops = first_crops(arguments.table, labels, arguments.crops)
    ends = WAYS[arguments.way](params, crops, len(labels.target))
    print(json.dumps([round(len(crops) / (end - start), 1) for start, end in pairwise(ends)]))


def network_of(params: Params, crops: Crops, labels: int) -> CropNet:
    height, width = crops.images.shape[1:3]
    return CropNet(params.network, labels=labels, height=height, width=width, channels=params.crops.channels)


def loss_of(network: CropNet, images: Tensor, targets: Tensor, params: Params) -> Tensor:
    """A step's loss, with the same layers in bfloat16 as a training."""
    with torch.autocast("cpu", torch.bfloat16, enabled=uses_bfloat16(params.train, CPU)):
        maps = network.maps(images)
    logits = network.target_head(network.dropout(network.embed_maps(maps.float())))
    return functional.cross_entropy(logits, targets, label_smoothing=params.loss.smoothing)


@dataclass(frozen=True, kw_only=True)
class BareLoop:
    """Nothing but steps. With `degrading`, each batch is degraded as training has it, else all were once before."""

    params: Params
    crops: Crops
    labels: int
    degrading: bool

    @property
    def nbytes(self) -> int:
        return self.crops.images.nbytes

    def take_part(self, group: Group) -> None:
        list(self.ends(group))

    def ends(self, group: Group) -> Iterator[float]:
        """When each epoch ended."""
        params, own = self.params, torch.arange(len(self.crops))[group.rank :: group.size]
        with deterministic(threads_of(params, group), seed=params.seed):
            network = network_of(params, self.crops, self.labels).train()
            optimizer = torch.optim.AdamW(network.parameters(), params.train.learning_rate / 10, fused=True)
            weights = list(network.parameters())
            before = None if self.degrading else self.crops.batch(own, params.degrade).images
            for epoch in range(EPOCHS):
                for places in torch.split(torch.arange(len(own)), params.train.batch // group.size):
                    rows = own[places]
                    if before is None:
                        images = self.crops.batch(rows, params.degrade, epoch=epoch).images
                    else:
                        images = before[places]
                    optimizer.zero_grad()
                    loss_of(network, images, self.crops.targets[rows], params).backward()  # type: ignore[no-untyped-call]
                    group.average_gradients(weights)
                    optimizer.step()
                yield time.perf_counter()


def bare_loop(params: Params, crops: Crops, labels: int, *, degrading: bool = False) -> list[float]:
    loop = BareLoop(params=params, crops=crops, labels=labels, degrading=degrading)
    with together(loop, params.train.processes) as group:
        return list(loop.ends(group))


def bare_loop_degrading(params: Params, crops: Crops, labels: int) -> list[float]:
    return bare_loop(params, crops, labels, degrading=True)


def lightning(params: Params, crops: Crops, labels: int) -> list[float]:
    import lightning as pl
    from torch.utils.data import DataLoader, TensorDataset

    ends: list[float] = []

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network_of(params, crops, labels)

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            rows, targets = batch
            with torch.autocast("cpu", enabled=False):
                images = crops.batch(rows, params.degrade, epoch=self.current_epoch).images
            logits = self.network(images)
            return functional.cross_entropy(logits.float(), targets, label_smoothing=params.loss.smoothing)

        def configure_optimizers(self) -> dict[str, Any]:
            optimizer = torch.optim.AdamW(self.parameters(), fused=True)
            steps = int(self.trainer.estimated_stepping_batches)
            rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, params.train.learning_rate, total_steps=steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}

        def on_train_epoch_end(self) -> None:
            ends.append(time.perf_counter())

    rows = TensorDataset(torch.arange(len(crops)), crops.targets)
    loader = DataLoader(rows, batch_size=params.train.batch, shuffle=True, num_workers=1, persistent_workers=True)
    trainer = pl.Trainer(
        accelerator="cpu", devices=1, max_epochs=EPOCHS, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
        precision="bf16-mixed" if uses_bfloat16(params.train, CPU) else "32-true",
    )  # fmt: skip
    trainer.fit(Module(), loader)
    return ends


def keras(params: Params, crops: Crops, labels: int) -> list[float]:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    k.config.set_image_data_format("channels_first")
    if uses_bfloat16(params.train, CPU):
        k.config.set_dtype_policy("mixed_bfloat16")
    ends: list[float] = []

    class Batches(k.utils.PyDataset):
        epoch = 0

        def __len__(self) -> int:
            return math.ceil(len(crops) / params.train.batch)

        def __getitem__(self, place: int) -> tuple[Any, Any]:
            rows = torch.arange(len(crops))[place * params.train.batch : (place + 1) * params.train.batch]
            images = crops.batch(rows, params.degrade, epoch=self.epoch).images
            return images.numpy(), crops.targets[rows].numpy()

        def on_epoch_end(self) -> None:
            self.epoch += 1

    class Clock(k.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            ends.append(time.perf_counter())

    model = keras_network(k, params, crops, labels)
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.AdamW(params.train.learning_rate / 10), loss)
    model.fit(Batches(workers=1), epochs=EPOCHS, verbose=0, callbacks=[Clock()])
    return ends


def keras_network(k: Any, params: Params, crops: Crops, labels: int) -> Any:
    """The layers of `CropNet` as Keras builds them."""
    layers, settings = k.layers, params.network
    channels = params.crops.channels
    entered = k.Input((channels, *crops.images.shape[1:3]), dtype="float32")
    maps = layers.TorchModuleWrapper(Standardise(), output_shape=tuple(entered.shape), dtype="float32")(entered)
    blocks: list[nn.Conv2d] = [block.conv for block in network_of(params, crops, labels).backbone]
    for conv in blocks:
        maps = layers.ZeroPadding2D(conv.padding)(maps)
        maps = layers.Conv2D(conv.out_channels, conv.kernel_size, conv.stride, use_bias=False)(maps)
        maps = layers.ReLU()(layers.BatchNormalization(axis=1)(maps))
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)])
    embedded = layers.BatchNormalization()(layers.Dense(settings.embedding, use_bias=False)(pooled))
    dropped = layers.Dropout(settings.dropout)(layers.ReLU()(embedded))
    return k.Model(entered, layers.Dense(labels, dtype="float32")(dropped))


WAYS: dict[str, Callable[[Params, Crops, int], list[float]]] = {
    "bare_loop": bare_loop,
    "bare_loop_degrading": bare_loop_degrading,
    "lightning": lightning,
    "keras": keras,
}

if __name__ == "__main__":
    main()
