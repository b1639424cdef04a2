"""WHAT: one verb a module; all reading and writing of files lives here."""

import os

# Telemetry of Prefect, MLflow and DVC is off unless the user turns it on, and so is their chatter. It stands here
# because every process that can start one of them (command line, stage, worker, served model) imports this first.
for _name, _value in {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}.items():
    os.environ.setdefault(_name, _value)

# Threads of torch spin while they wait for each other, and for so long that beside one other busy process training on
# two cores falls from 1,900 to 50 crops a second. A shorter spin keeps the rate where nothing disturbs, and 370 where
# something does; sleeping at once (OMP_WAIT_POLICY) costs a third. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "100000")
