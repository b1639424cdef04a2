"""What a round gained on validation, over the seeds of a study."""

import statistics
from typing import Any


def judged(rounds: list[dict[str, dict[str, float | None]]]) -> dict[str, Any] | None:
    """What a round gained: `figure, values, mean, spread, pays`; None from a single training, which has no spread.

    The figure is the fall of the false-positive rate at 95% text recall, or where there is none (no `Zxxx`) the rise
    of accuracy. `spread` is the standard deviation of the gains over the seeds; a round `pays` where their mean
    exceeds it.

    Args:
        rounds: for each seed the figures on validation `before` and `after`.
    """
    if len(rounds) < 2:
        return None
    figure = "false_positive_rate"
    values = _differences(rounds, figure, sign=-1)
    if values is None:
        figure = "accuracy"
        values = _differences(rounds, figure, sign=1)
    if values is None:
        return None
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    return {"figure": figure, "values": values, "mean": mean, "spread": spread, "pays": mean > spread}


def _differences(rounds: list[dict[str, dict[str, float | None]]], figure: str, *, sign: int) -> list[float] | None:
    found = []
    for one in rounds:
        before, after = one["before"][figure], one["after"][figure]
        if before is None or after is None:
            return None
        found.append(sign * (after - before))
    return found
