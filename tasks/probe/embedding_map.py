"""Embedding projection: crops of unseen designs in two dimensions, by PCA and t-SNE of each model's embedding."""

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

FEWEST = 5  # crops: a projection of fewer shows nothing
PERPLEXITY = 30  # of t-SNE, at most: roughly the number of neighbours that are kept near
DIGITS = 4

Points = np.ndarray  # [crops, 2] from 0 to 1, both axes with the same scale


@dataclass(frozen=True, kw_only=True)
class EmbeddingMap:
    """The same crops (`rows`: key and labels), projected from every model's embedding.

    Attributes:
        places: coordinates by model, then by method: `pca` and `tsne`.
        held: by model, the fraction of variance that the two axes of `pca` explain.
    """

    rows: pd.DataFrame
    places: dict[str, dict[str, Points]]
    held: dict[str, float]


def map_embeddings(params: Params, *, table: Path, models: Mapping[str, Path]) -> EmbeddingMap | None:
    """The projection of the models' embeddings of `report.map_crops` text crops, lightly degraded.

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
            pca, held[name] = pca_projection(embedding)
            tsne = tsne_projection(pca, embedding, seed=seed)
            places[name] = {"pca": in_unit_square(pca), "tsne": in_unit_square(tsne)}
    return EmbeddingMap(rows=rows, places=places, held=held)


def pca_projection(features: np.ndarray) -> tuple[np.ndarray, float]:
    """The two principal components `[crops, 2]` of `features[crops, width]`, and the fraction of variance they explain.

    Each axis is signed so that its largest loading is positive: a singular vector's sign is arbitrary.
    """
    centred = features - features.mean(0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(1)])
    whole = float((sizes**2).sum())
    return (left * sizes * signs)[:, :2], float((sizes[:2] ** 2).sum() / whole) if whole > 0 else 1.0


def tsne_projection(pca: np.ndarray, features: np.ndarray, *, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008) of `features[crops, width]`, initialised by `pca[crops, 2]`: `[crops, 2]`.

    It keeps neighbours together; distances between clusters, and their sizes, have no meaning.
    """
    from sklearn.manifold import TSNE

    spread = float(pca[:, 0].std())
    if spread == 0:  # every crop has the same features
        return pca
    start = (pca / spread * 1e-4).astype(np.float32)  # as scikit-learn scales its own
    perplexity = min(PERPLEXITY, (len(pca) - 1) / 3)
    return TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(features)


def in_unit_square(places: np.ndarray) -> Points:
    """`places[crops, 2]` scaled into the unit square and centred, both axes by the same factor."""
    low, high = places.min(0), places.max(0)
    size = float((high - low).max())
    return np.round((places - (low + high) / 2) / (size or 1) + 0.5, DIGITS)
