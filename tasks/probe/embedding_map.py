"""A map of embeddings: crops of designs never seen, laid out in the plane by what each model's features say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tasks.common.determinism import derived_seed
from tasks.common.params import Params
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY
from tasks.probe.features import read_features, sample_rows
from tasks.train.weights import load_model

FEWEST = 5  # crops: a map of fewer shows nothing
PERPLEXITY = 30  # of t-SNE, at most: about how many neighbours a crop is to stay near
DIGITS = 4

Places = np.ndarray  # [crops, 2] from 0 to 1, both axes in one scale


@dataclass(frozen=True, kw_only=True)
class EmbeddingMap:
    """The same crops (`rows`: key and labels) by every model's embedding.

    Attributes:
        places: by model, then by method: `pca` and `tsne`.
        held: by model, the share of the features' variance that the two axes of `pca` hold.
    """

    rows: pd.DataFrame
    places: dict[str, dict[str, Places]]
    held: dict[str, float]


def map_embeddings(params: Params, *, table: Path, models: Mapping[str, Path]) -> EmbeddingMap | None:
    """The map of the models' embeddings of `report.map_crops` text crops, as light degradation shows them.

    None where fewer than 5 crops have a nuisance label. Must run within `deterministic`.

    Raises:
        UserError: the table or a model cannot be read, or they are of different sizes.
    """
    rows = sample_rows(table, params.labels, {REPORT_SPLIT: params.report.map_crops})
    if len(rows) < FEWEST:
        return None
    networks = {name: load_model(folder)[0] for name, folder in models.items()}
    features = read_features(networks, table=table, rows=rows, severity=SEVERITY, whole=[])
    embeddings = {name: features[name]["embedding"].double().numpy() for name in models}
    seed = derived_seed(params.seed, "map") % 2**32
    places, held = {}, {}
    with threadpool_limits(1):  # sums of several threads are rounded differently
        for name, embedding in embeddings.items():
            pca, held[name] = principal_places(embedding)
            places[name] = {"pca": fitted(pca), "tsne": fitted(neighbour_places(pca, embedding, seed=seed))}
    return EmbeddingMap(rows=rows, places=places, held=held)


def principal_places(features: np.ndarray) -> tuple[np.ndarray, float]:
    """The two principal components `[crops, 2]` of `features[crops, width]`, and the share of the variance they hold.

    An axis points to where its largest loading is positive: a singular vector's sign is arbitrary.
    """
    centred = features - features.mean(0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(1)])
    whole = float((sizes**2).sum())
    return (left * sizes * signs)[:, :2], float((sizes[:2] ** 2).sum() / whole) if whole > 0 else 1.0


def neighbour_places(pca: np.ndarray, features: np.ndarray, *, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008) of `features[crops, width]` from `pca[crops, 2]` on: `[crops, 2]`.

    It keeps neighbours together; distances between far groups, and their sizes, mean nothing.
    """
    from sklearn.manifold import TSNE

    spread = float(pca[:, 0].std())
    if spread == 0:  # every crop has the same features
        return pca
    start = (pca / spread * 1e-4).astype(np.float32)  # as scikit-learn scales its own
    perplexity = min(PERPLEXITY, (len(pca) - 1) / 3)
    return TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(features)


def fitted(places: np.ndarray) -> Places:
    """`places[crops, 2]` brought into the unit square, around its middle, both axes by the same factor."""
    low, high = places.min(0), places.max(0)
    size = float((high - low).max())
    return np.round((places - (low + high) / 2) / (size or 1) + 0.5, DIGITS)
