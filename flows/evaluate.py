"""Evaluate: choose by validation, then score every model on the test splits."""

import sys
from pathlib import Path

from flows.register import register_chosen
from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_figures import draw_by_nuisance, draw_confusion, draw_reliability, draw_risk_coverage
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY
from tasks.evaluate.evaluate import Outputs, evaluate_models
from tasks.evaluate.mining_gain import model_name
from tasks.predict.real_pictures import find_real, measure_real, real_folder
from tasks.train.replicas import replicas_of, seeds_of


@stage("evaluate")
def evaluate(params: Params, facts: StageFacts, record: Record) -> None:
    """Freeze the choice, then measure every model; no choice depends on test metrics or real pictures."""
    outputs, models = Outputs.of_home(params.home), models_of(params)
    # Found first: a wrong label is told before hours of scoring, not after them.
    real = step(find_real)(params, folder=real_folder(params.problem), model=models["round-0"])
    record.metrics(
        step(evaluate_models)(
            params,
            table=params.home / "table",
            models=models,
            replicas=replicas_of_study(params),
            outputs=outputs,
        )
    )
    measured = params.home / "metrics" / "real.json"
    record.metrics(step(measure_real)(params, real, models=models, out=measured))
    for path in (outputs.chosen, measured, outputs.metrics, outputs.study, outputs.invariance, outputs.groups):
        record.artifact(path)
    record.artifact(outputs.plots, "plots")
    confusion = draw_confusion(outputs.predictions, outputs.chosen, split=REPORT_SPLIT, severity=SEVERITY)
    record.figure(confusion, "confusion.png")
    record.figure(draw_risk_coverage(outputs.plots), "risk_coverage.png")
    record.figure(draw_reliability(outputs.plots), "reliability.png")
    for nuisance, figure in draw_by_nuisance(outputs.plots):
        record.figure(figure, f"accuracy_by_{nuisance}.png")
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
