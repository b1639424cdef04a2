"""Suspected label errors among the user's own crops: confident learning over held-out folds."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.common.files import written_whole
from tasks.crop_table.origins import USER
from tasks.crop_table.png import Pixels
from tasks.crop_table.shards import stream_images
from tasks.crop_table.splits import TRAINING_SPLITS
from unfont.errors import UserError

# What one head learns from: it has a few thousand weights, and more rows than this only take longer.
FIT_ROWS = 20_000
STRENGTH = 0.1  # inverse of the head's L2 penalty: strong, so that held-out probabilities are not overconfident
STEPS = 300  # of L-BFGS, the most
STREAM = 2048  # crops in memory at a time
SEEDS = 2**32  # number of seeds that scikit-learn takes

SUSPECT_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("key", "given", "suggested")]
    + [(name, pa.float32()) for name in ("p_given", "p_suggested")]
)
Features = NDArray[np.float32]
Indices = NDArray[np.intp]
Fold = tuple[Indices, Indices]


def find_suspects(rows: pd.DataFrame, features: Features, *, folds: int, seed: int) -> pd.DataFrame:
    """Rows whose given label is probably wrong, and the label that crops like them have; most suspicious first.

    Confident learning (Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
    JAIR 2021), as `cleanlab` does it, on the probabilities of a head that did not learn from the row it judges:
    logistic regression on frozen features, fitted anew for each fold. Training the whole network once a
    fold would cost that many trainings. The price: it was trained on the wrong labels of `train`, and an error
    that its features have memorised looks right to the head. Systematic errors (every crop of one word, or most
    crops of a label) are not found either way.

    The crops of a group are held out together, so that no row is judged by a near-duplicate with the same error. A
    label that fewer groups than `folds` show would be missing where they are held out: each of its rows is a group.

    A label with fewer rows than folds is excluded: its rows are not judged, and it is never suggested. Where fewer
    than two labels are left, or there are no rows, or `folds` is 0 or 1, nothing is suspected.

    Args:
        rows: `key`, `given` (label), `group` (string or null).
        features: `[rows, d]`, in the order of `rows`.
        folds: parts that are held out in turn.

    Returns:
        `key, given, suggested, p_given, p_suggested`, by p_given − p_suggested, then key. The same rows, features
        and seed give the same table.
    """
    labels = _eligible_labels(rows, folds)
    if len(labels) < 2:
        return _table({name: [] for name in SUSPECT_SCHEMA.names})
    eligible = rows["given"].isin(labels).to_numpy(dtype=bool)
    kept = rows[eligible].reset_index(drop=True)
    given = pd.Index(labels).get_indexer(pd.Index(kept["given"]))
    splits = _folds(kept, given, folds, seed)
    probabilities = _held_out(np.ascontiguousarray(features[eligible]), given, splits, seed)
    return _suspects(kept["key"], given, probabilities, labels)


def user_features(model: Path, *, table: Path, target: str, group: str) -> tuple[pd.DataFrame, Features]:
    """The user's own crops of `train` and `pool`, in the table's order, and their embeddings.

    Embeddings are of clean crops, rounded to half precision as they are in a score table. Must run within
    `deterministic`; memory holds the embeddings and a few thousand crops.

    Returns:
        `key, given, group` and `float32[rows, d]`.

    Raises:
        UserError: there is no model or no table, or the crops have another size than the model reads.
    """
    # The command line reads suspects too, and should not wait for torch.
    from tasks.train.weights import load_model

    network, card = load_model(model)
    names = ["key", "given", "group"]
    parts = [pd.DataFrame(columns=names, dtype="str")]
    features = [np.zeros((0, network.target_head.in_features), np.float16)]
    for pixels, rows in stream_images(table, TRAINING_SPLITS, STREAM):
        own = (rows["origin"] == USER).to_numpy(dtype=bool)
        if not own.any():
            continue
        _check_size(pixels, card, table)
        features.append(_embeddings(network, pixels[own]))
        # Group and target may be the same column.
        parts.append(rows.loc[own, ["key", target, group]].set_axis(names, axis=1))
    return pd.concat(parts, ignore_index=True), np.concatenate(features).astype(np.float32)


def write_suspects(path: Path, suspects: pd.DataFrame) -> None:
    """Write what `find_suspects` gave as Parquet; the same table gives the same bytes."""
    with written_whole(path) as beside:
        pq.write_table(pa.Table.from_pandas(suspects, SUSPECT_SCHEMA, preserve_index=False), beside)


def read_suspects(path: Path) -> pd.DataFrame:
    """What `write_suspects` wrote.

    Raises:
        UserError: the file cannot be read, or is of something else.
    """
    fix = "run the round again"
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError("the suspected labels cannot be read", where=path, fix=fix) from error
    if not table.schema.equals(SUSPECT_SCHEMA):
        raise UserError("these are no suspected labels", where=path, fix=fix)
    return table.to_pandas()


def most_suspicious_first(suspects: pd.DataFrame) -> pd.DataFrame:
    """The rows by p_given − p_suggested, then key, numbered anew."""
    margin = suspects["p_given"] - suspects["p_suggested"]
    return suspects.assign(margin=margin).sort_values(["margin", "key"], ignore_index=True).drop(columns="margin")


def _eligible_labels(rows: pd.DataFrame, folds: int) -> list[str]:
    """The labels that every fold can learn and hold out, sorted; none where there are no folds."""
    counts = rows["given"].value_counts()
    return sorted(counts.index[counts >= folds]) if folds >= 2 else []


def _folds(rows: pd.DataFrame, given: Indices, folds: int, seed: int) -> list[Fold]:
    """Rows to fit and rows to hold out, once a fold, labels shared out evenly and groups held out whole."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    groups = _groups(rows, folds)
    if len(np.unique(groups)) < len(rows):
        whole = StratifiedGroupKFold(folds, shuffle=True, random_state=seed % SEEDS)
        splits = list(whole.split(groups, given, groups))
        labels = len(np.unique(given))
        if all(len(np.unique(given[fit])) == labels for fit, _ in splits):
            return splits
    return list(StratifiedKFold(folds, shuffle=True, random_state=seed % SEEDS).split(groups, given))


