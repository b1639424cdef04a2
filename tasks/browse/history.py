"""A crop's provenance: its labels, its outcome in every round, and the models' predictions of it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from tasks.common.files import read_json, written_whole
from tasks.common.params import Params, ProblemSettings
from tasks.common.rounding import rounded
from tasks.crop_table.png import Pixels, decode_png, encode_png
from tasks.crop_table.shards import label_columns, nuisance_columns, read_table
from tasks.crop_table.splits import TRAINING_SPLITS
from tasks.evaluate.model_selection import read_choice
from tasks.mine.review import decisions_path, read_decisions
from tasks.mine.select import ADDED, NEAR, NO_ROOM, NUISANCE_FULL, PAIR_FULL
from unfont.errors import UserError
from unfont.text import shown

FEWEST = 6  # digits of a key's prefix
NAMED = 5  # candidates listed for an ambiguous prefix
LONG = 16  # digits of a listed candidate: enough to be unique in a table
DIGITS = 6  # of numbers
TINY = 1e-12  # an embedding may be all zeros
COMPARED = [ADDED, PAIR_FULL, NUISANCE_FULL, NO_ROOM]  # outcomes of crops that others may be near-duplicates of
ENLARGED = 4  # times, in height and width

Facts = dict[str, Any]


def history_of(params: Params, key: str) -> Facts:
    """The provenance of the crop whose key is, or begins with, `key`, as values for JSON.

    Reads one row of every file, by a filter on the key: fast with a million crops. What a later stage has not written
    yet is None, or `ran` or `evaluated` is False.

    Returns:
        `problem`, `key` (whole), `roles` (of each label column), `crop` (its row of the table, `image_path` in place
        of the image), `pair_crops` (the other crops of its pair), `decision` (a person's label; '' for excluded),
        `rounds` (`round`, `ran`, and where it ran `previous`, `stopped`, `why`, `scored`, `mined`, `suspected`,
        `training`), `evaluation` (`evaluated`, `chosen`, `predictions`; None for a crop of train or pool).

    Raises:
        UserError: there is no such crop, there are several, it is not a key, or a file cannot be read.
    """
    table = params.home / "table"
    whole = find_key(table, key, rejected=params.home / "rejected.parquet")
    crop = _crop(table, whole)
    history = {
        "problem": params.problem,
        "key": whole,
        "roles": _roles(params.labels),
        "crop": crop,
        "pair_crops": _pair_crops(table, crop, label_columns(params.labels)),
        "decision": _decision(decisions_path(params.problem), whole),
        "rounds": [_round(params, number, whole) for number in ["0", *sorted(params.rounds, key=int)]],
        "evaluation": None if crop["split"] in TRAINING_SPLITS else _evaluation(params.home, whole),
    }
    return {name: rounded(value, DIGITS) for name, value in history.items()}


def find_key(table: Path, key: str, *, rejected: Path) -> str:
    """The whole key of the one crop whose key is, or begins with, `key`.

    Raises:
        UserError: there is no such crop, there are several, or it is not a key.
    """
    start = key.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{FEWEST},64}}", start):
        fix = f"give its first digits, {FEWEST} of 64 at the least: 0 to 9, a to f"
        raise UserError("this is not the key of a crop", where=shown(key)[:80] or "empty", fix=fix)
    # 'g' sorts after every digit: with a range, shards can be skipped.
    within = (pc.field("key") >= start) & (pc.field("key") < f"{start}g")
    keys = sorted(set(read_table(table, ["key"], within)["key"].to_pylist()))
    if not keys:
        fix = f"a rejected picture has no key: {rejected} names it by its path"
        raise UserError(f"no key begins with {start}", where=table, fix=fix)
    if len(keys) > 1:
        named = ", ".join(each[: max(LONG, len(start) + 4)] for each in keys[:NAMED])
        more = ", …" if len(keys) > NAMED else ""
        raise UserError(f"{len(keys)} keys begin with {start}", where=table, fix=f"choose one: {named}{more}")
    return str(keys[0])


def picture_of(params: Params, key: str) -> Pixels:
    """The clean crop of a whole key, uint8 [height, width] or [height, width, 3]."""
    found = read_table(params.home / "table", ["image"], pc.field("key") == key)
    return decode_png(found["image"][0].as_py()["bytes"])


def save_picture(path: Path, pixels: Pixels) -> None:
    """Write `pixels` as a PNG, enlarged four times.

    Raises:
        UserError: the file cannot be written, or its name does not end in .png.
    """
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UserError("a picture is saved as a PNG file", where=path, fix="name a file that ends in .png")
    with written_whole(path) as beside:
        beside.write_bytes(encode_png(pixels.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)))


def _roles(labels: ProblemSettings) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {name: [] for name in label_columns(labels)}
    named = [(labels.target, "target"), *((name, "nuisance") for name in nuisance_columns(labels))]
    for name, role in [*named, (labels.group, "group")]:
        roles[name].append(role)
    return roles


def _crop(table: Path, key: str) -> Facts:
    row = read_table(table, None, pc.field("key") == key).to_pylist()[0]
    return {**{name: value for name, value in row.items() if name != "image"}, "image_path": row["image"]["path"]}


def _pair_crops(table: Path, crop: Facts, labels: list[str]) -> list[Facts]:
    if crop["pair"] is None:
        return []
    columns = ["key", *(name for name in labels if name in crop)]
    rows = read_table(table, columns, pc.field("pair") == crop["pair"]).to_pylist()
    return [row for row in rows if row["key"] != crop["key"]]


def _decision(path: Path, key: str) -> str | None:
    """The label that a person gave the crop, '' where it is excluded from training; None without a decision."""
    decisions = read_decisions(path)
    labels = decisions["label"][decisions["key"] == key].tolist()
    return labels[0] if labels else None


def _round(params: Params, number: str, key: str) -> Facts:
    folder = params.home / "rounds" / number
    if not folder.is_dir():
        return {"round": int(number), "ran": False}
    fix = f"make it again: unfont {f'round {number}' if int(number) else 'run baseline'}"
    suspected = ["given", "suggested", "p_given", "p_suggested"]
    return {
        "round": int(number),
        "ran": True,
        **_facts(folder / "round.json", fix),
        "scored": _scored(folder / "scores.parquet", key, fix),
        "mined": _mined(folder, key, fix),
        "suspected": _row(folder / "review.parquet", key, suspected, fix=fix),
        "training": _row(folder / "training.parquet", key, ["round", "weights", "score"], fix=fix),
    }


def _facts(path: Path, fix: str) -> Facts:
    """The round before this one, and whether the rounds had stopped and why; None for round 0, which has none."""
    try:
        facts = read_json(path)
        return {"previous": facts["previous"], "stopped": facts["stopped"], "why": facts.get("why")}
    except FileNotFoundError:
        return dict.fromkeys(("previous", "stopped", "why"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("this file cannot be read", where=path, fix=fix) from error


def _scored(path: Path, key: str, fix: str) -> Facts | None:
    """The prediction of a pool crop by the model that the round scored with."""
    row = _row(path, key, ["predicted", "true", "p", "p_true", "margin", "loss"], fix=fix)
    if row is None:
        return None
    facts = pq.read_schema(path).metadata or {}
    return {**row, **{name: facts.get(name.encode(), b"").decode() or None for name in ("weights", "severity")}}


def _mined(folder: Path, key: str, fix: str) -> Facts | None:
    """A false positive's outcome; for a near-duplicate also the crop that it is `near`."""
    row = _row(folder / "mined.parquet", key, ["true", "predicted", "nuisance", "score", "outcome", "weights"], fix=fix)
    if row is None or row["outcome"] != NEAR:
        return row
    return {**row, "near": _near(folder, key, row, fix)}


def _near(folder: Path, key: str, row: Facts, fix: str) -> Facts | None:
    """Key and cosine distance of the nearest crop that made this one a near-duplicate.

    It has the same (predicted, true) pair, is harder, and is not a near-duplicate itself; None without embeddings.
    """
    of_pair = (pc.field("predicted") == row["predicted"]) & (pc.field("true") == row["true"])
    score = pa.scalar(row["score"], pa.float32())
    harder = (pc.field("score") > score) | ((pc.field("score") == score) & (pc.field("key") < key))
    compared = _rows(folder / "mined.parquet", ["key"], of_pair & harder & pc.field("outcome").isin(COMPARED), fix=fix)
    names, features = _embeddings(folder / "scores.parquet", [key, *(each["key"] for each in compared)], fix)
    if key not in names or len(names) < 2:
        return None
    own = names.index(key)
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), TINY)
    distances = 1 - features @ features[own]
    distances[own] = np.inf
    nearest = int(distances.argmin())
    return {"key": names[nearest], "distance": float(distances[nearest])}


