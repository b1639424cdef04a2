"""Which variables drive the network's output for one row of the table."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from models.settings import InfluenceSettings
from models.table_attribution import attribute_outputs, mean_inputs
from tasks.influence.dataset import Dataset
from tasks.influence.importance import by_variable, conductance_of
from tasks.influence.train import Fit, predict
from unfont.errors import UserError

MOST_NEURONS = 10
DIGITS = 6
RowValues = tuple[int, dict[str, str]]  # the row's number, from 1, and its values as text


def row_values(table: pa.Table, row: int, path: Path) -> RowValues:
    """The values of a row, numbered from 1.

    Raises:
        UserError: there is no such row.
    """
    if not 1 <= row <= table.num_rows:
        raise UserError(f"there is no row {row}", where=path, fix=f"rows are 1 to {table.num_rows}, without the header")
    values = table.slice(row - 1, 1).to_pylist()[0]
    return row, {name: "" if value is None else str(value) for name, value in values.items()}


def explain_row(data: Dataset, fit: Fit, settings: InfluenceSettings, *, row: RowValues) -> dict[str, Any]:
    """The evidence of every variable for the predicted output, the strongest first, and the neurons it goes through.

    Evidence is integrated gradients: of a class its logit less the mean of all, of a number in the target's own unit,
    against an average row.
    """
    number, values = row
    rows = torch.tensor([number - 1])
    matrix, network, target = data.features.matrix, fit.network, data.target
    outputs = predict(network, matrix[rows])
    label = int(outputs.argmax(1))
    baseline = mean_inputs(network, matrix[data.train[: settings.permuted]])
    parts = attribute_outputs(network, matrix[rows], baseline, steps=settings.path).parts
    evidence = by_variable(data, parts)[0, label] * (1.0 if target.labels else target.deviation)
    found = [
        {"name": name, "value": values[name], "evidence": round(float(own), DIGITS)}
        for name, own in zip(data.features.variables, evidence, strict=True)
    ]
    through = conductance_of(data, fit, settings, rows)
    neurons = [
        {"layer": layer, "unit": unit, "evidence": round(own * (1.0 if target.labels else target.deviation), DIGITS)}
        for layer, parts in through.items()
        for unit, own in enumerate(parts[0].sum(1).tolist())
    ]
    return {
        "number": number,
        "truth": values[target.name],
        "predicted": _predicted(data, outputs[0]),
        "trained_on": bool((data.train == number - 1).any()),
        "variables": sorted(found, key=lambda each: -abs(each["evidence"])),
        "neurons": sorted(neurons, key=lambda each: -abs(each["evidence"]))[:MOST_NEURONS],
    }


def _predicted(data: Dataset, outputs: torch.Tensor) -> dict[str, Any]:
    target = data.target
    if not target.labels:
        return {"value": round(float(outputs[0]) * target.deviation + target.mean, DIGITS)}
    p, label = outputs.softmax(0).max(0)
    return {"value": target.labels[int(label)], "p": round(float(p), DIGITS)}
