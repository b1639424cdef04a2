"""What a Prefect run keeps for its reader: tables, and links to its MLflow run and the report.

Links go by way of `unfont ui`, whose page knows where everything is: a browser opens no file for a page of a server.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.server_gone import shown_if_there
from tasks.common.front_address import front_address
from tasks.common.mlflow_record import Record
from tasks.common.params import Params


def publish_metrics(address: str, record: Record) -> None:
    """A stage's metrics as a table, with the MLflow run that has the rest."""
    rows = [{"metric": metric, "value": value} for metric, value in sorted(record.measured().items())]
    _table(f"metrics-{address}", rows, f"Curves, figures and parameters: MLflow run {record.link()}.")


def publish_links(name: str, record: Record, params: Params) -> None:
    """A run's MLflow run, to be watched while it goes on, and the report where there is one."""
    from prefect.artifacts import create_markdown_artifact

    lines = [f"MLflow run {record.link()}"]
    if (params.home / "report" / "index.html").exists():
        lines.append(f"[Report]({_report_address()}), as the last run left it")
    with shown_if_there():
        create_markdown_artifact(key=_key(f"links-{name}"), markdown="\n\n".join(lines))


def publish_stages(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """What a run brought up to date, a row a stage."""
    _table(f"stages-{name}", rows, "In order; the stage's own run has its metrics.")


def publish_report(problem: str, index: Path, record: Record) -> None:
    """The report, of the run that wrote it."""
    from prefect.artifacts import create_link_artifact

    with shown_if_there():
        create_link_artifact(
            key=_key(f"report-{problem}"),
            link=_report_address(),
            link_text=str(index),
            description=f"What was measured, mined and learned. MLflow keeps it as `report` of run {record.link()}.",
        )


def _report_address() -> str:
    return f"{front_address()}/report/index.html"


def _table(name: str, rows: Sequence[dict[str, Any]], description: str) -> None:
    from prefect.artifacts import create_table_artifact

    with shown_if_there():
        create_table_artifact(key=_key(name), table=list(rows), description=description)


def _key(name: str) -> str:
    """`name` as Prefect takes a key: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
