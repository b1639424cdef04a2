"""Watch and schedule."""

from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option(help="Port of the page that links both.", min=1, max=65535)] = 8760,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow server.", min=1, max=65535)] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect server.", min=1, max=65535)] = 4200,
    host: Annotated[str, typer.Option(help="Address to bind to; anyone who reaches it can change runs.")] = "127.0.0.1",
    allowed_hosts: Annotated[
        str, typer.Option(help="Names by which browsers reach this machine, such as runs.example.org; with commas.")
    ] = "",
) -> None:
    """Start the MLflow and Prefect servers side by side, and a page that links them and the report."""
    from apps.servers import serve_ui

    names = [name.strip() for name in allowed_hosts.split(",") if name.strip()]
    serve_ui(host=host, port=port, mlflow_port=mlflow_port, prefect_port=prefect_port, allowed_hosts=names)


def serve(
    cron: Annotated[str, typer.Option(help="When the pipeline runs, as in cron.")] = "0 2 * * *",
    sweep_cron: Annotated[str, typer.Option(help="When the sweep runs, as in cron.")] = "0 8 * * 0",
    timezone: Annotated[
        str | None, typer.Option(help="Of both, as in Europe/Berlin; this machine's own unless given.")
    ] = None,
) -> None:
    """Serve Prefect deployments: pipeline and sweep (by cron); mining-round, tagging and report (on demand)."""
    from apps.servers import serve_deployments

    serve_deployments(cron=cron, sweep_cron=sweep_cron, timezone=timezone)
