"""The crop table: crops checked, split without leaks, each once; what cannot be used, with its reason."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.background import kinds_of
from tasks.cast import DESIGN_SIDE, TEXT_SIDE
from tasks.errors import UserError
from tasks.files import written_whole
from tasks.params import UNWRITTEN, ProblemSettings, TagSettings
from tasks.split import text_side
from tasks.table import SPLITS, crop_schema, read_rows, read_table, write_shards

REJECTED = pa.schema([("path", pa.string()), ("reason", pa.string())])


def make_table(
    settings: TagSettings,
    *,
    problem: ProblemSettings,
    seed: int,
    crops: Path,
    fonts: Path,
    out: Path,
    rejected: Path,
) -> dict[str, float]:
    """Write the accepted crops to the folder `out`, by split and key, and the others to `rejected`.

    Every crop is accepted or rejected; a rejected one is named by its file, or by its key if it has none.

    Raises:
        UserError: there are no crops, or a larger share of them than `settings.rejected` is rejected.
    """
    rows = read_rows(crops)
    if rows.empty:
        raise UserError("there are no crops", where=crops, mend="raise crops.text and crops.background")
    known = pq.read_table(fonts, columns=["script", "font_style", "design", "side"]).to_pandas()
    reasons = check_rows(rows, known=known, problem=problem, settings=settings, seed=seed)
    unusable = reasons.notna()
    with written_whole(rejected) as beside:
        _write_rejected(beside, crops, rows["key"], reasons)
    if unusable.mean() > settings.rejected:
        most = reasons[unusable].value_counts().sort_index().idxmax()
        raise UserError(
            f"{unusable.sum()} of {len(rows)} crops cannot be used, most often: {most}",
            where=rejected,
            mend="mend the crops that the file names, or raise tag.rejected",
        )
    with written_whole(out) as beside:
        written = write_shards(beside, _by_split(crops, rows, ~unusable, problem))
    counts = {f"rows.{split}": float((rows["planned"][~unusable] == split).sum()) for split in SPLITS}
    return {"given": float(len(rows)), "accepted": float(written), "rejected": float(unusable.sum())} | counts


def check_rows(
    rows: pd.DataFrame, *, known: pd.DataFrame, problem: ProblemSettings, settings: TagSettings, seed: int
) -> pd.Series:
    """Why each row cannot be used; null where it can. Pure.

    `known` holds the fonts' script, font_style, design and side.
    """
    reasons = pd.Series(None, index=rows.index, dtype="str")
    targets = set(known["script"].astype(str)) | {UNWRITTEN}
    _note(reasons, ~rows[problem.target].isin(targets), f"its {problem.target} is not in the problem")
    _note(reasons, ~rows["planned"].isin(SPLITS), "it is planned for no split")
    background = rows[problem.target] == UNWRITTEN
    design_side, text_sides = _sides(rows, known, settings, seed)
    right_design = design_side == rows["planned"].map(DESIGN_SIDE)
    right_text = text_sides == rows["planned"].map(TEXT_SIDE)
    _note(reasons, ~background & ~right_design, "its design is not on its split's side")
    _note(reasons, ~background & ~right_text, "its text is not on its split's side")
    own_kinds = [kind in kinds_of(split) for kind, split in zip(rows["kind"], rows["planned"], strict=True)]
    _note(reasons, background & ~np.array(own_kinds, bool), "its kind of background is not its split's")
    usable = rows[reasons.isna()]
    labels = usable.groupby("key")[problem.target].transform("nunique")
    contested = pd.Series(False, index=rows.index)
    contested[usable.index] = labels > 1
    _note(reasons, contested, f"the same pixels with two values of {problem.target}")
    again = rows[reasons.isna()].duplicated("key").reindex(rows.index, fill_value=False)
    _note(reasons, again, "the same pixels as another crop")
    return reasons


def _note(reasons: pd.Series, where: pd.Series, reason: str) -> None:
    reasons[where & reasons.isna()] = reason


def _sides(rows: pd.DataFrame, known: pd.DataFrame, settings: TagSettings, seed: int) -> tuple[pd.Series, pd.Series]:
    """Side of each row's design, and of its text; null where it has none."""
    side_of = known.astype(str).drop_duplicates("design").set_index("design")["side"]
    pairs = rows[["script", "text"]].dropna().drop_duplicates()
    texts = {
        (script, text): text_side(text, script=script, settings=settings, seed=seed)
        for script, text in pairs.itertuples(index=False)
    }
    sides = [texts.get(pair) for pair in zip(rows["script"], rows["text"], strict=True)]
    return rows["design"].map(side_of), pd.Series(sides, index=rows.index, dtype="str")


def _write_rejected(path: Path, crops: Path, keys: pd.Series, reasons: pd.Series) -> None:
    paths = read_table(crops, {"path": pc.field("image", "path")}).column("path").to_pandas()
    frame = pd.DataFrame({"path": paths.where(paths.notna(), keys), "reason": reasons})[reasons.notna()]
    frame = frame.sort_values(["path", "reason"], kind="stable")
    pq.write_table(pa.Table.from_pandas(frame, schema=REJECTED, preserve_index=False), path)


def _by_split(crops: Path, rows: pd.DataFrame, accepted: pd.Series, problem: ProblemSettings) -> Iterator[pa.Table]:
    """The accepted rows, a split at a time, each sorted by key: one split's images in memory, not all."""
    schema = crop_schema(problem, split=True)
    for split in SPLITS:
        kept = accepted[rows["planned"] == split].to_numpy()
        table = read_table(crops, where=pc.field("planned").cast(pa.string()) == split).filter(pa.array(kept))
        table = table.take(pc.sort_indices(table, sort_keys=[("key", "ascending")]))
        table = table.rename_columns(["split" if name == "planned" else name for name in table.column_names])
        yield table.select(schema.names).cast(schema)
