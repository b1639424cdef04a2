"""What a round gained on validation, over the seeds of a study."""

import statistics
from typing import Any


def gain_of(rounds: list[dict[str, dict[str, float | None]]]) -> dict[str, Any] | None:
    """What a round gained: `metric, values, mean, spread, pays`; None from a single training, which has no spread.

    The metric is the fall of the false-positive rate at 95% text recall, or where there is none (no `Zxxx`) the rise
    of accuracy. `spread` is the standard deviation of the gains over the seeds; a round `pays` where their mean
    exceeds it.

    Args:
        rounds: for each seed the metrics on validation `before` and `after`.
    """
    if len(rounds) < 2:
        return None
    metric = "false_positive_rate"
    values = _differences(rounds, metric, sign=-1)
    if values is None:
        metric = "accuracy"
        values = _differences(rounds, metric, sign=1)
    if values is None:
        return None
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    return {"metric": metric, "values": values, "mean": mean, "spread": spread, "pays": mean > spread}


def _differences(rounds: list[dict[str, dict[str, float | None]]], metric: str, *, sign: int) -> list[float] | None:
    found = []
    for one in rounds:
        before, after = one["before"][metric], one["after"][metric]
        if before is None or after is None:
            return None
        found.append(sign * (after - before))
    return found
