"""Test a model on a user's own crops, whose paths name their labels."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.common.params import Params
from tasks.images.file_kinds import SYSTEM_FILE, counted, left_out_notes, names_suffix
from tasks.images.label_names import LabelNames
from tasks.images.manifest import label_of
from tasks.images.path_pattern import NO_MATCH, Found, compile_pattern, find_files
from tasks.images.picture_table import PAIR, TEXT
from tasks.images.script_names import mapping_hint
from tasks.images.wider_pattern import wider_pattern
from tasks.metrics.classification import is_learned, measure, worst_confusions
from tasks.metrics.worst_group import accuracy_by
from tasks.pages.text_table import aligned
from tasks.predict.champion import find_model, temperature_of
from tasks.predict.torch_model import TorchModel
from unfont.answers import BATCH, answers
from unfont.errors import UserError
from unfont.picture import read_picture
from unfont.text import clip, shown

CONFUSIONS = 10  # mistakes shown
MOST_LABELS = 6  # unknown ones shown
REJECTED = 20  # files shown that were left out
FOLDER_METRICS = (
    "accuracy",
    "false_alarm_rate",
    "macro_f1",
    "calibration_error",
    "unlearned_caught",
    "unlearned_sure",
    "common_sure",
)


def evaluate_folder(
    params: Params,
    *,
    folder: Path,
    pattern: str | None = None,
    labels: Mapping[str, str] | None = None,
    model_folder: Path | None = None,
) -> dict[str, Any]:
    """Score the pictures below `folder` as they are and compare with the labels in their paths.

    Args:
        pattern: see `tasks.images.path_pattern.compile_pattern`; its placeholders are the model's target and nuisances,
            and `text` and `pair`, which a problem's own pattern may name and which are ignored here. By default the
            problem's own, else `{target}/*`.
        labels: the model's label, by the name that the paths have for it.
        model_folder: the model; the one that serves (`find_model`) unless given. Its probabilities have its
            temperature.

    Returns: `n` and the metrics that `tasks.metrics.classification.measure` defines; `by_label` and `by_nuisance`: `n`
        and `accuracy` of each value, by nuisance without `Zzzz`; `confusions`: the most frequent mistakes; `rejected`:
        every file that was left out, with its reason, except the operating system's; `notes`: lines for the user.

    Raises:
        UserError: no picture can be read, a label is not one of the model's, or pattern or labels are wrong.
    """
    model_folder = model_folder or find_model(params)
    model = TorchModel.of_folder(model_folder, temperature=temperature_of(params, model_folder))
    pictures = labelled_pictures(
        folder,
        pattern or params.labels.pattern or f"{{{model.target}}}/*",
        card=model.card,
        names=LabelNames(labels or {}),
    )
    rows, unread = predicted_rows(pictures.good, model)
    rejected = pictures.rejected + unread
    if rows.empty:
        what = f"none of {counted(len(pictures.good), 'picture')} can be read"
        raise UserError(what, where=folder, fix=f"see the first: {unread[0]['reason']}")
    metrics = measure(rows, nuisance=None, group="true", thin=(), cell_crops=1, confidence=params.evaluate.confidence)
    learned = rows[is_learned(rows)]
    return {
        "n": metrics["n"],
        **{name: metrics[name] for name in FOLDER_METRICS},
        "by_label": accuracy_of_values(rows, "true"),
        "by_nuisance": {
            name: accuracy_of_values(learned, name) for name in model.card["nuisances"] if name in rows.columns
        },
        "confusions": worst_confusions(rows, top=CONFUSIONS),
        "rejected": sorted(rejected, key=lambda entry: str(entry["file"])),
        "notes": pictures.notes,
    }


@dataclass(frozen=True)
class LabelledPictures:
    """The pictures of a folder whose paths name a label; the other files with their reasons; lines for the user."""

    good: list[Found]
    rejected: list[dict[str, str]]
    notes: list[str]


def labelled_pictures(folder: Path, pattern: str, *, card: dict[str, Any], names: LabelNames) -> LabelledPictures:
    """Find the pictures that a model with this card can be tested on; nothing is read yet.

    Raises:
        UserError: as `evaluate_folder`.
    """
    columns = [card["target"], *card["nuisances"], TEXT, PAIR]
    expression = compile_pattern(pattern, columns=columns, required=card["target"])
    found = list(find_files(folder, expression, any_suffix=names_suffix(pattern)))
    files = [file for file in found if file.reason != SYSTEM_FILE]
    outside = _outside(files, pattern, columns, card)
    good = [_mapped(file, names, card["target"]) for file in files if file.reason is None]
    if not good:
        what = f"none of {counted(len(files), 'file')} matches '{pattern}'"
        raise UserError(what, where=folder, fix=outside[0] if outside else "fix --pattern or the folder")
    unused = names.unused()
    _check_labels(good, card, folder)
    return LabelledPictures(
        good=good,
        rejected=[{"file": file.name, "reason": file.reason} for file in files if file.reason],
        notes=[*outside, *unused, *left_out_notes(len(found) - len(files), Counter(), card["target"])],
    )


def predicted_rows(files: Sequence[Found], model: TorchModel) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """A row a picture: its `file`, its labels, `true`, `predicted`, `p`; and what cannot be read, with its reason."""
    unread: list[dict[str, str]] = []
    return pd.DataFrame(_predicted(files, model, unread)), unread


def format_evaluation(result: dict[str, Any], output_format: str) -> str:
    """What `evaluate_folder` found, as text: 'table', 'json', or 'csv' (a row a label).

    Raises:
        ValueError: another format.
    """
    if output_format == "json":
        safe = [{**entry, "file": shown(entry["file"])} for entry in result["rejected"]]
        return json.dumps({**result, "rejected": safe}, indent=2, ensure_ascii=False)
    if output_format == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["label", "n", "accuracy"])
        writer.writerows([label, row["n"], row["accuracy"]] for label, row in result["by_label"].items())
        return text.getvalue().rstrip("\n")
    if output_format == "table":
        return "\n".join(_lines(result))
    raise ValueError(f"the output format must be table, json or csv, not '{output_format}'")


def _outside(files: Sequence[Found], pattern: str, columns: Sequence[str], card: dict[str, Any]) -> list[str]:
    """A line on pictures that the pattern leaves outside, if there are any, and how to take them."""
    names = [file.name for file in files if file.reason == NO_MATCH]
    if not names:
        return []
    wider = wider_pattern(pattern, names, target=card["target"], columns=columns, known=card["labels"])
    how = f"; --pattern '{wider[0]}' would take {wider[1]} of them" if wider else ""
    return [f"{counted(len(names), 'picture')} outside '{pattern}', such as {shown(names[0])}{how}"]


def _mapped(file: Found, names: LabelNames, target: str) -> Found:
    name = file.labels[target]
    return replace(file, labels={**file.labels, target: names.label(label_of(name) or name)})


def _check_labels(files: list[Found], card: dict[str, Any], folder: Path) -> None:
    unknown = {label: file for file in reversed(files) if (label := file.labels[card["target"]]) not in card["labels"]}
    if unknown:
        names = sorted(unknown)
        said = ", ".join(f"'{clip(name)}'" for name in names[:MOST_LABELS])
        raise UserError(
            f"unknown label{'s' if len(names) > 1 else ''} {said}",
            where=shown(folder / unknown[names[0]].name),
            fix=f"say {mapping_hint(names, card['labels'])}; the model knows {', '.join(card['labels'])}",
        )


def _predicted(files: Sequence[Found], model: TorchModel, unread: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """A row a picture: its labels, `true`, `predicted`, `p`; what cannot be read goes to `unread`."""
    for start in range(0, len(files), BATCH):
        read, pictures = [], []
        for file in files[start : start + BATCH]:
            try:
                pictures.append(read_picture(file.path, channels=model.shape[2]))
                read.append(file)
            except UserError as problem:
                unread.append({"file": file.name, "reason": problem.what})
        for file, found in zip(read, answers(model, pictures, top=1), strict=True):
            pair = {"true": file.labels[model.target], "predicted": found[model.target]}
            yield {"file": file.name, **file.labels, **pair, "p": found["p"]}


def accuracy_of_values(rows: pd.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """`n` and `accuracy` of each value of `column`, the lowest accuracy first."""
    cells = accuracy_by(rows, column)
    return {
        str(value): {"n": int(cell["n"]), "accuracy": round(float(cell["accuracy"]), 6)}
        for value, cell in cells.iterrows()
    }


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield counted(result["n"], "picture")
    for name in FOLDER_METRICS:
        if result[name] is not None:
            yield f"{name.replace('_', ' ')}: {result[name]:.4f}"
    for title, cells in [("label", result["by_label"]), *result["by_nuisance"].items()]:
        yield ""
        rows = [[shown(value), str(cell["n"]), f"{cell['accuracy']:.4f}"] for value, cell in cells.items()]
        yield from aligned([[title, "n", "accuracy"], *rows])
    if result["confusions"]:
        yield ""
        rows = [[entry["true"], entry["predicted"], str(entry["n"])] for entry in result["confusions"]]
        yield from aligned([["true", "predicted", "n"], *rows])
    if result["rejected"]:
        yield from _rejected_lines(result["rejected"])


def _rejected_lines(rejected: list[dict[str, str]]) -> Iterator[str]:
    yield ""
    yield f"{counted(len(rejected), 'file')} left out"
    for reason, n in Counter(entry["reason"] for entry in rejected).most_common():
        yield f"  {n} × {reason}"
    for entry in rejected[:REJECTED]:
        yield f"  {shown(entry['file'])}: {entry['reason']}"
    if len(rejected) > REJECTED:
        yield f"  … and {len(rejected) - REJECTED} more"
