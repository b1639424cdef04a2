"""WHAT: a room a stage, named as its flow, and shared rooms below; all reading and writing of files lives here."""

import os

# Telemetry of Prefect, MLflow and DVC is off unless the user turns it on, and so is their chatter. A Prefect server of
# one process has two minutes to start: its own 20 seconds are too few on a slow machine. All this stands here because
# every process that can start one of them (command line, stage, worker, served model) imports this first.
for _name, _value in {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}.items():
    os.environ.setdefault(_name, _value)