def _embeddings(path: Path, keys: list[str], fix: str) -> tuple[list[str], np.ndarray]:
    """Those of `keys` that have an embedding in a score table, and their embeddings [keys, width]."""
    if not path.exists():
        return [], np.empty((0, 0))
    wanted = pc.field("key").isin(pa.array(keys, pa.string())) & pc.field("embedding").is_valid()
    found = _read(path, ["key", "embedding"], wanted, fix=fix)
    # Arrow's own lists become an array at once; Python lists take seconds where a pair has thousands of crops.
    values = found["embedding"].combine_chunks().flatten().to_numpy().astype(np.float64)
    return found["key"].to_pylist(), values.reshape(found.num_rows, -1) if found.num_rows else np.empty((0, 0))


def _evaluation(home: Path, key: str) -> Facts:
    """Every model's prediction of the crop at every severity, and the name of the chosen model."""
    path = home / "predictions.parquet"
    if not path.exists():
        return {"evaluated": False, "chosen": None, "predictions": []}
    choice = read_choice(home)
    predictions = _rows(path, None, pc.field("key") == key, fix="evaluate again: unfont evaluate")
    return {"evaluated": True, "chosen": choice["name"] if choice else None, "predictions": predictions}


def _row(path: Path, key: str, columns: list[str], *, fix: str) -> Facts | None:
    """The crop's row of a Parquet file; None where it has none, or the file is not there."""
    return next(iter(_rows(path, columns, pc.field("key") == key, fix=fix)), None)


def _rows(path: Path, columns: list[str] | None, where: pc.Expression, *, fix: str) -> list[Facts]:
    return _read(path, columns, where, fix=fix).to_pylist() if path.exists() else []


def _read(path: Path, columns: list[str] | None, where: pc.Expression, *, fix: str) -> pa.Table:
    try:
        # Little is read ahead: a row group of keys can be large.
        return pads.dataset(path, format="parquet").to_table(columns=columns, filter=where, batch_readahead=2)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError("this file cannot be read", where=path, fix=fix) from error
