"""The crop table: checked, deduplicated, split without leakage; and the crops that cannot be used, with reasons."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.common.files import written_whole
from tasks.common.params import ProblemSettings, TagSettings
from tasks.crop_table.origins import BROUGHT, LIVE
from tasks.crop_table.png import decode_png
from tasks.crop_table.shards import REJECTED, REJECTED_FILE, label_columns, read_table, write_shards
from tasks.crop_table.splits import POOL, SPLITS, TEXT_SIDE, TRAIN
from tasks.tag.data_card import write_card
from tasks.tag.group_split import own_splits
from tasks.tag.near_duplicates import hashes_of, near_clusters
from tasks.tag.pictures import near_pictures, pictures_of, with_whole_pictures
from tasks.tag.reject import check_drawn, check_own, check_pixels, nothing_wrong
from tasks.tag.sorted_rows import batches_of, sorted_rows
from unfont.errors import UserError


def make_table(
    settings: TagSettings,
    *,
    problem: ProblemSettings,
    name: str,
    seed: int,
    crops: Path,
    fonts: Path,
    out: Path,
    rejected: Path,
) -> dict[str, float]:
    """Write the accepted crops to the folder `out`, by split and key, the others to `rejected`, and the data card.

    Rendered crops are in the split that they were planned for; the user's own are split by `tasks.tag.group_split`.
    Every crop is accepted, rejected or, if it would leak between sides, excluded (`set_aside`); what is not accepted is
    listed once for each reason, by its file, or by its key if it has none.

    Returns: how many crops were `given`, `accepted`, `rejected` and `set_aside`; `near_duplicates`: how many pictures
        look like another one of the same target and text; `rows.<split>`; of the user's own, how many pictures
        (`own_pictures`) the accepted crops (`own_crops`) were cut from.

    Raises:
        UserError: there are no crops, or a larger share of the pictures than `settings.rejected` is rejected whole.
    """
    rows = _read_rows(crops, problem)
    unread = _read_unread(crops)
    if rows.empty and unread.empty:
        raise UserError("there are no crops", where=crops, fix="raise crops.text and crops.background")
    known = pq.read_table(fonts, columns=["script", "font_style", "design", "side"]).to_pandas()
    reasons = _checked(rows, known=known, problem=problem, settings=settings, seed=seed)
    splits, aside, near = _split(rows, reasons, crops, known=known, problem=problem, settings=settings, seed=seed)
    with written_whole(rejected) as beside:
        _write_rejected(beside, rows, reasons.fillna(aside), unread)
    _check_rejected(rows, reasons, unread, settings.rejected, rejected)
    given, refused = len(rows) + len(unread), int(reasons.notna().sum()) + len(unread)
    if splits.notna().sum() == 0:
        raise UserError("no crop fits in a split", where=rejected, fix="bring more crops, of more groups")
    counts = {"given": given, "accepted": int(splits.notna().sum()), "rejected": refused}
    counts |= {"set_aside": int(aside.notna().sum()), "near_duplicates": near}
    counts |= {f"rows.{split}": int((splits == split).sum()) for split in SPLITS}
    own = rows[splits.notna() & rows["origin"].isin(BROUGHT)]
    counts |= {"own_pictures": own["path"].nunique(), "own_crops": len(own)} if len(own) else {}
    pairs = _whole_pairs(rows, splits)
    with written_whole(out) as beside:
        written = write_shards(beside, sorted_rows(crops, rows["key"], splits, pairs, problem, out.parent))
        assert written == counts["accepted"] == given - refused - counts["set_aside"]
    licences = fonts if problem.draws else None
    write_card(out, folder=out.parent, problem=problem, name=name, counts=counts, seed=seed, fonts=licences)
    return {key: float(count) for key, count in counts.items()}


def _read_rows(crops: Path, problem: ProblemSettings) -> pd.DataFrame:
    """Every crop without its image, numbered from 0; labels are plain strings, `path` is null for rendered crops."""
    names = [*label_columns(problem), "text", "kind", "origin", "pair", "key", "planned"]
    table = read_table(crops, {name: pc.field(name) for name in names} | {"path": pc.field("image", "path")})
    return table.cast(pa.schema([(field.name, pa.string()) for field in table.schema])).to_pandas()


def _read_unread(crops: Path) -> pd.DataFrame:
    path = crops / REJECTED_FILE  # the user's pictures that could not be read
    return (pq.read_table(path) if path.exists() else REJECTED.empty_table()).cast(REJECTED).to_pandas()


def _checked(
    rows: pd.DataFrame, *, known: pd.DataFrame, problem: ProblemSettings, settings: TagSettings, seed: int
) -> pd.Series:
    """Why each row cannot be used; null where it can."""
    reasons = nothing_wrong(rows)
    own = rows["origin"].isin(BROUGHT)
    if not own.all():
        drawn = rows[~own]
        reasons[~own] = check_drawn(drawn, known=known, problem=problem, settings=settings, seed=seed)
    if own.any():
        reasons[own] = check_own(rows[own], known=known, problem=problem)
    return check_pixels(rows, reasons, problem)


def _split(
    rows: pd.DataFrame,
    reasons: pd.Series,
    crops: Path,
    *,
    known: pd.DataFrame,
    problem: ProblemSettings,
    settings: TagSettings,
    seed: int,
) -> tuple[pd.Series, pd.Series, int]:
    """Split of each usable row; why rows without a split are excluded; the number of near-duplicates."""
    usable = reasons.isna().to_numpy()
    splits, aside = rows["planned"].where(usable), nothing_wrong(rows)
    clusters = np.full(len(rows), -1)
    buckets = rows[usable].groupby([problem.target, "text"], dropna=False, sort=False).ngroup().to_numpy()
    clusters[usable] = near_clusters(_hashes(crops, usable), buckets, bits=settings.near)
    pictures = pictures_of(rows)
    near = near_pictures(clusters[usable], pictures[usable])
    own = usable & rows["origin"].isin(BROUGHT).to_numpy()
    elsewhere = _near_elsewhere(splits, clusters)
    aside[elsewhere], splits[elsewhere] = "a near-duplicate of a crop on another side", None
    if not own.any():
        return splits, aside, near
    mine = pd.DataFrame(
        {"key": rows["key"], "target": rows[problem.target], "group": rows[problem.group], "text": rows["text"]}
    )[own]
    mine["cluster"] = with_whole_pictures(clusters[own], pictures[own])
    sides: dict[str, str] = dict(known[["design", "side"]].astype(str).itertuples(index=False)) if problem.draws else {}
    found = own_splits(mine, settings=settings, seed=seed, known=sides, beside_drawn=problem.draws)
    splits[own] = found["split"]
    # What the live page kept is there to be mined: it was read wrong.
    splits[own & (rows["origin"] == LIVE).to_numpy() & (splits == TRAIN).to_numpy()] = POOL
    aside[own] = found["reason"]
    return splits, aside, near


def _near_elsewhere(splits: pd.Series, clusters: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The rendered crops with a near-duplicate on an earlier side: training, then validation, then test.

    All crops of one text are on one side; non-text crops may look alike by chance.
    """
    order = {side: place for place, side in enumerate(dict.fromkeys(TEXT_SIDE.values()))}
    side = splits.map(TEXT_SIDE).map(order)
    first: pd.Series = side.groupby(clusters).transform("min")
    return (side > first).to_numpy()


