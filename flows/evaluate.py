"""Evaluate: choose by validation, then score every model on the test splits."""

import sys
from pathlib import Path

from flows.register import register_chosen
from flows.stage import main, stage, step
from tasks.evaluate import evaluate_models
from tasks.figures import draw_confusion
from tasks.params import Params
from tasks.replicas import replicas_of, seeds_of
from tasks.stages import StageFacts
from tasks.study import model_name
from tasks.track import Record


@stage("evaluate")
def evaluate(params: Params, facts: StageFacts, record: Record) -> None:
    """Freeze the choice, then measure every model; nothing reads the test figures back."""
    home = params.home
    chosen, predictions = home / "chosen.json", home / "predictions.parquet"
    metrics, study = home / "metrics" / "evaluate.json", home / "metrics" / "study.json"
    record.metrics(
        step(evaluate_models)(
            params,
            table=home / "table",
            models=models_of(params),
            replicas=replicas_of_study(params),
            chosen=chosen,
            metrics=metrics,
            study=study,
            predictions=predictions,
        )
    )
    for path in (chosen, metrics, study):
        record.artifact(path)
    record.figure(draw_confusion(predictions, chosen), "confusion.png")
    step(register_chosen)(params)


def models_of(params: Params) -> dict[str, Path]:
    """Every model that the params ask for, by name, in the order of the chain."""
    rounds = {f"round-{number}": params.home / "rounds" / number for number in ("0", *params.rounds)}
    return rounds | {mode: params.home / "invariance" / mode for mode in params.invariance.modes}


def replicas_of_study(params: Params) -> dict[str, Path]:
    """The further trainings of every round and mode that a study asks for, by name: `round-1/mined-1`, `erm/seed-1`."""
    modes = {
        f"{mode}/{replica.name}": replica.folder(params.home / "invariance" / mode)
        for mode in params.invariance.modes
        for replica in seeds_of(params.study)
        if not replica.main
    }
    rounds = {
        model_name(number, replica): replica.folder(params.home / "rounds" / str(number))
        for number in (0, *map(int, params.rounds))
        for replica in replicas_of(params.study, number)
        if not replica.main
    }
    return rounds | modes


if __name__ == "__main__":
    main(evaluate, sys.argv)
