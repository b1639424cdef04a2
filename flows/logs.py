"""Logging for people, light enough to come before anything else is imported."""

import logging
import os
import sys


def quiet_logging() -> None:
    """Progress on stderr in plain lines. Prefect's own messages go to its server, and an error is logged once."""
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "unfont")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")  # before and after a flow
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")  # a machine that is not there yet is no C++ backtrace
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_for_people)
    for noisy in ("alembic", "mlflow", "httpx", "dvc", "matplotlib", "fontTools", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _for_people(record: logging.LogRecord) -> bool:
    """Prefect logs an exception at every level it passes; `main` logs it, once and last."""
    if not record.name.startswith("prefect"):
        return True
    logged_elsewhere = record.exc_info is not None or record.getMessage().startswith("Finished in state")
    return record.levelno >= logging.WARNING and not logged_elsewhere
