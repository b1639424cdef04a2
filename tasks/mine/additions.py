"""What a training of a round adds to its training set: mined crops of the pool, or as many at random."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.common.determinism import derived_seed
from tasks.crop_table.shards import read_rows, read_table
from tasks.crop_table.splits import POOL
from tasks.mine.job import RoundJob
from tasks.mine.label_errors import find_suspects, user_features
from tasks.mine.review import apply_decisions, check_labels, decisions_path, read_decisions
from tasks.mine.score_table import read_scores
from tasks.mine.select import ADDED, plan_mining
from tasks.train.card import read_card, weights_of
from tasks.train.model_folder import read_training

MINED_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("key", "true", "predicted", "nuisance")]
    + [("score", pa.float32()), ("outcome", pa.string()), ("weights", pa.string())]
)
NO_ROWS = pd.DataFrame({name: pd.Series(dtype=object) for name in MINED_SCHEMA.names})
NOTHING_NEW = "nothing to add"
# Not the probabilities: in memory they would be an array object a row.
PLANNED = ["key", "predicted", "true", "nuisance", "p", "embedding"]


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a training adds.

    Attributes:
        plan: every false positive of the pool and its outcome, or a control's random crops, all of them added.
        scored_by: SHA-256 of the weights that scored the pool; None where nothing was scored for it.
        pool: rows of the pool; None where it was not read.
        why: why nothing is added, where nothing is.
        suspects: the user's crops with suspected labels; None where all labels are known.
    """

    plan: pd.DataFrame
    scored_by: str | None = None
    pool: int | None = None
    why: str | None = None
    suspects: pd.DataFrame | None = None

    @property
    def added(self) -> pd.DataFrame:
        return self.plan[self.plan["outcome"] == ADDED]


def additions_of(job: RoundJob) -> Additions:
    """What this training adds: nothing after the rounds have ended.

    Raises:
        UserError: the score table, the decisions or the lineage of the previous model cannot be read, or do not fit it.
    """
    if why := job.stop():
        return Additions(plan=NO_ROWS, why=why)
    return _random(job) if job.control else _mined(job)


def _mined(job: RoundJob) -> Additions:
    weights = weights_of(job.start)
    decisions = decisions_of(job)
    wrong = _wrong_rows(job, weights, decisions)
    pool = pq.read_metadata(job.scores).num_rows
    suspects = _suspects(job, decisions)
    suspected = [] if suspects is None else suspects["key"].tolist()
    known = read_training(job.start)["key"]
    ambiguous = read_table(job.table, ["key"], pc.field("ambiguous"))["key"].to_pylist()
    plan = plan_mining(wrong, job.params.mine, pool=pool, in_training=known, suspected=suspected, ambiguous=ambiguous)
    added = int((plan["outcome"] == ADDED).sum())
    job.progress(f"{len(plan):,} false positives in a pool of {pool:,}; {added:,} to add")
    why = None if added else NOTHING_NEW
    return Additions(plan=plan, scored_by=weights, pool=pool, why=why, suspects=suspects)


def decisions_of(job: RoundJob) -> pd.DataFrame:
    """A person's decisions on labels, checked against the labels of the previous model."""
    path = decisions_path(job.params.problem)
    decisions = read_decisions(path)
    check_labels(decisions, read_card(job.start)["labels"], where=path)
    return decisions


def _wrong_rows(job: RoundJob, weights: str, decisions: pd.DataFrame) -> pd.DataFrame:
    """The pool crops that the previous model predicts wrong, after a person's decisions on their labels."""
    wrong = read_scores(job.scores, weights=weights, columns=PLANNED, wrong=True)
    if decisions.empty:
        return wrong
    # A decision may make a right prediction wrong as well: decided crops are read whatever their score.
    decided = read_scores(job.scores, weights=weights, columns=PLANNED, keys=decisions["key"].tolist())
    rows = pd.concat([wrong[~wrong["key"].isin(decided["key"])], decided], ignore_index=True)
    return apply_decisions(rows, decisions, column="true")


def _suspects(job: RoundJob, decisions: pd.DataFrame) -> pd.DataFrame | None:
    """Suspected labels of the user's crops that nobody has decided; None where all labels are known."""
    labels, folds = job.params.labels, job.params.mine.folds
    if not labels.brings or not folds:
        return None
    rows, features = user_features(job.start, table=job.table, target=labels.target, group=labels.group)
    # The others are judged by the decided labels.
    rows = apply_decisions(rows, decisions, column="given")
    seed = derived_seed(job.params.seed, "suspects", job.number)
    found = find_suspects(rows.reset_index(drop=True), features[rows.index], folds=folds, seed=seed)
    return found[~found["key"].isin(decisions["key"])]


def _random(job: RoundJob) -> Additions:
    """As many crops as the mined training of the same seed added, a random sample of the pool."""
    mined = pd.read_parquet(job.out_of(job.replica.mined) / "mined.parquet", columns=["outcome"])
    wanted = int((mined["outcome"] == ADDED).sum())
    target = job.params.labels.target
    pool = read_rows(job.table, ["key", target], [POOL])
    decided = apply_decisions(pool, decisions_of(job), column=target)
    free = decided[~decided["key"].isin(read_training(job.start)["key"])]
    rng = np.random.default_rng(derived_seed(job.params.seed, "control", job.number, job.replica.seed))
    rows = free.iloc[np.sort(rng.permutation(len(free))[:wanted])]
    plan = pd.DataFrame({"key": rows["key"], "true": rows[target], "outcome": ADDED}).reindex(columns=NO_ROWS.columns)
    return Additions(plan=plan, pool=len(pool), why=None if wanted else NOTHING_NEW)
