"""Predict: the labels of a user's pictures, and the model's confidence."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from tasks.pages.text_table import aligned
from unfont.answers import BATCH, Model, answers
from unfont.errors import UserError
from unfont.picture import read_picture
from unfont.rank import Record, check_options
from unfont.text import shown


def predict_files(
    files: Sequence[Path],
    *,
    model: Model,
    top: int = 3,
    among: Sequence[str] | None = None,
    abstain_below: float = 0.0,
) -> tuple[list[Record], list[UserError]]:
    """Predict every picture that can be read, and report of every other why it cannot.

    Args:
        files: pictures, predicted in this order.
        model: what predicts.
        top, among, abstain_below: see `unfont.rank.answer`.

    Returns:
        Records with `file` and what `unfont.answers.answers` gives, and one error for each file that is left out.

    Raises:
        UserError: an option is wrong.
    """
    check_options(model.labels, top=top, among=among, abstain_below=abstain_below)
    records: list[Record] = []
    problems: list[UserError] = []
    for start in range(0, len(files), BATCH):
        good, pictures = [], []
        for file in files[start : start + BATCH]:
            try:
                pictures.append(read_picture(file, channels=model.shape[2]))
                good.append(str(file))
            except UserError as problem:
                problems.append(UserError(problem.what, where=shown(problem.where), fix=problem.fix))
        found = answers(model, pictures, top=top, among=among, abstain_below=abstain_below)
        records += [{"file": file, **record} for file, record in zip(good, found, strict=True)]
    return records, problems


def format_predictions(records: Sequence[Record], output_format: str) -> str:
    """Records of `predict_files` as text: 'table', 'json' or 'csv', without a newline at the end.

    Raises:
        ValueError: another format.
    """
    if output_format == "json":
        return json.dumps([_json_safe(record) for record in records], indent=2, ensure_ascii=False)
    if output_format == "csv":
        return _csv(records)
    if output_format == "table":
        return _table(records)
    raise ValueError(f"the output format must be table, json or csv, not '{output_format}'")


def _json_safe(record: Record) -> Record:
    # A file name that is not UTF-8 has no JSON: it is shown escaped.
    return {**record, "file": _utf8(record["file"])}


def _csv(records: Sequence[Record]) -> str:
    """`file`, the prediction, `p`, then a pair of columns for each label of `top`."""
    target = _target_of(records)
    count = max((len(record["top"]) for record in records), default=0)
    header = ["file", target, "p"]
    header += [name for rank in range(1, count + 1) for name in (f"{target}_{rank}", f"p_{rank}")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for record in records:
        best = [value for one in record["top"] for value in (one[target], one["p"])]
        writer.writerow([_utf8(record["file"]), record[target] or "", record["p"], *best])
    return text.getvalue().rstrip("\n")


def _table(records: Sequence[Record]) -> str:
    target = _target_of(records)
    lines = [["file", target, "p", "top"]]
    for record in records:
        top = "  ".join(f"{one[target]} {one['p']:.3f}" for one in record["top"])
        lines.append([shown(record["file"]), record[target] or "?", f"{record['p']:.3f}", top])
    return "\n".join(aligned(lines))


def _target_of(records: Sequence[Record]) -> str:
    names = [name for name in (records[0] if records else {}) if name not in ("file", "p", "top")]
    return str(names[0]) if names else "script"


def _utf8(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
