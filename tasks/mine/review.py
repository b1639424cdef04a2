"""A person's decisions on suspected labels: kept in one CSV file a problem, applied in every later round."""

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd

from tasks.common.files import written_whole
from tasks.mine.label_errors import SUSPECT_SCHEMA, most_suspicious_first, read_suspects
from unfont.errors import UserError

REVIEWS = Path("data/reviews")
COLUMNS = ["key", "label"]
LEFT_OUT = ""  # the label of a crop that is excluded from training
PREFIX = 6  # hexadecimal digits, the fewest that name a crop
_KEY = re.compile("[0-9a-f]{64}")
_PREFIX = re.compile(f"[0-9a-f]{{{PREFIX},64}}")


def decisions_path(problem: str) -> Path:
    """Where a problem's decisions are kept."""
    return REVIEWS / f"{problem}.csv"


def as_label(text: str) -> str:
    """A label as it is written in crop tables: no blanks around it, accents composed (NFC)."""
    return unicodedata.normalize("NFC", text.strip())


def read_decisions(path: Path) -> pd.DataFrame:
    """`key, label` of every decided crop, the last row of a key; `LEFT_OUT` is to be excluded.

    No file is no decisions.

    Raises:
        UserError: the file is no such CSV: another column, a line with more or less than two, a key that is not 64
            hexadecimal digits.
    """
    if not path.exists():
        return _decisions([])
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _decisions(list(_read_rows(file, path)))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("the decisions cannot be read", where=path, fix="give a CSV file in UTF-8") from error


def add_decisions(path: Path, rows: pd.DataFrame) -> None:
    """Add `rows` (`key, label`) to the decisions at `path`; it replaces an older one on the same key.

    The whole file is rewritten, sorted by key: it holds all decisions, or is as it was.

    Raises:
        UserError: what is there cannot be read, or the file cannot be written.
    """
    both = pd.concat([read_decisions(path), rows[COLUMNS]], ignore_index=True)
    kept = _decisions(list(both.itertuples(index=False, name=None)))
    with written_whole(path) as beside:
        kept.to_csv(beside, index=False, lineterminator="\n", encoding="utf-8")


def check_labels(decisions: pd.DataFrame, labels: Collection[str], *, where: object) -> None:
    """Raises UserError where a crop was given a label that is not among the problem's `labels`."""
    unknown = decisions[~decisions["label"].isin([*labels, LEFT_OUT])]
    if len(unknown):
        key, label = unknown.iloc[0][COLUMNS]
        what = f"{key[:12]} is given the label {label!r:.60}, which the problem does not have"
        raise UserError(what, where=where, fix=f"use one of: {', '.join(sorted(labels)):.300}")


def apply_decisions(frame: pd.DataFrame, decisions: pd.DataFrame, *, column: str) -> pd.DataFrame:
    """`frame` with decided labels in `column`, and without the rows that were left out.

    Order and index stay: the index says which rows are left. A decision on a `key` that is not there changes nothing.
    """
    decided = frame["key"].map(decisions.set_index("key")["label"])
    changed = frame.assign(**{column: frame[column].where(decided.isna(), decided)})
    return changed[(decided != LEFT_OUT).to_numpy(dtype=bool)]


def suspects_of(home: Path) -> pd.DataFrame:
    """Everything that the rounds in `home` suspect, most suspicious first, each key from the last `round` that has it.

    `key, given, suggested, p_given, p_suggested, round`.

    Raises:
        UserError: a round's suspects cannot be read.
    """
    rounds = sorted(
        int(path.parent.name) for path in home.glob("rounds/*/review.parquet") if path.parent.name.isdigit()
    )
    parts = [read_suspects(home / "rounds" / str(n) / "review.parquet").assign(round=n) for n in rounds]
    if not parts:
        return pd.DataFrame(columns=[*SUSPECT_SCHEMA.names, "round"])
    found = pd.concat(parts, ignore_index=True).drop_duplicates("key", keep="last")
    return most_suspicious_first(found)


def pending(home: Path, decisions: pd.DataFrame) -> pd.DataFrame:
    """The rows of `suspects_of` that nobody has decided."""
    found = suspects_of(home)
    return found[~found["key"].isin(decisions["key"])].reset_index(drop=True)


def resolve(prefix: str, keys: Iterable[str]) -> str:
    """The one of `keys` that starts with `prefix`.

    Raises:
        UserError: `prefix` is not `PREFIX` to 64 hexadecimal digits, or none or several keys start with it.
    """
    start = prefix.strip().lower()
    if not _PREFIX.fullmatch(start):
        what = f"a crop is named by {PREFIX} to 64 hexadecimal digits of its key"
        raise UserError(what, where=f"{prefix!r:.80}", fix="unfont review lists the keys")
    found = sorted({key for key in keys if key.startswith(start)})
    if not found:
        what = "this is the key of no suspected crop, and of none of your own in train or pool"
        raise UserError(what, where=start, fix="unfont review lists the keys")
    if len(found) > 1:
        raise UserError(f"{len(found)} crops' keys start so", where=start, fix="give more digits")
    return found[0]


def _read_rows(file: Iterable[str], path: Path) -> Iterator[tuple[str, str]]:
    lines = csv.reader(file, strict=True)
    indices: list[int] = []
    try:
        for row in lines:
            where = f"{path}, line {lines.line_num}"
            if not indices:
                indices = _indices(row, where)
            elif row:
                yield _checked(row, indices, where)
    except csv.Error as error:
        where = f"{path}, line {lines.line_num}"
        raise UserError(f"this is no CSV: {error}", where=where, fix="fix the line's quotes") from error
    if not indices:
        _indices([], f"{path}, line 1")


def _indices(header: list[str], where: str) -> list[int]:
    names = [name.strip() for name in header]
    if sorted(names) != COLUMNS:
        raise UserError("the columns are not key and label alone", where=where, fix="start the file with: key,label")
    return [names.index(name) for name in COLUMNS]


def _checked(row: list[str], indices: list[int], where: str) -> tuple[str, str]:
    if len(row) != len(COLUMNS):
        fix = 'write key,label, and a label with a comma in it in quotes: key,"a, b"'
        raise UserError(f"the line has {len(row)} values and not {len(COLUMNS)}", where=where, fix=fix)
    key, label = row[indices[0]].strip(), row[indices[1]]
    if not _KEY.fullmatch(key):
        raise UserError(f"{key!r:.80} is no key", where=where, fix="give all 64 hexadecimal digits of the crop's key")
    return key, as_label(label)


def _decisions(rows: list[tuple[str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    return frame.drop_duplicates("key", keep="last").sort_values("key", ignore_index=True)
