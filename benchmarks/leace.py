"""LEACE after training, as a peer: what tells the nuisance is erased from a finished model's embedding in closed form.

LEACE is Belrose et al., LEACE: Perfect Linear Concept Erasure in Closed Form (2023); the fit is that of their package,
concept-erasure. The network stays as it was, but for the eraser and the head, which is fitted again behind it.
"""

from pathlib import Path

import torch
from concept_erasure import LeaceEraser
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from models.network import CropNet
from models.training import UNKNOWN
from tasks.common.determinism import deterministic
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.train.batches import FORWARD_BATCH, Crops, Labels, read_crops
from tasks.train.checkpoint import Trained
from tasks.train.model_folder import read_training, write_folder
from tasks.train.weights import load_model

# By name, whether the concept is the nuisance within a target; else the nuisance, whatever the target.
PEERS = {"leace": False, "leace-within": True}
CROPS = 60_000  # training crops that eraser and head are fitted to, at most
STEPS = 500  # of L-BFGS, at most


def erase(params: Params, *, start: Path, table: Path, within: bool, out: Path) -> None:
    """Write the model of `start`, its embedding erased, into the folder `out`.

    Its own training crops are taken, degraded as in training; eraser and head are fitted to the same ones.
    """
    nuisance = params.labels.nuisances[0]
    with deterministic(params.threads, seed=params.seed):
        network, card = load_model(start)
        training, labels = read_training(start), Labels.of_card(card)
        keys = sorted(training["key"])  # hashes, so that every n-th is a random sample
        crops = read_crops(table, labels, keys=keys[:: -(-len(keys) // CROPS)])
        features, targets, nuisances = features_of(network, crops, params, nuisance)
        known = nuisances != UNKNOWN
        concept = concept_of(targets[known], nuisances[known], within=within)
        eraser = LeaceEraser.fit(features[known], concept)
        add_eraser(network, eraser.P, features[known].mean(0))
        assert network.eraser is not None
        refit_head(network, network.eraser.eval()(features.float()), targets)
    with written_whole(out) as folder:
        rank = int(torch.linalg.matrix_rank(torch.eye(len(eraser.P)) - eraser.P))
        write_folder(folder, network, {**card, "mode": out.name, "erased": rank}, Trained(), training)


@torch.inference_mode()
def features_of(network: CropNet, crops: Crops, params: Params, nuisance: str) -> tuple[Tensor, Tensor, Tensor]:
    """The embedding float64 `[crops, width]`, and indices `[crops]` of targets and of the nuisance's labels."""
    batches = [
        crops.batch(rows, params.degrade, seed=params.seed) for rows in torch.arange(len(crops)).split(FORWARD_BATCH)
    ]
    features = torch.cat([network.embed(batch.images) for batch in batches])
    return features.double(), crops.targets, torch.cat([batch.nuisances[nuisance] for batch in batches])


def concept_of(targets: Tensor, nuisances: Tensor, *, within: bool) -> Tensor:
    """What is erased of each crop: float64 `[crops, columns]`.

    A column a nuisance label, 1 where a crop has it; `within`: a column a label of each target, less the label's share
    of that target's crops, so that what tells the target itself is no part of the concept.
    """
    labels = torch.nn.functional.one_hot(nuisances).double()
    if not within:
        return labels
    own = torch.nn.functional.one_hot(targets).double()
    shares = (own.T @ labels) / own.sum(0).clamp(min=1)[:, None]
    cells = (own[:, :, None] * (labels - shares[targets])[:, None, :]).flatten(1)
    return cells[:, cells.abs().sum(0) > 0]


def add_eraser(network: CropNet, projection: Tensor, mean: Tensor) -> None:
    """End the embedding in x ↦ P x + (I − P) mean."""
    network.add_eraser()
    assert network.eraser is not None
    with torch.no_grad():
        network.eraser.weight.copy_(projection)
        network.eraser.bias.copy_(mean - projection @ mean)


def refit_head(network: CropNet, features: Tensor, targets: Tensor) -> None:
    """Fit the target's head to its minimum: multinomial logistic regression; a label that no crop has keeps its row."""
    head = network.target_head
    fitted = LogisticRegression(max_iter=STEPS).fit(features.numpy(), targets.numpy())
    rows = torch.from_numpy(fitted.classes_)
    with torch.no_grad():
        head.weight[rows] = torch.from_numpy(fitted.coef_).float()
        head.bias[rows] = torch.from_numpy(fitted.intercept_).float()