def _hashes(crops: Path, wanted: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Perceptual hashes of the rows that are `wanted`."""
    found, place = [np.zeros(0, np.uint64)], 0
    for batch in batches_of(crops, ["image"]):
        chosen = wanted[place : place + batch.num_rows]
        place += batch.num_rows
        images = batch.column("image").field("bytes").filter(pa.array(chosen))
        if len(images):
            found.append(hashes_of(np.stack([decode_png(image.as_py()) for image in images])))
    return np.concatenate(found)


def _whole_pairs(rows: pd.DataFrame, splits: pd.Series) -> pd.Series:
    """Each row's pair, null where no other crop of it is accepted in the same split."""
    pairs = rows["pair"].where(splits.notna())
    counts = pairs.groupby([pairs, splits]).transform("size")
    return pairs.where(counts >= 2)


def _write_rejected(path: Path, rows: pd.DataFrame, reasons: pd.Series, unread: pd.DataFrame) -> None:
    refused = rows[reasons.notna()]
    frame = pd.DataFrame({"path": refused["path"].fillna(refused["key"]), "reason": reasons[reasons.notna()]})
    frame = frame[~(frame.duplicated() & refused["path"].notna())]  # the windows of a picture share its path
    frame = pd.concat([frame, unread]).sort_values(["path", "reason"], kind="stable")
    pq.write_table(pa.Table.from_pandas(frame, schema=REJECTED, preserve_index=False), path)


def _check_rejected(rows: pd.DataFrame, reasons: pd.Series, unread: pd.DataFrame, most: float, where: Path) -> None:
    """Raises UserError where more than the fraction `most` of the pictures is rejected, with every crop."""
    pictures = pictures_of(rows)
    given, kept = len(np.unique(pictures)) + len(unread), len(np.unique(pictures[reasons.isna()]))
    if given - kept > most * given:
        reason = pd.concat([reasons.dropna(), unread["reason"]]).value_counts().sort_index().idxmax()
        of = "crops" if given == len(rows) + len(unread) else "pictures"
        raise UserError(
            f"{given - kept} of {given} {of} cannot be used, most often: {reason}",
            where=where,
            fix="fix the crops that the file names, or raise tag.rejected",
        )