def _groups(rows: pd.DataFrame, folds: int) -> Indices:
    """Each row's group as a number; a row without one, or of a label that too few groups show, is a group alone."""
    unnamed = rows["group"].isna()
    shown = rows.groupby("given")["group"].nunique() + unnamed.groupby(rows["given"]).sum()
    alone = (unnamed | (rows["given"].map(shown) < folds)).to_numpy(dtype=bool)
    groups = pd.factorize(rows["group"])[0]
    groups[alone] = groups.max() + 1 + np.arange(alone.sum())
    return groups


def _held_out(features: Features, given: Indices, splits: list[Fold], seed: int) -> NDArray[np.float64]:
    """Probabilities `[rows, labels]`, each row's from the head that did not learn from it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    probabilities = np.zeros((len(given), given.max() + 1))
    with threadpool_limits(1):  # sums in another order would be other bytes
        for number, (fit, held) in enumerate(splits):
            some = _sampled(fit, given, np.random.default_rng([seed, number]))
            head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=STEPS))
            head.fit(features[some], given[some])
            probabilities[held] = head.predict_proba(features[held])
    return probabilities


def _sampled(fit: Indices, given: Indices, random: np.random.Generator) -> Indices:
    """At most about `FIT_ROWS` of the rows, the same share of each label and one at least."""
    share = FIT_ROWS / len(fit)
    if share >= 1:
        return fit
    mixed = pd.Series(random.permutation(fit))
    labels = given[mixed]
    rank = mixed.groupby(labels).cumcount().to_numpy()
    most = np.maximum(1, np.bincount(given[fit]) * share)
    return np.sort(mixed.to_numpy()[rank < most[labels].astype(int)])


def _suspects(keys: pd.Series, given: Indices, probabilities: NDArray[np.float64], labels: list[str]) -> pd.DataFrame:
    from cleanlab.filter import find_label_issues

    at = np.flatnonzero(find_label_issues(given, probabilities, n_jobs=1))
    best = probabilities.argmax(1)
    at = at[best[at] != given[at]]
    named = np.array(labels, dtype=object)
    found = _table(
        {
            "key": keys.iloc[at],
            "given": named[given[at]],
            "suggested": named[best[at]],
            "p_given": probabilities[at, given[at]],
            "p_suggested": probabilities[at, best[at]],
        }
    )
    return most_suspicious_first(found)


def _table(columns: dict[str, Any]) -> pd.DataFrame:
    kinds = {field.name: "float32" if field.type == pa.float32() else "str" for field in SUSPECT_SCHEMA}
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()}).astype(kinds)


def _embeddings(network: Any, pixels: Pixels) -> NDArray[np.float16]:
    """`[rows, d]` of crops `uint8[rows, h, w]` or `uint8[rows, h, w, 3]`."""
    import torch

    from tasks.train.batches import FORWARD_BATCH, as_images

    with torch.inference_mode():
        parts = torch.split(torch.from_numpy(pixels), FORWARD_BATCH)
        return torch.cat([network.embed(as_images(part, network.channels)).half() for part in parts]).numpy()


def _check_size(pixels: Pixels, card: dict[str, Any], table: Path) -> None:
    height, width = card["height"], card["width"]
    if pixels.shape[1:3] != (height, width):
        what = f"the crops are {pixels.shape[1]}×{pixels.shape[2]} pixels and the model reads {height}×{width}"
        raise UserError(what, where=table, fix="train the model on this table: unfont run")
