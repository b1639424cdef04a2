"""A toy problem with a nuisance that is easy to read: which third is striped is the target, which way the nuisance."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.invariance import modes_of
from models.network import CropNet
from models.settings import InvarianceSettings, LossSettings, NetworkSettings, TrainSettings
from models.training import UNKNOWN, Batch, Training, normalised

NETWORK = NetworkSettings(channels=[8, 16], downsampling=2, embedding=16, dropout=0.0)
LOSS = LossSettings(name="cross_entropy", gamma=0.0, alpha=None, smoothing=0.0, prior_bias=False, hardest=1.0)
TRAIN = TrainSettings(
    epochs=1,
    batch=24,
    learning_rate=0.01,
    weight_decay=0.01,
    warmup=0.1,
    balanced=False,
    ramp=0.0,
    precision="float32",
    processes=1,
    nodes=1,
)
INVARIANCE = InvarianceSettings(
    modes=["erm"],
    epochs=1,
    learning_rate=0.01,
    strength=1.0,
    head_learning_rate=1.0,
    head_steps=1,
    pair_weight=1.0,
    coral_weight=1.0,
    erased=4,
    margin=4.0,
)
COUNTS = {"style": torch.full((3, 2), 8)}


def make(
    mode: str,
    *,
    seed: int = 0,
    steps: int = 20,
    learning_rate: float = 0.01,
    counts: Mapping[str, Tensor] = COUNTS,
    device: torch.device | None = None,
    **changes,
) -> Training:
    torch.manual_seed(seed)
    network = CropNet(NETWORK, labels=3, height=16, width=32, erases=any(part.erases for part in modes_of(mode)))
    network.to(device)
    train = TRAIN.model_copy(update={"learning_rate": learning_rate})
    invariance = INVARIANCE.model_copy(update=changes)
    return Training(network, modes_of(mode), counts=counts, loss=LOSS, train=train, invariance=invariance, steps=steps)


def batch(seed: int = 0, *, rows: int = 24, known: bool = True) -> Batch:
    """Neighbours are partners: the same target, striped both ways."""
    number = torch.arange(rows)
    targets, style = number // 2 % 3, number % 2
    images = torch.rand(rows, 1, 16, 32, generator=torch.Generator().manual_seed(seed)) * 0.5 + 0.5
    for image, target, down in zip(images[:, 0], targets.tolist(), style.tolist(), strict=True):
        third = image[:, 10 * target : 10 * target + 10]
        stripes = third if down else third.T
        stripes[::4] *= 0.2
        stripes[1::4] *= 0.2
    nuisances = {"style": style if known else torch.full((rows,), UNKNOWN)}
    return Batch(images=images, targets=targets, nuisances=nuisances, pairs=number // 2)


@torch.no_grad()
def readable(network: CropNet) -> float:
    """R² of the nuisance, least squares from the features of new crops, on other new crops; 1: read without fault."""
    fresh = batch(99, rows=240)
    network.eval()
    features = torch.cat([normalised(network.embed(fresh.images)), torch.ones(240, 1)], dim=1).double()
    network.train()
    wanted = fresh.nuisances["style"].double()[:, None] * 2 - 1
    weights = torch.linalg.lstsq(features[:120], wanted[:120], driver="gelsd").solution
    return 1 - (features[120:] @ weights - wanted[120:]).square().mean().item()
