"""Evaluate: choose by validation, then score every model on the test splits."""

import sys
from pathlib import Path

from flows.register import register_chosen
from flows.stage import main, stage, step
from tasks.evaluate import evaluate_models
from tasks.figures import draw_confusion
from tasks.params import Params
from tasks.stages import StageFacts
from tasks.track import Record


@stage("evaluate")
def evaluate(params: Params, facts: StageFacts, record: Record) -> None:
    """Freeze the choice, then measure every model; nothing reads the test figures back."""
    home = params.home
    chosen, metrics = home / "chosen.json", home / "metrics" / "evaluate.json"
    predictions = home / "predictions.parquet"
    record.metrics(
        step(evaluate_models)(
            params,
            table=home / "table",
            models=models_of(params),
            chosen=chosen,
            metrics=metrics,
            predictions=predictions,
        )
    )
    record.artifact(chosen)
    record.artifact(metrics)
    record.figure(draw_confusion(predictions, chosen), "confusion.png")
    step(register_chosen)(params)


def models_of(params: Params) -> dict[str, Path]:
    """Every model that the params ask for, by name, in the order of the chain."""
    rounds = {f"round-{number}": params.home / "rounds" / number for number in ("0", *params.rounds)}
    return rounds | {mode: params.home / "invariance" / mode for mode in params.invariance.modes}


if __name__ == "__main__":
    main(evaluate, sys.argv)
