"""Probe: what can still be decoded of each nuisance from every model; no choice depends on it."""

import sys

from flows.evaluate import models_of, replicas_of_study
from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.probe.probe import probe_models


@stage("probe")
def probe(params: Params, facts: StageFacts, record: Record) -> None:
    """Fit new probes to the frozen features of every model, after the choice is made."""
    out = params.home / "metrics" / "probe.json"
    models, replicas = models_of(params), replicas_of_study(params)
    record.metrics(step(probe_models)(params, home=params.home, models=models, replicas=replicas, out=out))
    record.artifact(out)


if __name__ == "__main__":
    main(probe, sys.argv)
